//! `crmsync schema show`: what a person reads before editing a mapping.

use crate::served::{Served, exit};
use serde_json::Value;
use simulator::NewProperty;
use std::time::Duration;

fn shown(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn property<'a>(document: &'a Value, object: usize, name: &str) -> &'a Value {
    let properties = document["objects"][object]["properties"].as_array().unwrap();
    properties.iter().find(|property| property["name"] == name).unwrap()
}

#[test]
fn the_schema_shows_each_property_with_its_type_and_its_column() {
    let portal = Served::new(5, Duration::ZERO, 1);
    portal.lock().add_property(0, "contacts", &NewProperty::unique("badge")).unwrap();
    let home = portal.home();
    let (code, told) = exit(&home, &["schema", "show", "contacts", "deals", "--json"]);
    assert_eq!(code, 0, "{told}");
    let document = shown(&told);
    assert_eq!(
        (document["objects"][0]["object"].as_str(), document["objects"][0]["table"].as_str()),
        (Some("contacts"), Some("contacts"))
    );
    let email = property(&document, 0, "email");
    assert_eq!(
        (email["column"].as_str(), email["type"].as_str(), email["read_only"].as_bool()),
        (Some("email"), Some("string"), Some(false))
    );
    assert_eq!(property(&document, 0, "badge")["unique"], true);
    assert_eq!(property(&document, 0, "badge")["column"], Value::Null);
    let stage = property(&document, 0, "lifecyclestage");
    assert_eq!((stage["column"].as_str(), stage["options"].as_u64()), (Some("stage"), Some(8)));
    assert_eq!(property(&document, 1, "hs_forecast_amount")["calculated"], true);

    let (code, told) = exit(&home, &["schema", "show", "deals"]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.starts_with("deals: ") && told.lines().next().unwrap().ends_with("mirrored in the table deals"),
        "{told}"
    );
    let line = told.lines().find(|line| line.starts_with("hs_forecast_amount ")).unwrap();
    assert!(line.contains("forecast_amount") && line.ends_with("calculated"), "{line}");
    assert!(!home.path().join("crm.db").exists(), "showing the schema makes no mirror");
}

#[test]
fn an_object_that_is_not_configured_is_shown_without_columns_and_one_that_is_not_there_exits_2() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let (code, told) = exit(&home, &["schema", "show", "leads", "--json"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(shown(&told)["objects"][0]["table"], Value::Null);
    let (code, told) = exit(&home, &["schema", "show", "butterflies"]);
    assert_eq!(code, 2, "{told}");
}

#[test]
fn a_missing_scope_hides_one_object_and_shows_the_others() {
    let portal = Served::new(5, Duration::ZERO, 1);
    portal.lock().deny("deals");
    let home = portal.home();
    let (code, told) = exit(&home, &["schema", "show"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("contacts: ") && told.contains("tickets: ") && !told.contains("\ndeals: "), "{told}");
    assert_eq!(exit(&home, &["schema", "show", "deals"]).0, 4);
}

#[test]
fn a_broken_mapping_does_not_hide_the_schema_that_its_author_needs() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal
        .home()
        .file("crmsync.toml", "[portals.acme]\nmappings = \".\"\nobjects = [\"contacts\"]\n")
        .file("contacts.yaml", "object: contacts\nfields: [\n");
    let (code, told) = exit(&home, &["schema", "show"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("contacts.yaml") && told.contains("lifecyclestage"), "{told}");
}
