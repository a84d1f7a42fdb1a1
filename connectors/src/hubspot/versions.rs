//! The values that properties had: what HubSpot calls their history.

use super::HubSpot;
use super::batches::{Reading, refused};
use super::client::Answer;
use super::wire::{Many, Misread, Text, body};
use crate::http::Transport;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use sync_core::RemoteError;
use sync_core::model::{Properties, PropertyVersions, RecordId, Timestamp, Version};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: Text,
    #[serde(default)]
    properties_with_history: Option<BTreeMap<String, Option<Vec<Box<RawValue>>>>>,
}

/// What one answer tells.
struct Told {
    versions: Vec<PropertyVersions>,
    /// The records that a result or an error names.
    named: HashSet<String>,
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
        let reading = Reading { path: &path, id_property: None, properties: &[], history: Some(properties) };
        let mut seen = HashSet::with_capacity(ids.len());
        let asked: Vec<&str> = ids.iter().map(RecordId::as_str).filter(|id| seen.insert(*id)).collect();
        let mut read = self.in_batches(reading, &asked, |answer| histories(answer, properties)).await?;
        // HubSpot may leave a record out of an otherwise good answer without a word: ask about it once more.
        let silent = unnamed(&asked, &read);
        if !silent.is_empty() {
            read.extend(self.in_batches(reading, &silent, |answer| histories(answer, properties)).await?);
        }
        // A record that others were merged into answers for each of them.
        let mut told = HashSet::new();
        let all = read.into_iter().flat_map(|answer| answer.versions);
        Ok(all.filter(|one| told.insert((one.id.clone(), one.property.clone()))).collect())
    }
}

/// The ids of which nothing was said.
fn unnamed<'i>(ids: &[&'i str], read: &[Told]) -> Vec<&'i str> {
    let named: HashSet<&str> = read.iter().flat_map(|answer| &answer.named).map(String::as_str).collect();
    ids.iter().copied().filter(|id| !named.contains(id)).collect()
}

/// The histories that an answer tells, of the properties that were asked for.
fn histories(answer: &Answer<'_>, asked: &[String]) -> Result<Told, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let mut told = Told { versions: Vec::new(), named: refused(&page)? };
    for item in page.things::<Item>("a record with history")? {
        let id = item.id.id();
        told.named.insert(id.to_string());
        for (property, raws) in item.properties_with_history.into_iter().flatten() {
            let Some(raws) = raws.filter(|_| asked.contains(&property)) else { continue };
            let mut versions = raws.iter().map(|raw| version(raw, &property)).collect::<Result<Vec<_>, _>>()?;
            // Stable: of equal times the first told stays the newer one.
            versions.sort_by_key(|version| std::cmp::Reverse(version.at));
            told.versions.push(PropertyVersions { id: id.clone(), property, versions });
        }
    }
    Ok(told)
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
