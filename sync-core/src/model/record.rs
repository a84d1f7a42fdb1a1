//! A record as the remote sent it: its envelope typed, its properties untouched.

use super::{RecordId, Timestamp};
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

/// One record as one read returned it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The id under which the remote holds it now; after a merge not necessarily the id that was asked for.
    pub id: RecordId,
    /// When it was created, by the remote's clock.
    pub created_at: Timestamp,
    /// When it last changed, by the remote's clock.
    pub updated_at: Timestamp,
    /// Set when the record is archived; the time if the remote told one.
    pub archived: Option<Timestamp>,
    /// Ids of records that were merged into this one, as far as the read told.
    pub merged_ids: Vec<RecordId>,
    /// The properties that were read.
    pub properties: Properties,
}

/// The properties of a record: the JSON object exactly as it arrived.
///
/// Its members map names to strings or null; numbers and booleans are taken by their text, so that no digit is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties(Box<str>);

/// Why a properties object could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the properties of the record are not a JSON object of values: {0}")]
pub struct PropertiesError(#[from] serde_json::Error);

impl Properties {
    /// Takes the JSON text of an object over, unread.
    pub fn from_json(json: impl Into<Box<str>>) -> Self {
        Self(json.into())
    }

    /// The JSON text as it arrived.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Calls `each` with every member in wire order: its name, and its value or `None` for null.
    ///
    /// Text that JSON allows and Unicode does not (a lone surrogate escape) is told with U+FFFD in its place; what is
    /// stored keeps the escape.
    ///
    /// # Errors
    /// When the text is no JSON object, or a value is itself an object or an array that JSON cannot delimit.
    pub fn for_each<'a>(&'a self, mut each: impl FnMut(&str, Option<Cow<'a, str>>)) -> Result<(), PropertiesError> {
        let mut deserializer = serde_json::Deserializer::from_str(&self.0);
        deserializer.deserialize_map(Members(&mut each, PhantomData))?;
        Ok(())
    }

    /// The values of the properties that have a place, each with its place; the rest is passed over.
    ///
    /// # Errors
    /// As [`Properties::for_each`].
    pub(crate) fn placed<'a>(&'a self, places: &HashMap<String, usize>) -> Result<Placed<'a>, PropertiesError> {
        let mut found = Vec::with_capacity(places.len());
        self.for_each(|name, value| {
            if let Some(place) = places.get(name) {
                found.push((*place, value));
            }
        })?;
        Ok(found)
    }

    /// The same properties with one more at the end.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let (name, value) = (serde_json::Value::from(name), serde_json::Value::from(value));
        let open = self.0.trim_end().trim_end_matches('}').trim_end();
        let comma = if open.ends_with('{') { "" } else { "," };
        Self(format!("{open}{comma}{name}:{value}}}").into())
    }

    /// These properties with what a later answer told: its values in their places, and at the end those that are new.
    /// Only names that `take` accepts are added.
    ///
    /// # Errors
    /// As [`Properties::for_each`], of either.
    pub(crate) fn patched(&self, later: &Self, take: impl Fn(&str) -> bool) -> Result<Self, PropertiesError> {
        let (mut own, told) = (self.members()?, later.members()?);
        let known = own.len();
        let mut later: HashMap<&str, (&RawValue, bool)> =
            told.iter().map(|(name, value)| (name.as_ref(), (*value, true))).collect();
        for (name, value) in &mut own {
            if let Some((told, is_new)) = later.get_mut(name.as_ref()) {
                (*value, *is_new) = (*told, false);
            }
        }
        for (name, _) in &told {
            if let Some((value, true)) = later.remove(name.as_ref())
                && take(name)
            {
                own.push((Cow::Borrowed(name), value));
            }
        }
        let mut text = String::with_capacity(self.0.len() + 64 * (1 + own.len() - known));
        for (place, (name, value)) in own.iter().enumerate() {
            text.push(if place == 0 { '{' } else { ',' });
            text.push_str(&serde_json::to_string(name)?);
            text.push(':');
            text.push_str(value.get());
        }
        text.push_str(if own.is_empty() { "{}" } else { "}" });
        Ok(Self(text.into()))
    }

    /// Every member, its value as it arrived.
    fn members(&self) -> Result<Vec<(Cow<'_, str>, &RawValue)>, PropertiesError> {
        struct Raw;
        impl<'de> Visitor<'de> for Raw {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of property values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key_seed(Name)? {
                    members.push((name, map.next_value()?));
                }
                Ok(members)
            }
        }
        Ok(serde_json::Deserializer::from_str(&self.0).deserialize_map(Raw)?)
    }

    /// Whether a property is among them, be it null.
    pub fn names(&self, name: &str) -> bool {
        let mut named = false;
        let read = self.for_each(|member, _| named |= member == name);
        read.is_ok() && named
    }

    /// One property's value: `None` when it is absent, null or the object cannot be read.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut found = None;
        let read = self.for_each(|member, value| {
            if member == name {
                found = value.map(Cow::into_owned);
            }
        });
        read.ok().and(found)
    }
}

