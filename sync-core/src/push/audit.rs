//! After updates: the history of what was written tells whether anything was written over that nobody had seen. A remote
//! has no compare-and-swap, so this cannot be prevented, only found.
//!
//! It is at most one call for fifty records, and what a stop left out is made up for by the next run.

use crate::engine::Engine;
use crate::error::RunError;
use crate::plan::audit::{Lost, overwritten};
use crate::remote::Remote;
use crate::store::{Audited, Table, Unaudited};
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many entries are looked at together.
const ENTRIES: usize = 500;

impl<R: Remote + 'static> Engine<R> {
    /// Reads the histories of everything that was updated and not looked at yet. Returns how many values had been written
    /// over unseen; all of them are kept.
    pub(super) async fn audit(&self, table: &Arc<Table>) -> Result<u64, RunError> {
        if !self.push_settings().verify {
            return Ok(0);
        }
        let mut found = 0;
        loop {
            let object = table.object().to_owned();
            let entries = self.store().call(move |store| store.unaudited(&object, ENTRIES)).await?;
            if entries.is_empty() {
                return Ok(found);
            }
            self.step("audit.before_read")?;
            let audited = self.judge(table, entries).await?;
            self.step("audit.read")?;
            let table = Arc::clone(table);
            found += self.store().write(move |write| write.settle_audit(&table, &audited)).await?;
            self.step("audit.settled")?;
        }
    }

    async fn judge(&self, table: &Arc<Table>, entries: Vec<Unaudited>) -> Result<Vec<Audited>, RunError> {
        let mut ids = BTreeSet::new();
        let mut properties = BTreeSet::new();
        for entry in &entries {
            ids.insert(entry.id.clone());
            properties.extend(entry.written().map(|(name, _)| name.to_owned()));
        }
        let histories = self.histories(table, ids, properties).await?;
        let lost_of = |entry: &Unaudited| -> Vec<(String, Lost)> {
            let lost = entry.written().filter_map(|(name, written)| {
                let field = table.mapping.field_of(name);
                let same = |one: Option<&str>, other: Option<&str>| {
                    field.map_or_else(|| one.unwrap_or("") == other.unwrap_or(""), |field| field.same_wire(one, other))
                };
                let lost = overwritten(histories.of(&entry.id, name), &written, same)?;
                Some((name.to_owned(), lost))
            });
            lost.collect()
        };
        Ok(entries.into_iter().map(|entry| (entry.clone(), lost_of(&entry))).collect())
    }

    /// Makes up for what an earlier run did not look at, and closes conflicts about values that were written over and
    /// that the remote holds again. Returns how many new ones there are.
    pub(crate) async fn recover_audit(&self, table: &Arc<Table>) -> Result<u64, RunError> {
        let object = table.object().to_owned();
        if self.store().call(move |store| store.holds_overwritten(&object)).await? {
            let table = Arc::clone(table);
            self.store().write(move |write| write.close_brought_back(&table)).await?;
        }
        self.audit(table).await
    }
}
