//! Where walks stand, so that a stopped run goes on from there. A cursor moves in the transaction that writes the
//! records it has passed.

use super::{Store, StoreError, Write};
use crate::events::Phase;
use crate::model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// A walk in progress, or one that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The remote's clock when it began.
    pub began: Timestamp,
    /// The lower end of its window.
    pub low: Option<Timestamp>,
    /// The upper end of its window.
    pub high: Option<Timestamp>,
    /// How far it has come: a list's opaque cursor, or the last record id of a search.
    pub position: Option<String>,
    /// The remote's token for the page after an empty one.
    pub step: Option<String>,
    /// Whether it has seen everything.
    pub done: bool,
    /// Whether records count as changed however new the mirror's are: after a full read, whose lists tell nothing about
    /// associations.
    pub thorough: bool,
    /// Whether a search took part in the walk of a list: what its index did not know yet is still missing.
    pub searched: bool,
}

impl Walk {
    /// A walk that has not read anything.
    pub fn new(began: Timestamp) -> Self {
        Self { began, low: None, high: None, position: None, step: None, done: false, thorough: false, searched: false }
    }
}

/// The name under which a phase's walk is stored.
pub(super) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Backfill => "backfill",
        Phase::Archived => "archived",
        Phase::Relist => "relist",
        Phase::Fast => "fast",
        Phase::Settled => "settled",
        Phase::Associations => "associations",
        Phase::Sweep => "sweep",
        Phase::SweepArchived => "sweep_archived",
        Phase::SweepAssociations => "sweep_associations",
        Phase::Reprojection => "reprojection",
        Phase::Rebuild => "rebuild",
        Phase::Verify => "verify",
    }
}

impl Store {
    /// The walk of a phase, if one was ever begun. `object` is the object type, or `from→to` for associations.
    pub fn walk(&self, object: &str, phase: Phase) -> Result<Option<Walk>, StoreError> {
        read(&self.connection, object, phase)
    }
}

impl Write<'_> {
    /// Stores where a walk stands.
    pub fn save_walk(&self, object: &str, phase: Phase, walk: &Walk) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO sync_cursors (object, phase, began, low, high, position, step, done, thorough, searched)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (object, phase, part) DO UPDATE SET began = ?3, low = ?4, high = ?5, position = ?6,
                 step = ?7, done = ?8, thorough = ?9, searched = ?10",
            )?
            .execute(params![
                object,
                name(phase),
                walk.began.millis(),
                walk.low.map(Timestamp::millis),
                walk.high.map(Timestamp::millis),
                walk.position,
                walk.step,
                walk.done,
                walk.thorough,
                walk.searched
            ])?;
        Ok(())
    }

    /// Forgets a walk and its ranges: the next run begins it anew.
    pub fn forget_walk(&self, object: &str, phase: Phase) -> Result<(), StoreError> {
        forget(self.connection, object, phase)
    }
}

pub(super) fn forget(connection: &Connection, object: &str, phase: Phase) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM sync_cursors WHERE object = ?1 AND phase = ?2")?
        .execute(params![object, name(phase)])?;
    Ok(())
}

fn read(connection: &Connection, object: &str, phase: Phase) -> Result<Option<Walk>, StoreError> {
    let walk = connection
        .prepare_cached(
            "SELECT began, low, high, position, step, done, thorough, searched FROM sync_cursors
             WHERE object = ?1 AND phase = ?2 AND part = 0",
        )?
        .query_row(params![object, name(phase)], |row| {
            Ok(Walk {
                began: Timestamp::from_millis(row.get(0)?),
                low: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
                high: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                position: row.get(3)?,
                step: row.get(4)?,
                done: row.get(5)?,
                thorough: row.get(6)?,
                searched: row.get(7)?,
            })
        })
        .optional()?;
    Ok(walk)
}
