//! One entry under `fields`: a column's name, or a map that says more.

use std::collections::HashMap;

use crate::error::shown;
use crate::file::Reader;
use crate::mapping::MappedField;
use crate::names;
use crate::policy::{ColumnType, Direction, Policy};
use crate::transform::{Factor, Pair, Transform};
use crate::yaml::{Key, Node, Shape};

const KEYS: [&str; 5] = ["column", "type", "direction", "transform", "conflict"];
const PAIRS: [&str; 5] = ["scale", "values", "split", "epoch_ms", "constant_prefix"];
const TRANSFORMS: [&str; 7] = ["scale", "values", "split", "epoch_ms", "constant_prefix", "trim", "lowercase"];

/// Reads one field; nothing where it has no usable column.
pub(crate) fn read(reader: &mut Reader, key: &Key, node: &Node) -> Option<MappedField> {
    if key.text.trim().is_empty() {
        reader.wrong(key.place, "a property needs a name");
        return None;
    }
    let mut field = MappedField {
        property: key.text.clone(),
        column: String::new(),
        direction: Direction::Both,
        column_type: None,
        transform: Transform::default(),
        conflict: None,
        line: key.place.line,
        column_no: key.place.column,
    };
    match &node.shape {
        Shape::Map(_) => read_map(reader, &mut field, node),
        Shape::Scalar(_) => field.column = column(reader, node).unwrap_or_default(),
        Shape::Empty => reader.wrong(key.place, "needs a column: write its name after the colon"),
        Shape::List => reader.wrong(node.place, "must be a column's name or a map, not a list"),
    }
    (!field.column.is_empty()).then_some(field)
}

fn read_map(reader: &mut Reader, field: &mut MappedField, node: &Node) {
    let entries = reader.known_entries(node, "a field", &KEYS);
    if !entries.iter().any(|(key, _)| key.text == "column") {
        reader.wrong_but(
            node.place,
            "`column` is missing",
            format!("Write `column: {}`.", names::column_for(&field.property)),
        );
    }
    for (key, value) in entries {
        match key.text.as_str() {
            "column" => field.column = column(reader, value).unwrap_or_default(),
            "type" => field.column_type = reader.word(value, "`type`", ColumnType::WORDS, ColumnType::from_word),
            "direction" => {
                let read = reader.word(value, "`direction`", Direction::WORDS, Direction::from_word);
                field.direction = read.unwrap_or(field.direction);
            }
            "conflict" => field.conflict = reader.word(value, "`conflict`", Policy::WORDS, Policy::from_word),
            _ => field.transform = transform(reader, value),
        }
    }
}

fn column(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = reader.text(node, "`column`")?;
    match names::column_problem(text) {
        Some(problem) => {
            reader.wrong(node.place, format!("column {problem}"));
            None
        }
        None => Some(text.to_owned()),
    }
}

fn transform(reader: &mut Reader, node: &Node) -> Transform {
    let mut transform = Transform::default();
    if let Shape::Scalar(word) = &node.shape
        && TRANSFORMS.contains(&word.as_str())
    {
        let value = if PAIRS.contains(&word.as_str()) { "…" } else { "true" };
        reader.wrong_but(
            node.place,
            "`transform` must be a map of keys and values, not a single value",
            format!("Write `transform: {{ {word}: {value} }}`."),
        );
        return transform;
    }
    let mut first: Option<&str> = None;
    for (key, value) in reader.known_entries(node, "`transform`", &TRANSFORMS) {
        let word = key.text.as_str();
        if PAIRS.contains(&word) {
            if let Some(first) = first {
                let message = format!("a transform has one exact pair, and this one has both `{first}` and `{word}`");
                reader.wrong(key.place, message);
                continue;
            }
            first = Some(word);
        }
        match word {
            "trim" => transform.normaliser.trim = switch(reader, value, "`trim`"),
            "lowercase" => transform.normaliser.lowercase = switch(reader, value, "`lowercase`"),
            _ => transform.pair = pair(reader, word, value),
        }
    }
    transform
}

/// A normaliser is on or not mentioned.
fn switch(reader: &mut Reader, node: &Node, what: &str) -> bool {
    match reader.text(node, what) {
        Some("true") => true,
        Some(other) => {
            let hint = "Leave the line out to switch it off.";
            reader.wrong_but(node.place, format!("{what} must be `true`, not {}", shown(other)), hint);
            false
        }
        None => false,
    }
}

fn pair(reader: &mut Reader, word: &str, node: &Node) -> Option<Pair> {
    match word {
        "scale" => {
            let text = reader.text(node, "`scale`")?;
            match Factor::parse(text) {
                Ok(factor) => Some(Pair::Scale(factor)),
                Err(reason) => {
                    let hint = "Use a factor like 10, 100, 0.001 or 2.5.";
                    reader.wrong_but(node.place, format!("the scale {} {reason}", shown(text)), hint);
                    None
                }
            }
        }
        "values" => values(reader, node),
        "split" => Some(Pair::Split(reader.text(node, "`split`")?.to_owned())),
        "constant_prefix" => Some(Pair::ConstantPrefix(reader.text(node, "`constant_prefix`")?.to_owned())),
        _ => switch(reader, node, "`epoch_ms`").then_some(Pair::EpochMs),
    }
}

fn values(reader: &mut Reader, node: &Node) -> Option<Pair> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut first: HashMap<&str, &str> = HashMap::new();
    let entries = reader.entries(node, "`values`");
    if entries.is_empty() {
        if matches!(node.shape, Shape::Map(_)) {
            reader.wrong(node.place, "`values` is empty");
        }
        return None;
    }
    for (key, value) in entries {
        let Some(local) = reader.text(value, &format!("the entry {} of `values`", shown(&key.text))) else { continue };
        if let Some(other) = first.insert(local, &key.text) {
            let message = format!(
                "{} and {} both become {}, so it could not be sent back",
                shown(other),
                shown(&key.text),
                shown(local)
            );
            reader.wrong(value.place, message);
        }
        pairs.push((key.text.clone(), local.to_owned()));
    }
    Some(Pair::Values(pairs))
}
