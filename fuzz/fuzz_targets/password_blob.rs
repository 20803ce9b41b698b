//! See [`unreel_fuzz::password_blob`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::password_blob(data));
