#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lydian_fuzz_targets::subject(bytes));
