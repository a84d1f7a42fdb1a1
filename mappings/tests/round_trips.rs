//! The proof of a mapping: local to remote to local is the identity, for every field that travels both ways.

use mappings::proof::prove;

use crate::fixtures::resolve;

#[test]
fn every_two_way_field_of_every_type_and_transform_is_proved() {
    let mapping = resolve(
        "word: a
        email: { column: b, transform: { trim: true, lowercase: true } }
        number: c
        flag: d
        choice: { column: e, transform: { values: { emea: Europe, na: America } } }
        choices: { column: f, transform: { split: \";\" } }
        day: g
        moment: h
        phone: { column: i, transform: { constant_prefix: \"+\" } }
        blob: j
        firstname: { column: k, type: json }
        hubspot_owner_id: { column: l, type: integer }
        strange: m
        computed: n
        fixed: { column: o, direction: pull }",
    )
    .unwrap();
    let proofs = prove(&mapping);
    let rows: Vec<String> =
        proofs.iter().map(|proof| format!("{} {}: {}", proof.field, proof.holds, proof.reason)).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    word true: 234 values went to the remote and back
    email true: 234 values went to the remote and back
    number true: 216 values went to the remote and back
    flag true: 3 values went to the remote and back
    choice true: 3 values went to the remote and back
    choices true: 101 values went to the remote and back
    day true: 209 values went to the remote and back
    moment true: 202 values went to the remote and back
    phone true: 234 values went to the remote and back
    blob true: 14 values went to the remote and back
    firstname true: 14 values went to the remote and back
    hubspot_owner_id true: 213 values went to the remote and back
    "#);
    assert_eq!(prove(&mapping), proofs, "a proof is the same every time");
}

#[test]
fn stated_types_and_other_transforms_are_proved_too() {
    for fields in [
        "number: { column: a, type: integer }",
        "number: { column: a, type: text }",
        "number: { column: a, transform: { scale: 100 } }",
        "number: { column: a, type: integer, transform: { scale: 0.001 } }",
        "number: { column: a, transform: { scale: 2.5 } }",
        "number: { column: a, transform: { epoch_ms: true } }",
        "number: { column: a, type: boolean, transform: { values: { 0: false, 1: true } } }",
        "moment: { column: a, transform: { epoch_ms: true } }",
        "day: { column: a, transform: { epoch_ms: true } }",
        "moment: { column: a, type: text }",
        "day: { column: a, type: text }",
        "flag: { column: a, type: text }",
        "blob: { column: a, type: text }",
        "choices: a",
        "word: { column: a, type: decimal }",
        "word: { column: a, type: boolean }",
        "word: { column: a, type: date }",
        "word: { column: a, type: datetime }",
        "word: { column: a, transform: { split: \", \", trim: true } }",
        "word: { column: a, transform: { constant_prefix: \"ab \", trim: true, lowercase: true } }",
        "word: { column: a, transform: { values: { a: A, b: B }, lowercase: true } }",
    ] {
        for proof in prove(&resolve(fields).unwrap()) {
            assert!(proof.holds && proof.counterexample.is_none(), "{fields}: {}", proof.reason);
        }
    }
}
