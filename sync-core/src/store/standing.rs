//! The tables that every mirror has, whatever its mappings: compared with those of a new one, and made anew where a tool
//! dropped or replaced them.
//!
//! `associations` comes back from what both sides agreed on, with what a tool's table has beyond that. What the remote
//! tells about itself is taken over as far as it is there, and read again by the next run. The engine's own tables can only
//! come back with a copy of the whole mirror.

use super::links::ASSOCIATIONS;
use super::peoples::SetAside;
use super::rebuild::ids::{self, Id};
use super::rebuild::{free_name, with_names_kept};
use super::table::quote;
use super::triggers::names_on;
use super::{Store, StoreError, Write, cells};
use mappings::Cell;
use rusqlite::{Connection, OptionalExtension, params};

/// A table of a new mirror.
struct Standing {
    name: String,
    /// Its columns with their types, and their places in the primary key.
    columns: Vec<(String, String, i64)>,
    /// The statements that make its indexes, by name.
    indexes: Vec<(String, String)>,
    sql: String,
}

/// What a table was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The table.
    pub table: String,
    /// What was wrong with it.
    pub was: String,
    /// The name under which the tool's table is kept, if there was one.
    pub kept_as: Option<String>,
    /// Rows that came back.
    pub rows: u64,
    /// Rows of the tool's table beyond those.
    pub added: u64,
}

impl Store {
    /// The tables of every mirror that are gone or were made anew, each with what is different. Only those that can be
    /// repaired; any other one is an error.
    ///
    /// # Errors
    /// [`StoreError::Altered`] where one of the engine's own is.
    pub fn altered_standing(&self) -> Result<Vec<(String, String)>, StoreError> {
        altered_standing(&self.connection)
    }
}

/// The same of any connection.
pub(super) fn altered_standing(connection: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut altered = Vec::new();
    for table in pristine()? {
        match check(connection, &table) {
            Ok(()) => {}
            Err(StoreError::Remade { table, what }) => altered.push((table, what)),
            Err(error) => return Err(error),
        }
    }
    Ok(altered)
}

/// # Errors
/// [`StoreError::Remade`] for a table that can be repaired, [`StoreError::Altered`] for one that cannot.
pub(super) fn check_standing(connection: &Connection) -> Result<(), StoreError> {
    pristine()?.iter().try_for_each(|table| check(connection, table))
}

fn check(connection: &Connection, wanted: &Standing) -> Result<(), StoreError> {
    let (present, table) = (columns(connection, &wanted.name)?, wanted.name.clone());
    let absent: Vec<&str> =
        wanted.columns.iter().filter(|column| !present.contains(column)).map(|(name, _, _)| name.as_str()).collect();
    let mut indexes = connection
        .prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?1 AND tbl_name = ?2")?;
    let mut lost = Vec::new();
    for (name, _) in &wanted.indexes {
        if !indexes.exists([name, &wanted.name])? {
            lost.push(name.as_str());
        }
    }
    let what = if present.is_empty() {
        "it is gone".to_owned()
    } else if !absent.is_empty() {
        format!("it no longer has the columns {} as they were", absent.join(", "))
    } else if !lost.is_empty() {
        format!("it no longer has the indexes {}", lost.join(", "))
    } else {
        return Ok(());
    };
    if wanted.is_private() {
        let what = format!("{what}, and only a copy of the whole mirror has it: put the newest snapshot in its place");
        return Err(StoreError::Altered { table, what });
    }
    Err(StoreError::Remade { table, what })
}

impl Standing {
    fn is_private(&self) -> bool {
        self.name.starts_with("sync_") || self.name.starts_with("refinery_")
    }
}

