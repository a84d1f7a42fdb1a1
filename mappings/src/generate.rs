//! A mapping file for an object type, written from the portal's own schema: what `init` leaves for a person to edit.
//!
//! What it writes parses, and resolves against the schema it was written from.

use std::collections::HashSet;
use std::fmt::Write;

use crate::error::harmless;
use crate::mapping::Mapping;
use crate::names;
use crate::policy::Direction;
use crate::schema::{PropertySchema, WireType};
use crate::transform::Normaliser;

/// Properties that every table shows in columns of its own.
const OWN_COLUMNS: [&str; 5] =
    ["hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate"];

/// The property that `schema apply` makes for creates that are safe to repeat.
const UID_PROPERTY: &str = "crmsync_uid";

/// Columns beyond this many make a table that nobody reads; the raw view has the rest.
const MOST_FIELDS: usize = 1_000;

/// What [`Mapping::generate_yaml`] should not decide by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generate<'a> {
    /// The table; otherwise the built-in mapping's, or one named after the object.
    pub table: Option<&'a str>,
    /// The key; otherwise the built-in mapping's.
    pub key: Option<&'a str>,
    /// The associations to name; otherwise the built-in mapping's.
    pub associations: Option<&'a [&'a str]>,
}

impl Mapping {
    /// A mapping for an object type, as text with comments. Columns keep the names of the built-in mapping where it has
    /// them. Otherwise they are called like their properties. Archived, hidden and the remote's own technical
    /// properties (`hs_…`) are left to the raw view, unless the built-in mapping names them.
    pub fn generate_yaml(object: &str, schema: &[PropertySchema], choices: &Generate<'_>) -> String {
        let built_in = Mapping::built_in(object);
        let table = choices
            .table
            .map(str::to_owned)
            .or_else(|| built_in.as_ref().map(|mapping| mapping.table.clone()))
            .unwrap_or_else(|| table_for(object));
        let mut out = format!(
            "# Generated from the portal's schema. Yours to edit: what is there is kept.\nobject: {}\ntable: {}\n",
            scalar(object),
            scalar(&table)
        );
        let lines = fields(built_in.as_ref(), schema);
        head(&mut out, choices, built_in.as_ref(), schema, &lines);
        out.push_str(if lines.is_empty() { "fields: {}\n" } else { "fields:\n" });
        for line in &lines {
            line.write(&mut out);
        }
        let mapped: HashSet<&str> = lines.iter().map(|line| line.property.name.as_str()).collect();
        let rest = schema.iter().filter(|p| !p.archived && !mapped.contains(p.name.as_str())).count();
        let _ = writeln!(out, "unmapped: json    # {rest} more properties are in the view {table}_raw");
        associations(&mut out, choices, built_in.as_ref());
        out
    }
}

/// One field to be written.
struct Line<'a> {
    property: &'a PropertySchema,
    column: String,
    direction: Direction,
    /// As the built-in mapping has it: what the remote changes in values of its own accord.
    normaliser: Normaliser,
}

impl Line<'_> {
    fn write(&self, out: &mut String) {
        let name = scalar(&self.property.name);
        let column = scalar(&self.column);
        let direction = match self.direction {
            Direction::Both => String::new(),
            direction => format!(", direction: {direction}"),
        };
        let normalisers = [("trim", self.normaliser.trim), ("lowercase", self.normaliser.lowercase)];
        let normalisers: Vec<String> =
            normalisers.iter().filter(|(_, on)| *on).map(|(word, _)| format!("{word}: true")).collect();
        let transform = match normalisers.is_empty() {
            true => String::new(),
            false => format!(", transform: {{ {} }}", normalisers.join(", ")),
        };
        let value = match (direction.as_str(), transform.as_str()) {
            ("", "") => column,
            _ => format!("{{ column: {column}{direction}{transform} }}"),
        };
        let read_only = is_read_only(self.property);
        let label = comment(&self.property.label);
        let note = match (label.is_empty(), read_only) {
            (true, false) => String::new(),
            (true, true) => "    # read-only".to_owned(),
            (false, false) => format!("    # {label}"),
            (false, true) => format!("    # {label} (read-only)"),
        };
        let _ = writeln!(out, "  {name}: {value}{note}");
    }
}

