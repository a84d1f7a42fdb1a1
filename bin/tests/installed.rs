//! The real program on a simulated portal over HTTP, as somebody would install it: locks, tokens, kills, readers.

use crate::sealed::Sealed;
use crate::served::{Served, count, exit};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sync_core::store::RunLock;

#[test]
fn a_newcomers_sync_brings_everything_and_verify_agrees() {
    let portal = Served::new(120, Duration::ZERO, 1);
    let home = portal.home();
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    let mirror = home.path().join("crm.db");
    assert_eq!(
        usize::try_from(count(&mirror, "SELECT count(*) FROM contacts_active")).unwrap(),
        portal.active("contacts")
    );
    let verified = |words: &[&str]| {
        let output = home.command(words).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let alone = told.ends_with(" records compared: no difference.\n") && told.lines().count() == 1;
        assert!(output.status.success() && alone, "{told}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(verified(&["verify"]).contains("Comparing takes about "), "what it will cost is told beside the result");
    assert_eq!(verified(&["verify", "-q"]), "");
    let (code, status) = exit(&home, &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((code, status["objects"][1]["object"].as_str()), (0, Some("contacts")));

    // Somebody tampers with what the engine keeps: verify says so, twice looked at.
    let tamper = "UPDATE sync_base_contacts SET properties = json_set(properties, '$.city', 'Nowhere')
        WHERE _row = (SELECT min(_row) FROM sync_base_contacts WHERE state = 'active')";
    Connection::open(&mirror).unwrap().execute(tamper, []).unwrap();
    let (code, told) = exit(&home, &["verify", "contacts"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("Nowhere"), "{told}");
}

#[test]
fn p31_a_second_run_exits_75_at_once_and_the_holder_is_not_disturbed() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let lock = RunLock::take(&home.path().join("crm.db")).unwrap();
    let began = std::time::Instant::now();
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 75, "{told}");
    assert!(told.contains("another run is at work"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(lock);
    assert_eq!(exit(&home, &["sync"]).0, 0);
}

#[test]
fn p28_the_token_of_another_portal_exits_3_and_writes_nothing() {
    let (ours, other) = (Served::new(5, Duration::ZERO, 1), Served::new(5, Duration::ZERO, 2));
    let home = ours.home();
    assert_eq!(exit(&home, &["sync"]).0, 0);
    let mirror = home.path().join("crm.db");
    let content = "SELECT group_concat(id || updated_at) || (SELECT count(*) FROM sync_runs) FROM contacts";
    let seen =
        |path: &Path| -> String { Connection::open(path).unwrap().query_row(content, [], |row| row.get(0)).unwrap() };
    let (before, bytes) = (seen(&mirror), std::fs::read(&mirror).unwrap());
    for command in [["sync"], ["backfill"]] {
        let output = home
            .command(&command)
            .env("CRMSYNC_API_BASE", &other.address)
            .env("HUBSPOT_ACCESS_TOKEN", other.token())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("portal 1"));
    }
    assert_eq!(std::fs::read(&mirror).unwrap(), bytes, "the file was written");
    assert_eq!(seen(&mirror), before);
    assert_eq!(count(&mirror, "SELECT min(backfilled) FROM sync_status"), 1, "the backfill was not begun anew");

    let named = ours.home().file("crmsync.toml", "[portals.acme]\nportal_id = 2\n");
    let (code, told) = exit(&named, &["sync"]);
    assert_eq!(code, 3, "{told}");
    assert_eq!(count(&named.path().join("acme.db"), "SELECT count(*) FROM sync_runs"), 0);
}

#[test]
fn a_mirror_put_back_from_a_copy_is_told_once_and_is_right_again() {
    let portal = Served::new(40, Duration::ZERO, 1);
    let home = portal.home();
    let (mirror, copy) = (home.path().join("crm.db"), home.path().join("copy.db"));
    assert_eq!(exit(&home, &["pull"]).0, 0);
    std::fs::copy(&mirror, &copy).unwrap();
    {
        let mut portal = portal.portal.lock().unwrap_or_else(PoisonError::into_inner);
        portal.switches_mut().lag = simulator::Lag::none();
        let now = portal.records("contacts").map(|record| record.updated_at).max().unwrap() + 1;
        let ids = portal.active_ids("contacts");
        portal.edit(now, "contacts", ids[0], &[("city", "Later")]).unwrap();
        portal.archive(now, "contacts", ids[1]).unwrap();
    }
    assert_eq!(exit(&home, &["pull"]).0, 0);
    std::fs::copy(&copy, &mirror).unwrap();

    let (code, told) = exit(&home, &["pull"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("it was restored from a copy"), "the warning: {told}");
    assert!(told.contains("had been restored from an older copy"), "the summary: {told}");
    assert_eq!(exit(&home, &["verify"]).0, 0, "the mirror equals the portal");
    assert_eq!(count(&mirror, "SELECT count(*) FROM contacts WHERE city = 'Later'"), 1);

    let (code, told) = exit(&home, &["pull"]);
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains("restored"), "{told}");

    std::fs::copy(&copy, &mirror).unwrap();
    let output = home.command(&["pull", "--json"]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((document["restored"].as_bool(), document["exit_code"].as_i64()), (Some(true), Some(1)));
}

#[test]
fn s2_the_token_is_in_no_file_and_no_output_whatever_happens() {
    let portal = Served::new(30, Duration::ZERO, 1);
    let home = portal.home();
    let token = portal.token();
    let mut told = String::new();
    told += &exit(&home, &["sync", "-vv"]).1;
    told += &exit(&home, &["sync", "-vv", "--log-format", "json", "--json"]).1;
    told += &exit(&home, &["verify", "-vv"]).1;
    portal.portal.lock().unwrap_or_else(PoisonError::into_inner).expire_token(Some(0));
    let (code, refused) = exit(&home, &["sync", "-vv"]);
    assert_eq!(code, 4, "{refused}");
    told += &refused;
    told += &exit(&home, &["sync", "-vv", "--log-format", "json", "--json"]).1;
    assert!(!told.contains(&token), "{told}");
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

/// The credential is in the environment, and a command fails with everything it can say switched on.
#[test]
fn a_token_is_never_shown() {
    let token = "pat-na1-canary-0123456789";
    let sealed = Sealed::new().variable("HUBSPOT_ACCESS_TOKEN", token).variable("CRMSYNC_KEEP__LOG", token);
    for words in [&["sync", "-vv"][..], &["pull", "--json", "-vv", "--log-format", "json"], &["init", "-vv"]] {
        let seen = sealed.run(words);
        assert!(!seen.contains("canary"), "{seen}");
    }
}

#[test]
fn a_token_file_that_others_can_read_exits_2_and_one_that_they_cannot_works() {
    use std::os::unix::fs::PermissionsExt;
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = Sealed::new()
        .variable("CRMSYNC_API_BASE", &portal.address)
        .file("crmsync.toml", "[portals.acme]\ntoken_file = \"token\"\n")
        .file("token", &portal.token());
    let mode =
        |mode| std::fs::set_permissions(home.path().join("token"), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("chmod"), "{told}");
    mode(0o600);
    assert_eq!(exit(&home, &["sync"]).0, 0);
}

#[test]
fn a_broken_mapping_exits_2_with_file_and_line_before_any_call() {
    let home = Sealed::new()
        .variable("HUBSPOT_ACCESS_TOKEN", "pat-na1-0")
        .variable("CRMSYNC_API_BASE", "http://127.0.0.1:9")
        .file("crmsync.toml", "[portals.acme]\nmappings = \".\"\nobjects = [\"contacts\"]\n")
        .file("contacts.yaml", "object: contacts\ntable: contacts\nfields:\n  email: email\n  city: email\n");
    for command in ["sync", "mapping"] {
        let words: &[&str] = if command == "mapping" { &["mapping", "check"] } else { &["sync"] };
        let (code, told) = exit(&home, words);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains("contacts.yaml:5"), "{told}");
    }
}

#[test]
fn a_portal_that_cannot_be_reached_exits_75_when_patience_is_over() {
    let home = Sealed::new()
        .variable("HUBSPOT_ACCESS_TOKEN", "pat-na1-0")
        .variable("CRMSYNC_API_BASE", "http://127.0.0.1:9")
        .file("crmsync.toml", "[portals.acme.pull]\ngive_up_after = \"1s\"\n");
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 75, "{told}");
}

#[test]
fn a_reader_who_has_gone_changes_nothing_about_how_a_run_ends() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    assert_eq!(home.unread(&["sync"]).0, 0);
    Connection::open(home.path().join("crm.db")).unwrap().execute_batch("DROP TABLE tickets").unwrap();
    for words in [&["sync"][..], &["pull", "--json"], &["plan"]] {
        let (code, complaints) = home.unread(words);
        assert_eq!(code, 3, "{words:?}: {complaints}");
        assert!(complaints.contains("error: tickets: "), "{words:?}: {complaints}");
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crmsync"))
        .args(["completions", "zsh"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_something_to_try_again() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_crmsync"))
        .args(["completions", "bash"])
        .env_clear()
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(75));
}

#[test]
fn a_setting_that_has_no_effect_yet_is_told_once() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home().file("crmsync.toml", "[portals.default]\nlists = [\"Customers\"]\n");
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!((code, told.matches("`lists` of portal default has no effect yet").count()), (0, 1), "{told}");
}

/// A connection of somebody who uses the mirror, once a run has made its tables.
fn user_of(mirror: &Path) -> Connection {
    loop {
        let ready = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'contacts_raw')";
        if mirror.exists()
            && let Ok(user) = Connection::open(mirror)
            && user.query_row(ready, [], |row| row.get(0)) == Ok(true)
        {
            user.busy_timeout(Duration::from_secs(5)).unwrap();
            return user;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn p34_readers_see_whole_pages_and_an_analysts_writes_succeed_during_a_backfill() {
    let portal = Served::new(4_950, Duration::from_millis(2), 1);
    let home = portal.home();
    let mirror = home.path().join("crm.db");
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut reader = user_of(&mirror);
            // A reader never waits.
            reader.busy_timeout(Duration::ZERO).unwrap();
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let look = reader.transaction().unwrap();
                let count = |sql: &str| -> i64 { look.query_row(sql, [], |row| row.get(0)).unwrap() };
                let rows = count("SELECT count(*) FROM contacts");
                assert_eq!(rows, count("SELECT rows FROM sync_status WHERE object = 'contacts'"));
                assert_eq!(rows, count("SELECT count(*) FROM sync_base_contacts"));
                assert!(rows % 100 == 0 || rows == 4_950, "half a page was seen: {rows} rows");
                seen.insert(rows);
            }
            seen.len()
        });
        let analyst = threads.spawn(|| {
            let analyst = user_of(&mirror);
            let mut edits = 0;
            while !done.load(Ordering::SeqCst) {
                let edit = "UPDATE contacts SET city = ?1 WHERE _row = (SELECT min(_row) FROM contacts_active)";
                edits += analyst.execute(edit, [format!("Oslo {edits}")]).unwrap();
            }
            edits
        });
        let (code, told) = exit(&home, &["sync"]);
        done.store(true, Ordering::SeqCst);
        assert_eq!(code, 0, "{told}");
        let (looks, edits) = (reader.join().unwrap(), analyst.join().unwrap());
        assert!(looks > 5 && edits > 5, "{looks} states were seen, {edits} edits made: too few to tell");
    });
    assert_eq!(count(&mirror, "SELECT count(*) FROM contacts"), 4_950);
    let kept = count(&mirror, "SELECT count(*) FROM contacts WHERE city LIKE 'Oslo %'");
    assert_eq!(kept, 1, "the analyst's last edit survived the backfill");
}

