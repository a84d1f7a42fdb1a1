//! Archives, last of all: what was edited in the same rows has been sent by then.
//!
//! The records are read again right before: one that was merged away or archived meanwhile is not asked for, and what
//! somebody edited there is in its row before it goes.
//!
//! An answer that says nothing of its records counts as done, and is then looked at: what the remote passed over in
//! silence goes on asking, as a reject.

use super::Pushed;
use super::breaker::Breaker;
use super::look::fresh;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::RecordId;
use crate::plan::changes::Operation;
use crate::remote::{Remote, Writing};
use crate::store::{Entry, Suspect, Table};
use std::collections::HashSet;
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Archives the records of one batch of rows, and reads what the remote then tells of them.
    pub(super) async fn push_archives(
        &self,
        table: &Arc<Table>,
        batch: Vec<Suspect>,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        breaker.check()?;
        let entries = self.intend_archives(table, batch, pushed).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordId> = entries.iter().filter_map(|entry| entry.id.clone()).collect();
        self.deliver(table, Writing::Archive, entries.clone(), breaker, pushed).await?;
        let records = self.remote().read(table.object(), &ids, true, &table.fetched).await?;
        self.step("push.archived_read")?;
        let is_told = |id: &RecordId| records.iter().any(|record| record.id == *id);
        let untold: Vec<RecordId> = ids.into_iter().filter(|id| !is_told(id)).collect();
        let active = match untold.is_empty() {
            true => Vec::new(),
            false => self.remote().read(table.object(), &untold, false, &table.fetched).await?,
        };
        let associations = self.associations_of_changed(table, &active).await?;
        let applying = Arc::clone(table);
        let passed_over = self
            .store()
            .write(move |write| {
                write.apply(&applying, &records)?;
                let passed_over = write.archives_passed_over(&applying, &entries, &active)?;
                associations.apply(write)?;
                Ok(passed_over)
            })
            .await?;
        pushed.archived -= passed_over;
        pushed.refused += passed_over;
        Ok(())
    }

    async fn intend_archives(
        &self,
        table: &Arc<Table>,
        batch: Vec<Suspect>,
        pushed: &mut Pushed,
    ) -> Result<Vec<Entry>, RunError> {
        let ids: Vec<RecordId> = batch.iter().filter_map(|suspect| suspect.id.clone()).map(RecordId::from).collect();
        let look = || async {
            let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
            let associations = self.associations_of_changed(table, &records).await?;
            Ok::<_, RunError>((records, associations))
        };
        let (records, associations) = fresh(look).await?;
        self.step("push.read_before_archives")?;
        let writing = Arc::clone(table);
        let (entries, conflicts) = self
            .store()
            .write_durably(move |write| {
                let conflicts = write.apply(&writing, &records)?.conflicts;
                let live: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
                let waiting = write.waiting(&writing, &batch)?;
                let mut entries = Vec::with_capacity(batch.len());
                for (_, plan) in write.plans(&writing, &batch, &waiting)?.rows {
                    let Some(change) = plan.change.filter(|change| change.operation == Operation::Archive) else {
                        continue;
                    };
                    // A record that is not there any more is the next pull's to explain.
                    if change.id.as_ref().is_some_and(|id| live.contains(id.as_str())) {
                        entries.push(write.intend(&writing, &change)?);
                    }
                }
                associations.apply(write)?;
                write.step("push.intending")?;
                Ok((entries, conflicts))
            })
            .await?;
        pushed.conflicts += conflicts;
        self.step("push.intended")?;
        Ok(entries)
    }
}
