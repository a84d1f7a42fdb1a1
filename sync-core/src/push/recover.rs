//! The first thing of every run: what an earlier one sent and never heard of again.
//!
//! Nothing is sent here. Each record is read, live, and what it holds, or once held, tells whether the change was carried
//! out. If it was, both sides had agreed on it: what others wrote since is an edit of theirs and survives. Then the
//! ordinary merge decides. A stop in the middle is the same case again.

use super::Pushed;
use super::evidence::carried_out;
use super::lookalikes::{Lookalikes, ambiguous};
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{Record, RecordId, Timestamp};
use crate::plan::changes::{FieldChange, Operation, RowChange};
use crate::remote::Remote;
use crate::store::{Entry, Table};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A record that was made is readable by its key this soon; one that is not there by then was not made.
pub(super) const READABLE_AFTER: Duration = Duration::from_secs(60);

impl<R: Remote + 'static> Engine<R> {
    /// Finds out what became of everything that was sent and not settled. `server_now` is the remote's time at the run's
    /// begin. Returns how many outcomes are still not known, and what is sent again in doubt.
    pub(crate) async fn recover(&self, table: &Arc<Table>, server_now: Timestamp) -> Result<Pushed, RunError> {
        let object = table.object().to_owned();
        let entries = self.store().call(move |store| store.unsettled(&object)).await?;
        let links = Pushed { unknown: self.recover_links(table).await?, ..Pushed::default() };
        if entries.is_empty() {
            return Ok(links);
        }
        self.step("recover.begun")?;
        let of = |operation: Operation| -> Vec<Entry> {
            entries.iter().filter(|entry| entry.operation == operation).cloned().collect()
        };
        self.recover_updates(table, of(Operation::Update)).await?;
        self.recover_archives(table, of(Operation::Archive)).await?;
        let mut recovered = self.recover_creates(table, of(Operation::Create), server_now).await?;
        recovered.add(links);
        Ok(recovered)
    }

    async fn recover_updates(&self, table: &Arc<Table>, entries: Vec<Entry>) -> Result<(), RunError> {
        let ids: Vec<RecordId> = entries.iter().filter_map(|entry| entry.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
        self.step("recover.read")?;
        let of = |entry: &Entry| records.iter().find(|record| Some(&record.id) == entry.id.as_ref());
        let looked: Vec<(&Entry, &Record)> = entries.iter().filter_map(|entry| Some((entry, of(entry)?))).collect();
        let histories = self.histories_of_missing(table, &looked).await?;
        self.step("recover.histories_read")?;
        let associations = self.associations_of_changed(table, &records).await?;
        let (table, audited) = (Arc::clone(table), self.push_settings().verify);
        self.store()
            .write(move |write| {
                for entry in entries {
                    let record = records.iter().find(|record| Some(&record.id) == entry.id.as_ref());
                    match record.and_then(|record| carried_out(&table, &entry, record, &histories)) {
                        Some(record) => {
                            if audited {
                                write.await_audit(&entry, &record)?;
                            }
                            write.settle(&table, &[(entry, record)])?;
                        }
                        // Archived or merged since: whatever was sent, the next pull tells what is there now.
                        None => write.settle_undone(&entry, "the record does not hold it")?,
                    }
                }
                write.apply(&table, &records)?;
                associations.apply(write)?;
                write.step("recover.updates_settled")
            })
            .await?;
        Ok(())
    }

    async fn recover_archives(&self, table: &Arc<Table>, entries: Vec<Entry>) -> Result<(), RunError> {
        let ids: Vec<RecordId> = entries.iter().filter_map(|entry| entry.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let records = self.remote().read(table.object(), &ids, true, &table.fetched).await?;
        self.step("recover.archived_read")?;
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                for entry in &entries {
                    if records.iter().any(|record| Some(&record.id) == entry.id.as_ref()) {
                        write.settle_archived(&table, entry)?;
                    } else {
                        write.settle_undone(entry, "the record is not archived")?;
                    }
                }
                write.apply(&table, &records)?;
                write.step("recover.archives_settled")
            })
            .await?;
        Ok(())
    }

    async fn recover_creates(
        &self,
        table: &Arc<Table>,
        entries: Vec<Entry>,
        server_now: Timestamp,
    ) -> Result<Pushed, RunError> {
        if entries.is_empty() {
            return Ok(Pushed::default());
        }
        let rows: Vec<RowChange> = entries.iter().map(|entry| row_of(table, entry)).collect();
        let mut found = self.find_records(table, &rows).await?;
        let mut doubtful: BTreeMap<i64, Vec<RecordId>> = BTreeMap::new();
        let nameless: Vec<&Entry> = entries.iter().filter(|entry| is_nameless(table, entry)).collect();
        for (row, alike) in self.find_by_values(table, &nameless).await? {
            match alike {
                Lookalikes::One(record) if found.iter().all(|(_, other)| other.id != record.id) => {
                    found.push((row, *record));
                }
                Lookalikes::Several(ids) => drop(doubtful.insert(row, ids)),
                Lookalikes::One(_) | Lookalikes::None => {}
            }
        }
        let of = |entry: &Entry| found.iter().find(|(row, _)| *row == entry.row).map(|(_, record)| record);
        let looked: Vec<(&Entry, &Record)> = entries.iter().filter_map(|entry| Some((entry, of(entry)?))).collect();
        let histories = self.histories_of_missing(table, &looked).await?;
        self.step("recover.found")?;
        let records: Vec<Record> = found.iter().map(|(_, record)| record.clone()).collect();
        let associations = self.associations_of_changed(table, &records).await?;
        let settle = self.pull_settings().settle;
        let (table, mut recovered) = (Arc::clone(table), Pushed::default());
        for entry in &entries {
            let young = is_young(&table, entry, server_now, settle);
            let there = found.iter().any(|(row, _)| *row == entry.row) || doubtful.contains_key(&entry.row);
            recovered.unknown += u64::from(young && !there);
            if !young && !there && is_nameless(&table, entry) {
                recovered.sent_again += 1;
                self.warn(format!(
                    "whether {} row {} was made is not known, and no record like it is found: it is sent again, so look \
                     for a second one",
                    table.mapping.table, entry.row
                ));
            }
        }
        self.store()
            .write(move |write| {
                for entry in entries {
                    let record = found.iter().find(|(row, _)| *row == entry.row).map(|(_, record)| record);
                    let made = record.and_then(|record| carried_out(&table, &entry, record, &histories));
                    match (record, made) {
                        (Some(record), Some(made)) => write.settle_made(&table, &entry, [&made, record])?,
                        (Some(record), None) => {
                            write.settle_undone(&entry, "another record has its key")?;
                            write.adopt(&table, &[(entry.row, record.clone())])?;
                        }
                        _ if let Some(alike) = doubtful.get(&entry.row) => {
                            write.settle_refused(&table, &entry, &ambiguous(alike))?;
                        }
                        _ if is_young(&table, &entry, server_now, settle) => {}
                        _ => write.settle_undone(&entry, "no such record is there")?,
                    }
                }
                associations.apply(write)?;
                write.step("recover.creates_settled")
            })
            .await?;
        Ok(recovered)
    }
}

