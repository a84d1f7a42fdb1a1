//! Broken mapping files, each with the message that a person reads.

use mappings::Mapping;
use proptest::prelude::*;

use crate::fixtures::told;

/// Every message for a file.
fn messages(text: &str) -> String {
    match Mapping::parse_all("contacts.yaml", text) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => told(&errors),
    }
}

/// Every message for a file whose other parts are right.
fn field(line: &str) -> String {
    messages(&format!("object: contacts\ntable: contacts\nfields:\n  word: {line}\n"))
}

#[test]
fn files_that_are_no_mapping() {
    let files = [
        "",
        "# nothing but this\n",
        "\u{feff}",
        "just text",
        "- a\n- b\n",
        "a: [1\n",
        "object: contacts\n\tfields: {}\n",
        "object: a\n---\nobject: b\n",
        "object: *nobody\nfields: {}\n",
        "object: \"contacts\nfields: {}\n",
        "fields: {}\n",
        "object: contacts\n",
        "{}",
    ];
    let rows: Vec<String> = files.iter().map(|text| messages(text)).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    contacts.yaml: the file is empty; a mapping begins with `object:`.
    contacts.yaml: the file is empty; a mapping begins with `object:`.
    contacts.yaml: the file is empty; a mapping begins with `object:`.
    contacts.yaml:1: a mapping must be a map of keys and values, not a single value.
    contacts.yaml:1: a mapping must be a map of keys and values, not a list.
    contacts.yaml:1: not YAML: unclosed bracket '['.
    contacts.yaml:1: not YAML: while scanning a plain scalar, found a tab.
    contacts.yaml:3: not YAML: only single YAML document expected but multiple found.
    contacts.yaml:1: not YAML: reference to unknown value.
    contacts.yaml:2: not YAML: invalid indentation in multiline quoted scalar.
    contacts.yaml:1: `object` is missing. Name the object type, like `object: contacts`.
    contacts.yaml:1: `fields` is missing. Name the properties that become columns.
    contacts.yaml:1: `object` is missing. Name the object type, like `object: contacts`.
    contacts.yaml:1: `fields` is missing. Name the properties that become columns.
    "#);
}

