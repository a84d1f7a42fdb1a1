//! What the engine says while it works. Whoever runs it turns this into progress bars, log lines or nothing.

use crate::model::Timestamp;

/// A phase of a run, for one object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first full read.
    Backfill,
    /// The walk over the archived list.
    Archived,
    /// The whole list, because the search index keeps no order.
    Relist,
    /// Recent changes, at the edge of the search index.
    Fast,
    /// Changes old enough for the search index to have settled.
    Settled,
    /// Associations of one pair of object types.
    Associations,
    /// The sweep's walk over the active list.
    Sweep,
    /// The sweep's walk over the archived list.
    SweepArchived,
    /// The sweep's walk over the associations of one pair of object types.
    SweepAssociations,
    /// A table that is shown anew because its mapping changed.
    Reprojection,
    /// A table that is made anew because a tool replaced it.
    Rebuild,
    /// A comparison that writes nothing.
    Verify,
}

/// One thing worth telling.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A phase begins; `total` is what the remote estimates it holds.
    Started {
        /// Object type, or `from→to` for associations.
        object: String,
        /// Which phase.
        phase: Phase,
        /// Records to expect, if known.
        total: Option<u64>,
        /// Records already done by an earlier, interrupted run.
        done: u64,
    },
    /// Records were committed to the mirror.
    Advanced {
        /// Object type.
        object: String,
        /// Which phase.
        phase: Phase,
        /// Records read and committed since the last such event.
        records: u64,
    },
    /// A phase ended.
    Finished {
        /// Object type.
        object: String,
        /// Which phase.
        phase: Phase,
    },
    /// The run waits: for the limiter, a retry, or a lock on the mirror.
    Waiting {
        /// Why, as a fragment: `the request limit`.
        reason: String,
        /// Until when, by the local clock.
        until: Timestamp,
    },
    /// Something a person should read, as a sentence; the run goes on.
    Warning(String),
}

/// Receives events. Must not block.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event) {}
}
