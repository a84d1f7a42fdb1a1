//! What the engine asks a CRM to write, and what became of it.
//!
//! Every input is accounted for. Where nobody can say what became of one, it is [`Outcome::Unknown`], never left out: the
//! engine then looks before it sends anything of it again.

use crate::error::RemoteError;
use crate::model::{Record, RecordId};

/// What is to be done with records of one object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing<'a> {
    /// Make new records.
    Create,
    /// Change records by their id.
    Update,
    /// Make the record that has a value in this property, or change it if there is one. The property's values are
    /// unique at the remote.
    Upsert(&'a str),
    /// Archive records by their id.
    Archive,
}

/// One record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteInput {
    /// Names the input; unique for all time, so that an answer or a log line leads back to it.
    pub trace: String,
    /// The record's id; for an upsert the value that names it; empty for a create.
    pub key: String,
    /// Properties and their values as the remote takes them; `""` clears. Empty for an archive.
    pub properties: Vec<(String, String)>,
}

/// What became of one input.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// It was refused, and nothing of it was done.
    Refused(Refusal),
    /// Nobody knows whether it was done; the text says why.
    Unknown(String),
    /// Nothing of it was done, through no fault that is known to be its own: its part of the call failed as a whole, or
    /// was never sent, because of this. After [`RemoteErrorKind::Refused`](crate::RemoteErrorKind::Refused) a smaller
    /// part may succeed.
    NotDone(RemoteError),
}

/// A record that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenRecord {
    /// What the remote told of it: at least its id, which is another one where the record was merged meanwhile, and of
    /// its properties some. `None` where it told nothing, as for an archive.
    pub record: Option<Record>,
    /// Whether it was made by this very input, as far as the remote tells.
    pub created: bool,
}

/// Why one input was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP-like status, where there was one.
    pub status: Option<u16>,
    /// The remote's word for the kind of error.
    pub category: Option<String>,
    /// The remote's own sentence.
    pub message: String,
    /// The remote's number for this conversation, for its support.
    pub correlation_id: Option<String>,
    /// The properties that the remote named as the reason, if it named any.
    pub properties: Vec<String>,
    /// The record that is there already, where the remote refused to make another one and named it.
    pub existing: Option<RecordId>,
    /// Whether the remote does not know the record.
    pub not_found: bool,
}

/// A label that a record of one of two object types has at most once towards records of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoleLabel {
    /// What people call it.
    pub label: &'static str,
    /// Whose records have it once.
    pub once: Once,
}

/// One side of two object types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// Each record on the `from` side.
    From,
    /// Each record on the `to` side.
    To,
}

/// The labels that one pair of records is to have: all of them, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairLabels {
    /// The record on the side of the call's `from`.
    pub from: RecordId,
    /// The other one.
    pub to: RecordId,
    /// Category and type id of each label, in the direction of the call.
    pub types: Vec<(String, u64)>,
}
