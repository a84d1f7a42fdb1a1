//! Compares the mirror with the remote, record by record, and writes nothing. A difference is looked at twice: the
//! first may only be a change that happened meanwhile.

use super::associations::AT_ONCE;
use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::model::RecordId;
use crate::remote::Remote;
use crate::store::{Difference, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a comparison of one object type found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Records compared.
    pub records: u64,
    /// What differs, on the second look too.
    pub differences: Vec<Difference>,
}

impl<R: Remote + 'static> Engine<R> {
    /// Compares one object type. It must have been prepared by a pull before.
    ///
    /// # Errors
    /// When the remote or the mirror cannot be read.
    pub(crate) async fn verify_object(&self, table: &Arc<Table>) -> Result<Verification, RunError> {
        let object = table.object().to_owned();
        let total = self.remote().count(&object).await.ok();
        self.say(Event::Started { object: object.clone(), phase: Phase::Verify, total, done: 0 });
        let mut found = Verification::default();
        let mut suspects: BTreeSet<RecordId> = BTreeSet::new();
        for archived in [false, true] {
            self.store().call(|store| store.begin_verify()).await?;
            found.records += self.first_look(table, archived, &mut suspects).await?;
            let object = object.clone();
            suspects.extend(self.store().call(move |store| store.unseen(&object, archived)).await?);
        }
        found.differences = self.second_look(table, suspects).await?;
        self.say(Event::Finished { object, phase: Phase::Verify });
        Ok(found)
    }

    async fn first_look(
        &self,
        table: &Arc<Table>,
        archived: bool,
        suspects: &mut BTreeSet<RecordId>,
    ) -> Result<u64, RunError> {
        let mut after: Option<String> = None;
        let mut records = 0;
        loop {
            let page = self.remote().list(table.object(), archived, after.as_deref(), &table.fetched).await?;
            let count = page.records.len();
            let object = table.object().to_owned();
            let differences = self.store().call(move |store| store.differences(&object, &page.records)).await?;
            suspects.extend(differences.into_iter().map(|difference| difference.id));
            records += count as u64;
            self.advanced(table.object(), Phase::Verify, count);
            after = page.next;
            if after.is_none() {
                return Ok(records);
            }
        }
    }

    /// Reads the suspects by id, active and archived, and compares again.
    async fn second_look(&self, table: &Arc<Table>, suspects: BTreeSet<RecordId>) -> Result<Vec<Difference>, RunError> {
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<RecordId> = suspects.into_iter().collect();
        let mut differences = Vec::new();
        let mut answered: BTreeSet<RecordId> = BTreeSet::new();
        for archived in [false, true] {
            for chunk in ids.chunks(AT_ONCE) {
                let records = self.remote().read(table.object(), chunk, archived, &table.fetched).await?;
                answered.extend(records.iter().map(|record| record.id.clone()));
                let object = table.object().to_owned();
                differences.extend(self.store().call(move |store| store.differences(&object, &records)).await?);
            }
        }
        for id in ids.into_iter().filter(|id| !answered.contains(id)) {
            let (object, wanted) = (table.object().to_owned(), id.clone());
            if self.store().call(move |store| store.shows(&object, &wanted)).await? {
                differences.push(Difference { id, property: None, mirror: Some("present".to_owned()), remote: None });
            }
        }
        Ok(differences)
    }
}
