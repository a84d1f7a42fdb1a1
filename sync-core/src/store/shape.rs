//! Whether a typed table still is the one that the engine made. A tool that writes a table back under its old name
//! (`DROP TABLE` and `CREATE TABLE`) takes its triggers, keys and types with it, and whatever is written into such a table
//! would be noticed by nobody.

use super::ddl::Made;
use super::table::base_of;
use super::{Store, StoreError};
use rusqlite::{Connection, ErrorCode};
use std::collections::BTreeMap;

/// A column of a table, as SQLite describes it.
struct Column {
    name: String,
    kind: String,
    required: bool,
    default: bool,
}

/// The engine's own columns, with their types.
const OWN: [(&str, &str); 9] = [
    ("id", "TEXT"),
    ("created_at", "TEXT"),
    ("updated_at", "TEXT"),
    ("archived", "INTEGER"),
    ("archived_at", "TEXT"),
    ("merged_into", "TEXT"),
    ("state", "TEXT"),
    ("_row", "INTEGER"),
    ("_uid", "TEXT"),
];

/// Of these, the ones that a new row need not name.
const GIVEN: [&str; 3] = ["archived", "state", "_uid"];

impl Store {
    /// The object types whose table is gone or no longer what the engine made, each with what is different.
    ///
    /// # Errors
    /// When SQLite cannot read the schema.
    pub fn altered(&self) -> Result<BTreeMap<String, StoreError>, StoreError> {
        let mut altered = BTreeMap::new();
        for made in Made::all(&self.connection)? {
            match check_shape(&self.connection, &made) {
                Ok(()) => {}
                Err(error @ StoreError::Remade { .. }) => drop(altered.insert(made.object, error)),
                Err(error) => return Err(error),
            }
        }
        Ok(altered)
    }

    /// The same of a mirror that was opened for reading, in words.
    ///
    /// # Errors
    /// When SQLite cannot read the schema.
    pub fn altered_in(connection: &Connection) -> Result<BTreeMap<String, String>, StoreError> {
        let mut altered = BTreeMap::new();
        for made in Made::all(connection)? {
            match check_shape(connection, &made) {
                Ok(()) => {}
                Err(StoreError::Remade { what, .. }) => drop(altered.insert(made.object, what)),
                Err(error) => return Err(error),
            }
        }
        Ok(altered)
    }

    /// Looks again at the tables of this run when the schema has changed since they were looked at last: a tool may
    /// replace one at any time.
    pub(super) fn notice_remade(&self) -> Result<(), StoreError> {
        let version: i64 = self.connection.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))?;
        if self.looked_at.get() == Some(version) {
            return Ok(());
        }
        for object in self.tables.keys() {
            if let Some(made) = Made::read(&self.connection, object)? {
                check_shape(&self.connection, &made)?;
            }
        }
        self.looked_at.set(Some(version));
        Ok(())
    }

    /// What is behind an error of SQLite's, where a person's hand is.
    pub(super) fn explain(&self, error: StoreError) -> StoreError {
        let StoreError::Sqlite(cause) = &error else { return error };
        if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
            return match super::strangers::on_our_tables(&self.connection) {
                Ok(names) if !names.is_empty() => {
                    StoreError::Refused(format!("{cause}; there is {}", names.join(", ")))
                }
                _ => error,
            };
        }
        self.looked_at.set(None);
        match self.notice_remade() {
            Err(remade @ StoreError::Remade { .. }) => remade,
            _ => error,
        }
    }
}

/// # Errors
/// [`StoreError::Remade`] with what is different.
pub(super) fn check_shape(connection: &Connection, made: &Made) -> Result<(), StoreError> {
    let table = &made.table;
    let remade = |what: String| Err(StoreError::Remade { table: table.clone(), what });
    let present = columns(connection, table)?;
    if present.is_empty() {
        return remade("it is gone".to_owned());
    }
    let mut wanted: Vec<(&str, Option<&str>)> = OWN.iter().map(|(name, kind)| (*name, Some(*kind))).collect();
    wanted.extend(made.columns.iter().map(|recipe| {
        // A recipe that this program cannot follow is told where the mapping is compared.
        (recipe.column.as_str(), recipe.field().ok().map(|field| field.column_type.sql_type()))
    }));
    let find = |name: &str| present.iter().find(|column| column.name == name);
    let absent: Vec<&str> = wanted.iter().map(|(name, _)| *name).filter(|name| find(name).is_none()).collect();
    if !absent.is_empty() {
        return remade(format!("it no longer has the columns {}", absent.join(", ")));
    }
    let lost = lost_keys(connection, table)?;
    if !lost.is_empty() {
        return remade(format!("it no longer has the keys {}", lost.join(", ")));
    }
    let differs = |(name, kind): &(&str, Option<&str>)| {
        let Some(column) = find(name) else { return false };
        let own = OWN.iter().any(|(own, _)| own == name);
        kind.is_some_and(|kind| !column.kind.eq_ignore_ascii_case(kind))
            || (GIVEN.contains(name) && !column.default)
            || (!own && column.required)
    };
    let other: Vec<&str> = wanted.iter().filter(|column| differs(column)).map(|(name, _)| *name).collect();
    if !other.is_empty() {
        return remade(format!("its columns {} were made in another way", other.join(", ")));
    }
    if !has(connection, table, "instr(upper(sql), 'AUTOINCREMENT') > 0")? {
        return remade("the numbers in _row might be given twice".to_owned());
    }
    if !has(connection, &base_of(table), "1")? {
        return remade(format!("what both sides agreed on, {}, is gone", base_of(table)));
    }
    Ok(())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT name, type, \"notnull\", dflt_value IS NOT NULL FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| {
        Ok(Column { name: row.get(0)?, kind: row.get(1)?, required: row.get(2)?, default: row.get(3)? })
    })?;
    Ok(columns.collect::<Result<_, _>>()?)
}

fn has(connection: &Connection, table: &str, what: &str) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND {what}");
    Ok(connection.prepare_cached(&sql)?.exists([table])?)
}

/// A tool that writes a table back under its old name (pandas' `to_sql(if_exists="replace")`) keeps the columns and
/// loses the keys.
fn lost_keys(connection: &Connection, table: &str) -> Result<Vec<&'static str>, StoreError> {
    let handle: bool = connection.query_row(
        "SELECT count(*) = 1 AND max(name = '_row' AND upper(type) = 'INTEGER') FROM pragma_table_info(?1) WHERE pk > 0",
        [table],
        |row| Ok(row.get::<_, Option<bool>>(0)?.unwrap_or(false)),
    )?;
    let mut unique = connection.prepare_cached(
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
    Ok(lost)
}
