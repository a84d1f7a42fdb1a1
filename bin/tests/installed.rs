//! The real program on a simulated portal over HTTP, as somebody would install it: locks, tokens, kills, readers.

use crate::sealed::Sealed;
use rusqlite::Connection;
use simulator::http::{SharedPortal, serve, share};
use simulator::{Portal, Settings, Tier};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use sync_core::store::RunLock;

/// A portal behind HTTP, for as long as this lives.
struct Served {
    portal: SharedPortal,
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    fn new(contacts: usize, latency: Duration, portal_id: u64) -> Self {
        let settings = Settings { tier: Tier::Unlimited, latency, portal_id, ..Settings::sized(contacts, 20, 20, 10) };
        let start = settings.start;
        let portal = share(Portal::new(settings));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let began = std::time::Instant::now();
        let clock = move || start + i64::try_from(began.elapsed().as_millis()).unwrap();
        let served = Arc::clone(&portal);
        runtime.spawn(async move {
            serve(listener, served, clock, std::future::pending()).await.unwrap();
        });
        Self { portal, address, _runtime: runtime }
    }

    fn token(&self) -> String {
        self.portal.lock().unwrap_or_else(PoisonError::into_inner).token().to_owned()
    }

    fn active(&self, object: &str) -> usize {
        self.portal.lock().unwrap_or_else(PoisonError::into_inner).active_ids(object).len()
    }

    /// A directory whose environment leads here.
    fn home(&self) -> Sealed {
        Sealed::new().variable("CRMSYNC_API_BASE", &self.address).variable("HUBSPOT_ACCESS_TOKEN", &self.token())
    }
}

fn exit(home: &Sealed, words: &[&str]) -> (i32, String) {
    let output = home.command(words).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn count(mirror: &Path, sql: &str) -> i64 {
    let connection = Connection::open(mirror).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

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
    assert_eq!(exit(&home, &["verify"]).0, 0);
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
    let before = seen(&mirror);
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
    assert_eq!(seen(&mirror), before);
    assert_eq!(count(&mirror, "SELECT min(backfilled) FROM sync_status"), 1, "the backfill was not begun anew");

    let named = ours.home().file("crmsync.toml", "[portals.acme]\nportal_id = 2\n");
    let (code, told) = exit(&named, &["sync"]);
    assert_eq!(code, 3, "{told}");
    assert_eq!(count(&named.path().join("acme.db"), "SELECT count(*) FROM sync_runs"), 0);
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
    assert!(!told.contains(&token), "{told}");
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "{}", path.display());
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
fn p34_readers_and_an_analysts_writes_go_on_during_a_backfill() {
    let portal = Served::new(4_000, Duration::from_millis(2), 1);
    let home = portal.home();
    // Once, so that the tables are there; then everything again while others are at work.
    assert_eq!(exit(&home, &["sync"]).0, 0);
    let mirror = home.path().join("crm.db");
    let done = Arc::new(AtomicBool::new(false));
    let open = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection
    };
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let reader = open(&mirror);
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) {
                let whole: bool = reader
                    .query_row(
                        "SELECT (SELECT count(*) FROM contacts) = (SELECT rows FROM sync_status WHERE object = 'contacts')
                         AND (SELECT count(*) FROM contacts) = (SELECT count(*) FROM sync_base_contacts)",
                        [],
                        |row| row.get(0),
                    )
                    .unwrap();
                assert!(whole, "half a page was seen");
                looks += 1;
            }
            looks
        });
        let analyst = threads.spawn(|| {
            let analyst = open(&mirror);
            let mut edits = 0;
            while !done.load(Ordering::SeqCst) {
                let edit = "UPDATE contacts SET city = ?1 WHERE _row = (SELECT min(_row) FROM contacts_active)";
                edits += analyst.execute(edit, [format!("Oslo {edits}")]).unwrap();
            }
            edits
        });
        let (code, told) = exit(&home, &["backfill", "--restart"]);
        done.store(true, Ordering::SeqCst);
        assert_eq!(code, 0, "{told}");
        assert!(reader.join().unwrap() > 0 && analyst.join().unwrap() > 0);
    });
    let kept = count(&mirror, "SELECT count(*) FROM contacts WHERE city LIKE 'Oslo %'");
    assert_eq!(kept, 1, "the analyst's last edit survived the backfill");
}

#[test]
fn p18_a_process_killed_again_and_again_still_ends_with_everything() {
    let portal = Served::new(1_500, Duration::from_millis(15), 1);
    let home = portal.home();
    let mirror = home.path().join("crm.db");
    for after in [120, 260, 90, 400, 180] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_crmsync"));
        command
            .env_clear()
            .current_dir(home.path())
            .arg("sync")
            .env("CRMSYNC_API_BASE", &portal.address)
            .env("HUBSPOT_ACCESS_TOKEN", portal.token())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        // The moment does not matter: whatever it hits must be survived.
        std::thread::park_timeout(Duration::from_millis(after));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(
        usize::try_from(count(&mirror, "SELECT count(*) FROM contacts_active")).unwrap(),
        portal.active("contacts")
    );
    assert_eq!(exit(&home, &["verify"]).0, 0);
    let whole: String =
        Connection::open(&mirror).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}
