//! Makes the tables and indexes of the mapped object types, and notices when somebody altered them.

use super::links::{ASSOCIATIONS, turn_flipped};
use super::reproject;
use super::shape::check_shape;
use super::standing::check_standing;
use super::status::{ask_full_look, full_looks};
use super::strangers::refuse_meddlers;
use super::table::quote;
use super::triggers::{keep_association_triggers, keep_triggers};
use super::unread::read_anew;
use super::views::{keep_views, pair_views, views_of};
use super::{PATIENCE, Store, StoreError, Table};
use mappings::{Recipe, ResolvedMapping, Unmapped};
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Whether people look records up by this column: those of owners, pipelines and stages, as mappings call them.
fn looked_up(column: &str) -> bool {
    column == "pipeline" || column.ends_with("owner_id") || column == "stage" || column.ends_with("_stage")
}

impl Store {
    /// Makes what is missing of these tables and keeps them for the run. All or nothing. A table whose mapping changed is
    /// only made ready for that; see [`Store::changed_mappings`].
    ///
    /// # Errors
    /// [`StoreError::Remade`] when
    /// somebody replaced one, [`StoreError::Full`] or [`StoreError::Busy`] when they cannot be written now.
    pub fn prepare(&mut self, tables: Vec<Table>) -> Result<(), StoreError> {
        self.prepare_within(tables, PATIENCE)
    }

    /// As [`Store::prepare`], with another patience for somebody else's write lock.
    pub(super) fn prepare_within(&mut self, tables: Vec<Table>, patience: Duration) -> Result<(), StoreError> {
        // Before any walk: waiting here, on the store's own thread, holds nobody up.
        self.connection.busy_timeout(patience)?;
        let begun = self.begin(false);
        self.connection.busy_timeout(Duration::ZERO)?;
        begun?;
        let made = make_all(&self.connection, &tables).and_then(|put_back| {
            let unlooked = full_looks(&self.connection)?;
            self.connection.execute_batch("COMMIT")?;
            Ok((put_back, unlooked))
        });
        if made.is_err() && !self.connection.is_autocommit() {
            // Where SQLite rolled back by itself, as on a full disk, there is nothing to roll back. The first error is
            // the one to tell.
            if let Err(error) = self.connection.execute_batch("ROLLBACK") {
                tracing::warn!("the rollback failed too: {error}");
            }
        }
        (self.put_back, self.unlooked) = made?;
        self.tables = tables.into_iter().map(|table| (table.object().to_owned(), Arc::new(table))).collect();
        Ok(())
    }
}

impl Store {
    /// Whether rows of an object type, or of `associations`, may have been changed that nothing noted: since every row was
    /// compared last, triggers were not as they should be, or a day has passed. As it stood when the tables were prepared.
    pub fn was_unguarded(&self, object: &str) -> bool {
        self.unlooked.contains(object)
    }

    /// Whether triggers of an object type, or of `associations`, had to be put back when it was prepared.
    pub fn triggers_put_back(&self, object: &str) -> bool {
        self.put_back.contains(object)
    }

    /// The tables whose mapping changed and whose columns have not been brought in line: until that is done, nothing
    /// else may be done with them.
    pub fn changed_mappings(&self) -> Result<Vec<Arc<Table>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM sync_reprojections WHERE object = ?1")?;
        let mut changed = Vec::new();
        for table in self.tables.values() {
            if statement.exists([table.object()])? {
                changed.push(Arc::clone(table));
            }
        }
        Ok(changed)
    }
}

/// Returns the object types whose triggers had to be put back. That is also noted: whoever looks at every row may be
/// another run.
fn make_all(connection: &Connection, tables: &[Table]) -> Result<BTreeSet<String>, StoreError> {
    refuse_meddlers(connection)?;
    check_standing(connection)?;
    let mut put_back = BTreeSet::new();
    for table in tables {
        if make(connection, table)? {
            put_back.insert(table.object().to_owned());
        }
    }
    for table in tables {
        for pair in table.outgoing() {
            keep_views(connection, &pair_views(tables, pair))?;
        }
    }
    if keep_association_triggers(connection)? {
        put_back.insert(ASSOCIATIONS.to_owned());
    }
    turn_flipped(connection, tables)?;
    put_back.iter().try_for_each(|object| ask_full_look(connection, object))?;
    Ok(put_back)
}

