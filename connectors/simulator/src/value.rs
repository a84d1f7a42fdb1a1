//! Property values, and a record's values packed into one allocation.
//!
//! A million records with a map each would not fit a laptop. A record's values are one byte string: for each value the
//! property's number, the length and the escaped text, ordered by number. Absent means never set; empty means cleared.

use std::borrow::Cow;

use crate::json::{escape_into, unescape};

/// The number of a property within its object type. Numbers are never reused.
pub(crate) type PropertyId = u16;

/// A property's value as the API would show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Ordinary text.
    Text(String),
    /// The inside of a JSON string, already escaped: the way to store `\ud800`, which no Rust string can hold.
    Raw(String),
}

impl Value {
    /// A value given as the inside of a JSON string.
    pub fn raw(inside: impl Into<String>) -> Self {
        Value::Raw(inside.into())
    }

    /// The text, or `None` when no Rust string can hold it.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Raw(inside) => unescape(inside.as_bytes()).map(Cow::Owned),
        }
    }

    /// Whether the value is the empty string.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Text(text) | Value::Raw(text) => text.is_empty(),
        }
    }

    /// The stored form: the inside of a JSON string.
    pub(crate) fn escaped(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => {
                let mut out = Vec::with_capacity(text.len());
                escape_into(&mut out, text);
                out
            }
            Value::Raw(inside) => inside.as_bytes().to_vec(),
        }
    }

    pub(crate) fn from_escaped(stored: &[u8]) -> Self {
        match unescape(stored) {
            Some(text) => Value::Text(text),
            None => Value::Raw(String::from_utf8_lossy(stored).into_owned()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Value::Text(text.clone())
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

const HEADER: usize = 6;

/// A record's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    /// Packs values; of several for one property the last wins.
    pub(crate) fn pack(values: &mut [(PropertyId, Vec<u8>)]) -> Self {
        values.sort_by_key(|(id, _)| *id);
        let size = values.iter().map(|(_, v)| v.len() + HEADER).sum();
        let mut out = Vec::with_capacity(size);
        for n in 0..values.len() {
            let (id, value) = &values[n];
            if values.get(n + 1).is_some_and(|(next, _)| next == id) {
                continue;
            }
            push(&mut out, *id, value);
        }
        Packed(out.into_boxed_slice())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PropertyId, &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (header, tail) = rest.split_at_checked(HEADER)?;
            let id = u16::from_le_bytes([header[0], header[1]]);
            let len = u32::from_le_bytes([header[2], header[3], header[4], header[5]]) as usize;
            let (value, tail) = tail.split_at_checked(len)?;
            rest = tail;
            Some((id, value))
        })
    }

    pub(crate) fn get(&self, property: PropertyId) -> Option<&[u8]> {
        self.iter().take_while(|(id, _)| *id <= property).find(|(id, _)| *id == property).map(|(_, v)| v)
    }

    /// These values with some replaced or added.
    pub(crate) fn with(&self, changes: &[(PropertyId, Vec<u8>)]) -> Self {
        let mut all: Vec<(PropertyId, Vec<u8>)> = self.iter().map(|(id, v)| (id, v.to_vec())).collect();
        all.extend(changes.iter().cloned());
        Packed::pack(&mut all)
    }
}

fn push(out: &mut Vec<u8>, id: PropertyId, value: &[u8]) {
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_come_back_and_the_last_one_wins() {
        let mut values = vec![(7, b"b".to_vec()), (2, b"".to_vec()), (7, b"c".to_vec())];
        let packed = Packed::pack(&mut values);
        assert_eq!(packed.get(2), Some(&b""[..]));
        assert_eq!(packed.get(7), Some(&b"c"[..]));
        assert_eq!(packed.get(3), None);
        let changed = packed.with(&[(3, b"x".to_vec()), (7, b"d".to_vec())]);
        let all: Vec<_> = changed.iter().collect();
        assert_eq!(all, vec![(2, &b""[..]), (3, &b"x"[..]), (7, &b"d"[..])]);
    }
}
