//! [`Remote`], method by method. What each promises is said at the port.

use super::{HubSpot, types};
use crate::http::Transport;
use mappings::PropertySchema;
use sync_core::model::{
    Association, AssociationLabel, ObjectType, Owner, Pipeline, PropertyVersions, Record, RecordId,
};
use sync_core::remote::{
    Account, ChangedPage, ChangedQuery, IdRange, Landmark, Outcome, Pace, Page, PairLabels, SoleLabel, WriteInput,
    Writing, WrittenRecord,
};
use sync_core::{Remote, RemoteError};

impl<T: Transport> Remote for HubSpot<T> {
    async fn account(&self) -> Result<Account, RemoteError> {
        self.read_account().await
    }

    async fn object_types(&self) -> Result<Vec<ObjectType>, RemoteError> {
        self.read_object_types().await
    }

    async fn properties(&self, object: &str) -> Result<Vec<PropertySchema>, RemoteError> {
        self.learn(object).await?;
        self.read_properties(object).await
    }

    async fn owners(&self) -> Result<Vec<Owner>, RemoteError> {
        self.read_owners().await
    }

    async fn pipelines(&self, object: &str) -> Result<Vec<Pipeline>, RemoteError> {
        self.learn(object).await?;
        self.read_pipelines(object).await
    }

    async fn association_labels(&self, from: &str, to: &str) -> Result<Vec<AssociationLabel>, RemoteError> {
        self.learn(from).await?;
        self.learn(to).await?;
        self.read_association_labels(from, to).await
    }

    fn sole_label(&self, from: &str, to: &str) -> Option<SoleLabel> {
        types::sole_label(from, to)
    }

    async fn count(&self, object: &str) -> Result<u64, RemoteError> {
        self.learn(object).await?;
        self.count_records(object).await
    }

    async fn list(
        &self,
        object: &str,
        archived: bool,
        after: Option<&str>,
        properties: &[String],
    ) -> Result<Page, RemoteError> {
        self.learn(object).await?;
        self.list_page(object, archived, after, properties).await
    }

    fn list_at(&self, id: &RecordId) -> Option<String> {
        Self::list_cursor_at(id)
    }

    fn pace(&self, object: &str, properties: &[String]) -> Pace {
        self.pace_of(object, properties)
    }

    async fn landmark(&self, object: &str, range: &IdRange, rank: u64) -> Result<Landmark, RemoteError> {
        self.learn(object).await?;
        self.search_landmark(object, range, rank).await
    }

    async fn within(&self, object: &str, range: &IdRange, properties: &[String]) -> Result<ChangedPage, RemoteError> {
        self.learn(object).await?;
        self.search_within(object, range, properties).await
    }

    async fn changed(
        &self,
        object: &str,
        query: &ChangedQuery,
        properties: &[String],
    ) -> Result<ChangedPage, RemoteError> {
        self.learn(object).await?;
        self.search_changed(object, query, properties).await
    }

    async fn read(
        &self,
        object: &str,
        ids: &[RecordId],
        archived: bool,
        properties: &[String],
    ) -> Result<Vec<Record>, RemoteError> {
        self.learn(object).await?;
        self.read_records(object, ids, archived, properties).await
    }

    async fn associations(&self, from: &str, to: &str, ids: &[RecordId]) -> Result<Vec<Association>, RemoteError> {
        self.learn(from).await?;
        self.learn(to).await?;
        self.read_associations(from, to, ids).await
    }

    async fn read_by(
        &self,
        object: &str,
        property: &str,
        values: &[String],
        properties: &[String],
    ) -> Result<Vec<Record>, RemoteError> {
        self.learn(object).await?;
        self.read_by_value(object, property, values, properties).await
    }

    fn batch_size(&self) -> usize {
        super::writes::BATCH
    }

    async fn write(
        &self,
        object: &str,
        how: Writing<'_>,
        inputs: &[WriteInput],
    ) -> Result<Vec<Outcome<WrittenRecord>>, RemoteError> {
        self.learn(object).await?;
        self.write_records(object, how, inputs).await
    }

    async fn relabel(&self, from: &str, to: &str, pairs: &[PairLabels]) -> Result<Vec<Outcome<()>>, RemoteError> {
        self.learn(from).await?;
        self.learn(to).await?;
        self.write_labels(from, to, pairs).await
    }

    async fn unlink(
        &self,
        from: &str,
        to: &str,
        pairs: &[(RecordId, RecordId)],
    ) -> Result<Vec<Outcome<()>>, RemoteError> {
        self.learn(from).await?;
        self.learn(to).await?;
        self.part_pairs(from, to, pairs).await
    }

    async fn versions(
        &self,
        object: &str,
        ids: &[RecordId],
        properties: &[String],
    ) -> Result<Vec<PropertyVersions>, RemoteError> {
        self.learn(object).await?;
        self.read_versions(object, ids, properties).await
    }
}
