//! The mappings that come with the program: of the four main object types, which are mirrored where nothing is
//! configured, and of those that a configuration names most often besides.
//!
//! They name commonly used properties. What a portal does not have is left out when they are resolved.

use crate::mapping::{Mapping, Source};

/// Each object with the names it goes by, and its file.
const FILES: [(&[&str], &str); 12] = [
    (&["contacts", "contact", "0-1"], include_str!("../hubspot/contacts.yaml")),
    (&["companies", "company", "0-2"], include_str!("../hubspot/companies.yaml")),
    (&["deals", "deal", "0-3"], include_str!("../hubspot/deals.yaml")),
    (&["tickets", "ticket", "0-5"], include_str!("../hubspot/tickets.yaml")),
    (&["products", "product", "0-7"], include_str!("../hubspot/products.yaml")),
    (&["line_items", "line_item", "0-8"], include_str!("../hubspot/line_items.yaml")),
    (&["quotes", "quote", "0-14"], include_str!("../hubspot/quotes.yaml")),
    (&["notes", "note", "0-46"], include_str!("../hubspot/notes.yaml")),
    (&["tasks", "task", "0-27"], include_str!("../hubspot/tasks.yaml")),
    (&["calls", "call", "0-48"], include_str!("../hubspot/calls.yaml")),
    (&["meetings", "meeting", "0-47"], include_str!("../hubspot/meetings.yaml")),
    (&["emails", "email", "0-49"], include_str!("../hubspot/emails.yaml")),
];

/// How many of them, from the first, are mirrored where nothing is configured.
const MAIN: usize = 4;

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

    /// The mappings of the four main object types.
    pub fn main_built_ins() -> Vec<Self> {
        Self::built_ins().into_iter().take(MAIN).collect()
    }

    /// The text of a built-in mapping, as a person would edit it.
    pub fn built_in_yaml(object: &str) -> Option<&'static str> {
        FILES.iter().find(|(names, _)| names.contains(&object)).map(|(_, text)| *text)
    }
}
