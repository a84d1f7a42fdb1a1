//! The portal: all its state, and the one door through which requests come.
//!
//! A request passes, in this order: the clock moves, what was due happens, the edge may fail, the limits are counted,
//! the token is checked, the endpoint answers, and the answer may be spoilt on its way back.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::calls::CallLog;
use crate::exchange::{Delivery, Exchange, Millis, Request, Response};
use crate::faults::{FaultDesk, FaultKind, Policy, Target, delay};
use crate::jobs::{Dice, Due};
use crate::limits::{self, Limits};
use crate::links::Links;
use crate::object_types::{ObjectType, TypeIndex, resolve};
use crate::owners::Owner;
use crate::pipelines::Pipeline;
use crate::problem::{Problem, page};
use crate::routes::{Family, Parsed, Route, parse};
use crate::settings::Settings;
use crate::store::Store;
use crate::switches::LimitBody;
use crate::writing::Rules;
use crate::writing::log::WriteLog;
use crate::{clock, data};

/// Longer request lines are refused with 414.
const LONGEST_URL: usize = 16_384;

/// A simulated HubSpot portal.
#[derive(Debug)]
pub struct Portal {
    pub(crate) settings: Settings,
    pub(crate) now: Millis,
    pub(crate) stores: Vec<Store>,
    pub(crate) types: Vec<ObjectType>,
    pub(crate) links: Links,
    pub(crate) pipelines: Vec<(TypeIndex, Pipeline)>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) jobs: BinaryHeap<Reverse<Due>>,
    pub(crate) jobs_made: u64,
    pub(crate) dice: Dice,
    pub(crate) calls: CallLog,
    pub(crate) rules: Rules,
    pub(crate) log: WriteLog,
    pub(crate) token: String,
    pub(crate) token_expired: Option<Millis>,
    pub(crate) denied: BTreeSet<String>,
    pub(crate) write_denied: BTreeSet<String>,
    pub(crate) limits: Limits,
    pub(crate) desk: FaultDesk,
}

/// What an endpoint answers when it does not refuse.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Answer { status: 200, body }
    }

    /// 204, which has no body.
    pub(crate) fn nothing() -> Self {
        Answer { status: 204, body: Vec::new() }
    }
}

/// A request with what the endpoints need to know about it.
pub(crate) struct Call<'a> {
    pub(crate) parsed: Parsed<'a>,
    pub(crate) body: &'a [u8],
    pub(crate) spoil: Option<FaultKind>,
}

impl Portal {
    /// A portal with the data that the settings ask for.
    pub fn new(settings: Settings) -> Self {
        let mut dice = Dice::new(settings.seed);
        let token = format!("pat-na1-{}", dice.uuid());
        let types = data::types(&settings);
        let born = settings.start - 4 * 365 * clock::DAY;
        let stores = types.iter().map(|t| Store::new(t.clone(), born, &mut dice.ids)).collect();
        let mut portal = Portal {
            now: settings.start,
            links: Links::new(&types),
            pipelines: crate::pipelines::shipped(&types, settings.start),
            owners: Vec::new(),
            jobs: BinaryHeap::new(),
            jobs_made: 0,
            calls: CallLog::default(),
            token,
            token_expired: None,
            rules: Rules::default(),
            log: WriteLog::default(),
            denied: BTreeSet::new(),
            write_denied: BTreeSet::new(),
            limits: Limits::new(settings.tier, settings.zone.clone(), settings.switches.rejections_fill_window),
            desk: FaultDesk::new(settings.faults.clone(), settings.start),
            dice,
            stores,
            types,
            settings,
        };
        data::fill(&mut portal);
        portal
    }

    /// One request. All time comes from `now`; a clock that runs backwards stands still.
    pub fn exchange(&mut self, now: Millis, request: &Request) -> Exchange {
        self.advance(now);
        let parsed = parse(&request.method, &request.path);
        self.calls.count(parsed.kind(&request.method));
        let target = Target {
            search: matches!(parsed.route, Route::Search(_)),
            list: matches!(parsed.route, Route::List(_)),
            batch_read: matches!(parsed.route, Route::BatchRead(_)),
            batch_write: matches!(parsed.route, Route::Write(write) if write.is_batch() || write.of_associations()),
        };
        let fault = self.desk.strike(self.now, request, target);
        self.calls.faults += u64::from(fault.is_some());
        let latency = self.settings.latency + delay(fault.as_ref());
        let delivery = self.deliver(request, parsed, fault);
        match &delivery {
            Delivery::Answer(response) => *self.calls.statuses.entry(response.status).or_default() += 1,
            Delivery::Timeout | Delivery::Reset | Delivery::Cut(_) => self.calls.broken += 1,
        }
        Exchange { delivery, latency }
    }

