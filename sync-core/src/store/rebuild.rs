//! A table that a tool dropped or made anew: made again in full from what both sides agreed on, without a call, with what
//! was edited carried over by id.
//!
//! * A table of ours is filled beside the tool's, in short transactions, and takes its place in one.
//! * The tool's table is closed to writers meanwhile, and kept under another name afterwards: nothing in it is lost.
//! * Stopped anywhere, it goes on there; if somebody changed the table in between all the same, it begins anew.

mod foreign;
pub(super) mod ids;
mod mentioned;
mod older;

use super::cells;
use super::ddl::{Made, our_index, typed_table, with_old_columns};
use super::peoples::SetAside;
use super::rows::{Applier, Envelope, Target};
use super::table::{quote, text};
use super::triggers::{drop_triggers, keep_triggers};
use super::views::{keep_views, views_of};
use super::{Store, StoreError, Table, Write};
use foreign::Foreign;
use mappings::ResolvedMapping;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::Instant;

/// Rows read at once.
const ROWS: i64 = 200;
/// How long one transaction may write.
const LONGEST: Duration = Duration::from_millis(100);

/// And how many rows it may take.
const MOST: u64 = 500;

/// What a rebuilt table was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rebuilt {
    /// The table.
    pub table: String,
    /// What was wrong with it.
    pub was: String,
    /// The name under which the tool's table is kept, if there was one.
    pub kept_as: Option<String>,
    /// Rows that came back from what both sides agreed on.
    pub rows: u64,
    /// Rows of the tool's table.
    pub found: u64,
    /// Rows with values that somebody edited.
    pub edited: u64,
    /// The values.
    pub values: u64,
    /// Rows that ask for an archive.
    pub archives: u64,
    /// Rows without an id that hold something: new ones.
    pub created: u64,
    /// Values that both sides changed.
    pub conflicts: u64,
    /// Values that a record held before and that the tool wrote back: they are no edits.
    pub outdated: u64,
    /// Rows whose id no record of the mirror has.
    pub unknown: u64,
    /// Rows whose id cannot be read as one, as a float that is no whole number.
    pub unreadable: u64,
    /// Rows that share their id with another one, so that nobody knows which is meant.
    pub repeated: u64,
    /// Rows without an id that hold nothing of what is mapped, and rows of a table without ids.
    pub empty: u64,
    /// Whether the tool's table has ids.
    pub has_ids: bool,
    /// Rows that somebody had touched before, as far as triggers noted that.
    pub touched: u64,
    /// Of these, the ones whose edits were in the tool's table.
    pub touched_found: u64,
}

/// How far a rebuild has come.
struct Progress {
    replaced: bool,
    phase: Phase,
    position: i64,
    found: Rebuilt,
}

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// What both sides agreed on.
    Agreed,
    /// The tool's table.
    Foreign,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Foreign => "foreign",
        }
    }
}

impl Store {
    /// The table of a mapping with the columns that it was made with: a mapping that changed since is followed once the
    /// table is whole again.
    ///
    /// # Errors
    /// When how it was made cannot be read.
    pub fn as_made(&self, mapping: &ResolvedMapping) -> Result<Table, StoreError> {
        let object = &mapping.object;
        let made = Made::read(&self.connection, object)?
            .ok_or_else(|| StoreError::Unusable(format!("{object} never had a table in this mirror")))?;
        with_old_columns(mapping, made)
    }

    /// The ids that more than one row of a tool's table has.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn repeated_ids(&self, table: &Table) -> Result<HashSet<String>, StoreError> {
        match Foreign::of(&self.connection, table)? {
            Some(foreign) => foreign.repeated_ids(&self.connection),
            None => Ok(HashSet::new()),
        }
    }
}

