//! What became of what was sent: bases move to what the remote says it holds now, and rows follow where they still hold
//! what was sent.
//!
//! * An edit that was made while the answer was on its way stays an edit, also in a row that replaced the one that was
//!   sent: there it is made whole.
//! * What the remote made of a value (another spelling, a trimmed text) replaces the value, so that it is not sent again.
//! * A value that the remote passed over in silence becomes a reject, and stays in the row.
//! * Where the remote tells a value that is nobody's spelling of ours, somebody else wrote it at the same time: ours is
//!   kept as the loser of a conflict.

use super::apply::{BOTH_CHANGED, ThreeSides};
use super::journal::Entry;
use super::rows::{Applier, Base, Envelope, LocalRow, Target, Wires};
use super::runs::{ARCHIVED, Conflict, MADE};
use super::{Applied, StoreError, Table, Write};
use crate::model::{Properties, Record, Timestamp};
use crate::plan::audit::{respelt, same_key};
use crate::plan::changes::Operation;
use crate::plan::merge::Winner;
use mappings::Cell;
use rusqlite::params;
use std::borrow::Cow;

/// What settling entries did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Entries that were carried out.
    pub done: u64,
    /// Values that the remote passed over in silence.
    pub passed_over: u64,
    /// What happened to rows beside that.
    pub applied: Applied,
}

impl Settled {
    /// Adds what another batch did.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.passed_over += other.passed_over;
        self.applied.add(other.applied);
    }
}

impl Write<'_> {
    /// Settles entries that were carried out, each with what the remote told of its record: all that was sent, at least.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read; the transaction must then be rolled back.
    pub fn settle(&self, table: &Table, done: &[(Entry, Record)]) -> Result<Settled, StoreError> {
        let mut applier = Applier::new(self, table)?;
        let mut settled = Settled::default();
        for (entry, record) in done {
            settled.passed_over += applier.settle(entry, record)?;
            settled.done += 1;
            self.close_entry(&entry.trace, "done", None)?;
            if entry.operation == Operation::Create {
                self.note_made_record(&entry.trace, record.id.as_str())?;
                self.note_key(table.object(), &entry.uid, record.id.as_str())?;
            }
        }
        let tally = applier.done;
        drop(applier);
        settled.applied = tally.applied;
        self.count_rows(table.object(), tally)?;
        Ok(settled)
    }

    /// Settles a create that was found to have made a record, which a pull may have brought in as a row of its own
    /// meanwhile. `made` is the record as it was made, `record` as it is now.
    ///
    /// # Errors
    /// As [`Write::settle`].
    pub fn settle_made(&self, table: &Table, entry: &Entry, [made, record]: [&Record; 2]) -> Result<(), StoreError> {
        let other =
            Applier::new(self, table)?.local_row(record.id.as_str())?.is_some_and(|local| local.row != entry.row);
        if !other {
            self.settle(table, &[(entry.clone(), made.clone())])?;
            if made != record {
                self.apply(table, std::slice::from_ref(record))?;
            }
            return Ok(());
        }
        self.apply(table, std::slice::from_ref(record))?;
        self.fold_since(table, entry, made)?;
        self.note_sent(entry.run, table.object(), record.id.as_str(), MADE, [None, Some(record.id.as_str())])?;
        self.close_entry(&entry.trace, "done", None)?;
        self.note_key(table.object(), &entry.uid, record.id.as_str())?;
        self.note_made_record(&entry.trace, record.id.as_str())
    }

    /// Settles an archive that was carried out. The record counts as archived from here on, so that nothing asks for it
    /// again if somebody brings it back before it is read; since when exactly the next read tells.
    ///
    /// # Errors
    /// As [`Write::settle`].
    pub fn settle_archived(&self, table: &Table, entry: &Entry) -> Result<(), StoreError> {
        if let Some(id) = &entry.id {
            self.note_sent(entry.run, table.object(), id.as_str(), ARCHIVED, [Some("false"), Some("true")])?;
            let row = (id.as_str(), entry.uid.as_str());
            self.forget_rejects(table.object(), row, Operation::Archive, std::iter::empty())?;
            let base = Applier::new(self, table)?.base(id.as_str())?;
            if let Some(base) = base.filter(|base| base.state == "active") {
                let record = Record {
                    id: id.clone(),
                    created_at: base.created_at,
                    updated_at: base.updated_at,
                    archived: Some(self.now),
                    merged_ids: Vec::new(),
                    properties: base.properties,
                };
                self.apply(table, &[record])?;
            }
        }
        self.close_entry(&entry.trace, "done", None)
    }

    /// Archives that counted as done and whose records were read as active right after: they are asked for as before,
    /// and a reject says so. Returns how many.
    ///
    /// # Errors
    /// As [`Write::settle`].
    pub fn archives_passed_over(&self, table: &Table, sent: &[Entry], active: &[Record]) -> Result<u64, StoreError> {
        let mut passed_over = 0;
        for entry in sent {
            let record = active.iter().find(|record| Some(&record.id) == entry.id.as_ref());
            let Some(record) = record.filter(|record| record.archived.is_none()) else { continue };
            if !self.is_done(&entry.trace)? {
                continue;
            }
            self.apply(table, std::slice::from_ref(record))?;
            let sql = format!("UPDATE {} SET archived = 1, state = 'archiving' WHERE id = ?1", table.quoted());
            self.connection.prepare_cached(&sql)?.execute([record.id.as_str()])?;
            self.hint(table.object(), entry.row, Some(record.id.as_str()))?;
            self.note_archive_passed_over(table, entry, record.id.as_str())?;
            passed_over += 1;
        }
        Ok(passed_over)
    }
}

