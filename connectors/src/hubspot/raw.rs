//! Any call at all, under the same credential, limits and retries: for people who know what they want to ask.

use super::HubSpot;
use super::client::Call;
use super::error;
use crate::http::{Effect, Lane, Method, Response, Transport};
use sync_core::RemoteError;

impl<T: Transport> HubSpot<T> {
    /// Makes one call and returns its answer as it is, a refusal (3xx, 4xx) included. `path` begins with `/` and may
    /// have a query; `body` is JSON.
    ///
    /// # Errors
    /// When the credential is not accepted, a limit ends the day, or HubSpot gives no proper answer. Of a call with
    /// [`Effect::Write`] whose outcome is unknown the error says so; it is not repeated.
    pub async fn api(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Response, RemoteError> {
        if !is_api_path(path) {
            let quoted = error::quote(path);
            return Err(error::impossible(format!("`{quoted}` is no path of the API; it begins with one slash.")));
        }
        let call = Call {
            method,
            body,
            lane: lane_of(method, path),
            effect: effect_of(method, path),
            refusal_is_answer: true,
            ..Call::get(path.to_owned())
        };
        self.call(&call, |answer| Ok(answer.response.clone())).await
    }
}

/// Whether this is a path, with or without a query, that means what it says: nothing in it that a reader of URLs would
/// resolve, cut off or take for a host, so that [`effect_of`] judges the very call that is made.
pub fn is_api_path(path: &str) -> bool {
    let (place, _) = path.split_once('?').unwrap_or((path, ""));
    let spelled = place.to_ascii_lowercase();
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\')
        && !["%2f", "%5c"].iter().any(|separator| spelled.contains(separator))
        && !segments(&spelled.replace("%2e", ".")).any(|segment| segment == "." || segment == "..")
}

/// Whether a call changes anything at HubSpot: everything does but GET and the searches and batch reads that HubSpot
/// documents as POST.
pub fn effect_of(method: Method, path: &str) -> Effect {
    let segments: Vec<&str> = segments(path).collect();
    let known_read = match (method, segments.as_slice()) {
        (Method::Get, _) => true,
        (Method::Post, ["crm", "objects", _, _, rest @ ..] | ["crm", "v3", "objects", _, rest @ ..]) => {
            matches!(rest, ["search"] | ["batch", "read"])
        }
        (
            Method::Post,
            ["crm", "associations", _, _, _, rest @ ..]
            | ["crm", "v4", "associations", _, _, rest @ ..]
            | ["crm", "properties", _, _, rest @ ..]
            | ["crm", "v3", "properties", _, rest @ ..],
        ) => rest == ["batch", "read"],
        (Method::Post, ["crm", "lists", _, rest @ ..] | ["crm", "v3", "lists", rest @ ..]) => rest == ["search"],
        _ => false,
    };
    if known_read { Effect::Read } else { Effect::Write }
}

/// The budget that a call is paid from.
fn lane_of(method: Method, path: &str) -> Lane {
    match (method, segments(path).collect::<Vec<_>>().as_slice()) {
        (Method::Post, ["crm", "objects", _, _, "search"] | ["crm", "v3", "objects", _, "search"]) => Lane::Search,
        (
            Method::Post,
            ["crm", "associations", _, _, _, "batch", ..] | ["crm", "v4", "associations", _, _, "batch", ..],
        ) => Lane::Associations,
        _ => Lane::Window,
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('?').next().unwrap_or_default().split('/').skip(1)
}

#[cfg(test)]
mod tests {
    use super::{effect_of, is_api_path, lane_of};
    use crate::http::{Effect, Lane, Method};

    #[test]
    fn s4_only_documented_reads_count_as_reads() {
        for (method, path) in [
            (Method::Get, "/anything/at/all"),
            (Method::Post, "/crm/objects/2026-09/contacts/search"),
            (Method::Post, "/crm/v3/objects/contacts/search?x=1"),
            (Method::Post, "/crm/objects/2026-09/0-1/batch/read?archived=true"),
            (Method::Post, "/crm/associations/2026-09/contacts/deals/batch/read"),
            (Method::Post, "/crm/v4/associations/contacts/deals/batch/read"),
            (Method::Post, "/crm/properties/2026-09/contacts/batch/read"),
            (Method::Post, "/crm/lists/2026-09/search"),
        ] {
            assert_eq!(effect_of(method, path), Effect::Read, "{method} {path}");
        }
        for (method, path) in [
            (Method::Delete, "/crm/objects/2026-09/contacts/1"),
            (Method::Put, "/crm/objects/2026-09/contacts/search"),
            (Method::Post, "/crm/objects/2026-09/contacts"),
            // A custom object may be called `search`: this creates one.
            (Method::Post, "/crm/objects/2026-09/search"),
            (Method::Post, "/crm/v3/objects/search"),
            (Method::Post, "/crm/objects/2026-09/contacts/batch/create"),
            (Method::Post, "/crm/objects/2026-09/contacts/batch/read/"),
            (Method::Post, "/crm/objects/2026-09/contacts?/search"),
        ] {
            assert_eq!(effect_of(method, path), Effect::Write, "{method} {path}");
        }
    }

    #[test]
    fn s4_no_spelling_of_a_path_makes_a_write_look_like_a_read() {
        for path in ["/crm/objects/2026-09/contacts?limit=1&after=../x", "/crm/v3/objects/p1_a.b/1", "/a%20b"] {
            assert!(is_api_path(path), "{path}");
        }
        for path in [
            "",
            "crm/objects",
            "//evil.example/crm",
            "https://evil.example/crm",
            "/crm/../oauth",
            "/crm/%2E%2e/oauth",
            "/crm/.",
            // The rest of a URL after # is not sent: this would create a contact.
            "/crm/objects/2026-09/contacts#/search",
            "/crm/objects/2026-09/contacts\\..\\x/search",
            "/crm/objects/2026-09/a%2f..%2fb/search",
            "/crm/objects/2026-09/a b/search",
            "/crm\n/objects",
        ] {
            assert!(!is_api_path(path), "{path}");
        }
    }

    #[test]
    fn a_raw_call_is_paid_from_the_budget_that_hubspot_takes_it_from() {
        assert_eq!(lane_of(Method::Post, "/crm/objects/2026-09/contacts/search"), Lane::Search);
        assert_eq!(lane_of(Method::Post, "/crm/lists/2026-09/search"), Lane::Window);
        assert_eq!(lane_of(Method::Post, "/crm/associations/2026-09/0-1/0-2/batch/create"), Lane::Associations);
        assert_eq!(lane_of(Method::Get, "/crm/associations/2026-09/0-1/0-2/labels"), Lane::Window);
    }
}
