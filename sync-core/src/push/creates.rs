//! New rows on their way: those whose records are there already adopt them, the rest is made.
//!
//! A row is recognised by the mapping's `unique` property, which holds the row's `_uid`, and then by its `key`: in the
//! mirror first, then at the remote, by a read that is live. What neither can tell apart is made once, and after a lost
//! answer looked for before it could be made again.

use super::Pushed;
use super::breaker::Breaker;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{Record, RecordId};
use crate::plan::audit::same_key;
use crate::plan::changes::RowChange;
use crate::remote::{Remote, Writing};
use crate::store::{Entry, Suspect, Table, Twins};
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Pushes the new rows of one batch.
    pub(super) async fn push_creates(
        &self,
        table: &Arc<Table>,
        batch: Vec<Suspect>,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        breaker.check()?;
        let looking = Arc::clone(table);
        let Twins { new, folded, refused } =
            self.store().write(move |write| write.part_twins(&looking, &batch)).await?;
        pushed.adopted += folded;
        pushed.refused += refused;
        self.step("push.twins_parted")?;
        let found = self.find_records(table, &new).await?;
        let there: Vec<i64> = found.iter().map(|(row, _)| *row).collect();
        let new: Vec<RowChange> = new.into_iter().filter(|change| !there.contains(&change.row)).collect();
        self.adopt(table, found, pushed).await?;
        self.step("push.adopted")?;
        let intending = Arc::clone(table);
        let entries: Vec<Entry> = self
            .store()
            .write_durably(move |write| {
                let again: Vec<Suspect> = new.iter().map(|change| Suspect { id: None, row: change.row }).collect();
                let waiting = write.waiting(&intending, &again)?;
                let mut entries = Vec::with_capacity(again.len());
                for (_, plan) in write.plans(&intending, &again, &waiting)?.rows {
                    // What was edited since it was looked for is made next time: it may have another key by now.
                    let Some(change) = plan.change.filter(|change| new.contains(change)) else { continue };
                    entries.push(write.intend(&intending, &change)?);
                }
                write.step("push.intending")?;
                Ok(entries)
            })
            .await?;
        self.step("push.intended")?;
        let unique = table.mapping.unique.clone();
        let how = unique.as_deref().map_or(Writing::Create, Writing::Upsert);
        let existing = self.deliver(table, how, entries, breaker, pushed).await?;
        self.adopt_existing(table, existing, pushed).await
    }

    /// The records that these rows stand for, with each row's handle.
    pub(super) async fn find_records(
        &self,
        table: &Arc<Table>,
        new: &[RowChange],
    ) -> Result<Vec<(i64, Record)>, RunError> {
        let mut found: Vec<(i64, Record)> = Vec::new();
        if let Some(unique) = &table.mapping.unique {
            let values: Vec<String> = new.iter().map(|change| change.uid.clone()).collect();
            // It tells whose record it is, whether the mapping shows it or not.
            let mut asked = table.fetched.clone();
            if !asked.contains(unique) {
                asked.push(unique.clone());
            }
            let records = self.remote().read_by(table.object(), unique, &values, &asked).await?;
            for record in records {
                let value = record.properties.get(unique);
                let row = new.iter().find(|change| Some(&change.uid) == value.as_ref()).map(|change| change.row);
                found.extend(row.map(|row| (row, record)));
            }
        }
        let Some(key) = table.mapping.key.as_deref() else { return Ok(found) };
        let Some(field) = table.mapping.field_of(key) else { return Ok(found) };
        let keyed = |change: &RowChange| {
            let left = !found.iter().any(|(row, _)| *row == change.row);
            let own = change.fields.iter().find(|field| field.property == key && left)?;
            Some((change.row, own.local.clone()?))
        };
        let keys: Vec<(i64, String)> = new.iter().filter_map(keyed).collect();
        if keys.is_empty() {
            return Ok(found);
        }
        let values: Vec<String> = keys.iter().map(|(_, value)| value.clone()).collect();
        let records = self.remote().read_by(table.object(), key, &values, &table.fetched).await?;
        for record in records {
            let value = record.properties.get(key);
            let same = |own: &str| field.same_wire(Some(own), value.as_deref()) || same_key(own, value.as_deref());
            let row = keys.iter().find(|(_, own)| same(own)).map(|(row, _)| *row);
            found.extend(row.map(|row| (row, record)));
        }
        Ok(found)
    }

    /// Adopts records that the remote named when it refused to make another.
    async fn adopt_existing(
        &self,
        table: &Arc<Table>,
        existing: Vec<(Entry, RecordId)>,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        if existing.is_empty() {
            return Ok(());
        }
        let ids: Vec<RecordId> = existing.iter().map(|(_, id)| id.clone()).collect();
        let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
        let record_of = |id: &RecordId| records.iter().find(|record| record.id == *id).cloned();
        let found: Vec<(i64, Record)> =
            existing.iter().filter_map(|(entry, id)| Some((entry.row, record_of(id)?))).collect();
        self.adopt(table, found, pushed).await
    }

    /// Gives rows their records; with a record that changed comes what a pass would ask for.
    async fn adopt(&self, table: &Arc<Table>, found: Vec<(i64, Record)>, pushed: &mut Pushed) -> Result<(), RunError> {
        if found.is_empty() {
            return Ok(());
        }
        let records: Vec<Record> = found.iter().map(|(_, record)| record.clone()).collect();
        let associations = self.associations_of_changed(table, &records).await?;
        let adopting = Arc::clone(table);
        let (adopted, refused) = self
            .store()
            .write(move |write| {
                let adopted = write.adopt(&adopting, &found)?;
                associations.apply(write)?;
                Ok(adopted)
            })
            .await?;
        pushed.adopted += adopted;
        pushed.refused += refused;
        Ok(())
    }
}
