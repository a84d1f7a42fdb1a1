//! Mapping files that `init` writes: they parse, they resolve, and built-in names stay.

use mappings::{Direction, Generate, Mapping, PropertySchema, WireType};
use proptest::prelude::*;

use crate::fixtures::{property, told};

fn portal() -> Vec<PropertySchema> {
    let mut schema = vec![
        property("lastname", WireType::String),
        property("firstname", WireType::String),
        property("email", WireType::String),
        property("hs_object_id", WireType::Number),
        property("lastmodifieddate", WireType::DateTime),
        property("hs_internal_score", WireType::Number),
        property("state", WireType::String),
        property("on", WireType::Bool),
        property("Custom Field", WireType::String),
        property("custom_field", WireType::String),
        property("archived_at", WireType::DateTime),
        property("badge_no", WireType::String),
        property("crmsync_uid", WireType::String),
        property("total", WireType::Number),
        property("secret", WireType::String),
        property("old", WireType::String),
    ];
    for p in &mut schema {
        match p.name.as_str() {
            "badge_no" | "crmsync_uid" => p.has_unique_value = true,
            "total" => p.calculated = true,
            "secret" => p.hidden = true,
            "old" => p.archived = true,
            "on" => p.label = "Line\nbreak # and \u{1b}[31mcolour".to_owned(),
            _ => {}
        }
    }
    schema
}

#[test]
fn a_generated_mapping_of_contacts_keeps_the_built_in_names() {
    insta::assert_snapshot!(Mapping::generate_yaml("contacts", &portal(), &Generate::default()), @r#"
    # Generated from the portal's schema. Yours to edit: what is there is kept.
    object: contacts
    table: contacts
    key: email    # a create adopts the record that has this value already
    unique: crmsync_uid    # makes creates safe to repeat
    conflict: remote_wins    # or local_wins, newest, hold
    deletes: ignore          # or archive: what a plain SQL DELETE means
    fields:
      email: { column: email, transform: { trim: true, lowercase: true } }    # email
      firstname: first_name    # firstname
      lastname: last_name    # lastname
      state: region    # state
      "Custom Field": custom_field    # Custom Field
      archived_at: property_archived_at    # archived at
      badge_no: badge_no    # badge no
      custom_field: custom_field_2    # custom field
      "on": "on"    # Line\nbreak # and \u{1b}[31mcolour
      total: { column: total, direction: pull }    # total (read-only)
    unmapped: json    # 5 more properties are in the view contacts_raw
    associations:
      companies: {}
      deals: {}
      tickets: {}
    "#);
}

#[test]
fn a_generated_mapping_of_a_custom_object_offers_its_unique_properties() {
    let schema: Vec<PropertySchema> =
        portal().into_iter().filter(|p| ["badge_no", "total"].contains(&p.name.as_str())).collect();
    let choices = Generate { associations: Some(&["contacts", "p12_garages"]), ..Generate::default() };
    insta::assert_snapshot!(Mapping::generate_yaml("p12_cars", &schema, &choices), @r#"
    # Generated from the portal's schema. Yours to edit: what is there is kept.
    object: p12_cars
    table: cars
    # key: badge_no    # unique: badge_no
    conflict: remote_wins    # or local_wins, newest, hold
    deletes: ignore          # or archive: what a plain SQL DELETE means
    fields:
      badge_no: badge_no    # badge no
      total: { column: total, direction: pull }    # total (read-only)
    unmapped: json    # 0 more properties are in the view cars_raw
    associations:
      contacts: {}
      p12_garages: {}
    "#);
    let choices = Generate { table: Some("vehicles"), key: Some("badge_no"), ..Generate::default() };
    let text = Mapping::generate_yaml("2-45", &schema, &choices);
    let mapping = Mapping::parse("cars.yaml", &text).unwrap();
    assert_eq!(
        (mapping.object.as_str(), mapping.table.as_str(), mapping.key.as_deref()),
        ("2-45", "vehicles", Some("badge_no"))
    );
}

#[test]
fn generated_mappings_resolve_against_their_own_schema() {
    for object in ["contacts", "companies", "deals", "tickets", "cars", "2-45", "p1_owners", "lists", "sync_x"] {
        let text = Mapping::generate_yaml(object, &portal(), &Generate::default());
        let mapping = Mapping::parse("x.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let resolved = mapping.resolve(&portal()).unwrap_or_else(|errors| panic!("{}\n{text}", told(&errors)));
        assert_eq!(resolved.unique.as_deref(), Some("crmsync_uid"));
        if let Some(total) = resolved.field_of("total") {
            assert_eq!(total.direction, Direction::Pull);
        }
    }
}

proptest! {
    #[test]
    fn s14_any_property_name_and_label_gives_a_mapping_that_parses(
        names in proptest::collection::hash_set("[^\\p{Cc}\\x{feff}]{1,12}", 0..20), label in any::<String>(), object in "[A-Za-z0-9_-]{1,30}",
    ) {
        let mut schema: Vec<PropertySchema> = names.iter().map(|name| property(name, WireType::String)).collect();
        for p in &mut schema {
            p.label.clone_from(&label);
        }
        let text = Mapping::generate_yaml(&object, &schema, &Generate::default());
        let mapping = Mapping::parse("x.yaml", &text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert!(mapping.resolve(&schema).is_ok(), "{}", text);
        prop_assert_eq!(mapping.object, object);
    }
}
