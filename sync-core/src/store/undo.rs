//! What a run wrote to the remote, and taking it back: in the mirror first, as edits that the next push sends.
//!
//! * Only a value that is still what the run wrote, and that nobody edited since, becomes an edit.
//! * A value that changed at the remote since becomes a held conflict: nothing is written over it until a person decides.

use super::apply::BOTH_CHANGED;
use super::resolve::wire;
use super::rows::{Applier, Base, LocalRow};
use super::runs::{ARCHIVED, ASSOCIATIONS, Conflict, MADE};
use super::{Store, StoreError, Table, Write};
use crate::plan::merge::Winner;
use mappings::Field;
use rusqlite::params;
use std::collections::BTreeMap;

/// What a run wrote of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrote {
    /// The record.
    pub id: String,
    /// Whether the run made it.
    pub created: bool,
    /// Whether the run archived it.
    pub archived: bool,
    /// Each property with what it was and what it became.
    pub values: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// What becomes of something that a run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It becomes what it was.
    Undone,
    /// It is what it was already, or will be by the next push.
    AlreadyUndone,
    /// It changed at the remote since: a person decides.
    Conflict,
    /// Somebody edited it in the mirror since, so it is left alone.
    EditedSince,
    /// A pair of records whose associations changed at the remote since, so it is left alone.
    ChangedSince,
    /// The mapping has no column that could be sent for it.
    NotMapped,
    /// Its record is not active any more.
    RecordGone,
    /// The run made the record, and it stays.
    Created,
    /// The run made the record, and it is archived.
    CreatedArchived,
    /// The run archived the record, which only a person can restore.
    Archived,
}

/// One thing that a run wrote, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoing {
    /// The object type.
    pub object: String,
    /// The record.
    pub record: String,
    /// The property; `None` for the record as a whole.
    pub property: Option<String>,
    /// What it was before the run.
    pub before: Option<String>,
    /// What the run wrote.
    pub after: Option<String>,
    /// What the remote said last.
    pub now: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
}

impl Store {
    /// What a run wrote to records of the remote, by object type; empty where it wrote nothing.
    pub fn written_by(&self, run: i64) -> Result<BTreeMap<String, Vec<Wrote>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT object, record_id, property, before, after FROM sync_history
             WHERE run_id = ?1 AND side = 'hubspot' AND property <> ?2 ORDER BY rowid",
        )?;
        let mut written: BTreeMap<(String, String), Wrote> = BTreeMap::new();
        let mut rows = statement.query(params![run, ASSOCIATIONS])?;
        while let Some(row) = rows.next()? {
            let (object, id, property): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (before, after): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            let wrote = written.entry((object, id.clone())).or_insert_with(|| Wrote { id, ..Wrote::default() });
            match property.as_str() {
                MADE => wrote.created = true,
                ARCHIVED => wrote.archived = true,
                // Written twice in one run: from what it was at first to what it was at last.
                _ => wrote.values.entry(property).or_insert_with(|| (before, None)).1 = after,
            }
        }
        let mut by_object: BTreeMap<String, Vec<Wrote>> = BTreeMap::new();
        for ((object, _), wrote) in written {
            by_object.entry(object).or_default().push(wrote);
        }
        Ok(by_object)
    }
}

impl Write<'_> {
    /// Takes back what a run wrote, as edits and held conflicts; with `pretend` it only says what it would do.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn take_back(
        &self,
        table: &Table,
        written: &[Wrote],
        archive_created: bool,
        pretend: bool,
    ) -> Result<Vec<Undoing>, StoreError> {
        let mut undoing = Vec::new();
        for wrote in written {
            let mut applier = Applier::new(self, table)?;
            let whole = match pretend {
                true => applier.base(&wrote.id)?.zip(applier.local_row(&wrote.id)?),
                false => applier.whole(&wrote.id)?,
            };
            let taking = Taking { write: self, table, wrote, pretend };
            let (fates, touched) = taking.decide(whole.as_ref(), archive_created)?;
            undoing.extend(fates);
            if let Some((_, local)) = whole.filter(|_| touched && !pretend) {
                self.hint(table.object(), local.row, Some(&wrote.id))?;
            }
        }
        Ok(undoing)
    }
}

/// One record on its way back.
struct Taking<'t> {
    write: &'t Write<'t>,
    table: &'t Table,
    wrote: &'t Wrote,
    pretend: bool,
}

