//! What is answered for each input of a batch: a record, an error item, or nothing at all.

use crate::api::records::write_batch_times;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::Portal;
use crate::problem::Problem;
use crate::routes::Parsed;
use crate::store::Store;
use crate::switches::TraceEcho;
use crate::writing::values::Rewritten;

/// A record that was written.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) id: u64,
    /// The properties to show: those that were given, or all of a new record.
    pub(crate) shown: Shown,
    pub(crate) warnings: Vec<Rewritten>,
    pub(crate) trace: Option<String>,
}

/// How much of a record an answer shows.
#[derive(Debug)]
pub(crate) enum Shown {
    /// A new record with everything HubSpot filled in.
    New,
    /// The properties given, and those that every answer has.
    Given(Vec<String>),
    /// The same, and whether the record is new: an upsert.
    Upserted(Vec<String>, bool),
}

/// What became of one input.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Done),
    Failed {
        problem: Problem,
        trace: Option<String>,
    },
    /// The id names no record; all such inputs share one item.
    Missing {
        id: String,
        trace: Option<String>,
    },
    /// Neither a result nor an error.
    Silent,
}

impl Portal {
    /// A record as a write answers it.
    pub(crate) fn write_done(&self, j: &mut Json, kind: TypeIndex, done: &Done, parsed: &Parsed<'_>) {
        let Some(record) = self.stores[kind].records.get(&done.id) else { return };
        let names = match &done.shown {
            Shown::New | Shown::Upserted(_, true) => self.filled(kind, done.id),
            Shown::Given(names) | Shown::Upserted(names, false) => names.clone(),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shape = self.projection(kind, Some(&names), None, parsed.family);
        self.write_record(j, kind, done.id, record, &shape);
        // What only answers to writes have goes inside the record's closing brace.
        j.out.pop();
        if let Shown::Upserted(_, new) = done.shown {
            j.raw(",").key("new").boolean(new);
        }
        let echoed = match self.settings.switches.trace_echo {
            TraceEcho::Never => false,
            TraceEcho::Upserts => matches!(done.shown, Shown::Upserted(..)),
            TraceEcho::Always => true,
        };
        if let Some(trace) = done.trace.as_deref().filter(|_| echoed) {
            j.raw(",").key("objectWriteTraceId").string(trace);
        }
        write_warnings(j, &done.warnings);
        j.raw("}");
    }

    /// The properties of a record that have a value, the computed ones among them.
    fn filled(&self, kind: TypeIndex, id: u64) -> Vec<String> {
        let store = &self.stores[kind];
        let Some(record) = store.records.get(&id) else { return Vec::new() };
        let set = |property| store.text(property, id, Store::live(record)).is_some();
        store.catalogue.iter().filter(|(id, _)| set(*id)).map(|(_, definition)| definition.name.clone()).collect()
    }

    /// The body of a batch, and whether it has errors.
    pub(crate) fn write_outcomes(
        &mut self,
        kind: TypeIndex,
        mut outcomes: Vec<Outcome>,
        parsed: &Parsed<'_>,
    ) -> (Vec<u8>, bool) {
        self.dice.written.shuffle(&mut outcomes);
        let mut j = Json::with_capacity(600 * outcomes.len() + 300);
        j.raw("{\"status\":\"COMPLETE\",\"results\":[");
        let mut comma = "";
        for outcome in &outcomes {
            if let Outcome::Done(done) = outcome {
                j.raw(comma);
                self.write_done(&mut j, kind, done, parsed);
                comma = ",";
            }
        }
        j.raw("]");
        let errors = self.write_errors(&mut j, kind, &outcomes);
        write_batch_times(&mut j, self.now);
        (j.out, errors > 0)
    }

    fn write_errors(&self, j: &mut Json, kind: TypeIndex, outcomes: &[Outcome]) -> usize {
        let mut items = Vec::new();
        let (mut ids, mut traces) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Failed { problem, trace } => items.push(problem.clone().with_trace(trace.clone())),
                Outcome::Missing { id, trace } => {
                    ids.push(id.clone());
                    traces.extend(trace.clone());
                }
                Outcome::Done(_) | Outcome::Silent => {}
            }
        }
        if !ids.is_empty() {
            let mut problem = Problem::some_missing(&self.types[kind].singular).with_context("ids", ids);
            if !traces.is_empty() {
                problem = problem.with_context("objectWriteTraceId", traces);
            }
            items.push(problem);
        }
        if !items.is_empty() {
            j.raw(",\"numErrors\":").number(items.len() as i64).raw(",\"errors\":[");
            for (n, problem) in items.iter().enumerate() {
                j.raw(if n > 0 { "," } else { "" });
                problem.write_item(j);
            }
            j.raw("]");
        }
        items.len()
    }
}

/// `,"warnings":[…]` where values were normalised.
fn write_warnings(j: &mut Json, warnings: &[Rewritten]) {
    if warnings.is_empty() {
        return;
    }
    j.raw(",").key("warnings").raw("[");
    for (n, warning) in warnings.iter().enumerate() {
        j.raw(if n > 0 { ",{" } else { "{" }).key("category").string("PROPERTY_VALUE_NORMALIZED");
        let words = format!("The value of {} was normalized to {}", warning.property, warning.normalized);
        j.raw(",").key("message").string(&words).raw(",").key("context").raw("{");
        j.key("propertyName").string(&warning.property).raw(",").key("rawValue").string(&warning.raw);
        j.raw(",").key("normalizedValue").string(&warning.normalized).raw("}}");
    }
    j.raw("]");
}
