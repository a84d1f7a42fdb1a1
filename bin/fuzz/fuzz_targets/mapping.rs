//! Lets coverage lead the target `mapping`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::mapping(data));