impl Taking<'_> {
    /// What becomes of everything of the record, and whether anything in its row changed.
    fn decide(
        &self,
        whole: Option<&(Base, LocalRow)>,
        archive_created: bool,
    ) -> Result<(Vec<Undoing>, bool), StoreError> {
        let active = whole.filter(|(base, _)| !base.archived && base.state == "active");
        let mut fates = Vec::new();
        if self.wrote.archived {
            let fate = if active.is_some() { Fate::AlreadyUndone } else { Fate::Archived };
            fates.push(self.fate(None, fate));
        }
        // Its values are part of what was made, and go with it or stay with it.
        if self.wrote.created {
            let fate = match active {
                None => Fate::RecordGone,
                Some(_) if archive_created => Fate::CreatedArchived,
                Some(_) => Fate::Created,
            };
            let archives = fate == Fate::CreatedArchived;
            if archives && !self.pretend {
                self.ask_for_archive()?;
            }
            fates.push(self.fate(None, fate));
            return Ok((fates, archives));
        }
        let mut touched = false;
        for (property, (before, after)) in &self.wrote.values {
            let mut undoing = self.fate(Some(property), Fate::RecordGone);
            (undoing.before, undoing.after) = (before.clone(), after.clone());
            if let Some((base, local)) = active {
                self.value(&mut undoing, property, base, local)?;
                touched |= matches!(undoing.fate, Fate::Undone | Fate::Conflict);
            }
            fates.push(undoing);
        }
        Ok((fates, touched))
    }

    fn fate(&self, property: Option<&str>, fate: Fate) -> Undoing {
        Undoing {
            object: self.table.object().to_owned(),
            record: self.wrote.id.clone(),
            property: property.map(str::to_owned),
            before: None,
            after: None,
            now: None,
            fate,
        }
    }

    fn value(&self, undoing: &mut Undoing, property: &str, base: &Base, local: &LocalRow) -> Result<(), StoreError> {
        undoing.fate = Fate::NotMapped;
        let Some(place) = self.table.places.get(property).copied() else { return Ok(()) };
        let field = &self.table.mapping.fields[place];
        let wires = self.table.wires(&base.properties)?;
        let now = wires[place].as_deref();
        undoing.now = now.map(str::to_owned);
        let (before, after) = (undoing.before.as_deref(), undoing.after.as_deref());
        let (wanted, mine) = (field.project(before), &local.cells[place]);
        if field.retired || !field.is_pushed() || wanted.outside {
            return Ok(());
        }
        let edited = !field.same_cell(mine, &field.project(now).cell);
        let mine_is_wanted = field.same_cell(mine, &wanted.cell);
        if edited && mine_is_wanted && self.is_undecided(property)? {
            undoing.fate = Fate::Conflict;
            return Ok(());
        }
        undoing.fate = match (edited, field.same_wire(now, before), field.same_wire(now, after)) {
            (true, _, _) if mine_is_wanted => Fate::AlreadyUndone,
            (true, _, _) => Fate::EditedSince,
            (false, true, _) => Fate::AlreadyUndone,
            (false, false, true) => Fate::Undone,
            (false, false, false) => Fate::Conflict,
        };
        let fate = undoing.fate;
        if self.pretend || !matches!(fate, Fate::Undone | Fate::Conflict) {
            return Ok(());
        }
        self.write.set_cell(self.table, local.row, field, &wanted.cell)?;
        let (object, id) = (self.table.object(), self.wrote.id.as_str());
        self.write.note_history(object, id, property, wire(field, mine).as_deref(), before)?;
        if fate == Fate::Conflict {
            self.hold(field, base, [after, before, now])?;
        }
        Ok(())
    }

    /// Whether an earlier undo met somebody's change, and no person has decided yet.
    fn is_undecided(&self, property: &str) -> Result<bool, StoreError> {
        self.write.has_open_conflict(self.table.object(), &self.wrote.id, property)
    }

    fn hold(&self, field: &Field, base: &Base, sides: [Option<&str>; 3]) -> Result<(), StoreError> {
        let conflict = Conflict {
            object: self.table.object(),
            id: &self.wrote.id,
            property: &field.property,
            remote_at: base.updated_at,
            kind: BOTH_CHANGED,
        };
        self.write.note_conflict(&conflict, sides, Winner::Held)
    }

    fn ask_for_archive(&self) -> Result<(), StoreError> {
        let sql = format!("UPDATE {} SET archived = 1, state = 'archiving' WHERE id = ?1", self.table.quoted());
        self.write.connection.prepare_cached(&sql)?.execute([&self.wrote.id])?;
        Ok(())
    }
}
