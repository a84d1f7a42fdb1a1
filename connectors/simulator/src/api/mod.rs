//! One file for each endpoint family: what it accepts, what it refuses, and the text it answers.

mod account;
mod associations;
pub(crate) mod batch;
mod list;
mod metadata;
mod properties;
mod schemas;
mod search;
pub(crate) mod write_batch;
mod write_links;
mod write_properties;
mod write_records;

pub(crate) mod records;
