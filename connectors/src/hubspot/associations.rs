//! Associations, by batches of up to a thousand records, and of fewer where an answer is too large to be read.
//!
//! An answer says of a record either what it is associated with, perhaps in several pages, or, as an error item, that
//! it is associated with nothing (recorded traffic of 2026). A record of which it says neither is left out: unknown.

use super::HubSpot;
use super::client::{Answer, Call, Failure};
use super::error::{quote, too_large_alone};
use super::objects::json;
use super::wire::{Many, Misread, Paging, Text, body, typed};
use crate::http::{Lane, Transport};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use sync_core::RemoteError;
use sync_core::model::{Association, AssociationKind, Neighbour, RecordId};

/// Inputs of one batch, according to HubSpot's associations guide.
const INPUTS: usize = 1_000;
/// Batches under way at once; each answer may be large.
const BATCHES: usize = 4;

#[derive(Serialize)]
struct Batch<'a> {
    inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
}

#[derive(Deserialize)]
struct Item {
    from: From,
    to: Vec<To>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct From {
    id: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct To {
    to_object_id: Text,
    association_types: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    category: String,
    type_id: i64,
    #[serde(default, deserialize_with = "typed")]
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemError {
    #[serde(default)]
    sub_category: Option<String>,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    from_object_id: Vec<Text>,
}

/// A record whose associations are still to be read, and where its next page begins.
type Pending = (RecordId, Option<String>);

/// What one answer says of one record.
struct Said {
    from: RecordId,
    to: Vec<Neighbour>,
    after: Option<String>,
}

impl<T: Transport> HubSpot<T> {
    pub(crate) async fn read_associations(
        &self,
        from: &str,
        to: &str,
        ids: &[RecordId],
    ) -> Result<Vec<Association>, RemoteError> {
        let path = self.settings.api_version.associations(&self.address(from)?, &self.address(to)?, "/batch/read");
        let mut seen = HashSet::with_capacity(ids.len());
        let ids: Vec<RecordId> = ids.iter().filter(|id| seen.insert(*id)).cloned().collect();
        let chunks: Vec<Vec<RecordId>> = ids.chunks(INPUTS).map(<[RecordId]>::to_vec).collect();
        let path = path.as_str();
        let read: Vec<Vec<Association>> = stream::iter(chunks)
            .map(|chunk| async move { self.read_chunk(path, chunk).await })
            .buffered(BATCHES)
            .try_collect()
            .await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// All pages of up to a thousand records. Pages are counted for each record by itself.
    async fn read_chunk(&self, path: &str, ids: Vec<RecordId>) -> Result<Vec<Association>, RemoteError> {
        let mut parts: HashMap<RecordId, Vec<Neighbour>> = HashMap::new();
        let mut whole: HashMap<RecordId, Vec<Neighbour>> = HashMap::new();
        let first: Vec<Pending> = ids.iter().map(|id| (id.clone(), None)).collect();
        // What is still to be asked, each of it in one batch; the next one is the last.
        let mut left = vec![first];
        while let Some(pending) = left.pop() {
            let said = match self.read_batch(path, &pending).await {
                Ok(said) => said,
                Err(failure) if failure.too_large && pending.len() > 1 => {
                    let (front, back) = pending.split_at(pending.len() / 2);
                    left.extend([back.to_vec(), front.to_vec()]);
                    continue;
                }
                Err(failure) => return Err(about(failure, &pending)),
            };
            let mut later: Vec<Pending> = Vec::new();
            for Said { from, to, after } in said {
                let mut all = parts.remove(&from).unwrap_or_default();
                all.extend(to);
                match after {
                    Some(after) => {
                        parts.insert(from.clone(), all);
                        later.push((from, Some(after)));
                    }
                    None => {
                        whole.insert(from, all);
                    }
                }
            }
            left.extend((!later.is_empty()).then_some(later));
        }
        let association = |id: RecordId| {
            let mut to = whole.remove(&id)?;
            to.sort();
            to.dedup();
            Some(Association { from: id, to })
        };
        Ok(ids.into_iter().filter_map(association).collect())
    }

    async fn read_batch(&self, path: &str, pending: &[Pending]) -> Result<Vec<Said>, Failure> {
        let inputs = pending.iter().map(|(id, after)| Input { id: id.as_str(), after: after.as_deref() }).collect();
        let call = Call::post(Lane::Associations, path.to_owned(), json(&Batch { inputs }));
        self.try_call(&call, |answer| answered(answer, pending)).await
    }
}

/// The error of a batch that cannot be made smaller.
fn about(failure: Failure, pending: &[Pending]) -> RemoteError {
    match pending {
        [(id, _)] if failure.too_large => too_large_alone(failure.error, &format!("record {}", quote(id.as_str()))),
        _ => failure.error,
    }
}

/// What an answer says of the records that were asked for; of each at most once.
fn answered(answer: &Answer<'_>, pending: &[Pending]) -> Result<Vec<Said>, Misread> {
    let page: Many<'_> = body(&answer.text)?;
    let asked: HashMap<&RecordId, Option<&str>> = pending.iter().map(|(id, after)| (id, after.as_deref())).collect();
    let mut told = HashSet::new();
    let mut said = Vec::new();
    for item in page.things::<Item>("an item of associations")? {
        let from = item.from.id.id();
        // An answer about a record that was not asked for belongs to nobody here.
        let Some(asked_after) = asked.get(&from) else { continue };
        if !told.insert(from.clone()) {
            return Err(Misread("it speaks of one record twice".to_owned()));
        }
        let after = Paging::after(item.paging);
        if after.is_some() && after.as_deref() == *asked_after {
            return Err(Misread("a page names itself as the next one".to_owned()));
        }
        // A neighbour without a kind cannot be told; better no answer about the record than half of one.
        if item.to.iter().any(|to| to.association_types.is_empty()) {
            continue;
        }
        said.push(Said { from, to: item.to.into_iter().flat_map(neighbours).collect(), after });
    }
    for raw in page.errors.iter().flatten() {
        for from in without_associations(raw.get()) {
            if asked.contains_key(&from) && told.insert(from.clone()) {
                said.push(Said { from, to: Vec::new(), after: None });
            }
        }
    }
    Ok(said)
}

fn neighbours(to: To) -> impl Iterator<Item = Neighbour> {
    let id = to.to_object_id.id();
    to.association_types.into_iter().map(move |kind| Neighbour {
        id: id.clone(),
        kind: AssociationKind {
            category: kind.category,
            type_id: kind.type_id,
            label: kind.label.filter(|label| !label.is_empty()),
        },
    })
}

/// The records that an error item says have no associations. Other errors say nothing that could be relied upon.
fn without_associations(item: &str) -> Vec<RecordId> {
    let Ok(error) = serde_json::from_str::<ItemError>(item) else { return Vec::new() };
    let none = error.sub_category.is_some_and(|name| name.ends_with("NO_ASSOCIATIONS_FOUND"));
    if !none {
        return Vec::new();
    }
    error.context.from_object_id.into_iter().map(Text::id).collect()
}
