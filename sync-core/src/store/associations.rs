//! Associations, as sets of rows for each pair of records: merged three ways, like fields.

use super::{Pair, Store, StoreError, Write};
use crate::model::{Association, AssociationKind, RecordId};
use crate::plan::links::merge;
use rusqlite::{CachedStatement, params};
use std::collections::BTreeSet;

/// A row that says something: anything else is told to whoever wrote it when it is about to be sent.
pub(super) const WELL_TYPED: &str = "typeof(to_id) = 'text' AND typeof(category) IN ('text', 'null')
     AND typeof(type_id) IN ('integer', 'null') AND typeof(label) IN ('text', 'null')";

/// One row of a pair: the other end and the kind.
type Edge = (String, Option<String>, Option<i64>, Option<String>);

impl Store {
    /// The records that are stored as neighbours of `id`, which stands on the `to` side of the pair.
    pub fn stored_neighbours(&self, pair: &Pair, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT from_id FROM sync_association_base WHERE to_object = ?1 AND to_id = ?2 AND from_object = ?3",
        )?;
        let mut neighbours = BTreeSet::new();
        for id in ids {
            let found = statement.query_map(params![pair.to, id.as_str(), pair.from], |row| row.get::<_, String>(0))?;
            for neighbour in found {
                neighbours.insert(RecordId::from(neighbour?));
            }
        }
        Ok(neighbours)
    }

    /// Ids of the active records of an object type after a row handle, with the handle to go on from.
    pub fn ids_after(&self, object: &str, row: i64, count: usize) -> Result<(Vec<RecordId>, i64), StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok((Vec::new(), row)) };
        let base = super::table::quote(&table.base_name());
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT _row, id FROM {base} WHERE _row > ?1 AND archived = 0 ORDER BY _row LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![row, i64::try_from(count).unwrap_or(i64::MAX)])?;
        let (mut ids, mut last) = (Vec::with_capacity(count), row);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            ids.push(RecordId::from(row.get::<_, String>(1)?));
        }
        Ok((ids, last))
    }
}

impl Write<'_> {
    /// Applies what the remote told about these records' associations. Each answer is the whole truth about its
    /// record and this pair; rows that people added or removed since stay added or removed. Returns how many records'
    /// associations changed.
    pub fn apply_associations(&self, pair: &Pair, answers: &[Association]) -> Result<u64, StoreError> {
        let mut statements = Statements::new(self)?;
        let mut changed = 0;
        for answer in answers {
            let from = answer.from.as_str();
            let remote: BTreeSet<Edge> = answer.to.iter().map(|to| edge(to.id.as_str(), &to.kind)).collect();
            let base = read(&mut statements.base, pair, from)?;
            if remote == base {
                continue;
            }
            let local = read(&mut statements.local, pair, from)?;
            let merged = merge(&base, &local, &remote);
            for (to, category, type_id, label) in base.difference(&remote) {
                statements.remove_base.execute(params![pair.from, from, pair.to, to, category, type_id])?;
                statements.remove_alike.execute(params![pair.from, from, pair.to, to, label])?;
            }
            for (to, category, type_id, label) in remote.difference(&base) {
                statements.add_base.execute(params![pair.from, from, pair.to, to, category, type_id, label])?;
            }
            for (to, category, type_id, label) in local.difference(&merged) {
                statements.remove.execute(params![pair.from, from, pair.to, to, category, type_id, label])?;
            }
            for (to, category, type_id, label) in merged.difference(&local) {
                statements.add.execute(params![pair.from, from, pair.to, to, category, type_id, label])?;
            }
            changed += 1;
        }
        Ok(changed)
    }
}

struct Statements<'w> {
    base: CachedStatement<'w>,
    local: CachedStatement<'w>,
    remove: CachedStatement<'w>,
    remove_base: CachedStatement<'w>,
    remove_alike: CachedStatement<'w>,
    add: CachedStatement<'w>,
    add_base: CachedStatement<'w>,
}

impl<'w> Statements<'w> {
    fn new(write: &'w Write<'_>) -> Result<Self, StoreError> {
        let prepare = |sql: &str| write.connection.prepare_cached(sql);
        let columns = "(from_object, from_id, to_object, to_id, category, type_id, label)";
        let select = |table: &str| {
            format!(
                "SELECT to_id, category, type_id, label FROM {table}
                 WHERE from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND {WELL_TYPED}"
            )
        };
        let pair = "from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4";
        Ok(Self {
            base: prepare(&select("sync_association_base"))?,
            local: prepare(&select("associations"))?,
            remove: prepare(&format!(
                "DELETE FROM associations WHERE {pair} AND category IS ?5 AND type_id IS ?6 AND label IS ?7"
            ))?,
            remove_base: prepare(&format!(
                "DELETE FROM sync_association_base WHERE {pair} AND category = ?5 AND type_id = ?6"
            ))?,
            // What a person wrote beside the row, from the other side or with a label alone, says the same.
            remove_alike: prepare(
                "DELETE FROM associations WHERE coalesce(label, '') = coalesce(?5, '')
                 AND (from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4 AND type_id IS NULL
                   OR from_object = ?3 AND from_id = ?4 AND to_object = ?1 AND to_id = ?2 AND ?1 <> ?3)",
            )?,
            add: prepare(&format!("INSERT OR IGNORE INTO associations {columns} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?,
            add_base: prepare(&format!(
                "INSERT OR REPLACE INTO sync_association_base {columns} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))?,
        })
    }
}

fn edge(to: &str, kind: &AssociationKind) -> Edge {
    (to.to_owned(), Some(kind.category.clone()), Some(kind.type_id), kind.label.clone())
}

fn read(statement: &mut CachedStatement<'_>, pair: &Pair, from: &str) -> Result<BTreeSet<Edge>, StoreError> {
    let rows = statement
        .query_map(params![pair.from, from, pair.to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
