//! See [`unreel_fuzz::media_sniff`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::media_sniff(data));
