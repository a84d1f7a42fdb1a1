//! Text, booleans, options and JSON; no value, empty text and null are one (P41, P42, P43).

use mappings::Cell;
use proptest::prelude::*;

use crate::fixtures::field;

const EVERY_FIELD: [&str; 17] = [
    "word: c",
    "number: c",
    "flag: c",
    "choice: c",
    "choices: c",
    "day: c",
    "moment: c",
    "phone: c",
    "blob: c",
    "strange: c",
    "word: { column: c, type: integer }",
    "word: { column: c, type: json }",
    "number: { column: c, transform: { scale: 100 } }",
    "choice: { column: c, transform: { values: { emea: Europe } } }",
    "choices: { column: c, transform: { split: \";\" } }",
    "word: { column: c, transform: { constant_prefix: X-, trim: true } }",
    "moment: { column: c, transform: { epoch_ms: true } }",
];

#[test]
fn p42_absent_empty_and_null_are_one_value_and_clear() {
    for line in EVERY_FIELD {
        let field = field(line);
        for wire in [None, Some("")] {
            let projection = field.project(wire);
            assert!(projection.cell.is_null() && !projection.outside, "{line}");
        }
        assert!(field.same_wire(None, Some("")) && field.same_wire(None, None), "{line}");
        assert_eq!(field.to_wire(&Cell::Null), Ok(None), "{line}");
        assert_eq!(field.to_wire(&Cell::text("")), Ok(None), "{line}");
        assert!(field.same_cell(&Cell::Null, &Cell::text("")), "{line}");
        assert!(!field.same_wire(None, Some("x")), "{line}");
    }
}

#[test]
fn p41_text_is_the_same_bytes_or_another_text() {
    let word = field("word: w");
    for text in ["a\0b", "e\u{301}", "\u{202e}x", "😀", " a ", "\u{feff}", &"x".repeat(65_536)] {
        assert_eq!(word.project(Some(text)).cell, Cell::text(text));
        assert_eq!(word.to_wire(&Cell::text(text)).unwrap().as_deref(), Some(text));
    }
    assert!(!word.same_wire(Some("é"), Some("e\u{301}")));
    assert!(!word.same_wire(Some("a"), Some("a ")));
    assert!(!word.same_wire(Some("A"), Some("a")));
}

#[test]
fn booleans_are_words_there_and_bits_here() {
    let flag = field("flag: f");
    assert_eq!(flag.project(Some("true")).cell, Cell::Integer(1));
    assert_eq!(flag.project(Some("False")).cell, Cell::Integer(0));
    assert!(flag.project(Some("yes")).outside && flag.project(Some("1")).outside);
    for (cell, sent) in [
        (Cell::Integer(1), "true"),
        (Cell::Integer(0), "false"),
        (Cell::Real(1.0), "true"),
        (Cell::text("TRUE"), "true"),
        (Cell::text("0"), "false"),
    ] {
        assert_eq!(flag.to_wire(&cell).unwrap().as_deref(), Some(sent), "{cell:?}");
    }
    insta::assert_snapshot!(flag.to_wire(&Cell::Integer(2)).unwrap_err(), @"column `f`: `2` is not 1, 0 or NULL");
    assert!(flag.same_wire(Some("TRUE"), Some("true")) && !flag.same_wire(Some("false"), None));
}

#[test]
fn p43_several_options_are_a_set() {
    let raw = field("choices: c");
    assert_eq!(raw.project(Some("B;A")).cell, Cell::text("B;A"));
    assert!(raw.same_wire(Some("B;A"), Some("A;B")) && raw.same_wire(Some(";A;;B"), Some("A;B;A")));
    assert!(!raw.same_wire(Some("A"), Some("A;B")));
    assert!(raw.same_cell(&Cell::text("B;A"), &Cell::text("A;B")));
    // One option at a time is not a set, and its text may hold a semicolon.
    assert!(!field("choice: c").same_wire(Some("A;B"), Some("B;A")));
}

#[test]
fn p43_a_leading_separator_is_never_sent() {
    assert_eq!(field("choices: c").to_wire(&Cell::text(";A;B;")).unwrap().as_deref(), Some("A;B"));
    assert_eq!(field("choices: c").to_wire(&Cell::text(";")).unwrap(), None);
}

#[test]
fn p43_an_option_that_the_schema_does_not_list_is_shown_as_it_is() {
    assert_eq!(field("choice: c").project(Some("no longer listed")).cell, Cell::text("no longer listed"));
}

#[test]
fn p43_options_can_be_checked_before_they_are_sent() {
    let (one, several) = (field("choice: c"), field("choices: c"));
    assert!(one.is_listed("emea") && !one.is_listed("apac") && !one.is_listed("emea;na") && one.is_listed(""));
    assert!(several.is_listed("B;A") && !several.is_listed("A;C") && several.is_listed(""));
    // No options in the schema: they live elsewhere.
    assert!(field("hubspot_owner_id: c").is_listed("12345") && field("word: c").is_listed("anything"));
}

#[test]
fn json_is_compared_by_structure_and_numbers_in_it_as_decimals() {
    let blob = field("blob: b");
    for (a, b) in [("{\"a\":1,\"b\":[2]}", " { \"b\" : [2.0], \"a\" : 1e0 } "), ("\"\\u00e9\"", "\"é\""), ("[]", "[ ]")]
    {
        assert!(blob.same_wire(Some(a), Some(b)), "{a} {b}");
    }
    let long = ("123456789012345678901", "123456789012345678902");
    for (a, b) in [long, ("[1,2]", "[2,1]"), ("{\"a\":null}", "{}"), ("\"1\"", "1"), ("true", "false"), ("{", "[")] {
        assert!(!blob.same_wire(Some(a), Some(b)), "{a} {b}");
    }
    assert!(blob.project(Some("not json")).outside);
    assert!(blob.project(Some(&"[".repeat(100_000))).outside);
    insta::assert_snapshot!(blob.to_wire(&Cell::text("{a:1}")).unwrap_err(), @"column `b`: `{a:1}` is not JSON");
}

