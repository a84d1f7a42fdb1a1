//! New rows whose record is there already: they become that record's row.
//!
//! * A row's values are edits of the record then, and its NULLs say nothing; but where a value had been sent, it was
//!   cleared since. Where somebody edited the record's row too, the later edit stands, and the other is a conflict.
//! * The key that only told which record it is, is no edit where the record itself is known by another one.
//! * Who inserts the row of a record again takes back an archive that was asked for before.

use super::apply::BOTH_CHANGED;
use super::journal::Entry;
use super::keys::FoundBy;
use super::rows::{Applier, LocalRow, Wires, shown};
use super::runs::{Conflict, MADE};
use super::table::quote;
use super::{StoreError, Suspect, Table, Waiting, Write};
use crate::model::{Record, RecordId};
use crate::plan::changes::{Operation, RowChange};
use crate::plan::merge::{Decision, Sides, Winner, decide};
use crate::remote::Refusal;
use mappings::{Cell, Field};
use rusqlite::{OptionalExtension, Row, params};

/// The category of a new row with the key of another new row.
const SAME_KEY: &str = "SAME_KEY";

/// The category of a new row without any value: nothing could tell its record from another.
const EMPTY: &str = "EMPTY";

/// The category of a new row that may have been created before the mirror was restored.
const RESTORED: &str = "RESTORED";

/// What conflicts of a new row with its record are.
pub(super) const ADOPTED: &str = "adopted";

/// New rows, told apart from those that stand for a record or row that is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twins {
    /// Rows that nothing in the mirror stands for yet.
    pub new: Vec<RowChange>,
    /// How many were folded into the row of their record.
    pub folded: u64,
    /// How many have the key of an earlier new row.
    pub refused: u64,
}

/// Another row with a new row's key.
struct Twin {
    row: i64,
    uid: String,
    id: Option<String>,
}

/// A row on its way into that of its record.
struct Folding<'f> {
    new: &'f LocalRow,
    id: &'f str,
    /// Which of its fields say anything about the record.
    says: Vec<bool>,
    /// What both sides agreed on when the record was made of it, if it was; else they agree on what they do now.
    made: Option<Wires<'f>>,
}

