//! Opening a mirror: the settings every connection needs, the schema brought up to date, the file recognised.

use super::runs::remote_ahead;
use super::status::ask_full_looks;
use super::{PATIENCE, StoreError, Table};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
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
    /// Object types whose triggers had to be put back.
    pub(super) put_back: BTreeSet<String>,
    /// Object types of which every row was to be compared when the tables were prepared.
    pub(super) unlooked: BTreeSet<String>,
    pub(super) run_id: i64,
    /// How many milliseconds the remote's clock is ahead of ours.
    pub(super) remote_ahead: i64,
    /// The version of the schema when the tables were looked at last.
    pub(super) looked_at: Cell<Option<i64>>,
}

impl Store {
    /// SQLite opens a file that it may not write for reading, and would say so at the first write only.
    ///
    /// # Errors
    /// [`StoreError::Barred`] where that is so.
    pub fn refuse_read_only(&self) -> Result<(), StoreError> {
        if self.connection.is_readonly("main")? {
            return Err(StoreError::Barred("it may be read, but not written".to_owned()));
        }
        Ok(())
    }

    /// Opens the mirror at `path`, making it when it does not exist.
    ///
    /// # Errors
    /// When the file is no SQLite database, belongs to another program, was written by a newer version, or cannot be
    /// written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_within(path, PATIENCE, None)
    }

    /// As [`Store::open`], of a mirror that may not grow beyond so many pages: what does not fit is as on a full disk.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::Full`].
    pub fn open_with_room(path: &Path, pages: u32) -> Result<Self, StoreError> {
        Self::open_within(path, PATIENCE, Some(pages))
    }

    /// As [`Store::open`], with another patience for somebody else's write lock, and perhaps a limit.
    fn open_within(path: &Path, patience: Duration, room: Option<u32>) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(StoreError::Unusable(format!(
                "the SQLite library is {}, and below 3.51.3 it can corrupt a file that several programs use",
                rusqlite::version()
            )));
        }
        make_private(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(patience)?;
        if let Some(pages) = room {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        take_over(&mut connection)?;
        connection.busy_timeout(Duration::ZERO)?;
        let remote_ahead = remote_ahead(&connection)?;
        let store = Self {
            connection,
            tables: BTreeMap::new(),
            put_back: BTreeSet::new(),
            unlooked: BTreeSet::new(),
            run_id: 0,
            remote_ahead,
            looked_at: Cell::new(None),
        };
        store.refuse_an_open_guard()?;
        Ok(store)
    }

    /// Opens the mirror at `path` for reading alone; `None` when there is no such file, or nothing in it yet.
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
        let kind = Kind::of(&connection)?;
        let made = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'sync_status')";
        let begun = kind != Kind::Empty && connection.query_row(made, [], |row| row.get(0))?;
        Ok(begun.then_some(connection))
    }

    /// Closes the guard of the mirror at `path` that somebody left open. Whoever calls this holds the run lock.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn close_guard(path: &Path) -> Result<(), StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        take_over(&mut connection)?;
        connection.execute_batch("BEGIN IMMEDIATE; UPDATE sync_guard SET applying = 0")?;
        // What was written meanwhile was noted by nobody.
        ask_full_looks(&connection)?;
        connection.execute_batch("COMMIT")?;
        Ok(())
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

