//! Indexes and triggers in the mirror that are not the engine's: a person's own are welcome, as long as they leave the
//! engine's private tables alone.

use super::StoreError;
use super::links::ASSOCIATIONS;
use super::table::quote;
use super::triggers::names_on;
use rusqlite::Connection;

/// Tables and views of the engine's that anybody may read.
const PUBLIC: [&str; 6] =
    ["sync_status", "sync_pending", "sync_conflicts", "sync_rejects", "sync_runs", "sync_history"];

/// Triggers and unique indexes of a person's own on the tables that the engine writes, as `the trigger mine on contacts`.
pub(super) fn on_our_tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let ours = ours(connection)?;
    let mut tables = tables(connection)?;
    tables.push(ASSOCIATIONS.to_owned());
    let mut found = Vec::new();
    for (name, table, _) in triggers(connection)? {
        if !ours.contains(&name) && tables.iter().any(|known| known.eq_ignore_ascii_case(&table)) {
            found.push(format!("the trigger {name} on {table}"));
        }
    }
    for table in tables {
        let mut indexes =
            connection.prepare_cached("SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND origin = 'c'")?;
        for name in indexes.query_map([&table], |row| row.get::<_, String>(0))? {
            let name = name?;
            if name != "associations_by_from" {
                found.push(format!("the unique index {name} on {table}"));
            }
        }
    }
    Ok(found)
}

/// Refuses a trigger that reaches into the engine's private tables: it would act with the engine's own hand.
///
/// # Errors
/// [`StoreError::Altered`] naming it.
pub(super) fn refuse_meddlers(connection: &Connection) -> Result<(), StoreError> {
    let ours = ours(connection)?;
    for (name, table, sql) in triggers(connection)? {
        if !ours.contains(&name) && names_private(&name, &sql) {
            let what = format!(
                "its trigger {name} reaches into the engine's own tables; take it out: DROP TRIGGER {}",
                quote(&name)
            );
            return Err(StoreError::Altered { table, what });
        }
    }
    Ok(())
}

/// Whether the text of a trigger names a private table of the engine's, be it to read it.
fn names_private(name: &str, sql: &str) -> bool {
    let lower = sql.to_lowercase();
    let mut words = lower.split(|char: char| !(char.is_alphanumeric() || char == '_'));
    words.any(|word| word.starts_with("sync_") && !PUBLIC.contains(&word) && word != name.to_lowercase())
}

/// The names of the engine's own triggers, on whatever tables the mirror has.
fn ours(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut tables = tables(connection)?;
    tables.push(ASSOCIATIONS.to_owned());
    Ok(tables.iter().flat_map(|table| names_on(table)).collect())
}

fn tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT table_name FROM sync_objects")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Every trigger: its name, its table, its text.
fn triggers(connection: &Connection) -> Result<Vec<(String, String, String)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::names_private;

    #[test]
    fn a_trigger_that_names_a_private_table_is_told_from_one_that_reads_a_public_one() {
        for body in
            ["UPDATE sync_guard SET applying = 1", "DELETE/**/FROM main.\"Sync_Journal\"", "SELECT * FROM [sync_meta]"]
        {
            assert!(
                names_private("mine", &format!("CREATE TRIGGER mine AFTER UPDATE ON contacts BEGIN {body}; END")),
                "{body}"
            );
        }
        for body in ["INSERT INTO log SELECT * FROM sync_runs", "INSERT INTO resync_log VALUES (1)"] {
            let sql = format!("CREATE TRIGGER sync_mine AFTER INSERT ON sync_conflicts BEGIN {body}; END");
            assert!(!names_private("sync_mine", &sql), "{body}");
        }
    }
}
