//! Batch read: up to a hundred records by id or by a unique property.
//!
//! The order of results is not the order of inputs. All ids that cannot be read share one error item, and what becomes of a
//! merged-away id is a switch: HubSpot has been seen doing each.

use serde::Deserialize;

use crate::api::list::{HISTORY_PAGE, history_page};
use crate::api::records::write_batch_times;
use crate::faults::FaultKind;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::record::Life;
use crate::switches::{DuplicateInputs, MergedRead};
use crate::writing::bodies::Text;

/// The most inputs of a batch of records.
pub(crate) const INPUTS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    inputs: Vec<Input>,
    properties: Option<Vec<String>>,
    properties_with_history: Option<Vec<String>>,
    id_property: Option<String>,
}

#[derive(Deserialize)]
struct Input {
    id: Text,
}

/// Reads a request body, refusing what is no JSON the way HubSpot does.
pub(crate) fn body<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::invalid(format!("Invalid input JSON on line {}, column {}: {error}", error.line(), error.column()))
    })
}

/// Refuses a batch of too many inputs.
pub(crate) fn at_most(limit: usize, given: usize) -> Result<(), Problem> {
    if given > limit {
        let words = format!("Limit exceeded: a batch may have at most {limit} inputs, got {given}");
        return Err(Problem::invalid(words));
    }
    Ok(())
}

/// The refusal of a batch in which ids occur twice.
pub(crate) fn given_twice(twice: Vec<String>) -> Problem {
    let words = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", twice.join(", "));
    Problem::invalid(words).with_context("ids", twice)
}

impl Portal {
    /// `POST …/{type}/batch/read`
    pub(crate) fn batch_read(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let body: Body = body(call.body)?;
        let inputs: Vec<String> = body.inputs.into_iter().map(|i| i.id.into_string()).collect();
        let inputs = self.checked_inputs(inputs)?;
        let properties: Option<Vec<&str>> = body.properties.as_ref().map(|p| p.iter().map(String::as_str).collect());
        let history: Vec<&str> = body.properties_with_history.iter().flatten().map(String::as_str).collect();
        let shape = self.projection(kind, properties.as_deref(), Some(&history), call.parsed.family);
        if shape.has_history() && inputs.len() > HISTORY_PAGE {
            return Err(history_page(inputs.len()));
        }
        let archived = call.parsed.flag("archived");
        let (mut found, missing) = self.resolve_inputs(kind, &inputs, body.id_property.as_deref(), archived)?;
        self.dice.order.shuffle(&mut found);
        if call.spoil == Some(FaultKind::Omit) {
            let keep = found.len() - found.len().div_ceil(10);
            found.truncate(keep);
        }
        let mut j = Json::with_capacity(600 * found.len() + 300);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[");
        let mut comma = "";
        for id in found {
            if let Some(record) = self.stores[kind].records.get(&id) {
                j.raw(comma);
                self.write_record(&mut j, kind, id, record, &shape);
                comma = ",";
            }
        }
        j.raw("]");
        let status = if missing.is_empty() { 200 } else { 207 };
        if !missing.is_empty() {
            j.raw(",\"numErrors\":1,\"errors\":[");
            Problem::some_missing(&self.types[kind].singular).with_context("ids", missing).write_item(&mut j);
            j.raw("]");
        }
        write_batch_times(&mut j, self.now);
        Ok(Answer { status, body: j.out })
    }

    fn checked_inputs(&self, inputs: Vec<String>) -> Result<Vec<String>, Problem> {
        at_most(INPUTS, inputs.len())?;
        let mut seen = std::collections::BTreeSet::new();
        let (unique, twice): (Vec<String>, Vec<String>) = inputs.into_iter().partition(|id| seen.insert(id.clone()));
        if !twice.is_empty() && self.settings.switches.duplicate_inputs == DuplicateInputs::Reject {
            return Err(given_twice(twice));
        }
        Ok(unique)
    }

    /// The records to answer with, each once, and the inputs that name none.
    fn resolve_inputs(
        &self,
        kind: TypeIndex,
        inputs: &[String],
        key: Option<&str>,
        archived: bool,
    ) -> Result<(Vec<u64>, Vec<String>), Problem> {
        let store = &self.stores[kind];
        let mut found = Vec::with_capacity(inputs.len());
        let mut missing = Vec::new();
        for input in inputs {
            let id = match key {
                None | Some("" | "hs_object_id") => input.parse::<u64>().ok(),
                Some(key) => self.by_key(kind, key, input)?,
            };
            let record = id.and_then(|id| store.records.get(&id).map(|r| (id, r.life)));
            match record {
                Some((id, Life::Active)) if !archived => found.push(id),
                Some((id, Life::Archived(_))) if archived => found.push(id),
                Some((id, Life::Merged(_))) if !archived => match self.settings.switches.merged_read {
                    MergedRead::Winner => match store.survivor(id).filter(|w| self.is_active(kind, *w)) {
                        Some(winner) => found.push(winner),
                        None => missing.push(input.clone()),
                    },
                    MergedRead::Omitted => {}
                    MergedRead::NotFound => missing.push(input.clone()),
                },
                Some(_) | None => missing.push(input.clone()),
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok((found, missing))
    }
}