/// Makes the file when it is not there, readable by nobody but its owner and group. What SQLite keeps beside it gets
/// the same mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    // A file that is there is not opened: closing it again would drop the locks that SQLite holds on it in this
    // process. Only where a link leads nowhere the file must be made through it.
    let leads_nowhere = path.is_symlink() && !path.exists();
    let mut options = OpenOptions::new();
    options.write(true).truncate(false).create(true).create_new(!leads_nowhere).mode(0o640);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::StorageFull => Err(StoreError::Full),
        Err(error) if !path.exists() => {
            Err(StoreError::Unusable(format!("the mirror {} cannot be made: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Brings the file up to date, once it is known to be ours or empty; until then nothing in it is changed.
fn take_over(connection: &mut Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // Closing another program's database must not move its log into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let kind = Kind::of(connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    configure(connection)?;
    if kind != Kind::Ours {
        // Before there are tables: a kill in between must not leave tables that nobody owns.
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    migrations::migrate(connection)?;
    Ok(())
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // What is deleted is overwritten, as far as no further page has to be written for that.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    // 16 MB of log: a page that many transactions touch, as those of indexes are, is moved into the file less often.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Whose file it is.
#[derive(PartialEq, Eq)]
enum Kind {
    /// Marked as ours, though perhaps not finished.
    Ours,
    /// With every table of ours and without the mark, which a dump of the file leaves out.
    Dumped,
    /// New, or emptied: without tables, and marked by nobody.
    Empty,
}

impl Kind {
    /// Reads alone. Every other program's file is refused.
    fn of(connection: &Connection) -> Result<Self, StoreError> {
        let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        match (id, tables) {
            (APPLICATION_ID, _) => Ok(Self::Ours),
            (0, 0) => Ok(Self::Empty),
            (0, _) if has_our_tables(connection)? => Ok(Self::Dumped),
            _ => Err(foreign()),
        }
    }
}

fn has_our_tables(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) = 4 FROM sqlite_master WHERE type = 'table'
               AND name IN ('sync_meta', 'sync_guard', 'sync_objects', 'refinery_schema_history')";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

fn foreign() -> StoreError {
    StoreError::Unusable(
        "the file is a database of another program; name another file as the mirror, or move this one away".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Store, StoreError, take_over};
    use rusqlite::Connection;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Duration;

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

    /// The bytes of a database and its log.
    fn bytes(path: &Path) -> [Vec<u8>; 2] {
        [path.to_owned(), path.with_extension("db-wal")].map(|file| std::fs::read(file).unwrap_or_default())
    }

    #[test]
    fn a_database_of_another_program_keeps_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let (made, path) = (folder.path().join("made.db"), folder.path().join("other.db"));
        for mode in ["DELETE", "WAL"] {
            let other = Connection::open(&made).unwrap();
            other.pragma_update(None, "journal_mode", mode).unwrap();
            other.execute_batch("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1);").unwrap();
            // As a program leaves it that was killed: its log is not yet part of the file.
            for suffix in ["db", "db-wal"] {
                drop(std::fs::copy(made.with_extension(suffix), path.with_extension(suffix)));
            }
            let before = bytes(&path);
            assert_eq!(before[1].is_empty(), mode == "DELETE");
            assert!(Store::open(&path).is_err());
            assert!(bytes(&path) == before, "{mode}");
        }
    }

    #[test]
    fn an_empty_database_that_another_program_has_marked_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        Connection::open(&path).unwrap().pragma_update(None, "application_id", 7).unwrap();
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(error.contains("another program"), "{error}");
    }

    #[test]
    fn p37_a_mirror_that_was_not_finished_is_ours_and_is_finished_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        for room in 1..12 {
            let mut connection = Connection::open(&path).unwrap();
            connection.pragma_update(None, "max_page_count", room).unwrap();
            let error = take_over(&mut connection).unwrap_err();
            assert!(matches!(error, StoreError::Full), "{error}");
            drop(connection);
            assert!(Store::open_to_read(&path).unwrap().is_none(), "{room}: there is nothing to read yet");
        }
        drop(Store::open(&path).unwrap());
        assert!(Store::open_to_read(&path).unwrap().is_some());
    }

    #[test]
    fn a_mirror_opens_while_somebody_writes_and_a_new_one_says_that_somebody_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = Store::open_within(&path, Duration::ZERO, None).err().unwrap();
        assert!(matches!(error, StoreError::Busy), "{error}");
        other.execute_batch("COMMIT").unwrap();
        drop(Store::open(&path).unwrap());
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        drop(Store::open_within(&path, Duration::ZERO, None).unwrap());
    }

    #[test]
    fn a_new_mirror_is_for_its_owner_and_group_and_an_old_one_keeps_its_mode() {
        for linked in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("crm.db");
            if linked {
                std::os::unix::fs::symlink(folder.path().join("target.db"), &path).unwrap();
            }
            let store = Store::open(&path).unwrap();
            let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
            assert!(files.len() >= 3, "the database and what SQLite keeps beside it");
            for file in files {
                let mode = std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode & !0o640, 0, "{}: {mode:o}", file.path().display());
            }
            drop(store);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            drop(Store::open(&path).unwrap());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_mirror_in_a_folder_that_is_not_there_is_told() {
        let error = Store::open(Path::new("/nowhere/at all/crm.db")).err().unwrap();
        assert!(matches!(error, StoreError::Unusable(_)), "{error}");
        assert!(error.to_string().contains("/nowhere/at all/crm.db cannot be made"), "{error}");
    }

    #[test]
    fn a_mirror_that_was_dumped_and_restored_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        drop(Store::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "application_id", 0).unwrap();
        assert!(Store::open_to_read(&path).unwrap().is_some());
        drop(Store::open(&path).unwrap());
        let mark = |row: &rusqlite::Row<'_>| row.get::<_, i32>(0);
        assert_eq!(Connection::open(&path).unwrap().query_row("PRAGMA application_id", [], mark).unwrap(), 0x6372_6d73);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(
            &path,
            "not a database, but long enough to have a header of the size that SQLite reads ".repeat(10),
        )
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
