//! `crmsync init`: what it writes is what the next command reads.

use crate::sealed::Sealed;
use crate::served::{Served, exit};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const OF_CONTACTS: &str = "[portals.acme]\nobjects = [\"contacts\"]\n";

fn portal() -> Served {
    Served::new(2, Duration::ZERO, 1)
}

fn there(home: &Sealed, file: &str) -> bool {
    home.path().join(file).exists()
}

fn text(home: &Sealed, file: &str) -> String {
    std::fs::read_to_string(home.path().join(file)).unwrap()
}

#[test]
fn a_configuration_without_mappings_is_kept_and_the_next_step_is_the_line_that_it_lacks() {
    let portal = portal();
    let home = portal.home().file("crmsync.toml", OF_CONTACTS);
    let (code, told) = exit(&home, &["init"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("Next: add the line `mappings = \"mappings\"` under [portals.acme] to "), "{told}");
    assert_eq!(text(&home, "crmsync.toml"), OF_CONTACTS);

    let home = home.file("crmsync.toml", &format!("{OF_CONTACTS}mappings = \"mappings\"\n"));
    let (code, told) = exit(&home, &["init"]);
    assert_eq!((code, told.contains("Next: crmsync sync\n")), (0, true), "{told}");
    assert_eq!(exit(&home, &["mapping", "check"]).0, 0);
}

#[test]
fn an_object_without_a_built_in_mapping_is_shown_the_same_way() {
    let home = Sealed::new().file("crmsync.toml", "[portals.acme]\nobjects = [\"leads\"]\n");
    let (code, told) = exit(&home, &["mapping", "check"]);
    let way = "the line `mappings = \"mappings\"` under [portals.acme]";
    assert_eq!((code, told.contains("crmsync init"), told.contains(way)), (2, true, true), "{told}");
}

#[test]
fn the_configuration_that_is_named_is_the_one_that_is_written() {
    let portal = portal();
    let home = portal.home();
    for _ in 0..2 {
        let (code, told) = exit(&home, &["init", "--config", "sub/other.toml"]);
        assert_eq!((code, told.contains("Next: crmsync sync --config sub/other.toml\n")), (0, true), "{told}");
        assert!(there(&home, "sub/other.toml") && there(&home, "sub/mappings/contacts.yaml"));
        assert!(!there(&home, "crmsync.toml") && !there(&home, "mappings"));
    }
    assert_eq!(exit(&home, &["mapping", "check", "--config", "sub/other.toml"]).0, 0);
}

#[test]
fn the_configuration_names_the_mirror_and_the_mappings_that_were_used() {
    let portal = portal();
    let home = portal
        .home()
        .variable("CRMSYNC_PORTALS__DEFAULT__MAPPINGS", "mm")
        .variable("CRMSYNC_PORTALS__DEFAULT__MIRROR", "data/crm.db");
    let (code, told) = exit(&home, &["init"]);
    assert_eq!(code, 0, "{told}");
    let written = text(&home, "crmsync.toml");
    assert!(written.contains("\nmirror    = \"data/crm.db\" "), "{written}");
    assert!(written.contains("\nmappings  = \"mm\" "), "{written}");
    assert!(there(&home, "mm/contacts.yaml") && !there(&home, "mappings"));
}

#[test]
fn a_mapping_under_another_name_is_kept_and_no_second_one_is_made() {
    let portal = portal();
    let home = portal.home().file("crmsync.toml", &format!("{OF_CONTACTS}mappings = \"mappings\"\n"));
    std::fs::create_dir(home.path().join("mappings")).unwrap();
    let people = "object: contacts\ntable: people\nfields:\n  email: email\n";
    let home = home.file("mappings/people.yaml", people);
    let (code, told) = exit(&home, &["init"]);
    assert_eq!((code, told.contains("mappings/people.yaml")), (0, true), "{told}");
    assert!(!there(&home, "mappings/contacts.yaml"));
    assert_eq!(text(&home, "mappings/people.yaml"), people);
}

#[test]
fn nobody_else_may_change_what_it_writes_whatever_the_umask() {
    let portal = portal();
    let home = portal.home();
    let script = "umask 0000 && exec \"$0\" init";
    let run = home.process("/bin/sh").args(["-c", script, env!("CARGO_BIN_EXE_crmsync")]).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    for file in ["crmsync.toml", "mappings/contacts.yaml"] {
        let mode = home.path().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{file}");
    }
}

#[test]
fn where_no_object_type_can_be_read_nothing_is_written() {
    let portal = portal();
    for object in ["contacts", "companies", "deals", "tickets"] {
        portal.lock().deny(object);
    }
    let home = portal.home();
    let (code, told) = exit(&home, &["init"]);
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("no object type can be read") && told.contains("tickets: left out"), "{told}");
    assert!(!there(&home, "crmsync.toml"));
}
