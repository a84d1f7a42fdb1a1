//! A schema made up from a mapping alone, for checking it before any portal has been read.

use crate::mapping::{MappedField, Mapping};
use crate::policy::ColumnType;
use crate::schema::{PropertyOption, PropertySchema, WireType};
use crate::transform::Pair;

impl Mapping {
    /// The schema that fits this mapping best: each property has the type that its field states or implies, else text.
    /// Good for checking a mapping by itself; the portal's own schema says more.
    pub fn assumed_schema(&self) -> Vec<PropertySchema> {
        let mut schema: Vec<PropertySchema> = self
            .fields
            .iter()
            .map(|field| {
                let unique = [&self.key, &self.unique].into_iter().flatten().any(|name| *name == field.property);
                property(&field.property, wire_type(field), unique, options(field))
            })
            .collect();
        for name in [&self.key, &self.unique].into_iter().flatten() {
            if !schema.iter().any(|property| property.name == *name) {
                schema.push(property(name, WireType::String, true, Vec::new()));
            }
        }
        schema
    }
}

fn wire_type(field: &MappedField) -> WireType {
    match (&field.transform.pair, field.column_type) {
        (Some(Pair::Scale(_)), _) => WireType::Number,
        // Options are separated by `;`; what is separated otherwise is a text.
        (Some(Pair::Split(separator)), _) if separator != ";" => WireType::String,
        (Some(Pair::Values(_) | Pair::Split(_)), _) => WireType::Enumeration,
        (Some(Pair::EpochMs), Some(ColumnType::Datetime)) => WireType::Number,
        (Some(Pair::EpochMs), _) => WireType::DateTime,
        (_, Some(ColumnType::Integer | ColumnType::Decimal)) => WireType::Number,
        (_, Some(ColumnType::Boolean)) => WireType::Bool,
        (_, Some(ColumnType::Date)) => WireType::Date,
        (_, Some(ColumnType::Datetime)) => WireType::DateTime,
        (_, Some(ColumnType::Json)) => WireType::Json,
        (_, Some(ColumnType::Text) | None) => WireType::String,
    }
}

fn options(field: &MappedField) -> Vec<PropertyOption> {
    let Some(Pair::Values(pairs)) = &field.transform.pair else { return Vec::new() };
    pairs
        .iter()
        .zip(0..)
        .map(|((remote, _), display_order)| PropertyOption {
            value: remote.clone(),
            label: remote.clone(),
            display_order,
            hidden: false,
        })
        .collect()
}

fn property(name: &str, wire_type: WireType, unique: bool, options: Vec<PropertyOption>) -> PropertySchema {
    PropertySchema {
        name: name.to_owned(),
        label: name.to_owned(),
        wire_type,
        type_name: String::new(),
        // Several options at once, unless the options are known: those are translated one by one.
        field_type: match wire_type {
            WireType::Enumeration if options.is_empty() => "checkbox",
            WireType::Enumeration => "select",
            _ => "text",
        }
        .to_owned(),
        group_name: String::new(),
        calculated: false,
        read_only: false,
        has_unique_value: unique,
        hidden: false,
        archived: false,
        options,
    }
}

#[cfg(test)]
mod tests {
    use crate::Mapping;
    use crate::proof::prove;

    #[test]
    fn the_built_in_mappings_and_every_transform_can_be_checked_without_a_portal() {
        let transforms = "
object: contacts
table: contacts
key: email
fields:
  email: email
  revenue: { column: revenue_cents, type: integer, transform: { scale: 100 } }
  tags: { column: tags, transform: { split: \";\" } }
  places: { column: places, transform: { split: \", \" } }
  codes: { column: codes, transform: { split: \"|\", trim: true } }
  region: { column: region, transform: { values: { emea: EMEA, na: North America } } }
  born: { column: born, type: date }
  seen: { column: seen, transform: { epoch_ms: true } }
";
        let mut all = Mapping::built_ins();
        all.push(Mapping::parse("test.yaml", transforms).unwrap());
        for mapping in all {
            let resolved = mapping.resolve(&mapping.assumed_schema()).unwrap();
            assert!(prove(&resolved).iter().all(|proof| proof.holds), "{}", mapping.object);
        }
    }
}
