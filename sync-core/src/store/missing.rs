//! Records that no read returns any more. Their values stay, marked missing, until they have been gone for so long that
//! they are erased with everything the mirror knows about them.

use super::rows::Applier;
use super::table::quote;
use super::{Applied, Store, StoreError, Table, Write};
use crate::model::{RecordId, Timestamp};
use rusqlite::params;
use std::collections::BTreeMap;

/// What became of records that were to be erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Erased, with their associations, history and conflicts, what was sent of them, and whatever was merged into them.
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

    /// Forgets missing records and everything that the mirror knows about them: with the records that were merged into
    /// them, and with what was sent of any of these.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn erase_missing(&self, table: &Table, ids: &[RecordId]) -> Result<Gone, StoreError> {
        let mut applier = Applier::new(self, table)?;
        let merged = applier.merged_away()?;
        let (mut gone, mut erased, mut keys) = (Gone::default(), Vec::new(), Vec::new());
        for id in ids {
            if applier.base(id.as_str())?.is_none_or(|base| base.state != "missing") {
                continue;
            }
            let group = with_merged(id.as_str(), &merged);
            let Some(rows) = applier.unedited(&group)? else {
                gone.edited += 1;
                continue;
            };
            for id in &group {
                applier.erase(id)?;
            }
            applier.done.missing_rows -= 1;
            gone.erased += 1;
            erased.extend(group);
            keys.extend(rows);
        }
        let done = applier.done;
        drop(applier);
        self.count_rows(table.object(), done)?;
        self.forget_sent(table.object(), &erased, &keys)?;
        Ok(gone)
    }

    /// Forgets what was sent of these records, or of their rows before they had one. What has no known outcome stays
    /// until it has.
    fn forget_sent(&self, object: &str, ids: &[String], keys: &[String]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let (ids, keys) = (serde_json::Value::from(ids).to_string(), serde_json::Value::from(keys).to_string());
        self.connection
            .prepare_cached(
                "DELETE FROM sync_journal WHERE object = ?1 AND settled_at IS NOT NULL
                 AND (record_id IN (SELECT value FROM json_each(?2)) OR uid IN (SELECT value FROM json_each(?3)))",
            )?
            .execute([object, &ids, &keys])?;
        self.connection
            .prepare_cached(
                "DELETE FROM sync_journal_links WHERE settled_at IS NOT NULL
                 AND ((from_object = ?1 AND from_id IN (SELECT value FROM json_each(?2)))
                      OR (to_object = ?1 AND to_id IN (SELECT value FROM json_each(?2))))",
            )?
            .execute([object, &ids])?;
        Ok(())
    }
}

/// A record and every one that was merged into it, be it by way of others.
fn with_merged(id: &str, merged: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let (mut group, mut next) = (vec![id.to_owned()], 0);
    while let Some(survivor) = group.get(next) {
        let losers = merged.get(survivor).into_iter().flatten().filter(|id| !group.contains(id));
        let losers: Vec<String> = losers.cloned().collect();
        group.extend(losers);
        next += 1;
    }
    group
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

    /// The records that were merged away, by the one that each went into.
    fn merged_away(&self) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let base = quote(&self.table.base_name());
        let sql = format!("SELECT merged_into, id FROM {base} WHERE state = 'merged' AND merged_into IS NOT NULL");
        let mut statement = self.write.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut merged: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            merged.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(merged)
    }

    /// The keys of these records' rows; `None` where somebody edited one of them and nobody has decided about that.
    fn unedited(&mut self, ids: &[String]) -> Result<Option<Vec<String>>, StoreError> {
        let mut keys = Vec::new();
        for id in ids {
            let Some(base) = self.base(id)? else { continue };
            let Some(local) = self.local_row(id)? else { continue };
            if local.hash != base.row_hash {
                return Ok(None);
            }
            keys.push(local.uid);
        }
        Ok(Some(keys))
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
        for table in ["sync_history", "sync_conflicts", "sync_rejects", "sync_pending", "sync_touched", "sync_keys"] {
            let sql = format!("DELETE FROM {table} WHERE object = ?1 AND record_id = ?2");
            self.write.connection.prepare_cached(&sql)?.execute([object, id])?;
        }
        self.done.rows -= 1;
        self.done.archived_rows -= 1;
        Ok(())
    }
}
