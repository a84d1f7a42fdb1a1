//! What was written over unseen: marks on journal entries until their histories have been read, and what then becomes of a
//! value that was lost.
//!
//! * A mark is set in the transaction that settles an entry and goes in the one that keeps what was found: a stop between
//!   the two leaves it to the next run.
//! * Every lost value is in `sync_conflicts`. Where the field's policy lets the remote win it becomes an edit of the row,
//!   which the next push sends; where it says to hold, it waits for a person. Otherwise ours stands.

use super::journal::Entry;
use super::resolve::showable;
use super::rows::{Applier, Base, LocalRow};
use super::runs::Conflict;
use super::{Store, StoreError, Table, Write};
use crate::model::{Record, RecordId, Timestamp};
use crate::plan::audit::{Lost, Written};
use crate::plan::merge::Winner;
use mappings::{Field, Policy};
use rusqlite::params;
use std::collections::BTreeMap;

/// What a conflict is where ours took the place of an edit that nobody had seen.
pub(super) const OVERWRITTEN: &str = "overwritten_in_window";

/// Something that was written and whose history has not been read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unaudited {
    /// The record.
    pub id: RecordId,
    entry: i64,
    seen_at: Timestamp,
    told_at: Timestamp,
    /// Each property: what both sides had agreed on, what was sent, what the remote told afterwards.
    properties: BTreeMap<String, [Option<String>; 3]>,
}

impl Unaudited {
    /// Each property that was written, as far as it matters to its history.
    pub fn written(&self) -> impl Iterator<Item = (&str, Written<'_>)> {
        self.properties.iter().map(|(name, [base, sent, told])| {
            let [base, sent, told] = [base, sent, told].map(Option::as_deref);
            (name.as_str(), Written { base, sent, told, seen_at: self.seen_at, told_at: self.told_at })
        })
    }
}

/// What was found out about something that was written: the properties of which a value was lost.
pub type Audited = (Unaudited, Vec<(String, Lost)>);

impl Store {
    /// What was written and whose history has not been read, the oldest first; at most `count`.
    pub fn unaudited(&self, object: &str, count: usize) -> Result<Vec<Unaudited>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, record_id, seen_at, properties, audit FROM sync_journal
             WHERE object = ?1 AND audit IS NOT NULL AND record_id IS NOT NULL ORDER BY id LIMIT ?2",
        )?;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![object, count])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (sent, told): (String, String) = (row.get(3)?, row.get(4)?);
            let unreadable = |_| StoreError::Altered {
                table: "sync_journal".to_owned(),
                what: "an entry in it cannot be read".to_owned(),
            };
            let sent: BTreeMap<String, super::Sent> = serde_json::from_str(&sent).map_err(unreadable)?;
            let (told_at, mut told): (i64, BTreeMap<String, Option<String>>) =
                serde_json::from_str(&told).map_err(unreadable)?;
            let properties = sent.into_iter().map(|(name, (base, sent))| {
                let told = told.remove(&name).flatten();
                (name, [base, sent, told])
            });
            found.push(Unaudited {
                id: RecordId::from(row.get::<_, String>(1)?),
                entry: row.get(0)?,
                seen_at: Timestamp::from_millis(row.get(2)?),
                told_at: Timestamp::from_millis(told_at),
                properties: properties.collect(),
            });
        }
        Ok(found)
    }

    /// Whether a value that was written over unseen waits for a person.
    pub fn holds_overwritten(&self, object: &str) -> Result<bool, StoreError> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND kind = ?2 AND resolved_at IS NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row([object, OVERWRITTEN], |row| row.get(0))?)
    }
}