/// The tables of a mirror that was just made.
fn pristine() -> Result<Vec<Standing>, StoreError> {
    let mut new = Connection::open_in_memory()?;
    migrations::migrate(&mut new)?;
    let mut tables = new.prepare(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let named: Vec<(String, String)> =
        tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut of_table =
        new.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL")?;
    let mut standing = Vec::new();
    for (name, sql) in named {
        let indexes = of_table.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        standing.push(Standing { columns: columns(&new, &name)?, indexes, name, sql });
    }
    Ok(standing)
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<(String, String, i64)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name, type, pk FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

impl Write<'_> {
    /// Makes a table of every mirror anew. Returns also a sentence for each thing of a person's own that no longer fits.
    ///
    /// # Errors
    /// When SQLite refuses, or the table is one that cannot be repaired.
    pub fn restore_standing(&self, name: &str, was: &str) -> Result<(Restored, Vec<String>), StoreError> {
        let wanted = pristine()?.into_iter().find(|table| table.name == name && !table.is_private());
        let wanted = wanted.ok_or_else(|| StoreError::Unusable(format!("{name} cannot be made anew")))?;
        with_names_kept(self.connection, || self.replace_standing(&wanted, was))
    }

    fn replace_standing(&self, wanted: &Standing, was: &str) -> Result<(Restored, Vec<String>), StoreError> {
        let (connection, name) = (self.connection, wanted.name.as_str());
        let mut restored = Restored { table: name.to_owned(), was: was.to_owned(), ..Restored::default() };
        let aside = SetAside::take(connection, name, &[])?;
        let present: Option<String> = connection
            .query_row(
                "SELECT type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type <> 'trigger'",
                [name],
                |row| row.get(0),
            )
            .optional()?;
        match present.as_deref() {
            None => {}
            Some("table") => {
                for trigger in names_on(name) {
                    connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {}", quote(&trigger)))?;
                }
                for (index, _) in &wanted.indexes {
                    connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", quote(index)))?;
                }
                let kept_as = free_name(connection, name)?;
                connection.execute_batch(&format!("ALTER TABLE {} RENAME TO {}", quote(name), quote(&kept_as)))?;
                restored.kept_as = Some(kept_as);
            }
            Some(kind) => {
                let what = format!("{name} is now a {kind}: give it another name and run this again");
                return Err(StoreError::Unusable(what));
            }
        }
        connection.execute_batch(&wanted.sql)?;
        for (_, sql) in &wanted.indexes {
            connection.execute_batch(sql)?;
        }
        let kept = restored.kept_as.clone();
        let kept = kept.filter(|kept| has_columns(connection, kept, wanted).unwrap_or(false));
        if name == ASSOCIATIONS {
            let back =
                "INSERT INTO associations SELECT from_object, from_id, to_object, to_id, category, type_id, label
                        FROM sync_association_base";
            restored.rows = connection.execute(back, [])? as u64;
            if let Some(kept) = kept {
                restored.added = self.take_links(&kept)?;
            }
        } else {
            if let Some(kept) = kept {
                let names: Vec<String> = wanted.columns.iter().map(|(name, _, _)| quote(name)).collect();
                let list = names.join(", ");
                let (into, from) = (quote(name), quote(&kept));
                let take = format!("INSERT OR IGNORE INTO {into} ({list}) SELECT {list} FROM {from}");
                restored.rows = connection.execute(&take, [])? as u64;
            }
            connection.execute("DELETE FROM sync_meta WHERE key = 'metadata_read_at'", [])?;
        }
        Ok((restored, aside.bring_back(connection)))
    }

    /// The associations that a tool's table has beyond those that both sides agreed on.
    fn take_links(&self, kept: &str) -> Result<u64, StoreError> {
        let mut read = self.connection.prepare(&format!(
            "SELECT from_object, from_id, to_object, to_id, category, type_id, label FROM {}",
            quote(kept)
        ))?;
        let mut add = self.connection.prepare(
            "INSERT OR IGNORE INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut rows = read.query([])?;
        let mut added = 0;
        while let Some(row) = rows.next()? {
            let text = |place: usize| -> Result<Option<String>, StoreError> {
                match cells::read(row.get_ref(place)?) {
                    Cell::Text(text) if !ids::MISSING.contains(&text.trim()) => Ok(Some(text.into_owned())),
                    _ => Ok(None),
                }
            };
            let id = |place: usize| -> Result<Option<String>, StoreError> {
                Ok(match ids::read(row.get_ref(place)?) {
                    Id::Known(id) => Some(id),
                    Id::None | Id::Unreadable => None,
                })
            };
            let type_id = id(5)?.and_then(|id| id.parse::<i64>().ok());
            let ends = (text(0)?, id(1)?, text(2)?, id(3)?);
            if let (Some(from), Some(from_id), Some(to), Some(to_id)) = ends {
                added += add.execute(params![from, from_id, to, to_id, text(4)?, type_id, text(6)?])?;
            }
        }
        Ok(added as u64)
    }
}

fn has_columns(connection: &Connection, table: &str, wanted: &Standing) -> Result<bool, StoreError> {
    let present = columns(connection, table)?;
    Ok(wanted.columns.iter().all(|(name, _, _)| present.iter().any(|(other, _, _)| other.eq_ignore_ascii_case(name))))
}