/// Says whether triggers of a table that was there had to be put back.
fn make(connection: &Connection, table: &Table) -> Result<bool, StoreError> {
    let mapping = &table.mapping;
    let fingerprint = mapping.fingerprint();
    let known = Made::read(connection, &mapping.object)?;
    let was_there = known.is_some();
    match known {
        None => {
            refuse_a_strangers_table(connection, mapping)?;
            connection.execute_batch(&tables_of(table))?;
            connection.execute(
                "INSERT INTO sync_objects (object, table_name, mapping_fingerprint, columns_made) VALUES (?1, ?2, '', '[]')",
                params![mapping.object, mapping.table],
            )?;
            note_made(connection, mapping)?;
        }
        Some(made) => {
            check_shape(connection, &made)?;
            if made.fingerprint != fingerprint || reproject::was_left(connection, &mapping.object)? {
                // The columns, and with them triggers and views, stay as they are until the new ones are filled. But the
                // triggers must be there: what people write meanwhile would be left behind.
                reproject::begin(connection, table, &made)?;
                return keep_triggers(connection, &with_old_columns(mapping, made)?);
            }
            if made.fetched_all != fetches_all(mapping) {
                if !made.fetched_all {
                    // What no field names was left out of every record that was read.
                    read_anew(connection, &mapping.object)?;
                }
                let sql = "UPDATE sync_objects SET fetched_all = ?2 WHERE object = ?1";
                connection.execute(sql, params![mapping.object, fetches_all(mapping)])?;
            }
        }
    }
    let put_back = keep_triggers(connection, table)?;
    keep_views(connection, &views_of(table))?;
    Ok(put_back && was_there)
}

/// The table of a mapping with the columns that it still has.
pub(super) fn with_old_columns(mapping: &ResolvedMapping, made: Made) -> Result<Table, StoreError> {
    let old = mapping.as_made(&made.columns);
    let mut old = old.map_err(|error| StoreError::Unusable(format!("{error}; use the newest crmsync")))?;
    old.table = made.table;
    Ok(Table::new(old, "", &[], Vec::new()))
}

fn refuse_a_strangers_table(connection: &Connection, mapping: &ResolvedMapping) -> Result<(), StoreError> {
    let taken: Option<String> = connection
        .query_row("SELECT type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE", [&mapping.table], |row| row.get(0))
        .optional()?;
    match taken {
        None => Ok(()),
        Some(kind) => Err(StoreError::Altered {
            table: mapping.table.clone(),
            what: format!("a {kind} of this name was there before; rename it, or give the mapping another `table`"),
        }),
    }
}

/// Whether a mapping has properties fetched that no field of it names.
pub(super) fn fetches_all(mapping: &ResolvedMapping) -> bool {
    mapping.unmapped == Unmapped::Json
}

/// Notes how a table's columns are made now, and whether every property is in what is or will be read.
pub(super) fn note_made(connection: &Connection, mapping: &ResolvedMapping) -> Result<(), StoreError> {
    let recipes: Vec<Recipe> = mapping.fields.iter().map(mappings::Field::recipe).collect();
    let recipes = serde_json::to_string(&recipes).map_err(|error| {
        StoreError::Unusable(format!("the mapping of {} cannot be stored: {error}", mapping.object))
    })?;
    connection.execute(
        "UPDATE sync_objects SET mapping_fingerprint = ?2, columns_made = ?3, fetched_all = ?4 WHERE object = ?1",
        params![mapping.object, mapping.fingerprint(), recipes, fetches_all(mapping)],
    )?;
    Ok(())
}

/// What a table was made with.
pub(super) struct Made {
    pub(super) object: String,
    pub(super) table: String,
    pub(super) fingerprint: String,
    pub(super) columns: Vec<Recipe>,
    /// Whether properties that were not mapped had been fetched too.
    pub(super) fetched_all: bool,
}

