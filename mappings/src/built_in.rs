//! The mappings that come with the program, for a portal of which nothing is configured.
//!
//! They name commonly used properties. What a portal does not have is left out when they are resolved.

use crate::mapping::{Mapping, Source};

/// Each object with the names it goes by, and its file.
const FILES: [(&[&str], &str); 4] = [
    (&["contacts", "contact", "0-1"], include_str!("../hubspot/contacts.yaml")),
    (&["companies", "company", "0-2"], include_str!("../hubspot/companies.yaml")),
    (&["deals", "deal", "0-3"], include_str!("../hubspot/deals.yaml")),
    (&["tickets", "ticket", "0-5"], include_str!("../hubspot/tickets.yaml")),
];

impl Mapping {
    /// The built-in mapping of an object type, by its plural or singular name or its object type id.
    pub fn built_in(object: &str) -> Option<Self> {
        let (names, text) = FILES.iter().find(|(names, _)| names.contains(&object))?;
        // A test holds that every file parses; a broken one would be as if it were not there.
        crate::file::read(Source::BuiltIn((*names.first()?).to_owned()), text).ok()
    }

    /// Every built-in mapping, in the order in which a newcomer meets them.
    pub fn built_ins() -> Vec<Self> {
        FILES.iter().filter_map(|(names, _)| Self::built_in(names.first()?)).collect()
    }

    /// The text of a built-in mapping, as a person would edit it.
    pub fn built_in_yaml(object: &str) -> Option<&'static str> {
        FILES.iter().find(|(names, _)| names.contains(&object)).map(|(_, text)| *text)
    }
}
