//! Owners: the people and queues that records belong to. Records may name an owner who has left.

use crate::Millis;

/// One owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) user_id: u64,
    pub(crate) queue: bool,
    pub(crate) archived: bool,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}
