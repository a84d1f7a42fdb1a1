//! Which properties each object type has, as a portal's own schema would list them.
//!
//! `tables` and `main_tables` hold what HubSpot ships, `property` one property and its JSON, `registry` the numbered list for one object
//! type: numbers are never reused, so that a record's packed values keep their meaning when a property is archived.

mod main_tables;
mod property;
mod registry;
mod tables;

pub(crate) use property::{Choice, Property, Sensitivity};
pub(crate) use registry::{Catalogue, Derived};
