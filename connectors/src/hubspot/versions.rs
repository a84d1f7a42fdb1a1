//! The values that properties had: what HubSpot calls their history.
//!
//! A batch with history takes fifty inputs, half of what it takes without.

use super::HubSpot;
use super::client::{Answer, Call};
use super::objects::json;
use super::wire::{Many, Misread, Text, body};
use crate::http::{Lane, Transport};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use sync_core::RemoteError;
use sync_core::model::{Properties, PropertyVersions, RecordId, Timestamp, Version};

/// Inputs of a batch with history, as production connectors use it.
const INPUTS: usize = 50;
/// Batches under way at once.
const BATCHES: usize = 6;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    properties: [&'a str; 0],
    properties_with_history: &'a [String],
    inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: Text,
    #[serde(default)]
    properties_with_history: Option<BTreeMap<String, Option<Vec<Box<RawValue>>>>>,
}

impl<T: Transport> HubSpot<T> {
    pub(crate) async fn read_versions(
        &self,
        object: &str,
        ids: &[RecordId],
        properties: &[String],
    ) -> Result<Vec<PropertyVersions>, RemoteError> {
        if properties.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.settings.api_version.objects(&self.address(object)?, "/batch/read");
        let mut seen = HashSet::with_capacity(ids.len());
        let asked: Vec<&RecordId> = ids.iter().filter(|id| seen.insert(*id)).collect();
        let calls: Vec<Call> = asked
            .chunks(INPUTS)
            .map(|chunk| {
                let inputs = chunk.iter().map(|id| Input { id: id.as_str() }).collect();
                let batch = Batch { properties: [], properties_with_history: properties, inputs };
                Call::post(Lane::Window, path.clone(), json(&batch))
            })
            .collect();
        let read: Vec<Vec<PropertyVersions>> = stream::iter(calls)
            .map(|call| async move { self.call(&call, |answer| histories(answer, properties)).await })
            .buffered(BATCHES)
            .try_collect()
            .await?;
        // A record that others were merged into answers for each of them.
        let mut told = HashSet::new();
        let all = read.into_iter().flatten();
        Ok(all.filter(|one| told.insert((one.id.clone(), one.property.clone()))).collect())
    }
}

/// The histories that an answer tells, of the properties that were asked for.
fn histories(answer: &Answer<'_>, asked: &[String]) -> Result<Vec<PropertyVersions>, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let mut all = Vec::new();
    for item in page.things::<Item>("a record with history")? {
        let id = item.id.id();
        for (property, raws) in item.properties_with_history.into_iter().flatten() {
            let Some(raws) = raws.filter(|_| asked.contains(&property)) else { continue };
            let mut versions = raws.iter().map(|raw| version(raw, &property)).collect::<Result<Vec<_>, _>>()?;
            // Stable: of equal times the first told stays the newer one.
            versions.sort_by_key(|version| std::cmp::Reverse(version.at));
            all.push(PropertyVersions { id: id.clone(), property, versions });
        }
    }
    Ok(all)
}

fn version(raw: &RawValue, property: &str) -> Result<Version, Misread> {
    // Read as properties are, so that any value passes.
    let told = Properties::from_json(raw.get());
    let (mut value, mut at, mut kind, mut source) = (None, None, None, None);
    let read = told.for_each(|name, text| match name {
        "value" => value = text.map(std::borrow::Cow::into_owned).filter(|value| !value.is_empty()),
        "timestamp" => at = text.as_deref().and_then(Timestamp::parse),
        "sourceType" => kind = text.map(std::borrow::Cow::into_owned),
        "sourceId" => source = text.map(std::borrow::Cow::into_owned),
        _ => {}
    });
    let spoilt = |what: &str| Misread(format!("the history of {} {what}", super::error::quote(property)));
    read.map_err(|_| spoilt("is not what was agreed on"))?;
    let at = at.ok_or_else(|| spoilt("does not tell its times"))?;
    let source: Vec<String> = [kind, source].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Ok(Version { value, at, source: source.join(":") })
}
