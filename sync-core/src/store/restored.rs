//! A mirror that was put back from an older copy: what it believes about the remote is out of date, and rows that it
//! holds as new may have been created there since.
//!
//! Two marks are made in the transaction that begins the run. One stays until every object type has been read in full
//! again, however many runs that takes. The other stays for whoever pushes: a row that nothing but its values could
//! identify at the remote must not be created a second time.

use super::status::ask_full_looks;
use super::{Store, StoreError, Write};
use rusqlite::{Connection, OptionalExtension, params};

/// The run that found the mirror restored, until everything has been read again.
const UNREAD: &str = "restored_unread";
/// The run that found the mirror restored last.
const HELD: &str = "restored_in_run";

impl Store {
    /// Whether the mirror was restored and has not been read in full since.
    pub fn is_restored(&self) -> Result<bool, StoreError> {
        Ok(value(&self.connection, UNREAD)?.is_some())
    }

    /// The run that found the mirror restored, the last time that one did. Rows that were new then, and have no key by
    /// which the remote could be asked for them, may exist there already.
    pub fn restored_in_run(&self) -> Result<Option<i64>, StoreError> {
        value(&self.connection, HELD)
    }
}

impl Write<'_> {
    /// Whether the mirror was restored and has not been read in full since.
    pub fn is_restored(&self) -> Result<bool, StoreError> {
        Ok(value(self.connection, UNREAD)?.is_some())
    }

    /// Makes both marks, and every object type begin anew, with a sweep: what was erased since the copy was made is in no
    /// list.
    pub(super) fn note_restored(&self, run: i64) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT object FROM sync_objects")?;
        let objects: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for object in objects {
            self.restart(&object)?;
            self.forget_sweep(&object)?;
        }
        self.connection.execute("UPDATE sync_objects SET swept_at = NULL", [])?;
        ask_full_looks(self.connection)?;
        for key in [UNREAD, HELD] {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO sync_meta VALUES (?1, ?2)")?
                .execute(params![key, run.to_string()])?;
        }
        Ok(())
    }

    /// Takes the first mark away if each of these object types has been read in full since. Says whether it did.
    pub fn forget_restored(&self, objects: &[String]) -> Result<bool, StoreError> {
        let mut unread = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM sync_objects WHERE object = ?1 AND backfilled = 0)")?;
        for object in objects {
            if unread.query_row([object], |row| row.get(0))? {
                return Ok(false);
            }
        }
        self.connection.execute("DELETE FROM sync_meta WHERE key = ?1", [UNREAD])?;
        Ok(true)
    }
}

fn value(connection: &Connection, key: &str) -> Result<Option<i64>, StoreError> {
    let value: Option<String> = connection
        .prepare_cached("SELECT value FROM sync_meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(value.and_then(|value| value.parse().ok()))
}
