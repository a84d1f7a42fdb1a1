//! The mappings that come with the program.

use std::collections::HashSet;

use mappings::{Cell, Direction, Mapping, Normaliser, PropertySchema, Source, Transform, WireType, check_set};

use crate::fixtures::property;

/// A schema that has every property of a mapping, of a likely type.
fn schema_of(mapping: &Mapping) -> Vec<PropertySchema> {
    let wire = |name: &str| match name {
        "amount" | "annualrevenue" | "numberofemployees" => WireType::Number,
        "closedate" => WireType::DateTime,
        "lifecyclestage" | "dealstage" | "pipeline" => WireType::Enumeration,
        _ => WireType::String,
    };
    mapping.fields.iter().map(|field| property(&field.property, wire(&field.property))).collect()
}

#[test]
fn every_built_in_mapping_resolves_and_fits_beside_the_others() {
    let all = Mapping::built_ins();
    let objects: Vec<&str> = all.iter().map(|mapping| mapping.object.as_str()).collect();
    assert_eq!(objects[..4], ["contacts", "companies", "deals", "tickets"]);
    assert_eq!(objects[4..], ["products", "line_items", "quotes", "notes", "tasks", "calls", "meetings", "emails"]);
    assert_eq!(
        Mapping::main_built_ins().iter().map(|mapping| mapping.object.as_str()).collect::<Vec<_>>(),
        objects[..4]
    );
    assert!(check_set(&all).is_ok());
    for mapping in &all {
        let resolved = mapping.resolve(&schema_of(mapping)).unwrap();
        assert!(resolved.left_out.is_empty());
        assert_eq!(resolved.fields.len(), mapping.fields.len());
        assert_eq!(mapping.source, Source::BuiltIn(mapping.object.clone()));
        assert_eq!(mapping.key.as_deref(), (mapping.object == "contacts").then_some("email"));
    }
}

#[test]
fn built_in_mappings_are_found_by_every_name_of_their_object() {
    for (name, object) in [
        ("contacts", "contacts"),
        ("contact", "contacts"),
        ("0-2", "companies"),
        ("deal", "deals"),
        ("0-5", "tickets"),
        ("line_item", "line_items"),
        ("0-46", "notes"),
        ("0-27", "tasks"),
    ] {
        assert_eq!(Mapping::built_in(name).unwrap().object, object);
        assert!(Mapping::built_in_yaml(name).unwrap().contains(&format!("object: {object}\n")));
    }
    assert!(Mapping::built_in("cars").is_none());
}

#[test]
fn a_property_that_the_portal_lacks_is_left_out_and_named() {
    let contacts = Mapping::built_in("contacts").unwrap();
    let schema: Vec<PropertySchema> =
        schema_of(&contacts).into_iter().filter(|p| p.name != "email" && p.name != "zip").collect();
    let resolved = contacts.resolve(&schema).unwrap();
    assert_eq!(resolved.left_out, ["email", "zip"]);
    assert_eq!(resolved.key, None);
    assert!(resolved.field_of("zip").is_none() && resolved.field_of("city").is_some());
    // The same lines in a person's file are a mistake.
    let own = Mapping::parse("contacts.yaml", Mapping::built_in_yaml("contacts").unwrap()).unwrap();
    assert_eq!(own.resolve(&schema).unwrap_err().len(), 2);
}

#[test]
fn each_pair_of_objects_is_named_once() {
    let mut pairs = HashSet::new();
    for mapping in Mapping::built_ins() {
        for rule in &mapping.associations {
            let mut pair = [mapping.object.clone(), rule.object.clone()];
            pair.sort();
            assert!(pairs.insert(pair.clone()), "{pair:?} is named twice");
        }
    }
    // Six among the main four, four of each activity, three of quotes and two of line items.
    assert_eq!(pairs.len(), 6 + 5 * 4 + 3 + 2);
}

#[test]
fn an_activity_names_its_own_pairs_because_they_are_made_with_it() {
    for object in ["notes", "tasks", "calls", "meetings", "emails"] {
        let mapping = Mapping::built_in(object).unwrap();
        let named: Vec<&str> = mapping.associations.iter().map(|rule| rule.object.as_str()).collect();
        assert_eq!(named, ["contacts", "companies", "deals", "tickets"], "{object}");
        assert!(mapping.fields.iter().any(|field| field.property == "hs_timestamp"), "{object}");
    }
}

#[test]
fn what_hubspot_calculates_is_read_only_before_any_schema_says_so() {
    for (object, property) in [
        ("line_items", "amount"),
        ("quotes", "hs_quote_amount"),
        ("tasks", "hs_task_completion_date"),
        ("emails", "hs_email_from_email"),
        ("notes", "hs_body_preview"),
    ] {
        let mapping = Mapping::built_in(object).unwrap();
        let field = mapping.fields.iter().find(|field| field.property == property).unwrap();
        assert_eq!(field.direction, Direction::Pull, "{object}: {property}");
    }
}

#[test]
fn built_in_fields_state_no_type_or_exact_pair_so_that_any_portal_fits_and_init_can_write_them() {
    for field in Mapping::built_ins().iter().flat_map(|mapping| &mapping.fields) {
        // An address is a text in every portal, which stores it like this.
        let is_address = field.property == "email";
        let normaliser = Normaliser { trim: is_address, lowercase: is_address };
        assert!(
            field.column_type.is_none()
                && field.conflict.is_none()
                && field.transform == Transform { pair: None, normaliser },
            "{}",
            field.property
        );
    }
}

#[test]
fn a_deal_reads_as_an_analyst_expects() {
    let deals = Mapping::built_in("deals").unwrap();
    let resolved = deals.resolve(&schema_of(&deals)).unwrap();
    let amount = resolved.field_of_column("amount").unwrap();
    assert_eq!(amount.project(Some("1250.00")).cell, Cell::Integer(1250));
    assert_eq!(resolved.field_of("dealstage").unwrap().column, "stage");
    assert_eq!(resolved.field_of("closedate").unwrap().column, "close_date");
    assert_eq!(resolved.field_of("hs_forecast_amount").unwrap().direction, Direction::Pull);
}