impl Applier<'_> {
    /// Returns how many of the values sent the remote passed over.
    fn settle(&mut self, entry: &Entry, record: &Record) -> Result<u64, StoreError> {
        let id = record.id.as_str();
        let sent = entry.properties.keys();
        self.write.forget_rejects(self.table.object(), (id, &entry.uid), entry.operation, sent)?;
        let base = self.base(id)?;
        let nothing = Properties::from_json("{}");
        let before = base.as_ref().map_or(&nothing, |base| &base.properties);
        let fetched = &self.table.fetched;
        let after = before.patched(&record.properties, |name| {
            entry.properties.contains_key(name) || fetched.iter().any(|fetched| fetched == name)
        })?;
        let local = match self.row_at(entry.row)? {
            Some(local) if local.id.as_deref().is_none_or(|known| known == id) => Some(local),
            _ => match self.local_row(id)? {
                None if entry.operation == Operation::Create => self.new_row_of(&entry.uid)?,
                known => known,
            },
        };
        let (old, new) = (self.table.wires(before)?, self.table.wires(&after)?);
        let (fresh, outside) = self.project_telling(&new);
        let envelope = shown_envelope(record, base.as_ref());
        let hash = self.hash(&fresh, envelope.archived);
        let (row, passed_over) = match local {
            Some(local) => {
                let replaced = base.as_ref().map_or(entry.row, |base| base.row) != local.row;
                let told = Told { old, new: &new, outside, replaced };
                let shown = self.settle_row(entry, record, &envelope, local, told, fresh)?;
                if shown.hash == hash && base.as_ref().is_none_or(|base| base.row == shown.row) {
                    self.write.forget_hints(self.table.object(), id)?;
                }
                (shown.row, shown.passed_over)
            }
            None => {
                // Somebody deleted the row meanwhile. It is shown again, or asks for an archive, when rows are healed.
                self.write.name_hints(self.table.object(), entry.row, id)?;
                (base.as_ref().map_or(entry.row, |base| base.row), 0)
            }
        };
        self.note_sent_values(entry, id, &new)?;
        // The base takes what was told, not that it was told: only a full read shows what others changed meanwhile, so
        // the record still counts as read when it was read.
        let read_at = base.as_ref().map_or(Timestamp::from_millis(0), |base| base.updated_at);
        let envelope = Envelope { updated_at: read_at, ..envelope };
        self.write_base(base.is_some(), row, &envelope, hash, after.as_json())?;
        self.done.rows += i64::from(base.is_none());
        Ok(passed_over)
    }

    fn settle_row(
        &mut self,
        entry: &Entry,
        record: &Record,
        envelope: &Envelope<'_>,
        local: LocalRow,
        told: Told<'_>,
        fresh: Vec<Cell<'_>>,
    ) -> Result<Shown, StoreError> {
        let id = record.id.as_str();
        let Told { old, new, outside, replaced } = told;
        let (mut agreed, mut merging, mut passed_over) = (self.project(&old, false), old.clone(), 0);
        for (place, field) in self.table.mapping.fields.iter().enumerate() {
            let Some((was, sent)) = entry.properties.get(&field.property) else { continue };
            let told = new[place].as_deref();
            let still_ours = field.same_cell(&local.cells[place], &field.project(sent.as_deref()).cell);
            let is_key = self.table.mapping.key.as_deref() == Some(&field.property);
            let respelt_key = is_key && sent.as_deref().is_some_and(|sent| same_key(sent, told));
            let ignored =
                field.same_wire(told, was.as_deref()) && !field.same_wire(told, sent.as_deref()) && !respelt_key;
            // Read since it was sent, and shown: nobody here wrote that.
            let read_since = !field.same_wire(old[place].as_deref(), was.as_deref())
                && field.same_cell(&local.cells[place], &agreed[place]);
            // Both sides agree on what the remote told; the row follows unless it holds something else by now.
            let follows = (still_ours && !ignored) || read_since;
            agreed[place] = if follows { local.cells[place].clone() } else { fresh[place].clone() };
            merging[place] = new[place].clone();
            if ignored && still_ours {
                passed_over += 1;
                self.write.note_passed_over(self.table, entry, id, (&field.property, sent.as_deref()))?;
            }
            let taken = field.same_wire(told, sent.as_deref()) || respelt(sent.as_deref(), told);
            if still_ours && !ignored && !taken {
                self.done.applied.conflicts += 1;
                let (object, property) = (self.table.object(), field.property.as_str());
                let conflict = Conflict { object, id, property, remote_at: record.updated_at, kind: BOTH_CHANGED };
                self.write.note_conflict(&conflict, [was.as_deref(), sent.as_deref(), told], Winner::Remote)?;
            }
        }
        let sides = ThreeSides { agreed: &agreed, old: &merging, new, outside: &outside, replaced };
        let merged = self.merge(id, record.updated_at, &local, &sides, fresh)?;
        if local.id.is_none() {
            let sql = format!("UPDATE {} SET id = ?2 WHERE _row = ?1", self.table.quoted());
            self.write.connection.prepare_cached(&sql)?.execute(params![local.row, id])?;
            self.write.name_hints(self.table.object(), local.row, id)?;
        }
        let archiving = local.archived == 1 && !envelope.archived;
        let state = if archiving { "archiving" } else { envelope.state };
        let archived = envelope.archived || archiving;
        self.write_row(Target::Known(local.row), &Envelope { archived, state, ..*envelope }, &merged.cells)?;
        Ok(Shown { row: local.row, hash: self.hash(&merged.cells, archived), passed_over })
    }

    fn note_sent_values(&self, entry: &Entry, id: &str, new: &[Option<Cow<'_, str>>]) -> Result<(), StoreError> {
        let object = self.table.object();
        for (place, field) in self.table.mapping.fields.iter().enumerate() {
            let Some((was, sent)) = entry.properties.get(&field.property) else { continue };
            let told = new[place].as_deref();
            // What is told instead of a value that was passed over is somebody else's.
            let ours = field.same_wire(told, sent.as_deref()) || respelt(sent.as_deref(), told);
            if ours && !field.same_wire(was.as_deref(), told) {
                self.write.note_sent(entry.run, object, id, &field.property, [was.as_deref(), told])?;
            }
        }
        if entry.operation == Operation::Create && !entry.adopted {
            self.write.note_sent(entry.run, object, id, MADE, [None, Some(id)])?;
        }
        Ok(())
    }
}

