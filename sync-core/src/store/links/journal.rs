//! What was sent about pairs of records, and what became of it. An entry is on the disk before the first byte leaves, and
//! stays open until its pair was read.

use super::{LinkChange, kind_json, kind_of, operation};
use crate::model::{Association, AssociationKind, RecordId};
use crate::plan::links::{Kinds, agreed, held, shows};
use crate::remote::{Once, Refusal, SoleLabel};
use crate::store::runs::ASSOCIATIONS;
use crate::store::{Pair, Store, StoreError, Write};
use rusqlite::params;
use serde_json::Value;

/// An entry whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkEntry {
    /// Its number.
    pub entry: i64,
    /// The run that sent it.
    pub run: i64,
    /// What was to be written: `local` is what was sent.
    pub change: LinkChange,
}

/// What became of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettledLinks {
    /// Pairs that hold what was sent.
    pub linked: u64,
    /// Pairs that were taken apart.
    pub unlinked: u64,
    /// Pairs that do not hold it, although the remote said so.
    pub refused: u64,
    /// Pairs of which the remote told nothing: their entries stay open.
    pub open: u64,
}

impl Store {
    /// The entries of a pair of object types whose outcome is not known, oldest first.
    pub fn unsettled_links(&self, pair: &Pair) -> Result<Vec<LinkEntry>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, from_id, to_id, base, wanted, run_id FROM sync_journal_links
             WHERE from_object = ?1 AND to_object = ?2 AND settled_at IS NULL ORDER BY id",
        )?;
        let mut rows = statement.query([&pair.from, &pair.to])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let change = LinkChange {
                pair: pair.clone(),
                from: RecordId::from(row.get::<_, String>(1)?),
                to: RecordId::from(row.get::<_, String>(2)?),
                base: kinds_of(&row.get::<_, String>(3)?)?,
                local: kinds_of(&row.get::<_, String>(4)?)?,
            };
            entries.push(LinkEntry { entry: row.get(0)?, run: row.get(5)?, change });
        }
        Ok(entries)
    }
}

