//! `crmsync mapping check`, and what every command says about mapping files that do not go together.

use crate::sealed::Sealed;
use crate::served::{Served, exit};
use std::time::Duration;

const OF_CONTACTS: &str = "[portals.default]\nmappings = \".\"\nobjects = [\"contacts\"]\n";

/// A directory whose mapping of contacts has these fields.
fn contacts(home: Sealed, fields: &str) -> Sealed {
    let text = format!("object: contacts\ntable: contacts\nfields:\n{fields}");
    home.file("crmsync.toml", OF_CONTACTS).file("contacts.yaml", &text)
}

#[test]
fn two_files_for_one_object_exit_2_and_are_both_named() {
    let home = contacts(Sealed::new(), "  email: email\n")
        .file("people.yaml", "object: contacts\ntable: people\nfields:\n  email: email\n");
    insta::assert_snapshot!(home.run(&["mapping", "check"]), @r"
    exit 2
    --- stderr
    error: DIR/people.yaml:1: `contacts` is mapped by DIR/contacts.yaml already.
    ");
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!((code, told.contains("is mapped by")), (2, true), "before the credential is asked for: {told}");
}

#[test]
fn a_list_in_a_text_is_proved_before_the_first_pull() {
    let home = contacts(Sealed::new(), "  places: { column: places, transform: { split: \", \" } }\n");
    let told = home.run(&["mapping", "check"]);
    assert!(told.starts_with("exit 0\n") && told.contains("every value comes back"), "{told}");
}

#[test]
fn a_schema_is_blamed_only_if_a_run_has_read_one() {
    let blames = |home: &Sealed| {
        let (code, told) = exit(home, &["mapping", "check"]);
        assert_eq!((code, told.contains("`scale` does not fit a column of type `text`")), (2, true), "{told}");
        told.contains("this is by the schema that the last run read")
    };
    let wrong = "  revenue: { column: revenue, type: text, transform: { scale: 100 } }\n";
    assert!(!blames(&contacts(Sealed::new(), wrong)));

    let portal = Served::new(2, Duration::ZERO, 1);
    let home = contacts(portal.home(), "  email: email\n");
    let (code, told) = exit(&home, &["pull"]);
    assert_eq!(code, 0, "{told}");
    assert!(blames(&contacts(home, "  annualrevenue: { column: revenue, type: text, transform: { scale: 100 } }\n")));
}

#[test]
fn a_value_that_does_not_come_back_is_told_once() {
    let home = contacts(Sealed::new(), "  word: { column: words, transform: { split: a, lowercase: true } }\n");
    let told = home.run(&["mapping", "check"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert_eq!(told.matches("and comes back as").count(), 1, "{told}");
}
