//! What an answer to a batch of writes says of each of its inputs.
//!
//! An answer comes in any order, may leave inputs out without a word, and may name one input twice or none at all, all of
//! it seen in recorded traffic. So an input is found by its trace, by the record's id, by the value that names it, or
//! by what it wrote, and never by its place. One that is found nowhere is unknown, and so is one of which the answer
//! says two things.

use super::parts::Told;
use super::refusals::ItemError;
use super::wire::{Text, record};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashMap, HashSet};
use sync_core::model::{Record, RecordId, Timestamp};
use sync_core::remote::{Outcome, WriteInput, Writing, WrittenRecord};

/// What is beside the record in a result.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beside {
    #[serde(default)]
    object_write_trace_id: Option<Text>,
    #[serde(default)]
    new: Option<bool>,
}

/// One result that can be read.
#[derive(Clone)]
struct Written {
    record: Record,
    trace: Option<String>,
    new: Option<bool>,
}

/// What was said of the inputs so far.
struct Ledger<'a> {
    how: Writing<'a>,
    inputs: &'a [WriteInput],
    results: Vec<Vec<Written>>,
    errors: Vec<Vec<&'a ItemError>>,
    /// What the answer said of nobody in particular, to be told where an input is unknown.
    stray: Vec<String>,
}

/// One outcome for each input, in their order.
pub(crate) fn accounted(how: Writing<'_>, inputs: &[WriteInput], told: Told<'_>) -> Vec<Outcome<WrittenRecord>> {
    let mut ledger = Ledger {
        how,
        inputs,
        results: inputs.iter().map(|_| Vec::new()).collect(),
        errors: inputs.iter().map(|_| Vec::new()).collect(),
        stray: Vec::new(),
    };
    ledger.take_errors(&told.errors);
    let unclaimed = ledger.take_results(&told.results);
    match how {
        Writing::Create => ledger.take_by_values(unclaimed),
        Writing::Update | Writing::Archive => ledger.take_survivors(unclaimed),
        Writing::Upsert(_) => {}
    }
    ledger.outcomes()
}

impl<'a> Ledger<'a> {
    /// Errors go to the inputs whose traces they name, or whose ids: one item may be about many.
    fn take_errors(&mut self, errors: &'a [ItemError]) {
        let traces = places(self.inputs.iter().map(|input| input.trace.as_str()));
        let by_id = matches!(self.how, Writing::Update | Writing::Archive);
        let keys = places(self.inputs.iter().filter(|_| by_id).map(|input| input.key.as_str()));
        for error in errors {
            let named = error.named(&["objectWriteTraceId"]);
            let ids = if by_id { error.named(&["ids", "id"]) } else { Vec::new() };
            let mut about: BTreeSet<usize> =
                named.iter().filter_map(|trace| traces.get(trace.as_str())).copied().collect();
            about.extend(ids.iter().filter_map(|id| keys.get(id.as_str())));
            if named.is_empty() && ids.is_empty() && self.inputs.len() == 1 {
                about.insert(0);
            }
            if about.is_empty() {
                self.stray.push(format!("an error that names none of the inputs: {error}"));
            }
            for place in about {
                self.errors[place].push(error);
            }
        }
    }

    /// Results go to the inputs that they name; those that name none are handed back.
    fn take_results(&mut self, results: &[&RawValue]) -> Vec<Written> {
        let inputs = self.inputs;
        let traces = places(inputs.iter().map(|input| input.trace.as_str()));
        let keys = places(inputs.iter().map(|input| input.key.as_str()));
        let folded = folded_keys(inputs);
        let mut unclaimed = Vec::new();
        for raw in results {
            let Beside { object_write_trace_id, new } = serde_json::from_str(raw.get()).unwrap_or_default();
            let trace = object_write_trace_id.map(|text| text.0);
            let record = match record(raw) {
                Ok(record) => record,
                Err(misread) => {
                    self.stray.push(misread.0);
                    continue;
                }
            };
            let place = match (&trace, self.how) {
                // A trace that is none of ours makes the result none of ours.
                (Some(trace), _) => traces.get(trace.as_str()).copied(),
                (None, Writing::Create) => None,
                (None, Writing::Update | Writing::Archive) => keys.get(record.id.as_str()).copied(),
                (None, Writing::Upsert(property)) => record.properties.get(property).and_then(|value| {
                    keys.get(value.as_str()).copied().or_else(|| folded.get(&fold(&value)).copied().flatten())
                }),
            };
            let written = Written { record, trace, new };
            match place {
                Some(place) => self.results[place].push(written),
                None if written.trace.is_none() => unclaimed.push(written),
                None => {}
            }
        }
        unclaimed
    }

