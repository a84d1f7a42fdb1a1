//! A field of every type under every transform, and random values that remotes send or should not.

use fastrand::Rng;
use mappings::{Mapping, PropertyOption, PropertySchema, ResolvedMapping, WireType};

/// Type of the property, how it is edited, and what the mapping says beside the column.
const FIELDS: [(WireType, &str, &str); 56] = [
    (WireType::String, "text", ""),
    (WireType::String, "text", "transform: { trim: true }"),
    (WireType::String, "text", "transform: { lowercase: true }"),
    (WireType::String, "text", "transform: { trim: true, lowercase: true }"),
    (WireType::String, "text", "type: integer"),
    (WireType::String, "text", "type: decimal"),
    (WireType::String, "text", "type: boolean"),
    (WireType::String, "text", "type: date"),
    (WireType::String, "text", "type: datetime"),
    (WireType::String, "text", "type: json"),
    (WireType::String, "text", "transform: { scale: 100 }"),
    (WireType::String, "text", "type: integer, transform: { scale: 0.001 }"),
    (WireType::String, "text", "transform: { epoch_ms: true }"),
    (WireType::String, "text", "transform: { split: \";\" }"),
    (WireType::String, "text", "transform: { split: \", \", trim: true }"),
    (WireType::String, "text", "transform: { split: \"||\", lowercase: true }"),
    (WireType::String, "text", "transform: { constant_prefix: \"ab \" }"),
    (WireType::String, "text", "transform: { constant_prefix: \"ab \", trim: true, lowercase: true }"),
    (WireType::String, "text", "transform: { values: { a: A, b: B, \" 1 \": one } }"),
    (WireType::String, "text", "transform: { values: { a: A, b: B }, trim: true, lowercase: true }"),
    (WireType::String, "text", "type: integer, transform: { values: { low: 1, high: 3 } }"),
    (WireType::String, "text", "type: decimal, transform: { values: { low: 0.1, high: \"12345678901234567890\" } }"),
    (WireType::Number, "number", ""),
    (WireType::Number, "number", "type: text"),
    (WireType::Number, "number", "type: integer"),
    (WireType::Number, "number", "transform: { scale: 100 }"),
    (WireType::Number, "number", "transform: { scale: 2.5 }"),
    (WireType::Number, "number", "type: integer, transform: { scale: 1000 }"),
    (WireType::Number, "number", "type: integer, transform: { scale: 0.001 }"),
    (WireType::Number, "number", "transform: { epoch_ms: true }"),
    (WireType::Number, "number", "type: boolean, transform: { values: { 0: false, 1: true } }"),
    (WireType::Number, "number", "type: text, transform: { values: { 1: one, 24: \"24.00\" } }"),
    (WireType::Bool, "booleancheckbox", ""),
    (WireType::Bool, "booleancheckbox", "type: text"),
    (WireType::Bool, "booleancheckbox", "type: text, transform: { values: { true: \"yes\", false: \"no\" } }"),
    (WireType::Date, "date", ""),
    (WireType::Date, "date", "type: text"),
    (WireType::Date, "date", "transform: { epoch_ms: true }"),
    (WireType::DateTime, "date", ""),
    (WireType::DateTime, "date", "type: text"),
    (WireType::DateTime, "date", "transform: { epoch_ms: true }"),
    (WireType::Enumeration, "select", ""),
    (WireType::Enumeration, "select", "type: integer"),
    (WireType::Enumeration, "select", "type: decimal"),
    (WireType::Enumeration, "select", "type: boolean"),
    (WireType::Enumeration, "select", "transform: { values: { a: A, b: B } }"),
    (WireType::Enumeration, "select", "transform: { constant_prefix: a }"),
    (WireType::Enumeration, "select", "transform: { trim: true, lowercase: true }"),
    (WireType::Enumeration, "checkbox", ""),
    (WireType::Enumeration, "checkbox", "transform: { split: \";\" }"),
    (WireType::PhoneNumber, "phonenumber", ""),
    (WireType::PhoneNumber, "phonenumber", "transform: { constant_prefix: \"+\", trim: true }"),
    (WireType::Json, "text", ""),
    (WireType::Json, "text", "type: text"),
    (WireType::Unknown, "text", ""),
    (WireType::Unknown, "text", "transform: { trim: true }"),
];

