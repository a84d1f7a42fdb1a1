//! What people changed in `associations`: rows compared with what both sides agreed on, pair of records by pair.
//!
//! * Triggers only say from which records to look. A row that says less than all, or says it from the other side, is
//!   first written out as the remote would tell it; one that cannot be is a reject, and stays as it was written.
//! * A row whose end has no record yet waits until there is one.
//! * What was refused is not wished again until it changes, or a person asks for it.

mod ends;
mod flipped;
mod journal;
mod merged;
mod refused;
mod rewrite;
mod undo;
mod unmapped;

pub(super) use flipped::turn_flipped;
pub use journal::{LinkEntry, SettledLinks};
pub use undo::{GivenLabel, LinkUndoing};

use super::{Pair, Store, StoreError, Write};
use crate::model::{AssociationKind, RecordId};
use crate::plan::links::{Given, Kinds, Step, step};
use ends::{End, Ways};
use refused::{Rejects, Wish};
use rewrite::{Standing, bad_rows};
use rusqlite::{CachedStatement, params};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Hints about the table stand under this name.
pub(super) const ASSOCIATIONS: &str = "associations";

/// A record from which somebody touched associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSuspect {
    /// What stands in `from_id`: the record, or the key of a row without one.
    pub id: String,
    /// The rows that were touched, as far as they are noted.
    pub rows: Vec<i64>,
}

/// A pair of records whose kinds are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkChange {
    /// The object types.
    pub pair: Pair,
    /// The record in `from_id`.
    pub from: RecordId,
    /// The record in `to_id`.
    pub to: RecordId,
    /// What both sides agreed on last.
    pub base: Kinds,
    /// What the mirror says now.
    pub local: Kinds,
}

impl LinkChange {
    /// As it stands in tables and output: `dissociate` where nothing is left of the pair.
    pub fn operation(&self) -> &'static str {
        operation(&self.local)
    }

    /// Whether it adds this label.
    pub fn gives(&self, label: &str) -> bool {
        self.local.difference(&self.base).any(|kind| kind.label.as_deref() == Some(label))
    }

    /// Whether it takes this label away.
    pub fn takes(&self, label: &str) -> bool {
        self.base.difference(&self.local).any(|kind| kind.label.as_deref() == Some(label))
    }

    /// The other end and these of its kinds, as a JSON object; `None` for no kinds.
    pub fn told(&self, kinds: &Kinds) -> Option<String> {
        (!kinds.is_empty()).then(|| told(&self.pair.to, self.to.as_str(), kinds))
    }
}

/// What a look at `associations` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkLook {
    /// What is to be pushed.
    pub changes: Vec<LinkChange>,
    /// What is to be pushed as soon as both ends have records; such an end is told by its `_uid`.
    pub ahead: Vec<LinkChange>,
    /// Rows and pairs that were refused now, by object type.
    pub refused: BTreeMap<String, u64>,
    /// Those that were refused before and wait for a person.
    pub waiting: BTreeMap<String, u64>,
}

impl LinkLook {
    /// Adds what another look found.
    pub fn add(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.ahead.extend(other.ahead);
        for (object, count) in other.refused {
            *self.refused.entry(object).or_default() += count;
        }
        for (object, count) in other.waiting {
            *self.waiting.entry(object).or_default() += count;
        }
    }
}

impl Store {
    /// How many pairs of records both sides agreed on.
    pub fn linked_pairs(&self, pair: &Pair) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT DISTINCT from_id, to_id FROM sync_association_base
                   WHERE from_object = ?1 AND to_object = ?2)";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row([&pair.from, &pair.to], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The records from which somebody touched associations.
    pub fn link_suspects(&self) -> Result<Vec<LinkSuspect>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT record_id, row_handle FROM sync_touched WHERE object = ?1 AND typeof(record_id) = 'text'",
        )?;
        let mut suspects: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let hints = statement.query_map([ASSOCIATIONS], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
        for hint in hints {
            let (id, row) = hint?;
            suspects.entry(id).or_default().extend(row);
        }
        Ok(suspects.into_iter().map(|(id, rows)| LinkSuspect { id, rows }).collect())
    }

    /// Every row that the other side does not have: of `associations` with its handle, and of what was agreed on.
    pub fn diff_links(&self) -> Result<Vec<(Option<i64>, String)>, StoreError> {
        let same = "l.from_object = r.from_object AND l.from_id = r.from_id AND l.to_object = r.to_object
                    AND l.to_id = r.to_id AND l.category IS r.category AND l.type_id IS r.type_id AND l.label IS r.label";
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT l.rowid, l.from_id FROM associations l
             WHERE NOT EXISTS (SELECT 1 FROM sync_association_base r WHERE {same}) AND typeof(l.from_id) = 'text'
             UNION SELECT NULL, l.from_id FROM sync_association_base l
             WHERE NOT EXISTS (SELECT 1 FROM associations r WHERE {same})"
        ))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Write<'_> {
    /// Notes rows that were found changed and that no trigger noted.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_links(&self, rows: &[(Option<i64>, String)]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO sync_touched (object, row_handle, record_id, at) SELECT ?1, ?2, ?3, ''
             WHERE NOT EXISTS (SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id = ?3 AND row_handle IS ?2)",
        )?;
        for (row, id) in rows {
            statement.execute(params![ASSOCIATIONS, row, id])?;
        }
        Ok(())
    }

    /// What is to be pushed of the associations of these records. What cannot be is kept as rejects, and a record whose
    /// associations are as both sides agreed is no suspect any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn look_at_links(&self, suspects: &[LinkSuspect]) -> Result<LinkLook, StoreError> {
        let mut ways = Ways::new(self);
        let mut rejects = Rejects::load(self)?;
        let mut look = LinkLook::default();
        for (id, standing) in ways.write_all_out(suspects)? {
            let mut wishes: Vec<Wish> = standing.iter().filter_map(|(row, standing)| row.wish(standing)).collect();
            let ahead: Vec<LinkChange> =
                standing.iter().filter_map(|(_, standing)| standing.ahead().cloned()).collect();
            let mut waits = standing.iter().any(|(_, standing)| matches!(standing, Standing::Waits(_)));
            let bad = bad_rows(&standing);
            let mut changes = Vec::new();
            for pair in ways.pairs_from(&id)? {
                waits |= ways.compare(&pair, &id, &bad, &mut changes, &mut wishes)?;
            }
            let (refused, waiting) = rejects.settle(self, &id, &wishes, &mut changes)?;
            let clean = !waits && changes.is_empty() && refused.is_empty() && waiting.is_empty();
            look.add(LinkLook { changes, ahead, refused, waiting });
            if clean {
                self.connection
                    .prepare_cached("DELETE FROM sync_touched WHERE object = ?1 AND record_id = ?2")?
                    .execute([ASSOCIATIONS, &id])?;
            }
        }
        Ok(look)
    }
}

