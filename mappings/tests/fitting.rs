//! A mapping held against a portal's schema: what does not fit, and what could be made so that it does.

use mappings::{Difference, Mapping, Misfit, PropertySchema, WireType};

use crate::fixtures::{option, property, schema};

fn mapping(head: &str, fields: &str) -> Mapping {
    let fields: String = fields.lines().map(|line| format!("  {}\n", line.trim())).collect();
    let text = format!("object: contacts\ntable: contacts\n{head}fields:\n{fields}");
    Mapping::parse("contacts.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

fn differences(head: &str, fields: &str) -> Vec<Difference> {
    mapping(head, fields).fit(&schema()).differences
}

/// A difference as a line.
fn told(differences: &[Difference]) -> String {
    let line = |difference: &Difference| {
        let made = match &difference.wanted {
            None => String::new(),
            Some(wanted) if wanted.restores => " [restored]".to_owned(),
            Some(wanted) => format!(" [{} made]", wanted.property.type_name),
        };
        let (line, kind) = (difference.line.unwrap_or(0), difference.kind.word());
        format!("{line} {} {kind}: {}; {}{made}", difference.property, difference.message, difference.advice)
    };
    differences.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_that_does_not_fit_is_told_in_the_order_of_the_file() {
    let found = differences(
        "key: firstname\nunique: row_key\n",
        "firstname: first
        emial: { column: mail, type: text }
        turnover: turnover
        score: { column: score, type: decimal }
        flag: { column: f, type: decimal }
        gone: gone
        computed: computed
        fixed: fixed
        strange: strange
        choice: { column: choice, transform: { values: { emea: E, old: O } } }",
    );
    insta::assert_snapshot!(told(&found), @r"
    3 firstname not_unique: `key` names a property without unique values; name another one: uniqueness can only be given to a property when it is made
    4 row_key unknown: `unique` names what the portal does not have; leave the line out: creates are then looked for by their key or their values [string made]
    7 emial unknown: the portal has no such property, but `email`; name that one [string made]
    8 turnover unknown: the portal has no such property; state a `type` that fits, and it can be made; or take the field out
    9 score unknown: the portal has no such property; take the field out [number made]
    10 flag type: the type `decimal` does not fit a property of type `bool`; leave the type out for `boolean`
    11 gone archived: archived in the portal: edits of it become rejects; restore it in the portal, or take the field out
    12 computed read_only: calculated by the portal, and `direction` is both; say `direction: pull`
    13 fixed read_only: read-only in the portal, and `direction` is both; say `direction: pull`
    14 strange read_only: read-only in the portal, and `direction` is both; say `direction: pull`
    15 choice options_gone: `values` translates `old`, which the portal does not list; take it out, or add the option in the portal
    15 choice options_new: the portal lists `na`, which `values` does not translate: shown as NULL; add it to `values`
    ");
}

#[test]
fn what_fits_is_no_difference_and_the_rest_of_the_portal_is_only_counted() {
    let mapping = mapping(
        "key: email\nunique: crmsync_uid\n",
        "email: email
        computed: { column: c, direction: pull }
        choice: { column: choice, transform: { values: { emea: E, na: N } } }",
    );
    let fit = mapping.fit(&schema());
    assert_eq!(told(&fit.differences), "");
    let live = schema().iter().filter(|property| !property.archived).count();
    assert_eq!(fit.unmapped, live - 4, "three fields and the unique property are named");
}

#[test]
fn options_matter_only_in_the_direction_in_which_values_travel() {
    let of = |direction: &str| {
        let line =
            format!("choice: {{ column: c, direction: {direction}, transform: {{ values: {{ emea: E, old: O }} }} }}");
        differences("", &line).iter().map(|difference| difference.kind).collect::<Vec<_>>()
    };
    assert_eq!(of("both"), [Misfit::OptionsGone, Misfit::OptionsNew]);
    assert_eq!(of("pull"), [Misfit::OptionsNew], "records keep the values of options that are gone");
    assert_eq!(of("push"), [Misfit::OptionsGone]);
    let lowered = "choice: { column: c, transform: { lowercase: true, values: { emea: E, na: N } } }";
    assert_eq!(told(&differences("", lowered)), "");
}

#[test]
fn a_built_in_mapping_lives_with_what_a_portal_lacks_or_refuses() {
    let portal: Vec<PropertySchema> = ["email", "firstname"]
        .map(|name| PropertySchema { read_only: true, ..property(name, WireType::String) })
        .into();
    let mut fit = Mapping::built_in("contacts").unwrap().fit(&portal);
    assert_eq!(told(&fit.differences), "");
    fit.left_out.retain(|name| name == "lastname" || name == "email");
    assert_eq!(fit.left_out, ["lastname"]);
}

#[test]
fn a_property_that_is_made_fits_its_field_and_belongs_to_a_group_that_is_there() {
    let mapping = mapping(
        "key: code\nunique: row_key\n",
        "firstname: first
        code: { column: code, type: text }
        note: { column: note, type: text }
        count: { column: count, type: integer }
        price: { column: price, type: decimal }
        cents: { column: cents, type: integer, transform: { scale: 100 } }
        vip: { column: vip, type: boolean }
        born: { column: born, type: date }
        seen: { column: seen, type: datetime }
        seen_ms: { column: seen_ms, type: integer, transform: { epoch_ms: true } }
        since: { column: since, type: datetime, transform: { epoch_ms: true } }
        extra: { column: extra, type: json }
        tags: { column: tags, type: json, transform: { split: \";\" } }
        sku: { column: sku, type: text, transform: { constant_prefix: \"SKU-\" } }
        region: { column: region, type: text, transform: { values: { emea: EMEA, na: North America } } }",
    );
    let mut portal = schema();
    let mut wanted: Vec<PropertySchema> = mapping
        .fit(&portal)
        .differences
        .into_iter()
        .filter_map(|difference| Some(difference.wanted?.property))
        .collect();
    assert!(wanted.iter().all(|property| property.group_name == "group"), "{wanted:?}");
    let types: Vec<String> = wanted.iter().map(|made| format!("{}: {}", made.name, made.type_name)).collect();
    insta::assert_snapshot!(types.join("\n"), @r"
    row_key: string
    code: string
    note: string
    count: number
    price: number
    cents: number
    vip: bool
    born: date
    seen: datetime
    seen_ms: datetime
    since: number
    extra: string
    tags: string
    sku: string
    region: enumeration
    ");
    let one = |name: &str| wanted.iter().find(|made| made.name == name).unwrap();
    assert_eq!((one("code").has_unique_value, one("note").has_unique_value), (true, false), "a key is unique");
    assert_eq!((one("row_key").has_unique_value, one("row_key").hidden), (true, true));
    assert_eq!(one("region").options[1].label, "North America");
    assert_eq!(one("seen_ms").label, "Seen ms");
    portal.append(&mut wanted);
    assert_eq!(told(&mapping.fit(&portal).differences), "");
    mapping.resolve(&portal).unwrap_or_else(|errors| panic!("{errors:?}"));
}

#[test]
fn a_field_that_states_no_type_or_one_that_cannot_be_is_for_a_person() {
    let fields = "note: note\n cents: { column: cents, type: text, transform: { trim: true } }\n word: word";
    let found = differences("", fields);
    assert_eq!(found.iter().map(|d| d.wanted.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn an_archived_property_is_brought_back_as_it_was() {
    let mut portal = schema();
    portal.extend(["old_key", "old_choice"].map(|name| PropertySchema {
        archived: true,
        has_unique_value: name == "old_key",
        options: vec![option("a")],
        ..property(name, WireType::String)
    }));
    let typed = mapping("unique: old_key\n", "old_choice: { column: c, type: text }\n gone: gone");
    let found = typed.fit(&portal).differences;
    let restored: Vec<bool> = found.iter().map(|d| d.wanted.as_ref().is_some_and(|wanted| wanted.restores)).collect();
    assert_eq!(restored, [true, true, false], "{}", told(&found));
    let wanted = found[0].wanted.as_ref().unwrap();
    assert_eq!((wanted.property.field_type.as_str(), wanted.property.archived), ("text", false));
}
