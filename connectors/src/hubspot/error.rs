//! What an answer that is no success means.
//!
//! HubSpot's error handling page asks to treat every field of an error body as optional, and errors of its edge may be
//! HTML or empty. So nothing here can fail: whatever cannot be read is quoted, shortened, with control characters made
//! visible.

use super::client::Call;
use crate::http::Lane;
use crate::http::Response;
use crate::http::TransportError;
use crate::http::retry::{Limit, Trouble, in_words};
use serde_json::Value;
use std::time::Duration;
use sync_core::{RemoteError, RemoteErrorKind};

/// A time to come back that is waited for; a longer one ends the run.
const WAITED_FOR: Duration = Duration::from_secs(60);
/// When an account that is being moved names no time.
const MOVING_WITHOUT_A_TIME: Duration = Duration::from_secs(900);
const LONGEST_QUOTE: usize = 300;

/// What an error body says, as far as it says anything.
#[derive(Debug, Default)]
pub(crate) struct Said {
    category: Option<String>,
    message: Option<String>,
    correlation_id: Option<String>,
    policy: Option<String>,
    scopes: Vec<String>,
}

impl Said {
    pub(crate) fn read(response: &Response) -> Self {
        let text = String::from_utf8_lossy(&response.body);
        let mut said = match serde_json::from_str::<Value>(&text) {
            Ok(body @ Value::Object(_)) => Self::of_json(&body),
            _ if text.trim().is_empty() => Self::default(),
            _ if text.trim_start().starts_with('<') => {
                Self { message: Some(quote(&without_tags(&text))), ..Self::default() }
            }
            _ => Self { message: Some(quote(&text)), ..Self::default() },
        };
        if said.correlation_id.is_none() {
            said.correlation_id = header_id(response);
        }
        said
    }

    fn of_json(body: &Value) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Self {
            category: text("category").or_else(|| text("errorType")).map(quote),
            message: text("message").map(quote),
            correlation_id: text("correlationId").and_then(correlation_id),
            policy: text("policyName").map(str::to_owned),
            scopes: scopes(body),
        }
    }

    /// Which limit a 429 speaks of: by its policy's name, else by its message.
    fn limit(&self, lane: Lane) -> Option<Limit> {
        let words = self.policy.as_ref().or(self.message.as_ref()).map(|words| words.to_ascii_lowercase());
        let words = words.unwrap_or_default();
        if words.contains("daily") {
            None
        } else if words.contains("ten_secondly") || words.contains("ten secondly") {
            Some(Limit::TenSecondly)
        } else if words.contains("secondly") || lane == Lane::Search {
            Some(Limit::Secondly)
        } else {
            Some(Limit::TenSecondly)
        }
    }
}

/// The scopes that are missing, in both places where HubSpot has told them.
fn scopes(body: &Value) -> Vec<String> {
    let details = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<String> = std::iter::once(body)
        .chain(details)
        .filter_map(|place| place.get("context")?.get("requiredGranularScopes")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .map(quote)
        .collect();
    all.sort();
    all.dedup();
    all
}

fn header_id(response: &Response) -> Option<String> {
    response.header("X-HubSpot-Correlation-Id").and_then(correlation_id)
}

pub(crate) fn correlation_id(text: &str) -> Option<String> {
    let plain = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !text.is_empty()).then(|| text.to_owned())
}

/// What an attempt without a success means for the call. `None` for 2xx.
pub(crate) fn judge(call: &Call, response: &Response) -> Option<Trouble> {
    if (200..300).contains(&response.status) {
        return None;
    }
    let said = Said::read(response);
    Some(match response.status {
        401 => Trouble::Unauthorized(authentication(call, &said)),
        403 => Trouble::Final(forbidden(call, response, &said)),
        404 | 410 => Trouble::Final(not_found(call, response.status, &said)),
        423 => Trouble::Locked(unavailable(call, 423, &said)),
        429 => match said.limit(call.lane) {
            Some(limit) => Trouble::Throttled(limit, unavailable(call, 429, &said)),
            None => Trouble::Final(daily_limit(Some(said))),
        },
        477 => moving(call, response, &said),
        408 | 500.. => Trouble::Unknown(unavailable(call, response.status, &said)),
        status => Trouble::Final(refused(call, status, &said)),
    })
}

/// The error of an answer whose request was turned away for good: not carried out, and no use to repeat.
pub(crate) fn refusal(call: &Call, response: &Response) -> Option<RemoteError> {
    match judge(call, response) {
        Some(Trouble::Final(error)) => Some(error),
        _ => None,
    }
}

