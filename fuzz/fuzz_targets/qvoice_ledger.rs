//! See [`unreel_fuzz::qvoice_ledger`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unreel_fuzz::qvoice_ledger(data));
