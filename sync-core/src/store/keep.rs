//! Forgetting what was logged long ago: whole runs, from the oldest on, some rows at a time.
//!
//! A run's own row goes first, and with it the run: from then on there is nothing to undo, so that a stop on the way
//! leaves no run of which half is known. What it had logged follows, in the same run or a later one.
//!
//! Runs are stamped by the local clock, which may be wrong at times. So a run is old only where no older one is young, and
//! a stamp of the future says nothing.

use super::{StoreError, Write};
use crate::model::Timestamp;
use rusqlite::params;
use std::time::Duration;

/// What belongs to a run, with the condition under which it may go.
const LOGGED: [(&str, &str); 3] = [
    ("sync_history", ""),
    ("sync_journal", "AND settled_at IS NOT NULL AND audit IS NULL"),
    ("sync_journal_links", "AND settled_at IS NOT NULL"),
];

impl Write<'_> {
    /// Deletes up to `rows` rows of what was logged by runs that began longer than `keep` ago, and of conflicts that were
    /// resolved as long ago. Returns how many; none means that nothing is left to delete. `server_now` is the remote's
    /// time: our clock may be ahead of it at the moment, which must not age anything.
    ///
    /// The newest run stays, and so does each with an outcome that is not known or after one: whether a record was made
    /// by us is told by what was sent since. So does the run that found the mirror restored from a copy.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_log(&self, server_now: Timestamp, keep: Duration, rows: usize) -> Result<usize, StoreError> {
        let cutoff = self.now.min(server_now).minus(keep).to_string();
        let first = self.first_kept(&cutoff)?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let gone = self
            .connection
            .prepare_cached(
                "DELETE FROM sync_runs WHERE id IN (
                     SELECT id FROM sync_runs WHERE id < ?1 AND started_at < ?2
                     AND id NOT IN (SELECT CAST(value AS INTEGER) FROM sync_meta
                                    WHERE key IN ('restored_unread', 'restored_in_run'))
                     ORDER BY id LIMIT ?3)",
            )?
            .execute(params![first, cutoff, rows])?;
        if gone > 0 {
            return Ok(gone);
        }
        for (table, condition) in LOGGED {
            let sql = format!(
                "DELETE FROM {table} WHERE rowid IN (
                     SELECT l.rowid FROM {table} l WHERE l.run_id < ?1 {condition}
                     AND NOT EXISTS (SELECT 1 FROM sync_runs r WHERE r.id = l.run_id)
                     LIMIT ?2)"
            );
            let gone = self.connection.prepare_cached(&sql)?.execute(params![first, rows])?;
            if gone > 0 {
                return Ok(gone);
            }
        }
        let conflicts = "DELETE FROM sync_conflicts WHERE id IN (
                             SELECT id FROM sync_conflicts WHERE resolved_at < ?2 AND run_id < ?1 LIMIT ?3)";
        Ok(self.connection.prepare_cached(conflicts)?.execute(params![first, cutoff, rows])?)
    }

    /// The number of the first run that is young, or that something waits for; at most the current one.
    fn first_kept(&self, cutoff: &str) -> Result<i64, StoreError> {
        let sql = "SELECT min(id) FROM (
                SELECT (SELECT id FROM sync_runs WHERE started_at BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1) AS id
                UNION ALL SELECT min(run_id) FROM sync_journal WHERE settled_at IS NULL
                UNION ALL SELECT min(run_id) FROM sync_journal_links WHERE settled_at IS NULL
                UNION ALL SELECT ?3)";
        let mut first = self.connection.prepare_cached(sql)?;
        Ok(first.query_row(params![cutoff, self.now.to_string(), self.run_id], |row| row.get(0))?)
    }
}
