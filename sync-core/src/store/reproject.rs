//! A mapping that changed: the table gets its new columns, and every row is shown anew from its base, without a call.
//!
//! `_row`, `_uid`, the order of columns that stay, and a person's own indexes and triggers are left alone. A table that
//! holds edits nobody has pushed is not touched: what they mean under the new mapping is for a person to say.

use super::cells::{self, RowHasher};
use super::ddl::{Made, index_name, indexes_of};
use super::table::quote;
use super::{StoreError, Table};
use crate::model::Properties;
use mappings::{Cell, Unmapped};
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Brings a table from the mapping it was made with to `table`'s. Inside the caller's transaction.
pub(super) fn reproject(connection: &Connection, table: &Table, made: &Made) -> Result<(), StoreError> {
    let mapping = &table.mapping;
    if made.table != mapping.table {
        return Err(StoreError::Altered {
            table: made.table.clone(),
            what: format!("its mapping now names it {}; a table keeps its name", mapping.table),
        });
    }
    if holds_edits(connection, table, made)? {
        return Err(StoreError::MappingChanged { object: mapping.object.clone() });
    }
    connection.execute_batch("UPDATE sync_guard SET applying = 1")?;
    drop_our_triggers(connection, table)?;
    let added = change_columns(connection, table, made)?;
    project_all(connection, table)?;
    connection.execute_batch(&indexes_of(mapping))?;
    if added && mapping.unmapped == Unmapped::Ignore {
        // What was not mapped was not fetched: only a new read can show it.
        connection.execute("UPDATE sync_objects SET backfilled = 0 WHERE object = ?1", [&mapping.object])?;
    }
    connection.execute_batch("UPDATE sync_guard SET applying = 0")?;
    Ok(())
}

/// Whether any row is new, gone, replaced or different from what the engine wrote last.
fn holds_edits(connection: &Connection, table: &Table, made: &Made) -> Result<bool, StoreError> {
    let (name, base) = (table.quoted(), quote(&table.base_name()));
    let columns: String = made.columns.iter().map(|column| format!("r.{}, ", quote(column))).collect();
    let strangers: bool = connection.query_row(
        &format!(
            "SELECT EXISTS (SELECT 1 FROM {name} WHERE id IS NULL)
                 OR EXISTS (SELECT 1 FROM {base} b WHERE NOT EXISTS (SELECT 1 FROM {name} r WHERE r._row = b._row))"
        ),
        [],
        |row| row.get(0),
    )?;
    if strangers {
        return Ok(true);
    }
    let mut statement = connection
        .prepare(&format!("SELECT {columns} r.archived, b.row_hash FROM {name} r JOIN {base} b ON b._row = r._row"))?;
    let mut hasher = RowHasher::default();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for place in 0..=made.columns.len() {
            hasher.value(row.get_ref(place)?);
        }
        if hasher.finish() != row.get::<_, i64>(made.columns.len() + 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// They name columns that may go; the caller makes them anew.
fn drop_our_triggers(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    for event in ["insert", "update", "delete", "key"] {
        let name = quote(&format!("sync_{}_{event}", table.mapping.table));
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {name}"))?;
    }
    Ok(())
}

/// Adds and removes columns; one whose type changed is removed and added. Says whether any was added.
fn change_columns(connection: &Connection, table: &Table, made: &Made) -> Result<bool, StoreError> {
    let (name, plain) = (table.quoted(), &table.mapping.table);
    let mut types: HashMap<String, String> = HashMap::new();
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let mut rows = statement.query([plain])?;
    while let Some(row) = rows.next()? {
        types.insert(row.get(0)?, row.get(1)?);
    }
    let fields = &table.mapping.fields;
    let stays = |column: &str| {
        fields.iter().any(|field| {
            field.column == column && types.get(column).is_some_and(|kind| kind == field.column_type.sql_type())
        })
    };
    for column in made.columns.iter().filter(|column| !stays(column)) {
        connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", index_name(plain, column)))?;
        connection.execute_batch(&format!("ALTER TABLE {name} DROP COLUMN {}", quote(column))).map_err(|error| {
            StoreError::Altered {
                table: plain.clone(),
                what: format!("its column {column} is in use by something of yours ({error}); drop that first"),
            }
        })?;
    }
    let mut added = false;
    for field in fields.iter().filter(|field| !(made.columns.contains(&field.column) && stays(&field.column))) {
        added = true;
        let (column, kind) = (quote(&field.column), field.column_type.sql_type());
        connection.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {column} {kind}"))?;
    }
    Ok(added)
}

fn project_all(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    let (name, base) = (table.quoted(), quote(&table.base_name()));
    let fields = &table.mapping.fields;
    let settings: Vec<String> =
        fields.iter().zip(2..).map(|(field, place)| format!("{} = ?{place}", quote(&field.column))).collect();
    let mut write = connection.prepare(&format!("UPDATE {name} SET {} WHERE _row = ?1", settings.join(", ")))?;
    let mut note = connection.prepare(&format!("UPDATE {base} SET row_hash = ?2 WHERE _row = ?1"))?;
    let mut statement = connection.prepare(&format!("SELECT _row, archived, properties FROM {base}"))?;
    let mut rows = statement.query([])?;
    let mut hasher = RowHasher::default();
    while let Some(row) = rows.next()? {
        let (handle, archived): (i64, bool) = (row.get(0)?, row.get(1)?);
        let properties = Properties::from_json(row.get::<_, String>(2)?);
        let wires = table.wires(&properties)?;
        write.raw_bind_parameter(1, handle)?;
        for (place, field) in fields.iter().enumerate() {
            let cell = field.project(wires[place].as_deref()).cell;
            hasher.cell(&cell);
            cells::bind(&mut write, place + 2, &cell)?;
        }
        hasher.cell(&Cell::Integer(i64::from(archived)));
        write.raw_execute()?;
        note.execute(params![handle, hasher.finish()])?;
    }
    Ok(())
}