/// What the portal says about the properties `p0`, `p1` and so on.
pub(super) fn schema() -> Vec<PropertySchema> {
    let property = |(place, (wire_type, field_type, _)): (usize, &(WireType, &str, &str))| PropertySchema {
        name: format!("p{place}"),
        label: String::new(),
        wire_type: *wire_type,
        type_name: format!("{wire_type:?}").to_lowercase(),
        field_type: (*field_type).to_owned(),
        group_name: "g".to_owned(),
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: if *wire_type == WireType::Enumeration { ["a", "b", "c"].map(option).to_vec() } else { Vec::new() },
    };
    FIELDS.iter().enumerate().map(property).collect()
}

fn option(value: &str) -> PropertyOption {
    PropertyOption { value: value.to_owned(), label: value.to_owned(), display_order: 0, hidden: false }
}

/// The mapping that names them all, in the columns `c0`, `c1` and so on; `policy` decides conflicts.
pub(super) fn yaml(policy: &str) -> String {
    let mut yaml = format!("object: contacts\ntable: contacts\nconflict: {policy}\nfields:\n");
    for (place, (_, _, rest)) in FIELDS.iter().enumerate() {
        let comma = if rest.is_empty() { "" } else { ", " };
        yaml.push_str(&format!("  p{place}: {{ column: c{place}{comma}{rest} }}\n"));
    }
    yaml
}

pub(super) fn mapping(policy: &str) -> ResolvedMapping {
    let resolved = Mapping::parse("nasty.yaml", &yaml(policy)).unwrap().resolve(&schema());
    resolved.unwrap_or_else(|errors| panic!("{}", errors.iter().map(|error| format!("{error}\n")).collect::<String>()))
}

/// What has broken programs before, here or elsewhere.
const KNOWN: [&str; 62] = [
    "",
    " ",
    " 1 ",
    "0",
    "-0",
    "+0",
    "-0.0",
    "00",
    "007",
    "24.00",
    "24.",
    ".5",
    "-.5",
    "1e-30",
    "1E+30",
    "1e400",
    "1e99999",
    "-1e-99999",
    "0.1",
    "0.30000000000000004",
    "123456789012345678901234567890",
    "0.123456789012345678901234567891",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1,000.50",
    "1_000",
    "٣",
    "NaN",
    "Infinity",
    "0x10",
    "true",
    "FALSE",
    "True ",
    "yes",
    "a",
    "A",
    "a;b",
    ";a",
    "a;;b;a;",
    ";",
    "a; b",
    "unlisted",
    "ab x",
    "ab ",
    "AB  X ",
    "+47 22 33 44 55",
    "{\"a\":1.0,\"b\":[12345678901234567890]}",
    "{\"b\": [],\n \"a\":1}",
    "[\"a\",\"b\"]",
    "null",
    "\"null\"",
    "a\0b",
    "\u{fffd}",
    "\u{202e}abc\u{202c}",
    "e\u{301}",
    "İı ſ K ß",
    "\u{1f469}\u{200d}\u{1f680}",
    "2025-02-29",
    "9999-12-31T23:59:59.999Z",
    "0000-01-01",
];

/// A value as a remote may send it, of a kind that fits the field more often than not.
pub(super) fn wire(rng: &mut Rng, place: usize) -> String {
    let kind = FIELDS[place].0;
    let value = match rng.u8(..16) {
        0..9 => fitting(rng, kind),
        9..12 => KNOWN[rng.usize(..KNOWN.len())].to_owned(),
        12 => fitting(rng, WireType::Number),
        13 => fitting(rng, WireType::DateTime),
        14 => fitting(rng, WireType::Enumeration),
        _ => text(rng),
    };
    if rng.u8(..12) == 0 { spoilt(rng, &value) } else { value }
}

fn fitting(rng: &mut Rng, kind: WireType) -> String {
    match kind {
        WireType::Number => number(rng),
        WireType::Bool => ["true", "false", "TRUE", "False", "1", "0"][rng.usize(..6)].to_owned(),
        WireType::Date => date(rng),
        WireType::DateTime => datetime(rng),
        WireType::Enumeration => options(rng),
        WireType::Json => json(rng, 0),
        WireType::PhoneNumber => format!("+{}", rng.u64(..)),
        WireType::String | WireType::Unknown => match rng.u8(..8) {
            0 => number(rng),
            1 => date(rng),
            2 => datetime(rng),
            3 => json(rng, 0),
            4 => options(rng),
            5 => format!("ab {}", text(rng)),
            _ => text(rng),
        },
    }
}

