//! A mapping that changed: every row is shown anew from its base, without a call, while others go on working.
//!
//! * New columns are filled beside the old ones in short transactions, and take their place in one.
//! * What somebody edited is carried over as the property's value. An edit that the new mapping has no column for, or
//!   cannot show, becomes a reject; it is never dropped in silence.
//! * `_row`, `_uid`, columns that stay and rows not created yet are left alone; a person's own indexes, views and
//!   triggers survive, or are named.
//! * Stopped anywhere, it goes on there; if the mapping changed once more meanwhile, it begins anew.

use super::ddl::Made;
use super::peoples::SetAside;
use super::table::quote;
use super::{StoreError, Table};
use mappings::Field;
use rusqlite::{Connection, OptionalExtension, params};

/// What has to change of a table's columns.
pub(super) struct Plan {
    /// The fields that the columns were made by.
    pub(super) old: Vec<Field>,
    /// Which of them a program filled that showed some values differently.
    pub(super) older: Vec<bool>,
    /// The properties of which something changes.
    pub(super) changes: Vec<Change>,
}

/// One property: places among the old and the new fields.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub(super) old: Option<usize>,
    pub(super) new: Option<usize>,
}

impl Plan {
    pub(super) fn of(table: &Table, made: &Made) -> Result<Self, StoreError> {
        let old = made.columns.iter().map(mappings::Recipe::field).collect::<Result<Vec<_>, _>>();
        let old = old.map_err(|error| StoreError::Unusable(format!("{error}; use the newest crmsync")))?;
        let mut changes = Vec::new();
        for (place, field) in table.mapping.fields.iter().enumerate() {
            let before = old.iter().position(|old| old.property == field.property);
            if before.is_none_or(|before| made.columns[before] != field.recipe()) {
                changes.push(Change { old: before, new: Some(place) });
            }
        }
        for (place, field) in old.iter().enumerate() {
            if !table.mapping.fields.iter().any(|new| new.property == field.property) {
                changes.push(Change { old: Some(place), new: None });
            }
        }
        let older = made.columns.iter().map(mappings::Recipe::is_older).collect();
        Ok(Self { old, older, changes })
    }

    /// The names of the columns that go or are made anew.
    pub(super) fn leaving(&self) -> Vec<&str> {
        self.changes.iter().filter_map(|change| change.old).map(|old| self.old[old].column.as_str()).collect()
    }
}

/// The column that is being filled for a new field, until it takes its place.
pub(super) fn waiting_column(place: usize) -> String {
    format!("_new_{place}")
}

/// The name that a column has after its place was taken, until it is dropped.
pub(super) fn left_column(place: usize) -> String {
    format!("_old_{place}")
}

/// A re-projection in progress.
pub(super) struct Progress {
    pub(super) position: i64,
    pub(super) touched: i64,
}

impl Progress {
    /// How far the re-projection to a mapping has come; `None` when none to this very mapping was begun.
    pub(super) fn read(connection: &Connection, object: &str, fingerprint: &str) -> Result<Option<Self>, StoreError> {
        let progress = connection
            .prepare_cached("SELECT position, touched FROM sync_reprojections WHERE object = ?1 AND fingerprint = ?2")?
            .query_row([object, fingerprint], |row| Ok(Self { position: row.get(0)?, touched: row.get(1)? }))
            .optional()?;
        Ok(progress)
    }
}

/// Whether a change to some mapping was begun and not ended: row hashes may be another mapping's.
pub(super) fn was_left(connection: &Connection, object: &str) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM sync_reprojections WHERE object = ?1")?.exists([object])?)
}

/// Prepares a table for its new mapping, inside the caller's transaction: columns to fill, and where to begin. Goes on
/// with one that was begun for the same mapping.
pub(super) fn begin(connection: &Connection, table: &Table, made: &Made) -> Result<(), StoreError> {
    let mapping = &table.mapping;
    if made.table != mapping.table {
        return Err(StoreError::Altered {
            table: made.table.clone(),
            what: format!("its mapping now names it {}; a table keeps its name", mapping.table),
        });
    }
    let fingerprint = mapping.fingerprint();
    if Progress::read(connection, &mapping.object, &fingerprint)?.is_some() {
        return Ok(());
    }
    let plan = Plan::of(table, made)?;
    drop_columns(connection, table, "_new_*")?;
    drop_columns(connection, table, "_old_*")?;
    for place in plan.changes.iter().filter_map(|change| change.new) {
        let (column, kind) = (quote(&waiting_column(place)), mapping.fields[place].column_type.sql_type());
        connection.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {column} {kind}", table.quoted()))?;
    }
    if plan.changes.iter().any(|change| change.new.is_some()) {
        // A trigger that copies whole rows does not fit one that is longer, and no row could be filled.
        for lost in SetAside::take(connection, &mapping.table, &[])?.bring_back(connection) {
            tracing::warn!("{lost}");
        }
    }
    connection.execute(
        "INSERT OR REPLACE INTO sync_reprojections
         VALUES (?1, ?2, 0, (SELECT coalesce(max(seq), 0) FROM sync_touched))",
        params![mapping.object, fingerprint],
    )?;
    Ok(())
}

/// Drops the columns whose names match. Whatever a person hung on them has been set aside before.
pub(super) fn drop_columns(connection: &Connection, table: &Table, pattern: &str) -> Result<(), StoreError> {
    for column in matching(connection, table, pattern)? {
        drop_column(connection, table, &column)?;
    }
    Ok(())
}

/// Drops one column.
pub(super) fn drop_column(connection: &Connection, table: &Table, column: &str) -> Result<(), StoreError> {
    let aside = SetAside::take(connection, &table.mapping.table, &[column])?;
    connection.execute_batch(&format!("ALTER TABLE {} DROP COLUMN {}", table.quoted(), quote(column))).map_err(
        |error| StoreError::Altered {
            table: table.mapping.table.clone(),
            what: format!("its column {column} cannot be dropped ({error})"),
        },
    )?;
    for lost in aside.bring_back(connection) {
        tracing::warn!("{lost}");
    }
    Ok(())
}

/// The table's columns whose names match a pattern of `GLOB`.
pub(super) fn matching(connection: &Connection, table: &Table, pattern: &str) -> Result<Vec<String>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM pragma_table_info(?1) WHERE name GLOB ?2 ORDER BY cid")?;
    let names = statement.query_map([table.mapping.table.as_str(), pattern], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