impl Write<'_> {
    /// Begins to rebuild a table, or goes on with what was begun: closes the tool's table, and makes one of ours beside
    /// it. `was` is what is wrong with it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where it cannot be rebuilt.
    pub fn begin_rebuild(&self, table: &Table, was: &str) -> Result<(), StoreError> {
        if let Some(progress) = self.rebuilding(table)? {
            if self.is_undisturbed(table, &progress)? {
                return Ok(());
            }
            self.give_up_rebuild(table)?;
        }
        let plain = &table.mapping.table;
        if !is_there(self.connection, &table.base_name())? {
            return Err(StoreError::Unusable(format!(
                "what both sides agreed on of {plain} is gone with {}: put the newest snapshot in the mirror's place, or \
                 move the mirror away and run `crmsync sync`",
                table.base_name()
            )));
        }
        let foreign = Foreign::of(self.connection, table)?;
        self.connection.execute_batch(&typed_table(&private_name(table), &table.mapping))?;
        self.never_reuse_handles(table)?;
        if foreign.is_some() {
            close(self.connection, table)?;
        }
        self.connection.execute("DELETE FROM sync_reprojections WHERE object = ?1", [table.object()])?;
        let touched: i64 = self.connection.query_row(
            "SELECT count(DISTINCT coalesce(record_id, row_handle)) FROM sync_touched WHERE object = ?1",
            [table.object()],
            |row| row.get(0),
        )?;
        let found = Rebuilt {
            table: plain.clone(),
            was: was.to_owned(),
            has_ids: foreign.as_ref().is_some_and(Foreign::has_ids),
            touched: touched.unsigned_abs(),
            ..Rebuilt::default()
        };
        let progress = Progress { replaced: foreign.is_some(), phase: Phase::Agreed, position: i64::MIN, found };
        self.note_rebuild(table, &progress)
    }

    /// Writes the next rows: first those that both sides agreed on, then what the tool's table says of them. `repeated`
    /// are the ids that say nothing. Returns how many rows were read, `None` when there are no more.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn rebuild_some(&self, table: &Table, repeated: &HashSet<String>) -> Result<Option<u64>, StoreError> {
        let mut progress = self.rebuilding(table)?.ok_or_else(|| not_begun(table))?;
        let (began, mut read, mut ended) = (Instant::now(), 0, false);
        let private = table.under(&private_name(table));
        let mut applier = Applier::new(self, &private)?;
        let foreign = Foreign::of(self.connection, table)?;
        loop {
            let (rows, last) = match (progress.phase, &foreign) {
                (Phase::Agreed, _) => self.restore_agreed(&mut applier, &mut progress)?,
                (Phase::Foreign, Some(foreign)) if progress.replaced => {
                    foreign.carry_some(&mut applier, (progress.position, ROWS), repeated, &mut progress.found)?
                }
                (Phase::Foreign, _) => (0, None),
            };
            read += rows;
            match last {
                Some(last) => progress.position = last,
                None if progress.phase == Phase::Agreed => {
                    (progress.phase, progress.position) = (Phase::Foreign, i64::MIN);
                }
                None => ended = true,
            }
            if ended || began.elapsed() >= LONGEST || read >= MOST {
                break;
            }
        }
        drop(applier);
        self.note_rebuild(table, &progress)?;
        Ok((!ended || read > 0).then_some(read))
    }

    /// Puts the rebuilt table in its place, and the tool's aside. `None` where somebody disturbed it and it has to begin
    /// anew; else also a sentence for each thing of a person's own that no longer fits.
    ///
    /// # Errors
    /// When SQLite refuses: the tables are then as they were.
    pub fn finish_rebuild(&self, table: &Table) -> Result<Option<(Rebuilt, Vec<String>)>, StoreError> {
        let progress = self.rebuilding(table)?.ok_or_else(|| not_begun(table))?;
        if !self.is_undisturbed(table, &progress)? {
            self.give_up_rebuild(table)?;
            return Ok(None);
        }
        with_names_kept(self.connection, || self.swap_tables(table, progress)).map(Some)
    }

    fn swap_tables(&self, table: &Table, progress: Progress) -> Result<(Rebuilt, Vec<String>), StoreError> {
        let (connection, plain, mut rebuilt) = (self.connection, &table.mapping.table, progress.found);
        let rename = |from: &str, to: &str| -> Result<(), StoreError> {
            Ok(connection.execute_batch(&format!("ALTER TABLE {} RENAME TO {}", quote(from), quote(to)))?)
        };
        let aside = SetAside::take(connection, plain, &[])?;
        if progress.replaced {
            open(connection, table)?;
            drop_triggers(connection, table)?;
            for column in table.mapping.fields.iter().map(|field| field.column.as_str()).chain(["updated_at"]) {
                connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", our_index(plain, column)))?;
            }
            let kept_as = free_name(connection, plain)?;
            rename(plain, &kept_as)?;
            rebuilt.kept_as = Some(kept_as);
        }
        rename(&private_name(table), plain)?;
        keep_triggers(connection, table)?;
        let lost = aside.bring_back(connection);
        keep_views(connection, &views_of(table))?;
        connection.execute("DELETE FROM sync_rebuilds WHERE object = ?1", [table.object()])?;
        Ok((rebuilt, lost))
    }

    /// Rows as both sides agreed on them, under the handles that they had; but with what was sent of them and has no known
    /// outcome.
    fn restore_agreed(
        &self,
        applier: &mut Applier<'_>,
        progress: &mut Progress,
    ) -> Result<(u64, Option<i64>), StoreError> {
        let base = quote(&applier.table.base_name());
        let sql = format!("SELECT _row, id FROM {base} WHERE _row > ?1 ORDER BY _row LIMIT ?2");
        let agreed: Vec<(i64, String)> = self
            .connection
            .prepare_cached(&sql)?
            .query_map([progress.position, ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (handle, id) in &agreed {
            let Some(known) = applier.base(id)? else { continue };
            let wires = applier.table.wires(&known.properties)?;
            let cells = applier.project(&wires, false);
            let hash = applier.hash(&cells, known.archived);
            let sent = self.outstanding(applier.table.object(), id)?;
            if !sent.is_empty() {
                self.hint(applier.table.object(), *handle, Some(id))?;
            }
            let shown = applier.as_sent(cells, &sent);
            applier.write_row(Target::New(Some(*handle)), &Envelope::as_agreed(id, &known), &shown)?;
            if hash != known.row_hash {
                // A change of the mapping was on its way, and had noted what rows were to become.
                self.connection
                    .prepare_cached(&format!("UPDATE {base} SET row_hash = ?2 WHERE id = ?1"))?
                    .execute(params![id, hash])?;
            }
        }
        progress.found.rows += agreed.len() as u64;
        Ok((agreed.len() as u64, agreed.last().map(|(handle, _)| *handle)))
    }

    fn rebuilding(&self, table: &Table) -> Result<Option<Progress>, StoreError> {
        let read = self
            .connection
            .prepare_cached("SELECT replaced, phase, position, found FROM sync_rebuilds WHERE object = ?1")?
            .query_row([table.object()], |row| {
                let found: String = row.get(3)?;
                Ok((row.get::<_, bool>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, found))
            })
            .optional()?;
        let Some((replaced, phase, position, found)) = read else { return Ok(None) };
        let phase = if phase == Phase::Agreed.word() { Phase::Agreed } else { Phase::Foreign };
        // What cannot be read was written by nobody of ours: begun anew, nothing of it counts.
        Ok(serde_json::from_str(&found).ok().map(|found| Progress { replaced, phase, position, found }))
    }

    fn note_rebuild(&self, table: &Table, progress: &Progress) -> Result<(), StoreError> {
        let found = serde_json::to_string(&progress.found)
            .map_err(|error| StoreError::Unusable(format!("a rebuild cannot be noted: {error}")))?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO sync_rebuilds VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![table.object(), progress.replaced, progress.phase.word(), progress.position, found])?;
        Ok(())
    }

    /// Whether our table is there, and the tool's too, closed, if there was one.
    fn is_undisturbed(&self, table: &Table, progress: &Progress) -> Result<bool, StoreError> {
        let plain = &table.mapping.table;
        let closed = self.connection.prepare_cached(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE AND name IN (?2, ?3, ?4)",
        )?.query_row(params![plain, gate(table, "insert"), gate(table, "update"), gate(table, "delete")], |row| row.get::<_, i64>(0))?;
        Ok(is_there(self.connection, &private_name(table))?
            && is_there(self.connection, plain)? == progress.replaced
            && (closed == 3) == progress.replaced)
    }

    fn give_up_rebuild(&self, table: &Table) -> Result<(), StoreError> {
        open(self.connection, table)?;
        self.connection.execute_batch(&format!("DROP TABLE IF EXISTS {}", quote(&private_name(table))))?;
        self.connection.execute("DELETE FROM sync_rebuilds WHERE object = ?1", [table.object()])?;
        Ok(())
    }

    /// Handles that anything may still remember are given to no other row.
    fn never_reuse_handles(&self, table: &Table) -> Result<(), StoreError> {
        let highest: i64 = self.connection.query_row(
            &format!(
                "SELECT max(coalesce((SELECT max(_row) FROM {}), 0),
                     coalesce((SELECT max(row_handle) FROM sync_touched WHERE object = ?1), 0),
                     coalesce((SELECT max(row_handle) FROM sync_journal WHERE object = ?1), 0),
                     coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?2), 0))",
                quote(&table.base_name())
            ),
            params![table.object(), table.mapping.table],
            |row| row.get(0),
        )?;
        self.connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
            params![private_name(table), highest],
        )?;
        Ok(())
    }
}

