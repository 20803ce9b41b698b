//! See [`unreel_fuzz::twilio_video`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::twilio_video(data));
