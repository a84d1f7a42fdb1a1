//! The targets of the ordinary tests, for the fuzzer: the same functions, from the same files.

#![forbid(unsafe_code)]

#[path = "../../tests/fuzzing/targets/mod.rs"]
mod shared;

/// Configuration files and environments.
pub fn configuration(data: &[u8]) {
    shared::configuration(data);
}

/// Names on their way into SQL.
pub fn identifiers(data: &[u8]) {
    shared::identifiers(data);
}

/// Mapping files.
pub fn mapping(data: &[u8]) {
    shared::mapping(data);
}

/// Pages of records.
pub fn records(data: &[u8]) {
    shared::records(data);
}

/// Numbers, dates and spans of time.
pub fn scalars(data: &[u8]) {
    shared::scalars(data);
}
