//! Lets coverage lead the target `configuration`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::configuration(data));
