//! Makes the tables and indexes of the mapped object types, and notices when somebody altered them.

use super::reproject::reproject;
use super::table::quote;
use super::triggers::{keep_association_triggers, keep_triggers};
use super::views::{keep_views, pair_views, views_of};
use super::{PATIENCE, Store, StoreError, Table};
use mappings::ResolvedMapping;
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Whether people look records up by this column: those of owners, pipelines and stages, as mappings call them.
fn looked_up(column: &str) -> bool {
    column == "pipeline" || column.ends_with("owner_id") || column == "stage" || column.ends_with("_stage")
}

impl Store {
    /// Makes what is missing of these tables and keeps them for the run. All or nothing.
    ///
    /// # Errors
    /// [`StoreError::MappingChanged`] when a table was made with another mapping, [`StoreError::Altered`] when
    /// somebody replaced one, [`StoreError::Full`] or [`StoreError::Busy`] when they cannot be written now.
    pub fn prepare(&mut self, tables: Vec<Table>) -> Result<(), StoreError> {
        self.prepare_within(tables, PATIENCE)
    }

    /// As [`Store::prepare`], with another patience for somebody else's write lock.
    pub(super) fn prepare_within(&mut self, tables: Vec<Table>, patience: Duration) -> Result<(), StoreError> {
        // Before any walk: waiting here, on the store's own thread, holds nobody up.
        self.connection.busy_timeout(patience)?;
        let begun = self.begin();
        self.connection.busy_timeout(Duration::ZERO)?;
        begun?;
        let made = make_all(&self.connection, &tables).and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if made.is_err() && !self.connection.is_autocommit() {
            // Where SQLite rolled back by itself, as on a full disk, there is nothing to roll back. The first error is
            // the one to tell.
            if let Err(error) = self.connection.execute_batch("ROLLBACK") {
                tracing::warn!("the rollback failed too: {error}");
            }
        }
        made?;
        self.tables = tables.into_iter().map(|table| (table.object().to_owned(), Arc::new(table))).collect();
        Ok(())
    }
}

fn make_all(connection: &Connection, tables: &[Table]) -> Result<(), StoreError> {
    for table in tables {
        make(connection, table)?;
    }
    for table in tables {
        for pair in table.outgoing() {
            keep_views(connection, &pair_views(tables, pair))?;
        }
    }
    keep_association_triggers(connection)
}

fn make(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    let mapping = &table.mapping;
    let fingerprint = mapping.fingerprint();
    let columns: Vec<String> = mapping.fields.iter().map(|field| field.column.clone()).collect();
    match Made::read(connection, &mapping.object)? {
        None => {
            refuse_a_strangers_table(connection, mapping)?;
            connection.execute_batch(&tables_of(table))?;
            connection.execute(
                "INSERT INTO sync_objects (object, table_name, mapping_fingerprint, mapped_columns)
                 VALUES (?1, ?2, ?3, ?4)",
                params![mapping.object, mapping.table, fingerprint, names_as_json(&columns)],
            )?;
        }
        Some(made) => {
            check_columns(connection, &made.table, &made.columns)?;
            if made.fingerprint != fingerprint {
                reproject(connection, table, &made)?;
                connection.execute(
                    "UPDATE sync_objects SET mapping_fingerprint = ?2, mapped_columns = ?3 WHERE object = ?1",
                    params![mapping.object, fingerprint, names_as_json(&columns)],
                )?;
            }
        }
    }
    keep_triggers(connection, table)?;
    keep_views(connection, &views_of(table))
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

/// A table that was dropped and made anew by a tool has other columns, or no `_row`.
pub(super) fn check_columns(connection: &Connection, table: &str, mapped: &[String]) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let present: Vec<String> = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let own = ["id", "created_at", "updated_at", "archived", "archived_at", "merged_into", "state", "_row", "_uid"];
    let wanted = own.iter().copied().chain(mapped.iter().map(String::as_str));
    let absent: Vec<&str> = wanted.filter(|column| !present.iter().any(|there| there == column)).collect();
    if absent.is_empty() {
        return check_keys(connection, table);
    }
    let what = if present.is_empty() {
        "it is gone".to_owned()
    } else {
        format!("it no longer has the columns {}", absent.join(", "))
    };
    Err(StoreError::Altered { table: table.to_owned(), what })
}

