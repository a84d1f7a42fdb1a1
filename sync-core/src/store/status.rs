//! Where each object type stands: its watermark, what has been completed, and what is still due.

use super::links::ASSOCIATIONS;
use super::{Pair, Store, StoreError, Write};
use crate::model::{RecordId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap, HashSet};

/// How a mark in `sync_meta` begins whose object type, or `associations`, is to be compared with its base in full.
const FULL_LOOK: &str = "full_look:";
/// The same for an object type of which the mirror had no row when its full read in progress began.
const FIRST_READ: &str = "first_read:";

/// How far an object type has been read. Times are the remote's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectStatus {
    /// Up to here changes have been read, as far as the search index showed them.
    pub watermark: Option<Timestamp>,
    /// Up to here changes have certainly been read.
    pub settled_until: Option<Timestamp>,
    /// When the archived list was last walked from end to end.
    pub archived_walked_at: Option<Timestamp>,
    /// When the last complete sweep began.
    pub swept_at: Option<Timestamp>,
    /// Whether the first full read is complete.
    pub backfilled: bool,
}

impl Store {
    /// Where an object type stands.
    pub fn object_status(&self, object: &str) -> Result<ObjectStatus, StoreError> {
        let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let status = self
            .connection
            .prepare_cached(
                "SELECT watermark, settled_until, archived_walked_at, swept_at, backfilled FROM sync_objects
                 WHERE object = ?1",
            )?
            .query_row([object], |row| {
                Ok(ObjectStatus {
                    watermark: time(row.get(0)?),
                    settled_until: time(row.get(1)?),
                    archived_walked_at: time(row.get(2)?),
                    swept_at: time(row.get(3)?),
                    backfilled: row.get(4)?,
                })
            })
            .optional()?;
        Ok(status.unwrap_or_default())
    }

    /// Walks over associations of pairs other than these.
    pub fn other_pair_walks(&self, pairs: &[Pair]) -> Result<Vec<String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT object FROM sync_cursors WHERE phase = 'associations'")?;
        let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let kept: HashSet<String> = pairs.iter().map(Pair::name).collect();
        Ok(names.into_iter().filter(|name| !kept.contains(name)).collect())
    }

    /// How many conflicts wait for a person.
    pub fn open_conflicts(&self) -> Result<u64, StoreError> {
        let open: i64 =
            self.connection
                .query_row("SELECT count(*) FROM sync_conflicts WHERE resolved_at IS NULL", [], |row| row.get(0))?;
        Ok(u64::try_from(open).unwrap_or(0))
    }

    /// How many rejects wait for a person: all but those given up, and those that the next push tries again.
    pub fn open_rejects(&self) -> Result<u64, StoreError> {
        let open: i64 = self.connection.query_row(
            "SELECT count(*) FROM sync_rejects WHERE dropped IS NULL AND retry = 0",
            [],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(open).unwrap_or(0))
    }

    /// How many rows an object type has.
    pub fn row_count(&self, object: &str) -> Result<u64, StoreError> {
        let rows: Option<i64> = self
            .connection
            .prepare_cached("SELECT rows FROM sync_objects WHERE object = ?1")?
            .query_row([object], |row| row.get(0))
            .optional()?;
        Ok(u64::try_from(rows.unwrap_or(0)).unwrap_or(0))
    }

    /// Some active records that were last changed before `time`.
    pub fn active_before(&self, object: &str, time: Timestamp, count: usize) -> Result<Vec<RecordId>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let base = super::table::quote(&table.base_name());
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT id FROM {base} WHERE state = 'active' AND updated_at < ?1 LIMIT ?2"))?;
        let ids = statement.query_map(params![time.millis(), count as i64], |row| row.get::<_, String>(0))?;
        Ok(ids.map(|id| id.map(RecordId::from)).collect::<Result<_, _>>()?)
    }

    /// Of these ids and modification times, the ids that have to be read: all but those whose row is active and at
    /// least as new.
    pub fn stale(&self, object: &str, seen: &[(RecordId, Timestamp)]) -> Result<Vec<RecordId>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let base = super::table::quote(&table.base_name());
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT updated_at FROM {base} WHERE id = ?1 AND state = 'active'"))?;
        let mut stale = Vec::new();
        let mut known: HashMap<&RecordId, bool> = HashMap::new();
        for (id, updated_at) in seen {
            let stored: Option<i64> = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
            let fresh = stored.is_some_and(|stored| stored >= updated_at.millis());
            if known.insert(id, fresh).is_none() && !fresh {
                stale.push(id.clone());
            }
        }
        Ok(stale)
    }
}

