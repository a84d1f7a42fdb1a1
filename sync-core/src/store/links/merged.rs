//! What people changed in the associations of a record that was merged away goes to the record it was merged into.
//!
//! What both sides agreed on goes nowhere: the remote moved it, and tells so when the survivor is read.

use super::ASSOCIATIONS;
use crate::store::associations::WELL_TYPED;
use crate::store::{StoreError, Write};
use rusqlite::params;
use std::collections::BTreeSet;

/// One row: the other end's object type and id, and the kind.
type Edge = (String, String, Option<String>, Option<i64>, Option<String>);

impl Write<'_> {
    /// Moves what is pending about a merged-away record to its survivor, whichever side it stands on.
    pub(in crate::store) fn repoint_links(&self, object: &str, old: &str, survivor: &str) -> Result<(), StoreError> {
        for (near, far) in [("from", "to"), ("to", "from")] {
            let local = self.take_edges("associations", (near, far), object, old)?;
            let base = self.take_edges("sync_association_base", (near, far), object, old)?;
            for edge in local.symmetric_difference(&base) {
                let is_itself = edge.0 == object && edge.1 == survivor;
                if is_itself {
                    continue;
                }
                match local.contains(edge) {
                    true => self.add_edge("associations", (near, far), (object, survivor), edge)?,
                    // What one of the two was given is not lost to what was taken from the other.
                    false if self.is_given((near, far), (object, survivor), edge)? => {}
                    false => {
                        self.remove_edge((near, far), (object, survivor), edge)?;
                        self.add_edge("sync_association_base", (near, far), (object, survivor), edge)?;
                    }
                }
                let from = if near == "from" { survivor } else { &edge.1 };
                self.connection
                    .prepare_cached("INSERT INTO sync_touched (object, record_id, at) VALUES (?1, ?2, ?3)")?
                    .execute(params![ASSOCIATIONS, from, self.now.to_string()])?;
            }
            // Nobody would ever be told of a pair with a record that is no more.
            let sql = format!(
                "UPDATE sync_journal_links SET {near}_id = ?3
                 WHERE {near}_object = ?1 AND {near}_id = ?2 AND settled_at IS NULL"
            );
            self.connection.prepare_cached(&sql)?.execute([object, old, survivor])?;
        }
        Ok(())
    }

    fn take_edges(
        &self,
        table: &str,
        (near, far): (&str, &str),
        object: &str,
        id: &str,
    ) -> Result<BTreeSet<Edge>, StoreError> {
        // The others still lead to the survivor: who reads a row follows merges.
        let which = format!("FROM {table} WHERE {near}_object = ?1 AND {near}_id = ?2 AND {WELL_TYPED}");
        let sql = format!("SELECT {far}_object, {far}_id, category, type_id, label {which}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let edges = statement
            .query_map([object, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
        let edges = edges.collect::<Result<_, _>>()?;
        self.connection.prepare_cached(&format!("DELETE {which}"))?.execute([object, id])?;
        Ok(edges)
    }

    /// Whether a person added the row, and it was not sent yet.
    fn is_given(
        &self,
        (near, far): (&str, &str),
        (object, id): (&str, &str),
        (other, other_id, category, type_id, label): &Edge,
    ) -> Result<bool, StoreError> {
        let row = format!(
            "{near}_object = ?1 AND {near}_id = ?2 AND {far}_object = ?3 AND {far}_id = ?4
             AND category IS ?5 AND type_id IS ?6 AND label IS ?7"
        );
        let sql = format!(
            "SELECT 1 FROM associations WHERE {row} AND NOT EXISTS (SELECT 1 FROM sync_association_base WHERE {row})"
        );
        let values = params![object, id, other, other_id, category, type_id, label];
        Ok(self.connection.prepare_cached(&sql)?.exists(values)?)
    }

    fn add_edge(
        &self,
        table: &str,
        (near, far): (&str, &str),
        (object, id): (&str, &str),
        (other, other_id, category, type_id, label): &Edge,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT OR IGNORE INTO {table} ({near}_object, {near}_id, {far}_object, {far}_id, category, type_id, label)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        );
        let values = params![object, id, other, other_id, category, type_id, label];
        self.connection.prepare_cached(&sql)?.execute(values)?;
        Ok(())
    }

    fn remove_edge(
        &self,
        (near, far): (&str, &str),
        (object, id): (&str, &str),
        (other, other_id, category, type_id, label): &Edge,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM associations WHERE {near}_object = ?1 AND {near}_id = ?2 AND {far}_object = ?3 AND {far}_id = ?4
             AND category IS ?5 AND type_id IS ?6 AND label IS ?7"
        );
        let values = params![object, id, other, other_id, category, type_id, label];
        self.connection.prepare_cached(&sql)?.execute(values)?;
        Ok(())
    }
}
