//! What a record and its history tell of a change whose answer was lost: whether it was carried out, and what the record
//! held right after it.

use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::model::{Properties, Record, RecordId, Version};
use crate::plan::audit::{denies, shown, spelt_by_remote};
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
            for change in changed(table, entry).filter(|change| !change.is_held(record)) {
                ids.insert(record.id.clone());
                properties.insert(change.name.to_owned());
            }
        }
        self.histories(table, ids, properties).await
    }
}

/// The names of the properties that an entry changed.
pub(super) fn changed_names<'e>(table: &'e Table, entry: &'e Entry) -> impl Iterator<Item = String> {
    changed(table, entry).map(|change| change.name.to_owned())
}

/// The record as it was right after an entry was carried out; `None` where nothing shows that it was. What others wrote
/// since is in the record as it is now.
pub(super) fn carried_out(table: &Table, entry: &Entry, record: &Record, histories: &Histories) -> Option<Record> {
    let mut written = BTreeMap::new();
    for change in changed(table, entry) {
        let versions = histories.of(&record.id, change.name);
        if change.is_held(record) {
            written.insert(change.name, change.sent);
        } else if let Some(version) = shown(versions, entry.seen_at, |value| change.is_ours(value)) {
            written.insert(change.name, version.value.as_deref());
        } else if entry.operation == Operation::Create {
            // A record of its own held all of it.
            return None;
        }
    }
    // There is something to hold.
    (!written.is_empty()).then(|| right_after(table, entry, record, &written, histories))
}

/// The record with the values that are shown to have been written, as the remote spelt them, where it holds others by
/// now.
fn right_after(
    table: &Table,
    entry: &Entry,
    record: &Record,
    written: &BTreeMap<&str, Option<&str>>,
    histories: &Histories,
) -> Record {
    let mut since = serde_json::Map::new();
    for change in changed(table, entry).filter(|change| !change.is_held(record)) {
        let told = record.properties.get(change.name);
        // A record is written as a whole: what is neither ours nor what was there before came after ours. But for a value
        // that was passed over, as a stage that only moves forward is.
        let same = |one: Option<&str>, other: Option<&str>| change.field.same_wire(one, other);
        let passed_over = denies(histories.of(&record.id, change.name), change.sent, entry.seen_at, same);
        let later = !same(told.as_deref(), change.was) && !passed_over;
        let was_written = written.get(change.name).copied();
        if let Some(value) = was_written.or_else(|| later.then_some(change.sent)) {
            since.insert(change.name.to_owned(), value.unwrap_or("").into());
        }
    }
    if since.is_empty() {
        return record.clone();
    }
    let ours = Properties::from_json(serde_json::Value::Object(since).to_string());
    let properties = record.properties.patched(&ours, |_| true).unwrap_or_else(|_| record.properties.clone());
    Record { properties, ..record.clone() }
}

/// A property that an entry changed.
struct Change<'e> {
    name: &'e str,
    field: &'e Field,
    was: Option<&'e str>,
    sent: Option<&'e str>,
}

impl Change<'_> {
    /// Whether a value is what was sent, be it as the remote spells it. Where only the spelling was changed, another
    /// one tells nothing: it may be what was there before, or somebody else's.
    fn is_ours(&self, value: Option<&str>) -> bool {
        self.field.same_wire(value, self.sent)
            || (spelt_by_remote(self.sent, value) && !spelt_by_remote(self.sent, self.was))
    }

    /// Whether a record holds what was sent.
    fn is_held(&self, record: &Record) -> bool {
        self.is_ours(record.properties.get(self.name).as_deref())
    }
}

/// The properties that an entry changed.
fn changed<'e>(table: &'e Table, entry: &'e Entry) -> impl Iterator<Item = Change<'e>> {
    entry.properties.iter().filter_map(|(name, (was, sent))| {
        let field = table.mapping.field_of(name)?;
        let change = Change { name, field, was: was.as_deref(), sent: sent.as_deref() };
        (!field.same_wire(change.was, change.sent)).then_some(change)
    })
}
