//! Mappings beside each other: each object once, each table once.

use std::collections::HashMap;

use crate::error::MappingError;
use crate::mapping::Mapping;

/// Checks mappings that are to share one mirror. Every clash is told, at the later mapping. An association with an
/// object that no mapping covers is no mistake: it waits for one.
pub fn check_set(mappings: &[Mapping]) -> Result<(), Vec<MappingError>> {
    let mut errors = Vec::new();
    let mut objects: HashMap<&str, &Mapping> = HashMap::new();
    let mut tables: HashMap<String, &Mapping> = HashMap::new();
    for mapping in mappings {
        if let Some(other) = objects.insert(&mapping.object, mapping) {
            let message = format!("`{}` is mapped by {} already", mapping.object, other.source);
            errors.push(mapping.error(mapping.places.object, message));
        }
        if let Some(other) = tables.insert(mapping.table.to_ascii_lowercase(), mapping) {
            let message = format!("the table `{}` belongs to {} already", mapping.table, other.source);
            errors.push(mapping.error(mapping.places.table.or(mapping.places.object), message));
        }
    }
    for mapping in mappings {
        for rule in &mapping.associations {
            // The two ends may be mapped; then the pair gets a view named after both tables.
            let Some(other) = objects.get(rule.object.as_str()) else { continue };
            let view = format!("{}_{}", mapping.table, other.table).to_ascii_lowercase();
            if let Some(taken) = tables.get(&view) {
                let message = format!(
                    "the table `{}` has the name of the view that pairs {} and {}",
                    taken.table, mapping.table, other.table
                );
                errors.push(taken.error(taken.places.table.or(taken.places.object), message));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
