//! Undoing a run: what it wrote is read again, becomes edits in the mirror where it is still what the run wrote, and goes
//! out by an ordinary push, under its belts.

use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{RecordId, Timestamp};
use crate::remote::Remote;
use crate::report::Report;
use crate::store::{Table, Undoing, Wrote};
use mappings::Mapping;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many records are looked at in one transaction where nothing is read.
const RECORDS: usize = 1_000;

impl<R: Remote + 'static> Engine<R> {
    /// What undoing a run would do, by what the mirror knows; makes no call and changes nothing.
    ///
    /// # Errors
    /// When the mirror cannot be read, or does not know an object type yet.
    pub async fn plan_undo(
        &self,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
    ) -> Result<Vec<Undoing>, RunError> {
        let mut written = self.store().call(move |store| store.written_by(run)).await?;
        let mut undoing = Vec::new();
        for table in self.stored_tables(mappings).await? {
            let Some(wrote) = written.remove(table.object()) else { continue };
            for some in wrote.chunks(RECORDS) {
                let (table, some) = (Arc::clone(&table), some.to_vec());
                let fates = self.store().write(move |write| write.take_back(&table, &some, archive_created, true));
                undoing.extend(fates.await?);
            }
        }
        self.tell_unmapped(&written);
        Ok(undoing)
    }

    /// Undoes what a run wrote to the remote. A run that is stopped on the way may simply be undone again.
    pub async fn undo(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
    ) -> (Vec<Undoing>, Report) {
        let mut undoing = Vec::new();
        let prepared = self.prepare_undo(server_now, mappings, run, archive_created, &mut undoing).await;
        let report = match prepared {
            // Nothing of it is mapped: a push of no object would be one of all.
            Ok(objects) if objects.is_empty() => Report::default(),
            Ok(objects) => self.push(server_now, mappings, &objects).await,
            Err(error) => Report { error: Some(error), ..Report::default() },
        };
        (undoing, report)
    }

    /// Returns the object types that the run wrote to.
    async fn prepare_undo(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
        undoing: &mut Vec<Undoing>,
    ) -> Result<Vec<String>, RunError> {
        let mut written = self.store().call(move |store| store.written_by(run)).await?;
        let tables = self.prepare(server_now, mappings, &mut Report::default()).await?;
        let mut objects = Vec::new();
        for table in tables {
            let Some(wrote) = written.remove(table.object()) else { continue };
            objects.push(table.object().to_owned());
            for some in wrote.chunks(self.remote().batch_size().max(1)) {
                undoing.extend(self.take_back(&table, some.to_vec(), archive_created).await?);
            }
        }
        self.tell_unmapped(&written);
        Ok(objects)
    }

    async fn take_back(
        &self,
        table: &Arc<Table>,
        some: Vec<Wrote>,
        archive_created: bool,
    ) -> Result<Vec<Undoing>, RunError> {
        let ids: Vec<RecordId> = some.iter().map(|wrote| RecordId::from(wrote.id.as_str())).collect();
        let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
        self.step("undo.read")?;
        let table = Arc::clone(table);
        let undoing = self
            .store()
            .write(move |write| {
                // What changed there meanwhile comes in first: whether a value is still the run's is told by its base.
                write.apply(&table, &records)?;
                write.take_back(&table, &some, archive_created, false)
            })
            .await?;
        self.step("undo.taken_back")?;
        Ok(undoing)
    }

    fn tell_unmapped(&self, written: &BTreeMap<String, Vec<Wrote>>) {
        for object in written.keys() {
            self.warn(format!("what the run wrote to {object} is not undone: no mapping of it is configured any more"));
        }
    }
}
