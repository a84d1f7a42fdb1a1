//! Indexes, views and triggers of a person's own: set aside while a table's columns change, and brought back.

use super::StoreError;
use super::table::quote;
use rusqlite::{Connection, params};

/// Things set aside, with the SQL that made them: indexes and views first, then triggers, which may hang on views.
pub(super) struct SetAside(Vec<Thing>);

struct Thing {
    kind: String,
    name: String,
    sql: String,
}

impl SetAside {
    /// Drops what would stand in the way of a change to `columns` of `table`: every view and trigger of a person's, as
    /// SQLite checks them all, and the indexes that name one of the columns.
    pub(super) fn take(connection: &Connection, table: &str, columns: &[&str]) -> Result<Self, StoreError> {
        let mut statement = connection.prepare(
            "SELECT type, name, sql FROM sqlite_master
             WHERE sql IS NOT NULL AND (type IN ('view', 'trigger') OR type = 'index' AND tbl_name = ?1 COLLATE NOCASE)
             ORDER BY type = 'trigger', rowid",
        )?;
        let found = statement
            .query_map([table], |row| Ok(Thing { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?
            .collect::<Result<Vec<_>, _>>()?;
        let mut things = Vec::new();
        for thing in found {
            let in_the_way = match thing.kind.as_str() {
                "trigger" => !thing.name.starts_with("sync_"),
                "view" => thing.name != "sync_status",
                _ => names_a_column(connection, &thing, columns)?,
            };
            if in_the_way {
                things.push(thing);
            }
        }
        for thing in &things {
            // A trigger goes with its view.
            connection.execute_batch(&format!("DROP {} IF EXISTS {}", thing.kind, quote(&thing.name)))?;
        }
        Ok(Self(things))
    }

    /// Makes everything again. Returns a sentence for each thing that no longer can be or no longer works.
    pub(super) fn bring_back(self, connection: &Connection) -> Vec<String> {
        let mut lost = Vec::new();
        for thing in &self.0 {
            if let Err(error) = connection.execute_batch(&thing.sql) {
                let Thing { kind, name, sql } = thing;
                lost.push(format!("the {kind} {name} no longer fits and was taken out ({error}): {sql}"));
            }
        }
        for thing in self.0.iter().filter(|thing| thing.kind == "view") {
            if let Err(error) = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", quote(&thing.name))) {
                lost.push(format!("the view {} no longer works: {error}", thing.name));
            }
        }
        lost
    }
}

/// Whether an index names one of these columns, itself or in an expression.
fn names_a_column(connection: &Connection, index: &Thing, columns: &[&str]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name FROM pragma_index_info(?1)")?;
    let mut rows = statement.query(params![index.name])?;
    while let Some(row) = rows.next()? {
        let name: Option<String> = row.get(0)?;
        if name.is_some_and(|name| columns.iter().any(|column| column.eq_ignore_ascii_case(&name))) {
            return Ok(true);
        }
    }
    let sql = index.sql.to_ascii_lowercase();
    let body = sql.split_once('(').map_or("", |(_, body)| body);
    Ok(columns.iter().any(|column| body.contains(&column.to_ascii_lowercase())))
}