    fn deliver(&mut self, request: &Request, parsed: Parsed<'_>, fault: Option<FaultKind>) -> Delivery {
        let family = parsed.family;
        match fault {
            None => Delivery::Answer(self.answer(request, parsed, None)),
            Some(FaultKind::TimeoutBefore) => Delivery::Timeout,
            Some(FaultKind::Reset) => Delivery::Reset,
            Some(FaultKind::TimeoutLate { delay }) => {
                self.schedule_request(self.now + Millis::from(delay), request.clone());
                Delivery::Timeout
            }
            Some(FaultKind::TimeoutAfter) => {
                self.answer(request, parsed, None);
                Delivery::Timeout
            }
            Some(FaultKind::ResetAfter) => {
                self.answer(request, parsed, None);
                Delivery::Reset
            }
            Some(FaultKind::EdgeAfter { status }) => {
                self.answer(request, parsed, None);
                Delivery::Answer(self.edge(status, false))
            }
            Some(FaultKind::Cut) => spoil_length(self.answer(request, parsed, None), true),
            Some(FaultKind::InvalidJson) => spoil_length(self.answer(request, parsed, None), false),
            Some(FaultKind::Edge { status, empty }) => Delivery::Answer(self.edge(status, empty)),
            Some(
                spoil @ (FaultKind::Omit
                | FaultKind::Duplicate
                | FaultKind::Disorder
                | FaultKind::Vanish
                | FaultKind::Ignore
                | FaultKind::RefuseSilently
                | FaultKind::FailItems
                | FaultKind::MultiStatus),
            ) => Delivery::Answer(self.answer(request, parsed, Some(spoil))),
            Some(FaultKind::Conflict) => {
                let problem = Problem::conflict("A conflicting write is in progress");
                Delivery::Answer(self.turn_away(&parsed, &problem))
            }
            Some(FaultKind::Slow { .. }) => Delivery::Answer(self.answer(request, parsed, None)),
            Some(FaultKind::Limited { policy, documented }) => {
                let shape = if documented { LimitBody::Documented } else { LimitBody::Wire };
                // A refused call counts against the day like any other.
                self.limits.spend_elsewhere(self.now, 1);
                Delivery::Answer(self.limited(&parsed, policy, shape))
            }
            Some(FaultKind::Locked) => Delivery::Answer(self.turn_away(&parsed, &Problem::locked())),
            Some(FaultKind::Migrating { retry_after }) => {
                let mut response = self.edge(477, true);
                response.headers.push(("Retry-After".into(), retry_after.to_string()));
                Delivery::Answer(response)
            }
            Some(FaultKind::Unauthorized) => {
                let problem = expired(self.now, self.now - 75_000);
                Delivery::Answer(self.turn_away(&parsed, &problem))
            }
            Some(FaultKind::Forbidden) => {
                let problem =
                    Problem::missing_scopes(vec!["crm.objects.contacts.read".into()], family == Family::Dated);
                Delivery::Answer(self.turn_away(&parsed, &problem))
            }
        }
    }

    /// Limits, token, endpoint.
    pub(crate) fn answer(&mut self, request: &Request, parsed: Parsed<'_>, spoil: Option<FaultKind>) -> Response {
        let rate_headers = match self.count(&parsed) {
            Ok(rate_headers) => rate_headers,
            Err(limited) => return limited,
        };
        if request.path.len() > LONGEST_URL {
            return self.refuse(&Problem::too_long(), rate_headers);
        }
        if let Err(problem) = self.authorize(request) {
            return self.refuse(&problem, rate_headers);
        }
        let call = Call { parsed, body: &request.body, spoil };
        let writes = matches!(call.parsed.route, Route::Write(_));
        let response = match self.permitted(&call).and_then(|()| self.dispatch(&call)) {
            Ok(answer) => self.respond(answer.status, answer.body, true, rate_headers),
            Err(problem) => self.refuse(&problem, rate_headers),
        };
        if writes {
            self.note_request(request, response.status);
        }
        response
    }

