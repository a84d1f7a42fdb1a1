//! A person decides a conflict: the cell becomes what was chosen, and the base stays what the remote said last.
//!
//! * What then differs from the base is an edit, which the next push sends after it has read the record once more.
//! * Both values stay in the conflict, so that it can be decided the other way later.

use super::cells;
use super::rows::{Applier, Base, LocalRow, shown};
use super::table::quote;
use super::{StoreError, Table, Write};
use mappings::{Cell, Field};
use rusqlite::{OptionalExtension, params};

/// What a person wants the field of a conflict to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// The mirror's side.
    Local,
    /// The remote's side.
    Remote,
    /// Something else, as it would stand in the mirror; empty for no value.
    Value(String),
}

impl Take {
    fn word(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Value(_) => "value",
        }
    }
}

/// What deciding a conflict did. Values are what the remote would be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The object type.
    pub object: String,
    /// The record.
    pub record: String,
    /// The remote's name of the field.
    pub property: String,
    /// What the mirror held.
    pub before: Option<String>,
    /// What it holds now.
    pub after: Option<String>,
    /// What the remote said last.
    pub remote: Option<String>,
    /// Whether the remote's value is neither side of the conflict any more, nor what we wrote there.
    pub moved: bool,
    /// Whether the next push has this field to send.
    pub sends: bool,
}

/// A conflict as it is kept.
struct Kept {
    id: i64,
    object: String,
    record: String,
    property: String,
    local: Option<String>,
    remote: Option<String>,
    open: bool,
}

impl Write<'_> {
    /// Decides a conflict, or decides it another way.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where what was asked cannot be done; nothing is changed then.
    pub fn resolve(&self, table: &Table, id: i64, take: &Take) -> Result<Resolved, StoreError> {
        let conflict = self.conflict(id)?;
        self.refuse_beside_an_open_one(&conflict)?;
        let mut resolved = Resolved {
            object: conflict.object.clone(),
            record: conflict.record.clone(),
            property: conflict.property.clone(),
            ..Resolved::default()
        };
        let Some(place) = table.places.get(&conflict.property).copied() else {
            if *take != Take::Remote {
                return Err(refused(format!(
                    "the mapping of {} has no {} any more",
                    conflict.object, conflict.property
                )));
            }
            self.note_decision(conflict.id, take)?;
            return Ok(resolved);
        };
        let Some((base, local)) = Applier::new(self, table)?.whole(&conflict.record)? else {
            return Err(refused(format!("{} {} has no row any more", conflict.object, conflict.record)));
        };
        let field = &table.mapping.fields[place];
        let wires = table.wires(&base.properties)?;
        let (now, mine) = (wires[place].as_deref(), &local.cells[place]);
        let agreed = field.project(now).cell;
        let ours = [&conflict.remote, &conflict.local].iter().any(|side| field.same_wire(now, side.as_deref()));
        resolved.moved = !ours && !self.was_sent_last(&conflict, field, now)?;
        let wanted = match take {
            Take::Remote if resolved.moved || field.same_wire(now, conflict.remote.as_deref()) => agreed.clone(),
            Take::Remote => showable(field, conflict.remote.as_deref())?,
            // While it is held the mirror's side is whatever the mirror holds.
            Take::Local if conflict.open && !field.same_cell(mine, &agreed) => mine.clone(),
            Take::Local => as_it_stood(field, conflict.local.as_deref()),
            Take::Value(text) => typed(field, text)?,
        };
        resolved.sends = !field.same_cell(&wanted, &agreed);
        if resolved.sends {
            refuse_what_cannot_be_sent(table, field, &base)?;
        }
        resolved.before = wire(field, mine);
        resolved.after = wire(field, &wanted);
        resolved.remote = now.map(str::to_owned);
        if wanted != *mine {
            self.set_cell(table, local.row, field, &wanted)?;
            let (before, after) = (resolved.before.as_deref(), resolved.after.as_deref());
            self.note_history(&conflict.object, &conflict.record, &conflict.property, before, after)?;
        }
        self.hint(&conflict.object, local.row, Some(&conflict.record))?;
        self.note_decision(conflict.id, take)?;
        Ok(resolved)
    }

    /// Writes one cell by the engine's hand.
    pub(super) fn set_cell(&self, table: &Table, row: i64, field: &Field, cell: &Cell<'_>) -> Result<(), StoreError> {
        let sql = format!("UPDATE {} SET {} = ?2 WHERE _row = ?1", table.quoted(), quote(&field.column));
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.raw_bind_parameter(1, row)?;
        cells::bind(&mut statement, 2, cell)?;
        statement.raw_execute()?;
        Ok(())
    }

    /// Leads the next push to a row, as triggers do when a person writes.
    pub(super) fn hint(&self, object: &str, row: i64, id: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO sync_touched (object, row_handle, record_id, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![object, row, id, self.now.to_string()])?;
        Ok(())
    }

    fn conflict(&self, id: i64) -> Result<Kept, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT object, record_id, property, local, remote, resolved_at IS NULL FROM sync_conflicts
                 WHERE id = ?1",
            )?
            .query_row([id], |row| {
                Ok(Kept {
                    id,
                    object: row.get(0)?,
                    record: row.get(1)?,
                    property: row.get(2)?,
                    local: row.get(3)?,
                    remote: row.get(4)?,
                    open: row.get(5)?,
                })
            })
            .optional()?;
        found.ok_or_else(|| refused(format!("there is no conflict {id}")))
    }

    /// An older conflict of a field cannot be decided while a newer one waits: nothing would be sent.
    fn refuse_beside_an_open_one(&self, conflict: &Kept) -> Result<(), StoreError> {
        let open: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND property = ?3
                 AND resolved_at IS NULL AND id <> ?4",
            )?
            .query_row(params![conflict.object, conflict.record, conflict.property, conflict.id], |row| row.get(0))
            .optional()?;
        match open {
            None => Ok(()),
            Some(open) => {
                Err(refused(format!("conflict {open} is of the same field and still open: resolve that one")))
            }
        }
    }

    /// Whether what the remote holds is what we wrote there last.
    fn was_sent_last(&self, conflict: &Kept, field: &Field, now: Option<&str>) -> Result<bool, StoreError> {
        let sent: Option<Option<String>> = self
            .connection
            .prepare_cached(
                "SELECT after FROM sync_history WHERE object = ?1 AND record_id = ?2 AND property = ?3
                 AND side = 'hubspot' ORDER BY rowid DESC LIMIT 1",
            )?
            .query_row([&conflict.object, &conflict.record, &conflict.property], |row| row.get(0))
            .optional()?;
        Ok(sent.is_some_and(|sent| field.same_wire(sent.as_deref(), now)))
    }

    fn note_decision(&self, id: i64, take: &Take) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE sync_conflicts SET chosen = ?2, resolved_at = ?3 WHERE id = ?1")?
            .execute(params![id, take.word(), self.now.to_string()])?;
        Ok(())
    }
}

