//! A pair of object types that no mapping names any more. Nobody reads it, so what is shown of it would only grow stale: it
//! goes, and with it what both sides agreed on and the views.
//!
//! * Rows that people wrote or changed stay. They are wishes, and whoever looks at them tells that no mapping names them.
//! * Should the pair be named again, all of it is read anew.

use crate::model::AssociationKind;
use crate::store::views::drop_pair_views;
use crate::store::{Pair, Store, StoreError, Write};
use rusqlite::params;

/// How many agreed rows one transaction forgets.
const ROWS: usize = 2_000;

/// The mark of a pair whose kinds of association were asked for begins like this: every pair that was ever read has one.
const LABELS_ASKED: &str = "labels_asked:";

/// What one transaction forgot of a pair.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    /// Rows of `associations` that are gone.
    pub(crate) rows: u64,
    /// Rows that both sides agreed on and that people had changed or taken away.
    pub(crate) changed: u64,
    /// Views that are gone.
    pub(crate) views: u64,
    /// The record to go on with; `None` where nothing is left.
    pub(crate) next: Option<String>,
}

impl Store {
    /// The pairs of which the mirror may have something, except those of which something was sent and never answered.
    pub(crate) fn settled_pairs(&self) -> Result<Vec<Pair>, StoreError> {
        let mut marks = self.connection.prepare_cached(
            "SELECT substr(key, length(?1) + 1) FROM sync_meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )?;
        let names =
            marks.query_map([LABELS_ASKED], |row| row.get::<_, String>(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut open = self.connection.prepare_cached(
            "SELECT 1 FROM sync_journal_links WHERE from_object = ?1 AND to_object = ?2 AND settled_at IS NULL",
        )?;
        let mut pairs = Vec::new();
        for (from, to) in names.iter().filter_map(|name| name.split_once(':')) {
            if !open.exists([from, to])? {
                pairs.push(Pair { from: from.to_owned(), to: to.to_owned() });
            }
        }
        Ok(pairs)
    }
}

impl Write<'_> {
    /// Forgets some of a pair that is mirrored no more: from its beginning, or from this record on.
    pub(crate) fn forget_pair(&self, pair: &Pair, from: Option<&str>) -> Result<Forgotten, StoreError> {
        let mut forgotten = Forgotten::default();
        if from.is_none() {
            // First of all: a pair that is named again before all of it is gone is read in full, too.
            self.connection.prepare_cached("DELETE FROM sync_cursors WHERE object = ?1")?.execute([pair.name()])?;
            forgotten.views = drop_pair_views(self.connection, pair)?;
        }
        let agreed = self.agreed_rows(pair, from.unwrap_or_default())?;
        let one = "from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4";
        let mut remove = self.connection.prepare_cached(&format!(
            "DELETE FROM associations WHERE {one} AND category IS ?5 AND type_id IS ?6 AND label IS ?7"
        ))?;
        let mut disagree = self.connection.prepare_cached(&format!(
            "DELETE FROM sync_association_base WHERE {one} AND category = ?5 AND type_id = ?6"
        ))?;
        for (from, to, AssociationKind { category, type_id, label }) in &agreed {
            let removed = remove.execute(params![pair.from, from, pair.to, to, category, type_id, label])?;
            disagree.execute(params![pair.from, from, pair.to, to, category, type_id])?;
            forgotten.rows += u64::from(removed > 0);
            forgotten.changed += u64::from(removed == 0);
        }
        if agreed.len() < ROWS {
            self.connection.prepare_cached("DELETE FROM sync_meta WHERE key = ?1 || ?2 || ':' || ?3")?.execute([
                LABELS_ASKED,
                &pair.from,
                &pair.to,
            ])?;
        } else {
            forgotten.next = agreed.into_iter().next_back().map(|(from, ..)| from);
        }
        Ok(forgotten)
    }

    /// What both sides agreed on about a pair, from a record on.
    fn agreed_rows(&self, pair: &Pair, from: &str) -> Result<Vec<(String, String, AssociationKind)>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT from_id, to_id, category, type_id, label FROM sync_association_base
             WHERE from_object = ?1 AND from_id >= ?2 AND to_object = ?3 ORDER BY from_id LIMIT {ROWS}"
        ))?;
        let rows = statement.query_map(params![pair.from, from, pair.to], |row| {
            let kind = AssociationKind { category: row.get(2)?, type_id: row.get(3)?, label: row.get(4)? };
            Ok((row.get(0)?, row.get(1)?, kind))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
