//! `crmsync conflicts`, `crmsync rejects` and `crmsync undo` as their users see them.

use crate::sealed::Sealed;
use crate::served::{Served, exit};
use rusqlite::Connection;
use serde_json::Value;
use simulator::{Lag, Settings, Switches, Tier};
use sync_core::store::Store;

/// A portal that shows every change at once, and a mirror of its contacts and deals that may write to it.
fn installed() -> (Served, Sealed) {
    let start = chrono::Utc::now().timestamp_millis();
    let switches = Switches { lag: Lag::none(), post_create_bump: false, ..Switches::default() };
    let portal = Served::of(Settings { start, switches, tier: Tier::Unlimited, ..Settings::sized(8, 1, 1, 1) });
    let home = portal
        .home()
        .variable("CRMSYNC_PORTALS__DEFAULT__PUSH__ENABLED", "true")
        .variable("CRMSYNC_PORTALS__DEFAULT__OBJECTS", "contacts,deals");
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    (portal, home)
}

fn change(home: &Sealed, sql: &str) {
    Connection::open(home.path().join("crm.db")).unwrap().execute_batch(sql).unwrap();
}

fn one(home: &Sealed, sql: &str) -> String {
    let mirror = Connection::open(home.path().join("crm.db")).unwrap();
    mirror.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The command's document, and its exit code.
fn told(home: &Sealed, words: &[&str]) -> (i32, Value) {
    let output = home.command(&[words, &["--json"]].concat()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"));
    (output.status.code().unwrap(), document)
}

/// What a person sees, with the record's id replaced.
fn seen(home: &Sealed, words: &[&str], id: &str) -> String {
    home.run(words).replace(id, "ID")
}

fn city(portal: &Served, id: &str) -> Option<String> {
    portal.lock().record("contacts", id.parse().unwrap()).unwrap().text("city")
}

#[test]
fn a_conflict_is_listed_shown_and_decided_the_other_way() {
    let (portal, home) = installed();
    assert_eq!(home.run(&["conflicts"]), "exit 0\n--- stdout\nNo conflict waits for a person.\n");
    let id = one(&home, "SELECT id FROM contacts ORDER BY _row LIMIT 1");
    change(&home, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
    let now = chrono::Utc::now().timestamp_millis();
    portal.lock().edit(now, "contacts", id.parse().unwrap(), &[("city", "Theirs")]).unwrap();
    let (code, text) = exit(&home, &["push"]);
    assert_eq!(code, 0, "what a policy decided is done: {text}");
    insta::assert_snapshot!(seen(&home, &["conflicts", "--all"], &id), @r"
    exit 0
    --- stdout
    id  object    record       property  local  remote  kind
     1  contacts  ID  city      Mine   Theirs  both_changed  remote
    No conflict waits for a person.
    ");
    let (code, shown) = told(&home, &["conflicts", "show", "1"]);
    assert_eq!((code, &shown["local"], &shown["remote"]), (0, &"Mine".into(), &"Theirs".into()));
    assert!(home.run(&["conflicts", "show", "1"]).contains("it can be decided another way"));
    let calls = portal.lock().record("contacts", id.parse().unwrap()).unwrap().updated_at;
    insta::assert_snapshot!(seen(&home, &["conflicts", "resolve", "1", "--take", "local"], &id), @r"
    exit 0
    --- stdout
    conflict 1: city of contacts ID is Mine
    The next `crmsync push` sends it over Theirs.
    ");
    assert_eq!(portal.lock().record("contacts", id.parse().unwrap()).unwrap().updated_at, calls);
    assert_eq!(exit(&home, &["push"]).0, 0);
    assert_eq!(city(&portal, &id).as_deref(), Some("Mine"));
    let run =
        one(&home, "SELECT command || ' ' || exit_code || ' ' || requests FROM sync_runs WHERE command LIKE 'conf%'");
    assert_eq!(run, "conflicts resolve 0 0");
}

#[test]
fn what_nobody_knows_exits_2_and_says_where_to_look() {
    let (_portal, home) = installed();
    for words in [
        &["conflicts", "show", "7"][..],
        &["conflicts", "resolve", "7", "--take", "remote"],
        &["rejects", "show", "7"],
        &["rejects", "retry", "7"],
        &["rejects", "drop", "7", "--reason", "x"],
        &["undo", "77"],
    ] {
        let (code, text) = exit(&home, words);
        assert_eq!((code, text.contains("there is no "), text.contains("hint: `")), (2, true, true), "{text}");
    }
    for words in [&["conflicts"][..], &["rejects", "list"], &["conflicts", "show", "1"]] {
        let (code, text) = exit(&Sealed::new(), words);
        assert_eq!((code, text.contains("there is no mirror yet")), (2, true), "{text}");
    }
}

/// A conflict that waits, of which nobody knows when HubSpot's side was changed.
const HELD: &str =
    "INSERT INTO sync_conflicts (object, record_id, property, local, remote, kind, chosen, run_id, created_at)
     SELECT 'deals', id, 'amount', '1', '2', 'both_changed', 'held', 1, '2026-01-01T00:00:00.000Z'
     FROM deals ORDER BY _row LIMIT 1";

#[test]
fn a_change_at_a_time_that_nobody_knows_is_told_as_such() {
    let (_portal, home) = installed();
    change(&home, HELD);
    let shown = home.run(&["conflicts", "show", "1"]);
    assert!(shown.contains("changed in HubSpot: not known when\n"), "{shown}");
    assert!(shown.contains("found: 2026-01-01 00:00 UTC by run 1"), "{shown}");
}

#[test]
fn of_a_record_that_is_archived_only_hubspots_side_is_offered() {
    let (_portal, home) = installed();
    change(&home, HELD);
    assert!(home.run(&["conflicts"]).contains("--take local|remote`"));
    change(&home, "UPDATE sync_base_deals SET archived = 1, state = 'archived'");
    for words in [&["conflicts"][..], &["conflicts", "show", "1"]] {
        let seen = home.run(words);
        assert!(seen.contains("--take remote`") && !seen.contains("local|remote"), "{seen}");
    }
}

#[test]
fn a_run_and_the_status_say_how_many_conflicts_wait() {
    let (_portal, home) = installed();
    change(&home, HELD);
    let (code, text) = exit(&home, &["pull"]);
    assert_eq!((code, text.contains("1 conflict waits for a person: see `crmsync conflicts`.")), (1, true), "{text}");
    let status = home.run(&["status"]);
    assert!(status.contains("1 conflict waits: `crmsync conflicts`"), "{status}");
    assert!(status.contains("something waits for a person"), "{status}");
}

#[test]
fn an_object_that_is_configured_no_more_is_marked_in_the_status() {
    let (_portal, home) = installed();
    let home = home.variable("CRMSYNC_PORTALS__DEFAULT__OBJECTS", "contacts");
    let status = home.run(&["status"]);
    let line = |object: &str| status.lines().find(|line| line.starts_with(object)).unwrap().to_owned();
    assert!(line("contacts").ends_with("  complete") && line("deals").ends_with("  not configured"), "{status}");
    let (_, document) = told(&home, &["status"]);
    let configured: Vec<&Value> =
        document["objects"].as_array().unwrap().iter().map(|object| &object["configured"]).collect();
    assert_eq!(configured, [&Value::Bool(true), &Value::Bool(false)]);
}

#[test]
fn a_mirror_that_knows_no_object_yet_has_no_table_in_its_status() {
    let home = Sealed::new();
    drop(Store::open(&home.path().join("crm.db")).unwrap());
    let head = "exit 0\n--- stdout\nportal default  (HubSpot account not known yet)\nmirror DIR/crm.db\n";
    assert_eq!(home.run(&["status"]), head);
}

#[test]
fn what_a_run_archived_in_hubspot_is_noted_and_told() {
    let (_portal, home) = installed();
    change(&home, "UPDATE contacts SET archived = 1 WHERE _row = (SELECT min(_row) FROM contacts_active)");
    assert_eq!(exit(&home, &["push"]).0, 0);
    let noted = one(&home, "SELECT pushed || ' ' || archived FROM sync_runs ORDER BY id DESC LIMIT 1");
    assert_eq!((noted.as_str(), &told(&home, &["status"]).1["last_run"]["pushed"]), ("1 1", &1.into()));
    assert!(home.run(&["status"]).contains("done: no records pulled, 1 record pushed"));
}

#[test]
fn a_plan_names_what_is_stopped() {
    let (_portal, home) = installed();
    change(&home, "DROP TABLE deals");
    let (code, text) = exit(&home, &["plan"]);
    assert!(code == 3 && text.contains("deals is stopped: nothing of it would be sent."), "{code}: {text}");
    assert!(text.contains("Nothing else to push.") && !text.contains("Nothing to push."), "{text}");
}

#[test]
fn p25_a_plan_names_what_a_belt_would_hold_back_and_what_lets_it_through() {
    let (_portal, home) = installed();
    let home = home.variable("CRMSYNC_PORTALS__DEFAULT__PUSH__MAX_ARCHIVES__AT_LEAST", "2");
    change(&home, "UPDATE contacts SET archived = 1 WHERE _row IN (SELECT _row FROM contacts_active LIMIT 3)");
    let (code, text) = exit(&home, &["plan"]);
    let sentence =
        "contacts: 3 contacts are to be archived and 2 may be at once, so nothing is sent without --allow archives=3";
    assert!(code == 0 && text.contains(sentence), "{code}: {text}");
    let (_, plan) = told(&home, &["plan", "contacts"]);
    assert_eq!(plan["objects"][0]["held_back"]["allow"], "archives=3", "{plan}");
    assert_eq!(exit(&home, &["push"]).0, 3);
    let (code, text) = exit(&home, &["push", "--dry-run", "--allow", "archives=3"]);
    assert!(code == 0 && text.contains("3 archives") && !text.contains("--allow"), "{code}: {text}");
}

#[test]
fn a_value_that_cannot_be_sent_exits_2_and_says_what_is_expected() {
    let (_portal, home) = installed();
    change(&home, HELD);
    let (code, text) = exit(&home, &["conflicts", "resolve", "1", "--value", "a lot"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("a lot"), "{text}");
    assert_eq!(told(&home, &["conflicts"]).1["conflicts"].as_array().unwrap().len(), 1, "it still waits");
}

#[test]
fn a_reject_is_listed_retried_and_dropped() {
    let (portal, home) = installed();
    let id = one(&home, "SELECT id FROM contacts ORDER BY _row LIMIT 1");
    let email = one(&home, "SELECT email FROM contacts ORDER BY _row LIMIT 1");
    change(&home, &format!("UPDATE contacts SET email = 'no address' WHERE id = '{id}'"));
    assert_eq!(exit(&home, &["push"]).0, 1);
    let (code, list) = told(&home, &["rejects"]);
    assert_eq!((code, &list["rejects"][0]["properties"]["email"]), (0, &"no address".into()));
    let listed = home.run(&["rejects"]);
    assert!(listed.contains("1 reject waits for a person") && !listed.contains("isValid"), "{listed}");
    assert!(home.run(&["status"]).contains("1 reject waits: `crmsync rejects`"));
    let shown = home.run(&["rejects", "show", "1"]);
    assert!(shown.contains("1 attempt") && shown.contains("It is not sent again"), "{shown}");
    let retried = home.run(&["rejects", "retry"]);
    assert_eq!(retried, "exit 0\n--- stdout\nThe next `crmsync push` tries 1 reject again.\n");
    let listed = home.run(&["rejects"]);
    let tried = "No reject waits for a person.\nThe next `crmsync push` tries 1 reject again.\n";
    assert!(listed.ends_with(tried) && !home.run(&["status"]).contains("reject waits"), "{listed}");
    assert_eq!(exit(&home, &["push"]).0, 1);
    assert_eq!(told(&home, &["rejects", "show", "1"]).1["attempts"], 2);
    insta::assert_snapshot!(seen(&home, &["rejects", "drop", "1", "--reason", "a typo"], &id), @r"
    exit 0
    --- stdout
    contacts ID: email as HubSpot has it again.
    ");
    assert_eq!(one(&home, &format!("SELECT email FROM contacts WHERE id = '{id}'")), email);
    assert_eq!(home.run(&["rejects", "--all"]), "exit 0\n--- stdout\nNo reject waits for a person.\n");
    assert_eq!(exit(&home, &["push"]).0, 0);
    drop(portal);
}

/// A pair of records that cannot be sent.
const REFUSED_PAIR: &str =
    "INSERT INTO sync_rejects (object, record_id, operation, properties, category, message, attempts,
         first_at, last_at)
     SELECT 'contacts', id, 'associate', json_object('to_object', 'deals', 'to_id', '7', 'labels', json_array(
         json_object('category', NULL, 'type_id', NULL, 'label', 'Boss'),
         json_object('category', NULL, 'type_id', NULL, 'label', NULL))), 'UNSENDABLE', 'no such label', 1,
         '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
     FROM contacts ORDER BY _row LIMIT 1";

#[test]
fn a_reject_of_a_pair_of_records_says_which_pair_and_labels() {
    let (_portal, home) = installed();
    change(&home, REFUSED_PAIR);
    let listed = home.run(&["rejects"]);
    assert!(listed.contains("  deals 7: Boss, (unlabeled)  no such label  waits\n"), "{listed}");
    let shown = home.run(&["rejects", "show", "1"]);
    assert!(shown.contains("deals 7  Boss, (unlabeled)\n"), "{shown}");
    let (_, document) = told(&home, &["rejects", "show", "1"]);
    assert_eq!((&document["association"]["to_id"], &document["properties"]), (&"7".into(), &Value::Null));
    let (code, text) = exit(&home, &["rejects", "drop", "1", "--reason", "x", "--delete"]);
    assert_eq!((code, text.contains("of the operation associate")), (2, true), "{text}");
    change(&home, "UPDATE sync_rejects SET properties = 'nonsense'");
    assert_eq!(told(&home, &["rejects"]).1["rejects"][0]["unreadable"], "nonsense");
    assert!(home.run(&["rejects"]).contains("nonsense"));
}

#[test]
fn a_run_is_undone_after_it_was_shown_what_that_would_do() {
    let (portal, home) = installed();
    let id = one(&home, "SELECT id FROM contacts ORDER BY _row LIMIT 1");
    change(&home, &format!("UPDATE contacts SET city = 'Before' WHERE id = '{id}'"));
    assert_eq!(exit(&home, &["push"]).0, 0);
    change(&home, &format!("UPDATE contacts SET city = 'Wrong' WHERE id = '{id}'"));
    change(&home, "INSERT INTO contacts (email, _uid) VALUES ('ada@mail.example', 'ada')");
    let deal = one(&home, "SELECT id FROM deals");
    let associate =
        "INSERT INTO associations (from_object, from_id, to_object, to_id) VALUES ('contacts', 'ID', 'deals', 'DEAL')";
    change(&home, &associate.replace("ID", &id).replace("DEAL", &deal));
    let (code, pushed) = told(&home, &["push"]);
    let run = pushed["run"].to_string();
    assert_eq!(code, 0, "{pushed}");
    let made = one(&home, "SELECT id FROM contacts WHERE _uid = 'ada'");
    let dry = seen(&home, &["undo", &run, "--dry-run"], &id).replace(&made, "MADE").replace(&deal, "DEAL");
    insta::assert_snapshot!(dry, @r"
    exit 0
    --- stdout
    object    record        property            before  written
    contacts  MADE  (the record)        -       -            created: --archive-created archives it
    contacts  ID   city                Before  Wrong        would be undone
    contacts  ID   deals DEAL  -       (unlabeled)  would be undone
    Nothing was done: this was a dry run.
    ");
    assert_eq!(city(&portal, &id).as_deref(), Some("Wrong"));
    let (code, undone) = told(&home, &["undo", &run]);
    assert_eq!((code, &undone["pushed"]["updated"], &undone["pushed"]["unlinked"]), (0, &1.into(), &1.into()));
    assert_eq!(undone["associations"][0]["to_id"], deal);
    assert_eq!(undone["associations"][0]["outcome"], "undone");
    assert_eq!(city(&portal, &id).as_deref(), Some("Before"));
    let (code, again) = told(&home, &["undo", &run, "--archive-created"]);
    assert_eq!((code, &again["pushed"]["archived"], &again["pushed"]["updated"]), (0, &1.into(), &0.into()), "{again}");
    assert!(portal.lock().record("contacts", made.parse().unwrap()).unwrap().archived_at.is_some());
    assert_eq!(
        home.run(&["undo", "1"]),
        "exit 0\n--- stdout\nRun 1 wrote nothing to HubSpot: there is nothing to undo.\n"
    );
}

#[test]
fn an_undo_without_permission_to_write_exits_3_and_names_the_line() {
    let (_portal, home) = installed();
    let home = home.variable("CRMSYNC_PORTALS__DEFAULT__PUSH__ENABLED", "false");
    let (code, text) = exit(&home, &["undo", "1"]);
    assert_eq!((code, text.contains("[portals.default.push]")), (3, true), "{text}");
    assert!(text.contains("`crmsync undo 1 --dry-run` shows"), "{text}");
    assert_eq!(exit(&home, &["undo", "1", "--dry-run"]).0, 0);
}

#[test]
fn a_run_whose_log_is_gone_cannot_be_undone_and_is_told_so() {
    let (portal, home) = installed();
    let id = one(&home, "SELECT id FROM contacts ORDER BY _row LIMIT 1");
    change(&home, &format!("UPDATE contacts SET city = 'Ours' WHERE id = '{id}'"));
    let (code, pushed) = told(&home, &["push"]);
    let run = pushed["run"].to_string();
    assert_eq!(code, 0, "{pushed}");
    change(&home, "UPDATE sync_runs SET started_at = '2020-01-01T00:00:00.000Z'");
    assert_eq!(exit(&home, &["sync"]).0, 0);
    assert_eq!(one(&home, "SELECT count(*) || '' FROM sync_runs"), "1", "the newest run is known");
    let (code, text) = exit(&home, &["undo", &run]);
    assert_eq!((code, text.contains("cannot be undone: the log is kept for 90 days.")), (2, true), "{text}");
    assert_eq!(city(&portal, &id).as_deref(), Some("Ours"));
}
