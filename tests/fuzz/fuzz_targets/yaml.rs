#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowdeck_fuzz::run("yaml", data));
