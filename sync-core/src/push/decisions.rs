//! What a person decided about conflicts and rejects, brought into the mirror without a call. It takes effect at the next
//! push.

use crate::engine::Engine;
use crate::error::RunError;
use crate::remote::Remote;
use crate::store::{Dropped, Resolved, StoreError, Table, Take};
use mappings::Mapping;
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Decides a conflict of an object type, or decides it another way.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where what was asked cannot be done; nothing is changed then.
    pub async fn resolve(
        &self,
        mappings: &[Mapping],
        object: &str,
        conflict: i64,
        take: Take,
    ) -> Result<Resolved, RunError> {
        let Some(table) = self.stored_table(mappings, object).await? else {
            return Err(StoreError::Unusable(format!(
                "no mapping of {object} is configured any more, so its conflicts cannot be decided"
            ))
            .into());
        };
        Ok(self.store().write(move |write| write.resolve(&table, conflict, &take)).await?)
    }

    /// Has rejects tried again by the next push: these, or all that wait. Returns how many, and those of which nothing is
    /// left to send.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where there is no such reject; nothing is changed then.
    pub async fn retry_rejects(&self, rejects: Vec<i64>) -> Result<(u64, Vec<i64>), RunError> {
        let rejects = match rejects.is_empty() {
            true => self.store().call(|store| store.waiting_rejects()).await?,
            false => rejects,
        };
        let count = rejects.len();
        let homeless = self.store().write(move |write| write.retry_rejects(&rejects)).await?;
        Ok((count.saturating_sub(homeless.len()) as u64, homeless))
    }

    /// Gives a reject of an object type up, for a reason. `delete` also takes away a row that could not be made.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence where what was asked cannot be done; nothing is changed then.
    pub async fn drop_reject(
        &self,
        mappings: &[Mapping],
        object: &str,
        reject: i64,
        reason: String,
        delete: bool,
    ) -> Result<Dropped, RunError> {
        let table = self.stored_table(mappings, object).await?;
        Ok(self.store().write(move |write| write.drop_reject(table.as_deref(), reject, &reason, delete)).await?)
    }

    async fn stored_table(&self, mappings: &[Mapping], object: &str) -> Result<Option<Arc<Table>>, RunError> {
        let stored = self.stored_tables(mappings).await?.about(|name| name == object);
        let found = stored.whole()?.into_iter().find(|table| table.object() == object && mapped(mappings, object));
        Ok(found)
    }
}

/// The mirror may know tables that are configured no more.
fn mapped(mappings: &[Mapping], object: &str) -> bool {
    mappings.iter().any(|mapping| mapping.object == object)
}
