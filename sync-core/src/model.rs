//! The words of the engine as types, without I/O: ids, times, records, associations, metadata.

mod association;
mod ids;
mod metadata;
mod record;
mod time;

pub use association::{Association, AssociationKind, Neighbour};
pub use ids::RecordId;
pub use metadata::{AssociationLabel, ObjectType, Owner, Pipeline, Stage};
pub use record::{Properties, PropertiesError, Record};
pub use time::Timestamp;
