//! See [`unreel_fuzz::waveform`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::waveform(data));
