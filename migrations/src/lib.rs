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
}

/// Runs every pending migration, in one transaction. Returns how many ran.
///
/// # Errors
/// When the file's history does not fit, or SQLite refuses; nothing has changed then.
pub fn migrate(connection: &mut Connection) -> Result<usize, MigrationError> {
    let report = embedded::migrations::runner().set_grouped(true).run(connection).map_err(|error| {
        use refinery::error::Kind;
        match error.kind() {
            Kind::DivergentVersion(..) | Kind::MissingVersion(..) => MigrationError::Diverged(error.to_string()),
            _ => MigrationError::Failed(error.to_string()),
        }
    })?;
    Ok(report.applied_migrations().len())
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
        let runs: i64 = file.query_row("SELECT count(*) FROM sync_runs", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 0);
        file.query_row("SELECT count(*) FROM sync_status", [], |_| Ok(())).unwrap();
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
