//! A property that a mapping names and a portal does not have, as it would be made there.

use crate::mapping::{MappedField, Mapping};
use crate::policy::ColumnType;
use crate::schema::{PropertyOption, PropertySchema, WireType};
use crate::transform::Pair;
use crate::typing;

/// A property to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is to be. How it is edited on the remote's pages is left empty, unless it is known from before.
    pub property: PropertySchema,
    /// What it is for, as people read it on the remote's pages.
    pub description: String,
    /// Whether the portal has it in its archive, from where making it brings it back as it was.
    pub restores: bool,
}

impl Wanted {
    /// The property that holds the key of the row from which a record was made.
    pub(crate) fn row_key(mapping: &Mapping, name: &str, schema: &[PropertySchema]) -> Self {
        let mut property = blank(name, WireType::String, group(mapping, schema));
        "Row key (crmsync)".clone_into(&mut property.label);
        property.has_unique_value = true;
        property.hidden = true;
        let table = &mapping.table;
        let description = format!(
            "The key that a row of crmsync's table {table} has in the mirror. It keeps a record from being made twice. Not to be edited."
        );
        Self { property, description, restores: false }
    }

    /// The property of a field. Only a field that states its type says enough.
    pub(crate) fn of_field(mapping: &Mapping, field: &MappedField, schema: &[PropertySchema]) -> Option<Self> {
        let stated = field.column_type?;
        let wire_type = wire_type(field, stated);
        let mut property = blank(&field.property, wire_type, group(mapping, schema));
        property.has_unique_value = mapping.key.as_ref() == Some(&field.property);
        property.options = options(field, wire_type);
        typing::decide(&property, Some(stated), &field.transform).ok()?;
        let description = format!("Column {} of the table {} in crmsync's mirror.", field.column, mapping.table);
        Some(Self { property, description, restores: false })
    }

    /// An archived property, as it was.
    pub(crate) fn restored(archived: &PropertySchema) -> Self {
        let property = PropertySchema { archived: false, ..archived.clone() };
        Self { property, description: String::new(), restores: true }
    }
}

/// The type of property that holds every value of such a column.
fn wire_type(field: &MappedField, column_type: ColumnType) -> WireType {
    match (&field.transform.pair, column_type) {
        (Some(Pair::Scale(_)), _) => WireType::Number,
        (Some(Pair::Values(_)), _) => WireType::Enumeration,
        // Which options there would be is not known; a text takes them all.
        (Some(Pair::Split(_) | Pair::ConstantPrefix(_)), _) => WireType::String,
        (Some(Pair::EpochMs), ColumnType::Datetime) => WireType::Number,
        (Some(Pair::EpochMs), _) => WireType::DateTime,
        (None, ColumnType::Integer | ColumnType::Decimal) => WireType::Number,
        (None, ColumnType::Boolean) => WireType::Bool,
        (None, ColumnType::Date) => WireType::Date,
        (None, ColumnType::Datetime) => WireType::DateTime,
        (None, ColumnType::Text | ColumnType::Json) => WireType::String,
    }
}

fn options(field: &MappedField, wire_type: WireType) -> Vec<PropertyOption> {
    let option = |(display_order, (value, label)): (i64, (&str, &str))| PropertyOption {
        value: value.to_owned(),
        label: label.to_owned(),
        display_order,
        hidden: false,
    };
    match (&field.transform.pair, wire_type) {
        (Some(Pair::Values(pairs)), _) => {
            (0..).zip(pairs.iter().map(|(remote, local)| (remote.as_str(), local.as_str()))).map(option).collect()
        }
        (_, WireType::Bool) => (0..).zip([("true", "Yes"), ("false", "No")]).map(option).collect(),
        _ => Vec::new(),
    }
}

/// A group that the object has: that of the first property which the mapping names, else of any.
fn group(mapping: &Mapping, schema: &[PropertySchema]) -> String {
    let live = || schema.iter().filter(|property| !property.archived && !property.group_name.is_empty());
    let named = mapping.fields.iter().find_map(|field| live().find(|property| property.name == field.property));
    named.or_else(|| live().next()).map(|property| property.group_name.clone()).unwrap_or_default()
}

fn blank(name: &str, wire_type: WireType, group_name: String) -> PropertySchema {
    PropertySchema {
        name: name.to_owned(),
        label: label(name),
        wire_type,
        type_name: wire_type.name().to_owned(),
        field_type: String::new(),
        group_name,
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: Vec::new(),
    }
}

/// `renewal_date` as people write it: `Renewal date`.
fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.trim().chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