impl Applier<'_> {
    /// A record's base and its row, which is made whole first where somebody deleted or replaced it; `None` where it has
    /// no row.
    pub(super) fn whole(&mut self, id: &str) -> Result<Option<(Base, LocalRow)>, StoreError> {
        let Some(base) = self.base(id)? else { return Ok(None) };
        let local = self.local_row(id)?;
        if local.as_ref().is_none_or(|local| local.row != base.row) {
            self.heal(id, &base, local)?;
        }
        Ok(self.base(id)?.zip(self.local_row(id)?))
    }
}

fn refused(sentence: String) -> StoreError {
    StoreError::Unusable(sentence)
}

/// What the remote would be sent for a cell, or the cell as it stands where it cannot be sent.
pub(super) fn wire(field: &Field, cell: &Cell<'_>) -> Option<String> {
    field.to_wire(cell).ok().flatten().or_else(|| shown(cell))
}

/// A value of the remote's, as the column shows it.
pub(super) fn showable(field: &Field, wire: Option<&str>) -> Result<Cell<'static>, StoreError> {
    let projection = field.project(wire);
    if projection.outside {
        return Err(refused(format!(
            "the column {} cannot show {}; set it on the remote's own pages",
            field.column,
            wire.unwrap_or_default()
        )));
    }
    Ok(projection.cell.into_owned())
}

/// A local value as it was before it lost; one that cannot be sent is told as text.
fn as_it_stood(field: &Field, wire: Option<&str>) -> Cell<'static> {
    let projection = field.project(wire);
    match wire {
        Some(text) if projection.outside => Cell::text(text).into_owned(),
        _ => projection.cell.into_owned(),
    }
}

/// What a person typed, in the column's type.
fn typed(field: &Field, text: &str) -> Result<Cell<'static>, StoreError> {
    let wire = field.to_wire(&Cell::text(text)).map_err(|error| refused(error.to_string()))?;
    let projection = field.project(wire.as_deref());
    Ok(if projection.outside { Cell::text(text).into_owned() } else { projection.cell.into_owned() })
}

fn refuse_what_cannot_be_sent(table: &Table, field: &Field, base: &Base) -> Result<(), StoreError> {
    if base.archived {
        return Err(refused(format!(
            "the record of {} is {} at the remote and cannot be written to; take its side, or restore it there first",
            table.object(),
            base.state
        )));
    }
    if !field.is_pushed() {
        return Err(refused(format!(
            "the column {} is read-only, so only the remote's side can be taken",
            field.column
        )));
    }
    if field.retired {
        return Err(refused(format!(
            "the portal no longer has the property {}, so only the remote's side can be taken",
            field.property
        )));
    }
    Ok(())
}
