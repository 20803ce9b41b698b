//! See [`unreel_fuzz::vonage`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::vonage(data));