#[test]
fn keys_that_nobody_knows() {
    insta::assert_snapshot!(messages(
        "object: contacts\ntabel: contacts\nfields:\n  email: { colum: email, tpye: text }\n  word: { column: w, transform: { scael: 1, trims: true } }\nassociation: {}\nwhatever: 1\nassociations:\n  deals: { dir: pull }\n"
    ), @r#"
    contacts.yaml:2: unknown key `tabel`. Did you mean `table`?
    contacts.yaml:4: field `email`: `column` is missing. Write `column: email`.
    contacts.yaml:4: field `email`: unknown key `colum`. Did you mean `column`?
    contacts.yaml:4: field `email`: unknown key `tpye`. Did you mean `type`?
    contacts.yaml:5: field `word`: unknown key `scael`. Did you mean `scale`?
    contacts.yaml:5: field `word`: unknown key `trims`. Did you mean `trim`?
    contacts.yaml:6: unknown key `association`. Did you mean `associations`?
    contacts.yaml:7: unknown key `whatever`. Known here: object, table, key, unique, conflict, deletes, fields, unmapped, associations.
    contacts.yaml:9: unknown key `dir`. Known here: direction.
    "#);
}

#[test]
fn values_that_are_not_on_the_list() {
    insta::assert_snapshot!(messages(
        "object: contacts\ntable: contacts\nconflict: remote\ndeletes: yes\nunmapped: jsonn\nfields:\n  a: { column: a, type: int, direction: up, conflict: remote_win }\nassociations:\n  deals: { direction: push }\n  tickets: pull\n  a b: {}\n"
    ), @r#"
    contacts.yaml:3: `conflict` must be `remote_wins`, `local_wins`, `newest` or `hold`, not `remote`.
    contacts.yaml:4: `deletes` must be `ignore` or `archive`, not `yes`.
    contacts.yaml:5: `unmapped` must be `json` or `ignore`, not `jsonn`. Did you mean `json`?
    contacts.yaml:7: field `a`: `type` must be `text`, `integer`, `decimal`, `boolean`, `date`, `datetime` or `json`, not `int`.
    contacts.yaml:7: field `a`: `direction` must be `both`, `pull` or `push`, not `up`.
    contacts.yaml:7: field `a`: `conflict` must be `remote_wins`, `local_wins`, `newest` or `hold`, not `remote_win`. Did you mean `remote_wins`?
    contacts.yaml:9: `direction` must be `both` or `pull`, not `push`.
    contacts.yaml:10: the association `tickets` must be a map of keys and values, not a single value.
    contacts.yaml:11: `a b` is not the name or id of an object type.
    "#);
}

#[test]
fn shapes_that_are_wrong() {
    insta::assert_snapshot!(messages(
        "object: [contacts]\ntable: { a: b }\nkey:\nconflict:\nfields:\n  - email\n  - phone\nassociations: [deals]\n"
    ), @r#"
    contacts.yaml:1: `object` must be a single value, not a list.
    contacts.yaml:2: `table` must be a single value, not a map.
    contacts.yaml:3: `key` needs a value.
    contacts.yaml:4: `conflict` needs a value.
    contacts.yaml:6: `fields` must be a map of keys and values, not a list.
    contacts.yaml:8: `associations` must be a map of keys and values, not a list.
    "#);
    let rows: Vec<String> = [
        "",
        "[a]",
        "{}",
        "{ direction: pull }",
        "{ column: }",
        "{ column: [x] }",
        "{ column: c, transform: trim }",
        "{ column: c, transform: [trim] }",
        "{ column: c, transform: upper }",
        "\"\"",
    ]
    .iter()
    .map(|line| field(line))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    contacts.yaml:4: field `word`: needs a column: write its name after the colon.
    contacts.yaml:4: field `word`: must be a column's name or a map, not a list.
    contacts.yaml:4: field `word`: `column` is missing. Write `column: word`.
    contacts.yaml:4: field `word`: `column` is missing. Write `column: word`.
    contacts.yaml:4: field `word`: `column` needs a value.
    contacts.yaml:4: field `word`: `column` must be a single value, not a list.
    contacts.yaml:4: field `word`: `transform` must be a map of keys and values, not a single value. Write `transform: { trim: true }`.
    contacts.yaml:4: field `word`: `transform` must be a map of keys and values, not a list.
    contacts.yaml:4: field `word`: `transform` must be a map of keys and values, not a single value.
    contacts.yaml:4: field `word`: `column` needs a value.
    "#);
}

#[test]
fn names_that_are_taken_or_impossible() {
    insta::assert_snapshot!(messages(
        "object: contacts\ntable: sync_contacts\nfields:\n  a: id\n  b: _x\n  c: STATE\n  d: 1st\n  e: \"a b\"\n  f: \"x\\\"; drop table y; --\"\n  g: ok\n  h: OK\n  i: oid\n"
    ), @r#"
    contacts.yaml:2: table `sync_contacts` is reserved: names that begin with `sync_` belong to the mirror.
    contacts.yaml:4: field `a`: column `id` is reserved: every table has it already.
    contacts.yaml:5: field `b`: column `_x` is reserved: names that begin with `_` belong to the mirror.
    contacts.yaml:6: field `c`: column `STATE` is reserved: every table has it already.
    contacts.yaml:7: field `d`: column `1st` is not a name: letters, digits and `_`, not beginning with a digit.
    contacts.yaml:8: field `e`: column `a b` is not a name: letters, digits and `_`, not beginning with a digit.
    contacts.yaml:9: field `f`: column `x"; drop table y; --` is not a name: letters, digits and `_`, not beginning with a digit.
    contacts.yaml:11: field `h`: column `OK` already belongs to `g` on line 10.
    contacts.yaml:12: field `i`: column `oid` is reserved: every table has it already.
    "#);
    let rows: Vec<String> = ["owners", "Lists", "x_raw", "x_active", "_x", "sqlite_master", "a.b", "associations"]
        .iter()
        .map(|table| messages(&format!("object: contacts\ntable: {table}\nfields: {{}}\n")))
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    contacts.yaml:2: table `owners` is reserved: every mirror has it already.
    contacts.yaml:2: table `Lists` is reserved: every mirror has it already.
    contacts.yaml:2: table `x_raw` is reserved: names that end with `_raw` are views of the mirror.
    contacts.yaml:2: table `x_active` is reserved: names that end with `_active` are views of the mirror.
    contacts.yaml:2: table `_x` is reserved: names that begin with `_` belong to the mirror.
    contacts.yaml:2: table `sqlite_master` is reserved: names that begin with `sqlite_` belong to the mirror.
    contacts.yaml:2: table `a.b` is not a name: letters, digits and `_`, not beginning with a digit.
    contacts.yaml:2: table `associations` is reserved: every mirror has it already.
    "#);
    let long = "x".repeat(101);
    insta::assert_snapshot!(messages(&format!("object: lists\nfields:\n  a: {long}\n")), @r#"
    contacts.yaml:1: `table` is missing, and `lists` cannot be a table's name.
    contacts.yaml:3: field `a`: column `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is longer than 100 characters.
    "#);
}

#[test]
fn things_that_are_given_twice() {
    insta::assert_snapshot!(messages(
        "object: contacts\nobject: deals\ntable: contacts\nfields:\n  email: email\n  phone: email\n  email: mail\n  a: { column: b, column: c }\nassociations:\n  deals: {}\n  deals: {}\n"
    ), @r#"
    contacts.yaml:2: `object` was already given on line 1.
    contacts.yaml:6: field `phone`: column `email` already belongs to `email` on line 5.
    contacts.yaml:7: `email` was already given on line 5.
    contacts.yaml:8: field `a`: `column` was already given on line 8.
    contacts.yaml:11: `deals` was already given on line 10.
    "#);
}

#[test]
fn keys_without_a_column() {
    let file = |key: &str| {
        messages(&format!("object: contacts\ntable: contacts\nkey: {key}\nfields:\n  firstname: first_name\n"))
    };
    insta::assert_snapshot!([file("email"), file("first_name"), file("firstnam")].join("\n"), @r#"
    contacts.yaml:3: the key `email` is not among the fields. Add it to `fields`.
    contacts.yaml:3: the key `first_name` is not among the fields. Did you mean `firstname`?
    contacts.yaml:3: the key `firstnam` is not among the fields. Did you mean `firstname`?
    "#);
}

#[test]
fn transforms_that_are_wrong_by_themselves() {
    let rows: Vec<String> = [
        "scale: 100, split: \";\"",
        "values: { a: b }, epoch_ms: true, constant_prefix: x",
        "scale: 60",
        "scale: 0",
        "scale: -1",
        "scale: many",
        "scale: 1e30",
        "scale: 12207031250000",
        "values: { a: X, b: X }",
        "values: {}",
        "values: [a]",
        "values: { a: }",
        "values: { a: [1] }",
        "values: { a: 1, a: 2 }",
        "split: ",
        "split: \"\"",
        "epoch_ms: false",
        "epoch_ms: 1",
        "trim: no",
        "lowercase: 1",
    ]
    .iter()
    .map(|transform| format!("{transform} -> {}", field(&format!("{{ column: c, transform: {{ {transform} }} }}"))))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    scale: 100, split: ";" -> contacts.yaml:4: field `word`: a transform has one exact pair, and this one has both `scale` and `split`.
    values: { a: b }, epoch_ms: true, constant_prefix: x -> contacts.yaml:4: field `word`: a transform has one exact pair, and this one has both `values` and `epoch_ms`.
    contacts.yaml:4: field `word`: a transform has one exact pair, and this one has both `values` and `constant_prefix`.
    scale: 60 -> contacts.yaml:4: field `word`: the scale `60` could not be undone exactly: dividing by it does not end. Use a factor like 10, 100, 0.001 or 2.5.
    scale: 0 -> contacts.yaml:4: field `word`: the scale `0` is not greater than zero. Use a factor like 10, 100, 0.001 or 2.5.
    scale: -1 -> contacts.yaml:4: field `word`: the scale `-1` is not greater than zero. Use a factor like 10, 100, 0.001 or 2.5.
    scale: many -> contacts.yaml:4: field `word`: the scale `many` is not a number. Use a factor like 10, 100, 0.001 or 2.5.
    scale: 1e30 -> contacts.yaml:4: field `word`: the scale `1e30` is too large or too small. Use a factor like 10, 100, 0.001 or 2.5.
    scale: 12207031250000 -> contacts.yaml:4: field `word`: the scale `12207031250000` is too large or too small. Use a factor like 10, 100, 0.001 or 2.5.
    values: { a: X, b: X } -> contacts.yaml:4: field `word`: `a` and `b` both become `X`, so it could not be sent back.
    values: {} -> contacts.yaml:4: field `word`: `values` is empty.
    values: [a] -> contacts.yaml:4: field `word`: `values` must be a map of keys and values, not a list.
    values: { a: } -> contacts.yaml:4: field `word`: the entry `a` of `values` needs a value.
    values: { a: [1] } -> contacts.yaml:4: field `word`: the entry `a` of `values` must be a single value, not a list.
    values: { a: 1, a: 2 } -> contacts.yaml:4: field `word`: `a` was already given on line 4.
    split:  -> contacts.yaml:4: field `word`: `split` needs a value.
    split: "" -> contacts.yaml:4: field `word`: `split` needs a value.
    epoch_ms: false -> contacts.yaml:4: field `word`: `epoch_ms` must be `true`, not `false`. Leave the line out to switch it off.
    epoch_ms: 1 -> contacts.yaml:4: field `word`: `epoch_ms` must be `true`, not `1`. Leave the line out to switch it off.
    trim: no -> contacts.yaml:4: field `word`: `trim` must be `true`, not `no`. Leave the line out to switch it off.
    lowercase: 1 -> contacts.yaml:4: field `word`: `lowercase` must be `true`, not `1`. Leave the line out to switch it off.
    "#);
}

#[test]
fn more_columns_than_a_table_holds() {
    let fields = |n: usize| (0..n).map(|i| format!("  p{i}: c{i}\n")).collect::<String>();
    assert_eq!(messages(&format!("object: a\nfields:\n{}", fields(1_900))), "accepted");
    insta::assert_snapshot!(messages(&format!("object: a\nfields:\n{}", fields(1_901))), @"contacts.yaml:1903: 1901 columns are mapped, and a table holds at most 1900.");
}

#[test]
fn s21_files_that_are_attacks_are_refused() {
    let large = format!("object: a\nfields: {{}}\n# {}\n", "x".repeat(1024 * 1024));
    let deep = format!("object: {}", "[".repeat(1_000));
    let mut bomb = String::from("a: &a0 { x: x, y: y }\n");
    for i in 1..12 {
        let items: Vec<String> = (0..10).map(|k| format!("k{k}: *a{}", i - 1)).collect();
        bomb.push_str(&format!("b{i}: &a{i} {{ {} }}\n", items.join(", ")));
    }
    insta::assert_snapshot!([messages(&large), messages(&deep), messages(&bomb)].join("\n"), @r#"
    contacts.yaml: the file is larger than 1024 KiB.
    contacts.yaml:1: not YAML: recursion limit exceeded.
    contacts.yaml:5: not YAML: YAML document too large or too complex: total_replayed_events=50001 > 50000.
    "#);
}

#[test]
fn the_first_mistake_is_the_first_in_the_file() {
    let error = Mapping::parse("contacts.yaml", "object: contacts\nfields:\n  a: id\n  b: oid\nzzz: 1\n").unwrap_err();
    assert_eq!((error.line, error.column, error.field.as_deref()), (Some(3), Some(6), Some("a")));
}

#[test]
fn a_file_with_anchors_merges_and_quotes_is_read() {
    let mapping = Mapping::parse("x.yaml", "object: 'contacts'\nfields:\n  a: &ro { column: a, direction: pull }\n  b: { <<: *ro, column: b }\n  \"on\": \"off\"\n  1: one\n").unwrap();
    let fields: Vec<String> =
        mapping.fields.iter().map(|f| format!("{} {} {} {}", f.property, f.column, f.direction, f.line)).collect();
    insta::assert_snapshot!(fields.join("\n"), @r#"
    a a pull 3
    b b pull 4
    on off both 5
    1 one both 6
    "#);
    assert_eq!(mapping.table, "contacts");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Mapping::parse_all("x.yaml", &text);
    }

    #[test]
    fn no_damage_to_a_real_file_makes_the_parser_panic(at in 0_usize..900, len in 0_usize..40, with in "[ \\n:{}\\[\\]&*#a-z\"'-]{0,12}") {
        let file = Mapping::built_in_yaml("contacts").unwrap();
        let (start, end) = (at.min(file.len()), (at + len).min(file.len()));
        let text = format!("{}{with}{}", &file[..start], &file[end..]);
        if let Err(errors) = Mapping::parse_all("x.yaml", &text) {
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.iter().all(|error| !error.to_string().contains('\n')));
        }
    }
}
