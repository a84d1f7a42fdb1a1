//! Requests that write: how many a call takes, and what a request that fails as a whole means for its inputs.
//!
//! What is certainly not done is an error, and what is not certain is an unknown outcome, never the other way round. The
//! requests of a call are sent one after the other. One that is refused stops none of the others; any other failure
//! stops those that were to follow it.

use super::HubSpot;
use super::client::Call;
use super::error;
use super::refusals::{self, ItemError};
use super::wire::{Misread, body};
use crate::http::{Effect, Lane, Transport};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::ops::Range;
use sync_core::remote::{Outcome, Refusal};
use sync_core::{RemoteError, RemoteErrorKind};

/// HubSpot documents no size that a body may have; this much is taken everywhere.
const BODY: usize = 1_000_000;

/// Where requests go.
pub(crate) struct Endpoint {
    pub(crate) lane: Lane,
    pub(crate) path: String,
    /// Inputs name records by their ids, so that an answer of "not found" may speak of them.
    pub(crate) by_id: bool,
}

/// One request: the inputs it holds, by their places, and its body.
pub(crate) struct Part {
    pub(crate) range: Range<usize>,
    pub(crate) body: String,
}

/// The requests for these inputs: at most so many in each, and no body too large unless one input alone makes it so.
pub(crate) fn parts(inputs: &[impl Serialize], most: usize) -> Vec<Part> {
    let texts: Vec<String> = inputs.iter().map(super::objects::json).collect();
    let mut parts = Vec::new();
    let mut begin = 0;
    while begin < texts.len() {
        let mut size = 0;
        let fits = texts[begin..].iter().take(most).take_while(|text| {
            size += text.len() + 1;
            size <= BODY
        });
        let end = begin + fits.count().max(1);
        parts.push(Part { range: begin..end, body: format!(r#"{{"inputs":[{}]}}"#, texts[begin..end].join(",")) });
        begin = end;
    }
    parts
}

/// What an answer to a batch says: results still to be read, and errors.
pub(crate) struct Told<'a> {
    pub(crate) status: Option<String>,
    pub(crate) results: Vec<&'a RawValue>,
    pub(crate) errors: Vec<ItemError>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    status: Option<String>,
    #[serde(default, borrow)]
    results: Option<Vec<&'a RawValue>>,
    #[serde(default, borrow)]
    errors: Option<Vec<&'a RawValue>>,
}

/// What became of a request that was answered.
enum Answered<A> {
    Told(Vec<Outcome<A>>),
    Refused(Box<Refused>),
}

/// A request that was turned away as a whole.
struct Refused {
    error: RemoteError,
    refusal: Refusal,
    /// HubSpot itself says so: somebody in between, who knows no records, says it in another way.
    in_json: bool,
}

impl Refused {
    /// What it means for a request of so many inputs. Only what speaks of inputs may be mended by sending fewer.
    fn outcomes<A>(self, to: &Endpoint, inputs: usize) -> Result<Vec<Outcome<A>>, RemoteError> {
        let Self { error, refusal, in_json } = self;
        let about_inputs = match error.status {
            Some(400 | 409 | 413 | 414 | 422) => true,
            Some(404 | 410) => to.by_id && in_json,
            _ => false,
        };
        match error.kind {
            _ if about_inputs && inputs == 1 => Ok(vec![Outcome::Refused(refusal)]),
            _ if about_inputs => Err(RemoteError { kind: RemoteErrorKind::Refused, ..error }),
            // A redirect, a gateway's page.
            RemoteErrorKind::Refused => Err(RemoteError { kind: RemoteErrorKind::Unreadable, ..error }),
            _ => Err(error),
        }
    }
}

impl<T: Transport> HubSpot<T> {
    /// Reads the answer to a batch. It promises nothing: results and errors may both be missing.
    pub(crate) fn told<'a>(&self, text: &'a str) -> Result<Told<'a>, Misread> {
        let envelope: Envelope<'a> = body(text)?;
        let errors = envelope.errors.unwrap_or_default();
        let errors = errors.into_iter().map(|raw| ItemError::read(&self.redact(raw.get()))).collect();
        Ok(Told { status: envelope.status, results: envelope.results.unwrap_or_default(), errors })
    }

    /// Sends the requests of one call. `read` makes of an answer one outcome for each input of the part.
    pub(crate) async fn send<A, R>(
        &self,
        to: &Endpoint,
        parts: Vec<Part>,
        read: R,
    ) -> Result<Vec<Outcome<A>>, RemoteError>
    where
        A: Send,
        R: Fn(Range<usize>, &str) -> Result<Vec<Outcome<A>>, Misread> + Send + Sync,
    {
        let mut outcomes = Vec::new();
        let mut stopped: Option<RemoteError> = None;
        for part in parts {
            let inputs = part.range.len();
            let sent = match &stopped {
                Some(error) => Err(error.clone()),
                None => self.send_part(to, part, &read).await,
            };
            match sent {
                Ok(told) => outcomes.extend(told),
                Err(error) => {
                    outcomes.extend(std::iter::repeat_with(|| Outcome::NotDone(error.clone())).take(inputs));
                    stopped = stopped.or_else(|| (error.kind != RemoteErrorKind::Refused).then_some(error));
                }
            }
        }
        let nothing_done = outcomes.iter().all(|outcome| matches!(outcome, Outcome::NotDone(_)));
        match outcomes.pop() {
            Some(Outcome::NotDone(error)) if nothing_done => Err(error),
            last => {
                outcomes.extend(last);
                Ok(outcomes)
            }
        }
    }

    async fn send_part<A, R>(&self, to: &Endpoint, part: Part, read: &R) -> Result<Vec<Outcome<A>>, RemoteError>
    where
        R: Fn(Range<usize>, &str) -> Result<Vec<Outcome<A>>, Misread> + Send + Sync,
    {
        let Part { range, body } = part;
        let post = Call::post(to.lane, to.path.clone(), body);
        let call = Call { effect: Effect::Write, refusal_is_answer: true, ..post };
        let answered = self.call(&call, |answer| match error::refusal(&call, answer.response) {
            None => read(range.clone(), &answer.text).map(Answered::Told),
            Some(error) => {
                let refusal = refusals::of_request(&error, answer.response);
                let in_json = answer.text.trim_start().starts_with('{');
                Ok(Answered::Refused(Box::new(Refused { error, refusal, in_json })))
            }
        });
        match answered.await {
            Ok(Answered::Told(outcomes)) => Ok(outcomes),
            Ok(Answered::Refused(refused)) => refused.outcomes(to, range.len()),
            Err(error) if error.kind == RemoteErrorKind::OutcomeUnknown => {
                Ok(range.map(|_| Outcome::Unknown(error.message.clone())).collect())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BODY, parts};

    #[test]
    fn a_body_stays_small_and_every_input_is_in_one() {
        let long = "x".repeat(BODY / 3);
        let huge = "y".repeat(BODY + 1);
        let inputs = ["a", &long, &long, &long, "b", &huge, "c", "d", "e"];
        let parts = parts(&inputs, 3);
        let ranges: Vec<_> = parts.iter().map(|part| part.range.clone()).collect();
        assert_eq!(ranges, [0..3, 3..5, 5..6, 6..9]);
        for part in parts.iter().filter(|part| part.range != (5..6)) {
            assert!(part.body.len() <= BODY + 20, "{:?}: {}", part.range, part.body.len());
        }
        assert_eq!(parts[3].body, r#"{"inputs":["c","d","e"]}"#);
        assert!(super::parts(&[] as &[&str], 3).is_empty());
    }
}