/// What a failed transport means for the call.
pub(crate) fn no_answer(call: &Call, error: TransportError) -> Trouble {
    let remedy = "Check the network connection; https://status.hubspot.com tells of known outages.";
    let error_of = |message: String| plain(RemoteErrorKind::Unavailable, message, remedy);
    match error {
        TransportError::NotSent(cause) => {
            Trouble::NotSent(error_of(format!("HubSpot could not be reached for {}: {}.", call.name(), quote(&cause))))
        }
        TransportError::Unknown(cause) => {
            Trouble::Unknown(error_of(format!("HubSpot did not answer {}: {}.", call.name(), quote(&cause))))
        }
        TransportError::TooLarge(cause) => Trouble::TooLarge(plain(
            RemoteErrorKind::Unreadable,
            format!("HubSpot's answer to {} is not read: {}.", call.name(), quote(&cause)),
            "Shorten what is so long in HubSpot, or leave the properties that hold it out of the mapping.",
        )),
    }
}

/// The answer is too large though it was asked about one record alone: nothing less can be asked for.
pub(crate) fn too_large_alone(error: RemoteError, record: &str) -> RemoteError {
    RemoteError { message: format!("{} It was asked about {record} alone.", error.message), ..error }
}

/// An answer with a good status and a body that is not what was agreed on.
pub(crate) fn unreadable(call: &Call, response: &Response, what: &str) -> RemoteError {
    let said = Said { correlation_id: header_id(response), ..Said::default() };
    told(
        RemoteErrorKind::Unreadable,
        response.status,
        &said,
        format!("HubSpot's answer to {} cannot be understood: {what}.", call.name()),
        "Try again; if it stays, tell HubSpot's support the correlation id, or report the answer to this project.",
    )
}

/// The day's requests are used up, or what the reserve leaves of them.
pub(crate) fn daily_limit(said: Option<Said>) -> RemoteError {
    let said = said.unwrap_or_default();
    told(
        RemoteErrorKind::DailyLimit,
        429,
        &said,
        format!("HubSpot's daily limit is reached{}.", ending(&said)),
        "It starts anew at midnight in the account's time zone. Ask less often, or raise the limit.",
    )
}

/// The day's requests come close to their end, and the rest is left to others.
pub(crate) fn daily_reserve(remaining: u64, limit: u64) -> RemoteError {
    plain(
        RemoteErrorKind::DailyLimit,
        format!("Only {remaining} of the day's {limit} requests are left; they are kept for the account's other apps."),
        "It starts anew at midnight in the account's time zone. Lower `daily_reserve` to use more of them.",
    )
}

/// The request cannot even be put into words.
pub(crate) fn impossible(message: String) -> RemoteError {
    plain(RemoteErrorKind::Refused, message, "Check the name; object types are named like `contacts` or `2-123456`.")
}

fn authentication(call: &Call, said: &Said) -> RemoteError {
    told(
        RemoteErrorKind::Authentication,
        401,
        said,
        format!("HubSpot does not accept the token (401) for {}{}.", call.name(), ending(said)),
        "Check that the token is complete, belongs to this account and has not been rotated or revoked.",
    )
}

fn forbidden(call: &Call, response: &Response, said: &Said) -> RemoteError {
    if !said.scopes.is_empty() {
        let (word, scopes) = (if said.scopes.len() == 1 { "scope" } else { "scopes" }, said.scopes.join(", "));
        return told(
            RemoteErrorKind::MissingScope,
            403,
            said,
            format!("The token lacks the {word} {scopes}, which {} needs.", call.name()),
            "Add what is missing to the app or service key in HubSpot, or leave the object out of the configuration.",
        );
    }
    // A body of JSON is the API speaking of rights; anything else is a gateway in between.
    let kind = if said.category.is_some() || said.correlation_id.is_some() {
        RemoteErrorKind::MissingScope
    } else {
        RemoteErrorKind::Refused
    };
    told(
        kind,
        response.status,
        said,
        format!("HubSpot forbids {} (403){}.", call.name(), ending(said)),
        "Check the rights of the app or service key in HubSpot, and that the account's subscription has this object.",
    )
}

fn not_found(call: &Call, status: u16, said: &Said) -> RemoteError {
    told(
        RemoteErrorKind::NotFound,
        status,
        said,
        format!("HubSpot knows nothing at {} ({status}){}.", call.name(), ending(said)),
        "Check the name of the object type, and that the account has it.",
    )
}

fn refused(call: &Call, status: u16, said: &Said) -> RemoteError {
    let (what, remedy) = match status {
        300..400 => (
            format!("answered {} with a redirect ({status}), which is not followed", call.name()),
            "Check the base URL: it must be the API's own, without a redirect.",
        ),
        _ => (
            format!("refused {} ({status}){}", call.name(), ending(said)),
            "Sending it again changes nothing; see what HubSpot says about it.",
        ),
    };
    told(RemoteErrorKind::Refused, status, said, format!("HubSpot {what}."), remedy)
}

fn unavailable(call: &Call, status: u16, said: &Said) -> RemoteError {
    told(
        RemoteErrorKind::Unavailable,
        status,
        said,
        format!("HubSpot answered {} with {status}{}.", call.name(), ending(said)),
        "Try again later; https://status.hubspot.com tells of known outages.",
    )
}

