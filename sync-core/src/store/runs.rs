//! What each run did: its row in `sync_runs`, the history of values, the conflicts it met.

use super::audit::OVERWRITTEN;
use super::{Store, StoreError, Write};
use crate::model::Timestamp;
use crate::plan::merge::Winner;
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// Two clocks that are not the same tell nothing about changes closer than this.
const TOO_CLOSE: Duration = Duration::from_secs(5);

/// What history tells of a record itself rather than of a property, whose name has no parentheses: that we made it,
/// that we archived it, and what we wrote of its associations.
pub(super) const MADE: &str = "(id)";
pub(super) const ARCHIVED: &str = "(archived)";
pub(super) const ASSOCIATIONS: &str = "(associations)";

/// The field that both sides changed.
pub(super) struct Conflict<'a> {
    pub(super) object: &'a str,
    pub(super) id: &'a str,
    pub(super) property: &'a str,
    pub(super) remote_at: Timestamp,
    pub(super) kind: &'static str,
}

/// What a run did, for its row in `sync_runs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Records that changed in the mirror.
    pub pulled: u64,
    /// Records that changed at the remote.
    pub pushed: u64,
    /// Records that became archived in the mirror.
    pub archived: u64,
    /// Conflicts found.
    pub conflicts: u64,
    /// Changes that the remote refused.
    pub rejects: u64,
    /// Calls made.
    pub requests: u64,
    /// The day's calls, if the remote told them.
    pub daily_limit: Option<u64>,
    /// What was left of them at the end.
    pub daily_remaining: Option<u64>,
    /// The code the command ends with.
    pub exit_code: i64,
    /// Why it did not end well, if it did not.
    pub error: Option<String>,
}

impl Store {
    /// From here on, what is written belongs to the run `id`.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn belong_to_run(&mut self, id: i64) -> Result<(), StoreError> {
        self.run_id = id;
        self.remote_ahead = remote_ahead(&self.connection)?;
        Ok(())
    }
}

/// How many milliseconds the remote's clock was ahead of ours when it was last asked.
pub(super) fn remote_ahead(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(value AS INTEGER) FROM sync_meta WHERE key = 'remote_ahead'";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
}