impl Made {
    pub(super) fn read(connection: &Connection, object: &str) -> Result<Option<Self>, StoreError> {
        Ok(Self::those(connection, "WHERE object = ?1", params![object])?.pop())
    }

    /// Every table that was ever made, by object type.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, StoreError> {
        Self::those(connection, "ORDER BY object", params![])
    }

    fn those(connection: &Connection, which: &str, bound: &[&dyn ToSql]) -> Result<Vec<Self>, StoreError> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT object, table_name, mapping_fingerprint, columns_made, fetched_all FROM sync_objects {which}"
        ))?;
        let mut rows = statement.query(bound)?;
        let mut those = Vec::new();
        while let Some(row) = rows.next()? {
            let object: String = row.get(0)?;
            let columns = serde_json::from_str(&row.get::<_, String>(3)?).map_err(|_| StoreError::Altered {
                table: "sync_objects".to_owned(),
                what: format!("its note of the columns of {object} cannot be read"),
            })?;
            let (table, fingerprint, fetched_all) = (row.get(1)?, row.get(2)?, row.get(4)?);
            those.push(Self { object, table, fingerprint, columns, fetched_all });
        }
        Ok(those)
    }
}

fn tables_of(table: &Table) -> String {
    let mapping = &table.mapping;
    let mut sql = typed_table(&mapping.table, mapping);
    sql += &format!(
        "CREATE TABLE {} (
            _row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, archived INTEGER NOT NULL, archived_at INTEGER, merged_into TEXT,
            state TEXT NOT NULL, missing_since INTEGER, row_hash INTEGER NOT NULL, properties TEXT NOT NULL
        );",
        quote(&table.base_name())
    );
    sql += &indexes_of(mapping);
    sql
}

/// The table of a mapping, under this name. What of it is looked at again is in `shape.rs`.
pub(super) fn typed_table(name: &str, mapping: &ResolvedMapping) -> String {
    let mut columns = String::new();
    for field in &mapping.fields {
        let _ = write!(columns, "{} {}, ", quote(&field.column), field.column_type.sql_type());
    }
    format!(
        "CREATE TABLE {} (
            id TEXT UNIQUE, {columns}
            created_at TEXT, updated_at TEXT, archived INTEGER NOT NULL DEFAULT 0, archived_at TEXT, merged_into TEXT,
            state TEXT NOT NULL DEFAULT 'local', _row INTEGER PRIMARY KEY AUTOINCREMENT,
            _uid TEXT NOT NULL UNIQUE DEFAULT ('u' || lower(hex(randomblob(16))))
        );",
        quote(name)
    )
}

/// The columns that people look records up by.
fn indexed(mapping: &ResolvedMapping) -> Vec<&str> {
    let mut indexed: Vec<&str> = vec!["updated_at"];
    for field in &mapping.fields {
        let key = mapping.key.as_ref() == Some(&field.property) || mapping.unique.as_ref() == Some(&field.property);
        if key || looked_up(&field.column) {
            indexed.push(&field.column);
        }
    }
    indexed
}

/// Our indexes, as far as they are not there.
pub(super) fn indexes_of(mapping: &ResolvedMapping) -> String {
    let name = quote(&mapping.table);
    indexed(mapping).into_iter().fold(String::new(), |mut sql, column| {
        let _ = write!(
            sql,
            "CREATE INDEX IF NOT EXISTS {} ON {name} ({});",
            our_index(&mapping.table, column),
            quote(column)
        );
        sql
    })
}

/// Whether an index of ours is not there.
pub(super) fn lacks_an_index(connection: &Connection, table: &Table) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?1 COLLATE NOCASE")?;
    for column in indexed(&table.mapping) {
        if !statement.exists([format!("{}_by_{column}", table.mapping.table)])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name of our index on a column, quoted.
pub(super) fn our_index(table: &str, column: &str) -> String {
    quote(&format!("{table}_by_{column}"))
}
