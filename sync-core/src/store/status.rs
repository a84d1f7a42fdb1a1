//! Where each object type stands: its watermark and what has been completed.

use super::{Pair, Store, StoreError, Write};
use crate::model::{RecordId, Timestamp};
use rusqlite::{OptionalExtension, params};
use std::collections::{HashMap, HashSet};

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

    /// The object type begins anew: its next pull is a full backfill. Rows stay.
    pub fn restart(&self, object: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM sync_cursors WHERE object = ?1", [object])?;
        self.forget_sweep(object)?;
        self.forget_pair_walks(object)?;
        self.connection.execute("UPDATE sync_objects SET backfilled = 0 WHERE object = ?1", [object])?;
        Ok(())
    }
}