    /// Counts a request: the rate headers of its answer, or the 429 that it gets instead.
    fn count(&mut self, parsed: &Parsed<'_>) -> Result<Vec<(String, String)>, Response> {
        let budget = parsed.budget();
        let Err(policy) = self.limits.take(self.now, budget) else { return Ok(self.limits.headers(self.now, budget)) };
        *self.calls.refused.entry(policy).or_default() += 1;
        let shape = match budget {
            limits::Budget::Search => self.settings.switches.search_limit_body,
            _ => LimitBody::Documented,
        };
        Err(self.limited(parsed, policy, shape))
    }

    /// Refuses a request before it comes to the endpoint. It counts all the same.
    fn turn_away(&mut self, parsed: &Parsed<'_>, problem: &Problem) -> Response {
        match self.count(parsed) {
            Ok(rate_headers) => self.refuse(problem, rate_headers),
            Err(limited) => limited,
        }
    }

    fn authorize(&self, request: &Request) -> Result<(), Problem> {
        let given = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        match given {
            None => Err(Problem::unauthenticated()),
            // What is no token at all is reported as one that expired at the beginning of time.
            Some(token) if token != self.token => Err(expired(self.now, 0)),
            Some(_) => match self.token_expired {
                Some(at) if at <= self.now => Err(expired(self.now, at)),
                Some(_) | None => Ok(()),
            },
        }
    }

    fn limited(&mut self, parsed: &Parsed<'_>, policy: Policy, shape: LimitBody) -> Response {
        let (correlation, request_id) = (self.dice.uuid(), self.dice.uuid());
        let body = limits::refusal(policy, shape, &correlation, &request_id);
        let headers = self.limits.headers(self.now, parsed.budget());
        let mut response = self.respond(429, body, true, headers);
        set_correlation(&mut response, correlation);
        response
    }

    fn edge(&mut self, status: u16, empty: bool) -> Response {
        let body = if empty { Vec::new() } else { page(status, "Error").into_bytes() };
        let mut headers = vec![("Date".to_owned(), clock::http_date(self.now)), self.ray()];
        if !empty {
            headers.push(("Content-Type".into(), "text/html; charset=UTF-8".into()));
        }
        Response { status, headers, body }
    }

    fn refuse(&mut self, problem: &Problem, headers: Vec<(String, String)>) -> Response {
        let correlation = self.dice.uuid();
        let (body, json) = problem.body(&correlation);
        let mut response = self.respond(problem.status, body, json, headers);
        set_correlation(&mut response, correlation);
        response
    }

    fn respond(&mut self, status: u16, body: Vec<u8>, json: bool, rate: Vec<(String, String)>) -> Response {
        let mut headers = Vec::with_capacity(rate.len() + 5);
        headers.push(("Date".to_owned(), clock::http_date(self.now)));
        if !body.is_empty() {
            let kind = if json { "application/json;charset=utf-8" } else { "text/html; charset=UTF-8" };
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        headers.push(("X-HubSpot-Correlation-Id".to_owned(), self.dice.uuid()));
        headers.push(self.ray());
        headers.extend(rate);
        Response { status, headers, body }
    }

    fn ray(&mut self) -> (String, String) {
        ("CF-Ray".to_owned(), format!("{:016x}-IAD", self.dice.wire.u64(..)))
    }

    /// The type that a path means, or the refusal.
    pub(crate) fn kind(&self, asked: &str) -> Result<TypeIndex, Problem> {
        resolve(&self.types, asked).ok_or_else(|| Problem::object_type(asked))
    }
}

fn set_correlation(response: &mut Response, correlation: String) {
    if let Some((_, value)) = response.headers.iter_mut().find(|(name, _)| name == "X-HubSpot-Correlation-Id") {
        *value = correlation;
    }
}

/// The 401 of a token that expired at an instant.
fn expired(now: Millis, at: Millis) -> Problem {
    let ago = (now - at) / 1_000;
    let words = if ago >= 86_400 { format!("{} day(s)", ago / 86_400) } else { format!("{ago} second(s)") };
    Problem::expired(&words, clock::iso(at))
}

/// An answer whose body ends early: with the connection, or as a complete body that is no JSON.
fn spoil_length(mut response: Response, cut: bool) -> Delivery {
    let whole = response.body.len();
    response.body.truncate(whole - whole / 3 - usize::from(whole > 0));
    if cut {
        response.headers.push(("Content-Length".into(), whole.to_string()));
        return Delivery::Cut(response);
    }
    Delivery::Answer(response)
}
