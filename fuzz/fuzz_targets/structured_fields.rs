#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| tower_swr_cache::checks::structured_fields(text));
