//! What may go wrong, how often, and what a test wants to go wrong next.
//!
//! Two sources: rates, drawn from a seed of their own, and scripted faults that wait for a request that matches. Either way
//! the portal decides nothing by chance that a second run with the same seeds would decide differently.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Millis, Request};

/// Which limit a 429 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// 100, 110 or 190 calls in ten seconds.
    TenSecondly,
    /// Search: five a second.
    Secondly,
    /// The account's day.
    Daily,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// 429; `documented` chooses between the two bodies that exist.
    Limited {
        /// The limit named.
        policy: Policy,
        /// The body of the documentation rather than the recorded one.
        documented: bool,
    },
    /// 423: a lock that lasts two seconds.
    Locked,
    /// 477: the account is moving between data centres.
    Migrating {
        /// Seconds in `Retry-After`.
        retry_after: u32,
    },
    /// 5xx from the edge, HTML or empty, the request not carried out.
    Edge {
        /// 500, 502, 503, 504, 521, 522, 523, 524, …
        status: u16,
        /// An empty body instead of HTML.
        empty: bool,
    },
    /// The same after the request was carried out.
    EdgeAfter {
        /// 500, 502, 504, …
        status: u16,
    },
    /// 401 although the token is good.
    Unauthorized,
    /// 403 `MISSING_SCOPES`.
    Forbidden,
    /// No answer, and the request is not carried out.
    TimeoutBefore,
    /// No answer, and the request is carried out.
    TimeoutAfter,
    /// No answer, and the request is carried out later.
    TimeoutLate {
        /// Milliseconds until it is.
        delay: u32,
    },
    /// The connection is reset before any byte; the request is not carried out.
    Reset,
    /// The connection is reset before any byte; the request is carried out.
    ResetAfter,
    /// The connection breaks inside the body.
    Cut,
    /// A 200 of full length whose JSON ends early.
    InvalidJson,
    /// Results missing from a batch read, without a word.
    Omit,
    /// A row twice in a page.
    Duplicate,
    /// The rows of a page out of order.
    Disorder,
    /// Every row of a search page archived between index and live read: counted, and left out.
    Vanish,
    /// A slow answer.
    Slow {
        /// Milliseconds added.
        by: u32,
    },
}

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

/// Which requests a scripted fault waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    method: Option<String>,
    path_contains: Option<String>,
    skip: u32,
    times: u32,
}

impl When {
    /// The next `times` requests, whatever they are.
    pub fn next(times: u32) -> Self {
        Self { method: None, path_contains: None, skip: 0, times }
    }

    /// The next request whose path contains this.
    pub fn path(part: impl Into<String>) -> Self {
        Self { path_contains: Some(part.into()), ..Self::next(1) }
    }

    /// Only requests of this method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Lets this many matching requests pass first.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes this many times.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, request: &Request) -> bool {
        self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(&request.method))
            && self.path_contains.as_ref().is_none_or(|part| request.path.contains(part.as_str()))
    }
}

/// What kind of request a fault may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) search: bool,
    pub(crate) list: bool,
    pub(crate) batch_read: bool,
}

/// Draws and scripts.
#[derive(Debug)]
pub(crate) struct FaultDesk {
    rates: Faults,
    start: Millis,
    dice: fastrand::Rng,
    scripted: Vec<(FaultKind, When)>,
}

impl FaultDesk {
    pub(crate) fn new(rates: Faults, start: Millis) -> Self {
        let dice = fastrand::Rng::with_seed(rates.seed ^ 0xfa_u64.rotate_left(40));
        Self { rates, start, dice, scripted: Vec::new() }
    }

    pub(crate) fn set(&mut self, rates: Faults) {
        self.dice = fastrand::Rng::with_seed(rates.seed ^ 0xfa_u64.rotate_left(40));
        self.rates = rates;
    }

    pub(crate) fn inject(&mut self, kind: FaultKind, when: When) {
        if when.times > 0 {
            self.scripted.push((kind, when));
        }
    }