/// Whether nothing but its values tells the record of a new row.
fn is_nameless(table: &Table, entry: &Entry) -> bool {
    let key = table.mapping.key.as_deref();
    let keyed = key.is_some_and(|key| entry.properties.get(key).is_some_and(|(_, sent)| sent.is_some()));
    table.mapping.unique.is_none() && !keyed
}

/// Whether a record that is not found may still turn up: a key is readable soon, values only once the index has settled.
fn is_young(table: &Table, entry: &Entry, server_now: Timestamp, settle: Duration) -> bool {
    let sent = Timestamp::parse(&entry.sent_at).unwrap_or(server_now);
    server_now.since(sent) < if is_nameless(table, entry) { settle } else { READABLE_AFTER }
}

/// The row of an entry as it was sent.
fn row_of(table: &Table, entry: &Entry) -> RowChange {
    let field = |(name, (base, local)): (&String, &(Option<String>, Option<String>))| FieldChange {
        property: name.clone(),
        column: table.mapping.field_of(name).map_or_else(String::new, |field| field.column.clone()),
        base: base.clone(),
        local: local.clone(),
    };
    RowChange {
        operation: entry.operation,
        row: entry.row,
        uid: entry.uid.clone(),
        id: entry.id.clone(),
        fields: entry.properties.iter().map(field).collect(),
    }
}