    /// Creates without a trace in their results: a result goes to the only input whose values it holds.
    fn take_by_values(&mut self, mut unclaimed: Vec<Written>) {
        let only = self.inputs.len() == 1 && unclaimed.len() == 1;
        let open: Vec<usize> = (0..self.inputs.len()).filter(|place| self.says_nothing_of(*place)).collect();
        let mut seen = HashSet::new();
        unclaimed.retain(|written| seen.insert(written.record.id.clone()));
        let complete = unclaimed.len() >= open.len();
        let mut left: Vec<(Written, BTreeSet<usize>)> = Vec::new();
        for written in unclaimed {
            let held = values(&written.record);
            let alike = open.iter().filter(|place| shares(&self.inputs[**place], &held)).count();
            let fitting = open.iter().copied().filter(|place| fits(&self.inputs[*place], &held, only));
            let mut makers: BTreeSet<usize> = fitting.collect();
            // Where results are missing, it may be another input's, of which HubSpot wrote a value in its own way.
            if !complete && alike > 1 {
                makers.clear();
            }
            left.push((written, makers));
        }
        loop {
            // Two results that only the same input can have made belong to nobody.
            let sole = |makers: &BTreeSet<usize>| {
                makers.len() == 1 && left.iter().filter(|(_, others)| others == makers).count() == 1
            };
            let Some(at) = left.iter().position(|(_, makers)| sole(makers)) else { break };
            let (written, makers) = left.swap_remove(at);
            for (_, others) in &mut left {
                others.retain(|place| !makers.contains(place));
            }
            for place in makers {
                self.results[place].push(written.clone());
            }
        }
    }

    /// A record that was merged into another one may be answered by that one.
    fn take_survivors(&mut self, unclaimed: Vec<Written>) {
        for written in unclaimed {
            let gone: Vec<&str> = written.record.merged_ids.iter().map(RecordId::as_str).collect();
            let meant =
                |place: &usize| gone.contains(&self.inputs[*place].key.as_str()) && self.says_nothing_of(*place);
            let places: Vec<usize> = (0..self.inputs.len()).filter(meant).collect();
            if let [place] = places[..] {
                self.results[place].push(written);
            }
        }
    }

    fn says_nothing_of(&self, place: usize) -> bool {
        self.results[place].is_empty() && self.errors[place].is_empty()
    }

    fn outcomes(self) -> Vec<Outcome<WrittenRecord>> {
        let twice = match self.how {
            Writing::Create => made_for_two(&self.results),
            Writing::Update | Writing::Upsert(_) | Writing::Archive => HashSet::new(),
        };
        let (how, stray) = (self.how, self.stray);
        let said = self.results.into_iter().zip(self.errors);
        said.map(|(results, errors)| outcome(how, results, &errors, &twice, &stray)).collect()
    }
}

fn outcome(
    how: Writing<'_>,
    mut results: Vec<Written>,
    errors: &[&ItemError],
    twice: &HashSet<RecordId>,
    stray: &[String],
) -> Outcome<WrittenRecord> {
    let unknown = |why: &str| Outcome::Unknown(why.to_owned());
    let one_record = results.windows(2).all(|pair| pair[0].record.id == pair[1].record.id);
    match (results.pop(), errors) {
        (None, []) => Outcome::Unknown(not_mentioned(stray)),
        (None, [first, others @ ..]) => {
            let first = first.outcome();
            let uncertain =
                others.iter().map(|error| error.outcome()).find(|other| matches!(other, Outcome::Unknown(_)));
            uncertain.unwrap_or(first)
        }
        (Some(_), [_, ..]) => unknown("HubSpot says both that it was done and that it was not"),
        (Some(_), []) if !one_record => unknown("HubSpot answers it with several records"),
        (Some(written), []) if twice.contains(&written.record.id) => {
            unknown("HubSpot answers it with the record of another input")
        }
        (Some(Written { record, new, .. }), []) => {
            let created = match how {
                Writing::Create => true,
                Writing::Upsert(_) => new.unwrap_or(false),
                Writing::Update | Writing::Archive => false,
            };
            Outcome::Done(WrittenRecord { record: Some(record), created })
        }
    }
}

