//! How two records belong together.

use super::RecordId;

/// The kind of an association between two records, in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssociationKind {
    /// Who defined the kind, in the remote's own word.
    pub category: String,
    /// The kind's number; directions have different numbers.
    pub type_id: i64,
    /// What people call it; `None` when it has no label.
    pub label: Option<String>,
}

/// One association seen from the record that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Neighbour {
    /// The record at the other end.
    pub id: RecordId,
    /// One kind by which they belong together; a pair with several kinds is told once for each.
    pub kind: AssociationKind,
}

/// What a read told about one record's associations to one other object type: all of them, possibly none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// The record that was asked.
    pub from: RecordId,
    /// Everything it is associated with; empty when it is associated with nothing.
    pub to: Vec<Neighbour>,
}
