//! How long one projection takes: `cargo run --release -p mappings --example projection_cost`.
//!
//! Every value of every record that is pulled is projected once, so this bounds what a pull may cost.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use mappings::{Field, Mapping, PropertySchema, WireType};

const ROUNDS: u32 = 2_000_000;

fn property(name: &str, wire_type: WireType, field_type: &str) -> PropertySchema {
    PropertySchema {
        name: name.to_owned(),
        label: String::new(),
        wire_type,
        type_name: String::new(),
        field_type: field_type.to_owned(),
        group_name: String::new(),
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: Vec::new(),
    }
}

fn measure(name: &str, field: &Field, wires: &[&str]) {
    let start = Instant::now();
    for round in 0..ROUNDS {
        let wire = wires[round as usize % wires.len()];
        black_box(black_box(field).project(Some(black_box(wire))));
    }
    println!("{name:32} {:6.1} ns", start.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = [
        property("text", WireType::String, "text"),
        property("number", WireType::Number, "number"),
        property("flag", WireType::Bool, "booleancheckbox"),
        property("day", WireType::Date, "date"),
        property("moment", WireType::DateTime, "date"),
        property("cents", WireType::Number, "number"),
        property("tags", WireType::Enumeration, "checkbox"),
        property("region", WireType::String, "text"),
        property("email", WireType::String, "text"),
    ];
    let mapping = Mapping::parse(
        "cost.yaml",
        "object: things
fields:
  text: text
  number: number
  flag: flag
  day: day
  moment: moment
  cents: { column: cents, type: integer, transform: { scale: 100 } }
  tags: { column: tags, transform: { split: ';' } }
  region: { column: region, transform: { values: { emea: EMEA, na: North America } } }
  email: { column: email, transform: { trim: true, lowercase: true } }
",
    )?;
    let resolved = mapping.resolve(&schema).map_err(|errors| format!("{errors:?}"))?;
    let rows: [(&str, &str, &[&str]); 11] = [
        ("text", "text", &["Ada Lovelace", "Analyst", "https://example.com/some/longer/text"]),
        ("decimal, whole", "number", &["5", "125000", "-17"]),
        ("decimal, fraction", "number", &["12.50", "0.1", "1250.99"]),
        ("decimal, beyond a float", "number", &["12345678901234567890.12", "0.30000000000000004"]),
        ("boolean", "flag", &["true", "false"]),
        ("date", "day", &["2024-02-29", "1999-12-31"]),
        ("datetime, with milliseconds", "moment", &["2022-02-17T19:25:29.072Z", "2024-02-29T00:00:00.001Z"]),
        ("datetime, without", "moment", &["2022-02-17T19:25:29Z", "2024-02-29T00:00:00Z"]),
        ("scale", "cents", &["12.50", "0.1", "1250.99"]),
        ("split", "tags", &["A;B;C", "A"]),
        ("values", "region", &["emea", "na"]),
    ];
    for (name, property, wires) in rows {
        let field = resolved.field_of(property).ok_or("no such field")?;
        measure(name, field, wires);
    }
    measure(
        "normalised text",
        resolved.field_of("email").ok_or("no such field")?,
        &["ada@example.com", "Ada@Example.com"],
    );
    Ok(())
}
