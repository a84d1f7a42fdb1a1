//! A portal's schema, and short ways to a field.

use mappings::{Field, Mapping, MappingError, PropertyOption, PropertySchema, ResolvedMapping, WireType};

/// A property that may be read and written.
pub(crate) fn property(name: &str, wire_type: WireType) -> PropertySchema {
    let (type_name, field_type) = match wire_type {
        WireType::String => ("string", "text"),
        WireType::Number => ("number", "number"),
        WireType::Bool => ("bool", "booleancheckbox"),
        WireType::Enumeration => ("enumeration", "select"),
        WireType::Date => ("date", "date"),
        WireType::DateTime => ("datetime", "date"),
        WireType::PhoneNumber => ("phone_number", "phonenumber"),
        WireType::Json => ("json", "text"),
        WireType::Unknown => ("hologram", "text"),
    };
    PropertySchema {
        name: name.to_owned(),
        label: name.replace('_', " "),
        wire_type,
        type_name: type_name.to_owned(),
        field_type: field_type.to_owned(),
        group_name: "group".to_owned(),
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: Vec::new(),
    }
}

pub(crate) fn option(value: &str) -> PropertyOption {
    PropertyOption { value: value.to_owned(), label: value.to_owned(), display_order: 0, hidden: false }
}

/// One property of every type, named after it.
pub(crate) fn schema() -> Vec<PropertySchema> {
    let mut all = vec![
        property("email", WireType::String),
        property("firstname", WireType::String),
        property("word", WireType::String),
        property("number", WireType::Number),
        property("flag", WireType::Bool),
        property("choice", WireType::Enumeration),
        property("choices", WireType::Enumeration),
        property("day", WireType::Date),
        property("moment", WireType::DateTime),
        property("phone", WireType::PhoneNumber),
        property("blob", WireType::Json),
        property("strange", WireType::Unknown),
        property("computed", WireType::Number),
        property("fixed", WireType::String),
        property("gone", WireType::String),
        property("crmsync_uid", WireType::String),
        property("hubspot_owner_id", WireType::Enumeration),
    ];
    for property in &mut all {
        match property.name.as_str() {
            "choice" => property.options = vec![option("emea"), option("na")],
            "choices" => {
                property.field_type = "checkbox".to_owned();
                property.options = vec![option("A"), option("B")];
            }
            "computed" => property.calculated = true,
            "fixed" => property.read_only = true,
            "gone" => property.archived = true,
            "crmsync_uid" => property.has_unique_value = true,
            _ => {}
        }
    }
    all
}

/// A mapping of contacts with these lines under `fields`.
pub(crate) fn resolve(fields: &str) -> Result<ResolvedMapping, Vec<MappingError>> {
    let fields: String = fields.lines().map(|line| format!("  {}\n", line.trim())).collect();
    Mapping::parse_all("contacts.yaml", &format!("object: contacts\ntable: contacts\nfields:\n{fields}"))?
        .resolve(&schema())
}

/// The one field of a mapping.
pub(crate) fn field(line: &str) -> Field {
    resolve(line).unwrap_or_else(|errors| panic!("{}", told(&errors))).fields.remove(0)
}

/// Messages, one a line.
pub(crate) fn told(errors: &[MappingError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