/// 477: the account is being moved between data centres. HubSpot's error handling page promises `Retry-After` in
/// seconds, up to a day.
fn moving(call: &Call, response: &Response, said: &Said) -> Trouble {
    let told_wait = response.header("Retry-After").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let wait = told_wait.unwrap_or(MOVING_WITHOUT_A_TIME);
    let error = told(
        RemoteErrorKind::ComeBack(wait),
        477,
        said,
        format!("HubSpot is moving this account to another data centre (477), met at {}.", call.name()),
        "",
    );
    let error = RemoteError { remedy: format!("Run again in {}.", in_words(wait)), ..error };
    if wait <= WAITED_FOR { Trouble::ComeBack(wait, error) } else { Trouble::Final(error) }
}

fn plain(kind: RemoteErrorKind, message: String, remedy: &str) -> RemoteError {
    RemoteError { kind, message, remedy: remedy.to_owned(), correlation_id: None, status: None }
}

fn told(kind: RemoteErrorKind, status: u16, said: &Said, message: String, remedy: &str) -> RemoteError {
    let correlation_id = said.correlation_id.clone();
    RemoteError { status: Some(status), correlation_id, ..plain(kind, message, remedy) }
}

/// HubSpot's own words, to follow ours.
fn ending(said: &Said) -> String {
    let words = said.message.as_deref().map(|words| words.trim_end_matches('.'));
    match (said.category.as_deref(), words) {
        (Some(category), Some(words)) => format!(": {words} [{category}]"),
        (Some(category), None) => format!(" [{category}]"),
        (None, Some(words)) => format!(": {words}"),
        (None, None) => String::new(),
    }
}

/// The words of an HTML page.
fn without_tags(html: &str) -> String {
    html.split('<').filter_map(|part| part.split_once('>')).map(|(_, words)| words).collect::<Vec<_>>().join(" ")
}

/// Remote text for a person's eyes: on one line, shortened, with nothing in it that a terminal would act upon.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for (count, char) in text.trim().chars().enumerate() {
        if count == LONGEST_QUOTE {
            quoted.push('…');
            break;
        }
        match char {
            _ if char.is_whitespace() && quoted.ends_with(' ') => {}
            _ if char.is_whitespace() => quoted.push(' '),
            _ if char.is_control() || is_direction_mark(char) => quoted.extend(char.escape_unicode()),
            _ => quoted.push(char),
        }
    }
    quoted
}

/// Characters that turn the direction of the text around them, and with it what a reader believes to read.
const fn is_direction_mark(char: char) -> bool {
    matches!(char, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Said, quote};
    use crate::http::retry::Limit;
    use crate::http::{Lane, Response};

    fn said(body: &str) -> Said {
        Said::read(&Response { status: 400, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn p46_missing_scopes_are_named_in_both_shapes() {
        let new = r#"{"category":"MISSING_SCOPES","errors":[{"message":"One or more of the following scopes are required.",
            "context":{"requiredGranularScopes":["crm.objects.deals.read"]}}],"links":{"scopes":"https://evil.example"}}"#;
        let old = r#"{"category":"MISSING_SCOPES","context":{"requiredGranularScopes":["crm.objects.deals.read"]}}"#;
        for body in [new, old] {
            assert_eq!(said(body).scopes, ["crm.objects.deals.read"]);
        }
    }

    #[test]
    fn a_limit_is_known_by_its_policy_and_else_by_its_message() {
        let cases = [
            (r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#, Lane::Window, Some(Limit::TenSecondly)),
            (r#"{"policyName":"SECONDLY"}"#, Lane::Window, Some(Limit::Secondly)),
            (r#"{"policyName":"DAILY","message":"secondly"}"#, Lane::Window, None),
            (
                r#"{"message":"You have reached your ten_secondly_rolling limit."}"#,
                Lane::Search,
                Some(Limit::TenSecondly),
            ),
            (r#"{"message":"You have reached your secondly limit."}"#, Lane::Window, Some(Limit::Secondly)),
            (r#"{"message":"You have reached your daily limit."}"#, Lane::Search, None),
            ("", Lane::Search, Some(Limit::Secondly)),
            ("<html>", Lane::Window, Some(Limit::TenSecondly)),
        ];
        for (body, lane, limit) in cases {
            assert_eq!(said(body).limit(lane), limit, "{body}");
        }
    }

    #[test]
    fn whatever_the_body_is_it_becomes_one_harmless_line() {
        assert_eq!(quote("\u{1b}[31mBad\r\n\u{202e}Gateway"), "\\u{1b}[31mBad \\u{202e}Gateway");
        assert_eq!(said("<html>\n<title>502 Bad</title>\n<p>Gateway").message.as_deref(), Some("502 Bad Gateway"));
        assert_eq!(quote(&"x".repeat(400)).chars().count(), 301);
        assert!(said("").message.is_none());
        assert!(said(r#"{"message":17,"category":[],"correlationId":{}}"#).message.is_none());
        assert!(said(r#"{"correlationId":"not an id; rm -rf"}"#).correlation_id.is_none());
    }
}
