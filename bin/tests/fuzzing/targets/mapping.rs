//! A mapping file: refused with sentences that point into it, or read into a mapping that holds what it promises.

use mappings::proof::prove;
use mappings::{Mapping, PropertySchema, WireType};
use std::collections::BTreeSet;

const TYPES: [WireType; 9] = [
    WireType::String,
    WireType::Number,
    WireType::Bool,
    WireType::Enumeration,
    WireType::Date,
    WireType::DateTime,
    WireType::PhoneNumber,
    WireType::Json,
    WireType::Unknown,
];

/// More fields than this say nothing new, and proving them takes long.
const PROVED: usize = 6;

/// Reads the input as a mapping file and holds it against schemas that know its properties.
pub(crate) fn mapping(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // To YAML, a carriage return alone ends a line, too.
    let lines = u64::try_from(text.split(['\n', '\r']).count()).unwrap_or(u64::MAX);
    match Mapping::parse_all("fuzz.yaml", &text) {
        Ok(mapping) => TYPES.iter().for_each(|wire_type| resolved(&mapping, *wire_type)),
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in &errors {
                super::check_message(&error.to_string(), "a mistake in a mapping");
                assert!(error.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{error} of {lines} lines");
            }
        }
    }
}

fn resolved(mapping: &Mapping, wire_type: WireType) {
    let mut schema: Vec<PropertySchema> =
        mapping.fields.iter().map(|field| super::property(&field.property, wire_type)).collect();
    schema.extend(mapping.unique.as_deref().map(|name| super::property(name, WireType::String)));
    schema.iter_mut().for_each(|property| property.has_unique_value = true);
    match mapping.resolve(&schema) {
        Ok(resolved) => {
            assert_eq!(resolved.fields.len(), mapping.fields.len());
            let columns: BTreeSet<String> =
                resolved.fields.iter().map(|field| field.column.to_ascii_lowercase()).collect();
            assert_eq!(columns.len(), resolved.fields.len(), "two fields share a column");
            assert_eq!(resolved.fingerprint(), resolved.fingerprint());
            if resolved.fields.len() <= PROVED {
                for proof in prove(&resolved) {
                    assert!(proof.holds, "{wire_type:?} {}: {}", proof.field, proof.reason);
                }
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|error| super::check_message(&error.to_string(), "a misfit"));
        }
    }
}
