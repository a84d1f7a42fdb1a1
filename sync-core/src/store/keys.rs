//! What makes a row this row, beside its record: its handle, and the key that somebody gave it.
//!
//! * The key of a row that became a record's stays that record's: a row that comes back with it, as after `INSERT OR
//!   REPLACE`, is the same row, and nothing new.
//! * No two rows stand under one handle, whatever a tool wrote back.
//! * A remote may know a record by more keys than the one it shows, as a contact by each of its addresses. A new row
//!   with one of the others is that record's, and its key says nothing more than that.

use super::adopt::ADOPTED;
use super::rows::{Applier, Base, LocalRow};
use super::runs::Conflict;
use super::table::quote;
use super::{StoreError, Table, Write, cells};
use crate::model::{Properties, Record, RecordId};
use crate::plan::audit::same_key;
use crate::plan::merge::Winner;
use rusqlite::{OptionalExtension, params};

/// The key by which the record of a new row was found, where the record itself holds another one.
pub(super) struct FoundBy {
    /// Its place among the fields.
    pub(super) place: usize,
    own: String,
    held: String,
}

impl FoundBy {
    /// The row's key, if the record holds another one.
    fn other_key(table: &Table, row: &LocalRow, record: &Properties) -> Option<Self> {
        let key = table.mapping.key.as_deref()?;
        let place = *table.places.get(key)?;
        let field = &table.mapping.fields[place];
        let own = field.to_wire(&row.cells[place]).ok().flatten()?;
        let held = record.get(key).filter(|held| !held.is_empty())?;
        (!field.same_wire(Some(&own), Some(&held))).then_some(Self { place, own, held })
    }

    /// Whether it is only spelt in another way.
    fn is_respelt(&self) -> bool {
        same_key(&self.own, Some(&self.held))
    }
}

impl Write<'_> {
    /// The key of a new row that told no more than which record it is: another spelling of the record's, or the one for
    /// which the remote named the record when it refused to make another. What was typed since is an edit.
    pub(super) fn found_by(
        &self,
        table: &Table,
        row: &LocalRow,
        record: &Record,
    ) -> Result<Option<FoundBy>, StoreError> {
        let Some(key) = FoundBy::other_key(table, row, &record.properties) else { return Ok(None) };
        let unique = table.mapping.unique.as_deref().and_then(|unique| record.properties.get(unique));
        if key.is_respelt() {
            return Ok(Some(key));
        }
        if unique.as_ref() == Some(&row.uid) {
            return Ok(None);
        }
        let refused = "SELECT EXISTS (SELECT 1 FROM sync_journal WHERE run_id = ?1 AND object = ?2 AND uid = ?3
                       AND operation = 'create' AND outcome = 'undone'
                       AND json_extract(properties, '$.\"' || ?4 || '\"[1]') = ?5)";
        let property = &table.mapping.fields[key.place].property;
        let refused = self
            .connection
            .prepare_cached(refused)?
            .query_row(params![self.run_id, table.object(), row.uid, property, key.own], |row| row.get(0))?;
        Ok(Some(key).filter(|_| refused))
    }

    /// The same for a row that comes back: its record was found by this key before, and nobody decided otherwise. That
    /// is remembered for as long as the row keeps coming.
    pub(super) fn found_by_before(
        &self,
        table: &Table,
        row: &LocalRow,
        id: &str,
        record: &Properties,
    ) -> Result<Option<FoundBy>, StoreError> {
        let Some(key) = FoundBy::other_key(table, row, record) else { return Ok(None) };
        let property = &table.mapping.fields[key.place].property;
        let told = self
            .connection
            .prepare_cached(
                "UPDATE sync_conflicts SET run_id = ?5, resolved_at = ?6 WHERE object = ?1 AND record_id = ?2
                 AND property = ?3 AND local = ?4 AND kind = 'adopted' AND chosen = 'remote' AND resolved_at IS NOT NULL",
            )?
            .execute(params![table.object(), id, property, key.own, self.run_id, self.now.to_string()])?;
        Ok(Some(key).filter(|_| told > 0))
    }

    /// Tells of a key that was not taken over, so that a person may decide otherwise.
    pub(super) fn tell_found_by(&self, table: &Table, record: &Record, key: &FoundBy) -> Result<(), StoreError> {
        if key.is_respelt() {
            return Ok(());
        }
        let (object, id, property) = (table.object(), record.id.as_str(), &table.mapping.fields[key.place].property);
        let conflict = Conflict { object, id, property, remote_at: record.updated_at, kind: ADOPTED };
        self.note_conflict(&conflict, [Some(&key.held), Some(&key.own), Some(&key.held)], Winner::Remote)
    }

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
