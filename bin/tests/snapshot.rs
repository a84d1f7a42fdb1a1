//! `crmsync snapshot`: a copy that can be trusted, taken at any time.

use crate::served::{Served, count, exit};
use rusqlite::Connection;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_snapshot_is_one_private_whole_file_that_serves_as_a_mirror() {
    let portal = Served::new(40, Duration::ZERO, 1);
    let home = portal.home();
    assert_eq!(exit(&home, &["sync"]).0, 0);
    std::fs::create_dir(home.path().join("kept")).unwrap();
    let (code, told) = exit(&home, &["snapshot", "kept/copy.db", "--json"]);
    assert_eq!(code, 0, "{told}");
    let document: Value = serde_json::from_str(&told).unwrap();
    let copy = home.path().join("kept/copy.db");
    assert_eq!(document["bytes"].as_u64(), Some(copy.metadata().unwrap().len()));
    assert_eq!(document["rows"].as_u64(), Some(40 + 20 + 20 + 10));
    assert_eq!(names(&home.path().join("kept")), ["copy.db"], "something is left beside the copy");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777 & !0o640, 0);
    let whole: String =
        Connection::open(&copy).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    assert_eq!(count(&copy, "SELECT count(*) FROM contacts_active"), 40);
    // It goes on where the mirror was.
    let home = home.file("crmsync.toml", "[portals.default]\nmirror = \"kept/copy.db\"\n");
    let (code, told) = exit(&home, &["sync", "--json"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(exit(&home, &["verify"]).0, 0);
}

#[test]
fn a_file_that_is_there_is_named_and_stays_as_it_was() {
    let portal = Served::new(5, Duration::ZERO, 1);
    let home = portal.home().file("precious", "mine");
    assert_eq!(exit(&home, &["sync"]).0, 0);
    std::os::unix::fs::symlink("nowhere", home.path().join("link")).unwrap();
    for taken in ["precious", "crm.db", "link"] {
        let (code, told) = exit(&home, &["snapshot", taken]);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(taken), "{told}");
    }
    assert_eq!(std::fs::read(home.path().join("precious")).unwrap(), b"mine");
    let (code, told) = exit(&home, &["snapshot", "no/such/folder.db"]);
    assert_eq!((code, told.contains("no/such/folder.db")), (2, true), "{told}");
    assert!(names(home.path()).iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn without_a_mirror_there_is_nothing_to_copy_and_none_is_made() {
    let home = crate::sealed::Sealed::new();
    let (code, told) = exit(&home, &["snapshot", "copy.db"]);
    assert_eq!(code, 2, "{told}");
    assert!(names(home.path()).is_empty());
}

#[test]
fn a_snapshot_taken_during_a_backfill_holds_whole_pages_and_holds_nobody_up() {
    let portal = Served::new(4_950, Duration::from_millis(2), 1);
    let home = portal.home();
    let mirror = home.path().join("crm.db");
    let taken = std::thread::scope(|threads| {
        let run = threads.spawn(|| exit(&home, &["sync"]));
        let mut taken = Vec::new();
        while !run.is_finished() {
            let name = format!("copy{}.db", taken.len());
            let (code, told) = exit(&home, &["snapshot", &name]);
            // Before the run has made the mirror there is none.
            assert!(code == 0 || (code == 2 && taken.is_empty()), "{told}");
            if code == 0 {
                taken.push(home.path().join(name));
            }
        }
        let (code, told) = run.join().unwrap();
        assert_eq!(code, 0, "{told}");
        taken
    });
    for copy in &taken {
        let made = count(copy, "SELECT count(*) FROM sqlite_master WHERE name = 'sync_base_contacts'");
        if made == 1 {
            let rows = count(copy, "SELECT count(*) FROM contacts");
            assert_eq!(rows, count(copy, "SELECT rows FROM sync_status WHERE object = 'contacts'"));
            assert_eq!(rows, count(copy, "SELECT count(*) FROM sync_base_contacts"));
        }
    }
    assert!(!taken.is_empty(), "the run was over before a copy was taken");
    assert_eq!(count(&mirror, "SELECT count(*) FROM contacts"), 4_950);
}
