//! Compares what the remote returned with the mirror, without writing to it. What was seen is noted in a temporary
//! table, so that memory stays flat.

use super::{Store, StoreError, Table};
use crate::model::{Record, RecordId};
use rusqlite::{OptionalExtension, params};
use std::borrow::Cow;

/// A record of which mirror and remote tell different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The record.
    pub id: RecordId,
    /// The property that differs; `None` when one side does not have the record at all.
    pub property: Option<String>,
    /// What the mirror holds.
    pub mirror: Option<String>,
    /// What the remote holds.
    pub remote: Option<String>,
}

impl Store {
    /// Begins to note what the remote returns.
    pub fn begin_verify(&self) -> Result<(), StoreError> {
        self.connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY) WITHOUT ROWID; DELETE FROM temp.seen;",
        )?;
        Ok(())
    }

    /// Compares records that the remote returned with the mirror. Rows with changes that wait to be pushed are left
    /// out: they are meant to differ.
    pub fn differences(&self, object: &str, records: &[Record]) -> Result<Vec<Difference>, StoreError> {
        let Some(table) = self.tables.get(object).cloned() else { return Ok(Vec::new()) };
        let pulled = self.object_status(object)?.watermark.unwrap_or_default();
        let mut seen = self.connection.prepare_cached("INSERT OR IGNORE INTO temp.seen VALUES (?1)")?;
        let mut differences = Vec::new();
        for record in records {
            seen.execute([record.id.as_str()])?;
            // What changed since the last pull is not a difference but the next pull's work.
            if record.updated_at.max(record.archived.unwrap_or_default()) < pulled {
                self.compare(&table, record, &mut differences)?;
            }
        }
        Ok(differences)
    }

    /// Ids of rows that are active (or archived) in the mirror and that no page of the walk held.
    pub fn unseen(&self, object: &str, archived: bool) -> Result<Vec<RecordId>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let base = super::table::quote(&table.base_name());
        let state = if archived { "archived" } else { "active" };
        let mut statement = self.connection.prepare(&format!(
            "SELECT id FROM {base} b WHERE state = ?1 AND NOT EXISTS (SELECT 1 FROM temp.seen s WHERE s.id = b.id)"
        ))?;
        let ids = statement.query_map([state], |row| row.get::<_, String>(0))?;
        Ok(ids.map(|id| id.map(RecordId::from)).collect::<Result<_, _>>()?)
    }

    /// Whether the mirror shows a record as active or archived, neither merged away nor missing.
    pub fn shows(&self, object: &str, id: &RecordId) -> Result<bool, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(false) };
        let base = super::table::quote(&table.base_name());
        let shown = self
            .connection
            .prepare_cached(&format!(
                "SELECT EXISTS (SELECT 1 FROM {base} WHERE id = ?1 AND state IN ('active', 'archived'))"
            ))?
            .query_row([id.as_str()], |row| row.get(0))?;
        Ok(shown)
    }

    fn compare(&self, table: &Table, record: &Record, differences: &mut Vec<Difference>) -> Result<(), StoreError> {
        let difference = |property: Option<&str>, mirror: Option<&str>, remote: Option<&str>| Difference {
            id: record.id.clone(),
            property: property.map(str::to_owned),
            mirror: mirror.map(str::to_owned),
            remote: remote.map(str::to_owned),
        };
        let base = super::table::quote(&table.base_name());
        let stored: Option<(String, bool)> = self
            .connection
            .prepare_cached(&format!("SELECT properties, archived FROM {base} WHERE id = ?1"))?
            .query_row([record.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((stored, archived)) = stored else {
            differences.push(difference(None, None, Some("present")));
            return Ok(());
        };
        if archived != record.archived.is_some() {
            let word = |archived: bool| Some(if archived { "true" } else { "false" });
            differences.push(difference(Some("archived"), word(archived), word(!archived)));
        }
        let stored = crate::model::Properties::from_json(stored);
        let mirror = table.wires(&stored)?;
        let remote = table.wires(&record.properties)?;
        for (place, field) in table.mapping.fields.iter().enumerate() {
            // What the portal has no more was not asked for.
            if !field.retired && !field.same_wire(mirror[place].as_deref(), remote[place].as_deref()) {
                let (mirror, remote) = (mirror[place].as_deref(), remote[place].as_deref());
                differences.push(difference(Some(&field.property), mirror, remote));
            }
        }
        self.compare_row(table, record, &mirror, differences)
    }

    /// The typed row must show what the base says, unless somebody touched it or an edit of it waits for a person.
    fn compare_row(
        &self,
        table: &Table,
        record: &Record,
        mirror: &[Option<Cow<'_, str>>],
        differences: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        let touched: bool = self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id = ?2)
                 OR EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND resolved_at IS NULL)",
            )?
            .query_row(params![table.object(), record.id.as_str()], |row| row.get(0))?;
        if touched {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(&table.sql.read_row)?;
        let mut rows = statement.query([record.id.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        for (place, field) in table.mapping.fields.iter().enumerate() {
            let shown = super::cells::read(row.get_ref(place)?);
            let expected = field.project(mirror[place].as_deref()).cell;
            if shown != expected {
                differences.push(Difference {
                    id: record.id.clone(),
                    property: Some(field.property.clone()),
                    mirror: super::rows::shown(&shown),
                    remote: mirror[place].as_deref().map(str::to_owned),
                });
            }
        }
        Ok(())
    }
}
