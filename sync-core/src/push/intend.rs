//! Changes of records right before they leave: the records are read again, what changed there is merged, and what is then
//! still asked for is entered.

use super::Pushed;
use super::look::fresh;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::RecordId;
use crate::plan::changes::Operation;
use crate::remote::Remote;
use crate::store::{Entry, Suspect, Table};
use std::collections::HashSet;
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Enters what these rows ask for of an operation, as their records are now.
    pub(super) async fn intend(
        &self,
        table: &Arc<Table>,
        batch: Vec<Suspect>,
        operation: Operation,
        pushed: &mut Pushed,
    ) -> Result<Vec<Entry>, RunError> {
        let ids: Vec<RecordId> = batch.iter().filter_map(|suspect| suspect.id.clone()).map(RecordId::from).collect();
        self.step("push.before_read")?;
        // Once they are applied, no pass finds them changed: with them comes what it would ask for.
        let look = || async {
            let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
            let associations = self.associations_of_changed(table, &records).await?;
            Ok::<_, RunError>((records, associations))
        };
        let (records, associations) = fresh(look).await?;
        self.step("push.read")?;
        let (writing, scope) = (Arc::clone(table), Arc::clone(self.scope()));
        let (entries, conflicts, returned) = self
            .store()
            .write_durably(move |write| {
                // What changed there meanwhile is merged first: what is then still wished is sent.
                let conflicts = write.apply(&writing, &records)?.conflicts;
                let live: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
                let waiting = write.waiting(&writing, &batch)?;
                let mut entries = Vec::with_capacity(batch.len());
                let plans = write.plans(&writing, &batch, &waiting)?;
                for (suspect, plan) in plans.rows {
                    write.reject_unsendable(&writing, &suspect, &plan)?;
                    let Some(plan) = scope.narrow(writing.object(), suspect.id.as_deref(), plan) else { continue };
                    let Some(change) = plan.change.filter(|change| change.operation == operation) else { continue };
                    // A record that is not there any more is the next pull's to explain.
                    if change.id.as_ref().is_some_and(|id| live.contains(id.as_str())) {
                        entries.push(write.intend(&writing, &change)?);
                    }
                }
                associations.apply(write)?;
                write.step("push.intending")?;
                Ok((entries, conflicts, plans.returned))
            })
            .await?;
        pushed.conflicts += conflicts;
        self.tell_returned(table, returned);
        self.step("push.intended")?;
        Ok(entries)
    }
}
