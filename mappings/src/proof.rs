//! The proof that a two-way field loses nothing: every value that its column may hold is sent, read back, and must be
//! the same value.
//!
//! The values are the edges of the field's domain and a fixed sequence of others, so that the same mapping gives the
//! same answer on every machine.

use std::borrow::Cow;

use crate::cell::Cell;
use crate::codec::Codec;
use crate::decimal::Decimal;
use crate::equality::Likeness;
use crate::error::shown;
use crate::field::Field;
use crate::instant::{Date, Instant};
use crate::policy::Direction;
use crate::resolve::ResolvedMapping;
use crate::transform::Normaliser;

/// How many values beyond the edges are tried for each field.
const GENERATED: usize = 200;

/// What the proof of one field came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The property.
    pub field: String,
    /// Its column.
    pub column: String,
    /// Whether every value came back.
    pub holds: bool,
    /// The first value that did not.
    pub counterexample: Option<Counterexample>,
    /// What was found, as a sentence without a full stop.
    pub reason: String,
}

/// A value that is not the same after it has been sent and read back. Values are shortened and safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// What the mirror held.
    pub local: String,
    /// What the remote was sent, or why nothing could be sent.
    pub remote: String,
    /// What the mirror would hold after the next pull.
    pub back: String,
}

/// Tries every field that travels both ways.
pub fn prove(mapping: &ResolvedMapping) -> Vec<Proof> {
    mapping.fields.iter().filter(|field| field.direction == Direction::Both).map(prove_field).collect()
}

fn prove_field(field: &Field) -> Proof {
    let values = domain(field);
    let counterexample = values.iter().find_map(|cell| refute(field, cell));
    let reason = match &counterexample {
        None => format!("{} values went to the remote and back", values.len()),
        Some(it) => format!("{} is sent as {} and comes back as {}", it.local, it.remote, it.back),
    };
    Proof {
        field: field.property.clone(),
        column: field.column.clone(),
        holds: counterexample.is_none(),
        counterexample,
        reason,
    }
}

/// The way there and back, if the value does not survive it.
fn refute(field: &Field, cell: &Cell<'_>) -> Option<Counterexample> {
    let show = |cell: &Cell<'_>| if cell.is_null() { "NULL".to_owned() } else { shown(&cell.plain()) };
    let normaliser = field.transform.normaliser;
    let sent = match field.to_wire(cell) {
        Ok(sent) => sent,
        Err(error) => {
            let remote = format!("nothing, being not {}", error.expected);
            return Some(Counterexample { local: show(cell), remote, back: "NULL".to_owned() });
        }
    };
    let projection = field.project(sent.as_deref());
    // Where a normaliser stands between, the value may come back in its normal form, which must then be stable.
    let survives = if normaliser.is_none() {
        projection.cell == *cell
    } else {
        field.same_cell(&projection.cell, cell) && field.to_wire(&projection.cell).as_ref() == Ok(&sent)
    };
    if survives && !projection.outside {
        return None;
    }
    let remote = sent.as_deref().map_or_else(|| "a clear".to_owned(), shown);
    Some(Counterexample { local: show(cell), remote, back: show(&projection.cell) })
}

/// The values that are tried: NULL, the edges, and the generated ones.
fn domain(field: &Field) -> Vec<Cell<'static>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut cells = vec![Cell::Null];
    cells.extend(match &field.codec {
        Codec::Text => texts(&field.like, &mut random),
        Codec::Integer | Codec::Scale { whole: true, .. } => integers(&mut random),
        Codec::Decimal | Codec::Scale { .. } => decimals(&mut random),
        Codec::Boolean => vec![Cell::Integer(0), Cell::Integer(1)],
        Codec::Date => days(&mut random).into_iter().map(|day| text(day.show())).collect(),
        Codec::Datetime | Codec::EpochDatetime => instants(&mut random).into_iter().map(|at| text(at.show())).collect(),
        Codec::EpochInteger { days: true } => {
            days(&mut random).into_iter().map(|day| Cell::Integer(day.epoch_ms())).collect()
        }
        Codec::EpochInteger { days: false } => {
            instants(&mut random).into_iter().map(|at| Cell::Integer(at.epoch_ms())).collect()
        }
        Codec::Json => json(),
        Codec::Values(table) => table.pairs.iter().map(|(_, cell)| cell.clone()).collect(),
        Codec::Split(separator) => lists(separator, field.transform.normaliser, &mut random),
        Codec::ConstantPrefix(_) => texts(&Likeness::Text, &mut random),
    });
    cells
}

fn text(value: impl Into<String>) -> Cell<'static> {
    Cell::Text(Cow::Owned(value.into()))
}

/// Text in the form in which a column of text shows a property of another type.
fn texts(like: &Likeness, random: &mut Random) -> Vec<Cell<'static>> {
    match like {
        Likeness::Text => words(random).into_iter().map(text).collect(),
        Likeness::Number => decimals(random).iter().map(|cell| text(cell.plain())).collect(),
        Likeness::Boolean => vec![text("true"), text("false")],
        Likeness::Set(separator) => {
            let words: Vec<_> = words(random).into_iter().filter(|word| !word.contains(separator.as_str())).collect();
            words.chunks(3).map(|items| text(items.join(separator))).collect()
        }
        Likeness::Date => days(random).into_iter().map(|day| text(day.show())).collect(),
        Likeness::Instant => instants(random).into_iter().map(|at| text(at.show())).collect(),
        Likeness::Json => json(),
    }
}

