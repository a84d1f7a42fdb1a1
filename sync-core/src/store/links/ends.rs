//! Where rows of `associations` may lead: which pairs of object types are pushed, which records there are, and which
//! kinds each direction has.

use super::LinkChange;
use crate::model::AssociationKind;
use crate::store::table::quote;
use crate::store::{Pair, StoreError, Write};
use mappings::Direction;
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;

/// One end of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The record with this id.
    Ready(String),
    /// A row that has no record yet.
    NotYet,
    /// Nothing that can be associated, and why.
    Bad(String),
}

/// How a direction is stored.
pub(super) enum Way {
    /// As it stands.
    Stored(Pair),
    /// The other way round.
    Turned(Pair),
    /// One of the object types is left out of this run.
    LeftOut,
    /// Not at all, and why.
    Bad(String),
}

/// Looks things up, and remembers what it found.
pub(super) struct Ways<'w> {
    pub(super) write: &'w Write<'w>,
    kinds: HashMap<(String, String), Vec<AssociationKind>>,
}

impl<'w> Ways<'w> {
    pub(super) fn new(write: &'w Write<'w>) -> Self {
        Self { write, kinds: HashMap::new() }
    }

    /// The kinds of association in one direction.
    pub(super) fn kinds(&mut self, from: &str, to: &str) -> Result<&[AssociationKind], StoreError> {
        let key = (from.to_owned(), to.to_owned());
        if !self.kinds.contains_key(&key) {
            let mut statement = self.write.connection.prepare_cached(
                "SELECT category, type_id, label FROM association_labels WHERE from_object = ?1 AND to_object = ?2
                 ORDER BY category, type_id",
            )?;
            let kinds = statement.query_map([from, to], |row| {
                Ok(AssociationKind { category: row.get(0)?, type_id: row.get(1)?, label: row.get(2)? })
            })?;
            let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
            self.kinds.insert(key.clone(), kinds);
        }
        Ok(self.kinds.get(&key).map_or(&[], Vec::as_slice))
    }

    /// How rows of this direction are stored.
    pub(super) fn way(&self, from: &str, to: &str) -> Result<Way, StoreError> {
        let tables = self.write.tables();
        let (one, other) = (tables.get(from), tables.get(to));
        let pairs = one.iter().chain(other.iter()).flat_map(|table| &table.pairs);
        for pair in pairs {
            if pair.from == from && pair.to == to {
                return Ok(Way::Stored(pair.clone()));
            }
            if pair.from == to && pair.to == from {
                return Ok(Way::Turned(pair.clone()));
            }
        }
        for (object, table) in [(from, one), (to, other)] {
            if table.is_none() {
                let mut mapped =
                    self.write.connection.prepare_cached("SELECT 1 FROM sync_objects WHERE object = ?1")?;
                return Ok(match mapped.exists([object])? {
                    true => Way::LeftOut,
                    false => Way::Bad(format!("{object} are not mirrored, so their associations cannot be")),
                });
            }
        }
        Ok(Way::Bad(format!("no mapping names associations of {from} with {to}; name them under `associations`")))
    }

    /// Why changes of a pair's rows are not sent at all, where its mapping says so.
    pub(super) fn refuses(&self, pair: &Pair) -> Option<String> {
        let ends = [(&pair.from, &pair.to), (&pair.to, &pair.from)];
        let pulled = ends.into_iter().find(|(object, other)| {
            let rules = self.write.tables().get(*object).map(|table| table.mapping.associations.as_slice());
            let rule = rules.unwrap_or_default().iter().find(|rule| rule.object == **other);
            rule.is_some_and(|rule| rule.direction == Direction::Pull)
        });
        pulled.map(|(object, other)| {
            format!("associations of {object} with {other} are only read: the mapping of {object} says direction: pull")
        })
    }

    /// The pairs in which a record with this id may stand on the `from` side.
    pub(super) fn pairs_from(&self, id: &str) -> Result<Vec<Pair>, StoreError> {
        let mut pairs = Vec::new();
        let mut any = self.write.connection.prepare_cached(
            "SELECT 1 FROM (SELECT 1 FROM associations WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3
                            UNION ALL SELECT 1 FROM sync_association_base
                            WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3) LIMIT 1",
        )?;
        for table in self.write.tables().values() {
            for pair in table.outgoing() {
                if any.exists(params![pair.from, id, pair.to])? {
                    pairs.push(pair.clone());
                }
            }
        }
        Ok(pairs)
    }

    /// What an id or key leads to.
    pub(super) fn end(&self, object: &str, id: &str) -> Result<End, StoreError> {
        let Some(table) = self.write.tables().get(object) else {
            return Ok(End::Bad(format!("{object} are not mirrored")));
        };
        let base = quote(&table.base_name());
        // Of a merged-away record its survivor is meant.
        let mut known = self.write.connection.prepare_cached(&format!(
            "WITH RECURSIVE meant (id, archived, merged_into) AS (
                 SELECT id, archived, merged_into FROM {base} WHERE id = ?1
                 UNION SELECT b.id, b.archived, b.merged_into FROM {base} b JOIN meant m ON b.id = m.merged_into
             ) SELECT id, archived FROM meant ORDER BY merged_into IS NULL DESC LIMIT 1"
        ))?;
        let mut of_key =
            self.write.connection.prepare_cached(&format!("SELECT id FROM {} WHERE _uid = ?1", table.quoted()))?;
        let mut look = |id: &str| known.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional();
        let mut record: Option<(String, bool)> = look(id)?;
        if record.is_none() {
            match of_key.query_row([id], |row| row.get::<_, Option<String>>(0)).optional()? {
                None => {
                    let why = format!(
                        "none of the {object} has the id or _uid {id}; if it is new at the remote, run a pull first"
                    );
                    return Ok(End::Bad(why));
                }
                Some(None) => return Ok(End::NotYet),
                Some(Some(id)) => record = look(&id)?,
            }
        }
        Ok(match record {
            Some((found, false)) => End::Ready(found),
            Some((found, true)) => End::Bad(format!("{found} of {object} is archived, so it cannot be associated")),
            None => End::NotYet,
        })
    }

    /// Both ends of a row, or the one that is in the way.
    pub(super) fn both_ends(&self, pair: &Pair, from: &str, to: &str) -> Result<Result<[String; 2], End>, StoreError> {
        Ok(match [self.end(&pair.from, from)?, self.end(&pair.to, to)?] {
            [End::Ready(from), End::Ready(to)] if pair.from == pair.to && from == to => {
                Err(End::Bad(format!("{from} of {} cannot be associated with itself", pair.from)))
            }
            [End::Ready(from), End::Ready(to)] => Ok([from, to]),
            [End::Bad(why), _] | [_, End::Bad(why)] => Err(End::Bad(why)),
            _ => Err(End::NotYet),
        })
    }

    /// Whether nobody knows what became of an earlier write of this pair.
    pub(super) fn is_open(&self, change: &LinkChange) -> Result<bool, StoreError> {
        let mut statement = self.write.connection.prepare_cached(
            "SELECT 1 FROM sync_journal_links WHERE from_object = ?1 AND to_object = ?2 AND from_id = ?3 AND to_id = ?4
             AND settled_at IS NULL",
        )?;
        let (pair, from, to) = (&change.pair, change.from.as_str(), change.to.as_str());
        Ok(statement.exists(params![pair.from, pair.to, from, to])?)
    }
}
