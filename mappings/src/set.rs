//! Mappings beside each other: each object once, each table once.

use std::collections::HashMap;

use crate::error::MappingError;
use crate::mapping::{Mapping, Source};
use crate::names;

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

impl Mapping {
    /// The objects that this mapping's associations name and that are neither mapped by these mappings nor of a built-in
    /// one, where another name is close: each with the name that was probably meant. A built-in mapping has none: what it
    /// names may be left out.
    pub fn misnamed_associations(&self, mappings: &[Self]) -> Vec<(String, String)> {
        let mut known: Vec<String> = mappings.iter().map(|mapping| mapping.object.clone()).collect();
        let all_known = self.associations.iter().all(|rule| known.contains(&rule.object));
        if all_known || matches!(self.source, Source::BuiltIn(_)) {
            return Vec::new();
        }
        known.extend(Self::built_ins().into_iter().map(|mapping| mapping.object));
        let mut misnamed = Vec::new();
        for rule in self.associations.iter().filter(|rule| !known.contains(&rule.object)) {
            // Its singular or its id.
            let by_another_name = Self::built_in(&rule.object).map(|mapping| mapping.object);
            let close = || names::closest(&rule.object, known.iter().map(String::as_str)).map(str::to_owned);
            if let Some(meant) = by_another_name.or_else(close) {
                misnamed.push((rule.object.clone(), meant));
            }
        }
        misnamed
    }
}
