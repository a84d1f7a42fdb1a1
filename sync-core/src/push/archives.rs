//! Archives, last of all: what was edited in the same rows has been sent by then.
//!
//! The records are read again right before: one that was merged away or archived meanwhile is not asked for, and what
//! somebody edited there is in its row before it goes.
//!
//! An answer that says nothing of its records counts as done, and is then looked at: what the remote passed over in
//! silence goes on asking, as a reject.

use super::Pushed;
use super::breaker::Breaker;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::RecordId;
use crate::plan::changes::Operation;
use crate::remote::{Remote, Writing};
use crate::store::{Suspect, Table};
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
        let entries = self.intend(table, batch, Operation::Archive, pushed).await?;
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
}
