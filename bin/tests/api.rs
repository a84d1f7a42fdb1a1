//! `crmsync api`: a raw call is made under the rules of every other one.

use crate::served::{Served, exit};
use serde_json::Value;
use std::time::Duration;

const CONTACTS: &str = "/crm/objects/2026-09/contacts";

#[test]
fn a_read_prints_the_body_as_it_came() {
    let portal = Served::new(5, Duration::ZERO, 77);
    let home = portal.home();
    let (code, told) = exit(&home, &["api", "get", "/account-info/2026-09/details"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["portalId"], 77);
    let (code, told) = exit(&home, &["api", "GET", &format!("{CONTACTS}?limit=2"), "--json"]);
    let document: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (code, document["status"].as_u64(), document["body"]["results"].as_array().unwrap().len()),
        (0, Some(200), 2)
    );
}

#[test]
fn documented_reads_by_post_need_no_leave_and_take_their_body_from_text_file_or_stdin() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let search = format!("{CONTACTS}/search");
    let home = portal.home().file("body.json", "{\"limit\": 1}");
    for data in ["{\"limit\": 1}", "@body.json", "@-"] {
        let output =
            home.command(&["api", "POST", &search, "--data", data]).write_stdin("{\"limit\": 1}").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{data}: {}", String::from_utf8_lossy(&output.stderr));
        let body: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((body["total"].as_u64(), body["results"].as_array().unwrap().len()), (Some(5), 1));
    }
    for data in ["{", "@absent.json", "{} {}"] {
        assert_eq!(exit(&home, &["api", "POST", &search, "--data", data]).0, 2, "{data}");
    }
    assert_eq!(exit(&home, &["api", "GET", CONTACTS, "--data", "{}"]).0, 2);
}

#[test]
fn a_refusal_is_printed_and_exits_1() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let output = home.command(&["api", "GET", &format!("{CONTACTS}/999999")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("resource not found"));
    portal.lock().deny("deals");
    let (code, told) = exit(&home, &["api", "GET", "/crm/objects/2026-09/deals", "--json"]);
    let document: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (code, document["status"].as_u64(), document["body"]["category"].as_str()),
        (1, Some(403), Some("MISSING_SCOPES"))
    );
    portal.lock().expire_token(Some(0));
    assert_eq!(exit(&home, &["api", "GET", CONTACTS]).0, 4);
}

#[test]
fn s4_while_writing_is_switched_off_nothing_but_reads_leaves_this_machine() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let id = format!("{CONTACTS}/1");
    for (method, path) in [
        ("POST", CONTACTS),
        ("PATCH", &id),
        ("DELETE", &id),
        ("PUT", "/crm/objects/2026-09/contacts/search"),
        ("POST", "/crm/objects/2026-09/contacts/batch/create"),
    ] {
        let (code, told) = exit(&home, &["api", method, path, "--data", "{}"]);
        assert_eq!(code, 3, "{method} {path}: {told}");
        assert!(told.contains("[portals.default.push]") && told.contains("enabled = true"), "{told}");
    }
    assert_eq!(portal.lock().calls().total, 0, "something was sent");
}

#[test]
fn s4_a_path_is_never_another_host_and_never_something_else_than_it_seems() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    for path in [
        "https://evil.example/crm",
        "//evil.example/crm",
        "crm/objects",
        "/crm/objects/2026-09/contacts#/search",
        "/crm/%2e%2e/x",
    ] {
        let (code, told) = exit(&home, &["api", "POST", path]);
        assert_eq!(code, 2, "{path}: {told}");
    }
    assert_eq!(portal.lock().calls().total, 0, "something was sent");
}

#[test]
fn once_writing_is_switched_on_a_write_reaches_the_mirrors_own_account_and_no_other() {
    let (ours, other) = (Served::new(5, Duration::ZERO, 1), Served::new(5, Duration::ZERO, 2));
    let home = ours.home();
    assert_eq!(exit(&home, &["pull"]).0, 0);
    let home = home.file("crmsync.toml", "[portals.default.push]\nenabled = true\n");
    let contact = ours.lock().active_ids("contacts")[0];
    let path = format!("/crm/objects/2026-09/contacts/{contact}");
    let label = ["api", "DELETE", path.as_str()];
    assert_eq!(exit(&home, &label).0, 0);
    assert!(!ours.lock().active_ids("contacts").contains(&contact));
    let before = other.lock().calls().total;
    let output = home
        .command(&label)
        .env("CRMSYNC_API_BASE", &other.address)
        .env("HUBSPOT_ACCESS_TOKEN", other.token())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(other.lock().calls().total - before, 1, "more than the account was asked for");
}

#[test]
fn s2_a_raw_call_never_shows_the_token() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let token = portal.token();
    for words in
        [&["api", "GET", CONTACTS, "-vv"][..], &["api", "GET", "/nowhere", "-vv", "--json", "--log-format", "json"]]
    {
        let (_, told) = exit(&home, words);
        assert!(!told.contains(&token), "{told}");
    }
}
