//! A search body, checked against the documented limits and turned into something that can be evaluated.

use serde::Deserialize;

use crate::catalogue::Derived;
use crate::clock;
use crate::links::Links;
use crate::object_types::{ObjectType, TypeIndex, resolve};
use crate::problem::{Detail, Problem};
use crate::store::Store;
use crate::value::PropertyId;

const BODY: usize = 3_000;
const GROUPS: usize = 5;
const FILTERS_IN_GROUP: usize = 6;
const FILTERS: usize = 18;
const LIMIT: usize = 200;
const WINDOW: usize = 10_000;

/// A search that keeps the rules.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Any of these groups, all conditions of a group. No group: everything.
    pub(crate) groups: Vec<Vec<Condition>>,
    pub(crate) sort: Sort,
    /// Words that must all occur in the searchable properties.
    pub(crate) words: Vec<String>,
    pub(crate) properties: Option<Vec<String>>,
    pub(crate) limit: usize,
    pub(crate) after: usize,
}

/// In what order results come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Creation, ascending: when nothing is said.
    Default,
    By {
        property: PropertyId,
        descending: bool,
    },
}

/// One filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) field: Field,
    pub(crate) test: Test,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Id, creation or modified date, kept apart because every window asks for them.
    Own(Derived),
    Number(PropertyId),
    Date(PropertyId),
    Choice(PropertyId),
    Text(PropertyId),
    Association(TypeIndex),
    /// Contacts' `hs_lastmodifieddate`: accepted, and never true.
    Never,
}

/// What a filter demands. Operands are prepared for their field: numbers and dates parsed, text but for choices
/// lower-cased.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Eq(Operand),
    Neq(Operand),
    Lt(Operand),
    Lte(Operand),
    Gt(Operand),
    Gte(Operand),
    Between(Operand, Operand),
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Has,
    HasNot,
    Contains(String),
    ContainsNot(String),
}

/// A filter's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// Milliseconds or an id.
    Whole(i64),
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    sorts: Vec<SortText>,
    query: Option<String>,
    properties: Option<Vec<String>>,
    limit: Option<Scalar>,
    after: Option<Scalar>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    value: Option<Scalar>,
    high_value: Option<Scalar>,
    #[serde(default)]
    values: Vec<Scalar>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SortText {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Object {
        property_name: String,
        direction: Option<String>,
    },
}

/// A string, number or yes/no: HubSpot takes any of them where it documents a string.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Scalar::Text(text) => text.clone(),
            Scalar::Whole(n) => n.to_string(),
            Scalar::Number(n) => n.to_string(),
            Scalar::Flag(flag) => flag.to_string(),
        }
    }
}

/// Everything the parser needs to know about the portal.
pub(crate) struct Scope<'a> {
    pub(crate) store: &'a Store,
    pub(crate) kind: TypeIndex,
    pub(crate) types: &'a [ObjectType],
    pub(crate) links: &'a Links,
    pub(crate) sensitive: bool,
}

/// Reads and checks a search body.
pub(crate) fn parse(bytes: &[u8], scope: &Scope<'_>) -> Result<Query, Problem> {
    let characters = String::from_utf8_lossy(bytes).chars().count();
    if characters > BODY {
        return Err(Problem::invalid(format!(
            "The request body has {characters} characters; at most {BODY} are allowed."
        )));
    }
    let body: Body = if bytes.is_empty() {
        Body {
            filter_groups: vec![],
            filters: vec![],
            sorts: vec![],
            query: None,
            properties: None,
            limit: None,
            after: None,
        }
    } else {
        serde_json::from_slice(bytes).map_err(|e| {
            Problem::invalid(format!("Invalid input JSON on line {}, column {}: {e}", e.line(), e.column()))
        })?
    };
    let mut groups: Vec<Vec<Filter>> = body.filter_groups.into_iter().map(|g| g.filters).collect();
    if !body.filters.is_empty() {
        groups.push(body.filters);
    }
    check_counts(&groups)?;
    let (limit, after) = page(body.limit.as_ref(), body.after.as_ref())?;
    let groups = groups
        .iter()
        .filter(|g| !g.is_empty())
        .map(|group| group.iter().map(|f| condition(f, scope)).collect())
        .collect::<Result<Vec<Vec<Condition>>, Problem>>()?;
    Ok(Query {
        groups,
        sort: sort(&body.sorts, scope)?,
        words: body.query.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect(),
        properties: body.properties,
        limit,
        after,
    })
}

fn check_counts(groups: &[Vec<Filter>]) -> Result<(), Problem> {
    let total: usize = groups.iter().map(Vec::len).sum();
    let largest = groups.iter().map(Vec::len).max().unwrap_or(0);
    let words = if groups.len() > GROUPS {
        format!("There are {} filterGroups; at most {GROUPS} are allowed.", groups.len())
    } else if largest > FILTERS_IN_GROUP {
        format!("A filterGroup has {largest} filters; at most {FILTERS_IN_GROUP} are allowed.")
    } else if total > FILTERS {
        format!("There are {total} filters; at most {FILTERS} are allowed.")
    } else {
        return Ok(());
    };
    Err(Problem::invalid_with(words.clone(), vec![Detail::new(words, "MAX_FILTERS_EXCEEDED", Vec::new())]))
}

fn page(limit: Option<&Scalar>, after: Option<&Scalar>) -> Result<(usize, usize), Problem> {
    let number = |name: &str, given: Option<&Scalar>, default: usize| match given.map(Scalar::text) {
        None => Ok(default),
        Some(text) if text.is_empty() => Ok(default),
        Some(text) => {
            text.parse::<usize>().map_err(|_| Problem::invalid(format!("{name} must be an integer, got '{text}'")))
        }
    };
    let limit = number("limit", limit, 10)?;
    let after = number("after", after, 0)?;
    if limit == 0 || limit > LIMIT {
        return Err(Problem::invalid(format!("limit must be between 1 and {LIMIT}, got {limit}")));
    }
    if after + limit > WINDOW {
        return Err(Problem::invalid(format!("Paging past {WINDOW} results of one search is not supported.")));
    }
    Ok((limit, after))
}

