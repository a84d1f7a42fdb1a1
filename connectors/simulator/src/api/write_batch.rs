//! Writing up to a hundred records: create, update, upsert, archive.
//!
//! With a trace id of its own on every input each one succeeds or fails alone; without them one bad input refuses the whole
//! batch, and the refusal says neither which one nor who holds the value. Results come in an order of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::batch::{INPUTS, at_most, body, given_twice};
use crate::faults::FaultKind;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::record::Life;
use crate::switches::{DuplicateInputs, MergedRead};
use crate::value::PropertyId;
use crate::writing::Flaw;
use crate::writing::bodies::{Batch, Input, Named, Properties, Text};
use crate::writing::outcome::{Done, Outcome, Shown};
use crate::writing::prepare::{Prepared, Refused};

/// What a batch does with each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Create,
    Update,
    Upsert,
}

/// An input that was looked at.
enum Planned {
    /// To be carried out: on a record, or as a new one.
    Ready {
        target: Option<u64>,
        prepared: Prepared,
    },
    Missing(String),
    Silent,
}

impl Portal {
    /// `POST …/{type}/batch/{create|update|upsert}`
    pub(crate) fn batch_write(&mut self, call: &Call<'_>, asked: &str, doing: Doing) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let body: Batch<Input> = body(call.body)?;
        let mut inputs = body.inputs;
        at_most(INPUTS, inputs.len())?;
        self.check_inputs(kind, doing, &inputs)?;
        if let Doing::Upsert = doing {
            complete(&mut inputs)?;
        }
        let outcomes = if self.each_alone(doing, &inputs) {
            self.one_by_one(call, kind, doing, &inputs)?
        } else {
            self.all_or_nothing(call, kind, doing, &inputs)?
        };
        let (body, failed) = self.write_outcomes(kind, outcomes, &call.parsed);
        let failed = failed || call.spoil == Some(FaultKind::MultiStatus);
        let status = match (failed, doing) {
            (true, _) => 207,
            (false, Doing::Create) => 201,
            (false, Doing::Update | Doing::Upsert) => 200,
        };
        Ok(Answer { status, body })
    }

    /// `POST …/{type}/batch/archive`: 204, whatever the ids were.
    pub(crate) fn batch_archive(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let body: Batch<Named> = body(call.body)?;
        at_most(INPUTS, body.inputs.len())?;
        let ignored = if call.spoil == Some(FaultKind::Ignore) { body.inputs.len().div_ceil(10) } else { 0 };
        for named in body.inputs.into_iter().skip(ignored) {
            self.apply_archive(kind, &named.id.into_string());
        }
        Ok(Answer::nothing())
    }

    /// What refuses a batch before any of its values is read.
    fn check_inputs(&self, kind: TypeIndex, doing: Doing, inputs: &[Input]) -> Result<(), Problem> {
        let mut seen = BTreeSet::new();
        let mut twice = Vec::new();
        for input in inputs {
            let id = input.id.clone().map(Text::into_string);
            match (doing, id, &input.id_property) {
                (Doing::Create, ..) => {}
                (_, None, _) => return Err(Problem::invalid("Some required fields were not set: [id]")),
                (Doing::Upsert, Some(_), None) => {
                    return Err(Problem::invalid("Some required fields were not set: [idProperty]"));
                }
                (Doing::Update, Some(id), _) => {
                    if !seen.insert(id.clone()) {
                        twice.push(id);
                    }
                }
                (Doing::Upsert, Some(id), Some(key)) => {
                    let again = !seen.insert(self.meant(kind, key, &id)?);
                    if again && self.settings.switches.upsert_duplicates == DuplicateInputs::Reject {
                        twice.push(id);
                    }
                }
            }
        }
        if twice.is_empty() { Ok(()) } else { Err(given_twice(twice)) }
    }

    /// What an upsert comes to: the record that has the key, or the key itself.
    fn meant(&self, kind: TypeIndex, key: &str, id: &str) -> Result<String, Problem> {
        let record = self.by_key(kind, key, id.trim())?;
        Ok(record.map_or_else(|| format!("{key}={}", id.trim().to_lowercase()), |r| r.to_string()))
    }

    /// For each input the place of the first that comes to the same record: as a rule its own.
    fn firsts(&self, kind: TypeIndex, doing: Doing, inputs: &[Input]) -> Result<Vec<usize>, Problem> {
        let mut seen = BTreeMap::new();
        let mut firsts = Vec::with_capacity(inputs.len());
        for (n, input) in inputs.iter().enumerate() {
            let first = match (doing, input.id.clone(), input.id_property.as_deref()) {
                (Doing::Upsert, Some(id), Some(key)) => {
                    *seen.entry(self.meant(kind, key, &id.into_string())?).or_insert(n)
                }
                _ => n,
            };
            firsts.push(first);
        }
        Ok(firsts)
    }