/// The fields of the built-in mapping that the portal has, then the portal's own, by name.
fn fields<'a>(built_in: Option<&Mapping>, schema: &'a [PropertySchema]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut columns: HashSet<String> = HashSet::new();
    let stated = built_in.map(|mapping| mapping.fields.as_slice()).unwrap_or_default();
    for field in stated {
        if let Some(property) = schema.iter().find(|p| p.name == field.property && !p.archived) {
            columns.insert(field.column.to_ascii_lowercase());
            let direction = if is_read_only(property) { Direction::Pull } else { field.direction };
            lines.push(Line {
                property,
                column: field.column.clone(),
                direction,
                normaliser: field.transform.normaliser,
            });
        }
    }
    let named = |p: &PropertySchema| stated.iter().any(|field| field.property == p.name);
    let mut own: Vec<&PropertySchema> =
        schema.iter().filter(|p| !p.archived && !p.hidden && !is_technical(&p.name) && !named(p)).collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    own.dedup_by(|a, b| a.name == b.name);
    for property in own.into_iter().take(MOST_FIELDS - lines.len().min(MOST_FIELDS)) {
        let column = free_column(&property.name, &columns);
        columns.insert(column.to_ascii_lowercase());
        let direction = if is_read_only(property) { Direction::Pull } else { Direction::Both };
        lines.push(Line { property, column, direction, normaliser: Normaliser::default() });
    }
    lines
}

/// What the remote accepts no writes to.
fn is_read_only(property: &PropertySchema) -> bool {
    property.calculated || property.read_only || property.wire_type == WireType::Unknown
}

fn is_technical(name: &str) -> bool {
    name.trim().is_empty() || name.starts_with("hs_") || name == UID_PROPERTY || OWN_COLUMNS.contains(&name)
}

fn free_column(property: &str, taken: &HashSet<String>) -> String {
    let name = names::column_for(property);
    let numbered = (2..).map(|n: u32| format!("{name}_{n}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name)
}

fn head(
    out: &mut String,
    choices: &Generate<'_>,
    built_in: Option<&Mapping>,
    schema: &[PropertySchema],
    lines: &[Line<'_>],
) {
    let key = choices.key.or(built_in.and_then(|mapping| mapping.key.as_deref()));
    let uniques: Vec<String> =
        lines.iter().filter(|l| l.property.has_unique_value).map(|l| scalar(&l.property.name)).collect();
    match key.filter(|key| lines.iter().any(|line| line.property.name == *key)) {
        Some(key) => {
            let _ = writeln!(out, "key: {}    # a create adopts the record that has this value already", scalar(key));
        }
        None if !uniques.is_empty() => {
            let _ = writeln!(
                out,
                "# key: {}    # unique: {}",
                uniques.first().map_or("", String::as_str),
                uniques.join(", ")
            );
        }
        None => {}
    }
    if schema.iter().any(|p| p.name == UID_PROPERTY && p.has_unique_value && !p.archived) {
        let _ = writeln!(out, "unique: {UID_PROPERTY}    # makes creates safe to repeat");
    }
    out.push_str("conflict: remote_wins    # or local_wins, newest, hold\n");
    out.push_str("deletes: ignore          # or archive: what a plain SQL DELETE means\n");
}

fn associations(out: &mut String, choices: &Generate<'_>, built_in: Option<&Mapping>) {
    let named: Vec<&str> = match (choices.associations, built_in) {
        (Some(objects), _) => objects.to_vec(),
        (None, Some(mapping)) => mapping.associations.iter().map(|rule| rule.object.as_str()).collect(),
        (None, None) => Vec::new(),
    };
    if !named.is_empty() {
        out.push_str("associations:\n");
    }
    for object in named {
        let _ = writeln!(out, "  {}: {{}}", scalar(object));
    }
}

/// A table's name for an object: `p123_cars` gives `cars`, `2-45` gives `object_2_45`.
fn table_for(object: &str) -> String {
    let bare = match object.split_once('_') {
        Some((portal, name)) if is_portal_prefix(portal) && !name.is_empty() => name,
        _ => object,
    };
    let mut name: String =
        bare.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    name.truncate(80);
    if names::table_problem(&name).is_none() {
        return name;
    }
    let name = format!("object_{name}");
    if names::table_problem(&name).is_none() { name } else { format!("{name}_records") }
}

fn is_portal_prefix(text: &str) -> bool {
    text.strip_prefix('p').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Text as a YAML scalar: bare where no reader of YAML could take it for anything else.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"];
    let bare = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    // A JSON string is a YAML string.
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// A label that stays on its line and cannot steer a terminal.
fn comment(label: &str) -> String {
    harmless(label.trim(), 60)
}