fn words(random: &mut Random) -> Vec<String> {
    let edges = [
        "a",
        "A",
        "0",
        "007",
        "-1.50",
        "true",
        "null",
        "NULL",
        " ",
        " a ",
        "a b",
        "'",
        "\"",
        "\\",
        "%",
        "a;b",
        ";a",
        "a,b",
        "é",
        "e\u{301}",
        "ß",
        "İ",
        "ΑΣ",
        "😀",
        "\u{202e}abc",
        "\u{feff}a",
        "a\0b",
        "a\nb",
        "\t",
        "<b>",
        "{}",
        "[1]",
    ];
    let mut words: Vec<String> = edges.iter().map(|word| (*word).to_owned()).collect();
    words.push("x".repeat(65_536));
    let alphabet: Vec<char> = "abcXYZ0189 .,:;-_/@'\"\\éßΣ😀\u{301}\u{200b}".chars().collect();
    for _ in 0..GENERATED {
        let length = random.below(12) + 1;
        words.push((0..length).filter_map(|_| alphabet.get(random.below(alphabet.len()))).collect());
    }
    words
}

fn integers(random: &mut Random) -> Vec<Cell<'static>> {
    let mut values = vec![0, 1, -1, 9, 10, 99, 100, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN];
    values.extend((0..GENERATED).map(|_| (random.next() as i64) >> random.below(63)));
    values.into_iter().map(Cell::Integer).collect()
}

fn decimals(random: &mut Random) -> Vec<Cell<'static>> {
    let edges = [
        "0.1",
        "0.01",
        "-0.5",
        "24",
        "1000000",
        "0.30000000000000004",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "12345678901234567890",
        "12345678901234567890.12345678901234567",
        "0.000000000000000000000000000001",
        "179769313486231570000000000000000000000",
        "0.1000000000000000055511151231",
    ];
    let mut digits: Vec<String> = edges.iter().map(|edge| (*edge).to_owned()).collect();
    for _ in 0..GENERATED {
        let (whole, fraction) = (random.next() >> random.below(64), random.next() >> random.below(64));
        let sign = if random.below(2) == 0 { "-" } else { "" };
        digits.push(format!("{sign}{whole}.{fraction:0width$}", width = random.below(9)));
    }
    // Only the one form in which the mirror itself shows a number comes back letter for letter.
    let shown = |digits: String| Decimal::parse(&digits).and_then(|number| number.times(1, 0).cell());
    digits.into_iter().filter_map(shown).collect()
}

fn days(random: &mut Random) -> Vec<Date> {
    let edges = [
        "0000-01-01",
        "1582-10-15",
        "1899-12-31",
        "1969-12-31",
        "1970-01-01",
        "2000-02-29",
        "2038-01-19",
        "9999-12-31",
    ];
    let mut days: Vec<Date> = edges.iter().filter_map(|edge| Date::parse(edge)).collect();
    let day = |at: &mut Random| Date::from_epoch_ms((at.below(200_000) as i64 - 100_000) * 86_400_000);
    days.extend((0..GENERATED).filter_map(|_| day(random)));
    days
}

fn instants(random: &mut Random) -> Vec<Instant> {
    let edges =
        ["0000-01-01", "1969-12-31T23:59:59.999Z", "1970-01-01", "2016-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"];
    let mut instants: Vec<Instant> = edges.iter().filter_map(|edge| Instant::parse(edge)).collect();
    let instant = |at: &mut Random| Instant::from_epoch_ms((at.next() as i64) >> (16 + at.below(20)));
    instants.extend((0..GENERATED).filter_map(|_| instant(random)));
    instants
}

fn json() -> Vec<Cell<'static>> {
    let edges = [
        "null",
        "true",
        "0",
        "-1.50",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[1,2]",
        "{\"a\":{\"b\":[null]}}",
        "{\"a\":1, \"a\":2}",
        "123456789012345678901234567890",
        "\"\\u00e9\\ud83d\\ude00\"",
    ];
    edges.iter().map(|edge| text(*edge)).collect()
}

fn lists(separator: &str, normaliser: Normaliser, random: &mut Random) -> Vec<Cell<'static>> {
    // An item may not contain the separator, nor any part of one: two neighbours could make it whole.
    let fits = |word: &String| !normaliser.apply(word).is_empty() && !word.chars().any(|c| separator.contains(c));
    let words: Vec<String> = words(random).into_iter().filter(fits).collect();
    let shown = |items: &[String]| serde_json::to_string(items).ok().map(text);
    words.chunks(1).take(32).chain(words.chunks(3)).filter_map(shown).collect()
}

/// A fixed sequence of numbers (splitmix64): proofs do not change from run to run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{ColumnType, Policy};
    use crate::transform::Transform;

    fn field(codec: Codec, like: Likeness, normaliser: Normaliser) -> Field {
        Field {
            property: "p".to_owned(),
            column: "c".to_owned(),
            column_type: ColumnType::Text,
            direction: Direction::Both,
            policy: Policy::RemoteWins,
            is_key: false,
            is_unique: false,
            calculated: false,
            retired: false,
            transform: Transform { pair: None, normaliser },
            line: 1,
            wire_type: crate::schema::WireType::String,
            several: false,
            codec,
            like,
            options: std::collections::HashSet::new(),
        }
    }

    #[test]
    fn a_conversion_that_loses_something_is_caught_with_an_example() {
        let lower = Normaliser { trim: false, lowercase: true };
        let prefix = prove_field(&field(Codec::ConstantPrefix("ABC".to_owned()), Likeness::Text, lower));
        insta::assert_snapshot!(prefix.reason, @"`a` is sent as `abca` and comes back as NULL");
        assert_eq!(prefix.counterexample.map(|it| it.back), Some("NULL".to_owned()));
        let rounded = prove_field(&field(Codec::Text, Likeness::Date, Normaliser::default()));
        assert!(rounded.holds, "{}", rounded.reason);
    }
}
