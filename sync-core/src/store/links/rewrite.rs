//! Rows as people wrote them, written out: with all of their kind, in the direction in which the pair is stored, and
//! with the ids of records.

use super::ends::{End, Way, Ways};
use super::refused::Wish;
use super::{ASSOCIATIONS, LinkChange, LinkSuspect};
use crate::model::{AssociationKind, RecordId};
use crate::plan::links::{Given, Kinds, resolve, turned};
use crate::store::{Pair, StoreError};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use std::collections::{BTreeMap, BTreeSet};

/// What is read of a row, in this order.
const COLUMNS: &str = "rowid, from_object, from_id, to_object, to_id, category, type_id, label";

/// A row that is not what both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) handle: i64,
    from_object: String,
    from: String,
    to_object: String,
    to: String,
    given: Given,
    /// What nobody could send, whatever it leads to.
    flaw: Option<&'static str>,
}

/// What is to be made of such a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It says all there is to say.
    Good,
    /// An end has no record yet; what is to be written once it has, as far as that is known.
    Waits(Option<LinkChange>),
    /// It cannot be sent, and why.
    Bad(String),
}

impl Standing {
    /// What is to be written once both ends have records.
    pub(super) fn ahead(&self) -> Option<&LinkChange> {
        match self {
            Self::Waits(ahead) => ahead.as_ref(),
            Self::Good | Self::Bad(_) => None,
        }
    }
}

/// What a row means, as the remote would tell it.
struct Meant {
    pair: Pair,
    from: String,
    to: String,
    kind: AssociationKind,
}

/// The rows of one record that are not what both sides agreed on, and what is to be made of each.
pub(super) type Standings = Vec<(Written, Standing)>;

/// The other ends and kinds of the rows that are not sent.
pub(super) fn bad_rows(standings: &Standings) -> BTreeSet<(String, Given)> {
    let bad = standings.iter().filter(|(_, standing)| *standing != Standing::Good);
    bad.map(|(row, _)| (row.to.clone(), row.given.clone())).collect()
}

impl Written {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (type_id, text) = (row.get_ref(6)?, |place| Ok::<_, rusqlite::Error>(plain(row.get_ref(place)?)));
        let flaw = match type_id {
            ValueRef::Null | ValueRef::Integer(_) => None,
            other if plain(other).is_none() => None,
            _ => Some("type_id is not a whole number; leave it out, or look at association_labels"),
        };
        let blob = [5, 7].into_iter().any(|place| matches!(row.get_ref(place), Ok(ValueRef::Blob(_))));
        let type_id = if let ValueRef::Integer(number) = type_id { Some(number) } else { None };
        Ok(Self {
            handle: row.get(0)?,
            from_object: text(1)?.unwrap_or_default(),
            from: text(2)?.unwrap_or_default(),
            to_object: text(3)?.unwrap_or_default(),
            to: text(4)?.unwrap_or_default(),
            given: Given { category: text(5)?, type_id, label: text(7)? },
            flaw: flaw.or(blob.then_some("category and label are text")),
        })
    }

    /// What was written of its kind.
    pub(super) fn given(&self) -> &Given {
        &self.given
    }

    /// The wish of a row that cannot be sent.
    pub(super) fn wish(&self, standing: &Standing) -> Option<Wish> {
        let Standing::Bad(why) = standing else { return None };
        Some(Wish::of_row(&self.from_object, &self.to_object, &self.to, &self.given, why))
    }
}