/// What the remote told of a record, beside what both sides had agreed on: one slot for each mapped field.
struct Told<'t> {
    old: Wires<'t>,
    new: &'t [Option<Cow<'t, str>>],
    /// Which of the new values their columns cannot show.
    outside: Vec<bool>,
    /// Whether the row is another one than both sides had agreed on: what it does not mention is nobody's wish.
    replaced: bool,
}

/// The row as it stands after its entry was settled.
struct Shown {
    row: i64,
    hash: i64,
    passed_over: u64,
}

/// The engine's columns after a write: the newest time known.
fn shown_envelope<'a>(record: &'a Record, base: Option<&'a Base>) -> Envelope<'a> {
    let envelope = Envelope::of(record);
    match base {
        None => envelope,
        Some(base) => Envelope {
            created_at: base.created_at,
            updated_at: base.updated_at.max(record.updated_at),
            archived: base.archived,
            archived_at: base.archived_at,
            merged_into: base.merged_into.as_deref(),
            state: &base.state,
            ..envelope
        },
    }
}

impl Write<'_> {
    /// Hints about a row without a record are about its record from now on.
    pub(super) fn name_hints(&self, object: &str, row: i64, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_touched SET record_id = ?3 WHERE object = ?1 AND row_handle = ?2 AND record_id IS NULL",
            )?
            .execute(params![object, row, id])?;
        Ok(())
    }
}
