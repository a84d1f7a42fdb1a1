//! Writing associations: the labels of pairs of records, and taking pairs apart.
//!
//! HubSpot sets the labels of a pair to those that a batch names: labels that are left out are gone (its guide to
//! associating records). Answers name pairs by their records; a pair that an answer leaves out is unknown.

use super::HubSpot;
use super::outcomes::not_mentioned;
use super::parts::{Endpoint, Part, Told, parts};
use super::refusals::ItemError;
use super::wire::Text;
use crate::http::{Lane, Transport};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use sync_core::RemoteError;
use sync_core::model::RecordId;
use sync_core::remote::{Outcome, PairLabels};

/// Pairs in one request: half of what HubSpot's associations guide allows.
const PAIRS: usize = 1_000;

/// Where errors name the records of a pair.
const FROM: [&str; 3] = ["fromObjectId", "fromObjectIds", "from"];
const TO: [&str; 3] = ["toObjectId", "toObjectIds", "to"];

#[derive(Serialize)]
struct Labelled<'a> {
    from: End<'a>,
    to: End<'a>,
    types: Vec<Kind<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    association_category: &'a str,
    association_type_id: u64,
}

#[derive(Serialize)]
struct Parted<'a> {
    from: End<'a>,
    to: Vec<End<'a>>,
}

#[derive(Serialize)]
struct End<'a> {
    id: &'a str,
}

/// A result: the pair in one of the two ways in which HubSpot writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default)]
    from_object_id: Option<Text>,
    #[serde(default)]
    to_object_id: Option<Text>,
    #[serde(default)]
    from: Option<ItemEnd>,
    #[serde(default)]
    to: Option<ItemEnd>,
}

#[derive(Deserialize)]
struct ItemEnd {
    id: Text,
}

impl Item {
    fn pair(self) -> Option<(String, String)> {
        let from = self.from_object_id.or(self.from.map(|end| end.id))?;
        let to = self.to_object_id.or(self.to.map(|end| end.id))?;
        Some((from.0, to.0))
    }
}

/// A pair as its two ids.
type Pair<'a> = (&'a str, &'a str);

impl<T: Transport> HubSpot<T> {
    pub(crate) async fn write_labels(
        &self,
        from: &str,
        to: &str,
        pairs: &[PairLabels],
    ) -> Result<Vec<Outcome<()>>, RemoteError> {
        let endpoint = self.pairs_endpoint(from, to, "/batch/create")?;
        let ids: Vec<Pair<'_>> = pairs.iter().map(|pair| (pair.from.as_str(), pair.to.as_str())).collect();
        let inputs: Vec<Labelled<'_>> = pairs.iter().map(labelled).collect();
        let requests = parts(&inputs, PAIRS);
        self.send(&endpoint, requests, |range, text| {
            let told = self.told(text)?;
            Ok(accounted(&ids[range], &told, || Outcome::Unknown(not_mentioned(&strays(&told)))))
        })
        .await
    }

    pub(crate) async fn part_pairs(
        &self,
        from: &str,
        to: &str,
        pairs: &[(RecordId, RecordId)],
    ) -> Result<Vec<Outcome<()>>, RemoteError> {
        let endpoint = self.pairs_endpoint(from, to, "/batch/archive")?;
        let ids: Vec<Pair<'_>> = pairs.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let ends = (0..ids.len()).step_by(PAIRS).map(|begin| begin..(begin + PAIRS).min(ids.len()));
        let requests = ends.map(|range| parted(&ids, range)).collect();
        self.send(&endpoint, requests, |range, text| {
            let pairs = &ids[range];
            if text.trim().is_empty() {
                // 204, whatever there was.
                return Ok(pairs.iter().map(|_| Outcome::Done(())).collect());
            }
            let told = self.told(text)?;
            // A removal that is complete has no results to tell; one that tells some is judged by them.
            let complete = told.status.as_deref().is_none_or(|status| status == "COMPLETE");
            let silent = complete && told.results.is_empty() && told.errors.iter().all(|e| !about(e, pairs).is_empty());
            Ok(accounted(pairs, &told, || {
                if silent { Outcome::Done(()) } else { Outcome::Unknown(not_mentioned(&strays(&told))) }
            }))
        })
        .await
    }

