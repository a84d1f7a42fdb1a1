//! The ids in a tool's table. It may have kept them as numbers: an id is taken only where it is certain which one is meant.

use rusqlite::types::ValueRef;

/// What stands in the place of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Id {
    /// Nothing: a new row.
    None,
    /// The id, as the remote gives it.
    Known(String),
    /// Something that is no id for certain.
    Unreadable,
}

/// Beyond this a float is no longer one whole number alone.
const EXACT: f64 = 9_007_199_254_740_991.0;
/// What programs print where a value is missing.
pub(in crate::store) const MISSING: [&str; 6] = ["nan", "NaN", "NaT", "None", "<NA>", ""];

/// Reads the place of an id.
pub(in crate::store) fn read(value: ValueRef<'_>) -> Id {
    match value {
        ValueRef::Null => Id::None,
        ValueRef::Integer(number) => Id::Known(number.to_string()),
        ValueRef::Real(number) => whole(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes).map(str::trim) {
            Ok(text) if MISSING.contains(&text) => Id::None,
            Ok(text) => of_text(text),
            Err(_) => Id::Unreadable,
        },
        ValueRef::Blob(_) => Id::Unreadable,
    }
}

/// A float that was written as text, `134.0`, is one all the same.
fn of_text(text: &str) -> Id {
    let digits = text.split_once('.').filter(|(whole, rest)| {
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        all_digits(whole) && all_digits(rest)
    });
    match digits {
        None => Id::Known(text.to_owned()),
        Some(_) => text.parse().map_or(Id::Unreadable, whole),
    }
}

fn whole(number: f64) -> Id {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        // Below 2^53 every whole float is an integer, digit for digit.
        Id::Known((number as i64).to_string())
    } else {
        Id::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, read};
    use rusqlite::types::ValueRef;

    #[test]
    fn an_id_is_taken_only_where_it_is_certain() {
        let known = |id: &str| Id::Known(id.to_owned());
        let text = |value: &'static str| ValueRef::Text(value.as_bytes());
        for (value, id) in [
            (ValueRef::Integer(134_069_038_088), known("134069038088")),
            (ValueRef::Real(134_069_038_088.0), known("134069038088")),
            (text("134069038088"), known("134069038088")),
            (text(" 134069038088.0 "), known("134069038088")),
            (text("a-1.5b"), known("a-1.5b")),
            (ValueRef::Integer(9_007_199_254_740_993), known("9007199254740993")),
            (ValueRef::Null, Id::None),
            (text("nan"), Id::None),
            (text(" "), Id::None),
            (ValueRef::Real(134.5), Id::Unreadable),
            (text("134.5"), Id::Unreadable),
            (ValueRef::Real(9_007_199_254_740_992.0), Id::Unreadable),
            (text("9007199254740993.0"), Id::Unreadable),
            (ValueRef::Real(f64::INFINITY), Id::Unreadable),
            (ValueRef::Blob(&[1, 0, 0, 0, 0, 0, 0, 0]), Id::Unreadable),
        ] {
            assert_eq!(read(value), id, "{value:?}");
        }
    }
}
