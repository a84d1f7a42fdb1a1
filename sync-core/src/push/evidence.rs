//! What a record and its history tell of a change whose answer was lost: whether it was carried out, and what the record
//! held right after it.

use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::model::{Properties, Record, RecordId, Version};
use crate::plan::audit::{denies, same_key, shows};
use crate::plan::changes::Operation;
use crate::remote::Remote;
use crate::store::{Entry, Table};
use mappings::Field;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The values that properties of records had.
#[derive(Debug, Default)]
pub(super) struct Histories(HashMap<(RecordId, String), Vec<Version>>);

impl Histories {
    /// The newest first; empty where nothing is told.
    pub(super) fn of(&self, id: &RecordId, property: &str) -> &[Version] {
        self.0.get(&(id.clone(), property.to_owned())).map_or(&[], Vec::as_slice)
    }
}

impl<R: Remote + 'static> Engine<R> {
    /// The histories of these properties of these records. Where the remote refuses to tell them, they are empty: it would
    /// refuse for ever, and hold up everything else.
    pub(super) async fn histories(
        &self,
        table: &Table,
        ids: BTreeSet<RecordId>,
        properties: BTreeSet<String>,
    ) -> Result<Histories, RunError> {
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let properties: Vec<String> = properties.into_iter().collect();
        if ids.is_empty() {
            return Ok(Histories::default());
        }
        let told = match self.remote().versions(table.object(), &ids, &properties).await {
            Err(error) if matches!(error.kind, RemoteErrorKind::Refused | RemoteErrorKind::NotFound) => {
                self.warn(format!(
                    "the history of {} cannot be read, so nobody can tell what was written over there: {error}",
                    table.object()
                ));
                return Ok(Histories::default());
            }
            told => told?,
        };
        Ok(Histories(told.into_iter().map(|told| ((told.id, told.property), told.versions)).collect()))
    }

    /// The histories that are needed to tell whether entries were carried out: of what their records do not hold.
    pub(super) async fn histories_of_missing(
        &self,
        table: &Arc<Table>,
        looked: &[(&Entry, &Record)],
    ) -> Result<Histories, RunError> {
        let mut ids = BTreeSet::new();
        let mut properties = BTreeSet::new();
        for (entry, record) in looked {
            for (name, _, sent) in changed(table, entry) {
                if !holds(table, entry, record, name, sent) {
                    ids.insert(record.id.clone());
                    properties.insert(name.to_owned());
                }
            }
        }
        self.histories(table, ids, properties).await
    }
}

/// The record as it was right after an entry was carried out; `None` where nothing shows that it was. What others wrote
/// since is in the record as it is now.
pub(super) fn carried_out(table: &Table, entry: &Entry, record: &Record, histories: &Histories) -> Option<Record> {
    let mut shown = BTreeMap::new();
    let mut all = true;
    for (name, field, sent) in changed(table, entry) {
        let same = |one: Option<&str>, other: Option<&str>| field.same_wire(one, other);
        let was =
            holds(table, entry, record, name, sent) || shows(histories.of(&record.id, name), sent, entry.seen_at, same);
        all &= was;
        if was {
            shown.insert(name, sent);
        }
    }
    let done = match entry.operation {
        // A record of its own held all of it, and there is something to hold.
        Operation::Create => all && !shown.is_empty(),
        _ => !shown.is_empty(),
    };
    done.then(|| right_after(table, entry, record, &shown, histories))
}

/// The record with the values that are shown to have been written, as far as it holds others by now.
fn right_after(
    table: &Table,
    entry: &Entry,
    record: &Record,
    shown: &BTreeMap<&str, Option<&str>>,
    histories: &Histories,
) -> Record {
    let mut since = serde_json::Map::new();
    for (name, field, sent) in changed(table, entry) {
        let told = record.properties.get(name);
        let base = entry.properties.get(name).and_then(|(base, _)| base.as_deref());
        // A record is written as a whole: what is neither ours nor what was there before came after ours. But for a value
        // that was passed over, as a stage that only moves forward is.
        let same = |one: Option<&str>, other: Option<&str>| field.same_wire(one, other);
        let passed_over = denies(histories.of(&record.id, name), sent, entry.seen_at, same);
        let later = !(field.same_wire(told.as_deref(), base) || passed_over) || shown.contains_key(name);
        if later && !holds(table, entry, record, name, sent) {
            since.insert(name.to_owned(), sent.unwrap_or("").into());
        }
    }
    if since.is_empty() {
        return record.clone();
    }
    let ours = Properties::from_json(serde_json::Value::Object(since).to_string());
    let properties = record.properties.patched(&ours, |_| true).unwrap_or_else(|_| record.properties.clone());
    Record { properties, ..record.clone() }
}

/// The properties that an entry changed, with their fields and what was sent.
fn changed<'e>(table: &'e Table, entry: &'e Entry) -> impl Iterator<Item = (&'e str, &'e Field, Option<&'e str>)> {
    entry.properties.iter().filter_map(|(name, (was, sent))| {
        let field = table.mapping.field_of(name)?;
        (!field.same_wire(was.as_deref(), sent.as_deref())).then_some((name.as_str(), field, sent.as_deref()))
    })
}

/// Whether a record holds what was sent. A new record's key is stored as the remote spells it.
fn holds(table: &Table, entry: &Entry, record: &Record, name: &str, sent: Option<&str>) -> bool {
    let told = record.properties.get(name);
    let key = entry.operation == Operation::Create && table.mapping.key.as_deref() == Some(name);
    table.mapping.field_of(name).is_some_and(|field| field.same_wire(told.as_deref(), sent))
        || (key && sent.is_some_and(|sent| same_key(sent, told.as_deref())))
}