    fn pairs_endpoint(&self, from: &str, to: &str, rest: &str) -> Result<Endpoint, RemoteError> {
        let path = self.settings.api_version.associations(&self.address(from)?, &self.address(to)?, rest);
        Ok(Endpoint { lane: Lane::Associations, path, by_id: true })
    }
}

fn labelled(pair: &PairLabels) -> Labelled<'_> {
    Labelled {
        from: End { id: pair.from.as_str() },
        to: End { id: pair.to.as_str() },
        types: pair.types.iter().map(kind).collect(),
    }
}

fn kind((category, type_id): &(String, u64)) -> Kind<'_> {
    Kind { association_category: category, association_type_id: *type_id }
}

/// One request that takes these pairs apart, gathered by their first records.
fn parted(ids: &[Pair<'_>], range: Range<usize>) -> Part {
    let mut by_from: BTreeMap<&str, Vec<End<'_>>> = BTreeMap::new();
    for (from, to) in &ids[range.clone()] {
        by_from.entry(from).or_default().push(End { id: to });
    }
    let inputs: Vec<Parted<'_>> = by_from.into_iter().map(|(from, to)| Parted { from: End { id: from }, to }).collect();
    let inputs = super::objects::json(&inputs);
    Part { range, body: format!(r#"{{"inputs":{inputs}}}"#) }
}

/// One outcome for each pair: by the results that name it, by the errors that do, and else by what silence means.
fn accounted(pairs: &[Pair<'_>], told: &Told<'_>, silence: impl Fn() -> Outcome<()>) -> Vec<Outcome<()>> {
    let done: HashSet<(String, String)> = told.results.iter().filter_map(|raw| pair_of(raw)).collect();
    let done = |(from, to): &Pair<'_>| done.contains(&((*from).to_owned(), (*to).to_owned()));
    let mut failed: HashMap<usize, &ItemError> = HashMap::new();
    for error in &told.errors {
        for place in about(error, pairs) {
            failed.entry(place).or_insert(error);
        }
    }
    let outcome = |(place, pair): (usize, &Pair<'_>)| match (done(pair), failed.get(&place)) {
        (true, None) => Outcome::Done(()),
        (true, Some(_)) => Outcome::Unknown("HubSpot says both that it was done and that it was not".to_owned()),
        (false, Some(error)) => error.outcome(),
        (false, None) => silence(),
    };
    pairs.iter().enumerate().map(outcome).collect()
}

fn pair_of(raw: &RawValue) -> Option<(String, String)> {
    serde_json::from_str::<Item>(raw.get()).ok()?.pair()
}

/// The pairs that an error is about. Its context names one end or both; a message alone ("CONTACT=12 is not valid") is
/// believed where it can mean one side only.
fn about(error: &ItemError, pairs: &[Pair<'_>]) -> Vec<usize> {
    if pairs.len() == 1 {
        return vec![0];
    }
    let which = |meant: &dyn Fn(&Pair<'_>) -> bool| -> Vec<usize> {
        pairs.iter().enumerate().filter(|(_, pair)| meant(pair)).map(|(place, _)| place).collect()
    };
    let (from, to) = (error.named(&FROM), error.named(&TO));
    if !from.is_empty() || !to.is_empty() {
        let within = |ids: &[String], id: &str| ids.is_empty() || ids.iter().any(|named| named == id);
        return which(&|pair| within(&from, pair.0) && within(&to, pair.1));
    }
    let word = |char: char| char.is_alphanumeric() || char == '-' || char == '_';
    let words: HashSet<&str> = error.message.split(|char| !word(char)).filter(|word| !word.is_empty()).collect();
    let both = which(&|pair| words.contains(pair.0) && words.contains(pair.1));
    if !both.is_empty() {
        return both;
    }
    match (which(&|pair| words.contains(pair.0)), which(&|pair| words.contains(pair.1))) {
        (places, others) | (others, places) if others.is_empty() => places,
        _ => Vec::new(),
    }
}

/// What the answer says besides, to be told where a pair is unknown.
fn strays(told: &Told<'_>) -> Vec<String> {
    told.errors.first().map(|error| format!("an error: {error}")).into_iter().collect()
}
