//! Tools that have never heard of the engine write into its tables, between runs: here Python's own SQLite, of whatever
//! version, and what a data frame does with it.

use crate::sealed::Sealed;
use crate::served::{Served, count, exit};
use simulator::{Settings, Tier};
use std::path::Path;
use std::process::Command;

/// A script beside this file, run on the mirror.
fn python(home: &Sealed, script: &str, words: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(script);
    let output = Command::new("python3")
        .arg(path)
        .arg(home.path().join("crm.db"))
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("python3 is needed: {error}"));
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn portal() -> Served {
    let start = chrono::Utc::now().timestamp_millis();
    Served::of(Settings { start, tier: Tier::Unlimited, ..Settings::sized(30, 8, 6, 4) })
}

fn synced(portal: &Served) -> Sealed {
    let home = portal.home().file("crmsync.toml", "[portals.default.push]\nenabled = true\n");
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    home
}

/// Some active records, as texts.
fn ids(portal: &Served, many: usize) -> Vec<String> {
    portal.lock().active_ids("contacts").iter().take(many).map(u64::to_string).collect()
}

fn city(portal: &Served, id: &str) -> Option<String> {
    portal.lock().record("contacts", id.parse().unwrap()).unwrap().text("city")
}

#[test]
fn contract_every_kind_of_edit_by_pythons_sqlite_is_sent_and_nothing_else() {
    let portal = portal();
    let home = synced(&portal);
    let mirror = home.path().join("crm.db");
    let ids = ids(&portal, 5);
    let before = portal.active("contacts");
    python(&home, "edits.py", &ids);
    let (code, told) = exit(&home, &["sync"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("1 deleted row of contacts came back"), "{told}");
    for (id, wanted) in ids.iter().zip([Some("Updated"), Some("Replaced"), None, None, Some("Recursive")]) {
        if let Some(wanted) = wanted {
            assert_eq!(city(&portal, id).as_deref(), Some(wanted));
        }
    }
    assert_eq!(portal.active("contacts"), before, "one more and one archived");
    assert!(!portal.lock().active_ids("contacts").contains(&ids[3].parse().unwrap()));
    assert_eq!(count(&mirror, "SELECT count(*) FROM companies WHERE city = 'Bulk'"), 8);
    assert_eq!(count(&mirror, "SELECT count(*) FROM contacts WHERE _uid = 'order 7' AND id IS NOT NULL"), 1);
    assert_eq!(count(&mirror, "SELECT sum(many) FROM my_view"), 31);
    assert!(count(&mirror, "SELECT count(*) FROM contacts_active WHERE my_note = 'kept'") >= 28);
    let (code, told) = exit(&home, &["verify"]);
    assert_eq!(code, 0, "{told}");
    let (code, told) = exit(&home, &["plan", "--full", "--exit-code"]);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn p30_a_table_that_a_data_frame_replaced_stops_its_object_until_it_is_repaired() {
    let portal = portal();
    let home = synced(&portal);
    let mirror = home.path().join("crm.db");
    let id = ids(&portal, 7).pop().unwrap();
    python(&home, "frame.py", &["contacts".to_owned(), id.clone()]);
    let said = |words: &[&str]| {
        let (code, told) = exit(&home, words);
        assert!(told.contains("contacts") && told.contains("doctor --repair"), "{words:?}: {told}");
        code
    };
    let codes = [said(&["sync"]), said(&["push"]), said(&["plan"]), said(&["status"]), said(&["doctor"])];
    assert_eq!(codes, [3, 3, 3, 0, 3]);
    assert_eq!(exit(&home, &["sync", "deals"]).0, 0, "other objects go on");
    assert_ne!(city(&portal, &id).as_deref(), Some("Framed"));
    let (code, told) = exit(&home, &["doctor", "--repair"]);
    assert_eq!(code, 0, "{told}");
    for words in ["contacts_replaced_1 (31 rows)", "1 value in 1 row", "1 row without an id"] {
        assert!(told.contains(words), "{told}");
    }
    let (_, told) = exit(&home, &["plan", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&told).unwrap();
    let contacts = plan["objects"].as_array().unwrap().iter().find(|part| part["object"] == "contacts").unwrap();
    assert_eq!(contacts["updates"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(contacts["updates"][0]["fields"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(exit(&home, &["sync"]).0, 0);
    assert_eq!(city(&portal, &id).as_deref(), Some("Framed"));
    assert_eq!(portal.active("contacts"), 31);
    assert_eq!(exit(&home, &["verify"]).0, 0);
    assert_eq!(count(&mirror, "SELECT count(*) FROM contacts_replaced_1"), 31);
    let (code, told) = exit(&home, &["doctor", "--repair"]);
    assert!(code == 0 && told.starts_with("Nothing had to be repaired."), "{told}");
}
