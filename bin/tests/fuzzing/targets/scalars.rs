//! Numbers, dates and spans of time as text: read alike by two readers, never changed by being shown or sent.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use mappings::{Cell, Field, Mapping, WireType};
use std::sync::OnceLock;
use std::time::Duration;
use sync_core::model::Timestamp;

struct Fields {
    number: Field,
    whole: Field,
    cents: Field,
    date: Field,
    datetime: Field,
    every: Vec<Field>,
}

fn fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let schema: Vec<_> = [
            ("number", WireType::Number),
            ("date", WireType::Date),
            ("datetime", WireType::DateTime),
            ("string", WireType::String),
        ]
        .map(|(name, wire_type)| super::property(name, wire_type))
        .to_vec();
        let field = |line: &str| {
            let yaml = format!("object: contacts\ntable: contacts\nfields:\n  {line}\n");
            Mapping::parse("f.yaml", &yaml).expect(line).resolve(&schema).expect(line).fields.remove(0)
        };
        Fields {
            number: field("number: a"),
            whole: field("number: { column: a, type: integer }"),
            cents: field("number: { column: a, transform: { scale: 100 } }"),
            date: field("date: a"),
            datetime: field("datetime: a"),
            every: [
                "number: a",
                "number: { column: a, type: text }",
                "number: { column: a, type: integer, transform: { scale: 0.001 } }",
                "number: { column: a, transform: { scale: 2.5 } }",
                "number: { column: a, transform: { epoch_ms: true } }",
                "date: a",
                "date: { column: a, type: text }",
                "date: { column: a, transform: { epoch_ms: true } }",
                "datetime: a",
                "datetime: { column: a, type: text }",
                "datetime: { column: a, transform: { epoch_ms: true } }",
                "string: { column: a, type: json }",
                "string: { column: a, type: boolean }",
                "string: { column: a, transform: { split: \";\" } }",
                "string: { column: a, transform: { constant_prefix: \"a\", trim: true, lowercase: true } }",
            ]
            .map(field)
            .to_vec(),
        }
    })
}

/// Reads the input as every kind of scalar.
pub(crate) fn scalars(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let fields = fields();
    fields.every.iter().for_each(|field| unedited(field, &text));
    number(fields, &text);
    date(fields, &text);
    datetime(fields, &text);
    if let Some(at) = Timestamp::parse(&text) {
        let shown = at.to_string();
        assert!(shown.ends_with(" ms") || Timestamp::parse(&shown) == Some(at), "{at:?} is shown as {shown}");
    }
    if let Some(span) = crmsync::config::duration(&text) {
        assert!(span <= Duration::from_secs(100 * 366 * 86_400), "{span:?}");
    }
}

/// What nobody edited is not sent as something else, and is the same when it comes back.
fn unedited(field: &Field, wire: &str) {
    let shown = field.project(Some(wire));
    assert!(!shown.outside || shown.cell == Cell::Null);
    assert!(field.same_wire(Some(wire), Some(wire)) && field.same_cell(&shown.cell, &shown.cell));
    let Ok(sent) = field.to_wire(&shown.cell) else { return };
    if !shown.outside {
        assert!(field.same_wire(sent.as_deref(), Some(wire)), "{wire:?} would be sent as {sent:?} by {field:?}");
        assert!(field.same_cell(&field.project(sent.as_deref()).cell, &shown.cell), "{wire:?} in {field:?}");
    }
    // As if a person had written it.
    let local = Cell::Text(wire.into());
    if let Ok(sent) = field.to_wire(&local) {
        assert!(sent.as_ref().is_none_or(|sent| sent.len() <= wire.len() + 500), "{} bytes", wire.len());
        let back = field.project(sent.as_deref());
        assert!(!back.outside && field.same_cell(&back.cell, &local), "{wire:?} comes back as {back:?} in {field:?}");
    }
}

/// Sign, significant digits, and the power of ten of the last one, by another way than the program's.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = match rest.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    let zeros = all.len() - all.trim_end_matches('0').len();
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let last = exponent + i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    Some((negative, significant.to_owned(), last))
}

/// P40: by value the same number, digit for digit.
fn number(fields: &Fields, text: &str) {
    for (field, shift) in [(&fields.number, 0), (&fields.whole, 0), (&fields.cents, 2)] {
        let shown = field.project(Some(text));
        let sent = field.to_wire(&shown.cell).ok().flatten();
        let Some(sent) = sent.filter(|_| !shown.outside) else { continue };
        let (theirs, ours) = (decimal(text.trim()), decimal(&sent));
        assert!(ours.is_some() && theirs == ours, "{text:?} would be sent as {sent:?}");
        let local = match &shown.cell {
            Cell::Integer(number) => decimal(&number.to_string()),
            Cell::Real(number) => decimal(&number.to_string()),
            Cell::Text(digits) => decimal(digits),
            Cell::Null => None,
        };
        let shifted =
            theirs.map(
                |(negative, digits, last)| {
                    if digits.is_empty() { (negative, digits, 0) } else { (negative, digits, last + shift) }
                },
            );
        assert_eq!(local, shifted, "{text:?} is shown as {:?}", shown.cell);
    }
}

/// P39: the same day as another reader finds.
fn date(fields: &Fields, text: &str) {
    let shown = fields.date.project(Some(text));
    let known = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10 && text.is_ascii());
    // Another reader may take signs and blanks for a part of the year.
    let Some(known) = known.filter(|_| text.bytes().filter(u8::is_ascii_digit).count() == 8) else { return };
    assert_eq!(shown.cell, Cell::Text(known.format("%Y-%m-%d").to_string().into()), "{text:?}");
}

/// P39: the same millisecond as another reader finds.
fn datetime(fields: &Fields, text: &str) {
    let shown = fields.datetime.project(Some(text));
    let (Ok(known), Cell::Text(ours)) = (DateTime::parse_from_rfc3339(text), &shown.cell) else { return };
    assert_eq!(**ours, known.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Millis, true), "{text:?}");
    assert_eq!(Timestamp::parse(ours).map(Timestamp::millis), Some(known.timestamp_millis()), "{text:?}");
}