/// A tool that writes a table back under its old name (pandas' `to_sql(if_exists="replace")`) keeps the columns and
/// loses the keys.
fn check_keys(connection: &Connection, table: &str) -> Result<(), StoreError> {
    let handle: bool = connection.query_row(
        "SELECT count(*) = 1 AND max(name = '_row' AND upper(type) = 'INTEGER') FROM pragma_table_info(?1) WHERE pk > 0",
        [table],
        |row| Ok(row.get::<_, Option<bool>>(0)?.unwrap_or(false)),
    )?;
    let mut unique = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) i
             WHERE i.\"unique\" AND NOT i.partial
               AND (SELECT group_concat(name, ' ') FROM pragma_index_info(i.name)) = ?2
               AND (SELECT count(*) FROM pragma_index_info(i.name)) = 1)",
    )?;
    let mut lost = Vec::new();
    if !handle {
        lost.push("_row");
    }
    for column in ["id", "_uid"] {
        if !unique.query_row([table, column], |row| row.get(0))? {
            lost.push(column);
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let what = format!("it no longer has the keys {}; a tool has made it anew", lost.join(", "));
    Err(StoreError::Altered { table: table.to_owned(), what })
}

fn names_as_json(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// What a table was made with.
pub(super) struct Made {
    pub(super) table: String,
    pub(super) fingerprint: String,
    pub(super) columns: Vec<String>,
}

impl Made {
    pub(super) fn read(connection: &Connection, object: &str) -> Result<Option<Self>, StoreError> {
        let read = connection
            .query_row(
                "SELECT table_name, mapping_fingerprint, mapped_columns FROM sync_objects WHERE object = ?1",
                [object],
                |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)),
            )
            .optional()?;
        let Some((table, fingerprint, columns)) = read else { return Ok(None) };
        let columns = serde_json::from_str(&columns).map_err(|_| StoreError::Altered {
            table: "sync_objects".to_owned(),
            what: format!("its note of the columns of {object} cannot be read"),
        })?;
        Ok(Some(Self { table, fingerprint, columns }))
    }
}

fn tables_of(table: &Table) -> String {
    let mapping = &table.mapping;
    let (name, base) = (table.quoted(), quote(&table.base_name()));
    let mut columns = String::new();
    for field in &mapping.fields {
        let _ = write!(columns, "{} {}, ", quote(&field.column), field.column_type.sql_type());
    }
    let mut sql = format!(
        "CREATE TABLE {name} (
            id TEXT UNIQUE, {columns}
            created_at TEXT, updated_at TEXT, archived INTEGER NOT NULL DEFAULT 0, archived_at TEXT, merged_into TEXT,
            state TEXT NOT NULL DEFAULT 'local', _row INTEGER PRIMARY KEY AUTOINCREMENT,
            _uid TEXT NOT NULL UNIQUE DEFAULT ('u' || lower(hex(randomblob(16))))
        );
        CREATE TABLE {base} (
            _row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, archived INTEGER NOT NULL, archived_at INTEGER, merged_into TEXT,
            state TEXT NOT NULL, row_hash INTEGER NOT NULL, properties TEXT NOT NULL
        );"
    );
    sql += &indexes_of(mapping);
    sql
}

/// Our indexes, as far as they are not there.
pub(super) fn indexes_of(mapping: &ResolvedMapping) -> String {
    let mut indexed: Vec<&str> = vec!["updated_at"];
    for field in &mapping.fields {
        let key = mapping.key.as_ref() == Some(&field.property) || mapping.unique.as_ref() == Some(&field.property);
        if key || looked_up(&field.column) {
            indexed.push(&field.column);
        }
    }
    let name = quote(&mapping.table);
    indexed.into_iter().fold(String::new(), |mut sql, column| {
        let _ = write!(
            sql,
            "CREATE INDEX IF NOT EXISTS {} ON {name} ({});",
            index_name(&mapping.table, column),
            quote(column)
        );
        sql
    })
}

/// The name of our index on a column, quoted.
pub(super) fn index_name(table: &str, column: &str) -> String {
    quote(&format!("{table}_by_{column}"))
}
