//! See [`unreel_fuzz::key_pem`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::key_pem(data));
