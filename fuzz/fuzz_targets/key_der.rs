//! See [`unreel_fuzz::key_der`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::key_der(data));
