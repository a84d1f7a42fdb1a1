//! Pipelines and their stages, beginning with those every portal has. Metadata values are strings, also where they look like
//! numbers; default pipelines claim to be from 1970.

use crate::Millis;
use crate::object_types::{ObjectType, TypeIndex};

/// A pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) order: u32,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) archived: Option<Millis>,
    pub(crate) stages: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) order: u32,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) archived: Option<Millis>,
}

/// id, label, probability.
type Row = (&'static str, &'static str, &'static str);

const SALES: &[Row] = &[
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
];

const RENEWALS: &[Row] =
    &[("158112061", "Up for renewal", "0.5"), ("158112062", "Renewed", "1.0"), ("158112063", "Churned", "0.0")];

const SUPPORT: &[Row] = &[
    ("1", "New", "OPEN"),
    ("2", "Waiting on contact", "OPEN"),
    ("3", "Waiting on us", "OPEN"),
    ("4", "Closed", "CLOSED"),
];

const LEAD: &[Row] = &[
    ("new-stage-id", "New", "OPEN"),
    ("attempting-stage-id", "Attempting", "OPEN"),
    ("connected-stage-id", "Connected", "OPEN"),
    ("qualified-stage-id", "Qualified", "CLOSED"),
    ("unqualified-stage-id", "Disqualified", "CLOSED"),
];

const ORDER: &[Row] = &[
    ("4b27b500-f031-4927-9811-68a0b525cbae", "Open", "OPEN"),
    ("aa99e8d0-c1d5-4071-b915-d240bbb1aed9", "Processed", "CLOSED"),
];

/// The pipelines a portal begins with.
pub(crate) fn shipped(types: &[ObjectType], start: Millis) -> Vec<(TypeIndex, Pipeline)> {
    let made = start - 700 * crate::clock::DAY;
    let all = [
        ("deals", "default", "Sales Pipeline", 0, SALES),
        ("deals", "88104471", "Renewals", made, RENEWALS),
        ("tickets", "0", "Support Pipeline", 0, SUPPORT),
        ("leads", "lead-pipeline-id", "Lead pipeline", 0, LEAD),
        ("orders", "14a2e10e-5471-408a-906e-c51f3b04369e", "Order Pipeline", 0, ORDER),
    ];
    let mut out = Vec::new();
    for (object, id, label, created, rows) in all {
        if let Some(kind) = types.iter().position(|t| t.name == object) {
            let order = out.iter().filter(|(k, _)| *k == kind).count() as u32;
            out.push((kind, pipeline(id, label, order, created, rows)));
        }
    }
    out
}

fn pipeline(id: &str, label: &str, order: u32, created: Millis, rows: &[Row]) -> Pipeline {
    let stages =
        rows.iter().enumerate().map(|(n, row)| stage(row.0, row.1, n as u32, metadata(row.2), created)).collect();
    Pipeline { id: id.into(), label: label.into(), order, created, updated: created, archived: None, stages }
}

/// A stage made at an instant.
pub(crate) fn stage(id: &str, label: &str, order: u32, metadata: Vec<(String, String)>, created: Millis) -> Stage {
    Stage { id: id.into(), label: label.into(), order, metadata, created, updated: created, archived: None }
}

/// A probability makes deal metadata, `OPEN` or `CLOSED` ticket metadata.
pub(crate) fn metadata(state: &str) -> Vec<(String, String)> {
    if state.parse::<f64>().is_ok() {
        let closed = matches!(state, "1.0" | "0.0");
        return vec![("isClosed".into(), closed.to_string()), ("probability".into(), state.to_owned())];
    }
    vec![("isClosed".into(), (state == "CLOSED").to_string()), ("ticketState".into(), state.to_owned())]
}
