//! See [`unreel_fuzz::stream`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::stream(data));
