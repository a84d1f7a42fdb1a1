//! What clients asked for, counted: the figures a test compares with what it expected to be sent.

use std::collections::BTreeMap;

use crate::faults::Policy;

/// What kind of endpoint a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// A page of a list.
    List,
    /// A single record.
    Read,
    /// A search.
    Search,
    /// A batch read.
    BatchRead,
    /// Associations, read.
    Associations,
    /// Anything that would change the portal.
    Write,
    /// Metadata and everything else.
    Other,
}

/// Counters since the portal was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallLog {
    /// All requests, whatever became of them.
    pub total: u64,
    /// Pages of lists.
    pub list: u64,
    /// Single records.
    pub read: u64,
    /// Searches.
    pub search: u64,
    /// Batch reads.
    pub batch_read: u64,
    /// Association reads.
    pub associations: u64,
    /// Requests that would change the portal.
    pub writes: u64,
    /// Writing requests that succeeded, whether or not anybody heard of it.
    pub carried_out: u64,
    /// Everything else.
    pub other: u64,
    /// Answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// 429s that the portal's own limits gave (not injected ones), by policy.
    pub refused: BTreeMap<Policy, u64>,
    /// Requests that got no whole answer.
    pub broken: u64,
    /// Faults that struck.
    pub faults: u64,
}

impl CallLog {
    pub(crate) fn count(&mut self, kind: CallKind) {
        self.total += 1;
        match kind {
            CallKind::List => self.list += 1,
            CallKind::Read => self.read += 1,
            CallKind::Search => self.search += 1,
            CallKind::BatchRead => self.batch_read += 1,
            CallKind::Associations => self.associations += 1,
            CallKind::Write => self.writes += 1,
            CallKind::Other => self.other += 1,
        }
    }

    /// How many answers had this status.
    pub fn status(&self, code: u16) -> u64 {
        self.statuses.get(&code).copied().unwrap_or(0)
    }

    /// How many requests the portal's own limits refused.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}