impl Write<'_> {
    /// Opens the row of a run. Returns its id, for [`Store::belong_to_run`].
    ///
    /// `known` is the last run on this mirror that was noted outside it. If the mirror does not know of that run, it
    /// was put back from an older copy, which is noted with the row. A number is never given twice: neither to a run
    /// that the copy had not seen, nor in a copy of the copy.
    pub fn begin_run(&self, command: &str, known: Option<i64>) -> Result<i64, StoreError> {
        let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'sync_runs'), 0)";
        let last: i64 = self.connection.prepare_cached(last)?.query_row([], |row| row.get(0))?;
        let known = known.unwrap_or(0);
        let run = last.max(known) + 1;
        self.connection
            .prepare_cached("INSERT INTO sync_runs (id, command, started_at) VALUES (?1, ?2, ?3)")?
            .execute(params![run, command, self.now.to_string()])?;
        // A mirror without any run is new: it reads everything anyway, and holds nothing that could be sent twice.
        if (1..known).contains(&last) {
            self.note_restored(run)?;
        }
        Ok(run)
    }

    /// Keeps how many milliseconds the remote's clock is ahead of ours.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn keep_remote_ahead(&self, millis: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO sync_meta VALUES ('remote_ahead', ?1)")?
            .execute([millis.to_string()])?;
        Ok(())
    }

    /// Closes the row of the current run.
    pub fn end_run(&self, totals: &RunTotals) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_runs SET finished_at = ?2, exit_code = ?3, pulled = ?4, archived = ?5, conflicts = ?6,
                 requests = ?7, error = ?8, pushed = ?9, rejects = ?10 WHERE id = ?1",
            )?
            .execute(params![
                self.run_id,
                self.now.to_string(),
                totals.exit_code,
                totals.pulled.cast_signed(),
                totals.archived.cast_signed(),
                totals.conflicts.cast_signed(),
                totals.requests.cast_signed(),
                totals.error,
                totals.pushed.cast_signed(),
                totals.rejects.cast_signed()
            ])?;
        for (key, value) in [("daily_limit", totals.daily_limit), ("daily_remaining", totals.daily_remaining)] {
            if let Some(value) = value {
                self.connection
                    .prepare_cached("INSERT OR REPLACE INTO sync_meta VALUES (?1, ?2)")?
                    .execute(params![key, value.to_string()])?;
            }
        }
        Ok(())
    }

    /// Notes that a value in the mirror changed.
    pub(super) fn note_history(
        &self,
        object: &str,
        id: &str,
        property: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), StoreError> {
        self.note_change(self.run_id, "mirror", object, id, property, [before, after])
    }

    /// Notes that a value at the remote was changed by us. `run` is the run that sent it: where its answer was lost, a
    /// later one notes it.
    pub(super) fn note_sent(
        &self,
        run: i64,
        object: &str,
        id: &str,
        property: &str,
        before_and_after: [Option<&str>; 2],
    ) -> Result<(), StoreError> {
        self.note_change(run, "hubspot", object, id, property, before_and_after)
    }

    fn note_change(
        &self,
        run: i64,
        side: &str,
        object: &str,
        id: &str,
        property: &str,
        values: [Option<&str>; 2],
    ) -> Result<(), StoreError> {
        // Empty is no value.
        let [before, after] = values.map(|value| value.filter(|value| !value.is_empty()));
        self.connection
            .prepare_cached(
                "INSERT INTO sync_history (run_id, at, object, record_id, property, side, before, after)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![run, self.now.to_string(), object, id, property, side, before, after])?;
        Ok(())
    }

    /// Notes a conflict, or updates the open one of the same field. A decided one is closed at once, kept to be read
    /// and decided otherwise; a held one stays open.
    pub(super) fn note_conflict(
        &self,
        conflict: &Conflict<'_>,
        sides: [Option<&str>; 3],
        winner: Winner,
    ) -> Result<(), StoreError> {
        let [base, local, remote] = sides.map(|value| value.filter(|value| !value.is_empty()));
        let (chosen, resolved_at) = match winner {
            Winner::Remote => ("remote", Some(self.now.to_string())),
            Winner::Local => ("local", Some(self.now.to_string())),
            Winner::Held => ("held", None),
        };
        if winner == Winner::Held {
            self.make_room_for(conflict)?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO sync_conflicts (object, record_id, property, base, local, remote, remote_at, kind, chosen,
                 run_id, created_at, resolved_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?12, ?8, ?9, ?10, ?11)
                 ON CONFLICT (object, record_id, property) WHERE resolved_at IS NULL
                 DO UPDATE SET local = ?5, remote = ?6, remote_at = ?7, chosen = ?8, run_id = ?9, resolved_at = ?11",
            )?
            .execute(params![
                conflict.object,
                conflict.id,
                conflict.property,
                base,
                local,
                remote,
                conflict.remote_at.to_string(),
                chosen,
                self.run_id,
                self.now.to_string(),
                resolved_at,
                conflict.kind
            ])?;
        Ok(())
    }

    /// Whether a field has a conflict that waits for a person.
    pub(super) fn has_open_conflict(&self, object: &str, id: &str, property: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND property = ?3
                   AND resolved_at IS NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row([object, id, property], |row| row.get(0))?)
    }

    /// A field has one open conflict. One about a value that was written over gives way to a new one, and keeps that value:
    /// ours stood until now.
    fn make_room_for(&self, conflict: &Conflict<'_>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_conflicts SET resolved_at = ?5, chosen = 'local' WHERE object = ?1 AND record_id = ?2
                 AND property = ?3 AND resolved_at IS NULL AND kind = ?6 AND kind <> ?4",
            )?
            .execute(params![
                conflict.object,
                conflict.id,
                conflict.property,
                conflict.kind,
                self.now.to_string(),
                OVERWRITTEN
            ])?;
        Ok(())
    }

    /// Notes what the mirror holds by now in a field whose conflict is open.
    pub(super) fn keep_held(
        &self,
        object: &str,
        id: &str,
        property: &str,
        local: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_conflicts SET local = ?4 WHERE object = ?1 AND record_id = ?2 AND property = ?3
                 AND resolved_at IS NULL AND local IS NOT ?4",
            )?
            .execute(params![object, id, property, local])?;
        Ok(())
    }

    /// Closes the open conflict of a field, if there is one: both sides agree again. One about a value that was written
    /// over stays: both sides agreed on ours when it began.
    pub(super) fn close_conflict(&self, object: &str, id: &str, property: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_conflicts SET resolved_at = ?4, chosen = 'value' WHERE object = ?1 AND record_id = ?2
                 AND property = ?3 AND resolved_at IS NULL AND kind <> ?5",
            )?
            .execute(params![object, id, property, self.now.to_string(), OVERWRITTEN])?;
        Ok(())
    }

    /// Which side changed a field last, by the times that triggers noted and the remote's own; `None` when that is not
    /// known or too close to call. Both sides date whole records: the field was edited here at the first of the times or
    /// later, and there at its record's or before.
    pub(super) fn later(&self, object: &str, id: &str, remote_at: Timestamp) -> Result<Option<Winner>, StoreError> {
        let noted: (Option<String>, Option<String>) = self
            .connection
            .prepare_cached("SELECT min(at), max(at) FROM sync_touched WHERE object = ?1 AND record_id = ?2")?
            .query_row(params![object, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let parse = |at: Option<String>| Some(self.there(Timestamp::parse(&at?)?));
        let (Some(first), Some(last)) = (parse(noted.0), parse(noted.1)) else { return Ok(None) };
        Ok(match () {
            () if first > remote_at && first.since(remote_at) > TOO_CLOSE => Some(Winner::Local),
            () if remote_at > last && remote_at.since(last) > TOO_CLOSE => Some(Winner::Remote),
            () => None,
        })
    }
}
