//! Records by list and by id.
//!
//! A list carries its properties in the URL while that stays short: one call for a hundred records. A longer list of
//! properties is read by id instead: two calls for a hundred records, still one page to the caller.

use super::client::{Answer, Call};
use super::types::{encoded, with_always_read};
use super::wire::{Many, Misread, Text, body};
use super::{HubSpot, types};
use crate::http::{Lane, Transport};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use sync_core::RemoteError;
use sync_core::model::{Record, RecordId};
use sync_core::remote::Page;

/// Records in a page of a list and inputs of a batch, according to HubSpot's objects guides.
pub(crate) const PAGE: usize = 100;
/// Batches of one read under way at once.
const BATCHES: usize = 6;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchRead<'a> {
    properties: &'a [String],
    /// What the inputs name records by; their ids if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    id: &'a str,
}

#[derive(Default, Deserialize)]
struct ItemError {
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    context: ItemContext,
}

#[derive(Default, Deserialize)]
struct ItemContext {
    #[serde(default)]
    ids: Vec<Text>,
}

impl<T: Transport> HubSpot<T> {
    /// One page of a list.
    pub(crate) async fn list_page(
        &self,
        object: &str,
        archived: bool,
        after: Option<&str>,
        asked: &[String],
    ) -> Result<Page, RemoteError> {
        let all = with_always_read(object, asked);
        loop {
            let path = self.list_path(object, archived, after, &all)?;
            let budget = self.url_budget.load(Ordering::Relaxed);
            if path.len() > budget {
                return self.list_then_read(object, archived, after, &all).await;
            }
            match self.call(&Call::get(path.clone()), |answer| page(answer, after)).await {
                // HubSpot documents that a URL can be too long, not how long it may be: learn it, once.
                Err(error) if error.status == Some(414) => {
                    self.url_budget.fetch_min(path.len() / 2, Ordering::Relaxed);
                }
                read => return read,
            }
        }
    }

    /// The cursor that begins a list at an id: HubSpot's own are the last id and one, and it takes any other number.
    pub(crate) fn list_cursor_at(id: &RecordId) -> Option<String> {
        id.is_numeric().then(|| id.to_string())
    }

    /// How many calls a page of a list takes.
    pub(crate) fn calls_a_page(&self, object: &str, asked: &[String]) -> u32 {
        let all = with_always_read(object, asked);
        let long = self
            .list_path(object, false, Some("0"), &all)
            .is_ok_and(|path| path.len() > self.url_budget.load(Ordering::Relaxed));
        if long { 2 } else { 1 }
    }

    /// The ids of a page, then their properties. A record that vanishes between the two is absent.
    async fn list_then_read(
        &self,
        object: &str,
        archived: bool,
        after: Option<&str>,
        properties: &[String],
    ) -> Result<Page, RemoteError> {
        let few: Vec<String> = types::always_read(object).into_iter().map(str::to_owned).collect();
        let path = self.list_path(object, archived, after, &few)?;
        let ids = self.call(&Call::get(path), |answer| page(answer, after)).await?;
        let asked: Vec<RecordId> = ids.records.into_iter().map(|record| record.id).collect();
        let mut records = self.read_records(object, &asked, archived, properties).await?;
        // A batch answers in any order, and may tell two merged ids by one record.
        records.sort_by(|one, other| one.id.cmp(&other.id));
        records.dedup_by(|one, other| one.id == other.id);
        Ok(Page { records, ..ids })
    }

    fn list_path(
        &self,
        object: &str,
        archived: bool,
        after: Option<&str>,
        properties: &[String],
    ) -> Result<String, RemoteError> {
        let names: Vec<String> = properties.iter().map(|name| encoded(name)).collect();
        let from = after.map_or_else(String::new, |after| format!("&after={}", encoded(after)));
        let query = format!("?limit={PAGE}&archived={archived}{from}&properties={}", names.join(","));
        Ok(self.settings.api_version.objects(&self.address(object)?, &query))
    }

