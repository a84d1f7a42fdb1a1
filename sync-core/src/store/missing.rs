//! Records that no read returns any more. Their values stay, marked missing, until they have been gone for so long that
//! they are erased with everything the mirror knows about them.

use super::rows::Applier;
use super::table::quote;
use super::{Applied, Store, StoreError, Table, Write};
use crate::model::{RecordId, Timestamp};
use rusqlite::params;

/// What became of records that were to be erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Erased, with their associations, history and conflicts.
    pub erased: u64,
    /// Kept, because somebody edited them and nobody has decided about that.
    pub edited: u64,
}

impl Store {
    /// Records that have been missing since `since` or longer, in id order.
    pub fn missing_since(&self, object: &str, since: Timestamp) -> Result<Vec<RecordId>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let base = quote(&table.base_name());
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT id FROM {base} WHERE state = 'missing' AND missing_since <= ?1 ORDER BY length(id), id"
        ))?;
        let ids = statement.query_map([since.millis()], |row| row.get::<_, String>(0))?;
        Ok(ids.map(|id| id.map(RecordId::from)).collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// Marks records that no read returns as missing since `since`, by the remote's clock. Values and edits stay.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn mark_missing(&self, table: &Table, ids: &[RecordId], since: Timestamp) -> Result<Applied, StoreError> {
        let mut applier = Applier::new(self, table)?;
        for id in ids {
            applier.mark_missing(id, since)?;
        }
        let done = applier.done;
        drop(applier);
        self.count_rows(table.object(), done)?;
        Ok(done.applied)
    }

    /// Forgets missing records and everything that the mirror knows about them.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn erase_missing(&self, table: &Table, ids: &[RecordId]) -> Result<Gone, StoreError> {
        let mut applier = Applier::new(self, table)?;
        let mut gone = Gone::default();
        for id in ids {
            let Some(base) = applier.base(id.as_str())?.filter(|base| base.state == "missing") else { continue };
            let local = applier.local_row(id.as_str())?;
            if local.is_some_and(|local| local.hash != base.row_hash) {
                gone.edited += 1;
                continue;
            }
            applier.erase(id.as_str())?;
            gone.erased += 1;
        }
        let done = applier.done;
        drop(applier);
        self.count_rows(table.object(), done)?;
        Ok(gone)
    }
}

impl Applier<'_> {
    fn mark_missing(&mut self, id: &RecordId, since: Timestamp) -> Result<(), StoreError> {
        let Some(base) = self.base(id.as_str())? else { return Ok(()) };
        if base.state == "missing" || base.state == "merged" {
            return Ok(());
        }
        let (typed, stored) = (self.table.quoted(), quote(&self.table.base_name()));
        self.write
            .connection
            .prepare_cached(&format!("UPDATE {typed} SET archived = 1, state = 'missing' WHERE id = ?1"))?
            .execute([id.as_str()])?;
        let wires = self.table.wires(&base.properties)?;
        let cells = self.project(&wires, false);
        let hash = self.hash(&cells, true);
        self.write
            .connection
            .prepare_cached(&format!(
                "UPDATE {stored} SET archived = 1, state = 'missing', missing_since = ?2, row_hash = ?3 WHERE id = ?1"
            ))?
            .execute(params![id.as_str(), since.millis(), hash])?;
        self.write.note_history(self.table.object(), id.as_str(), "state", Some(&base.state), Some("missing"))?;
        self.done.applied.missing += 1;
        self.done.missing_rows += 1;
        self.done.archived_rows += i64::from(!base.archived);
        Ok(())
    }

    fn erase(&mut self, id: &str) -> Result<(), StoreError> {
        let object = self.table.object();
        let (typed, stored) = (self.table.quoted(), quote(&self.table.base_name()));
        for table in [typed, stored] {
            let sql = format!("DELETE FROM {table} WHERE id = ?1");
            self.write.connection.prepare_cached(&sql)?.execute([id])?;
        }
        for table in ["associations", "sync_association_base"] {
            let sql = format!(
                "DELETE FROM {table} WHERE (from_object = ?1 AND from_id = ?2) OR (to_object = ?1 AND to_id = ?2)"
            );
            self.write.connection.prepare_cached(&sql)?.execute([object, id])?;
        }
        for table in ["sync_history", "sync_conflicts", "sync_rejects", "sync_pending", "sync_touched"] {
            let sql = format!("DELETE FROM {table} WHERE object = ?1 AND record_id = ?2");
            self.write.connection.prepare_cached(&sql)?.execute([object, id])?;
        }
        self.done.rows -= 1;
        self.done.archived_rows -= 1;
        self.done.missing_rows -= 1;
        self.done.applied.erased += 1;
        Ok(())
    }
}
