//! The address of the API: HubSpot's own unless somebody says otherwise, and never one that would carry a token in the
//! clear over a network.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What an address looks like, for messages.
pub(super) const EXPECTED: &str =
    "an address such as \"https://api.hubapi.com\"; plain http only to 127.0.0.1, [::1] or localhost";

/// Scheme, host and port of the API, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase(String);

impl ApiBase {
    /// Accepts `https://HOST[:PORT]` for any host and `http://HOST[:PORT]` for this machine; nothing that would hide
    /// another host or carry a credential (user names, paths, queries).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = split_port(authority)?;
        if !port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0)) {
            return None;
        }
        let allowed = match scheme {
            "https" => is_host(host),
            "http" => is_loopback(host),
            _ => false,
        };
        allowed.then(|| Self(text.to_owned()))
    }

    /// As text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ApiBase {
    fn default() -> Self {
        Self("https://api.hubapi.com".to_owned())
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, rest) = authority.split_at(end);
        return if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_host(host: &str) -> bool {
    let named = !host.is_empty()
        && host.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.')
        && !host.starts_with(['-', '.']);
    named || ipv6(host).is_some()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || ipv6(host).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::ApiBase;

    #[test]
    fn https_goes_anywhere_and_http_stays_here() {
        for text in [
            "https://api.hubapi.com",
            "https://api-eu1.hubapi.com:8443",
            "https://[2001:db8::1]:443",
            "http://127.0.0.1:8808",
            "http://127.8.9.10",
            "http://localhost:1",
            "http://[::1]:8808",
        ] {
            assert_eq!(ApiBase::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(ApiBase::parse("http://127.0.0.1:8808/").unwrap().as_str(), "http://127.0.0.1:8808");
    }

    #[test]
    fn what_could_lead_a_token_astray_is_refused() {
        for text in [
            "",
            "api.hubapi.com",
            "http://api.hubapi.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "http://localhost@example.com",
            "https://user:secret@example.com",
            "https://example.com/path",
            "https://example.com?x",
            "https://example.com#x",
            "https://example.com\\@127.0.0.1",
            "https://exa mple.com",
            "https://",
            "https://:443",
            "https://example.com:0",
            "https://example.com:99999",
            "https://example.com:",
            "http://[::1",
            "http://[::1]x",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
        ] {
            assert_eq!(ApiBase::parse(text), None, "{text}");
        }
    }
}
