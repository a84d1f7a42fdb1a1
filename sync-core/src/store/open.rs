//! Opening a mirror: the settings every connection needs, the schema brought up to date, the file recognised.

use super::{PATIENCE, StoreError, Table};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// `crms` in ASCII: marks the file as ours.
const APPLICATION_ID: i32 = 0x6372_6d73;
/// SQLite below this can corrupt a WAL file that several connections share.
const OLDEST_SQLITE: i32 = 3_051_003;

/// The mirror, opened for reading and writing.
pub struct Store {
    pub(super) connection: Connection,
    pub(super) tables: BTreeMap<String, Arc<Table>>,
    pub(super) run_id: i64,
}

impl Store {
    /// Opens the mirror at `path`, making it when it does not exist.
    ///
    /// # Errors
    /// When the file is no SQLite database, belongs to another program, was written by a newer version, or cannot be
    /// written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(StoreError::Unusable(format!(
                "the SQLite library is {}, and below 3.51.3 it can corrupt a file that several programs use",
                rusqlite::version()
            )));
        }
        let mut connection = Connection::open(path)?;
        configure(&connection)?;
        recognise(&connection)?;
        migrations::migrate(&mut connection)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.busy_timeout(Duration::ZERO)?;
        let store = Self { connection, tables: BTreeMap::new(), run_id: 0 };
        store.refuse_an_open_guard()?;
        Ok(store)
    }

    /// Opens the mirror at `path` for reading alone; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file is not a mirror.
    pub fn open_to_read(path: &Path) -> Result<Option<Connection>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if id != APPLICATION_ID {
            return Err(foreign());
        }
        Ok(Some(connection))
    }

    /// The tables that mappings gave this mirror, by object type.
    pub fn tables(&self) -> &BTreeMap<String, Arc<Table>> {
        &self.tables
    }

    /// A guard left at 1 outside a transaction means that somebody wrote it by hand: triggers would be asleep.
    fn refuse_an_open_guard(&self) -> Result<(), StoreError> {
        let applying: i64 = self.connection.query_row("SELECT applying FROM sync_guard", [], |row| row.get(0))?;
        if applying == 0 {
            return Ok(());
        }
        Err(StoreError::Altered {
            table: "sync_guard".to_owned(),
            what: "it says that the engine is writing, outside any run; set `applying` back to 0".to_owned(),
        })
    }
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Lets a new, empty file or one of ours pass.
fn recognise(connection: &Connection) -> Result<(), StoreError> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if id == APPLICATION_ID || tables == 0 { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> StoreError {
    StoreError::Unusable(
        "the file is a database of another program; name another file as the mirror, or move this one away".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::Store;

    #[test]
    fn a_database_of_another_program_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);").unwrap();
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(error.contains("another program"), "{error}");
        let tables: i64 = other.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "not a database, but long enough to have a header of the size that SQLite reads ".repeat(10))
            .unwrap();
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(error.contains("not a SQLite database"), "{error}");
    }

    #[test]
    fn a_mirror_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        drop(Store::open(&path).unwrap());
        drop(Store::open(&path).unwrap());
        assert!(Store::open_to_read(&path).unwrap().is_some());
        assert!(Store::open_to_read(&folder.path().join("absent.db")).unwrap().is_none());
    }
}
