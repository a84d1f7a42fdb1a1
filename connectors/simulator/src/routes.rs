//! From a method and a path to an endpoint.
//!
//! Two families of paths lead to the same endpoints: `/crm/v3/objects/contacts` and `/crm/objects/2026-09/contacts`.

use crate::calls::CallKind;
use crate::limits::Budget;
use crate::problem::Problem;
use crate::write_routes::Write;

/// Which family a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `v3` and `v4`.
    Numbered,
    /// A date.
    Dated,
}

/// The date versions that exist.
const DATED: [&str; 2] = ["2026-03", ENFORCING];

/// The first version in which the API keeps the rules that administrators made.
const ENFORCING: &str = "2026-09";

/// An endpoint and the parts of the path that matter to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    List(&'a str),
    Read(&'a str, &'a str),
    Search(&'a str),
    BatchRead(&'a str),
    AssociationsOf(&'a str, &'a str, &'a str),
    AssociationBatchRead(&'a str, &'a str),
    AssociationLabels(&'a str, &'a str),
    Properties(&'a str),
    Property(&'a str, &'a str),
    PropertyGroups(&'a str),
    Pipelines(&'a str),
    Pipeline(&'a str, &'a str),
    Stages(&'a str, &'a str),
    Owners,
    Owner(&'a str),
    Schemas,
    Schema(&'a str),
    AccountDetails,
    DailyUsage,
    /// An endpoint that changes the portal.
    Write(Write<'a>),
    /// A path that exists, under a method that does not.
    WrongMethod,
    Unknown,
}

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    pub(crate) route: Route<'a>,
    pub(crate) family: Family,
    /// Whether it is the version that enforces the administrators' rules.
    pub(crate) enforcing: bool,
    pub(crate) query: Vec<(String, String)>,
}

impl Parsed<'_> {
    /// The first value of a query parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A list given comma-separated, or repeated, or both.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let mut found = false;
        let mut out = Vec::new();
        for (_, value) in self.query.iter().filter(|(key, _)| key == name) {
            found = true;
            out.extend(value.split(',').map(str::trim).filter(|item| !item.is_empty()));
        }
        found.then_some(out)
    }

    /// A yes/no parameter, no when absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.param(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A number between 1 and `max`; `default` when absent.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.param("limit") else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(0) | Err(_) => {
                Err(Problem::invalid(format!("limit must be a number between 1 and {max}, got '{text}'")))
            }
            Ok(n) if n > max => Err(Problem::invalid(format!("Limit {n} exceeds the maximum of {max}"))),
            Ok(n) => Ok(n),
        }
    }

    /// What the request counts as.
    pub(crate) fn kind(&self, method: &str) -> CallKind {
        match &self.route {
            Route::List(_) => CallKind::List,
            Route::Read(..) => CallKind::Read,
            Route::Search(_) => CallKind::Search,
            Route::BatchRead(_) => CallKind::BatchRead,
            Route::AssociationsOf(..) | Route::AssociationBatchRead(..) => CallKind::Associations,
            Route::Write(_) => CallKind::Write,
            Route::WrongMethod | Route::Unknown if method != "GET" => CallKind::Write,
            _ => CallKind::Other,
        }
    }

    /// Which budgets it draws on.
    pub(crate) fn budget(&self) -> Budget {
        match &self.route {
            Route::Search(_) => Budget::Search,
            Route::AssociationBatchRead(..) => Budget::Associations,
            Route::Write(write) if write.of_associations() => Budget::Associations,
            _ => Budget::General,
        }
    }
}

/// Takes a request line apart.
pub(crate) fn parse<'a>(method: &str, path: &'a str) -> Parsed<'a> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let (family, route) = route(method, &segments);
    let enforcing = segments.contains(&ENFORCING);
    Parsed { route, family, enforcing, query: parse_query(query) }
}