fn sort(sorts: &[SortText], scope: &Scope<'_>) -> Result<Sort, Problem> {
    let (name, descending) = match sorts {
        [] => return Ok(Sort::Default),
        [SortText::Name(name)] => match name.strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        },
        [SortText::Object { property_name, direction }] => {
            (property_name.as_str(), direction.as_deref().is_some_and(|d| d.to_uppercase().starts_with("DESC")))
        }
        _ => return Err(Problem::invalid(format!("Only one sort is allowed, got {}", sorts.len()))),
    };
    let property = scope.store.catalogue.readable(name, scope.sensitive).ok_or_else(|| unknown(name))?;
    Ok(Sort::By { property, descending })
}

fn unknown(name: &str) -> Problem {
    let words = format!("Property \"{name}\" does not exist");
    let detail = Detail::new(words.clone(), "PROPERTY_DOESNT_EXIST", vec![("propertyName", vec![name.to_owned()])]);
    Problem::invalid_with(words, vec![detail])
}

fn condition(filter: &Filter, scope: &Scope<'_>) -> Result<Condition, Problem> {
    let field = field(&filter.property_name, scope)?;
    let operand = |given: Option<&Scalar>, case: Case| match given {
        Some(value) => prepare(&value.text(), field, case, &filter.property_name),
        None => Err(Problem::invalid(format!("Operator {} needs a value", filter.operator))),
    };
    let one = || operand(filter.value.as_ref(), Case::Folded);
    let many = || filter.values.iter().map(|v| operand(Some(v), Case::AsGiven)).collect::<Result<Vec<_>, _>>();
    let test = match filter.operator.as_str() {
        "EQ" => Test::Eq(one()?),
        "NEQ" => Test::Neq(one()?),
        "LT" => Test::Lt(one()?),
        "LTE" => Test::Lte(one()?),
        "GT" => Test::Gt(one()?),
        "GTE" => Test::Gte(one()?),
        "BETWEEN" => Test::Between(one()?, operand(filter.high_value.as_ref(), Case::Folded)?),
        "IN" => Test::In(many()?),
        "NOT_IN" => Test::NotIn(many()?),
        "HAS_PROPERTY" => Test::Has,
        "NOT_HAS_PROPERTY" => Test::HasNot,
        "CONTAINS_TOKEN" => Test::Contains(token(filter, field)?),
        "NOT_CONTAINS_TOKEN" => Test::ContainsNot(token(filter, field)?),
        other => return Err(Problem::invalid(format!("Unknown operator: {other}"))),
    };
    Ok(Condition { field, test })
}

/// Choices are compared as they are, whatever the operator.
fn token(filter: &Filter, field: Field) -> Result<String, Problem> {
    let value = filter.value.as_ref().map(Scalar::text);
    let value = value.map(|text| if matches!(field, Field::Choice(_)) { text } else { text.to_lowercase() });
    value.ok_or_else(|| Problem::invalid(format!("Operator {} needs a value", filter.operator)))
}

fn field(name: &str, scope: &Scope<'_>) -> Result<Field, Problem> {
    if let Some(other) = name.strip_prefix("associations.") {
        let to = resolve(scope.types, other).filter(|to| !scope.types[*to].custom);
        return to
            .filter(|to| scope.links.pair(scope.kind, *to).is_some())
            .map(Field::Association)
            .ok_or_else(|| unknown(name));
    }
    let object = scope.types[scope.kind].name.as_str();
    if name == "hs_body_preview_html" || object == "emails" && matches!(name, "hs_email_html" | "hs_body_preview") {
        return Err(Problem::invalid(format!("Property \"{name}\" cannot be filtered on")));
    }
    let catalogue = &scope.store.catalogue;
    let id = catalogue.readable(name, scope.sensitive).ok_or_else(|| unknown(name))?;
    Ok(match (catalogue.derived(id), catalogue.get(id).kind.as_str()) {
        (Some(Derived::ContactModified), _) => Field::Never,
        (Some(own @ (Derived::Id | Derived::Created | Derived::Modified)), _) => Field::Own(own),
        (_, "number") => Field::Number(id),
        (_, "date" | "datetime") => Field::Date(id),
        (_, "enumeration") => Field::Choice(id),
        _ => Field::Text(id),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Folded,
    /// `IN` on text compares the lower-cased value with what was given: upper-case operands never match.
    AsGiven,
}

fn prepare(text: &str, field: Field, case: Case, name: &str) -> Result<Operand, Problem> {
    let bad = || Problem::invalid(format!("Invalid value '{text}' for property {name}"));
    Ok(match field {
        Field::Own(Derived::Created | Derived::Modified) | Field::Date(_) => {
            match clock::parse(text).ok_or_else(bad)? {
                // Recorded: a search from the beginning of time fails on HubSpot's side.
                0 => return Err(Problem::internal()),
                at => Operand::Whole(at),
            }
        }
        Field::Own(_) | Field::Association(_) => Operand::Whole(text.parse().map_err(|_| bad())?),
        Field::Number(_) => Operand::Number(text.parse().map_err(|_| bad())?),
        Field::Text(_) if case == Case::Folded => Operand::Text(text.to_lowercase()),
        Field::Text(_) | Field::Choice(_) | Field::Never => Operand::Text(text.to_owned()),
    })
}
