//! What a run wrote of pairs of records, and taking it back: in the mirror's rows first, which the next push sends.
//!
//! Only a pair that still shows what the run wrote, and that nobody edited since, gets back the kinds it had. What others
//! added beside them stays.

use super::ends::{Way, Ways};
use super::{LinkChange, kind_of};
use crate::model::RecordId;
use crate::plan::links::{Back, Kinds, alike, take_back};
use crate::remote::{Once, SoleLabel};
use crate::store::runs::ASSOCIATIONS;
use crate::store::{Fate, Pair, Store, StoreError, Write};
use rusqlite::params;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A pair that a run wrote, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkUndoing {
    /// What the run wrote: from `base`, what the pair held before, to `local`.
    pub wrote: LinkChange,
    /// What the remote said last.
    pub now: Kinds,
    /// What becomes of it.
    pub fate: Fate,
}

/// A label that only one pair of a record can have, and the pairs that a run gave it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenLabel {
    sole: SoleLabel,
    to: BTreeSet<(RecordId, RecordId)>,
}

impl GivenLabel {
    /// By the pairs that the run wrote, all of the same object types.
    pub fn by(sole: SoleLabel, written: &[LinkChange]) -> Self {
        let given = written.iter().filter(|wrote| wrote.gives(sole.label));
        Self { sole, to: given.map(|wrote| (wrote.from.clone(), wrote.to.clone())).collect() }
    }

    /// The other pairs of the record that the run gave it to.
    fn others_than(&self, wrote: &LinkChange) -> BTreeSet<(RecordId, RecordId)> {
        let of_record = |(from, to): &&(RecordId, RecordId)| match self.sole.once {
            Once::From => *from == wrote.from && *to != wrote.to,
            Once::To => *to == wrote.to && *from != wrote.from,
        };
        self.to.iter().filter(of_record).cloned().collect()
    }
}

impl Store {
    /// The pairs that a run wrote to the remote, each from what it was at first to what it was at last.
    pub fn links_written_by(&self, run: i64) -> Result<Vec<LinkChange>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT object, record_id, before, after FROM sync_history
             WHERE run_id = ?1 AND side = 'hubspot' AND property = ?2 ORDER BY rowid",
        )?;
        let mut written: BTreeMap<(String, String, String, String), LinkChange> = BTreeMap::new();
        let mut rows = statement.query(params![run, ASSOCIATIONS])?;
        while let Some(row) = rows.next()? {
            let (object, from): (String, String) = (row.get(0)?, row.get(1)?);
            let (before, after) = (told(row.get(2)?)?, told(row.get(3)?)?);
            let Some((to_object, to)) = before.as_ref().or(after.as_ref()).map(|told| told.end.clone()) else {
                continue;
            };
            let kinds = |told: Option<Told>| told.map(|told| told.kinds).unwrap_or_default();
            let key = (object.clone(), from.clone(), to_object.clone(), to.clone());
            let first = || LinkChange {
                pair: Pair { from: object, to: to_object },
                from: RecordId::from(from),
                to: RecordId::from(to),
                base: kinds(before),
                local: Kinds::new(),
            };
            written.entry(key).or_insert_with(first).local = kinds(after);
        }
        Ok(written.into_values().collect())
    }
}

impl Write<'_> {
    /// Takes back what a run wrote of these pairs; with `pretend` it only says what it would do.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn take_back_links(
        &self,
        written: &[LinkChange],
        given: Option<&GivenLabel>,
        pretend: bool,
    ) -> Result<Vec<LinkUndoing>, StoreError> {
        let mut ways = Ways::new(self);
        let mut undoing = Vec::with_capacity(written.len());
        for wrote in written {
            let now = ways.kinds_of_pair("sync_association_base", wrote)?;
            let (fate, wanted) = ways.fate(wrote, given, &now)?;
            if let Some(wanted) = wanted.filter(|_| !pretend) {
                ways.make(wrote, &wanted)?;
                self.note_links(&[(None, wrote.from.as_str().to_owned())])?;
            }
            undoing.push(LinkUndoing { wrote: wrote.clone(), now, fate });
        }
        Ok(undoing)
    }
}