    /// Whether each input succeeds or fails by itself.
    fn each_alone(&self, doing: Doing, inputs: &[Input]) -> bool {
        let switches = &self.settings.switches;
        let by_email = inputs.iter().any(|input| input.id_property.as_deref() == Some("email"));
        let allowed = match doing {
            Doing::Create => true,
            Doing::Update => switches.update_multi_status,
            Doing::Upsert => !by_email || switches.partial_email_upsert,
        };
        let mut seen = BTreeSet::new();
        allowed && inputs.iter().all(|i| i.object_write_trace_id.as_deref().is_some_and(|t| seen.insert(t)))
    }

    fn one_by_one(
        &mut self,
        call: &Call<'_>,
        kind: TypeIndex,
        doing: Doing,
        inputs: &[Input],
    ) -> Result<Vec<Outcome>, Problem> {
        let enforcing = call.parsed.enforcing;
        if doing == Doing::Upsert && self.settings.switches.upsert_conflict_refuses_all {
            for input in inputs {
                if let Err(Refused::Taken(_)) = self.plan(kind, doing, input, enforcing) {
                    return Err(Problem::conflict(self.exists(kind, None)));
                }
            }
        }
        let mut outcomes = Vec::with_capacity(inputs.len());
        for (n, input) in inputs.iter().enumerate() {
            let planned = self.plan(kind, doing, input, enforcing);
            let spoil = call.spoil.as_ref().filter(|_| n < inputs.len().div_ceil(10));
            outcomes.push(self.carry_out(kind, doing, input, planned, spoil));
        }
        Ok(once_each(outcomes))
    }

    fn all_or_nothing(
        &mut self,
        call: &Call<'_>,
        kind: TypeIndex,
        doing: Doing,
        inputs: &[Input],
    ) -> Result<Vec<Outcome>, Problem> {
        let firsts = self.firsts(kind, doing, inputs)?;
        let mut planned = Vec::with_capacity(inputs.len());
        let mut claimed: BTreeMap<(PropertyId, Vec<u8>), usize> = BTreeMap::new();
        let mut flaws: Vec<Flaw> = Vec::new();
        let (mut taken, mut first) = (false, None);
        for (input, first_place) in inputs.iter().zip(&firsts) {
            let plan = self.plan(kind, doing, input, call.parsed.enforcing);
            match plan.and_then(|plan| self.claim(kind, plan, *first_place, &mut claimed)) {
                Ok(plan) => planned.push(plan),
                Err(Refused::Flaws(more)) => flaws.extend(more),
                Err(Refused::Taken(_)) => taken = true,
                Err(Refused::Whole(problem)) => first = first.or(Some(problem)),
            }
        }
        if !flaws.is_empty() {
            return Err(self.problem(kind, Refused::Flaws(flaws)));
        }
        if taken {
            return Err(Problem::conflict(self.exists(kind, None)));
        }
        if let Some(problem) = first {
            return Err(problem);
        }
        let spoilt = inputs.len().div_ceil(10);
        let mut outcomes = Vec::with_capacity(inputs.len());
        for (n, (input, plan)) in inputs.iter().zip(planned).enumerate() {
            // What an earlier input made or changed is looked at anew.
            let plan = if firsts[n] == n { Ok(plan) } else { self.plan(kind, doing, input, call.parsed.enforcing) };
            outcomes.push(self.carry_out(kind, doing, input, plan, call.spoil.as_ref().filter(|_| n < spoilt)));
        }
        let shared = firsts.iter().enumerate().any(|(n, first)| *first != n);
        Ok(if shared { once_each(outcomes) } else { outcomes })
    }

    /// Refuses a value that an earlier input claims for another record, where no two may have the same.
    fn claim(
        &self,
        kind: TypeIndex,
        planned: Planned,
        first: usize,
        claimed: &mut BTreeMap<(PropertyId, Vec<u8>), usize>,
    ) -> Result<Planned, Refused> {
        let store = &self.stores[kind];
        if let Planned::Ready { prepared, .. } = &planned {
            for change in prepared.changes.iter().filter(|c| !c.value.is_empty() && store.is_key(c.property)) {
                let value = (change.property, change.value.to_ascii_lowercase());
                if *claimed.entry(value).or_insert(first) == first {
                    continue;
                }
                let property = store.catalogue.get(change.property);
                if !property.unique {
                    return Err(Refused::Taken(0));
                }
                let message = format!("Another input of the batch has that value of {}.", property.name);
                let flaw = Flaw { property: property.name.clone(), code: "CONFLICTING_UNIQUE_VALUE", message };
                return Err(Refused::Flaws(vec![flaw]));
            }
        }
        Ok(planned)
    }

