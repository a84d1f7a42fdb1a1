//! One HTTP exchange, and the seam below which it happens.
//!
//! Everything above [`Transport`] – limits, retries, decoding – runs the same over a network and over an in-process
//! stand-in. A transport makes exactly one attempt: it follows no redirect and repeats nothing, because only the layers
//! above know what may be repeated and what it costs.

mod limit;
pub(crate) mod retry;
mod transport;

pub(crate) use limit::{Flow, Lane, Pass, Share};
pub use transport::{BaseUrlError, HttpTransport, HttpTransportError, MAX_BODY};

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// The verb of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, searches, reads in batches.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Archives or removes.
    Delete,
}

impl Method {
    /// The verb as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether a request changes anything at the remote, and so whether it may be repeated when its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Changes nothing: may be repeated at will.
    Read,
    /// May have changed something: sent again only when it certainly was not carried out.
    Write,
}

/// One request. Its headers hold the credential; [`fmt::Debug`] does not show them.
#[derive(Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Path and query, beginning with `/`, relative to the transport's base URL.
    pub path: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &names)
            .field("body_bytes", &self.body.as_ref().map(Vec::len))
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// One answer, whatever its status. Its body may hold people's data; [`fmt::Debug`] does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl Response {
    /// The first header of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No byte of the request left: name resolution, connecting or TLS failed. Repeating it is safe for any request.
    #[error("{0}")]
    NotSent(String),
    /// The request may have been carried out: a timeout, a reset, a body that broke off.
    #[error("{0}")]
    Unknown(String),
    /// The answer is larger than [`MAX_BODY`]. The request may have been carried out; repeated, it is answered alike.
    #[error("{0}")]
    TooLarge(String),
}

/// Carries one request to the remote and brings its answer back.
pub trait Transport: Send + Sync {
    /// Makes one attempt. Any status is an answer, not an error.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

impl<T: Transport> Transport for Arc<T> {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send {
        T::send(self, request)
    }
}
