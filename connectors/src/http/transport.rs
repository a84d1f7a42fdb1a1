//! HTTP over the network, with reqwest.
//!
//! The base URL is pinned: https anywhere, plain http to this machine only. Redirects are not followed, so that a
//! credential goes to no other host; a body larger than [`MAX_BODY`] is not read to its end.

use super::{Method, Request, Response, Transport, TransportError};
use reqwest::{Client, Url};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The largest body that is read, after decompression.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence inside one exchange. The whole of it is bounded by the request's own timeout.
const READ_TIMEOUT: Duration = Duration::from_secs(110);
const IDLE_CONNECTIONS: usize = 32;

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is not a URL at all.
    #[error("`{0}` is not a URL; expected something like `https://api.hubapi.com`")]
    NotAUrl(String),
    /// It is plain http to another machine, or no http at all.
    #[error("`{0}` would send the token unencrypted: use https, or http to 127.0.0.1 only")]
    Unencrypted(String),
    /// It holds a user name, a query or a fragment.
    #[error("the base URL must be a scheme, a host and perhaps a port and a path, and nothing else")]
    Extra,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpTransportError {
    /// The base URL is not acceptable.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// The HTTP library refused, as when no root certificates are found.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

/// A [`Transport`] over the network.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    /// Without a slash at its end.
    base: String,
}

impl HttpTransport {
    /// A transport to `base`, for instance `https://api.hubapi.com`.
    ///
    /// # Errors
    /// When the base URL is not acceptable, or the HTTP client cannot be made.
    pub fn new(base: &str) -> Result<Self, HttpTransportError> {
        let (base, loopback) = checked_base(base)?;
        // Without a provider the builder panics. Whoever installed one first is as good as we are.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("crmsync/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .redirect(reqwest::redirect::Policy::none())
            // A silent second attempt would not be counted against the limits.
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true);
        if loopback {
            // `localhost` means this machine whatever a resolver says, and no proxy sits in between.
            let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            builder = builder.no_proxy().resolve_to_addrs("localhost", &here.map(|ip| SocketAddr::new(ip, 0)));
        } else {
            builder = builder.https_only(true).tls_version_min(reqwest::tls::Version::TLS_1_2);
        }
        let client = builder.build().map_err(|error| HttpTransportError::Client(chain(&error)))?;
        Ok(Self { client, base })
    }

    /// Where requests go.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        if !request.path.starts_with('/') {
            return Err(TransportError::NotSent(format!("the path `{}` does not begin with a slash", request.path)));
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut outgoing =
            self.client.request(method, format!("{}{}", self.base, request.path)).timeout(request.timeout);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        if let Some(body) = request.body {
            outgoing = outgoing.body(body);
        }
        let mut answer = outgoing.send().await.map_err(explain)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(explain)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TransportError::TooLarge(format!("the answer is larger than {} MiB", MAX_BODY >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.exchange(request).await
    }
}

/// The base without a slash at its end, and whether it is this machine over plain http.
fn checked_base(base: &str) -> Result<(String, bool), BaseUrlError> {
    let url = Url::parse(base).map_err(|_| BaseUrlError::NotAUrl(base.to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Extra);
    }
    let Some(host) = url.host_str() else { return Err(BaseUrlError::NotAUrl(base.to_owned())) };
    let loopback = match url.scheme() {
        "https" => false,
        "http" if is_this_machine(host) => true,
        _ => return Err(BaseUrlError::Unencrypted(base.to_owned())),
    };
    Ok((url.as_str().trim_end_matches('/').to_owned(), loopback))
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Tells apart what certainly did not leave and what may have arrived. The URL is left out: the caller names it.
fn explain(error: reqwest::Error) -> TransportError {
    let (not_sent, timeout) = (error.is_connect() || error.is_builder(), error.is_timeout());
    let text = chain(&error.without_url());
    match (not_sent, timeout) {
        (true, _) => TransportError::NotSent(text),
        (false, true) => TransportError::Unknown(format!("no answer in time: {text}")),
        (false, false) => TransportError::Unknown(text),
    }
}

/// An error with its causes, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{BaseUrlError, checked_base};

    #[test]
    fn s6_s7_the_base_is_https_or_this_machine() {
        let fine = [
            ("https://api.hubapi.com", "https://api.hubapi.com", false),
            ("https://gateway.example/hubspot/", "https://gateway.example/hubspot", false),
            ("http://127.0.0.1:8808/", "http://127.0.0.1:8808", true),
            ("http://localhost:8808", "http://localhost:8808", true),
            ("http://[::1]:8808", "http://[::1]:8808", true),
        ];
        for (given, base, loopback) in fine {
            assert_eq!(checked_base(given), Ok((base.to_owned(), loopback)), "{given}");
        }
        for given in ["http://api.hubapi.com", "http://127.0.0.1.evil.example", "ftp://localhost", "http://10.0.0.1"] {
            assert_eq!(checked_base(given), Err(BaseUrlError::Unencrypted(given.to_owned())));
        }
        for given in ["https://user@api.hubapi.com", "https://api.hubapi.com?x=1", "https://api.hubapi.com#x"] {
            assert_eq!(checked_base(given), Err(BaseUrlError::Extra), "{given}");
        }
        assert!(matches!(checked_base("api.hubapi.com"), Err(BaseUrlError::NotAUrl(_))));
    }
}
