//! The archived list, on its own clock: archiving moves no modification date, and no search shows archived records.

use crate::engine::Engine;
use crate::error::RunError;
use crate::events::Phase;
use crate::model::Timestamp;
use crate::remote::Remote;
use crate::report::ObjectReport;
use crate::store::{ObjectStatus, Table};
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Walks the archived list if the last walk is old enough, or goes on with one that was stopped.
    pub(super) async fn archived_if_due(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let (status, walk) = self
            .store()
            .call(move |store| Ok((store.object_status(&object)?, store.walk(&object, Phase::Archived)?)))
            .await?;
        let due = status
            .archived_walked_at
            .is_none_or(|walked| server_now.since(walked) >= self.pull_settings().archived_every);
        if !due && walk.is_none() {
            return Ok(());
        }
        let began = self.walk_list(table, Phase::Archived, server_now, report).await?;
        let object = table.object().to_owned();
        let status = ObjectStatus { archived_walked_at: Some(began), ..status };
        self.store()
            .write(move |write| {
                write.save_status(&object, &status)?;
                write.forget_walk(&object, Phase::Archived)
            })
            .await?;
        Ok(())
    }
}
