//! See [`unreel_fuzz::twilio_voice`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::twilio_voice(data));