impl Ways<'_> {
    /// Compares the pairs of one record with what was agreed on. Says whether something has to wait.
    fn compare(
        &mut self,
        pair: &Pair,
        from: &str,
        bad: &BTreeSet<(String, Given)>,
        changes: &mut Vec<LinkChange>,
        wishes: &mut Vec<Wish>,
    ) -> Result<bool, StoreError> {
        let local = self.kinds_by_end("associations", pair, from)?;
        let base = self.kinds_by_end("sync_association_base", pair, from)?;
        let mut waits = false;
        let ends: BTreeSet<&String> = local.keys().chain(base.keys()).collect();
        for to in ends {
            let nothing = Kinds::new();
            let (mut local, base) = (local.get(to).unwrap_or(&nothing).clone(), base.get(to).unwrap_or(&nothing));
            local.retain(|kind| base.contains(kind) || !bad.contains(&(to.clone(), given(kind))));
            if local == *base {
                continue;
            }
            let change =
                LinkChange { pair: pair.clone(), from: from.into(), to: to.as_str().into(), base: base.clone(), local };
            match self.both_ends(pair, from, to)? {
                // Rows of an end that is not there were told already.
                Err(End::NotYet) => waits = true,
                Err(End::Bad(why)) => wishes.push(Wish::of(&change, &why)),
                _ if self.is_open(&change)? => waits = true,
                _ => match self.refuses(pair) {
                    Some(why) => wishes.push(Wish::of(&change, &why)),
                    None if step(&change.local, &change.base) == Step::Nothing => self.put_back(&change)?,
                    None => changes.push(change),
                },
            }
        }
        Ok(waits)
    }

    /// The unlabeled kind returns while a label stays.
    fn put_back(&self, change: &LinkChange) -> Result<(), StoreError> {
        let mut insert = self.write.connection.prepare_cached(
            "INSERT OR IGNORE INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let (pair, from, to) = (&change.pair, change.from.as_str(), change.to.as_str());
        for kind in change.base.difference(&change.local) {
            insert.execute(params![pair.from, from, pair.to, to, kind.category, kind.type_id, kind.label])?;
        }
        Ok(())
    }

    fn kinds_by_end(&self, table: &str, pair: &Pair, from: &str) -> Result<BTreeMap<String, Kinds>, StoreError> {
        let mut statement: CachedStatement<'_> = self.write.connection.prepare_cached(&format!(
            "SELECT to_id, category, type_id, label FROM {table} WHERE from_object = ?1 AND from_id = ?2
             AND to_object = ?3 AND typeof(to_id) = 'text' AND typeof(category) = 'text' AND typeof(type_id) = 'integer'
             AND typeof(label) IN ('text', 'null')"
        ))?;
        let mut ends: BTreeMap<String, Kinds> = BTreeMap::new();
        let mut rows = statement.query(params![pair.from, from, pair.to])?;
        while let Some(row) = rows.next()? {
            let kind = AssociationKind { category: row.get(1)?, type_id: row.get(2)?, label: row.get(3)? };
            ends.entry(row.get(0)?).or_default().insert(kind);
        }
        Ok(ends)
    }
}

fn operation(local: &Kinds) -> &'static str {
    if local.is_empty() { "dissociate" } else { "associate" }
}

fn given(kind: &AssociationKind) -> Given {
    Given { category: Some(kind.category.clone()), type_id: Some(kind.type_id), label: kind.label.clone() }
}

fn told(to_object: &str, to: &str, kinds: &Kinds) -> String {
    let labels: Vec<Value> = kinds.iter().map(kind_json).collect();
    json!({ "to_object": to_object, "to_id": to, "labels": labels }).to_string()
}

fn kind_json(kind: &AssociationKind) -> Value {
    json!({ "category": kind.category, "type_id": kind.type_id, "label": kind.label })
}

fn kind_of(value: &Value) -> Option<AssociationKind> {
    let label = value.get("label")?.as_str().map(str::to_owned);
    let (category, type_id) = (value.get("category")?.as_str()?.to_owned(), value.get("type_id")?.as_i64()?);
    Some(AssociationKind { category, type_id, label })
}
