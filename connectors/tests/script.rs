//! A transport that answers from a function, and remembers what it was asked and when.

use connectors::http::{Request, Response};
use connectors::hubspot::{HubSpot, Settings};
use connectors::{Token, Transport, TransportError};
use serde_json::Value;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_core::events::{Event, Observer};
use tokio::time::Instant;

pub(crate) const TOKEN: &str = "pat-na1-0f8e-canary";
pub(crate) const DATE: &str = "Sun, 22 Nov 2026 10:00:00 GMT";

/// What the far side does with one request.
pub(crate) enum Step {
    Answer(Response),
    Fail(TransportError),
    /// Answers after a while.
    Late(Duration, Response),
    /// Never answers.
    Hang,
}

type Handler = Box<dyn FnMut(&Request) -> Step + Send>;

/// The far side.
pub(crate) struct Fake {
    handler: Mutex<Handler>,
    log: Mutex<Vec<(Instant, Request)>>,
    begun: Instant,
}

impl Transport for Fake {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send {
        let step = (self.handler.lock().unwrap())(&request);
        self.log.lock().unwrap().push((Instant::now(), request));
        async move {
            match step {
                Step::Answer(response) => Ok(response),
                Step::Fail(error) => Err(error),
                Step::Late(wait, response) => {
                    tokio::time::sleep(wait).await;
                    Ok(response)
                }
                Step::Hang => std::future::pending().await,
            }
        }
    }
}

impl Fake {
    /// Verb and path of every request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|(_, request)| format!("{} {}", request.method, request.path)).collect()
    }

    /// The JSON bodies of every request so far that had one.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let log = self.log.lock().unwrap();
        log.iter().filter_map(|(_, request)| serde_json::from_slice(request.body.as_deref()?).ok()).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// When every request was sent, in seconds since the beginning.
    pub(crate) fn times(&self) -> Vec<f64> {
        self.instants(|_| true).iter().map(|at| at.duration_since(self.begun).as_secs_f64()).collect()
    }

    pub(crate) fn instants(&self, which: impl Fn(&Request) -> bool) -> Vec<Instant> {
        self.log.lock().unwrap().iter().filter(|(_, request)| which(request)).map(|(at, _)| *at).collect()
    }
}

/// Hears everything.
#[derive(Default)]
pub(crate) struct Ear(pub(crate) Mutex<Vec<Event>>);

impl Observer for Ear {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub(crate) struct Scene {
    pub(crate) hubspot: Arc<HubSpot<Arc<Fake>>>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) ear: Arc<Ear>,
}

/// A connector whose far side answers with `handler`.
pub(crate) fn scene(settings: Settings, handler: impl FnMut(&Request) -> Step + Send + 'static) -> Scene {
    let fake = Arc::new(Fake { handler: Mutex::new(Box::new(handler)), log: Mutex::default(), begun: Instant::now() });
    let ear = Arc::new(Ear::default());
    let token = Token::new(TOKEN, "the test").unwrap();
    let observer: Arc<dyn Observer> = ear.clone();
    let hubspot = Arc::new(HubSpot::new(Arc::clone(&fake), token, settings, observer));
    Scene { hubspot, fake, ear }
}

/// A connector whose far side answers with these steps, one for each request.
pub(crate) fn steps(steps: impl IntoIterator<Item = Step>) -> Scene {
    steps_with(Settings::default(), steps)
}

pub(crate) fn steps_with(settings: Settings, steps: impl IntoIterator<Item = Step>) -> Scene {
    let mut steps: VecDeque<Step> = steps.into_iter().collect();
    scene(settings, move |request| {
        steps.pop_front().unwrap_or_else(|| panic!("nothing was expected after {} {}", request.method, request.path))
    })
}

/// An answer with a status and a JSON body, dated.
pub(crate) fn response(status: u16, body: &str) -> Response {
    let headers = [("date", DATE), ("Content-Type", "application/json;charset=utf-8")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

pub(crate) fn answer(status: u16, body: &str) -> Step {
    Step::Answer(response(status, body))
}

pub(crate) fn with_header(mut response: Response, name: &str, value: &str) -> Response {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

pub(crate) fn unknown() -> Step {
    Step::Fail(TransportError::Unknown("connection reset by peer".to_owned()))
}

pub(crate) fn not_sent() -> Step {
    Step::Fail(TransportError::NotSent("connection refused".to_owned()))
}

pub(crate) const ACCOUNT: &str =
    r#"{"portalId":62515,"accountType":"STANDARD","timeZone":"US/Eastern","utcOffset":"-04:00"}"#;

pub(crate) fn fine() -> Step {
    answer(200, ACCOUNT)
}

/// A 429 as HubSpot documents it.
pub(crate) fn throttled(policy: &str) -> Step {
    let body = format!(
        r#"{{"status":"error","message":"You have reached your limit.","errorType":"RATE_LIMIT",
            "correlationId":"c033cdaa-2c40-4a64-ae48-b4cec88dad24","policyName":"{policy}","requestId":"1"}}"#
    );
    answer(429, &body)
}

/// A record's JSON.
pub(crate) fn record(id: u64) -> String {
    format!(
        r#"{{"id":"{id}","properties":{{"hs_object_id":"{id}","name":"n{id}"}},"createdAt":"2026-01-01T00:00:00Z",
            "updatedAt":"2026-01-02T00:00:00.072Z","archived":false}}"#
    )
}

pub(crate) fn page(ids: impl IntoIterator<Item = u64>, after: Option<&str>) -> String {
    let records: Vec<String> = ids.into_iter().map(record).collect();
    let paging = after.map_or_else(String::new, |after| {
        format!(r#","paging":{{"next":{{"after":"{after}","link":"https://evil.example/next?after={after}"}}}}"#)
    });
    format!(r#"{{"results":[{}]{paging}}}"#, records.join(","))
}

pub(crate) fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

/// So many property names of `length` characters.
pub(crate) fn many_names(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number:0>width$}", width = length - 1)).collect()
}

/// The query of a path, by name.
pub(crate) fn query<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    path.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
