//! Edits on their way.

use super::Pushed;
use super::breaker::Breaker;
use crate::engine::Engine;
use crate::error::RunError;
use crate::plan::changes::Operation;
use crate::remote::{Remote, Writing};
use crate::store::{Suspect, Table};
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Pushes the edits of one batch of rows.
    pub(super) async fn push_updates(
        &self,
        table: &Arc<Table>,
        batch: Vec<Suspect>,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        breaker.check()?;
        let entries = self.intend(table, batch, Operation::Update, pushed).await?;
        self.deliver(table, Writing::Update, entries, breaker, pushed).await?;
        Ok(())
    }
}