impl Write<'_> {
    /// Looks in the mirror for the records of new rows: a row whose record has a row already is folded into that one. Of
    /// two new rows with one key the later becomes a reject.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn part_twins(&self, table: &Table, batch: &[Suspect]) -> Result<Twins, StoreError> {
        let waiting = self.waiting(table, batch)?;
        let mut twins = Twins::default();
        for (_, plan) in self.plans(table, batch, &waiting)?.rows {
            let Some(change) = plan.change.filter(|change| change.operation == Operation::Create) else { continue };
            match self.row_or_record_of(table, &change)? {
                None if change.fields.is_empty() => {
                    self.reject_change(
                        table,
                        &change,
                        &Refusal {
                            category: Some(EMPTY.to_owned()),
                            message: "the row holds no value that could be sent; fill it in, or delete it".to_owned(),
                            ..Refusal::default()
                        },
                    )?;
                    twins.refused += 1;
                }
                None if self.may_have_been_made(table, &change)? => {
                    self.reject_change(
                        table,
                        &change,
                        &Refusal {
                            category: Some(RESTORED.to_owned()),
                            message:
                                "the mirror was put back from an older copy, and this row may have been created there \
                                  since; look, then try it again or drop it"
                                    .to_owned(),
                            ..Refusal::default()
                        },
                    )?;
                    twins.refused += 1;
                }
                None => twins.new.push(change),
                Some(Twin { uid, id: Some(id), .. }) => {
                    self.fold_twin(table, change.row, (&uid, &id))?;
                    twins.folded += 1;
                }
                Some(earlier) if earlier.row > change.row => twins.new.push(change),
                Some(earlier) => {
                    self.reject_twin(table, &change, &earlier.uid)?;
                    twins.refused += 1;
                }
            }
        }
        Ok(twins)
    }

    /// Those of these new rows that [`Write::part_twins`] would refuse as they stand. Nothing becomes of it yet: the row
    /// that one of them is a twin of may be gone by then.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn new_rows_to_refuse(&self, table: &Table, new: &[RowChange]) -> Result<Vec<i64>, StoreError> {
        let mut refused = Vec::new();
        for change in new {
            let refuses = match self.row_or_record_of(table, change)? {
                None => change.fields.is_empty() || self.may_have_been_made(table, change)?,
                Some(Twin { id, row, .. }) => id.is_none() && row < change.row,
            };
            refused.extend(refuses.then_some(change.row));
        }
        Ok(refused)
    }

    /// The record of which a new row is known to be the row, or another row with its key.
    fn row_or_record_of(&self, table: &Table, change: &RowChange) -> Result<Option<Twin>, StoreError> {
        match self.record_of_key(table.object(), &change.uid)? {
            Some(id) => Ok(Some(Twin { row: change.row, uid: change.uid.clone(), id: Some(id.as_str().to_owned()) })),
            None => self.twin_of(table, change),
        }
    }

    /// Whether a row without anything to tell its record by was there when the mirror was found to be restored from an
    /// older copy, and nobody has asked for it since.
    fn may_have_been_made(&self, table: &Table, change: &RowChange) -> Result<bool, StoreError> {
        let key = table.mapping.key.as_deref();
        let told = table.mapping.unique.is_some() || change.fields.iter().any(|field| Some(&*field.property) == key);
        if told {
            return Ok(false);
        }
        let held = "SELECT EXISTS (
                SELECT 1 FROM sync_meta m JOIN sync_runs r ON r.id = CAST(m.value AS INTEGER)
                WHERE m.key = 'restored_in_run' AND r.started_at >=
                    (SELECT min(at) FROM sync_touched WHERE object = ?1 AND row_handle = ?2))
            AND NOT EXISTS (SELECT 1 FROM sync_rejects WHERE object = ?1 AND record_id IS NULL AND uid = ?3 AND retry = 1)";
        let held = self
            .connection
            .prepare_cached(held)?
            .query_row(params![table.object(), change.row, change.uid], |row| row.get(0))?;
        Ok(held)
    }

    /// Of two new rows with one key the later is not sent.
    fn reject_twin(&self, table: &Table, change: &RowChange, earlier: &str) -> Result<(), StoreError> {
        let key = table.mapping.key.as_deref().unwrap_or_default();
        let refusal = Refusal {
            category: Some(SAME_KEY.to_owned()),
            message: format!("the row with _uid {earlier}, which is new too, has the same {key}"),
            ..Refusal::default()
        };
        self.reject_change(table, change, &refusal)
    }

    /// Another row with the same key, one with a record first.
    fn twin_of(&self, table: &Table, change: &RowChange) -> Result<Option<Twin>, StoreError> {
        let Some(key) = table.mapping.key.as_deref() else { return Ok(None) };
        let Some(field) = change.fields.iter().find(|field| field.property == key) else { return Ok(None) };
        let column = quote(&field.column);
        // The index finds the same text; another spelling of it is found at the remote.
        let sql = format!(
            "SELECT _row, _uid, id FROM {0} WHERE {column} = (SELECT {column} FROM {0} WHERE _row = ?1) AND _row <> ?1
             AND state NOT IN ('archived', 'merged', 'missing') ORDER BY id IS NULL, _row LIMIT 1",
            table.quoted()
        );
        let twin = |row: &Row<'_>| Ok(Twin { row: row.get(0)?, uid: row.get(1)?, id: row.get(2)? });
        Ok(self.connection.prepare_cached(&sql)?.query_row([change.row], twin).optional()?)
    }

    /// Gives rows the records that they turned out to stand for. Where this run has made a record of another new row,
    /// whose key the remote takes for the same, the row becomes a reject. Returns how many were adopted, and how many
    /// refused.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn adopt(&self, table: &Table, found: &[(i64, Record)]) -> Result<(u64, u64), StoreError> {
        let (mut adopted, mut refused) = (0, 0);
        for (row, record) in found {
            let mut applier = Applier::new(self, table)?;
            let Some(local) = applier.row_at(*row)?.filter(|local| local.id.is_none()) else { continue };
            let known = applier.local_row(record.id.as_str())?;
            drop(applier);
            if let Some(first) = known.as_ref().filter(|first| first.uid != local.uid)
                && self.is_made_in_this_run(table.object(), record.id.as_str())?
            {
                let twin = [Suspect { id: None, row: *row }];
                let plans = self.plans(table, &twin, &Waiting::default())?.rows;
                if let Some(change) = plans.into_iter().find_map(|(_, plan)| plan.change) {
                    self.reject_twin(table, &change, &first.uid)?;
                    refused += 1;
                }
                continue;
            }
            let (id, found_by) = (record.id.as_str(), self.found_by(table, &local, record)?);
            // Without a row, as after DELETE, the new one is its row: there is none that it could be folded into.
            if known.is_none() {
                self.fold(table, &local, id, found_by.as_ref())?;
            }
            self.apply_for(table, std::slice::from_ref(record), ADOPTED)?;
            if known.is_some() {
                self.fold(table, &local, id, found_by.as_ref())?;
            }
            if let Some(key) = found_by {
                self.tell_found_by(table, record, &key)?;
            }
            adopted += 1;
        }
        Ok((adopted, refused))
    }

    /// Whether this run has made a record, or has found out that an earlier one did whose answer was lost.
    fn is_made_in_this_run(&self, object: &str, id: &str) -> Result<bool, StoreError> {
        let made = "SELECT 1 FROM sync_history WHERE object = ?1 AND record_id = ?2 AND run_id = ?3
                    AND property = ?4 AND side = 'hubspot'
                    UNION ALL SELECT 1 FROM sync_journal WHERE object = ?1 AND record_id = ?2 AND recovered_in = ?3
                    AND operation = 'create'";
        Ok(self.connection.prepare_cached(made)?.exists(params![object, id, self.run_id, MADE])?)
    }

    /// From now on the row is that of a record.
    pub(super) fn name_row(&self, table: &Table, local: &LocalRow, id: &RecordId) -> Result<(), StoreError> {
        let sql = format!("UPDATE {} SET id = ?2, state = 'active' WHERE _row = ?1", table.quoted());
        self.connection.prepare_cached(&sql)?.execute(params![local.row, id.as_str()])?;
        self.note_key(table.object(), &local.uid, id.as_str())?;
        self.name_hints(table.object(), local.row, id.as_str())?;
        self.forget_rejects(table.object(), (id.as_str(), &local.uid), Operation::Create, std::iter::empty())
    }

    /// Folds a new row into the row that stands for the same thing: by its key, or because its own key came back.
    fn fold_twin(&self, table: &Table, row: i64, (uid, id): (&str, &str)) -> Result<(), StoreError> {
        let mut applier = Applier::new(self, table)?;
        let Some(new) = applier.row_at(row)? else { return Ok(()) };
        let base = applier.base(id)?.filter(|_| uid == new.uid);
        drop(applier);
        let found_by = match base {
            Some(base) => self.found_by_before(table, &new, id, &base.properties)?,
            None => None,
        };
        self.fold(table, &new, id, found_by.as_ref())
    }

    /// Moves the values of a new row into the row of its record, as edits, and takes the new row away. Where the record
    /// has no row the new one becomes it.
    fn fold(&self, table: &Table, new: &LocalRow, id: &str, found_by: Option<&FoundBy>) -> Result<(), StoreError> {
        let is_value = |place: usize| found_by.is_none_or(|key| key.place != place);
        let says = |(place, cell): (usize, &Cell<'_>)| *cell != Cell::Null && is_value(place);
        let says = new.cells.iter().enumerate().map(says).collect();
        self.take_archive_back(table, new, id)?;
        self.fold_in(table, &Folding { new, id, says, made: None })
    }

    /// The same with a row of which a record was made: what was sent of it is no edit any more, and what was cleared
    /// since is one. `made` is the record as it was made.
    pub(super) fn fold_since(&self, table: &Table, entry: &Entry, made: &Record) -> Result<(), StoreError> {
        let Some(new) = Applier::new(self, table)?.row_at(entry.row)? else { return Ok(()) };
        let says = |(field, cell): (&Field, &Cell<'_>)| match entry.properties.get(&field.property) {
            Some((_, sent)) => !field.same_cell(cell, &field.project(sent.as_deref()).cell),
            None => *cell != Cell::Null,
        };
        let says = table.mapping.fields.iter().zip(&new.cells).map(says).collect();
        let agreed = table.wires(&made.properties)?;
        self.fold_in(table, &Folding { new: &new, id: made.id.as_str(), says, made: Some(agreed) })
    }

    fn fold_in(&self, table: &Table, folding: &Folding<'_>) -> Result<(), StoreError> {
        let Folding { new, id, says, .. } = folding;
        let mut applier = Applier::new(self, table)?;
        if applier.local_row(id)?.is_none() {
            for ((field, cell), says) in table.mapping.fields.iter().zip(&new.cells).zip(says) {
                if !says && *cell != Cell::Null {
                    self.set_cell(table, new.row, field, &Cell::Null)?;
                }
            }
            return self.name_row(table, new, &RecordId::from(*id));
        }
        let outdone = self.outdone(&mut applier, folding)?;
        for (place, field) in table.mapping.fields.iter().enumerate() {
            if !field.is_pushed() || !says[place] || outdone.contains(&place) {
                continue;
            }
            let column = quote(&field.column);
            let sql = format!(
                "UPDATE {0} SET {column} = (SELECT {column} FROM {0} WHERE _row = ?1) WHERE id = ?2",
                table.quoted()
            );
            self.connection.prepare_cached(&sql)?.execute(params![new.row, id])?;
        }
        let gone = format!("DELETE FROM {} WHERE _row = ?1", table.quoted());
        self.connection.prepare_cached(&gone)?.execute([new.row])?;
        self.name_hints(table.object(), new.row, id)?;
        // The hints of the row that is gone are about the row that is left.
        let sql = format!(
            "UPDATE sync_touched SET row_handle = (SELECT _row FROM {} WHERE id = ?3)
             WHERE object = ?1 AND record_id = ?3 AND row_handle = ?2",
            table.quoted()
        );
        self.connection.prepare_cached(&sql)?.execute(params![table.object(), new.row, id])?;
        self.note_key(table.object(), &new.uid, id)?;
        self.name_ends(table.object(), &new.uid, id)?;
        self.forget_rejects(table.object(), (id, &new.uid), Operation::Create, std::iter::empty())
    }

    /// The fields of a row that do not become edits of its record. Where somebody has edited the record's row too, the
    /// later edit stands; where somebody at the remote has changed what the record was made with, the field's policy
    /// decides. The other value is kept as a conflict.
    fn outdone(&self, applier: &mut Applier<'_>, folding: &Folding<'_>) -> Result<Vec<usize>, StoreError> {
        let (table, Folding { new, id, says, made }) = (applier.table, folding);
        let (Some(base), Some(held)) = (applier.base(id)?, applier.local_row(id)?) else { return Ok(Vec::new()) };
        let there = table.wires(&base.properties)?;
        let agreed = applier.project(&there, false);
        let later = self.is_touched_later(table.object(), new.row, id)?;
        // Both rows' hints tell when the record was edited here.
        self.name_hints(table.object(), new.row, id)?;
        let dated = self.later(table.object(), id, base.updated_at)?;
        let mut outdone = Vec::new();
        for (place, field) in table.mapping.fields.iter().enumerate() {
            let (fresh, edit) = (&new.cells[place], &held.cells[place]);
            if !field.is_pushed() || !says[place] || field.same_cell(fresh, edit) {
                continue;
            }
            let was = made.as_ref().unwrap_or(&there)[place].as_deref();
            let is_edited = !field.same_cell(edit, &agreed[place]);
            let facts = Sides {
                local_changed: true,
                remote_changed: !field.same_wire(was, there[place].as_deref()),
                same: false,
            };
            let (kind, winner) = match decide(facts, field.policy, dated) {
                _ if is_edited => (ADOPTED, if later { Winner::Local } else { Winner::Remote }),
                Decision::Conflict(winner) => (BOTH_CHANGED, winner),
                Decision::Remote | Decision::Local => continue,
            };
            let wire = |cell: &Cell<'_>| field.to_wire(cell).ok().flatten().or_else(|| shown(cell));
            let (object, remote_at) = (table.object(), base.updated_at);
            let conflict = Conflict { object, id, property: &field.property, remote_at, kind };
            let (fresh, edit) = (wire(fresh), wire(edit));
            let theirs = if is_edited { edit.as_deref() } else { there[place].as_deref() };
            self.note_conflict(&conflict, [was, fresh.as_deref(), theirs], winner)?;
            if winner == Winner::Remote {
                outdone.push(place);
            }
        }
        Ok(outdone)
    }

    /// Who inserts the row of a record again wants the record: an archive that the record's row asked for before is not
    /// wished any more. Hints are numbered in the order in which people wrote; one that came since may be the wish.
    fn take_archive_back(&self, table: &Table, new: &LocalRow, id: &str) -> Result<(), StoreError> {
        let mut applier = Applier::new(self, table)?;
        let Some(base) = applier.base(id)?.filter(|base| !base.archived && new.archived == 0) else { return Ok(()) };
        let sql = format!(
            "UPDATE {} SET archived = 0 WHERE id = ?2 AND archived = 1 AND NOT EXISTS (
                 SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id = ?2 AND seq > (
                     SELECT min(seq) FROM sync_touched WHERE object = ?1 AND record_id IS NULL AND row_handle = ?3))",
            table.quoted()
        );
        self.connection.prepare_cached(&sql)?.execute(params![table.object(), id, new.row])?;
        applier.show_archive_asked(id, &base)
    }

    /// Whether a row without a record was touched after the row of a record.
    fn is_touched_later(&self, object: &str, row: i64, id: &str) -> Result<bool, StoreError> {
        let later = "SELECT coalesce((SELECT max(at) FROM sync_touched WHERE object = ?1 AND row_handle = ?2
                                      AND record_id IS NULL)
                         > (SELECT max(at) FROM sync_touched WHERE object = ?1 AND record_id = ?3), 0)";
        Ok(self.connection.prepare_cached(later)?.query_row(params![object, row, id], |row| row.get(0))?)
    }

    /// Associations that name a row by its key name its record from now on: the row is gone.
    fn name_ends(&self, object: &str, uid: &str, id: &str) -> Result<(), StoreError> {
        let touched = "INSERT INTO sync_touched (object, row_handle, record_id, at)
                       SELECT 'associations', rowid, ?3, ?4 FROM associations WHERE from_object = ?1 AND from_id = ?2";
        self.connection.prepare_cached(touched)?.execute(params![object, uid, id, self.now.to_string()])?;
        for side in ["from", "to"] {
            let sql = format!(
                "UPDATE OR REPLACE associations SET {side}_id = ?3 WHERE {side}_object = ?1 AND {side}_id = ?2"
            );
            self.connection.prepare_cached(&sql)?.execute([object, uid, id])?;
        }
        Ok(())
    }
}
