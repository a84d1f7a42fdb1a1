//! What makes a row this row, beside its record: its handle, and the key that somebody gave it.
//!
//! * The key of a row that became a record's stays that record's: a row that comes back with it, as after `INSERT OR
//!   REPLACE`, is the same row, and nothing new.
//! * No two rows stand under one handle, whatever a tool wrote back.

use super::rows::{Applier, Base, LocalRow};
use super::table::quote;
use super::{StoreError, Table, Write, cells};
use crate::model::RecordId;
use rusqlite::{OptionalExtension, params};

impl Write<'_> {
    /// Notes which record a row with this key became.
    pub(super) fn note_key(&self, object: &str, uid: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO sync_keys (object, uid, record_id) VALUES (?1, ?2, ?3)")?
            .execute([object, uid, id])?;
        Ok(())
    }

    /// The record that a row with this key became.
    pub(super) fn record_of_key(&self, object: &str, uid: &str) -> Result<Option<RecordId>, StoreError> {
        let sql = "SELECT record_id FROM sync_keys WHERE object = ?1 AND uid = ?2";
        let id: Option<String> =
            self.connection.prepare_cached(sql)?.query_row([object, uid], |row| row.get(0)).optional()?;
        Ok(id.map(RecordId::from))
    }

    /// Whether the handle of a row without a record is that of a record's row.
    pub(super) fn is_anothers_handle(&self, table: &Table, handle: i64) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 FROM {} WHERE _row = ?1", quote(&table.base_name()));
        Ok(self.connection.prepare_cached(&sql)?.exists([handle])?)
    }

    /// Gives the row that stands under this handle another one, if there is a row. Returns the new handle.
    pub(super) fn move_from_handle(&self, table: &Table, handle: i64) -> Result<Option<i64>, StoreError> {
        let (name, base) = (table.quoted(), quote(&table.base_name()));
        let unused = format!(
            "SELECT 1 + max((SELECT coalesce(max(_row), 0) FROM {name}), (SELECT coalesce(max(_row), 0) FROM {base}),
                            (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1))"
        );
        let fresh: i64 =
            self.connection.prepare_cached(&unused)?.query_row([&table.mapping.table], |row| row.get(0))?;
        let moved = format!("UPDATE {name} SET _row = ?2 WHERE _row = ?1 RETURNING id");
        let id: Option<Option<String>> =
            self.connection.prepare_cached(&moved)?.query_row([handle, fresh], |row| row.get(0)).optional()?;
        let Some(id) = id else { return Ok(None) };
        self.connection
            .prepare_cached(
                "UPDATE sync_touched SET row_handle = ?3 WHERE object = ?1 AND row_handle = ?2 AND record_id IS ?4",
            )?
            .execute(params![table.object(), handle, fresh, id])?;
        self.hint(table.object(), fresh, id.as_deref())?;
        Ok(Some(fresh))
    }
}

impl Applier<'_> {
    /// A row without a record that shows the same key, as the mapping calls it, as a record.
    pub(super) fn new_row_with_key_of(&mut self, base: &Base) -> Result<Option<LocalRow>, StoreError> {
        let key = self.table.mapping.key.as_deref().and_then(|key| self.table.places.get(key));
        let Some(place) = key.copied() else { return Ok(None) };
        let wires = self.table.wires(&base.properties)?;
        let field = &self.table.mapping.fields[place];
        let shown = field.project(wires[place].as_deref()).cell;
        let (name, column) = (self.table.quoted(), quote(&field.column));
        let sql = format!("SELECT _row FROM {name} WHERE {column} = ?1 AND id IS NULL ORDER BY _row LIMIT 1");
        let mut find = self.write.connection.prepare_cached(&sql)?;
        cells::bind(&mut find, 1, &shown)?;
        let row: Option<i64> = find.raw_query().next()?.map(|row| row.get(0)).transpose()?;
        drop(find);
        row.map_or(Ok(None), |row| self.row_at(row))
    }

    /// The row without a record that has this key.
    pub(super) fn new_row_of(&mut self, uid: &str) -> Result<Option<LocalRow>, StoreError> {
        let sql = format!("SELECT _row FROM {} WHERE _uid = ?1 AND id IS NULL", self.table.quoted());
        let row: Option<i64> =
            self.write.connection.prepare_cached(&sql)?.query_row([uid], |row| row.get(0)).optional()?;
        row.map_or(Ok(None), |row| self.row_at(row))
    }
}
