//! See [`unreel_fuzz::stream_segments`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::stream_segments(data));