fn route<'a>(method: &str, segments: &[&'a str]) -> (Family, Route<'a>) {
    let family = if segments.iter().any(|s| DATED.contains(s)) { Family::Dated } else { Family::Numbered };
    let dated = |v: &str| DATED.contains(&v);
    let found = match segments {
        ["crm", "v3", "objects", rest @ ..] if rest.get(2) != Some(&"associations") => objects(method, rest),
        ["crm", "v4", "objects", rest @ ..] if rest.get(2) == Some(&"associations") => objects(method, rest),
        ["crm", "objects", v, rest @ ..] if dated(v) => objects(method, rest),
        ["crm", "v4", "associations", rest @ ..] => associations(method, rest),
        ["crm", "associations", v, rest @ ..] if dated(v) => associations(method, rest),
        ["crm", "v3", "properties", rest @ ..] => properties(method, rest),
        ["crm", "properties", v, rest @ ..] if dated(v) => properties(method, rest),
        ["crm", "v3", "pipelines", rest @ ..] => get(method, pipelines(rest)),
        ["crm", "pipelines", v, rest @ ..] if dated(v) => get(method, pipelines(rest)),
        ["crm", "v3", "owners", rest @ ..] => get(method, owners(rest)),
        ["crm", "owners", v, rest @ ..] if dated(v) => get(method, owners(rest)),
        ["crm-object-schemas", v, "schemas", rest @ ..] if *v == "v3" || dated(v) => get(method, schemas(rest)),
        ["account-info", v, rest @ ..] if *v == "v3" || dated(v) => get(method, account(rest)),
        _ => Route::Unknown,
    };
    // What would change the portal has a list of its own.
    (family, if found == Route::WrongMethod { write(method, segments).map_or(found, Route::Write) } else { found })
}

fn write<'a>(method: &str, segments: &[&'a str]) -> Option<Write<'a>> {
    match segments {
        ["crm", "v3" | "v4", "objects", rest @ ..] | ["crm", "objects", _, rest @ ..] => Write::objects(method, rest),
        ["crm", "v4", "associations", rest @ ..] | ["crm", "associations", _, rest @ ..] => {
            Write::associations(method, rest)
        }
        ["crm", "v3", "properties", rest @ ..] | ["crm", "properties", _, rest @ ..] => Write::properties(method, rest),
        _ => None,
    }
}

fn get<'a>(method: &str, route: Route<'a>) -> Route<'a> {
    if method == "GET" || route == Route::Unknown { route } else { Route::WrongMethod }
}

fn objects<'a>(method: &str, rest: &[&'a str]) -> Route<'a> {
    match (method, rest) {
        ("GET", [kind]) => Route::List(kind),
        ("POST", [kind, "search"]) => Route::Search(kind),
        ("POST", [kind, "batch", "read"]) => Route::BatchRead(kind),
        ("GET", [_, "search" | "merge"] | [_, "batch", _]) => Route::WrongMethod,
        ("GET", [kind, id]) => Route::Read(kind, id),
        ("GET", [kind, id, "associations", to]) => Route::AssociationsOf(kind, id, to),
        (_, [_] | [_, _] | [_, "batch", _] | [_, _, "associations", ..]) => Route::WrongMethod,
        _ => Route::Unknown,
    }
}

fn associations<'a>(method: &str, rest: &[&'a str]) -> Route<'a> {
    match (method, rest) {
        ("POST", [from, to, "batch", "read"]) => Route::AssociationBatchRead(from, to),
        ("GET", [from, to, "labels"]) => Route::AssociationLabels(from, to),
        (_, [_, _, "batch" | "labels", ..]) => Route::WrongMethod,
        _ => Route::Unknown,
    }
}

fn properties<'a>(method: &str, rest: &[&'a str]) -> Route<'a> {
    let found = match rest {
        [kind] => Route::Properties(kind),
        [kind, "groups"] => Route::PropertyGroups(kind),
        [kind, name] => Route::Property(kind, name),
        _ => Route::Unknown,
    };
    get(method, found)
}

fn pipelines<'a>(rest: &[&'a str]) -> Route<'a> {
    match rest {
        [kind] => Route::Pipelines(kind),
        [kind, id] => Route::Pipeline(kind, id),
        [kind, id, "stages"] => Route::Stages(kind, id),
        _ => Route::Unknown,
    }
}

fn owners<'a>(rest: &[&'a str]) -> Route<'a> {
    match rest {
        [] => Route::Owners,
        [id] => Route::Owner(id),
        _ => Route::Unknown,
    }
}

fn schemas<'a>(rest: &[&'a str]) -> Route<'a> {
    match rest {
        [] => Route::Schemas,
        [kind] => Route::Schema(kind),
        _ => Route::Unknown,
    }
}

fn account<'a>(rest: &[&'a str]) -> Route<'a> {
    match rest {
        ["details"] => Route::AccountDetails,
        ["api-usage", "daily", "private-apps"] => Route::DailyUsage,
        _ => Route::Unknown,
    }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// A part of a path, in which `+` is itself.
pub(crate) fn decode_part(text: &str) -> String {
    percent_decode(text, b'+')
}

/// Percent-decoding, with `+` for a space as in forms.
pub(crate) fn decode(text: &str) -> String {
    percent_decode(text, b' ')
}

fn percent_decode(text: &str, plus: u8) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut n = 0;
    while n < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
        match (bytes[n], hex(n + 1), hex(n + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                n += 3;
                continue;
            }
            (b'+', ..) => out.push(plus),
            (byte, ..) => out.push(byte),
        }
        n += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