#[test]
fn p18_a_process_killed_again_and_again_still_ends_with_everything() {
    let portal = Served::new(2_000, Duration::from_millis(20), 1);
    let home = portal.home();
    let mirror = home.path().join("crm.db");
    let rows = || -> i64 {
        let Ok(user) = Connection::open(&mirror) else { return 0 };
        user.query_row("SELECT count(*) FROM contacts", [], |row| row.get(0)).unwrap_or(0)
    };
    // Once before there is anything, then wherever it is when some hundreds more have come.
    for wanted in [0, 1, 300, 301, 700, 1_100] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_crmsync"))
            .env_clear()
            .current_dir(home.path())
            .arg("sync")
            .env("CRMSYNC_API_BASE", &portal.address)
            .env("HUBSPOT_ACCESS_TOKEN", portal.token())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::park_timeout(Duration::from_millis(60));
        while rows() < wanted {
            assert_eq!(run.try_wait().unwrap(), None, "the run ended before it could be killed");
        }
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(rows() < 2_000, "the backfill was over before it could be killed");
        assert_eq!(exit(&home, &["verify", "contacts"]).0, 2, "what is not read in full is not compared");
        assert_eq!(exit(&home, &["status"]).0, 0);
    }
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(
        usize::try_from(count(&mirror, "SELECT count(*) FROM contacts_active")).unwrap(),
        portal.active("contacts")
    );
    let (code, told) = exit(&home, &["verify"]);
    assert_eq!(code, 0, "{told}");
    let whole: String =
        Connection::open(&mirror).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}

#[test]
fn p31_a_run_that_hangs_keeps_others_out_until_it_is_killed() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home();
    let hang = simulator::FaultKind::TimeoutBefore;
    portal.portal.lock().unwrap_or_else(PoisonError::into_inner).inject(hang, simulator::When::next(1));
    let mut first = Command::new(env!("CARGO_BIN_EXE_crmsync"))
        .env_clear()
        .current_dir(home.path())
        .arg("sync")
        .env("CRMSYNC_API_BASE", &portal.address)
        .env("HUBSPOT_ACCESS_TOKEN", portal.token())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while portal.portal.lock().unwrap_or_else(PoisonError::into_inner).calls().total == 0 {
        assert_eq!(first.try_wait().unwrap(), None, "the first run has ended");
    }
    let began = std::time::Instant::now();
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 75, "{told}");
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(exit(&home, &["sync"]).0, 0, "the lock outlived its process");
}
