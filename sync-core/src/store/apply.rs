//! Brings one read record into the mirror: base, typed row and history together.
//!
//! * An edit that nobody has pushed is never overwritten, except by the field's policy, and then it is in
//!   `sync_conflicts`. The row is compared with the base under the write lock, whatever the triggers noted.
//! * An older read never overwrites a newer one.
//! * Reading the same record again changes nothing.

use super::journal::Sent;
use super::rows::{Applier, Base, Envelope, LocalRow, Target, Wires, shown};
use super::runs::Conflict;
use super::{StoreError, Table, Write};
use crate::model::{Properties, Record, RecordId, Timestamp};
use crate::plan::merge::{Decision, Sides, Winner, decide};
use mappings::{Cell, Deletes, Policy};
use rusqlite::params;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a conflict is where a person and the remote changed the same field.
pub(super) const BOTH_CHANGED: &str = "both_changed";

/// What applying records did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records that were new to the mirror.
    pub inserted: u64,
    /// Known records of which anything changed.
    pub changed: u64,
    /// Of both, those that became archived.
    pub archived: u64,
    /// Records that no read returns any more.
    pub missing: u64,
    /// Records that were missing for so long that they were erased.
    pub erased: u64,
    /// Conflicts that were found.
    pub conflicts: u64,
    /// Values outside what their column can show, shown as NULL.
    pub outside: u64,
}

impl Applied {
    /// Adds what another batch did.
    pub fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.changed += other.changed;
        self.archived += other.archived;
        self.missing += other.missing;
        self.erased += other.erased;
        self.conflicts += other.conflicts;
        self.outside += other.outside;
    }
}

impl Write<'_> {
    /// Applies records that the remote returned, in the order given.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read; the transaction must then be rolled back.
    pub fn apply(&self, table: &Table, records: &[Record]) -> Result<Applied, StoreError> {
        self.apply_for(table, records, BOTH_CHANGED)
    }

    /// As [`Write::apply`], with conflicts of another kind.
    pub(super) fn apply_for(
        &self,
        table: &Table,
        records: &[Record],
        kind: &'static str,
    ) -> Result<Applied, StoreError> {
        let mut applier = Applier::new(self, table)?;
        applier.kind = kind;
        for record in records {
            applier.apply(record)?;
            for merged in &record.merged_ids {
                applier.mark_merged(merged, &record.id)?;
            }
        }
        let done = applier.done;
        drop(applier);
        self.count_rows(table.object(), done)?;
        Ok(done.applied)
    }

    /// Marks a record that the remote answered with another one when asked by id: it was merged away.
    pub fn merged_into(&self, table: &Table, id: &RecordId, survivor: &RecordId) -> Result<Applied, StoreError> {
        let mut applier = Applier::new(self, table)?;
        applier.mark_merged(id, survivor)?;
        let done = applier.done;
        drop(applier);
        self.count_rows(table.object(), done)?;
        Ok(done.applied)
    }

    pub(super) fn count_rows(&self, object: &str, done: Tally) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_objects SET rows = rows + ?2, archived = archived + ?3, missing = missing + ?4
                 WHERE object = ?1",
            )?
            .execute(params![object, done.rows, done.archived_rows, done.missing_rows])?;
        Ok(())
    }
}

#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) applied: Applied,
    /// How many rows the table gained.
    pub(super) rows: i64,
    /// How many rows became archived, less those that came back.
    pub(super) archived_rows: i64,
    /// How many rows became missing, less those that came back.
    pub(super) missing_rows: i64,
}

/// A row merged from three sides.
pub(super) struct Merged<'c> {
    pub(super) cells: Vec<Cell<'c>>,
    /// Which fields kept the local value.
    kept: Vec<bool>,
}

