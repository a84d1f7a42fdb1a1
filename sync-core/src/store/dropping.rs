//! A person decides about rejects: to have them tried again, or to give them up.
//!
//! * What is given up goes back to what both sides agreed on; an edit that was made since stays.
//! * The reason stays: in the history, under the property `rejects`, and in the reject where that stays.

use super::resolve::wire;
use super::rows::{Applier, Envelope, Target};
use super::table::quote;
use super::{Store, StoreError, Table, Write};
use crate::plan::changes::Operation;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of a reject that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// These columns hold again what both sides agreed on.
    PutBack(Vec<String>),
    /// The record is not to be archived any more.
    Unarchived,
    /// The new row stays, and is not tried until it is edited.
    RowKept,
    /// The new row is gone.
    RowDeleted,
    /// Nothing in the mirror held what was refused any more.
    Forgotten,
}

/// A reject as it is kept.
struct Kept {
    object: String,
    record: Option<String>,
    uid: Option<String>,
    operation: Operation,
    properties: BTreeMap<String, Option<String>>,
    /// What it says of associations, where it is about them.
    labels: Option<Value>,
    /// Whether a changed mapping made it: its value is nowhere but in it.
    homeless: bool,
    told: String,
}

impl Store {
    /// The rejects that wait for a person, or those of them with these numbers.
    pub fn waiting_rejects(&self) -> Result<Vec<i64>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM sync_rejects WHERE dropped IS NULL ORDER BY id")?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// Has rejects tried again by the next push. Returns those of which nothing is there to be sent: a changed mapping
    /// left their values without a column.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where there is no such reject; nothing is changed then.
    pub fn retry_rejects(&self, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut homeless = Vec::new();
        for id in ids {
            let kept = self.reject(*id)?;
            if kept.homeless {
                homeless.push(*id);
                continue;
            }
            self.connection
                .prepare_cached("UPDATE sync_rejects SET retry = 1, dropped = NULL WHERE id = ?1")?
                .execute([id])?;
            self.hint_row_of(&kept)?;
        }
        Ok(homeless)
    }

    /// Gives a reject up. `delete` also takes away a row that could not be made. `table` is `None` where no mapping has the
    /// object type any more.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where what was asked cannot be done; nothing is changed then.
    pub fn drop_reject(
        &self,
        table: Option<&Table>,
        id: i64,
        reason: &str,
        delete: bool,
    ) -> Result<Dropped, StoreError> {
        let kept = self.reject(id)?;
        if delete && kept.operation != Operation::Create {
            return Err(StoreError::Unusable(format!(
                "reject {id} is of an {}, and only a row that could not be created can be deleted; leave --delete out",
                kept.operation.word()
            )));
        }
        let dropped = match (table, kept.operation) {
            (Some(_), _) if kept.homeless => Dropped::Forgotten,
            _ if let Some(labels) = &kept.labels => {
                match self.put_links_back(&kept.object, kept.record.as_deref(), labels)? {
                    true => Dropped::PutBack(vec!["associations".to_owned()]),
                    false => Dropped::Forgotten,
                }
            }
            (Some(table), Operation::Update) => self.put_back(table, &kept)?,
            (Some(table), Operation::Archive) => self.take_back_archive(table, &kept)?,
            (Some(table), Operation::Create) => self.give_up_row(table, &kept, delete)?,
            (None, _) => Dropped::Forgotten,
        };
        if dropped == Dropped::RowKept {
            self.connection
                .prepare_cached("UPDATE sync_rejects SET dropped = ?2, retry = 0 WHERE id = ?1")?
                .execute(params![id, reason])?;
        } else {
            self.connection.prepare_cached("DELETE FROM sync_rejects WHERE id = ?1")?.execute([id])?;
        }
        let of = kept.record.as_deref().or(kept.uid.as_deref()).unwrap_or_default();
        self.note_history(&kept.object, of, "rejects", Some(&kept.told), Some(reason))?;
        Ok(dropped)
    }

    /// Only cells that still hold what was refused: another value is a newer edit.
    fn put_back(&self, table: &Table, kept: &Kept) -> Result<Dropped, StoreError> {
        let Some(id) = kept.record.as_deref() else { return Ok(Dropped::Forgotten) };
        let Some((base, local)) = Applier::new(self, table)?.whole(id)? else { return Ok(Dropped::Forgotten) };
        let wires = table.wires(&base.properties)?;
        let mut columns = Vec::new();
        for (property, refused) in &kept.properties {
            let Some(place) = table.places.get(property).copied() else { continue };
            let (field, mine) = (&table.mapping.fields[place], &local.cells[place]);
            let (agreed, told) = (field.project(wires[place].as_deref()).cell, wire(field, mine));
            let still = field.same_wire(told.as_deref(), refused.as_deref()) || told == *refused;
            if still && agreed != *mine {
                self.set_cell(table, local.row, field, &agreed)?;
                self.note_history(&kept.object, id, property, told.as_deref(), wires[place].as_deref())?;
                columns.push(field.column.clone());
            }
        }
        self.hint(&kept.object, local.row, Some(id))?;
        Ok(if columns.is_empty() { Dropped::Forgotten } else { Dropped::PutBack(columns) })
    }

