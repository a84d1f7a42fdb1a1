//! Records by list and by id.
//!
//! A list carries its properties in the URL while that stays short: one call for a hundred records. A longer list of
//! properties is read by id instead: two calls for a hundred records, still one page to the caller. So is a page that
//! is too large for one answer.

use super::batches::{Reading, refused};
use super::client::{Answer, Call};
use super::types::{encoded, with_always_read};
use super::wire::{Many, Misread, body};
use super::{HubSpot, types};
use crate::http::Transport;
use serde::Serialize;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use sync_core::RemoteError;
use sync_core::model::{Record, RecordId};
use sync_core::remote::Page;

/// Records in a page of a list and inputs of a batch, according to HubSpot's objects guides.
pub(crate) const PAGE: usize = 100;

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
            match self.try_call(&Call::get(path.clone()), |answer| page(answer, after)).await {
                Ok(read) => return Ok(read),
                // HubSpot documents that a URL can be too long, not how long it may be: learn it, once.
                Err(failure) if failure.error.status == Some(414) => {
                    self.url_budget.fetch_min(path.len() / 2, Ordering::Relaxed);
                }
                Err(failure) if failure.too_large => {
                    return self.list_then_read(object, archived, after, &all).await;
                }
                Err(failure) => return Err(failure.error),
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
        let reading = Reading { path, id_property, properties, history: None };
        let mut all = Batch::default();
        for read in self.in_batches(reading, keys, batch).await? {
            all.refused.extend(read.refused);
            all.records.extend(read.records);
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

/// The records of a batch.
fn batch(answer: &Answer<'_>) -> Result<Batch, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    Ok(Batch { refused: refused(&page)?, records: page.records()? })
}