impl Ways<'_> {
    /// What becomes of a pair, and the kinds that its rows are to have, where they are to change.
    fn fate(
        &mut self,
        wrote: &LinkChange,
        given: Option<&GivenLabel>,
        now: &Kinds,
    ) -> Result<(Fate, Option<Kinds>), StoreError> {
        let (pair, from, to) = (&wrote.pair, wrote.from.as_str(), wrote.to.as_str());
        let stored = matches!(self.way(&pair.from, &pair.to)?, Way::Stored(_));
        if !stored || self.refuses(pair).is_some() {
            return Ok((Fate::NotMapped, None));
        }
        if self.both_ends(pair, from, to)?.is_err() {
            return Ok((Fate::RecordGone, None));
        }
        let local = self.kinds_of_pair("associations", wrote)?;
        let back = take_back(&wrote.base, &wrote.local, now);
        if self.has_rows_to_write_out(wrote)? || !alike(&local, now) {
            let is_wanted = matches!(&back, Back::To(wanted) if alike(&local, wanted));
            return Ok((if is_wanted { Fate::AlreadyUndone } else { Fate::EditedSince }, None));
        }
        Ok(match back {
            Back::Already => (Fate::AlreadyUndone, None),
            Back::Changed => (Fate::ChangedSince, None),
            Back::To(wanted) if self.would_take(wrote, given, now, &wanted)? => (Fate::ChangedSince, None),
            Back::To(wanted) => (Fate::Undone, Some(wanted)),
        })
    }

    /// Whether to hold `wanted` the pair would take the label from one that somebody gave it to since.
    fn would_take(
        &self,
        wrote: &LinkChange,
        given: Option<&GivenLabel>,
        now: &Kinds,
        wanted: &Kinds,
    ) -> Result<bool, StoreError> {
        let Some(given) = given else { return Ok(false) };
        let back = LinkChange { base: now.clone(), local: wanted.clone(), ..wrote.clone() };
        let holders = self.write.others_with(&back, given.sole)?;
        Ok(back.gives(given.sole.label) && BTreeSet::from_iter(holders) != given.others_than(wrote))
    }

    /// Makes a pair's rows say these kinds.
    fn make(&self, wrote: &LinkChange, wanted: &Kinds) -> Result<(), StoreError> {
        let (pair, from, to) = (&wrote.pair, wrote.from.as_str(), wrote.to.as_str());
        self.write
            .connection
            .prepare_cached(
                "DELETE FROM associations WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4",
            )?
            .execute(params![pair.from, from, pair.to, to])?;
        let mut insert = self.write.connection.prepare_cached(
            "INSERT INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for kind in wanted {
            insert.execute(params![pair.from, from, pair.to, to, kind.category, kind.type_id, kind.label])?;
        }
        Ok(())
    }

    fn kinds_of_pair(&self, table: &str, wrote: &LinkChange) -> Result<Kinds, StoreError> {
        let mut ends = self.kinds_by_end(table, &wrote.pair, wrote.from.as_str())?;
        Ok(ends.remove(wrote.to.as_str()).unwrap_or_default())
    }

    /// Whether a person wrote a row about the pair that says less than all, or says it from the other side.
    fn has_rows_to_write_out(&self, wrote: &LinkChange) -> Result<bool, StoreError> {
        let mut statement = self.write.connection.prepare_cached(
            "SELECT 1 FROM associations WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4
                 AND (category IS NULL OR type_id IS NULL)
             UNION ALL SELECT 1 FROM associations
             WHERE from_object = ?3 AND from_id = ?4 AND to_object = ?1 AND to_id = ?2 AND ?1 <> ?3",
        )?;
        let (pair, from, to) = (&wrote.pair, wrote.from.as_str(), wrote.to.as_str());
        Ok(statement.exists(params![pair.from, from, pair.to, to])?)
    }
}

/// The far end of a pair, and kinds, as history tells them.
struct Told {
    end: (String, String),
    kinds: Kinds,
}

fn told(text: Option<String>) -> Result<Option<Told>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    let read = |value: &Value| {
        let end = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let kinds = value.get("labels")?.as_array()?.iter().map(kind_of).collect::<Option<Kinds>>()?;
        Some(Told { end: (end("to_object")?, end("to_id")?), kinds })
    };
    let found = serde_json::from_str(&text).ok().as_ref().and_then(read);
    found.map(Some).ok_or_else(|| StoreError::Altered {
        table: "sync_history".to_owned(),
        what: "associations in it cannot be read".to_owned(),
    })
}