impl Applier<'_> {
    fn apply(&mut self, record: &Record) -> Result<(), StoreError> {
        let Some(base) = self.base(record.id.as_str())? else {
            return self.insert(record);
        };
        if record.updated_at < base.updated_at {
            return Ok(());
        }
        let same_state = base.archived == record.archived.is_some()
            && base.archived_at == record.archived
            && base.state != "merged"
            && base.state != "missing";
        if same_state && record.updated_at == base.updated_at && record.properties == base.properties {
            return Ok(());
        }
        self.update(record, &base)
    }

    fn insert(&mut self, record: &Record) -> Result<(), StoreError> {
        let wires = self.table.wires(&record.properties)?;
        let fresh = self.project(&wires, true);
        let envelope = Envelope::of(record);
        let hash = self.hash(&fresh, envelope.archived);
        let row = match self.local_row(record.id.as_str())? {
            None => self.write_row(Target::New(None), &envelope, &fresh)?,
            // Somebody made a row of this id while nothing guarded the table: what it holds are edits.
            Some(local) => {
                let nothing: Wires<'_> = vec![None; wires.len()];
                let agreed = self.project(&nothing, false);
                let outside = self.outside(&wires);
                let sides =
                    ThreeSides { agreed: &agreed, old: &nothing, new: &wires, outside: &outside, replaced: true };
                let merged = self.merge(record.id.as_str(), record.updated_at, &local, &sides, fresh)?;
                self.write_row(Target::Known(local.row), &envelope, &merged.cells)?
            }
        };
        self.write_base(false, row, &envelope, hash, record.properties.as_json())?;
        self.done.rows += 1;
        self.done.applied.inserted += 1;
        if envelope.archived {
            self.done.archived_rows += 1;
            self.done.applied.archived += 1;
        }
        Ok(())
    }

    fn update(&mut self, record: &Record, base: &Base) -> Result<(), StoreError> {
        let kept_properties = self.with_retired(record, base)?;
        let properties = kept_properties.as_ref().unwrap_or(&record.properties);
        let (new, old) = (self.table.wires(properties)?, self.table.wires(&base.properties)?);
        let fresh = self.project(&new, true);
        let envelope = Envelope::of(record);
        let hash = self.hash(&fresh, envelope.archived);
        let mut kept = vec![false; new.len()];
        let mut changed = *properties != base.properties;
        if base.archived && !envelope.archived {
            self.write.free_parked(self.table.object(), envelope.id, base.row)?;
        }
        let row = match self.local_row(record.id.as_str())? {
            None if self.table.mapping.deletes == Deletes::Archive && (envelope.archived || !base.archived) => base.row,
            // Somebody deleted the row, and the mapping says that this means nothing, or it meant an archive and the record
            // was restored since: it comes back.
            None => {
                changed = true;
                if self.table.mapping.deletes == Deletes::Archive {
                    self.write.forget_touched(self.table.object(), envelope.id)?;
                }
                self.write_row(Target::New(Some(base.row)), &envelope, &fresh)?
            }
            Some(local) if local.hash == base.row_hash && local.row == base.row => {
                self.write_row(Target::Known(local.row), &envelope, &fresh)?
            }
            Some(local) => {
                let agreed = self.project(&old, false);
                let outside = self.outside(&new);
                let replaced = local.row != base.row;
                let sides = ThreeSides { agreed: &agreed, old: &old, new: &new, outside: &outside, replaced };
                let merged = self.merge(record.id.as_str(), record.updated_at, &local, &sides, fresh)?;
                kept = merged.kept;
                let shown = envelope.as_asked(&local, base);
                self.write_row(Target::Known(local.row), &shown, &merged.cells)?
            }
        };
        changed |= self.write_history(record, base, &old, &new, &kept)?;
        self.write_base(true, row, &envelope, hash, properties.as_json())?;
        match (base.archived, envelope.archived) {
            (false, true) => {
                self.done.archived_rows += 1;
                self.done.applied.archived += 1;
            }
            (true, false) => self.done.archived_rows -= 1,
            _ => {}
        }
        self.done.missing_rows -= i64::from(base.state == "missing");
        self.done.applied.changed += u64::from(changed);
        Ok(())
    }

    /// What was read, with the last values of properties that the portal has no more: they were not asked for, so their
    /// absence says nothing. `None` when nothing has to be added.
    fn with_retired(&self, record: &Record, base: &Base) -> Result<Option<Properties>, StoreError> {
        if !self.table.mapping.fields.iter().any(|field| field.retired) {
            return Ok(None);
        }
        let (new, old) = (self.table.wires(&record.properties)?, self.table.wires(&base.properties)?);
        let mut carried: Option<Properties> = None;
        for (place, field) in self.table.mapping.fields.iter().enumerate() {
            if let (true, None, Some(value)) = (field.retired, &new[place], &old[place]) {
                let onto = carried.as_ref().unwrap_or(&record.properties);
                carried = Some(onto.with(&field.property, value));
            }
        }
        Ok(carried)
    }

    /// A row that is gone or was replaced is shown again from its base, with what somebody wrote into it as edits; and with
    /// what was sent of it and has no known outcome: to show what was there before would ask for that to be written back.
    /// Nothing is done to one that is as the engine left it, or merely edited. Says whether anything was done.
    pub(super) fn heal(&mut self, id: &str, base: &Base, local: Option<LocalRow>) -> Result<bool, StoreError> {
        let old = self.table.wires(&base.properties)?;
        let fresh = self.project(&old, false);
        let envelope = Envelope::as_agreed(id, base);
        let hash = self.hash(&fresh, base.archived);
        let row = match local {
            None if self.asks_for_archive(id, base)? => return Ok(false),
            None => {
                let sent = self.write.outstanding(self.table.object(), id)?;
                self.write_row(Target::New(Some(base.row)), &envelope, &self.as_sent(fresh, &sent))?
            }
            Some(local) if local.row == base.row => return Ok(false),
            Some(local) => {
                let agreed = fresh.clone();
                let outside = self.outside(&old);
                let sent = self.write.outstanding(self.table.object(), id)?;
                let fresh = self.as_sent(fresh, &sent);
                let sides = ThreeSides { agreed: &agreed, old: &old, new: &old, outside: &outside, replaced: true };
                let merged = self.merge(id, base.updated_at, &local, &sides, fresh)?;
                let shown = envelope.as_asked(&local, base);
                self.write_row(Target::Known(local.row), &shown, &merged.cells)?
            }
        };
        self.write_base(true, row, &envelope, hash, base.properties.as_json())?;
        Ok(true)
    }

    /// Whether the row of a record was deleted to archive it. Where no trigger saw that nobody can tell.
    fn asks_for_archive(&self, id: &str, base: &Base) -> Result<bool, StoreError> {
        Ok(self.table.mapping.deletes == Deletes::Archive
            && (base.state != "active" || self.write.is_touched(self.table.object(), id)?))
    }

    /// The cells of a row, with those that were sent in their places.
    pub(super) fn as_sent<'c>(&self, mut cells: Vec<Cell<'c>>, sent: &'c BTreeMap<String, Sent>) -> Vec<Cell<'c>> {
        for (cell, field) in cells.iter_mut().zip(&self.table.mapping.fields) {
            if let Some((_, value)) = sent.get(&field.property) {
                *cell = field.project(value.as_deref()).cell;
            }
        }
        cells
    }

    /// Merges an edited row with what the remote sent, field by field.
    pub(super) fn merge<'c>(
        &mut self,
        id: &str,
        remote_at: Timestamp,
        local: &LocalRow,
        sides: &ThreeSides<'_>,
        fresh: Vec<Cell<'c>>,
    ) -> Result<Merged<'c>, StoreError> {
        let object = self.table.object();
        let mut merged = Merged { cells: Vec::with_capacity(fresh.len()), kept: vec![false; fresh.len()] };
        for (place, fresh) in fresh.into_iter().enumerate() {
            let field = &self.table.mapping.fields[place];
            let mine = &local.cells[place];
            let (old, new) = (sides.old[place].as_deref(), sides.new[place].as_deref());
            // A replaced row's NULL means "not mentioned", never "cleared".
            let mentioned = !(sides.replaced && *mine == Cell::Null);
            let facts = Sides {
                local_changed: mentioned && field.is_pushed() && !field.same_cell(mine, &sides.agreed[place]),
                remote_changed: !field.same_wire(old, new),
                // A remote value that the column cannot show is not the NULL that stands for it.
                same: field.same_cell(mine, &fresh) && !sides.outside[place],
            };
            let later = if field.policy == Policy::Newest { self.write.later(object, id, remote_at)? } else { None };
            let decision = match decide(facts, field.policy, later) {
                _ if !field.is_pulled() && mentioned => Decision::Local,
                decision => decision,
            };
            match decision {
                Decision::Conflict(winner) => {
                    self.done.applied.conflicts += 1;
                    let wire = field.to_wire(mine).ok().flatten().or_else(|| shown(mine));
                    let conflict = Conflict { object, id, property: &field.property, remote_at, kind: self.kind };
                    self.write.note_conflict(&conflict, [old, wire.as_deref(), new], winner)?;
                }
                Decision::Remote if facts.local_changed => self.write.close_conflict(object, id, &field.property)?,
                Decision::Remote | Decision::Local => {}
            }
            match decision {
                Decision::Remote | Decision::Conflict(Winner::Remote) => merged.cells.push(fresh),
                Decision::Local | Decision::Conflict(Winner::Local | Winner::Held) => {
                    merged.kept[place] = true;
                    merged.cells.push(mine.clone());
                }
            }
        }
        Ok(merged)
    }

    fn mark_merged(&mut self, id: &RecordId, survivor: &RecordId) -> Result<(), StoreError> {
        if id == survivor {
            return Ok(());
        }
        let Some(base) = self.base(id.as_str())? else { return Ok(()) };
        if base.state == "merged" {
            return Ok(());
        }
        let (table, name) = (self.table.quoted(), super::table::quote(&self.table.base_name()));
        self.write
            .connection
            .prepare_cached(&format!(
                "UPDATE {table} SET archived = 1, merged_into = ?2, state = 'merged' WHERE id = ?1"
            ))?
            .execute(params![id.as_str(), survivor.as_str()])?;
        let wires = self.table.wires(&base.properties)?;
        let cells = self.project(&wires, false);
        let hash = self.hash(&cells, true);
        self.write
            .connection
            .prepare_cached(&format!(
                "UPDATE {name} SET archived = 1, merged_into = ?2, state = 'merged', missing_since = NULL, row_hash = ?3
                 WHERE id = ?1"
            ))?
            .execute(params![id.as_str(), survivor.as_str(), hash])?;
        self.write.repoint_links(self.table.object(), id.as_str(), survivor.as_str())?;
        self.write.note_history(self.table.object(), id.as_str(), "merged_into", None, Some(survivor.as_str()))?;
        self.write.free_parked(self.table.object(), id.as_str(), base.row)?;
        self.done.applied.changed += 1;
        self.done.missing_rows -= i64::from(base.state == "missing");
        if !base.archived {
            self.done.archived_rows += 1;
            self.done.applied.archived += 1;
        }
        Ok(())
    }

    /// Notes every mapped property whose value in the mirror the remote changed; says whether there was any.
    fn write_history(
        &mut self,
        record: &Record,
        base: &Base,
        old: &[Option<Cow<'_, str>>],
        new: &[Option<Cow<'_, str>>],
        kept: &[bool],
    ) -> Result<bool, StoreError> {
        let id = record.id.as_str();
        let mut changed = false;
        for (place, field) in self.table.mapping.fields.iter().enumerate() {
            let (before, after) = (old[place].as_deref(), new[place].as_deref());
            if !kept[place] && !field.same_wire(before, after) {
                changed = true;
                self.write.note_history(self.table.object(), id, &field.property, before, after)?;
            }
        }
        if base.state == "missing" {
            changed = true;
            let after = if record.archived.is_some() { "archived" } else { "active" };
            self.write.note_history(self.table.object(), id, "state", Some("missing"), Some(after))?;
        }
        let flag = |archived: bool| Some(if archived { "true" } else { "false" });
        if base.archived != record.archived.is_some() {
            changed = true;
            let (before, after) = (flag(base.archived), flag(record.archived.is_some()));
            self.write.note_history(self.table.object(), id, "archived", before, after)?;
        }
        Ok(changed)
    }
}

/// What a merge knows besides the local row: what both sides agreed on, and what the remote says now.
pub(super) struct ThreeSides<'s> {
    pub(super) agreed: &'s [Cell<'s>],
    pub(super) old: &'s [Option<Cow<'s, str>>],
    pub(super) new: &'s [Option<Cow<'s, str>>],
    /// Which of the remote's values their columns cannot show.
    pub(super) outside: &'s [bool],
    /// Whether the row was deleted and inserted again.
    pub(super) replaced: bool,
}