/// Does `work`, in which a table gets another name: what others wrote about the old one, in views and foreign keys, means
/// the table that takes its place.
pub(super) fn with_names_kept<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, true)?;
    let done = work();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, false)?;
    done
}

/// `contacts_replaced_1`, or the next number that is free.
pub(super) fn free_name(connection: &Connection, table: &str) -> Result<String, StoreError> {
    let mut number = 1;
    loop {
        let name = format!("{table}_replaced_{number}");
        if !is_there(connection, &name)? {
            return Ok(name);
        }
        number += 1;
    }
}

fn is_there(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE")?.exists([name])?)
}

fn not_begun(table: &Table) -> StoreError {
    StoreError::Unusable(format!("no rebuild of {} was begun; this is a defect of the program", table.mapping.table))
}

/// The name of our table until it takes its place.
fn private_name(table: &Table) -> String {
    format!("sync_new_{}", table.mapping.table)
}

fn gate(table: &Table, event: &str) -> String {
    format!("sync_{}_closed_{event}", table.mapping.table)
}

/// Keeps writers out of the tool's table: what they wrote might have been read already.
fn close(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    let plain = &table.mapping.table;
    let why = format!("{plain} is being rebuilt: run `crmsync doctor --repair` to its end, then write");
    for event in ["insert", "update", "delete"] {
        connection.execute_batch(&format!(
            "DROP TRIGGER IF EXISTS {0}; CREATE TRIGGER {0} BEFORE {event} ON {1} BEGIN SELECT RAISE(ABORT, {2}); END",
            quote(&gate(table, event)),
            table.quoted(),
            text(&why)
        ))?;
    }
    Ok(())
}

fn open(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    for event in ["insert", "update", "delete"] {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {}", quote(&gate(table, event))))?;
    }
    Ok(())
}
