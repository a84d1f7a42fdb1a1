//! The values that a property had, one after another.

use super::{RecordId, Timestamp};

/// One value that a property had, newest first in a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The value; `None` where it was cleared.
    pub value: Option<String>,
    /// Since when, by the remote's clock.
    pub at: Timestamp,
    /// Who set it, as far as the remote tells: the kind of source and its id.
    pub source: String,
}

/// The values that one property of one record had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyVersions {
    /// The record.
    pub id: RecordId,
    /// The property.
    pub property: String,
    /// Newest first.
    pub versions: Vec<Version>,
}
