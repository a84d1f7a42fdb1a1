//! What a run did, for whoever started it.

use crate::error::RunError;
use crate::push::Pushed;
use crate::store::Applied;
use std::collections::BTreeMap;

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// The run's number in `sync_runs`; 0 if it ended before it got one.
    pub run_id: i64,
    /// By object type.
    pub objects: BTreeMap<String, ObjectReport>,
    /// Conflicts that wait for a person, over all object types.
    pub open_conflicts: u64,
    /// Rejects that wait for a person, over all object types.
    pub open_rejects: u64,
    /// Whether the portal's description was read anew, as it is once a day.
    pub daily: bool,
    /// Whether the mirror was restored from an older copy and had not been read in full since when the run began.
    pub restored: bool,
    /// Whether the run sends what changed in the mirror.
    pub sends: bool,
    /// What stopped the run as a whole, if anything did.
    pub error: Option<RunError>,
    /// The same in words, once the error has been handed on.
    pub failed: Option<String>,
}

/// What a run did to one object type.
#[derive(Debug, Default)]
pub struct ObjectReport {
    /// Records, by what happened to them.
    pub applied: Applied,
    /// What was pushed.
    pub pushed: Pushed,
    /// Records whose associations changed.
    pub associations: u64,
    /// Whether the first full read was completed in this run.
    pub backfilled: bool,
    /// Whether a sweep was completed in this run.
    pub swept: bool,
    /// Whether every row is to be compared with its base, not only those that triggers noted.
    pub full_look: bool,
    /// Why this object type was left out, if it was and the run went on.
    pub skipped: Option<String>,
    /// Why its push ended early, where the pull goes on. At the end of the run it is its error, unless there is another one.
    pub push_stopped: Option<RunError>,
    /// Why its part ended early, if it did.
    pub error: Option<RunError>,
    /// The same in words, once the error has been handed on.
    pub failed: Option<String>,
}

impl ObjectReport {
    /// Whether nothing more of it is pushed in this run.
    pub(crate) fn is_out(&self) -> bool {
        self.error.is_some() || self.push_stopped.is_some() || self.skipped.is_some()
    }
}

impl Report {
    /// The first error that should decide how the command ends: the run's own, else the objects'.
    pub fn errors(&self) -> impl Iterator<Item = &RunError> {
        let objects = self.objects.values().flat_map(|object| object.error.iter().chain(&object.push_stopped));
        self.error.iter().chain(objects)
    }

    /// Everything that was pushed.
    pub fn pushed(&self) -> Pushed {
        let mut pushed = Pushed::default();
        self.objects.values().for_each(|object| pushed.add(object.pushed));
        pushed
    }

    /// Everything the run did to records.
    pub fn totals(&self) -> Applied {
        let mut totals = Applied::default();
        for object in self.objects.values() {
            totals.add(object.applied);
        }
        totals
    }
}
