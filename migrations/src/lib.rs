//! Brings a mirror's own tables up to date.
//!
//! All pending migrations run in one transaction, forward only. A file that a newer program migrated further, or whose
//! applied migrations differ from the ones in here, is refused and left as it is.

use rusqlite::Connection;

mod embedded {
    refinery::embed_migrations!("sql");
}

/// Why the tables could not be brought up to date. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The file was written by a newer program, or its history was altered.
    #[error("the mirror's schema does not fit this program: {0}")]
    Diverged(String),
    /// SQLite refused.
    #[error("the mirror's schema could not be brought up to date: {0}")]
    Failed(String),
    /// Somebody else holds the write lock.
    #[error("another program is writing to the mirror")]
    Busy,
    /// The disk is full.
    #[error("the disk that holds the mirror is full")]
    Full,
}

/// Runs every pending migration, in one transaction. Returns how many ran.
///
/// # Errors
/// When the file's history does not fit, or SQLite refuses; nothing has changed then.
pub fn migrate(connection: &mut Connection) -> Result<usize, MigrationError> {
    let report =
        embedded::migrations::runner().set_grouped(true).run(connection).map_err(|error| classified(&error))?;
    Ok(report.applied_migrations().len())
}

/// The version of the last migration in here.
pub fn newest() -> i64 {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

fn classified(error: &refinery::Error) -> MigrationError {
    use refinery::error::Kind;
    use rusqlite::ErrorCode;
    if let Kind::DivergentVersion(..) | Kind::MissingVersion(..) = error.kind() {
        return MigrationError::Diverged(error.to_string());
    }
    let refused = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
    match refused.and_then(rusqlite::Error::sqlite_error_code) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => MigrationError::Busy,
        Some(ErrorCode::DiskFull) => MigrationError::Full,
        _ => MigrationError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{MigrationError, migrate};
    use rusqlite::Connection;

    #[test]
    fn a_new_file_gets_all_tables_and_a_second_run_changes_nothing() {
        let mut file = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut file).unwrap(), 1);
        assert_eq!(migrate(&mut file).unwrap(), 0);
        let version: i64 =
            file.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0)).unwrap();
        assert_eq!(version, super::newest());
        let runs: i64 = file.query_row("SELECT count(*) FROM sync_runs", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 0);
        file.query_row("SELECT count(*) FROM sync_status", [], |_| Ok(())).unwrap();
    }

    fn on_disk() -> (tempfile::TempDir, Connection, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        let open = || Connection::open(&path).unwrap();
        (folder, open(), open())
    }

    #[test]
    fn p37_a_full_disk_is_told_as_such_and_a_later_try_succeeds() {
        let (_folder, mut file, _) = on_disk();
        file.pragma_update(None, "max_page_count", 4).unwrap();
        assert!(matches!(migrate(&mut file), Err(MigrationError::Full)));
        file.pragma_update(None, "max_page_count", 1_000).unwrap();
        assert_eq!(migrate(&mut file).unwrap(), 1);
    }

    #[test]
    fn somebody_elses_lock_is_told_as_such_and_only_where_there_is_something_to_do() {
        let (_folder, mut file, other) = on_disk();
        file.pragma_update(None, "journal_mode", "WAL").unwrap();
        file.busy_timeout(std::time::Duration::ZERO).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(migrate(&mut file), Err(MigrationError::Busy)));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(migrate(&mut file).unwrap(), 1);
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(migrate(&mut file).unwrap(), 0);
    }

    #[test]
    fn p47_a_file_from_a_newer_program_is_refused_and_left_alone() {
        let mut file = Connection::open_in_memory().unwrap();
        migrate(&mut file).unwrap();
        file.execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
        assert!(matches!(migrate(&mut file), Err(MigrationError::Diverged(_))));
    }
}
