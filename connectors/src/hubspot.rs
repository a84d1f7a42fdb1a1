//! HubSpot's CRM API as a [`sync_core::Remote`].
//!
//! Facts about HubSpot stand where they are used, with their public source: its documentation, its published API
//! descriptions, or recorded traffic of public projects. No link of an answer is ever followed, and every number that
//! an answer omits is treated as unknown rather than as zero.

mod account;
mod associations;
mod batches;
mod budget;
mod client;
mod error;
mod labels;
mod making;
mod metadata;
mod objects;
mod outcomes;
mod parts;
mod ranges;
mod raw;
mod refusals;
mod remote;
mod search;
mod settings;
mod types;
mod unique;
mod versions;
mod wire;
mod writes;

pub use budget::Usage;
pub use client::HubSpot;
pub use making::Made;
pub use raw::{effect_of, is_api_path};
pub use settings::{ApiVersion, Settings, Tier, UnknownVersion};
