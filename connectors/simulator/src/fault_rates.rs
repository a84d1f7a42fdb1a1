//! How often things go wrong, and three ordinary measures of it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::faults::FaultKind;

/// How often each kind occurs, between 0 and 1 for each request to which it can apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of the draws; independent of the portal's.
    pub seed: u64,
    /// 429 of the ten-second window.
    pub limited_ten_secondly: f64,
    /// 429 of search.
    pub limited_secondly: f64,
    /// 429 of the day.
    pub limited_daily: f64,
    /// 423.
    pub locked: f64,
    /// 477.
    pub migrating: f64,
    /// Seconds in the `Retry-After` of a 477.
    pub migrating_retry_after: u32,
    /// 5xx from the edge.
    pub edge: f64,
    /// 5xx after the request was carried out.
    pub edge_after: f64,
    /// 401.
    pub unauthorized: f64,
    /// 403.
    pub forbidden: f64,
    /// Timeout, not carried out.
    pub timeout_before: f64,
    /// Timeout, carried out.
    pub timeout_after: f64,
    /// Timeout, carried out up to a minute later.
    pub timeout_late: f64,
    /// Reset before the answer; carried out or not with equal chance.
    pub reset: f64,
    /// Break inside the body.
    pub cut: f64,
    /// Invalid JSON of full length.
    pub invalid_json: f64,
    /// Silent omission from a batch read.
    pub omit: f64,
    /// Duplicate row.
    pub duplicate: f64,
    /// Disorder in a search page.
    pub disorder: f64,
    /// A search page without rows.
    pub vanished: f64,
    /// A write's input answered as done and not done: the share of the inputs, not of the requests.
    pub refused_silently: f64,
    /// Results missing from a batch of writes that was carried out.
    pub written_omitted: f64,
    /// Inputs of a batch of writes neither carried out nor answered.
    pub ignored: f64,
    /// Inputs of a batch of writes refused one by one.
    pub items_failed: f64,
    /// 409 for a whole batch of writes.
    pub conflict: f64,
    /// 207 for a batch of writes without any error.
    pub multi_status: f64,
    /// Slow answers.
    pub slow: f64,
    /// The longest slow answer, in milliseconds.
    pub slow_max_ms: u32,
    /// Times at which everything fails.
    pub storms: Vec<Storm>,
}

/// A time in which every request fails the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// Milliseconds after the portal's start.
    pub from_ms: Millis,
    /// How long, in milliseconds.
    pub for_ms: Millis,
    /// What happens to every request.
    pub kind: FaultKind,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// An ordinary bad day: about one request in twenty.
    pub fn mild() -> Self {
        Self {
            seed: 1,
            limited_ten_secondly: 0.012,
            limited_secondly: 0.008,
            locked: 0.003,
            edge: 0.015,
            edge_after: 0.005,
            unauthorized: 0.003,
            timeout_before: 0.005,
            timeout_after: 0.005,
            timeout_late: 0.001,
            reset: 0.004,
            cut: 0.003,
            invalid_json: 0.002,
            omit: 0.003,
            duplicate: 0.01,
            disorder: 0.002,
            slow: 0.02,
            slow_max_ms: 5_000,
            written_omitted: 0.004,
            ignored: 0.003,
            items_failed: 0.004,
            conflict: 0.002,
            multi_status: 0.002,
            ..Self::default()
        }
    }

    /// Five times as bad, with ten minutes of 503 in it.
    pub fn storm() -> Self {
        Self {
            limited_ten_secondly: 0.06,
            limited_secondly: 0.04,
            locked: 0.015,
            edge: 0.07,
            edge_after: 0.02,
            unauthorized: 0.01,
            timeout_before: 0.02,
            timeout_after: 0.02,
            timeout_late: 0.005,
            reset: 0.02,
            cut: 0.015,
            invalid_json: 0.01,
            omit: 0.015,
            duplicate: 0.05,
            disorder: 0.01,
            slow: 0.1,
            slow_max_ms: 30_000,
            written_omitted: 0.02,
            ignored: 0.015,
            items_failed: 0.02,
            conflict: 0.01,
            multi_status: 0.01,
            storms: vec![Storm {
                from_ms: 5 * 60_000,
                for_ms: 10 * 60_000,
                kind: FaultKind::Edge { status: 503, empty: false },
            }],
            ..Self::mild()
        }
    }

    /// Reads rates from JSON; a key that does not exist is an error.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