    /// Records by id, in batches, several at once.
    pub(crate) async fn read_records(
        &self,
        object: &str,
        ids: &[RecordId],
        archived: bool,
        asked: &[String],
    ) -> Result<Vec<Record>, RemoteError> {
        let properties = with_always_read(object, asked);
        let path = self.settings.api_version.objects(&self.address(object)?, "/batch/read");
        let path = if archived { format!("{path}?archived=true") } else { path };
        // A batch that names an id twice is refused as a whole.
        let mut seen = HashSet::with_capacity(ids.len());
        let asked: Vec<&str> = ids.iter().map(RecordId::as_str).filter(|id| seen.insert(*id)).collect();
        let mut read = self.read_batches(&path, None, &asked, &properties).await?;
        // HubSpot may leave a record out of an otherwise good answer without a word: ask about it once more.
        let silent = read.silent_about(&asked);
        if !silent.is_empty() {
            let again = self.read_batches(&path, None, &silent, &properties).await?;
            read.records.extend(again.records);
        }
        Ok(read.records)
    }

    /// Records by their ids, or by their values of `id_property`.
    pub(crate) async fn read_batches(
        &self,
        path: &str,
        id_property: Option<&str>,
        keys: &[&str],
        properties: &[String],
    ) -> Result<Batch, RemoteError> {
        let calls: Vec<Call> = keys
            .chunks(PAGE)
            .map(|chunk| {
                let inputs = chunk.iter().map(|key| Input { id: key }).collect();
                Call::post(Lane::Window, path.to_owned(), json(&BatchRead { properties, id_property, inputs }))
            })
            .collect();
        let batches: Vec<Batch> = stream::iter(calls)
            .map(|call| async move { self.call(&call, batch).await })
            .buffered(BATCHES)
            .try_collect()
            .await?;
        let mut all = Batch::default();
        for batch in batches {
            all.refused.extend(batch.refused);
            all.records.extend(batch.records);
        }
        Ok(all)
    }
}

/// What batches answered: records, and the keys of which errors said that there is no such record.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    refused: HashSet<String>,
}

impl Batch {
    /// Whether an error named this key.
    pub(crate) fn named_by_error(&self, key: &str) -> bool {
        self.refused.contains(key)
    }

    /// The ids of which nothing was said.
    fn silent_about<'i>(&self, ids: &[&'i str]) -> Vec<&'i str> {
        let told = self.records.iter().flat_map(|record| record.merged_ids.iter().chain([&record.id]));
        let told: HashSet<&str> = told.map(RecordId::as_str).collect();
        ids.iter().copied().filter(|id| !told.contains(id) && !self.named_by_error(id)).collect()
    }
}

/// JSON of our own types, which serialize without fail.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn page(answer: &Answer<'_>, after: Option<&str>) -> Result<Page, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let next = page.next();
    if next.is_some() && next.as_deref() == after {
        return Err(Misread("a page names itself as the next one".to_owned()));
    }
    let records = page.records()?;
    let ascend = records.windows(2).all(|pair| pair[0].id < pair[1].id);
    let reach = records.last().filter(|_| ascend).map(|record| record.id.clone());
    Ok(Page { records, next, reach, server_time: answer.server_time()? })
}

/// The records of a batch. An id that is told to be unknown is simply absent; any other error of an item must not be
/// taken for absence.
fn batch(answer: &Answer<'_>) -> Result<Batch, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let mut refused = HashSet::new();
    for raw in page.errors.iter().flatten() {
        let item: ItemError = serde_json::from_str(raw.get()).unwrap_or_default();
        if !matches!(item.category.as_deref(), Some("OBJECT_NOT_FOUND" | "VALIDATION_ERROR")) {
            let named = item.category.as_deref().map_or_else(|| "no category".to_owned(), super::error::quote);
            return Err(Misread(format!("the batch failed in part, with {named}")));
        }
        refused.extend(item.context.ids.into_iter().map(|text| text.0));
    }
    Ok(Batch { records: page.records()?, refused })
}
