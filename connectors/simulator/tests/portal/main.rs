//! What the simulated portal promises, one sentence a test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop, also inside its helpers")]

mod agreement;
mod associations;
mod batch_read;
mod changes;
mod client;
mod data;
mod faults;
mod limits;
mod list;
mod metadata;
mod search;
mod socket;
mod write_batch;
mod write_faults;
mod write_links;
mod write_properties;
mod write_records;
mod write_upsert;
mod write_values;