impl Write<'_> {
    /// Enters a change of a pair that is about to be sent.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn intend_link(&self, change: LinkChange) -> Result<LinkEntry, StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO sync_journal_links (run_id, operation, from_object, from_id, to_object, to_id, base, wanted,
                 sent_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.run_id,
                operation(&change.local),
                change.pair.from,
                change.from.as_str(),
                change.pair.to,
                change.to.as_str(),
                kinds_json(&change.base),
                kinds_json(&change.local),
                self.now.to_string()
            ])?;
        Ok(LinkEntry { entry: self.connection.last_insert_rowid(), run: self.run_id, change })
    }

    /// Settles entries by what the remote tells of their records now. `done` says that it answered that they were
    /// carried out; what it then does not hold is a reject. Otherwise it is simply pending again. `sole` is the label that
    /// only one pair of a record can have.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_links(
        &self,
        pair: &Pair,
        entries: &[LinkEntry],
        answers: &[Association],
        done: bool,
        sole: Option<SoleLabel>,
    ) -> Result<SettledLinks, StoreError> {
        let mut settled = SettledLinks::default();
        let mut given = Vec::new();
        for LinkEntry { entry, run, change } in entries {
            let Some(answer) = answers.iter().find(|answer| answer.from == change.from) else {
                settled.open += 1;
                continue;
            };
            let told = answer.to.iter().filter(|neighbour| neighbour.id == change.to);
            let remote: Kinds = told.map(|neighbour| neighbour.kind.clone()).collect();
            self.agree_on(change, &remote)?;
            if shows(&change.base, &change.local, &remote) {
                settled.linked += u64::from(!change.local.is_empty());
                settled.unlinked += u64::from(change.local.is_empty());
                let after = held(&change.base, &change.local, &remote, sole.map(|sole| sole.label));
                let before_and_after = [change.told(&change.base), change.told(&after)];
                let before_and_after = before_and_after.each_ref().map(Option::as_deref);
                self.note_sent(*run, &pair.from, change.from.as_str(), ASSOCIATIONS, before_and_after)?;
                self.close_link(*entry, "done", None)?;
                given.extend(sole.filter(|sole| change.gives(sole.label)).map(|sole| (*run, change, sole)));
            } else if done {
                settled.refused += 1;
                let refusal = Refusal {
                    category: Some("PASSED_OVER".to_owned()),
                    message: "the remote accepted the associations and holds others all the same".to_owned(),
                    ..Refusal::default()
                };
                self.reject_link(change, &refusal)?;
                self.close_link(*entry, "refused", Some(&refusal.message))?;
            } else {
                self.close_link(*entry, "undone", Some("the pair does not hold it"))?;
            }
        }
        for (run, change, sole) in given {
            self.note_losers(run, change, sole, answers)?;
        }
        self.apply_associations(pair, answers)?;
        Ok(settled)
    }

    /// A label that only one pair of a record can have was given to a pair: the pair that had it lost it by that, which is
    /// part of what the run wrote.
    fn note_losers(
        &self,
        run: i64,
        winner: &LinkChange,
        sole: SoleLabel,
        answers: &[Association],
    ) -> Result<(), StoreError> {
        for (from, to) in self.others_with(winner, sole)? {
            let Some(answer) = answers.iter().find(|answer| answer.from == from) else { continue };
            let is_sole = |kind: &AssociationKind| kind.label.as_deref() == Some(sole.label);
            if answer.to.iter().any(|neighbour| neighbour.id == to && is_sole(&neighbour.kind)) {
                continue;
            }
            let base = self.agreed_kinds(&winner.pair, &from, &to)?;
            let local = base.iter().filter(|kind| !is_sole(kind)).cloned().collect();
            let loser = LinkChange { pair: winner.pair.clone(), from, to, base, local };
            let before_and_after = [loser.told(&loser.base), loser.told(&loser.local)];
            let before_and_after = before_and_after.each_ref().map(Option::as_deref);
            self.note_sent(run, &loser.pair.from, loser.from.as_str(), ASSOCIATIONS, before_and_after)?;
        }
        Ok(())
    }

    /// The other pairs of the same record that had the label when both sides agreed last.
    pub(super) fn others_with(
        &self,
        winner: &LinkChange,
        sole: SoleLabel,
    ) -> Result<Vec<(RecordId, RecordId)>, StoreError> {
        let (same, other) = match sole.once {
            Once::From => ("from_id = ?3", "to_id <> ?4"),
            Once::To => ("to_id = ?4", "from_id <> ?3"),
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT from_id, to_id FROM sync_association_base
             WHERE from_object = ?1 AND to_object = ?2 AND {same} AND {other} AND label = ?5"
        ))?;
        let (pair, from, to) = (&winner.pair, winner.from.as_str(), winner.to.as_str());
        let id = |text: String| RecordId::from(text);
        let found = statement.query_map(params![pair.from, pair.to, from, to, sole.label], |row| {
            Ok((id(row.get(0)?), id(row.get(1)?)))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// What both sides agreed on about a pair of records.
    fn agreed_kinds(&self, pair: &Pair, from: &RecordId, to: &RecordId) -> Result<Kinds, StoreError> {
        let mut read = self.connection.prepare_cached(
            "SELECT category, type_id, label FROM sync_association_base
             WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4",
        )?;
        let kinds = read.query_map(params![pair.from, from.as_str(), pair.to, to.as_str()], |row| {
            Ok(AssociationKind { category: row.get(0)?, type_id: row.get(1)?, label: row.get(2)? })
        })?;
        Ok(kinds.collect::<Result<_, _>>()?)
    }

    /// Closes an entry that was refused, and keeps what it wanted as a reject.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_link_refused(&self, entry: &LinkEntry, refusal: &Refusal) -> Result<(), StoreError> {
        self.reject_link(&entry.change, refusal)?;
        self.close_link(entry.entry, "refused", Some(&refusal.message))
    }

    /// Closes an entry of which it is certain that nothing was carried out: its change is simply pending again.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_link_undone(&self, entry: &LinkEntry, why: &str) -> Result<(), StoreError> {
        self.close_link(entry.entry, "undone", Some(why))
    }

    /// Notes why the outcome of an entry is not known; it stays open.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_unknown_link(&self, entry: &LinkEntry, why: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE sync_journal_links SET message = ?2 WHERE id = ?1 AND settled_at IS NULL")?
            .execute(params![entry.entry, why])?;
        Ok(())
    }

    fn close_link(&self, entry: i64, outcome: &str, message: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_journal_links SET settled_at = ?2, outcome = ?3, message = ?4
                 WHERE id = ?1 AND settled_at IS NULL",
            )?
            .execute(params![entry, self.now.to_string(), outcome, message])?;
        Ok(())
    }

    /// Both sides now agree on what was sent as far as the remote holds it: an edit made since stays an edit.
    fn agree_on(&self, change: &LinkChange, remote: &Kinds) -> Result<(), StoreError> {
        let (pair, from, to) = (&change.pair, change.from.as_str(), change.to.as_str());
        let base = self.agreed_kinds(pair, &change.from, &change.to)?;
        let now = agreed(&base, &change.local, remote);
        let mut remove = self.connection.prepare_cached(
            "DELETE FROM sync_association_base WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4
             AND category = ?5 AND type_id = ?6",
        )?;
        for kind in base.difference(&now) {
            remove.execute(params![pair.from, from, pair.to, to, kind.category, kind.type_id])?;
        }
        let mut add = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO sync_association_base (from_object, from_id, to_object, to_id, category, type_id,
             label) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for kind in now.difference(&base) {
            add.execute(params![pair.from, from, pair.to, to, kind.category, kind.type_id, kind.label])?;
        }
        Ok(())
    }
}

fn kinds_json(kinds: &Kinds) -> String {
    Value::Array(kinds.iter().map(kind_json).collect()).to_string()
}

fn kinds_of(text: &str) -> Result<Kinds, StoreError> {
    let unreadable = || StoreError::Altered {
        table: "sync_journal_links".to_owned(),
        what: "an entry in it cannot be read".to_owned(),
    };
    let kinds: Vec<Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    kinds.iter().map(|value| kind_of(value).ok_or_else(unreadable)).collect()
}
