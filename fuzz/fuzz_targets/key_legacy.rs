//! See [`unreel_fuzz::key_legacy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::key_legacy(data));
