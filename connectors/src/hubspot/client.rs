//! One call to HubSpot, from its budget to its decoded answer, with every repetition in between.

use super::budget::{Budgets, Usage};
use super::error;
use super::settings::Settings;
use super::wire::Misread;
use crate::auth::Token;
use crate::http::retry::{Next, Schedule, Trouble, WORTH_TELLING, mix};
use crate::http::{Effect, Lane, Method, Request, Response, Transport, TransportError};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sync_core::clock::{Clock, SystemClock};
use sync_core::events::{Event, Observer};
use sync_core::model::Timestamp;
use sync_core::{RemoteError, RemoteErrorKind};
use tokio::time::Instant;

/// A transport should end an exchange itself; one that does not is abandoned this much later.
const GRACE: Duration = Duration::from_secs(5);
/// Lists with their properties in the URL are tried up to this length. HubSpot documents the error, 414, not a number.
const URL_BUDGET: usize = 12_000;

/// HubSpot's CRM API, paced, retried and decoded.
pub struct HubSpot<T: Transport> {
    transport: T,
    credential: Token,
    pub(crate) settings: Settings,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    pub(super) budgets: Budgets,
    calls: AtomicU64,
    /// The latest time the remote told, and when.
    told_time: Mutex<Option<(Timestamp, Instant)>>,
    /// How long a URL may be; halved when one was too long.
    pub(crate) url_budget: AtomicUsize,
    /// How custom object types are addressed, by the name under which they were listed.
    pub(crate) custom_types: Mutex<HashMap<String, String>>,
    /// Whether the account's own types have been asked for.
    pub(crate) types_listed: AtomicBool,
}

impl<T: Transport> fmt::Debug for HubSpot<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HubSpot")
            .field("credential", &self.credential)
            .field("settings", &self.settings)
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}

impl<T: Transport> HubSpot<T> {
    /// HubSpot behind `transport`. Needs a tokio runtime with its clock. Keep one for each account and process: it holds
    /// the account's pace.
    pub fn new(transport: T, credential: Token, settings: Settings, observer: Arc<dyn Observer>) -> Self {
        Self {
            transport,
            credential,
            budgets: Budgets::new(&settings),
            settings,
            observer,
            clock: Arc::new(SystemClock),
            calls: AtomicU64::new(0),
            told_time: Mutex::new(None),
            url_budget: AtomicUsize::new(URL_BUDGET),
            custom_types: Mutex::default(),
            types_listed: AtomicBool::new(false),
        }
    }

    /// Tells waits by this clock instead of the machine's. It decides nothing.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// What has been used of the account's limits so far.
    pub fn usage(&self) -> Usage {
        self.budgets.usage()
    }