    fn take_back_archive(&self, table: &Table, kept: &Kept) -> Result<Dropped, StoreError> {
        let Some(id) = kept.record.as_deref() else { return Ok(Dropped::Forgotten) };
        let mut applier = Applier::new(self, table)?;
        let Some(base) = applier.base(id)?.filter(|base| !base.archived) else { return Ok(Dropped::Forgotten) };
        if applier.whole(id)?.is_none() {
            // Its row was deleted, which asked for the archive: it is shown again.
            let wires = table.wires(&base.properties)?;
            let fresh = applier.project(&wires, false);
            let row = applier.write_row(Target::New(Some(base.row)), &Envelope::as_agreed(id, &base), &fresh)?;
            self.hint(&kept.object, row, Some(id))?;
            return Ok(Dropped::Unarchived);
        }
        let sql = format!("UPDATE {} SET archived = 0, state = ?2 WHERE id = ?1 AND archived = 1", table.quoted());
        let taken = self.connection.prepare_cached(&sql)?.execute([id, &base.state])?;
        if taken == 0 {
            return Ok(Dropped::Forgotten);
        }
        self.hint(&kept.object, base.row, Some(id))?;
        Ok(Dropped::Unarchived)
    }

    fn give_up_row(&self, table: &Table, kept: &Kept, delete: bool) -> Result<Dropped, StoreError> {
        let sql = format!("SELECT _row FROM {} WHERE _uid = ?1 AND id IS NULL", table.quoted());
        let row: Option<i64> =
            self.connection.prepare_cached(&sql)?.query_row([&kept.uid], |row| row.get(0)).optional()?;
        let Some(row) = row else { return Ok(Dropped::Forgotten) };
        if !delete {
            self.hint(&kept.object, row, None)?;
            return Ok(Dropped::RowKept);
        }
        self.connection.prepare_cached(&format!("DELETE FROM {} WHERE _row = ?1", table.quoted()))?.execute([row])?;
        self.connection
            .prepare_cached("DELETE FROM sync_touched WHERE object = ?1 AND row_handle = ?2 AND record_id IS NULL")?
            .execute(params![kept.object, row])?;
        // Whatever else was refused of it goes with it.
        self.connection
            .prepare_cached("DELETE FROM sync_rejects WHERE object = ?1 AND uid = ?2 AND operation = 'create'")?
            .execute(params![kept.object, kept.uid])?;
        Ok(Dropped::RowDeleted)
    }

    fn reject(&self, id: i64) -> Result<Kept, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT object, record_id, uid, operation, coalesce(properties, '{}'),
                 category IS 'MAPPING_CHANGED', message FROM sync_rejects WHERE id = ?1",
            )?
            .query_row([id], |row| {
                let (operation, properties): (String, String) = (row.get(3)?, row.get(4)?);
                Ok(Kept {
                    object: row.get(0)?,
                    record: row.get(1)?,
                    uid: row.get(2)?,
                    operation: Operation::of_word(&operation).unwrap_or(Operation::Update),
                    labels: match Operation::of_word(&operation) {
                        Some(_) => None,
                        None => serde_json::from_str(&properties).ok(),
                    },
                    told: format!("{operation} {properties}: {}", row.get::<_, String>(6)?),
                    properties: serde_json::from_str(&properties).unwrap_or_default(),
                    homeless: row.get(5)?,
                })
            })
            .optional()?;
        found.ok_or_else(|| StoreError::Unusable(format!("there is no reject {id}")))
    }

    fn hint_row_of(&self, kept: &Kept) -> Result<(), StoreError> {
        let name: Option<String> = self
            .connection
            .prepare_cached("SELECT table_name FROM sync_objects WHERE object = ?1")?
            .query_row([&kept.object], |row| row.get(0))
            .optional()?;
        let Some(name) = name else { return Ok(()) };
        let sql = format!("SELECT _row, id FROM {} WHERE id = ?1 OR (?1 IS NULL AND _uid = ?2)", quote(&name));
        let found: Option<(i64, Option<String>)> = self
            .connection
            .prepare_cached(&sql)?
            .query_row(params![kept.record, kept.uid], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.map_or(Ok(()), |(row, id)| self.hint(&kept.object, row, id.as_deref()))
    }
}