fn digits(rng: &mut Rng, most: usize) -> String {
    let count = rng.usize(1..=most);
    (0..count).map(|_| if rng.u8(..3) == 0 { '0' } else { rng.digit(10) }).collect()
}

fn number(rng: &mut Rng) -> String {
    let sign = ["", "", "", "-", "+"][rng.usize(..5)];
    match rng.u8(..8) {
        0 => rng.i64(..).to_string(),
        1 => format!("{sign}{}.{}", digits(rng, 20), digits(rng, 20)),
        2 => format!("{sign}{}.{}e{}", digits(rng, 3), digits(rng, 18), rng.i32(-330..330)),
        3 => format!("{sign}{}", digits(rng, 35)),
        4 => f64::from_bits(rng.u64(..)).to_string(),
        5 => format!("{sign}{}", rng.f64()),
        6 => format!("{sign}{}.{:02}", rng.u32(..100_000), rng.u8(..100)),
        _ => format!("{sign}{}", rng.u32(..300)),
    }
}

/// 1900 to 2100, every day of every month and some that there are not.
fn date(rng: &mut Rng) -> String {
    let (year, month, day) = (rng.i32(1900..=2100), rng.u8(1..=12), rng.u8(1..=31));
    match rng.u8(..8) {
        0 => epoch(rng, 86_400_000),
        1 => format!("{year:04}-{month:02}-{day:02}T00:00:00Z"),
        2 => format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z"),
        3 => format!("{year}/{month}/{day}"),
        _ => format!("{year:04}-{month:02}-{day:02}"),
    }
}

fn epoch(rng: &mut Rng, unit: i64) -> String {
    // 1900-01-01 to 2100-12-31.
    (rng.i64(-2_208_988_800_000..4_133_894_400_000) / unit * unit).to_string()
}

fn datetime(rng: &mut Rng) -> String {
    let (day, hour, minute, second) = (date(rng), rng.u8(..25), rng.u8(..61), rng.u8(..61));
    let zone = ["Z", "z", "", "+02:00", "-0930", "+14", "-00:00"][rng.usize(..7)];
    let gap = ["T", " ", "t"][rng.usize(..3)];
    match rng.u8(..5) {
        0 => epoch(rng, 1),
        1 => format!("{day}{gap}{hour:02}:{minute:02}{zone}"),
        2 => format!("{day}{gap}{hour:02}:{minute:02}:{second:02}{zone}"),
        _ => format!("{day}{gap}{hour:02}:{minute:02}:{second:02}.{}{zone}", digits(rng, 9)),
    }
}

fn options(rng: &mut Rng) -> String {
    let count = rng.usize(..5);
    let items = (0..count).map(|_| ["a", "b", "c", "", "B", "d d", " a", "ü"][rng.usize(..8)]);
    items.collect::<Vec<_>>().join([";", ";", ";", ", ", "||"][rng.usize(..5)])
}

fn json(rng: &mut Rng, depth: usize) -> String {
    match rng.u8(..if depth > 3 { 4 } else { 6 }) {
        0 => number(rng),
        1 => ["null", "true", "false", "[]", "{}"][rng.usize(..5)].to_owned(),
        2 => serde_json::Value::from(text(rng)).to_string(),
        3 => format!("{}", rng.i32(-9..99)),
        4 => format!("[{}, {}]", json(rng, depth + 1), json(rng, depth + 1)),
        _ => format!("{{\"{}\":{},\"k\" : {}}}", rng.lowercase(), json(rng, depth + 1), json(rng, depth + 1)),
    }
}

fn text(rng: &mut Rng) -> String {
    let count = rng.usize(..12);
    let letter = |rng: &mut Rng| match rng.u8(..6) {
        0 => rng.char(..),
        1 => ['\0', '\u{fffd}', '\u{202e}', '\u{feff}', '\u{301}', '\u{a0}', '\n', '\'', '"', '\\'][rng.usize(..10)],
        2 => ' ',
        _ => rng.alphanumeric(),
    };
    (0..count).map(|_| letter(rng)).collect()
}

/// The same with one thing wrong.
fn spoilt(rng: &mut Rng, value: &str) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    let place = rng.usize(..=letters.len());
    match rng.u8(..4) {
        0 => letters.insert(place, ' '),
        1 => letters.insert(place, rng.char(..)),
        2 => drop(letters.splice(..place, [])),
        _ => letters.truncate(place),
    }
    letters.into_iter().collect()
}
