//! What must hold of every input, however it came about. A target takes bytes and panics where a promise is broken.
//!
//! Known and shared by two drivers: the ordinary tests, which mutate a corpus by a fixed seed, and the fuzzing package
//! beside them, which lets coverage lead.

#![expect(clippy::expect_used, reason = "a target panics where a promise is broken")]

mod configuration;
mod identifiers;
mod mapping;
mod records;
mod scalars;

pub(crate) use configuration::configuration;
pub(crate) use identifiers::identifiers;
pub(crate) use mapping::mapping;
pub(crate) use records::records;
pub(crate) use scalars::scalars;

use mappings::{PropertySchema, WireType};

/// A property that may be read and written.
fn property(name: &str, wire_type: WireType) -> PropertySchema {
    PropertySchema {
        name: name.to_owned(),
        label: name.to_owned(),
        wire_type,
        type_name: format!("{wire_type:?}").to_lowercase(),
        field_type: "text".to_owned(),
        group_name: "group".to_owned(),
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: Vec::new(),
    }
}

/// A message for people: of a bearable length, and with nothing in it that steers a terminal.
fn check_message(message: &str, what: &str) {
    assert!(message.chars().count() < 20_000, "{what}: {} characters", message.len());
    let harmful = |letter: char| letter.is_control() && letter != '\n';
    assert!(!message.contains(harmful), "{what}: {message:?} may steer a terminal");
}
