//! See [`unreel_fuzz::terminal`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::terminal(data));