/// Values with the places of their properties.
pub(crate) type Placed<'a> = Vec<(usize, Option<Cow<'a, str>>)>;

struct Members<'f, 'a, F>(&'f mut F, PhantomData<&'a str>);

impl<'de: 'a, 'a, F: FnMut(&str, Option<Cow<'a, str>>)> Visitor<'de> for Members<'_, 'a, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of property values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'de RawValue = map.next_value()?;
            match Scalar::of(value.get()) {
                Scalar::Null => (self.0)(&name, None),
                Scalar::Text(text) => (self.0)(&name, Some(text)),
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed where it holds no escape.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Cow<'de, str>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a property name")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(String::from_utf8_lossy(bytes))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // As bytes, because a lone surrogate makes no text: one strange name must not spoil the record.
        deserializer.deserialize_bytes(Bytes)
    }
}

enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    /// The value of raw JSON: strings unescaped, null as null, everything else by its own text.
    fn of(json: &'a str) -> Self {
        let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return if json == "null" { Self::Null } else { Self::Text(Cow::Borrowed(json)) };
        };
        if !inner.contains('\\') {
            return Self::Text(Cow::Borrowed(inner));
        }
        Self::Text(Cow::Owned(match serde_json::from_str::<String>(json) {
            Ok(text) => text,
            Err(_) => unescape_lossy(inner),
        }))
    }
}

/// Unescapes JSON text that holds a lone surrogate: everything as written, the surrogate as U+FFFD.
fn unescape_lossy(inner: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    let mut buffer = [0u16; 2];
    while let Some(char) = chars.next() {
        if char != '\\' {
            units.extend_from_slice(char.encode_utf16(&mut buffer));
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
            }
            Some('n') => units.push(u16::from(b'\n')),
            Some('t') => units.push(u16::from(b'\t')),
            Some('r') => units.push(u16::from(b'\r')),
            Some('b') => units.push(0x08),
            Some('f') => units.push(0x0C),
            Some(other) => units.extend_from_slice(other.encode_utf16(&mut buffer)),
            None => break,
        }
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::Properties;
    use std::borrow::Cow;

    fn members(json: &str) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        Properties::from_json(json)
            .for_each(|name, value| all.push((name.to_owned(), value.map(Cow::into_owned))))
            .unwrap();
        all
    }

    #[test]
    fn p41_a_name_that_is_no_text_spoils_nothing_else() {
        let read = members(r#"{"\udc00":"a","b\n":"c"}"#);
        assert_eq!(read.len(), 2);
        assert!(read[0].0.contains('\u{fffd}'), "{read:?}");
        assert_eq!(read[1], ("b\n".to_owned(), Some("c".to_owned())));
    }

    #[test]
    fn values_are_text_or_null_whatever_json_type_they_come_in() {
        let read = members(r#"{"a":"x","b":null,"c":"","d":12345678901234567890123456789012.10,"e":true}"#);
        let expected = [
            ("a", Some("x")),
            ("b", None),
            ("c", Some("")),
            ("d", Some("12345678901234567890123456789012.10")),
            ("e", Some("true")),
        ];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }

    #[test]
    fn p41_a_lone_surrogate_is_shown_with_a_replacement_and_spoils_nothing_else() {
        let read = members(r#"{"a":"x\ud800y\né\ud83d\ude00","b":"fine"}"#);
        assert_eq!(read[0].1.as_deref(), Some("x\u{FFFD}y\né😀"));
        assert_eq!(read[1].1.as_deref(), Some("fine"));
    }

    #[test]
    fn a_later_answer_changes_values_in_their_places_and_adds_what_is_wanted() {
        let base = Properties::from_json(r#"{"a":"1","b":null,"c":"\ud800"}"#);
        let later = Properties::from_json(r#"{"b":"2","d":"4","e":"5"}"#);
        let patched = base.patched(&later, |name| name == "d").unwrap();
        assert_eq!(patched.as_json(), r#"{"a":"1","b":"2","c":"\ud800","d":"4"}"#);
        assert_eq!(base.patched(&Properties::from_json("{}"), |_| true).unwrap(), base);
    }

    #[test]
    fn an_escaped_name_is_read_like_any_other() {
        assert_eq!(members(r#"{"\u0061b":"1"}"#)[0].0, "ab");
    }
}
