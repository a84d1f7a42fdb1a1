//! What can go wrong in the mirror.

use crate::model::PropertiesError;
use std::path::Path;

/// The mirror could not be read or written. What was in it is unharmed: transactions that fail are rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the write lock, and went on holding it for as long as we were willing to wait.
    #[error("another program has been writing to the mirror without a pause")]
    Busy,
    /// The disk is full.
    #[error("the disk that holds the mirror is full")]
    Full,
    /// The file is not a mirror of ours, or not one that this program can work on.
    #[error("{0}")]
    Unusable(String),
    /// The system does not let whoever runs this use the file, or what SQLite keeps beside it.
    #[error("the mirror cannot be read and written: {0}")]
    Barred(String),
    /// The file is not what SQLite wrote.
    #[error("the mirror is damaged: {0}")]
    Damaged(String),
    /// The mirror belongs to another portal.
    #[error("the mirror holds portal {bound}, but the credential belongs to portal {found}")]
    OtherPortal {
        /// The portal that the file is bound to.
        bound: String,
        /// The portal that answered.
        found: String,
    },
    /// A table that the engine keeps has been changed or replaced by somebody.
    #[error("the table {table} has been altered: {what}")]
    Altered {
        /// The table.
        table: String,
        /// What is different.
        what: String,
    },
    /// A table of records is gone or was made anew by a tool; nothing is done with it until it has been rebuilt.
    #[error("the table {table} is not as it was made: {what}; nothing of it is sent or overwritten")]
    Remade {
        /// The table.
        table: String,
        /// What is different.
        what: String,
    },
    /// Something that a person added to the mirror refuses what the engine writes.
    #[error("something that was added to the mirror by hand refuses a row: {0}")]
    Refused(String),
    /// A stored record cannot be read.
    #[error("the stored record cannot be read: {0}")]
    Record(#[from] PropertiesError),
    /// A test stopped the engine here.
    #[error("stopped at {0}")]
    Stopped(&'static str),
    /// The thread that owns the mirror is gone.
    #[error("the thread that writes the mirror has ended")]
    Closed,
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(migrations::MigrationError),
    /// SQLite said no.
    #[error("SQLite: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(
                rusqlite::ErrorCode::ReadOnly
                | rusqlite::ErrorCode::CannotOpen
                | rusqlite::ErrorCode::PermissionDenied
                | rusqlite::ErrorCode::SystemIoFailure,
            ) => Self::Barred(error.to_string()),
            Some(rusqlite::ErrorCode::NotADatabase) => {
                Self::Unusable("the file is not a SQLite database; name another file as the mirror".to_owned())
            }
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<migrations::MigrationError> for StoreError {
    fn from(error: migrations::MigrationError) -> Self {
        match error {
            migrations::MigrationError::Busy => Self::Busy,
            migrations::MigrationError::Full => Self::Full,
            error => Self::Migration(error),
        }
    }
}

impl StoreError {
    /// The same with the file's name, where SQLite left it out.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        let name = path.display().to_string();
        match self {
            Self::Barred(what) if !what.contains(&name) => Self::Barred(format!("{name}: {what}")),
            error => error,
        }
    }

    /// The same once more, for whoever else had work in the transaction that failed.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::Full => Self::Full,
            Self::Closed => Self::Closed,
            Self::Stopped(step) => Self::Stopped(step),
            Self::Barred(what) => Self::Barred(what.clone()),
            Self::Damaged(what) => Self::Damaged(what.clone()),
            Self::Refused(what) => Self::Refused(what.clone()),
            Self::OtherPortal { bound, found } => Self::OtherPortal { bound: bound.clone(), found: found.clone() },
            Self::Altered { table, what } => Self::Altered { table: table.clone(), what: what.clone() },
            Self::Remade { table, what } => Self::Remade { table: table.clone(), what: what.clone() },
            Self::Sqlite(rusqlite::Error::SqliteFailure(code, what)) => {
                Self::Sqlite(rusqlite::Error::SqliteFailure(*code, what.clone()))
            }
            Self::Unusable(_) | Self::Record(_) | Self::Migration(_) | Self::Sqlite(_) => {
                Self::Unusable(self.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StoreError;
    use crate::store::Store;

    #[test]
    fn what_the_system_forbids_is_told_as_such_with_the_files_name() {
        let folder = tempfile::tempdir().unwrap();
        let (directory, path) = (folder.path().join("directory"), folder.path().join("crm.db"));
        std::fs::create_dir(&directory).unwrap();
        let store = Store::open(&path).unwrap();
        store.refuse_read_only().unwrap();
        let written = store.connection.execute_batch("PRAGMA query_only = 1; CREATE TABLE t (x)");
        for (file, error) in [
            (&path, StoreError::from(written.unwrap_err())),
            (&directory, Store::open(&directory).err().unwrap()),
            (&directory, Store::open_to_read(&directory).err().unwrap()),
        ] {
            assert!(matches!(error, StoreError::Barred(_)), "{error}");
            let (told, name) = (error.at(file).to_string(), file.display().to_string());
            assert_eq!(told.matches(&name).count(), 1, "{told}");
        }
    }
}
