//! Exact pairs and normalisers: what each shows, what each sends, where its domain ends.

use mappings::{Cell, Field};
use proptest::prelude::*;

use crate::fixtures::{field, resolve, told};

fn shows(field: &Field, wires: &[&str]) -> String {
    let rows = wires.iter().map(|wire| {
        let projection = field.project(Some(wire));
        match (projection.outside, &projection.cell) {
            (true, _) => format!("{wire} outside"),
            (false, Cell::Text(text)) => format!("{wire} = {text}"),
            (false, cell) => format!("{wire} = {cell:?}"),
        }
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn sends(field: &Field, cells: &[Cell<'_>]) -> String {
    let rows = cells.iter().map(|cell| match field.to_wire(cell) {
        Ok(sent) => format!("{cell:?} = {}", sent.as_deref().unwrap_or("a clear")),
        Err(error) => format!("{cell:?} ! {error}"),
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn values_rename_options_and_an_unlisted_one_is_outside() {
    let region = field("choice: { column: region, transform: { values: { emea: \"EMEA\", na: \"North America\" } } }");
    insta::assert_snapshot!(shows(&region, &["emea", "na", "EMEA", "apac"]), @r#"
    emea = EMEA
    na = North America
    EMEA outside
    apac outside
    "#);
    insta::assert_snapshot!(sends(&region, &[Cell::text("EMEA"), Cell::text("North America"), Cell::text("emea"), Cell::Null]), @r#"
    Text("EMEA") = emea
    Text("North America") = na
    Text("emea") ! column `region`: `emea` is not one of `EMEA`, `North America`
    Null = a clear
    "#);
}

#[test]
fn values_may_be_numbers_and_booleans_in_the_mirror() {
    let rank = field("word: { column: rank, type: integer, transform: { values: { low: 1, high: 3 } } }");
    insta::assert_snapshot!(shows(&rank, &["low", "high", "none"]), @r#"
    low = Integer(1)
    high = Integer(3)
    none outside
    "#);
    insta::assert_snapshot!(sends(&rank, &[Cell::Integer(1), Cell::Real(3.0), Cell::text("1"), Cell::Integer(2)]), @r#"
    Integer(1) = low
    Real(3.0) = high
    Text("1") = low
    Integer(2) ! column `rank`: `2` is not one of `1`, `3`
    "#);
    let flag = field("number: { column: f, type: boolean, transform: { values: { 1: true, 0: false } } }");
    insta::assert_snapshot!(shows(&flag, &["1", "0", "1.0", "2"]), @r#"
    1 = Integer(1)
    0 = Integer(0)
    1.0 = Integer(1)
    2 outside
    "#);
    insta::assert_snapshot!(sends(&flag, &[Cell::Integer(1), Cell::Integer(0), Cell::text("true")]), @r#"
    Integer(1) = 1
    Integer(0) = 0
    Text("true") = 1
    "#);
}

#[test]
fn split_shows_a_json_array_whose_order_does_not_count() {
    let tags = field("choices: { column: tags, transform: { split: \";\" } }");
    insta::assert_snapshot!(shows(&tags, &["A;B", ";A;;B", "A", ";", "a\"b;c"]), @r#"
    A;B = ["A","B"]
    ;A;;B = ["A","B"]
    A = ["A"]
    ; = Null
    a"b;c = ["a\"b","c"]
    "#);
    insta::assert_snapshot!(sends(&tags, &[
        Cell::text("[\"B\",\"A\"]"), Cell::text(" [ \"A\" ] "), Cell::text("[]"), Cell::text("[\"\"]"), Cell::text("[\"A;B\"]"),
        Cell::text("[1]"), Cell::text("A;B"), Cell::Integer(1),
    ]), @r#"
    Text("[\"B\",\"A\"]") = B;A
    Text(" [ \"A\" ] ") = A
    Text("[]") = a clear
    Text("[\"\"]") ! column `tags`: `[""]` is not a JSON array without empty items
    Text("[\"A;B\"]") ! column `tags`: `["A;B"]` is not a JSON array whose items are free of `;`
    Text("[1]") ! column `tags`: `[1]` is not a JSON array of texts
    Text("A;B") ! column `tags`: `A;B` is not a JSON array of texts
    Integer(1) ! column `tags`: `1` is not a JSON array of texts
    "#);
    assert!(tags.same_cell(&Cell::text("[\"B\",\"A\"]"), &Cell::text("[\"A\",\"B\",\"A\"]")));
    assert!(tags.same_cell(&Cell::text("[]"), &Cell::Null));
    assert!(!tags.same_cell(&Cell::text("[\"A\"]"), &Cell::text("[\"A\",\"B\"]")));
    let odd = field("word: { column: tags, transform: { split: \"||\" } }");
    insta::assert_snapshot!(sends(&odd, &[Cell::text("[\"a\",\"b\"]"), Cell::text("[\"a|\",\"b\"]"), Cell::text("[\"a\",\"|b\"]")]), @r#"
    Text("[\"a\",\"b\"]") = a||b
    Text("[\"a|\",\"b\"]") ! column `tags`: `["a|","b"]` is not a JSON array whose items can be joined by `||`
    Text("[\"a\",\"|b\"]") = a|||b
    "#);
}

#[test]
fn a_constant_prefix_stays_with_the_remote() {
    let handle = field("word: { column: handle, transform: { constant_prefix: \"https://example.com/\" } }");
    insta::assert_snapshot!(shows(&handle, &["https://example.com/ada", "https://example.com/", "ada"]), @r#"
    https://example.com/ada = ada
    https://example.com/ outside
    ada outside
    "#);
    insta::assert_snapshot!(sends(&handle, &[Cell::text("ada"), Cell::text("https://example.com/ada"), Cell::Integer(7)]), @r#"
    Text("ada") = https://example.com/ada
    Text("https://example.com/ada") = https://example.com/https://example.com/ada
    Integer(7) = https://example.com/7
    "#);
}

#[test]
fn normalisers_hide_differences_that_do_not_count() {
    let email = field("email: { column: email, transform: { trim: true, lowercase: true } }");
    insta::assert_snapshot!(shows(&email, &[" Ada@Example.COM ", "ada@example.com", "  "]), @r#"
     Ada@Example.COM  = ada@example.com
    ada@example.com = ada@example.com
       = Null
    "#);
    assert!(email.same_wire(Some("ADA@example.com"), Some("ada@example.com ")));
    assert!(email.same_cell(&Cell::text("ADA@example.com"), &Cell::text("ada@example.com")));
    assert_eq!(email.to_wire(&Cell::text(" ADA ")).unwrap().as_deref(), Some("ada"));
    assert_eq!(email.to_wire(&Cell::text("   ")).unwrap(), None);
}

#[test]
fn a_normaliser_beside_a_pair_works_on_the_remotes_words() {
    let region =
        field("word: { column: region, transform: { values: { emea: \"EMEA\" }, trim: true, lowercase: true } }");
    assert_eq!(region.project(Some(" Emea ")).cell, Cell::text("EMEA"));
    assert_eq!(region.to_wire(&Cell::text("emea")).unwrap().as_deref(), Some("emea"));
    let tags = field("word: { column: tags, transform: { split: \",\", trim: true } }");
    assert_eq!(tags.project(Some("a, b ,c")).cell, Cell::text("[\"a\",\"b\",\"c\"]"));
    assert!(tags.same_wire(Some("a, b"), Some("b,a")));
}

#[test]
fn a_scaled_number_that_could_not_come_back_is_not_sent() {
    let field = field("number: { column: n, transform: { scale: 2.5 } }");
    assert!(field.to_wire(&Cell::text("1e399")).is_ok());
    assert!(field.to_wire(&Cell::text("1e400")).is_err());
}

#[test]
fn a_transform_that_does_not_fit_is_refused_with_the_reason() {
    let refused: Vec<String> = [
        "flag: { column: c, transform: { scale: 100 } }",
        "number: { column: c, type: text, transform: { scale: 100 } }",
        "choices: { column: c, transform: { split: \",\" } }",
        "choices: { column: c, type: text, transform: { split: \";\" } }",
        "number: { column: c, transform: { split: \";\" } }",
        "flag: { column: c, transform: { epoch_ms: true } }",
        "moment: { column: c, type: text, transform: { epoch_ms: true } }",
        "number: { column: c, transform: { constant_prefix: X } }",
        "word: { column: c, type: integer, transform: { constant_prefix: X } }",
        "word: { column: c, transform: { constant_prefix: X, lowercase: true } }",
        "word: { column: c, transform: { constant_prefix: \" x\", trim: true } }",
        "choices: { column: c, transform: { values: { A: B } } }",
        "moment: { column: c, transform: { values: { A: B } } }",
        "word: { column: c, type: date, transform: { values: { A: B } } }",
        "word: { column: c, type: integer, transform: { values: { A: B } } }",
        "word: { column: c, type: integer, transform: { values: { a: 1, b: 1.0 } } }",
        "number: { column: c, transform: { values: { 1: a, 1.0: b } } }",
        "word: { column: c, transform: { values: { Emea: E }, lowercase: true } }",
        "word: { column: c, transform: { values: { a: E, b: e }, lowercase: true } }",
        "number: { column: c, transform: { trim: true } }",
        "choices: { column: c, transform: { lowercase: true } }",
    ]
    .iter()
    .map(|line| match resolve(line) {
        Ok(_) => format!("{line} was accepted"),
        Err(errors) => told(&errors),
    })
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @r#"
    contacts.yaml:4: field `flag`: `scale` does not fit a property of type `bool`. It is for numbers.
    contacts.yaml:4: field `number`: `scale` does not fit a column of type `text`. The type may be `decimal` or `integer`.
    contacts.yaml:4: field `choices`: options are separated by `;`, not by `,`.
    contacts.yaml:4: field `choices`: `split` does not fit a column of type `text`. The type may be `json`.
    contacts.yaml:4: field `number`: `split` does not fit a property of type `number`. It is for texts and options.
    contacts.yaml:4: field `flag`: `epoch_ms` does not fit a property of type `bool`. It is for dates, datetimes, numbers and texts.
    contacts.yaml:4: field `moment`: `epoch_ms` does not fit a column of type `text`. The type may be `integer`.
    contacts.yaml:4: field `number`: `constant_prefix` does not fit a property of type `number`. It is for texts and single options.
    contacts.yaml:4: field `word`: `constant_prefix` does not fit a column of type `integer`. The type may be `text`.
    contacts.yaml:4: field `word`: the prefix `X` can never occur after the normalisers.
    contacts.yaml:4: field `word`: the prefix ` x` can never occur after the normalisers.
    contacts.yaml:4: field `choices`: `values` does not fit a property of type `enumeration`. It is for texts, numbers, booleans and single options.
    contacts.yaml:4: field `moment`: `values` does not fit a property of type `datetime`. It is for texts, numbers, booleans and single options.
    contacts.yaml:4: field `word`: `values` does not fit a column of type `date`. The type may be `text` or `integer` or `decimal` or `boolean`.
    contacts.yaml:4: field `word`: the value `B` does not fit a column of type `integer`.
    contacts.yaml:4: field `word`: `a` and `b` both become `1.0`, so it could not be sent back.
    contacts.yaml:4: field `number`: `1` and `1.0` are the same remote value.
    contacts.yaml:4: field `word`: `Emea` can never occur after the normalisers, which make it `emea`.
    contacts.yaml:4: field `word`: `a` and `b` both become `e`, so it could not be sent back.
    contacts.yaml:4: field `number`: `trim` is for text, and this property is compared as `number`.
    contacts.yaml:4: field `choices`: the normalisers would change the option `A`, and the portal has no such option as `a`.
    "#);
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(text in any::<String>(), trim in any::<bool>()) {
        let transform = if trim { "trim: true, lowercase: true" } else { "lowercase: true" };
        let word = field(&format!("word: {{ column: c, transform: {{ {transform} }} }}"));
        let once = word.to_wire(&Cell::text(&text)).unwrap();
        let twice = once.as_deref().map(|once| word.to_wire(&Cell::text(once)).unwrap());
        prop_assert_eq!(twice.unwrap_or(None), once);
    }

    #[test]
    fn any_list_of_texts_comes_back_as_the_same_list(items in proptest::collection::vec("[^;]{1,8}", 1..6)) {
        let tags = field("word: { column: c, transform: { split: \";\" } }");
        let local = Cell::Text(serde_json::to_string(&items).unwrap().into());
        let sent = tags.to_wire(&local).unwrap();
        prop_assert_eq!(tags.project(sent.as_deref()).cell, local);
    }

    #[test]
    fn any_text_behind_a_prefix_comes_back(prefix in "[^\"\\\\\\p{C}\\p{Z}]{1,5}", text in any::<String>()) {
        prop_assume!(!text.is_empty());
        let word = field(&format!("word: {{ column: c, transform: {{ constant_prefix: \"{prefix}\" }} }}"));
        let sent = word.to_wire(&Cell::text(&text)).unwrap();
        prop_assert_eq!(word.project(sent.as_deref()).cell, Cell::text(&text));
    }

    #[test]
    fn any_bijection_comes_back(words in proptest::collection::btree_map("[a-z]{1,6}", "[A-Za-z ]{1,6}", 1..8)) {
        let mut seen = std::collections::HashSet::new();
        prop_assume!(words.values().all(|word| seen.insert(word.clone())));
        let pairs: Vec<String> = words.iter().map(|(remote, local)| format!("\"{remote}\": \"{local}\"")).collect();
        let word = field(&format!("word: {{ column: c, transform: {{ values: {{ {} }} }} }}", pairs.join(", ")));
        for (remote, local) in &words {
            prop_assert_eq!(word.to_wire(&Cell::text(local)).unwrap(), Some(remote.clone()));
            prop_assert_eq!(word.project(Some(remote)).cell, Cell::text(local));
        }
    }
}