impl Write<'_> {
    /// Moves where an object type stands. Progress only moves forward: an earlier time than the stored one is passed
    /// over.
    pub fn save_status(&self, object: &str, status: &ObjectStatus) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_objects SET
                    watermark = max(coalesce(watermark, ?2), coalesce(?2, watermark)),
                    settled_until = max(coalesce(settled_until, ?3), coalesce(?3, settled_until)),
                    archived_walked_at = max(coalesce(archived_walked_at, ?4), coalesce(?4, archived_walked_at)),
                    swept_at = max(coalesce(swept_at, ?5), coalesce(?5, swept_at)),
                    backfilled = ?6
                 WHERE object = ?1",
            )?
            .execute(params![
                object,
                status.watermark.map(Timestamp::millis),
                status.settled_until.map(Timestamp::millis),
                status.archived_walked_at.map(Timestamp::millis),
                status.swept_at.map(Timestamp::millis),
                status.backfilled
            ])?;
        Ok(())
    }

    /// A full read of an object type begins. Whether the mirror had anything of it before is told when it ends.
    pub fn begin_full_read(&self, object: &str) -> Result<(), StoreError> {
        self.end_full_read(object)?;
        self.connection
            .prepare_cached(
                "INSERT INTO sync_meta SELECT ?1 || object, '' FROM sync_objects WHERE object = ?2 AND rows = 0",
            )?
            .execute([FIRST_READ, object])?;
        Ok(())
    }

    /// A full read of an object type has ended. Says whether it was the first: nothing can be gone then of what the mirror
    /// has, which lists do not tell.
    pub fn end_full_read(&self, object: &str) -> Result<bool, StoreError> {
        let marks = self
            .connection
            .prepare_cached("DELETE FROM sync_meta WHERE key = ?1 || ?2")?
            .execute([FIRST_READ, object])?;
        Ok(marks > 0)
    }

    /// Every row of an object type, or of `associations`, was compared with its base, and what differs has been noted.
    pub fn looked_in_full(&self, object: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM sync_meta WHERE key = ?1 || ?2")?.execute([FULL_LOOK, object])?;
        Ok(())
    }

    /// Every pair that the object type is an end of is to be read in full again.
    pub fn forget_pair_walks(&self, object: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM sync_cursors WHERE phase = 'associations'
             AND (substr(object, 1, length(?1) + 1) = ?1 || '→' OR substr(object, -length(?1) - 1) = '→' || ?1)",
            [object],
        )?;
        Ok(())
    }

    /// The sweep in progress is over: what it met and where it stood is of no more use.
    pub fn forget_sweep(&self, object: &str) -> Result<(), StoreError> {
        self.forget_met(object)?;
        self.connection.execute(
            "DELETE FROM sync_cursors WHERE (object = ?1 AND phase IN ('sweep', 'sweep_archived'))
             OR (phase = 'sweep_associations' AND substr(object, 1, length(?1) + 1) = ?1 || '→')",
            [object],
        )?;
        Ok(())
    }

    /// The object type begins anew: its next pull is a full backfill. Rows stay, and so does a sweep in progress: what is
    /// gone is in no list, so that reading them again must not put it off.
    pub fn restart(&self, object: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM sync_cursors WHERE object = ?1 AND phase NOT IN ('sweep', 'sweep_archived')",
            [object],
        )?;
        self.forget_pair_walks(object)?;
        self.connection.execute("UPDATE sync_objects SET backfilled = 0 WHERE object = ?1", [object])?;
        Ok(())
    }
}

/// Every row of this object type, or of `associations`, is to be compared with its base: some may have been changed that
/// nothing noted.
pub(super) fn ask_full_look(connection: &Connection, object: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO sync_meta VALUES (?1 || ?2, '')")?
        .execute([FULL_LOOK, object])?;
    Ok(())
}

/// The same of every table that was ever made.
pub(super) fn ask_full_looks(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO sync_meta SELECT ?1 || object, '' FROM sync_objects UNION SELECT ?1 || ?2, ''",
        )?
        .execute([FULL_LOOK, ASSOCIATIONS])?;
    Ok(())
}

/// What is to be compared in full.
pub(super) fn full_looks(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT substr(key, length(?1) + 1) FROM sync_meta WHERE substr(key, 1, length(?1)) = ?1")?;
    let due = statement.query_map([FULL_LOOK], |row| row.get::<_, String>(0))?;
    Ok(due.collect::<Result<_, _>>()?)
}
