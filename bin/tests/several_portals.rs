//! `crmsync sync --all`: each portal has its turn, its own part of the result, and its say in the exit code.

use crate::sealed::Sealed;
use crate::served::{Served, count, exit};
use rusqlite::Connection;
use serde_json::Value;
use std::time::Duration;

/// Two portals, and a directory where both are configured: acme, and then beta.
fn two() -> (Served, Served, Sealed) {
    let (acme, beta) = (Served::new(5, Duration::ZERO, 1), Served::new(5, Duration::ZERO, 2));
    let section = |name: &str, portal: &Served| {
        format!("[portals.{name}]\napi_base = \"{}\"\ntoken_env = \"TOKEN_OF_{name}\"\n", portal.address)
    };
    let home = Sealed::new()
        .file("crmsync.toml", &[section("acme", &acme), section("beta", &beta)].concat())
        .variable("TOKEN_OF_acme", &acme.token())
        .variable("TOKEN_OF_beta", &beta.token());
    (acme, beta, home)
}

/// A tool drops a table, which stops its object: a run ends with 3 and complains.
fn drop_tickets(home: &Sealed, mirror: &str) {
    Connection::open(home.path().join(mirror)).unwrap().execute_batch("DROP TABLE tickets").unwrap();
}

/// The exit code of a sync of both, its document, and its complaints.
fn synced(home: &Sealed) -> (i32, Value, String) {
    let output = home.command(&["sync", "--all", "--json"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let document = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    (output.status.code().unwrap(), document, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn each_portal_has_its_part_of_one_document_and_the_first_exit_code_that_applies_counts() {
    let (_acme, beta, home) = two();
    let (code, document, complaints) = synced(&home);
    let parts = document["portals"].as_array().unwrap();
    assert_eq!((code, parts.len()), (0, 2), "{complaints}");
    assert_eq!((&parts[0]["portal"], &parts[1]["portal"]), (&"acme".into(), &"beta".into()));

    drop_tickets(&home, "acme.db");
    let (code, document, complaints) = synced(&home);
    let parts = &document["portals"];
    assert_eq!((code, &parts[0]["exit_code"], &parts[1]["exit_code"]), (3, &3.into(), &0.into()), "{document}");
    assert!(complaints.contains("error: portal acme: tickets: "), "{complaints}");

    beta.lock().expire_token(Some(0));
    let (code, document, complaints) = synced(&home);
    let (acme, beta) = (&document["portals"][0], &document["portals"][1]);
    assert_eq!((code, &acme["exit_code"], &beta["error"]["exit_code"]), (4, &3.into(), &4.into()), "{document}");
    assert_eq!(beta["portal"], "beta");
    assert!(complaints.contains("error: portal acme: tickets: "), "{complaints}");
    assert!(complaints.contains("error: portal beta: "), "{complaints}");
}

#[test]
fn the_table_of_each_portal_stands_under_its_name() {
    let (_acme, _beta, home) = two();
    let output = home.command(&["sync", "--all"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let (acme, beta) = told.split_once("portal beta\n").unwrap_or_else(|| panic!("beta is not named: {told}"));
    assert!(acme.starts_with("portal acme\nobject ") && beta.starts_with("object "), "{told}");
    for (part, name) in [(acme, "acme"), (beta, "beta")] {
        assert!(part.contains(&format!("push.enabled is false for portal {name}.")), "{told}");
    }
}

#[test]
fn one_portal_alone_is_a_list_of_one() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let (code, document, complaints) = synced(&portal.home());
    assert_eq!((code, &document["portals"][0]["portal"]), (0, &"default".into()), "{complaints}");
}

#[test]
fn a_reader_who_has_gone_keeps_no_portal_from_its_turn() {
    let (_acme, _beta, home) = two();
    assert_eq!(exit(&home, &["sync", "--portal", "acme"]).0, 0);
    drop_tickets(&home, "acme.db");
    let (code, complaints) = home.unread(&["sync", "--all"]);
    assert_eq!(code, 3, "{complaints}");
    assert!(complaints.contains("error: portal acme: tickets: "), "{complaints}");
    assert_eq!(count(&home.path().join("beta.db"), "SELECT count(*) FROM contacts"), 5);
    assert_eq!(home.unread(&["sync", "--all", "--json"]).0, 3);
}
