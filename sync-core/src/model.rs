//! The words of the engine as types, without I/O: ids, times, records and their versions, associations, metadata.

mod association;
mod ids;
mod metadata;
mod record;
mod time;
mod version;

pub use association::{Association, AssociationKind, Neighbour};
pub use ids::RecordId;
pub use metadata::{AssociationLabel, ObjectType, Owner, Pipeline, Stage};
pub use record::{Properties, PropertiesError, Record};
pub use time::Timestamp;
pub use version::{PropertyVersions, Version};