/// Why an input is unknown that was left out, with what the answer said of nobody in particular.
pub(crate) fn not_mentioned(stray: &[String]) -> String {
    match stray.first() {
        None => "HubSpot did not mention it".to_owned(),
        Some(said) => format!("HubSpot did not mention it; it told {said}"),
    }
}

/// Records that are told as made for more than one input.
fn made_for_two(results: &[Vec<Written>]) -> HashSet<RecordId> {
    let mut once = HashSet::new();
    let mut twice = HashSet::new();
    for all in results {
        let own: HashSet<&RecordId> = all.iter().map(|written| &written.record.id).collect();
        twice.extend(own.into_iter().filter(|id| !once.insert((*id).clone())).cloned());
    }
    twice
}

/// Where each text stands; a text that stands in two places stands in none.
pub(crate) fn places<'t>(texts: impl Iterator<Item = &'t str>) -> HashMap<&'t str, usize> {
    let mut places = HashMap::new();
    let mut twice = HashSet::new();
    for (place, text) in texts.enumerate() {
        if text.is_empty() || places.insert(text, place).is_some() {
            twice.insert(text);
        }
    }
    places.retain(|text, _| !twice.contains(text));
    places
}

/// The inputs by their keys without regard to case: HubSpot keeps e-mail addresses in small letters.
fn folded_keys(inputs: &[WriteInput]) -> HashMap<String, Option<usize>> {
    let mut folded = HashMap::new();
    for (place, input) in inputs.iter().enumerate() {
        folded.entry(fold(&input.key)).and_modify(|known| *known = None).or_insert(Some(place));
    }
    folded
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn values(record: &Record) -> HashMap<String, String> {
    let mut values = HashMap::new();
    let read = record.properties.for_each(|name, value| {
        values.insert(name.to_owned(), value.unwrap_or_default().into_owned());
    });
    if read.is_err() {
        values.clear();
    }
    values
}

/// Whether a new record holds what an input wrote: all of it, or, where there is one of each, anything.
fn fits(input: &WriteInput, held: &HashMap<String, String>, only: bool) -> bool {
    shares(input, held) && (only || input.properties.iter().all(|(name, sent)| holds(held, name, sent)))
}

/// Whether a new record holds anything that an input wrote.
fn shares(input: &WriteInput, held: &HashMap<String, String>) -> bool {
    input.properties.iter().any(|(name, sent)| !sent.is_empty() && holds(held, name, sent))
}

fn holds(held: &HashMap<String, String>, name: &str, sent: &str) -> bool {
    same(sent, held.get(name).map_or("", String::as_str))
}

/// Whether two texts are the same value to HubSpot, which writes addresses, numbers, dates and lists in its own way.
fn same(sent: &str, held: &str) -> bool {
    let list = |text: &str| {
        let mut parts: Vec<String> = text.split(';').map(fold).collect();
        parts.sort();
        parts
    };
    sent == held
        || fold(sent) == fold(held)
        || decimal(sent).is_some_and(|number| decimal(held) == Some(number))
        || Timestamp::parse(sent).is_some_and(|time| Timestamp::parse(held) == Some(time))
        || (sent.contains(';') && list(sent) == list(held))
}

/// A decimal number without the zeros that say nothing.
fn decimal(text: &str) -> Option<String> {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.trim()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) {
        return None;
    }
    Some(format!("{sign}{}.{}", whole.trim_start_matches('0'), part.trim_end_matches('0')))
}

#[cfg(test)]
mod tests {
    use super::{decimal, places, same};

    #[test]
    fn values_are_compared_as_hubspot_writes_them() {
        for (sent, held) in [
            ("Siena.Dyer@Example.com ", "siena.dyer@example.com"),
            ("007.50", "7.5"),
            ("2026-01-31", "1769817600000"),
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"),
            ("B;A", "A;B"),
            ("", ""),
        ] {
            assert!(same(sent, held), "{sent} {held}");
        }
        for (sent, held) in [("9007199254740993", "9007199254740992"), ("a", ""), ("", "a"), ("1", "-1"), ("A;B", "A")]
        {
            assert!(!same(sent, held), "{sent} {held}");
        }
        assert_eq!(decimal("1e5"), None);
    }

    #[test]
    fn a_text_in_two_places_stands_in_none() {
        let found = places(["a", "b", "a", "", "c", "a"].into_iter());
        assert_eq!((found.len(), found["b"], found["c"]), (2, 1, 4));
    }
}