impl Write<'_> {
    /// Marks an entry that was carried out: its history is to be read. `record` is what the remote told of it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn await_audit(&self, entry: &Entry, record: &Record) -> Result<(), StoreError> {
        let told: BTreeMap<&String, Option<String>> =
            entry.properties.keys().map(|name| (name, record.properties.get(name))).collect();
        let told = serde_json::to_string(&(record.updated_at.millis(), told)).unwrap_or_default();
        self.connection
            .prepare_cached("UPDATE sync_journal SET audit = ?2 WHERE trace = ?1")?
            .execute(params![entry.trace, told])?;
        Ok(())
    }

    /// Keeps every value that was lost, and takes the marks away. Returns how many there were.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn settle_audit(&self, table: &Table, audited: &[Audited]) -> Result<u64, StoreError> {
        let mut found = 0;
        for (entry, lost) in audited {
            for (property, lost) in lost {
                self.keep_lost(table, entry, property, lost)?;
                found += 1;
            }
            self.connection
                .prepare_cached("UPDATE sync_journal SET audit = NULL WHERE id = ?1")?
                .execute([entry.entry])?;
        }
        Ok(found)
    }

    fn keep_lost(&self, table: &Table, entry: &Unaudited, property: &str, lost: &Lost) -> Result<(), StoreError> {
        let id = entry.id.as_str();
        let ours = entry.properties.get(property).cloned().unwrap_or_default();
        let winner = self.winner_over_ours(table, (id, property), &ours, lost)?;
        let conflict = Conflict { object: table.object(), id, property, remote_at: lost.at, kind: OVERWRITTEN };
        self.note_conflict(&conflict, [ours[0].as_deref(), ours[1].as_deref(), lost.value.as_deref()], winner)
    }

    /// Whose value a field gets after all. The lost one is put back into the row where the policy says so and nothing has
    /// happened to the field since, on either side.
    fn winner_over_ours(
        &self,
        table: &Table,
        (id, property): (&str, &str),
        ours: &[Option<String>; 3],
        lost: &Lost,
    ) -> Result<Winner, StoreError> {
        let Some((place, field)) = field_of(table, property) else { return Ok(Winner::Local) };
        let mut applier = Applier::new(self, table)?;
        let Some((base, local)) = applier.whole(id)? else { return Ok(Winner::Local) };
        let waits = self.has_open_conflict(table.object(), id, property)?;
        if lost.followed || waits || !stands(table, (place, field), (&base, &local), ours)? {
            return Ok(Winner::Local);
        }
        match field.policy {
            // By the remote's clock ours is the newest.
            Policy::LocalWins | Policy::Newest => Ok(Winner::Local),
            Policy::Hold => Ok(Winner::Held),
            Policy::RemoteWins => {
                // What the column cannot show, the mirror cannot send: a person must.
                let Ok(cell) = showable(field, lost.value.as_deref()) else { return Ok(Winner::Held) };
                self.set_cell(table, local.row, field, &cell)?;
                self.note_history(table.object(), id, property, ours[1].as_deref(), lost.value.as_deref())?;
                self.hint(table.object(), local.row, Some(id))?;
                Ok(Winner::Remote)
            }
        }
    }

    /// Closes what waits for a person because it was written over, where the remote holds the lost value again.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn close_brought_back(&self, table: &Table) -> Result<(), StoreError> {
        let mut waiting = self.connection.prepare_cached(
            "SELECT record_id, property, remote FROM sync_conflicts
             WHERE object = ?1 AND kind = ?2 AND resolved_at IS NULL",
        )?;
        let waiting: Vec<(String, String, Option<String>)> = waiting
            .query_map([table.object(), OVERWRITTEN], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        for (id, property, lost) in waiting {
            let Some((place, field)) = field_of(table, &property) else { continue };
            let Some(base) = Applier::new(self, table)?.base(&id)? else { continue };
            if field.same_wire(table.wires(&base.properties)?[place].as_deref(), lost.as_deref()) {
                self.connection
                    .prepare_cached(
                        "UPDATE sync_conflicts SET resolved_at = ?4, chosen = 'remote' WHERE object = ?1
                         AND record_id = ?2 AND property = ?3 AND resolved_at IS NULL",
                    )?
                    .execute(params![table.object(), id, property, self.now.to_string()])?;
            }
        }
        Ok(())
    }
}

fn field_of<'t>(table: &'t Table, property: &str) -> Option<(usize, &'t Field)> {
    let place = *table.places.get(property)?;
    Some((place, &table.mapping.fields[place]))
}

/// Whether both sides still hold what we wrote, in a record and a field that can be written to.
fn stands(
    table: &Table,
    (place, field): (usize, &Field),
    (base, local): (&Base, &LocalRow),
    ours: &[Option<String>; 3],
) -> Result<bool, StoreError> {
    let wires = table.wires(&base.properties)?;
    let now = wires[place].as_deref();
    let [_, sent, told] = ours;
    let there = [sent, told].into_iter().any(|ours| field.same_wire(now, ours.as_deref()));
    let here = field.same_cell(&local.cells[place], &field.project(now).cell);
    Ok(there && here && field.is_pushed() && !field.retired && !base.archived)
}
