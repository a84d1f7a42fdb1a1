//! The statements that read and write one table's rows and bases, prepared once for a batch of records, and the words
//! for what they hold.

use super::apply::{BOTH_CHANGED, Tally};
use super::cells::{self, RowHasher};
use super::{StoreError, Table, Write};
use crate::model::{Properties, Record, Timestamp};
use mappings::Cell;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Rows, params};
use std::borrow::Cow;

/// The statements of one batch, prepared once.
pub(super) struct Applier<'w> {
    pub(super) write: &'w Write<'w>,
    pub(super) table: &'w Table,
    find_base: CachedStatement<'w>,
    insert_base: CachedStatement<'w>,
    update_base: CachedStatement<'w>,
    insert_row: CachedStatement<'w>,
    read_row: CachedStatement<'w>,
    read_handle: CachedStatement<'w>,
    update_row: CachedStatement<'w>,
    hasher: RowHasher,
    pub(super) done: Tally,
    /// What conflicts are called.
    pub(super) kind: &'static str,
}

/// What both sides agreed on last, as stored.
pub(super) struct Base {
    pub(super) row: i64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) row_hash: i64,
    pub(super) archived: bool,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) merged_into: Option<String>,
    pub(super) state: String,
    pub(super) properties: Properties,
}

/// The typed row as it is now.
pub(super) struct LocalRow {
    pub(super) row: i64,
    pub(super) cells: Vec<Cell<'static>>,
    pub(super) archived: i64,
    pub(super) hash: i64,
    /// Its record, if it has one.
    pub(super) id: Option<String>,
    pub(super) uid: String,
}

/// One slot for each mapped field.
pub(super) type Wires<'p> = Vec<Option<Cow<'p, str>>>;

/// The engine's own columns of a row.
#[derive(Clone, Copy)]
pub(super) struct Envelope<'a> {
    pub(super) id: &'a str,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) archived: bool,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) merged_into: Option<&'a str>,
    pub(super) state: &'a str,
}

impl<'a> Envelope<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            id: record.id.as_str(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            archived: record.archived.is_some(),
            archived_at: record.archived,
            merged_into: None,
            state: if record.archived.is_some() { "archived" } else { "active" },
        }
    }

    /// What both sides agreed on last.
    pub(super) fn as_agreed(id: &'a str, base: &'a Base) -> Self {
        Self {
            id,
            created_at: base.created_at,
            updated_at: base.updated_at,
            archived: base.archived,
            archived_at: base.archived_at,
            merged_into: base.merged_into.as_deref(),
            state: &base.state,
        }
    }

    /// The same for a row that asks for an archive, as long as its record is active.
    pub(super) fn as_asked(self, local: &LocalRow, base: &Base) -> Self {
        let archiving = local.archived != 0 && !base.archived && !self.archived;
        let state = if archiving { "archiving" } else { self.state };
        Self { archived: self.archived || archiving, state, ..self }
    }
}

/// The row that is written.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A row that is there.
    Known(i64),
    /// A new one, under the handle it had before if it had one.
    New(Option<i64>),
}

impl<'w> Applier<'w> {
    pub(super) fn new(write: &'w Write<'w>, table: &'w Table) -> Result<Self, StoreError> {
        let connection: &'w Connection = write.connection;
        let prepare = |sql: &str| connection.prepare_cached(sql);
        Ok(Self {
            write,
            table,
            find_base: prepare(&table.sql.find_base)?,
            insert_base: prepare(&table.sql.insert_base)?,
            update_base: prepare(&table.sql.update_base)?,
            insert_row: prepare(&table.sql.insert_row)?,
            read_row: prepare(&table.sql.read_row)?,
            read_handle: prepare(&table.sql.read_handle)?,
            update_row: prepare(&table.sql.update_row)?,
            hasher: RowHasher::default(),
            done: Tally::default(),
            kind: BOTH_CHANGED,
        })
    }

    pub(super) fn base(&mut self, id: &str) -> Result<Option<Base>, StoreError> {
        let base = self
            .find_base
            .query_row([id], |row| {
                Ok(Base {
                    row: row.get(0)?,
                    updated_at: Timestamp::from_millis(row.get(1)?),
                    row_hash: row.get(2)?,
                    archived: row.get(3)?,
                    state: row.get(4)?,
                    properties: Properties::from_json(row.get::<_, String>(5)?),
                    created_at: Timestamp::from_millis(row.get(6)?),
                    archived_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
                    merged_into: row.get(8)?,
                })
            })
            .optional()?;
        Ok(base)
    }

