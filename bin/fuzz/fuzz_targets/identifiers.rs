//! Lets coverage lead the target `identifiers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::identifiers(data));