/// What a tool may have written into a column of text: nothing is NULL, whatever the tool calls it.
fn plain(value: ValueRef<'_>) -> Option<String> {
    let text = match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

impl Ways<'_> {
    /// Writes out the rows of these records, and of those to which rows are moved by that.
    pub(super) fn write_all_out(
        &mut self,
        suspects: &[LinkSuspect],
    ) -> Result<BTreeMap<String, Standings>, StoreError> {
        let mut left = suspects.to_vec();
        let mut done: BTreeMap<String, Standings> = BTreeMap::new();
        while let Some(suspect) = left.pop() {
            let mut standings = Vec::new();
            for row in self.rows_of(&suspect)? {
                let meant = match self.meant(&row)? {
                    Ok(meant) => meant,
                    Err(standing) => {
                        standings.push((row, standing));
                        continue;
                    }
                };
                if !self.replace(&row, &meant)? {
                    standings.push((row, Standing::Good));
                } else if !done.contains_key(&meant.from) {
                    left.push(LinkSuspect { id: meant.from, rows: Vec::new() });
                }
            }
            done.entry(suspect.id).or_default().extend(standings);
        }
        Ok(done)
    }

    /// The rows of one pair, as they were written.
    pub(super) fn rows_of_pair(
        &self,
        (from_object, from, to_object, to): (&str, &str, &str, &str),
    ) -> Result<Vec<Written>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM associations WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4"
        );
        let mut statement = self.write.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([from_object, from, to_object, to], Written::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What both sides agreed on about one pair.
    pub(super) fn agreed_of_pair(
        &self,
        (from_object, from, to_object, to): (&str, &str, &str, &str),
    ) -> Result<BTreeSet<Given>, StoreError> {
        let pair = Pair { from: from_object.to_owned(), to: to_object.to_owned() };
        let ends = self.kinds_by_end("sync_association_base", &pair, from)?;
        Ok(ends.get(to).into_iter().flatten().map(super::given).collect())
    }

    fn rows_of(&self, suspect: &LinkSuspect) -> Result<Vec<Written>, StoreError> {
        let connection = self.write.connection;
        let mut known = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM associations a WHERE from_object = ?1 AND from_id = ?2 AND NOT EXISTS (
                 SELECT 1 FROM sync_association_base b WHERE b.from_object = a.from_object AND b.from_id = a.from_id
                 AND b.to_object = a.to_object AND b.to_id = a.to_id AND b.category IS a.category
                 AND b.type_id IS a.type_id AND b.label IS a.label)"
        ))?;
        let mut rows = Vec::new();
        for object in self.write.tables().keys() {
            let found = known.query_map(params![object, suspect.id], Written::read)?;
            rows.extend(found.collect::<Result<Vec<_>, _>>()?);
        }
        // Rows of object types that nobody mirrors are found by their handles alone.
        let mut touched = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM associations WHERE rowid = ?1 AND from_id = ?2"))?;
        for handle in &suspect.rows {
            for row in touched.query_map(params![handle, suspect.id], Written::read)? {
                let row = row?;
                if !self.write.tables().contains_key(&row.from_object) && !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    /// What a row means, in the direction in which its pair is stored.
    fn meant(&mut self, row: &Written) -> Result<Result<Meant, Standing>, StoreError> {
        if let Some(flaw) = row.flaw {
            return Ok(Err(Standing::Bad(flaw.to_owned())));
        }
        let (pair, is_turned) = match self.way(&row.from_object, &row.to_object)? {
            Way::Stored(pair) => (pair, false),
            Way::Turned(pair) => (pair, true),
            Way::LeftOut => return Ok(Err(Standing::Waits(None))),
            Way::Bad(why) => return Ok(Err(Standing::Bad(why))),
        };
        if let Some(why) = self.refuses(&pair) {
            return Ok(Err(Standing::Bad(why)));
        }
        let (from, to) = if is_turned { (&row.to, &row.from) } else { (&row.from, &row.to) };
        let ends = self.both_ends(&pair, from, to)?;
        if let Err(End::Bad(why)) = ends {
            return Ok(Err(Standing::Bad(why)));
        }
        let kind = self.kind_meant(row, &pair, is_turned)?;
        Ok(match (ends, kind) {
            (Ok([from, to]), Ok(kind)) => Ok(Meant { pair, from, to, kind }),
            (Ok(_), Err(why)) => Err(Standing::Bad(why)),
            (Err(_), Err(_)) => Err(Standing::Waits(None)),
            (Err(_), Ok(kind)) => {
                let (from, to) = (RecordId::from(from.clone()), RecordId::from(to.clone()));
                let (base, local) = (Kinds::new(), Kinds::from([kind]));
                Err(Standing::Waits(Some(LinkChange { pair, from, to, base, local })))
            }
        })
    }

    fn kind_meant(
        &mut self,
        row: &Written,
        pair: &Pair,
        is_turned: bool,
    ) -> Result<Result<AssociationKind, String>, StoreError> {
        let kind = match resolve(&row.given, self.kinds(&row.from_object, &row.to_object)?) {
            Ok(kind) if is_turned => kind,
            done => return Ok(done),
        };
        let there = turned(&kind, self.kinds(&pair.from, &pair.to)?);
        Ok(there.map_err(|why| format!("{why}; write the row from {} to {}", pair.from, pair.to)))
    }

    /// Puts what a row means in its place. Says whether that is another row, which has to be looked at by itself.
    fn replace(&self, row: &Written, meant: &Meant) -> Result<bool, StoreError> {
        let Meant { pair, from, to, kind } = meant;
        let connection = self.write.connection;
        let same_ends = row.from_object == pair.from && row.from == *from && row.to == *to;
        if same_ends && row.given == super::given(kind) {
            return Ok(false);
        }
        connection.prepare_cached("DELETE FROM associations WHERE rowid = ?1")?.execute([row.handle])?;
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![pair.from, from, pair.to, to, kind.category, kind.type_id, kind.label])?;
        if *from == row.from {
            return Ok(false);
        }
        connection
            .prepare_cached("INSERT INTO sync_touched (object, record_id, at) VALUES (?1, ?2, ?3)")?
            .execute(params![ASSOCIATIONS, from, self.write.now.to_string()])?;
        Ok(true)
    }
}