    pub(super) fn project<'p>(&mut self, wires: &'p [Option<Cow<'p, str>>], count: bool) -> Vec<Cell<'p>> {
        let fields = &self.table.mapping.fields;
        let mut cells = Vec::with_capacity(fields.len());
        for (field, wire) in fields.iter().zip(wires) {
            let projection = field.project(wire.as_deref());
            self.done.applied.outside += u64::from(count && projection.outside);
            cells.push(projection.cell);
        }
        cells
    }

    /// As [`Applier::project`], counting, and which of the values their columns cannot show.
    pub(super) fn project_telling<'p>(&mut self, wires: &'p [Option<Cow<'p, str>>]) -> (Vec<Cell<'p>>, Vec<bool>) {
        let fields = self.table.mapping.fields.iter();
        let projected = fields.zip(wires).map(|(field, wire)| field.project(wire.as_deref()));
        let (cells, outside): (Vec<_>, Vec<_>) = projected.map(|one| (one.cell, one.outside)).unzip();
        self.done.applied.outside += outside.iter().filter(|one| **one).count() as u64;
        (cells, outside)
    }

    pub(super) fn outside(&self, wires: &[Option<Cow<'_, str>>]) -> Vec<bool> {
        let fields = self.table.mapping.fields.iter();
        fields.zip(wires).map(|(field, wire)| field.project(wire.as_deref()).outside).collect()
    }

    pub(super) fn hash(&mut self, cells: &[Cell<'_>], archived: bool) -> i64 {
        for cell in cells {
            self.hasher.cell(cell);
        }
        self.hasher.cell(&Cell::Integer(i64::from(archived)));
        self.hasher.finish()
    }

    pub(super) fn local_row(&mut self, id: &str) -> Result<Option<LocalRow>, StoreError> {
        local(self.read_row.query([id])?, self.table.mapping.fields.len(), &mut self.hasher)
    }

    /// The row with a handle, whether it has a record or not.
    pub(super) fn row_at(&mut self, handle: i64) -> Result<Option<LocalRow>, StoreError> {
        local(self.read_handle.query([handle])?, self.table.mapping.fields.len(), &mut self.hasher)
    }

    /// Writes the typed row. Returns its handle.
    pub(super) fn write_row(
        &mut self,
        target: Target,
        envelope: &Envelope<'_>,
        cells: &[Cell<'_>],
    ) -> Result<i64, StoreError> {
        if let Target::New(Some(row)) = target {
            self.write.move_from_handle(self.table, row)?;
        }
        let (statement, handle) = match target {
            Target::Known(row) => (&mut self.update_row, Some(row)),
            Target::New(row) => (&mut self.insert_row, row),
        };
        statement.raw_bind_parameter(1, handle)?;
        if let Target::New(_) = target {
            statement.raw_bind_parameter(2, format!("r{}", envelope.id))?;
            statement.raw_bind_parameter(3, envelope.id)?;
        }
        statement.raw_bind_parameter(4, envelope.created_at.to_string())?;
        statement.raw_bind_parameter(5, envelope.updated_at.to_string())?;
        statement.raw_bind_parameter(6, envelope.archived)?;
        statement.raw_bind_parameter(7, envelope.archived_at.map(|at| at.to_string()))?;
        statement.raw_bind_parameter(8, envelope.merged_into)?;
        for (place, cell) in cells.iter().enumerate() {
            cells::bind(statement, place + 9, cell)?;
        }
        statement.raw_bind_parameter(cells.len() + 9, envelope.state)?;
        statement.raw_execute()?;
        Ok(handle.unwrap_or_else(|| self.write.connection.last_insert_rowid()))
    }

    pub(super) fn write_base(
        &mut self,
        known: bool,
        row: i64,
        envelope: &Envelope<'_>,
        hash: i64,
        properties: &str,
    ) -> Result<(), StoreError> {
        let statement = if known { &mut self.update_base } else { &mut self.insert_base };
        statement.execute(params![
            row,
            envelope.id,
            envelope.created_at.millis(),
            envelope.updated_at.millis(),
            envelope.archived,
            envelope.archived_at.map(Timestamp::millis),
            envelope.merged_into,
            envelope.state,
            hash,
            properties
        ])?;
        Ok(())
    }
}

fn local(mut rows: Rows<'_>, fields: usize, hasher: &mut RowHasher) -> Result<Option<LocalRow>, StoreError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Vec::with_capacity(fields);
    for place in 0..fields {
        let value = row.get_ref(place)?;
        hasher.value(value);
        cells.push(cells::read(value));
    }
    hasher.value(row.get_ref(fields)?);
    Ok(Some(LocalRow {
        cells,
        // Anything but a number is nobody's wish to archive.
        archived: row.get_ref(fields)?.as_i64().unwrap_or(0),
        row: row.get(fields + 1)?,
        hash: hasher.finish(),
        id: row.get(fields + 2)?,
        uid: row.get(fields + 3)?,
    }))
}

/// A local value that cannot be sent, as it stands in the mirror.
pub(super) fn shown(cell: &Cell<'_>) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Real(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.to_string()),
    }
}
