//! One file for each endpoint family: what it accepts, what it refuses, and the text it answers.

mod account;
mod associations;
mod batch;
mod list;
mod metadata;
mod properties;
mod schemas;
mod search;

pub(crate) mod records;
