//! Lets coverage lead the target `scalars`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::scalars(data));
