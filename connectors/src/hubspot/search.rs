//! Searches: what changed in a window, and how many records there are.
//!
//! According to HubSpot's search guide a body may have 3,000 characters and a page 200 records; records are matched by
//! an index that lags, and returned live.

use super::HubSpot;
use super::client::{Answer, Call};
use super::objects::json;
use super::types::{modified_property, with_always_read};
use super::wire::{Many, Misread, body};
use crate::http::{Lane, Transport};
use serde::Serialize;
use sync_core::RemoteError;
use sync_core::remote::{ChangedPage, ChangedQuery};

pub(super) const PAGE: u32 = 200;
/// Longest body that is sent, below the documented 3,000.
pub(super) const BODY: usize = 2_999;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search<'a> {
    pub(super) filter_groups: [Group<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sorts: Vec<Sort<'a>>,
    pub(super) properties: &'a [String],
    pub(super) limit: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Group<'a> {
    pub(super) filters: Vec<Filter<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter<'a> {
    pub(super) property_name: &'a str,
    pub(super) operator: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sort<'a> {
    pub(super) property_name: &'a str,
    pub(super) direction: &'a str,
}

impl<T: Transport> HubSpot<T> {
    /// One page of a walk, by id, over what was modified in a window.
    pub(crate) async fn search_changed(
        &self,
        object: &str,
        query: &ChangedQuery,
        asked: &[String],
    ) -> Result<ChangedPage, RemoteError> {
        let path = self.settings.api_version.objects(&self.address(object)?, "/search");
        let step = query.step.as_deref();
        let whole = changed_body(object, query, &with_always_read(object, asked));
        if whole.chars().count() <= BODY {
            let call = Call::post(Lane::Search, path.clone(), whole);
            match self.try_call(&call, |answer| changed(answer, true, step)).await {
                Ok(page) => return Ok(page),
                // What is too much to be answered is like what is too much to be asked for: read by id.
                Err(failure) if failure.too_large => {}
                Err(failure) => return Err(failure.error),
            }
        }
        let few = changed_body(object, query, &[modified_property(object).to_owned()]);
        let call = Call::post(Lane::Search, path, few);
        self.call(&call, |answer| changed(answer, false, step)).await
    }

    /// How many records the search index knows.
    pub(crate) async fn count_records(&self, object: &str) -> Result<u64, RemoteError> {
        let path = self.settings.api_version.objects(&self.address(object)?, "/search");
        let filters = vec![Filter { property_name: "hs_object_id", operator: "GT", value: Some("0".to_owned()) }];
        let search =
            Search { filter_groups: [Group { filters }], sorts: Vec::new(), properties: &[], limit: 1, after: None };
        let call = Call::post(Lane::Search, path, json(&search));
        self.call(&call, |answer| {
            let page: Many<'_> = body(&answer.text)?;
            page.total.ok_or_else(|| Misread("it tells no total".to_owned()))
        })
        .await
    }
}

fn changed_body(object: &str, query: &ChangedQuery, properties: &[String]) -> String {
    json(&Search {
        filter_groups: [Group { filters: filters(modified_property(object), query) }],
        sorts: vec![Sort { property_name: "hs_object_id", direction: "ASCENDING" }],
        properties,
        limit: PAGE,
        after: query.step.as_deref(),
    })
}

fn filters<'a>(modified: &'a str, query: &ChangedQuery) -> Vec<Filter<'a>> {
    let filter = |property_name, operator, value| Filter { property_name, operator, value: Some(value) };
    let mut filters = Vec::with_capacity(3);
    // HubSpot has answered 500 to a search from the epoch on (seen by the Estuary connector); it means "any" anyway.
    if query.from.millis() > 0 {
        filters.push(filter(modified, "GTE", query.from.millis().to_string()));
    } else {
        filters.push(Filter { property_name: modified, operator: "HAS_PROPERTY", value: None });
    }
    if let Some(to) = query.to {
        filters.push(filter(modified, "LTE", to.millis().to_string()));
    }
    if let Some(after_id) = &query.after_id {
        filters.push(filter("hs_object_id", "GT", after_id.as_str().to_owned()));
    }
    filters
}

pub(super) fn changed(answer: &Answer<'_>, complete: bool, step: Option<&str>) -> Result<ChangedPage, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let next = page.next();
    if next.is_some() && next.as_deref() == step {
        return Err(Misread("a page names itself as the next one".to_owned()));
    }
    let records = page.records()?;
    let total = page.total.unwrap_or(records.len() as u64);
    // `after` is an offset into what the index counts.
    let before = step.and_then(|step| step.parse().ok()).unwrap_or(0);
    let counted = total.saturating_sub(before).min(u64::from(PAGE));
    let withheld = counted.saturating_sub(records.len() as u64);
    Ok(ChangedPage { records, complete, next, total, withheld, server_time: answer.server_time()? })
}