    fn plan(&self, kind: TypeIndex, doing: Doing, input: &Input, enforcing: bool) -> Result<Planned, Refused> {
        let id = input.id.clone().map(Text::into_string).unwrap_or_default();
        let target = match (doing, input.id_property.as_deref()) {
            (Doing::Create, _) => None,
            (Doing::Upsert, Some(key)) => self.by_key(kind, key, id.trim()).map_err(Refused::Whole)?,
            (Doing::Update | Doing::Upsert, key) => match self.target(kind, &id, key).map_err(Refused::Whole)? {
                Ok(target) => Some(target),
                Err(instead) => return Ok(instead),
            },
        };
        let prepared = match target {
            None => self.prepare_new(kind, input, enforcing)?,
            Some(target) => {
                let nothing = Properties::new();
                self.prepare(kind, input.properties.as_ref().unwrap_or(&nothing), Some(target), enforcing)?
            }
        };
        Ok(Planned::Ready { target, prepared })
    }

    /// The record that an update means, or what is answered instead.
    fn target(&self, kind: TypeIndex, given: &str, key: Option<&str>) -> Result<Result<u64, Planned>, Problem> {
        let id = match key {
            None | Some("" | "hs_object_id") => given.parse::<u64>().ok(),
            Some(key) => self.by_key(kind, key, given)?,
        };
        let missing = || Planned::Missing(given.to_owned());
        let Some((id, life)) = id.and_then(|id| self.stores[kind].records.get(&id).map(|r| (id, r.life))) else {
            return Ok(Err(missing()));
        };
        Ok(match (life, self.settings.switches.merged_write) {
            (Life::Active, _) => Ok(id),
            (Life::Merged(_), MergedRead::Omitted) => Err(Planned::Silent),
            (Life::Merged(_), MergedRead::Winner) => {
                self.stores[kind].survivor(id).filter(|w| self.is_active(kind, *w)).ok_or_else(missing)
            }
            (Life::Merged(_) | Life::Archived(_) | Life::Purged, _) => Err(missing()),
        })
    }

    fn carry_out(
        &mut self,
        kind: TypeIndex,
        doing: Doing,
        input: &Input,
        planned: Result<Planned, Refused>,
        spoil: Option<&FaultKind>,
    ) -> Outcome {
        let trace = input.object_write_trace_id.clone();
        match spoil {
            Some(FaultKind::Ignore) => return Outcome::Silent,
            Some(FaultKind::FailItems) => return Outcome::Failed { problem: Problem::internal_item(), trace },
            _ => {}
        }
        let (target, mut prepared) = match planned {
            Ok(Planned::Ready { target, prepared }) => (target, prepared),
            Ok(Planned::Missing(id)) => return Outcome::Missing { id, trace },
            Ok(Planned::Silent) => return Outcome::Silent,
            Err(refused) => return self.failed(kind, refused, trace),
        };
        let refuses = target.is_some() && (spoil == Some(&FaultKind::RefuseSilently) || self.refuses_silently());
        if refuses {
            prepared.changes.clear();
        }
        let done = match target {
            Some(id) => self.apply_update(kind, id, &prepared).map(|()| id),
            None => Ok(self.apply_create(kind, &prepared)),
        };
        let id = match done {
            Ok(id) => id,
            Err(refused) => return self.failed(kind, refused, trace),
        };
        if spoil == Some(&FaultKind::Omit) {
            return Outcome::Silent;
        }
        let shown = match doing {
            Doing::Create => Shown::New,
            Doing::Update => Shown::Given(prepared.asked),
            Doing::Upsert => Shown::Upserted(prepared.asked, target.is_none()),
        };
        Outcome::Done(Done { id, shown, warnings: prepared.warnings, trace })
    }

    /// The error item of an input; a conflict says who holds the value.
    fn failed(&self, kind: TypeIndex, refused: Refused, trace: Option<String>) -> Outcome {
        let holder = if let Refused::Taken(holder) = &refused { Some(*holder) } else { None };
        let mut problem = self.problem(kind, refused).with_trace(trace);
        if let Some(holder) = holder {
            problem = problem.with_context("existingId", vec![holder.to_string()]);
        }
        Outcome::Failed { problem, trace: None }
    }
}

/// An upsert's key is one of the values it writes.
fn complete(inputs: &mut [Input]) -> Result<(), Problem> {
    for input in inputs {
        let (Some(id), Some(key)) = (input.id.clone(), input.id_property.clone()) else { continue };
        let value = serde_json::value::to_raw_value(&id.into_string())
            .map_err(|error| Problem::invalid(format!("Invalid input JSON: {error}")))?;
        input.properties.get_or_insert_default().entry(key).or_insert(value);
    }
    Ok(())
}

/// Inputs that came to one record have one result: the last.
fn once_each(outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Outcome> = outcomes
        .into_iter()
        .rev()
        .filter(|outcome| if let Outcome::Done(done) = outcome { seen.insert(done.id) } else { true })
        .collect();
    kept.reverse();
    kept
}
