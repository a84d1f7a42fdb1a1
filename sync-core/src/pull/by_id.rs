//! Reading records by id until each id is accounted for.

use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{Record, RecordId};
use crate::remote::Remote;
use crate::store::Table;
use std::collections::HashSet;

/// What reads by id returned.
pub(super) struct ById {
    /// Each record once: those asked for, and survivors that answered for others.
    pub(super) records: Vec<Record>,
    /// Ids that were answered by another record, which does not say so itself: they were merged into it.
    pub(super) merged: Vec<(RecordId, RecordId)>,
}

impl ById {
    /// Which of these ids something is known about now.
    pub(super) fn answered<'i>(&self, ids: &'i [RecordId]) -> HashSet<&'i RecordId> {
        let told: HashSet<&RecordId> = self
            .records
            .iter()
            .flat_map(|record| std::iter::once(&record.id).chain(&record.merged_ids))
            .chain(self.merged.iter().map(|(id, _)| id))
            .collect();
        ids.iter().filter(|id| told.contains(id)).collect()
    }

    fn silent(&self, ids: &[RecordId]) -> Vec<RecordId> {
        let answered = self.answered(ids);
        ids.iter().filter(|id| !answered.contains(id)).cloned().collect()
    }
}

impl<R: Remote + 'static> Engine<R> {
    /// Reads records by id until each id is accounted for: answered, merged into a record that says so, archived
    /// meanwhile, or not there on two looks.
    pub(super) async fn read_by_id(&self, table: &Table, ids: &[RecordId]) -> Result<ById, RunError> {
        let mut found = ById { records: Vec::new(), merged: Vec::new() };
        let mut silent = ids.to_vec();
        for archived in [false, false, true] {
            if !silent.is_empty() {
                found.records.extend(self.remote().read(table.object(), &silent, archived, &table.fetched).await?);
                silent = found.silent(ids);
            }
        }
        if has_strangers(ids, &found.records) {
            // A survivor that does not tell whom it took in: ask one by one, so that the answer can mean one id only.
            for id in silent {
                let alone =
                    self.remote().read(table.object(), std::slice::from_ref(&id), false, &table.fetched).await?;
                found
                    .merged
                    .extend(alone.into_iter().filter(|record| record.id != id).map(|record| (id.clone(), record.id)));
            }
        }
        let mut once = HashSet::new();
        found.records.retain(|record| once.insert(record.id.clone()));
        Ok(found)
    }
}

/// Whether a record answered that nobody asked for, and that names none of those asked for as merged into it.
fn has_strangers(ids: &[RecordId], records: &[Record]) -> bool {
    let asked: HashSet<&RecordId> = ids.iter().collect();
    records
        .iter()
        .any(|record| !asked.contains(&record.id) && !record.merged_ids.iter().any(|merged| asked.contains(merged)))
}
