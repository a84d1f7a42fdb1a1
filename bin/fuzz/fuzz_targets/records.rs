//! Lets coverage lead the target `records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::records(data));