#[test]
fn p44_a_type_that_nobody_knows_is_text_that_is_never_written() {
    let strange = field("strange: s");
    assert!(!strange.is_pushed());
    assert_eq!(strange.project(Some("…")).cell, Cell::text("…"));
}

#[test]
fn a_text_column_may_show_any_type_and_sends_only_what_fits_it() {
    let rows: Vec<String> = [
        ("number", "1e3"),
        ("number", "many"),
        ("flag", "TRUE"),
        ("flag", "1"),
        ("day", "1709164800000"),
        ("day", "soon"),
        ("moment", "2024-02-29"),
        ("blob", "{}"),
        ("blob", "{"),
    ]
    .iter()
    .map(|(name, local)| match field(&format!("{name}: {{ column: c, type: text }}")).to_wire(&Cell::text(local)) {
        Ok(sent) => format!("{name} {local} = {}", sent.unwrap()),
        Err(error) => format!("{name} {local} ! {error}"),
    })
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    number 1e3 = 1000
    number many ! column `c`: `many` is not a decimal number
    flag TRUE = true
    flag 1 ! column `c`: `1` is not `true` or `false`
    day 1709164800000 = 2024-02-29
    day soon ! column `c`: `soon` is not a date like 2025-01-31
    moment 2024-02-29 = 2024-02-29T00:00:00.000Z
    blob {} = {}
    blob { ! column `c`: `{` is not JSON
    "#);
}

#[test]
fn s19_values_in_messages_are_short_and_cannot_steer_a_terminal() {
    let message = field("number: n")
        .to_wire(&Cell::text(&format!("\u{1b}]52;\u{202e}{}", "x".repeat(99))))
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(message, @r#"column `n`: `\u{1b}]52;\u{202e}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is not a decimal number"#);
}

proptest! {
    #[test]
    fn p4_a_value_that_nobody_edited_is_never_an_edit(line in proptest::sample::select(&EVERY_FIELD[..]), wire in any_wire()) {
        let field = field(line);
        let shown = field.project(Some(&wire)).cell;
        let again = field.project(Some(&wire)).cell;
        prop_assert!(field.same_cell(&shown, &again));
        prop_assert!(field.same_wire(Some(&wire), Some(&wire)));
    }

    #[test]
    fn p4_what_is_shown_can_be_sent_and_shows_the_same_again(line in proptest::sample::select(&EVERY_FIELD[..]), wire in any_wire()) {
        let field = field(line);
        let first = field.project(Some(&wire));
        let sent = field.to_wire(&first.cell);
        prop_assert!(sent.is_ok(), "{}: {:?} of {:?}", line, sent, wire);
        let sent = sent.unwrap();
        let second = field.project(sent.as_deref());
        prop_assert!(!second.outside && field.same_cell(&first.cell, &second.cell), "{}: {:?} {:?} {:?}", line, wire, first, second);
        if !first.outside {
            prop_assert!(field.same_wire(Some(&wire), sent.as_deref()), "{}: {:?} would be sent as {:?}", line, wire, sent);
        }
    }

    #[test]
    fn nothing_that_a_person_can_store_makes_a_conversion_panic(line in proptest::sample::select(&EVERY_FIELD[..]), a in any_cell(), b in any_cell()) {
        let field = field(line);
        let _ = field.to_wire(&a);
        prop_assert_eq!(field.same_cell(&a, &b), field.same_cell(&b, &a));
        prop_assert!(field.same_cell(&a, &a.clone()));
    }
}

/// What remotes send, and what they should not.
fn any_wire() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[0-9]{1,25}\\.[0-9]{1,9}",
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9]",
        "[0-9]{4}-0[1-9]-1[0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z",
        "(;?[A-C ]{0,2}){0,4}",
        Just("true".to_owned()),
        Just("FALSE".to_owned()),
        Just("emea".to_owned()),
        "X-[a-z ]{0,3}",
        "\\{\"a\": ?[0-9]{1,3}\\}",
    ]
}

fn any_cell() -> impl Strategy<Value = Cell<'static>> {
    prop_oneof![
        Just(Cell::Null),
        any::<i64>().prop_map(Cell::Integer),
        proptest::num::f64::POSITIVE.prop_map(Cell::Real),
        Just(Cell::Real(f64::INFINITY)),
        any_wire().prop_map(|text| Cell::Text(text.into())),
    ]
}

#[test]
fn p4_blanks_around_a_value_are_read_compared_and_sent_alike() {
    for (line, wire, sent) in [
        ("number: a", " 24.00 ", "24"),
        ("number: { column: a, type: text }", " 24.00 ", "24.00"),
        ("moment: { column: a, type: text }", " 1 ", "1970-01-01T00:00:00.001Z"),
        ("flag: { column: a, type: text }", " TRUE ", "true"),
        ("day: a", " 2025-01-31\n", "2025-01-31"),
        ("blob: { column: a, type: text }", "7\u{a0} ", "7"),
    ] {
        let field = field(line);
        let shown = field.project(Some(wire));
        assert!(!shown.outside, "{line}");
        assert_eq!(field.to_wire(&shown.cell).unwrap().as_deref(), Some(sent), "{line}");
        assert!(field.same_wire(Some(wire), Some(sent)), "{line}");
    }
}
