//! What may go wrong, how often, and what a test wants to go wrong next.
//!
//! Two sources: rates, drawn from a seed of their own, and scripted faults that wait for a request that matches. Either way
//! the portal decides nothing by chance that a second run with the same seeds would decide differently.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault_rates::Faults;
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
    /// Results missing from a batch, without a word. What a write left out was carried out.
    Omit,
    /// A row twice in a page.
    Duplicate,
    /// The rows of a page out of order.
    Disorder,
    /// Every row of a search page archived between index and live read: counted, and left out.
    Vanish,
    /// Writes, of a batch or a single one: a tenth of the inputs, at least one, answered as if done, and not done.
    RefuseSilently,
    /// A tenth of a batch's inputs not carried out, and missing from the answer without a word.
    Ignore,
    /// A tenth of a batch's inputs not carried out, with an error item each.
    FailItems,
    /// 207 for a batch of writes although every input succeeded.
    MultiStatus,
    /// 409 for the whole request, which is not carried out.
    Conflict,
    /// A slow answer.
    Slow {
        /// Milliseconds added.
        by: u32,
    },
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
    pub(crate) batch_write: bool,
}

/// Draws and scripts.
#[derive(Debug)]
pub(crate) struct FaultDesk {
    rates: Faults,
    start: Millis,
    dice: fastrand::Rng,
    /// Draws for the inputs of writes, so that a batch's size moves no other draw.
    inputs: fastrand::Rng,
    scripted: Vec<(FaultKind, When)>,
}

impl FaultDesk {
    pub(crate) fn new(rates: Faults, start: Millis) -> Self {
        let (dice, inputs) = streams(&rates);
        Self { rates, start, dice, inputs, scripted: Vec::new() }
    }

    pub(crate) fn set(&mut self, rates: Faults) {
        (self.dice, self.inputs) = streams(&rates);
        self.rates = rates;
    }

    /// Whether an input of a write is refused without a word.
    pub(crate) fn refuses_silently(&mut self) -> bool {
        self.rates.refused_silently > 0.0 && self.inputs.f64() < self.rates.refused_silently
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
        } else if hit(r.written_omitted, target.batch_write) {
            Some(FaultKind::Omit)
        } else if hit(r.ignored, target.batch_write) {
            Some(FaultKind::Ignore)
        } else if hit(r.items_failed, target.batch_write) {
            Some(FaultKind::FailItems)
        } else if hit(r.conflict, target.batch_write) {
            Some(FaultKind::Conflict)
        } else if hit(r.multi_status, target.batch_write) {
            Some(FaultKind::MultiStatus)
        } else {
            None
        }
    }
}

fn streams(rates: &Faults) -> (fastrand::Rng, fastrand::Rng) {
    let stream = |word: u64| fastrand::Rng::with_seed(rates.seed ^ word.rotate_left(40));
    (stream(0xfa), stream(0xfb))
}

/// How long a slow answer takes on top.
pub(crate) fn delay(kind: Option<&FaultKind>) -> Duration {
    match kind {
        Some(FaultKind::Slow { by }) => Duration::from_millis(u64::from(*by)),
        _ => Duration::ZERO,
    }
}
