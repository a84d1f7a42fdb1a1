//! YAML text as a tree that remembers where everything stands.
//!
//! The one module that knows the YAML library. Scalars keep the text that was typed (`no` stays `no`, `007`
//! stays `007`), and a mapping keeps repeated keys, so that the reader of the tree can name both places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, MessageFormatter, NonFiniteFloatPolicy, Spanned, UserMessageFormatter};

use crate::error::harmless;

/// A place in a file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A piece of the file and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) shape: Shape,
}

/// What a piece of the file is.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Nothing was written, or `null`.
    Empty,
    /// Text as it was typed, without its quotes.
    Scalar(String),
    /// Keys and values, in order, repetitions included.
    Map(Vec<(Key, Node)>),
    /// A list. No key of a mapping file holds one, so what is in it does not matter.
    List,
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) text: String,
}

impl Node {
    /// What a person would call this shape.
    pub(crate) fn describe(&self) -> &'static str {
        match self.shape {
            Shape::Empty => "nothing",
            Shape::Scalar(_) => "a single value",
            Shape::Map(_) => "a map",
            Shape::List => "a list",
        }
    }
}

/// Why a file is not YAML, and where.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, NotYaml> {
    // A mapping file has a few thousand nodes at most: limits far below the library's own keep an alias bomb small.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 200_000, max_nodes: 100_000, max_depth: 16, max_documents: 2 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 50_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(build(raw, text)),
        Err(error) => Err(explain(&error)),
    }
}

fn explain(error: &Error) -> NotYaml {
    let mut inner = error;
    while let Error::WithSnippet { error, .. } | Error::AliasError { error, .. } = inner {
        inner = error;
    }
    let message = harmless(&UserMessageFormatter.format_message(inner), 200);
    let place = error.location().filter(|at| at.line() > 0).map(|at| Place { line: at.line(), column: at.column() });
    NotYaml { place, message }
}

/// The tree as the library hands it over: a plain scalar may have been taken for a number or a boolean.
enum Raw {
    Empty,
    Text(String),
    /// Taken for something else than text: what was typed stands in the source.
    Typed(String),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
    List,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a map or a list")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Empty)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Raw::List)
    }
}

fn build(raw: Spanned<Raw>, source: &str) -> Node {
    // The place of an alias is where it is used: that is the line a person has to edit.
    let place = Place { line: raw.referenced.line(), column: raw.referenced.column() };
    let span = raw.defined.span();
    let shape = match raw.value {
        Raw::Empty => Shape::Empty,
        Raw::Text(text) => Shape::Scalar(text),
        Raw::Typed(read) => Shape::Scalar(typed_in(source, span.byte_offset(), span.byte_len()).unwrap_or(read)),
        Raw::Map(entries) => Shape::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let place = Place { line: key.referenced.line(), column: key.referenced.column() };
                    (Key { place, text: key.value }, build(value, source))
                })
                .collect(),
        ),
        Raw::List => Shape::List,
    };
    Node { place, shape }
}

/// The characters of a plain scalar as they stand in the file.
fn typed_in(source: &str, offset: Option<u64>, len: Option<u64>) -> Option<String> {
    let start = usize::try_from(offset?).ok()?;
    let end = start.checked_add(usize::try_from(len?).ok()?)?;
    let text = source.get(start..end)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(node: &Node) -> String {
        match &node.shape {
            Shape::Empty => "~".to_owned(),
            Shape::Scalar(text) => format!("{}:{}={text}", node.place.line, node.place.column),
            Shape::Map(entries) => entries
                .iter()
                .map(|(key, value)| format!("{}@{}:{} {{{}}}", key.text, key.place.line, key.place.column, flat(value)))
                .collect::<Vec<_>>()
                .join(" "),
            Shape::List => "[]".to_owned(),
        }
    }

    #[test]
    fn scalars_keep_what_was_typed_and_where() {
        let tree = parse("a: no\nb: 007\n\nc: { d: 1.50, e: \"1\", f: }\ng: [yes, 0x10]\nh: é 1\n1: .nan\n").unwrap();
        insta::assert_snapshot!(flat(&tree), @"a@1:1 {1:4=no} b@2:1 {2:4=007} c@4:1 {d@4:6 {4:9=1.50} e@4:15 {4:18=1} f@4:23 {~}} g@5:1 {[]} h@6:1 {6:4=é 1} 1@7:1 {7:4=.nan}");
    }

    #[test]
    fn repeated_keys_are_kept_for_the_reader_to_name() {
        insta::assert_snapshot!(flat(&parse("a: 1\na: 2\n").unwrap()), @"a@1:1 {1:4=1} a@2:1 {2:4=2}");
    }

    #[test]
    fn an_alias_stands_where_it_is_used() {
        insta::assert_snapshot!(flat(&parse("x: &v 010\ny: *v\nz: { <<: &m { p: 1 }, q: 2 }\n").unwrap()), @"x@1:1 {1:7=010} y@2:1 {2:4=010} z@3:1 {q@3:23 {3:26=2} p@3:13 {3:13=1}}");
    }

    #[test]
    fn s21_an_alias_bomb_is_refused_quickly() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..9 {
            let items = vec![format!("*a{}", i - 1); 10].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        insta::assert_snapshot!(parse(&bomb).unwrap_err().message, @"YAML document too large or too complex: total_replayed_events=50001 > 50000");
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let errors: Vec<_> =
            ["a: [1\nb: 2\n", "a: 1\n  b: 2\n", "", "a: 1\n---\nb: 2\n", "\ta: 1\n", "a: *nope\n", "a: \"x\n"]
                .iter()
                .map(|text| match parse(text) {
                    Ok(tree) => flat(&tree),
                    Err(error) => format!("{:?} {}", error.place.map(|p| (p.line, p.column)), error.message),
                })
                .collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        Some((2, 2)) illegal placement of ':' indicator
        Some((2, 4)) mapping values are not allowed in this context
        ~
        Some((3, 1)) only single YAML document expected but multiple found
        a@1:2 {1:5=1}
        Some((1, 4)) reference to unknown value
        Some((2, 1)) invalid indentation in multiline quoted scalar
        "#);
    }
}
