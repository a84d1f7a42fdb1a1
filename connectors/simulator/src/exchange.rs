//! What goes in and what comes out: one HTTP request, one delivery, and how long it took.
//!
//! Plain data, so that a test can drive the portal in-process and the HTTP skin can carry the same thing over a socket.

use std::time::Duration;

/// Unix time in milliseconds. The portal knows no other clock than the values it is handed.
pub type Millis = i64;

/// An HTTP request as a client sends it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// Header names in any case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET with a bearer token.
    pub fn get(path: impl Into<String>, token: &str) -> Self {
        Self { method: "GET".into(), path: path.into(), headers: bearer(token), body: Vec::new() }
    }

    /// A POST of JSON with a bearer token.
    pub fn post(path: impl Into<String>, token: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = bearer(token);
        headers.push(("content-type".into(), "application/json".into()));
        Self { method: "POST".into(), path: path.into(), headers, body: body.into() }
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

fn bearer(token: &str) -> Vec<(String, String)> {
    vec![("authorization".into(), format!("Bearer {token}"))]
}

/// An HTTP response as the portal sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, in the spelling HubSpot uses.
    pub headers: Vec<(String, String)>,
    /// The raw body; not always valid JSON, on purpose.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What reaches the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// An ordinary answer.
    Answer(Response),
    /// No answer ever comes. Whether the request was carried out is the portal's secret.
    Timeout,
    /// The connection is reset before any byte of the answer.
    Reset,
    /// The connection breaks inside the body: the body holds what arrived, `Content-Length` promises more.
    Cut(Response),
}

impl Delivery {
    /// The response, if one arrived whole.
    pub fn answer(&self) -> Option<&Response> {
        match self {
            Delivery::Answer(response) => Some(response),
            Delivery::Timeout | Delivery::Reset | Delivery::Cut(_) => None,
        }
    }
}

/// The result of one request.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What reaches the client.
    pub delivery: Delivery,
    /// How long the client waits for it.
    pub latency: Duration,
}
