//! A mapping held against a schema: types, directions, and every misfit at once.

use mappings::{ColumnType, Direction, Mapping, Policy, PropertySchema, Unmapped, WireType, check_set};

use crate::fixtures::{field, property, resolve, schema, told};

fn mapping(head: &str) -> Mapping {
    Mapping::parse("contacts.yaml", &format!("object: contacts\ntable: contacts\n{head}")).unwrap()
}

#[test]
fn types_come_from_the_schema() {
    for (name, expected, sql) in [
        ("word", ColumnType::Text, "TEXT"),
        ("number", ColumnType::Decimal, ""),
        ("flag", ColumnType::Boolean, "INTEGER"),
        ("day", ColumnType::Date, "TEXT"),
        ("moment", ColumnType::Datetime, "TEXT"),
        ("choice", ColumnType::Text, "TEXT"),
        ("phone", ColumnType::Text, "TEXT"),
        ("blob", ColumnType::Json, "TEXT"),
        ("strange", ColumnType::Text, "TEXT"),
    ] {
        let column_type = field(&format!("{name}: c")).column_type;
        assert_eq!((column_type, column_type.sql_type()), (expected, sql), "{name}");
    }
}

#[test]
fn what_the_remote_refuses_to_be_sent_is_read_only() {
    for name in ["computed", "fixed", "strange"] {
        assert_eq!(field(&format!("{name}: c")).direction, Direction::Pull, "{name}");
        assert_eq!(field(&format!("{name}: {{ column: c, direction: both }}")).direction, Direction::Pull, "{name}");
    }
    assert_eq!(field("word: { column: c, direction: push }").direction, Direction::Push);
    assert_eq!(field("word: c").direction, Direction::Both);
    assert!(field("gone: c").retired && !field("word: c").retired);
}

#[test]
fn a_field_may_override_the_mappings_policy() {
    let mapping = mapping("conflict: hold\nfields:\n  word: w\n  number: { column: n, conflict: newest }\n")
        .resolve(&schema())
        .unwrap();
    assert_eq!(mapping.field_of("word").unwrap().policy, Policy::Hold);
    assert_eq!(mapping.field_of("number").unwrap().policy, Policy::Newest);
    assert_eq!(mapping.field_of_column("N").unwrap().property, "number");
    assert!(mapping.field_of("w").is_none() && mapping.field_of_column("word").is_none());
}