    /// Makes the call until it succeeds or nothing more can be done. `decode` reads the answer; what it cannot read is
    /// asked for again.
    pub(crate) async fn call<A, D>(&self, call: &Call, decode: D) -> Result<A, RemoteError>
    where
        D: Fn(&Answer<'_>) -> Result<A, Misread>,
    {
        self.try_call(call, decode).await.map_err(|failure| failure.error)
    }

    /// As [`Self::call`], for those who can ask for less where an answer is too large.
    pub(crate) async fn try_call<A, D>(&self, call: &Call, decode: D) -> Result<A, Failure>
    where
        D: Fn(&Answer<'_>) -> Result<A, Misread>,
    {
        let seed = mix(self.settings.jitter_seed, self.calls.fetch_add(1, Ordering::Relaxed));
        let mut schedule = Schedule::new(call.effect, self.settings.give_up_after, seed);
        let mut again = false;
        loop {
            let (began, trouble) = match self.attempt(call, again).await {
                Ok((began, response)) => match self.read(call, &response, &decode) {
                    Ok(answer) => return Ok(answer),
                    Err(trouble) => (began, trouble),
                },
                Err((began, trouble)) => (began, trouble),
            };
            let too_large = matches!(trouble, Trouble::TooLarge(_));
            match schedule.after(trouble, began).map_err(|error| Failure { error, too_large })? {
                Next::Pause(wait) => self.budgets.pause(call.lane, wait),
                Next::Sleep(wait) => {
                    if wait >= WORTH_TELLING {
                        self.tell_wait("HubSpot to answer", wait);
                    }
                    tokio::time::sleep(wait).await;
                }
            }
            again = true;
        }
    }

    /// One attempt: leave from the budget, the exchange, and what its headers teach.
    async fn attempt(&self, call: &Call, again: bool) -> Result<(Instant, Response), (Instant, Trouble)> {
        let stop = |error| (Instant::now(), Trouble::Final(error));
        self.check_day(call).map_err(stop)?;
        let reason = match call.lane {
            Lane::Window => "the request limit",
            Lane::Search => "the search limit",
            Lane::Associations => "the association limit",
        };
        let pass = self.budgets.enter(call.lane, |wait| self.tell_wait(reason, wait)).await;
        self.check_day(call).map_err(stop)?;
        self.budgets.count(call.lane, again);
        let began = pass.granted;
        let sending = self.transport.send(self.request(call));
        let sent = tokio::time::timeout(self.settings.request_timeout + GRACE, sending).await;
        drop(pass);
        let sent = sent.unwrap_or_else(|_| Err(TransportError::Unknown("no answer in time".to_owned())));
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok(response) => {
                let response = self.without_token(response);
                let correlation = response.header("X-HubSpot-Correlation-Id").unwrap_or_default();
                tracing::debug!(call = %call.name(), status = response.status, millis, correlation, "answered");
                self.budgets.learn(call.lane, began, &response);
                Ok((began, response))
            }
            Err(error) => {
                let error = self.error_without_token(error);
                tracing::debug!(call = %call.name(), %error, millis, "no answer");
                Err((began, error::no_answer(call, error)))
            }
        }
    }

    /// Judges an answer and decodes it.
    fn read<A, D>(&self, call: &Call, response: &Response, decode: &D) -> Result<A, Trouble>
    where
        D: Fn(&Answer<'_>) -> Result<A, Misread>,
    {
        let server_time = self.server_time(response);
        if let Some(trouble) = self.judge(call, response) {
            match trouble {
                Trouble::Final(_) if call.refusal_is_answer && response.status != 429 => {}
                trouble => return Err(trouble),
            }
        }
        let text = String::from_utf8_lossy(&response.body);
        decode(&Answer { response, text, server_time })
            .map_err(|misread| Trouble::Unreadable(error::unreadable(call, response, &misread.0)))
    }

    fn judge(&self, call: &Call, response: &Response) -> Option<Trouble> {
        let trouble = error::judge(call, response);
        if let Some(Trouble::Final(error)) = &trouble
            && error.kind == RemoteErrorKind::DailyLimit
        {
            self.budgets.day_is_over(call.lane);
        }
        trouble
    }

    fn check_day(&self, call: &Call) -> Result<(), RemoteError> {
        if call.always { Ok(()) } else { self.budgets.check_day() }
    }

    fn request(&self, call: &Call) -> Request {
        let mut headers = vec![
            ("Authorization".to_owned(), self.credential.bearer()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        if call.body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Request {
            method: call.method,
            path: call.path.clone(),
            headers,
            body: call.body.clone(),
            timeout: self.settings.request_timeout,
        }
    }

    /// Text of an answer without the token, should it quote the request back.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.credential.redact(text)
    }

    /// The answer, should it quote the request back: in its headers, or in the body of an error.
    fn without_token(&self, mut response: Response) -> Response {
        for (_, value) in &mut response.headers {
            *value = self.credential.redact(value);
        }
        if !(200..300).contains(&response.status) {
            response.body = self.credential.redact(&String::from_utf8_lossy(&response.body)).into_bytes();
        }
        response
    }

    fn error_without_token(&self, error: TransportError) -> TransportError {
        match error {
            TransportError::NotSent(text) => TransportError::NotSent(self.credential.redact(&text)),
            TransportError::Unknown(text) => TransportError::Unknown(self.credential.redact(&text)),
            TransportError::TooLarge(text) => TransportError::TooLarge(self.credential.redact(&text)),
        }
    }

    /// The remote's clock: the answer's own `Date`, else the latest time known, moved on by what has passed since.
    fn server_time(&self, response: &Response) -> Option<Timestamp> {
        let mut known = self.told_time.lock().unwrap_or_else(PoisonError::into_inner);
        let date = response.header("Date").and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
        match date.map(|date| Timestamp::from_millis(date.timestamp_millis())) {
            Some(told) => {
                if known.is_none_or(|(latest, _)| latest <= told) {
                    *known = Some((told, Instant::now()));
                }
                Some(told)
            }
            None => known.map(|(latest, at)| latest.plus(at.elapsed())),
        }
    }

    fn tell_wait(&self, reason: &str, wait: Duration) {
        self.observer.event(Event::Waiting { reason: reason.to_owned(), until: self.clock.now().plus(wait) });
    }
}

/// Why a call came to nothing.
pub(crate) struct Failure {
    pub(crate) error: RemoteError,
    /// The answer is too large to be read; one about less may not be.
    pub(crate) too_large: bool,
}

/// A call to make: everything about it but the credential and the pace.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) lane: Lane,
    pub(crate) effect: Effect,
    /// Made even when the day's requests are used up: the call that finds out.
    pub(crate) always: bool,
    /// A 4xx is handed over as it is.
    pub(crate) refusal_is_answer: bool,
}

impl Call {
    /// A read by GET, paid from the window.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::Get,
            path,
            body: None,
            lane: Lane::Window,
            effect: Effect::Read,
            always: false,
            refusal_is_answer: false,
        }
    }

    /// A read by POST: a search or a batch.
    pub(crate) fn post(lane: Lane, path: String, body: String) -> Self {
        Self { method: Method::Post, body: Some(body.into_bytes()), lane, ..Self::get(path) }
    }

    /// The call as an error or a log line names it: without its query, which may be very long.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, error::quote(self.path.split('?').next().unwrap_or_default()))
    }
}

/// An answer with a good status.
pub(crate) struct Answer<'a> {
    pub(crate) response: &'a Response,
    /// The body; bytes that are no UTF-8 are replaced.
    pub(crate) text: Cow<'a, str>,
    server_time: Option<Timestamp>,
}

impl Answer<'_> {
    /// The remote's clock when it answered.
    pub(crate) fn server_time(&self) -> Result<Timestamp, Misread> {
        self.server_time.ok_or_else(|| Misread("it does not tell its time (no Date header)".to_owned()))
    }
}
