//! What mapping files and values promise, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod broken_files;
mod built_ins;
mod fitting;
mod fixtures;
mod generated;
mod numbers;
mod resolving;
mod round_trips;
mod times;
mod transforms;
mod values;
