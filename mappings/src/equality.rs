//! When two values are the same although their texts differ.
//!
//! Everything starts from the remote's side: each property has one [`Likeness`], and two cells are the same if the
//! remote would be sent the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::decimal::{self, Decimal};
use crate::instant::{Date, Instant};
use crate::transform::Normaliser;

/// How the texts of one property are compared, and which of them the remote would accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Byte for byte, after the normalisers.
    Text,
    /// By value.
    Number,
    /// `true` and `false`, in any case.
    Boolean,
    /// As sets of the texts between the separators.
    Set(String),
    /// By day.
    Date,
    /// By millisecond.
    Instant,
    /// By structure.
    Json,
}

impl Likeness {
    /// Whether two texts mean the same. Empty text is no value.
    pub(crate) fn same(&self, normaliser: Normaliser, a: Option<&str>, b: Option<&str>) -> bool {
        let (a, b) = (a.unwrap_or(""), b.unwrap_or(""));
        a == b || self.alike(normaliser, a, b)
    }

    fn alike(&self, normaliser: Normaliser, a: &str, b: &str) -> bool {
        // Blanks around a number or a date are no part of it, here as where a person's text is sent. A text that
        // cannot be read as its type is only like itself.
        let (bare_a, bare_b) = (a.trim(), b.trim());
        match self {
            Self::Text => normaliser.apply(a) == normaliser.apply(b),
            Self::Number => both(Decimal::parse(bare_a), Decimal::parse(bare_b), |a, b| a.same(&b)),
            Self::Boolean => both(read_boolean(bare_a), read_boolean(bare_b), |a, b| a == b),
            Self::Set(separator) => same_set(separator, normaliser, a, b),
            Self::Date => both(Date::parse_remote(bare_a), Date::parse_remote(bare_b), |a, b| a == b),
            Self::Instant => both(Instant::parse_remote(bare_a), Instant::parse_remote(bare_b), |a, b| a == b),
            Self::Json => same_json(bare_a, bare_b),
        }
    }

    /// The text to send for text that a person wrote, in the remote's own form; `Ok(None)` clears. The error says what
    /// would have been accepted.
    pub(crate) fn send(&self, normaliser: Normaliser, text: &str) -> Result<Option<String>, &'static str> {
        let text = normaliser.apply(text);
        if text.is_empty() {
            return Ok(None);
        }
        let trimmed = text.trim();
        let sent = match self {
            Self::Text => text.into_owned(),
            Self::Number => {
                let number = Decimal::parse(trimmed).ok_or("a decimal number")?;
                if decimal::is_plain(trimmed) {
                    trimmed.to_owned()
                } else {
                    number.plain().ok_or("a decimal number of a reasonable length")?
                }
            }
            Self::Boolean => read_boolean(trimmed).ok_or("`true` or `false`")?.to_string(),
            Self::Set(separator) => return Ok(join_items(separator, normaliser, &text)),
            Self::Date => Date::parse_remote(trimmed).ok_or("a date like 2025-01-31")?.show(),
            Self::Instant => Instant::parse_remote(trimmed).ok_or("a time like 2025-01-31T12:00:00.000Z")?.show(),
            Self::Json => is_json(trimmed).then(|| trimmed.to_owned()).ok_or("JSON")?,
        };
        Ok(Some(sent))
    }
}

fn both<T>(a: Option<T>, b: Option<T>, same: impl Fn(T, T) -> bool) -> bool {
    a.zip(b).is_some_and(|(a, b)| same(a, b))
}

/// `true` or `false`, whatever the case.
pub(crate) fn read_boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The items between the separators, in order, without empty ones.
pub(crate) fn items<'a>(separator: &str, normaliser: Normaliser, text: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    text.split(separator).map(move |item| normaliser.apply(item)).filter(|item| !item.is_empty())
}

/// The items joined again. A separator at the front is dropped: a remote may read it as "add to what is there".
fn join_items(separator: &str, normaliser: Normaliser, text: &str) -> Option<String> {
    let kept: Vec<Cow<'_, str>> = items(separator, normaliser, text).collect();
    (!kept.is_empty()).then(|| kept.join(separator))
}

fn same_set(separator: &str, normaliser: Normaliser, a: &str, b: &str) -> bool {
    let sorted = |text| {
        let mut items: Vec<Cow<'_, str>> = items(separator, normaliser, text).collect();
        items.sort_unstable();
        items.dedup();
        items
    };
    sorted(a) == sorted(b)
}

/// Whether the text is one JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Equality by structure: the order of keys, white space, escapes and the spelling of numbers do not count. Numbers
/// are compared as decimals, so that two long ids are never taken for one.
fn same_json(a: &str, b: &str) -> bool {
    is_json(a) && is_json(b) && same_json_value(a, b)
}

fn same_json_value(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.as_bytes().first(), b.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => both(read::<Object<'_>>(a), read::<Object<'_>>(b), |a, b| {
            a.len() == b.len()
                && a.iter().zip(&b).all(|((ka, va), (kb, vb))| ka == kb && same_json_value(va.get(), vb.get()))
        }),
        (Some(b'['), Some(b'[')) => both(read::<Vec<&RawValue>>(a), read::<Vec<&RawValue>>(b), |a, b| {
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_json_value(a.get(), b.get()))
        }),
        (Some(b'"'), Some(b'"')) => both(read::<String>(a), read::<String>(b), |a, b| a == b),
        _ => both(Decimal::parse(a), Decimal::parse(b), |a, b| a.same(&b)),
    }
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

fn read<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}
