//! A page of records, as bytes of an answer's body: read whole or refused whole, and what was read can be used.

use connectors::http::{Request, Response};
use connectors::{HubSpot, Settings, Token, Transport, TransportError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use sync_core::events::Silent;
use sync_core::model::{Properties, Record};
use sync_core::remote::Page;
use sync_core::{Remote, RemoteError};

/// Answers every request with the same body.
struct Answer(Mutex<Vec<u8>>);

impl Transport for Answer {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        let headers = vec![("Date".to_owned(), "Sun, 22 Nov 2026 10:00:00 GMT".to_owned())];
        Ok(Response { status: 200, headers, body: self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() })
    }
}

/// One connector for all inputs: it has no limits, and gives up at the first trouble.
fn connector() -> &'static (HubSpot<Arc<Answer>>, Arc<Answer>) {
    static CONNECTOR: OnceLock<(HubSpot<Arc<Answer>>, Arc<Answer>)> = OnceLock::new();
    CONNECTOR.get_or_init(|| {
        let answer = Arc::new(Answer(Mutex::default()));
        let token = Token::new("pat-na1-fuzz", "a fuzzer").expect("a token");
        let settings = Settings {
            window_requests: Some(u32::MAX),
            search_per_second: Some(u32::MAX),
            give_up_after: Duration::ZERO,
            ..Settings::default()
        };
        (HubSpot::new(Arc::clone(&answer), token, settings, Arc::new(Silent)), answer)
    })
}

fn decode(body: &[u8]) -> Result<Page, RemoteError> {
    let (hubspot, answer) = connector();
    *answer.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(hubspot.list("contacts", false, None, &["email".to_owned()]))
}

/// Decodes the input as a page, and as the properties of one record.
pub(crate) fn records(data: &[u8]) {
    match decode(data) {
        Ok(page) => {
            assert!(page.records.len() <= data.len() / 2, "records out of nothing");
            page.records.iter().for_each(check);
            assert_eq!(page.records, decode(data).expect("the same page again").records);
        }
        Err(error) => super::check_message(&error.to_string(), "the error of a page"),
    }
    if let Ok(text) = std::str::from_utf8(data) {
        members(&Properties::from_json(text));
        // One record whose only property is the input: a page may not fail for a value.
        let quoted = serde_json::Value::from(text);
        let one = format!(
            r#"{{"results":[{{"id":"7","properties":{{"email":{quoted},"b":"x"}},"createdAt":"2026-01-01T00:00:00Z",
               "updatedAt":"2026-01-01T00:00:00Z","archived":false}}]}}"#
        );
        let page = decode(one.as_bytes()).expect("a page with one strange value");
        assert_eq!(page.records[0].properties.get("email").as_deref(), Some(text));
        assert_eq!(page.records[0].properties.get("b").as_deref(), Some("x"));
    }
}

fn check(record: &Record) {
    assert!(!record.id.as_str().is_empty());
    assert!(!record.merged_ids.contains(&record.id), "a record was merged into itself");
    assert!(members(&record.properties), "a record was decoded whose properties cannot be read: {record:?}");
    let more = record.properties.with("k\"\\", "v\n\u{1}");
    assert_eq!(more.get("k\"\\").as_deref(), Some("v\n\u{1}"));
}

/// Visits every member; says whether the object could be read.
fn members(properties: &Properties) -> bool {
    let mut names = Vec::new();
    let read = properties.for_each(|name, value| names.push((name.to_owned(), value.is_some())));
    for (name, present) in names.iter().take(if read.is_ok() { 20 } else { 0 }) {
        // Of a name that stands twice the last counts.
        let last = names.iter().rev().find(|(other, _)| other == name).expect("itself");
        assert!(properties.get(name).is_some() == last.1 || *present != last.1);
    }
    read.is_ok()
}