#[test]
fn every_misfit_is_told_at_once_with_file_line_and_field() {
    let errors = resolve(
        "emial: email
        owner_id: owner
        first_name: first
        Hubspot owner id: owner2
        turnover: turnover
        flag: { column: f, type: decimal }
        moment: { column: m, type: date }
        moment2: { column: m2 }
        day: { column: d, type: datetime }
        number: { column: n, type: datetime }
        choices: { column: c, type: json }
        strange: { column: s, type: integer }
        computed: { column: x, direction: push }
        fixed: { column: y, direction: push }",
    )
    .unwrap_err();
    insta::assert_snapshot!(told(&errors), @r#"
    contacts.yaml:4: field `emial`: the portal's contacts have no such property. Did you mean `email`?
    contacts.yaml:5: field `owner_id`: the portal's contacts have no such property. Did you mean `hubspot_owner_id`?
    contacts.yaml:6: field `first_name`: the portal's contacts have no such property. Did you mean `firstname`?
    contacts.yaml:7: field `Hubspot owner id`: the portal's contacts have no such property. Did you mean `hubspot_owner_id`?
    contacts.yaml:8: field `turnover`: the portal's contacts have no such property. `crmsync schema show` lists what contacts have; `crmsync schema apply` makes it, if the field states a `type`.
    contacts.yaml:9: field `flag`: the type `decimal` does not fit a property of type `bool`. Leave the type out for `boolean`.
    contacts.yaml:10: field `moment`: the type `date` does not fit a property of type `datetime`. On which day an instant falls depends on the time zone: keep the datetime, and cut it in a query.
    contacts.yaml:11: field `moment2`: the portal's contacts have no such property. Did you mean `moment`?
    contacts.yaml:12: field `day`: the type `datetime` does not fit a property of type `date`. Leave the type out for `date`.
    contacts.yaml:13: field `number`: the type `datetime` does not fit a property of type `number`. Add `transform: { epoch_ms: true }`.
    contacts.yaml:14: field `choices`: the type `json` does not fit a property of type `enumeration`. Add `transform: { split: ";" }`.
    contacts.yaml:15: field `strange`: the type `integer` does not fit a property of type `hologram`. Leave the type out for `text`.
    contacts.yaml:16: field `computed`: `direction: push` is not possible: the remote computes it. Use `direction: pull`.
    contacts.yaml:17: field `fixed`: `direction: push` is not possible: the remote accepts no writes to it. Use `direction: pull`.
    "#);
}

#[test]
fn keys_must_be_unique_and_present() {
    let told_of = |head: &str| told(&mapping(head).resolve(&schema()).unwrap_err());
    let fields = "fields:\n  word: w\n  email: e\n";
    insta::assert_snapshot!([
        told_of(&format!("key: word\n{fields}")),
        told_of(&format!("unique: crmsync_id\n{fields}")),
        told_of(&format!("unique: word\n{fields}")),
    ].join("\n"), @r#"
    contacts.yaml:3: the key `word` may have one value on several records. A key is a property with unique values, or the email of contacts.
    contacts.yaml:3: `unique` names `crmsync_id`, which the portal's contacts do not have. `crmsync schema apply` makes it; without it leave the line out.
    contacts.yaml:3: `unique` names `word`, whose values are not unique in the portal. Uniqueness can only be given to a property when it is made.
    "#);
    let resolved = mapping(&format!("key: email\nunique: crmsync_uid\n{fields}")).resolve(&schema()).unwrap();
    assert_eq!((resolved.key.as_deref(), resolved.unique.as_deref()), (Some("email"), Some("crmsync_uid")));
    assert!(resolved.field_of("email").unwrap().is_key);
}

#[test]
fn what_is_fetched_follows_unmapped() {
    let fields = "unique: crmsync_uid\nfields:\n  word: w\n  gone: g\n";
    let few = mapping(&format!("unmapped: ignore\n{fields}")).resolve(&schema()).unwrap();
    assert_eq!(few.properties_to_fetch(&schema()), ["crmsync_uid", "word"]);
    let all = mapping(fields).resolve(&schema()).unwrap();
    assert_eq!(all.unmapped, Unmapped::Json);
    let live: Vec<String> = schema().into_iter().filter(|p| !p.archived).map(|p| p.name).collect();
    let fetched = all.properties_to_fetch(&schema());
    assert_eq!(fetched.len(), live.len());
    assert!(live.iter().all(|name| fetched.contains(name)));
}

#[test]
fn the_fingerprint_follows_the_projection_and_nothing_else() {
    let of = |head: &str| mapping(head).resolve(&schema()).unwrap().fingerprint();
    let plain = of("fields:\n  number: n\n  word: w\n");
    insta::assert_snapshot!(plain, @"ff68ddd8e16474fc");
    for same in [
        "# a comment\nconflict: hold\ndeletes: archive\nfields:\n\n  number: { column: n }\n  word: w\n",
        "unmapped: ignore\nassociations: { deals: {} }\nfields: { number: n, word: w }\n",
    ] {
        assert_eq!(of(same), plain, "{same}");
    }
    for other in [
        "fields:\n  number: n\n",
        "fields:\n  number: n\n  word: x\n",
        "fields:\n  number: n\n  word: { column: w, direction: pull }\n",
        "fields:\n  number: { column: n, type: integer }\n  word: w\n",
        "fields:\n  number: { column: n, transform: { scale: 10 } }\n  word: w\n",
        "fields:\n  number: n\n  word: { column: w, transform: { trim: true } }\n",
        "fields:\n  number: n\n  word: { column: w, transform: { values: { a: b } } }\n",
    ] {
        assert_ne!(of(other), plain, "{other}");
    }
}

#[test]
fn p44_a_type_that_changed_changes_the_fingerprint() {
    let mapping = mapping("fields:\n  word: w\n");
    let changed: Vec<PropertySchema> = vec![property("word", WireType::Number)];
    assert_ne!(mapping.resolve(&schema()).unwrap().fingerprint(), mapping.resolve(&changed).unwrap().fingerprint());
}

#[test]
fn two_mappings_share_neither_object_nor_table() {
    let parse = |file: &str, text: &str| Mapping::parse(file, text).unwrap();
    let contacts = parse("contacts.yaml", "object: contacts\nfields: {}\nassociations: { companies: {}, cars: {} }\n");
    let companies = parse("companies.yaml", "object: companies\nfields: {}\n");
    assert!(check_set(&[contacts.clone(), companies.clone()]).is_ok());
    let errors = check_set(&[
        contacts,
        companies,
        parse("people.yaml", "table: people\nobject: contacts\nfields: {}\n"),
        parse("firms.yaml", "object: deals\ntable: Companies\nfields: {}\n"),
        parse("pairs.yaml", "object: p1_pairs\n\ntable: contacts_companies\nfields: {}\n"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(told(&errors), @r#"
    people.yaml:2: `contacts` is mapped by contacts.yaml already.
    firms.yaml:2: the table `Companies` belongs to companies.yaml already.
    pairs.yaml:3: the table `contacts_companies` has the name of the view that pairs contacts and companies.
    "#);
}

#[test]
fn an_association_with_a_name_that_nobody_knows_is_told_with_the_one_that_was_probably_meant() {
    let parse = |file: &str, text: &str| Mapping::parse(file, text).unwrap();
    let contacts = parse(
        "contacts.yaml",
        "object: contacts\nfields: {}\nassociations: { companys: {}, company: {}, deals: {}, p1_car: {}, shoes: {} }\n",
    );
    let cars = parse("cars.yaml", "object: p1_cars\ntable: cars\nfields: {}\nassociations: { contacts: {} }\n");
    let meant = |all: &[Mapping]| contacts.misnamed_associations(all);
    let pair = |name: &str, meant: &str| (name.to_owned(), meant.to_owned());
    let firms = [pair("companys", "companies"), pair("company", "companies")];
    assert_eq!(meant(std::slice::from_ref(&contacts)), firms);
    let all = [contacts.clone(), cars];
    assert_eq!(meant(&all), [firms.to_vec(), vec![pair("p1_car", "p1_cars")]].concat());
    assert!(all[1].misnamed_associations(&all).is_empty());
}

#[test]
fn a_built_in_mapping_may_name_what_is_left_out() {
    for mapping in Mapping::built_ins() {
        assert!(mapping.misnamed_associations(std::slice::from_ref(&mapping)).is_empty(), "{}", mapping.object);
    }
}
