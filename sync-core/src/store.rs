//! The mirror: one SQLite file, one connection that writes.
//!
//! * A record, its base, its history and the cursor that brought it move in one transaction, or not at all.
//! * Transactions begin with the write lock, are short, and leave gaps, so that other people's writes get their turn.
//! * Nothing here sleeps or reads a clock by itself: [`StoreHandle`] waits, on the runtime's clock.

mod adopt;
mod apply;
mod associations;
mod audit;
mod carry;
mod cells;
mod changes;
mod cursor;
mod ddl;
mod diff;
mod dropping;
mod error;
mod examine;
mod follow;
mod group;
mod handle;
mod heal;
mod journal;
mod keep;
mod keys;
mod links;
mod lock;
mod metadata;
mod missing;
mod open;
mod parked;
mod pending;
mod peoples;
mod ranges;
mod rebuild;
mod rejects;
mod reproject;
mod resolve;
mod restored;
mod rows;
mod runs;
mod seen;
mod settle;
mod shape;
mod snapshot;
mod standing;
mod status;
mod strangers;
mod swap;
mod table;
mod triggers;
mod undo;
mod unread;
mod verify;
mod views;
mod write;

#[cfg(test)]
mod tests;

/// How long somebody else may hold the write lock before a run gives up.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

pub use adopt::Twins;
pub use apply::Applied;
pub use audit::{Audited, Unaudited};
pub use changes::{Plans, Suspect, Waiting};
pub use cursor::Walk;
pub use diff::ChangedRow;
pub use dropping::Dropped;
pub use error::StoreError;
pub use examine::{Examination, TableFinding};
pub use handle::StoreHandle;
pub use heal::Healed;
pub use journal::{Entry, Sent};
pub use links::{GivenLabel, LinkChange, LinkEntry, LinkLook, LinkSuspect, LinkUndoing, SettledLinks};
pub use lock::{LockError, RunLock};
pub use missing::Gone;
pub use open::Store;
pub use ranges::Range;
pub use rebuild::Rebuilt;
pub use resolve::{Resolved, Take};
pub use runs::RunTotals;
pub use settle::Settled;
pub use snapshot::Snapshot;
pub use standing::Restored;
pub use status::ObjectStatus;
pub use table::{Pair, Table};
pub use undo::{Fate, Undoing, Wrote};
pub use verify::Difference;
pub use write::Write;
