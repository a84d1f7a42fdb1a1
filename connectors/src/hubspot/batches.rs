//! Batches that read records: several under way at once, and halved where an answer is too large to be read.
//!
//! How many records fit into one answer depends on how long their values are, which nobody knows before.

use super::HubSpot;
use super::client::{Answer, Call};
use super::error::{quote, too_large_alone};
use super::objects::{PAGE, json};
use super::wire::{Many, Misread, Text};
use crate::http::{Lane, Transport};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::Range;
use sync_core::RemoteError;

/// Inputs of a batch with history, as production connectors use it: half of what a batch takes without.
const WITH_HISTORY: usize = 50;
/// Batches of one read under way at once.
const UNDER_WAY: usize = 6;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    properties: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    properties_with_history: Option<&'a [String]>,
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

/// What is read of records, and what they are named by.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) path: &'a str,
    /// The keys are values of this property; ids if nothing is said.
    pub(crate) id_property: Option<&'a str>,
    pub(crate) properties: &'a [String],
    /// These properties are told with the values that they had.
    pub(crate) history: Option<&'a [String]>,
}

impl Reading<'_> {
    fn most(self) -> usize {
        if self.history.is_some() { WITH_HISTORY } else { PAGE }
    }

    fn call(self, keys: &[&str]) -> Call {
        let inputs = keys.iter().map(|key| Input { id: key }).collect();
        let Reading { path, id_property, properties, history } = self;
        let body = Body { properties, properties_with_history: history, id_property, inputs };
        Call::post(Lane::Window, path.to_owned(), json(&body))
    }

    /// One record as an error names it. A key that is a value may be a person's, and is not told.
    fn one(self, key: &str) -> String {
        match self.id_property {
            None => format!("record {}", quote(key)),
            Some(property) => format!("one value of {}", quote(property)),
        }
    }
}

impl<T: Transport> HubSpot<T> {
    /// What is answered about the records with these keys, none of them twice.
    pub(crate) async fn in_batches<A, D>(
        &self,
        reading: Reading<'_>,
        keys: &[&str],
        decode: D,
    ) -> Result<Vec<A>, RemoteError>
    where
        A: Send,
        D: Fn(&Answer<'_>) -> Result<A, Misread> + Send + Sync,
    {
        let most = reading.most();
        let begins = (0..keys.len()).step_by(most);
        let batches: Vec<Range<usize>> = begins.map(|begin| begin..(begin + most).min(keys.len())).collect();
        let decode = &decode;
        let answers: Vec<Vec<A>> = stream::iter(batches)
            .map(|batch| async move { self.by_halves(reading, keys, batch, decode).await })
            .buffered(UNDER_WAY)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// One batch, in as many answers as it takes for each of them to be read.
    async fn by_halves<A, D>(
        &self,
        reading: Reading<'_>,
        keys: &[&str],
        batch: Range<usize>,
        decode: &D,
    ) -> Result<Vec<A>, RemoteError>
    where
        A: Send,
        D: Fn(&Answer<'_>) -> Result<A, Misread> + Send + Sync,
    {
        let mut answers = Vec::new();
        // What is still to be asked about; the next one is the last.
        let mut left = vec![batch];
        while let Some(part) = left.pop() {
            let call = reading.call(&keys[part.clone()]);
            match self.try_call(&call, decode).await {
                Ok(answer) => answers.push(answer),
                Err(failure) if failure.too_large && part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    left.extend([middle..part.end, part.start..middle]);
                }
                Err(failure) if failure.too_large => {
                    return Err(too_large_alone(failure.error, &reading.one(keys[part.start])));
                }
                Err(failure) => return Err(failure.error),
            }
        }
        Ok(answers)
    }
}

/// The keys of which errors say that there is no such record: it is simply absent. Any other error of an item must not
/// be taken for absence.
pub(crate) fn refused(page: &Many<'_>) -> Result<HashSet<String>, Misread> {
    let mut refused = HashSet::new();
    for raw in page.errors.iter().flatten() {
        let item: ItemError = serde_json::from_str(raw.get()).unwrap_or_default();
        if !matches!(item.category.as_deref(), Some("OBJECT_NOT_FOUND" | "VALIDATION_ERROR")) {
            let named = item.category.as_deref().map_or_else(|| "no category".to_owned(), quote);
            return Err(Misread(format!("the batch failed in part, with {named}")));
        }
        refused.extend(item.context.ids.into_iter().map(|text| text.0));
    }
    Ok(refused)
}