    /// What goes wrong with this request. Scripted faults come before storms, and those before the draw.
    pub(crate) fn strike(&mut self, now: Millis, request: &Request, target: Target) -> Option<FaultKind> {
        if let Some(kind) = self.script(request) {
            return Some(kind);
        }
        let since = now - self.start;
        if let Some(storm) = self.rates.storms.iter().find(|s| (s.from_ms..s.from_ms + s.for_ms).contains(&since)) {
            return Some(storm.kind.clone());
        }
        self.draw(target)
    }

    fn script(&mut self, request: &Request) -> Option<FaultKind> {
        let n = self.scripted.iter().position(|(_, when)| when.matches(request))?;
        let (kind, when) = &mut self.scripted[n];
        if when.skip > 0 {
            when.skip -= 1;
            return None;
        }
        when.times -= 1;
        let kind = kind.clone();
        if when.times == 0 {
            self.scripted.remove(n);
        }
        Some(kind)
    }

    /// One draw decides whether and what, so that adding a rate does not shift every later draw.
    fn draw(&mut self, target: Target) -> Option<FaultKind> {
        let draw = self.dice.f64();
        let detail = self.dice.u64(..);
        let r = &self.rates;
        let mut floor = 0.0;
        let mut hit = |rate: f64, possible: bool| {
            let from = floor;
            floor += rate;
            possible && (from..floor).contains(&draw)
        };
        let documented = detail & 1 == 0;
        let limited = |policy| Some(FaultKind::Limited { policy, documented });
        let pick = |statuses: &[u16]| statuses[(detail >> 8) as usize % statuses.len()];
        if hit(r.limited_ten_secondly, !target.search) {
            limited(Policy::TenSecondly)
        } else if hit(r.limited_secondly, target.search) {
            limited(Policy::Secondly)
        } else if hit(r.limited_daily, true) {
            limited(Policy::Daily)
        } else if hit(r.locked, true) {
            Some(FaultKind::Locked)
        } else if hit(r.migrating, true) {
            Some(FaultKind::Migrating { retry_after: r.migrating_retry_after.max(1) })
        } else if hit(r.edge, true) {
            Some(FaultKind::Edge { status: pick(&[500, 502, 503, 504, 521, 523, 524]), empty: documented })
        } else if hit(r.edge_after, true) {
            Some(FaultKind::EdgeAfter { status: pick(&[500, 502, 504, 524]) })
        } else if hit(r.unauthorized, true) {
            Some(FaultKind::Unauthorized)
        } else if hit(r.forbidden, true) {
            Some(FaultKind::Forbidden)
        } else if hit(r.timeout_before, true) {
            Some(FaultKind::TimeoutBefore)
        } else if hit(r.timeout_after, true) {
            Some(FaultKind::TimeoutAfter)
        } else if hit(r.timeout_late, true) {
            Some(FaultKind::TimeoutLate { delay: 1 + (detail >> 8) as u32 % 60_000 })
        } else if hit(r.reset, true) {
            Some(if documented { FaultKind::Reset } else { FaultKind::ResetAfter })
        } else if hit(r.cut, true) {
            Some(FaultKind::Cut)
        } else if hit(r.invalid_json, true) {
            Some(FaultKind::InvalidJson)
        } else if hit(r.omit, target.batch_read) {
            Some(FaultKind::Omit)
        } else if hit(r.duplicate, target.list || target.search) {
            Some(FaultKind::Duplicate)
        } else if hit(r.disorder, target.search) {
            Some(FaultKind::Disorder)
        } else if hit(r.vanished, target.search) {
            Some(FaultKind::Vanish)
        } else if hit(r.slow, true) {
            Some(FaultKind::Slow { by: 1 + (detail >> 8) as u32 % r.slow_max_ms.max(1) })
        } else {
            None
        }
    }
}

/// How long a slow answer takes on top.
pub(crate) fn delay(kind: Option<&FaultKind>) -> Duration {
    match kind {
        Some(FaultKind::Slow { by }) => Duration::from_millis(u64::from(*by)),
        _ => Duration::ZERO,
    }
}
