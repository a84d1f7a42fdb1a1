//! `crmsync doctor`: each thing that can be wrong is found, named, and comes with the next step.

use crate::sealed::Sealed;
use crate::served::{Served, exit};
use rusqlite::Connection;
use serde_json::Value;
use simulator::{Settings, Tier};
use std::os::unix::fs::PermissionsExt;

/// A portal whose clock is this machine's.
fn present(portal_id: u64) -> Served {
    with_limits(portal_id, Tier::Unlimited)
}

fn with_limits(portal_id: u64, tier: Tier) -> Served {
    let start = chrono::Utc::now().timestamp_millis();
    Served::of(Settings { start, portal_id, tier, ..Settings::sized(30, 5, 5, 5) })
}

/// The verdict on one thing, and what was said about it.
fn verdict(home: &Sealed, check: &str) -> (i32, String, String) {
    let output = home.command(&["doctor", "--json"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check).unwrap_or_else(|| panic!("no {check}: {told}"));
    assert_eq!(found["verdict"] == "ok", found["next"].is_null(), "{found}");
    let text = format!("{} {}", found["found"].as_str().unwrap(), found["next"].as_str().unwrap_or_default());
    (output.status.code().unwrap(), found["verdict"].as_str().unwrap().to_owned(), text)
}

fn synced(portal: &Served) -> Sealed {
    let home = portal.home();
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    home
}

fn change(home: &Sealed, sql: &str) {
    Connection::open(home.path().join("crm.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_sound_installation_is_told_so_line_by_line() {
    let portal = with_limits(1, Tier::Professional);
    let home = synced(&portal);
    let told = home.run(&["doctor"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    // Sizes, times and what is left of the day differ from one machine to the next.
    let steady: Vec<String> = told
        .lines()
        .filter(|line| !["disk", "clock", "file modes"].iter().any(|check| line.starts_with(check)))
        .map(|line| line.split(", 624,").next().unwrap().to_owned())
        .collect();
    insta::assert_snapshot!(steady.join("\n"), @r"
    exit 0
    --- stdout
    check              found
    configuration  ok  no file: built-in defaults and the environment, portal default
    mappings       ok  4 mappings, every value comes back
    credential     ok  in the environment variable HUBSPOT_ACCESS_TOKEN
    access         ok  whoever runs this may write the mirror and its folder
    file system    ok  not one that is known to be on a network
    mirror         ok  whole; HubSpot account 1, schema version 1
    tables         ok  4 tables, with their triggers and views
    rows           ok  each has its base, and each base its row
    HubSpot        ok  account 1, 190 calls in 10 s
    contacts       ok  may be read: 30 records
    companies      ok  may be read: 5 records
    deals          ok  may be read: 5 records
    tickets        ok  may be read: 5 records

    All is fine.
    ");
}

#[test]
fn before_the_first_sync_nothing_is_wrong_and_no_mirror_is_made() {
    let portal = present(1);
    let home = portal.home();
    let (code, verdict, text) = verdict(&home, "mirror");
    assert_eq!((code, verdict.as_str()), (0, "ok"), "{text}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "the doctor left something behind");
}

#[test]
fn without_a_network_the_rest_is_examined_all_the_same() {
    let portal = present(1);
    let home = synced(&portal).variable("CRMSYNC_API_BASE", "http://127.0.0.1:9");
    let home = home.file("crmsync.toml", "[portals.default.pull]\ngive_up_after = \"1s\"\n");
    let (code, said, text) = verdict(&home, "HubSpot");
    assert_eq!((code, said.as_str()), (75, "fail"), "{text}");
    assert!(text.contains("were not checked"), "{text}");
    let (_, told) = exit(&home, &["doctor"]);
    assert!(told.contains("HubSpot could not be looked at now: run this again later."), "{told}");
    for check in ["mirror", "tables", "rows", "mappings", "credential", "disk"] {
        assert_eq!(verdict(&home, check).1, "ok", "{check}");
    }
}

#[test]
fn credentials_are_examined_without_being_shown() {
    let portal = present(1);
    let (code, said, text) = verdict(&Sealed::new(), "credential");
    assert_eq!((code, said.as_str()), (4, "fail"), "{text}");
    let home = Sealed::new()
        .variable("CRMSYNC_API_BASE", &portal.address)
        .file("crmsync.toml", "[portals.acme]\ntoken_file = \"token\"\n")
        .file("token", &portal.token());
    let mode =
        |mode| std::fs::set_permissions(home.path().join("token"), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let (code, said, text) = verdict(&home, "credential");
    assert_eq!((code, said.as_str(), text.contains("chmod 600")), (2, "fail", true), "{text}");
    mode(0o600);
    assert_eq!(verdict(&home, "credential").0, 0);
    portal.lock().expire_token(Some(0));
    let (code, told) = exit(&home, &["doctor", "-vv"]);
    assert_eq!(code, 4, "{told}");
    assert!(!told.contains(&portal.token()), "{told}");
}

#[test]
fn files_that_everybody_may_read_are_named_with_the_command_that_mends_it() {
    let portal = present(1);
    let home = synced(&portal);
    std::fs::set_permissions(home.path().join("crm.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said, text) = verdict(&home, "file modes");
    assert_eq!((code, said.as_str(), text.contains("chmod o-rwx")), (1, "fail", true), "{text}");
}

#[test]
fn a_mirror_that_may_not_be_used_is_named_and_is_no_mistake_of_the_program() {
    let portal = present(1);
    let home = portal.home();
    let mirror = home.path().join("crm.db");
    let refused = |named: &std::path::Path| {
        let (code, told) = exit(&home, &["pull"]);
        assert_eq!((code, told.contains("crm.db")), (2, true), "{told}");
        let (code, said, text) = verdict(&home, "access");
        assert_eq!((code, said.as_str()), (2, "fail"), "{text}");
        assert!(text.contains(&format!("{} (", named.canonicalize().unwrap().display())), "{text}");
        let (_, told) = exit(&home, &["doctor"]);
        assert!(told.contains("1 thing waits for a person."), "{told}");
    };
    std::fs::create_dir(&mirror).unwrap();
    refused(&mirror);
    std::fs::remove_dir(&mirror).unwrap();
    assert_eq!(exit(&home, &["pull"]).0, 0);
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&mirror, 0o440);
    // An administrator may do everything.
    if std::fs::File::options().append(true).open(&mirror).is_err() {
        refused(&mirror);
        mode(&mirror, 0o000);
        refused(&mirror);
        mode(&mirror, 0o640);
        mode(home.path(), 0o500);
        refused(home.path());
        mode(home.path(), 0o700);
    }
}

#[test]
fn a_mirror_that_was_put_back_from_a_copy_is_told_before_the_next_run_is() {
    let portal = present(1);
    let home = synced(&portal).file("crm.db.lock", "9\n");
    let (code, said, text) = verdict(&home, "mirror");
    assert_eq!((code, said.as_str(), text.contains("run 9")), (1, "warn", true), "{text}");
    assert_eq!(exit(&home, &["sync"]).0, 1);
    assert_eq!(verdict(&home, "mirror").1, "ok");
}

#[test]
fn what_somebody_did_to_tables_triggers_and_views_is_named() {
    for (harm, code, said, words) in [
        ("DROP TRIGGER sync_contacts_update", 1, "warn", "sync_contacts_update"),
        ("DROP VIEW contacts_companies; DROP VIEW deals_raw", 1, "warn", "contacts_companies, deals_raw"),
        ("DROP TRIGGER sync_associations_INSERT", 1, "warn", "sync_associations_INSERT"),
        ("DROP TABLE tickets", 3, "fail", "tickets: it is gone"),
        ("DROP TABLE associations", 3, "fail", "associations: it is gone"),
        (
            "CREATE TRIGGER planted AFTER UPDATE ON deals BEGIN DELETE FROM sync_journal; END",
            3,
            "fail",
            "DROP TRIGGER \"planted\"",
        ),
        ("UPDATE sync_guard SET applying = 1", 3, "fail", "SET applying = 0"),
    ] {
        let portal = present(1);
        let home = synced(&portal);
        change(&home, harm);
        let (exit_code, verdict, text) = verdict(&home, "tables");
        assert_eq!((exit_code, verdict.as_str()), (code, said), "{harm}: {text}");
        assert!(text.contains(words), "{harm}: {text}");
    }
}

#[test]
fn what_the_doctor_warns_of_is_mended_by_what_it_says() {
    let portal = present(1);
    let home = synced(&portal);
    change(
        &home,
        "DROP TRIGGER sync_contacts_update; DROP VIEW contacts_raw; DELETE FROM deals WHERE _row IN (SELECT min(_row) FROM deals)",
    );
    assert_eq!(verdict(&home, "tables").1, "warn");
    let (_, said, text) = verdict(&home, "rows");
    assert_eq!((said.as_str(), text.contains("1 record of deals")), ("warn", true), "{text}");
    assert_eq!(exit(&home, &["sync"]).0, 0);
    assert_eq!(verdict(&home, "tables"), (0, "ok".to_owned(), verdict(&home, "tables").2));
    assert_eq!(verdict(&home, "rows").1, "ok");
}

#[test]
fn p30_what_can_be_repaired_without_a_call_is_repaired_and_told() {
    let portal = present(1);
    let home = synced(&portal);
    change(
        &home,
        "DELETE FROM deals WHERE _row IN (SELECT min(_row) FROM deals); UPDATE sync_guard SET applying = 1;
         DROP TRIGGER sync_deals_update; DROP VIEW contacts_companies; DROP INDEX deals_by_pipeline;
         DROP TABLE tickets; DROP TABLE owners",
    );
    assert_eq!(verdict(&home, "tables").0, 3);
    let home = home.variable("CRMSYNC_API_BASE", "http://127.0.0.1:9");
    let home = home.file("crmsync.toml", "[portals.default.pull]\ngive_up_after = \"1s\"\n");
    let output = home.command(&["doctor", "--repair", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let repairs = document["repairs"].as_array().unwrap();
    let told: Vec<&str> = repairs
        .iter()
        .flat_map(|repair| repair["done"].as_array().unwrap())
        .map(|told| told.as_str().unwrap())
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    sync_guard is closed: the triggers work again.
    The table owners was made anew, because it is gone: no rows came back.
    The next run reads it again.
    The table tickets was made anew, because it is gone: 5 rows came back as HubSpot and the mirror last agreed on them.
    Put back: contacts_companies, sync_deals_update.
    Triggers were missing, so every row of deals was compared with its base.
    1 deleted row of deals came back: a plain DELETE archives nothing.
    ");
    assert_eq!(repairs.iter().find(|repair| repair["object"] == "tickets").unwrap()["rebuilt"]["rows"], 5);
    assert_eq!(verdict(&home, "tables").1, "ok");
    assert_eq!(verdict(&home, "rows").1, "ok");
    let index = "SELECT count(*) FROM sqlite_master WHERE name = 'deals_by_pipeline'";
    assert_eq!(crate::served::count(&home.path().join("crm.db"), index), 1);
    let (_, told) = exit(&home, &["doctor", "--repair"]);
    assert!(told.starts_with("Nothing had to be repaired."), "{told}");
}

#[test]
fn a_row_of_a_record_that_nobody_knows_is_counted_and_a_backfill_mends_it() {
    let portal = present(1);
    let home = synced(&portal);
    change(&home, "DELETE FROM sync_base_contacts WHERE _row IN (SELECT min(_row) FROM sync_base_contacts)");
    let (code, said, text) = verdict(&home, "rows");
    assert_eq!((code, said.as_str()), (1, "fail"), "{text}");
    assert!(text.contains("1 row of contacts") && text.contains("crmsync backfill contacts"), "{text}");
    assert_eq!(exit(&home, &["backfill", "contacts"]).0, 0);
    assert_eq!(verdict(&home, "rows").1, "ok");
}

#[test]
fn a_damaged_file_is_told_as_such_and_another_programs_is_left_alone() {
    let portal = present(1);
    let home = synced(&portal);
    let mirror = home.path().join("crm.db");
    Connection::open(&mirror).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut bytes = std::fs::read(&mirror).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8192].fill(0x5a);
    std::fs::write(&mirror, bytes).unwrap();
    let (code, said, text) = verdict(&home, "mirror");
    assert_eq!((code, said.as_str(), text.contains("snapshot")), (2, "fail", true), "{text}");
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(verdict(&home, "mappings").1, "ok", "it is told once");

    let other = present(1).home();
    Connection::open(other.path().join("crm.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let (code, said, text) = verdict(&other, "mirror");
    assert_eq!((code, said.as_str()), (2, "fail"), "{text}");
    assert_eq!(verdict(&other, "mappings").1, "ok", "it is told once");
}

#[test]
fn p28_a_credential_of_another_portal_is_a_belt() {
    let (ours, other) = (present(1), present(2));
    let home =
        synced(&ours).variable("CRMSYNC_API_BASE", &other.address).variable("HUBSPOT_ACCESS_TOKEN", &other.token());
    let (code, said, text) = verdict(&home, "HubSpot");
    assert_eq!((code, said.as_str()), (3, "fail"), "{text}");
    assert!(text.contains("account 2") && text.contains("the mirror is of 1"), "{text}");
}

#[test]
fn each_object_says_whether_it_may_be_read() {
    let portal = present(1);
    let home = synced(&portal);
    portal.lock().deny("deals");
    let (code, said, text) = verdict(&home, "deals");
    assert_eq!((code, said.as_str()), (1, "fail"), "{text}");
    assert!(text.contains("scope"), "{text}");
    assert_eq!(verdict(&home, "contacts").1, "ok");
    for object in ["contacts", "companies", "tickets"] {
        portal.lock().deny(object);
    }
    assert_eq!(verdict(&home, "contacts").0, 4, "nothing at all may be read");
}

#[test]
fn a_clock_that_is_wrong_is_told_and_does_no_harm() {
    let year = 365 * 86_400_000;
    let start = chrono::Utc::now().timestamp_millis() - year;
    let portal = Served::of(Settings { start, ..Settings::sized(5, 1, 1, 1) });
    let (code, said, text) = verdict(&portal.home(), "clock");
    assert_eq!((code, said.as_str()), (1, "warn"), "{text}");
    assert!(text.contains("365 days ahead of"), "{text}");
}

#[test]
fn a_mapping_that_is_wrong_is_found_with_file_and_line() {
    let portal = present(1);
    let home = portal
        .home()
        .file("crmsync.toml", "[portals.acme]\nmappings = \".\"\nobjects = [\"contacts\"]\n")
        .file("contacts.yaml", "object: contacts\ntable: contacts\nfields:\n  email: email\n  city: email\n");
    let (code, said, text) = verdict(&home, "mappings");
    assert_eq!((code, said.as_str()), (2, "fail"), "{text}");
    assert!(text.contains("contacts.yaml:5"), "{text}");
}
