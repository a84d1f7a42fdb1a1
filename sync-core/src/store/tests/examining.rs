//! What a look from outside finds, and what a copy holds.

use super::fixture::{CONTACTS, Mirror, record, schema};
use crate::store::{Examination, RunLock, Store, StoreError};
use mappings::Mapping;

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","score":"7"}"#;

async fn with_ann() -> Mirror {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 6, "{}")]).await.unwrap();
    mirror.handle.write(|write| write.save_properties("contacts", &schema())).await.unwrap();
    mirror
}

fn examined(mirror: &Mirror, yaml: &str) -> Examination {
    let mapping = Mapping::parse("test.yaml", yaml).unwrap();
    Store::examine(&mirror.path(), &[mapping]).unwrap().unwrap()
}

#[tokio::test]
async fn a_mirror_as_the_engine_leaves_it_has_no_findings() {
    let mirror = with_ann().await;
    let found = examined(&mirror, CONTACTS);
    assert_eq!(found.version.0, found.version.1);
    assert!(found.damage.is_empty() && found.displaced.is_empty() && !found.guard_open, "{found:?}");
    let table = &found.tables[0];
    assert_eq!((table.object.as_str(), table.table.as_str()), ("contacts", "contacts"));
    assert_eq!(
        (&table.altered, table.remapped, table.rows_without_base, table.bases_without_row),
        (&None, false, 0, 0)
    );
}

#[tokio::test]
async fn what_somebody_changed_is_named_and_examining_changes_nothing() {
    let mirror = with_ann().await;
    let person = mirror.person();
    person
        .execute_batch(
            "DROP TRIGGER sync_contacts_key; DROP VIEW contacts_raw; DROP VIEW contacts_active;
             CREATE VIEW contacts_active AS SELECT 'mine';
             DELETE FROM sync_base_contacts WHERE id = '1'; DELETE FROM contacts WHERE id = '2';",
        )
        .unwrap();
    for _ in 0..2 {
        let found = examined(&mirror, CONTACTS);
        // A person's own view under our name is not ours to miss.
        assert_eq!(found.displaced, ["contacts_raw", "sync_contacts_key"]);
        assert_eq!((found.tables[0].rows_without_base, found.tables[0].bases_without_row), (1, 1));
    }
    // Another mapping is no fault of the triggers: they follow it in the next run.
    let found = examined(&mirror, &CONTACTS.replace("city: city", "city: town"));
    assert!(found.tables[0].remapped && found.displaced.is_empty(), "{found:?}");
    person.execute_batch("DROP TABLE contacts").unwrap();
    assert_eq!(examined(&mirror, CONTACTS).tables[0].altered.as_deref(), Some("it is gone"));
}

#[test]
fn before_any_table_is_made_no_trigger_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    drop(Store::open(&path).unwrap());
    let mapping = Mapping::parse("test.yaml", CONTACTS).unwrap();
    let found = Store::examine(&path, &[mapping]).unwrap().unwrap();
    assert!(found.tables.is_empty() && found.displaced.is_empty(), "{found:?}");
    assert!(!folder.path().join("crm.db.lock").exists(), "looking makes no file");
}

#[tokio::test]
async fn p10_a_mirror_that_does_not_know_of_the_last_run_is_told_until_a_run_has_noticed() {
    let mirror = with_ann().await;
    let begin = |known| mirror.handle.write(move |write| write.begin_run("pull", known));
    let note = |run| RunLock::take(&mirror.path()).unwrap().note_run(run).unwrap();
    note(7);
    assert_eq!(examined(&mirror, CONTACTS).behind, None, "a mirror without any run is new");
    assert_eq!(begin(None).await.unwrap(), 1);
    assert_eq!(examined(&mirror, CONTACTS).behind, Some(7));
    let at_work = RunLock::take(&mirror.path()).unwrap();
    assert_eq!(examined(&mirror, CONTACTS).behind, None, "that run has noticed");
    drop(at_work);
    assert_eq!(begin(Some(7)).await.unwrap(), 8);
    note(8);
    assert_eq!(examined(&mirror, CONTACTS).behind, None);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_told_by_its_version() {
    let mirror = with_ann().await;
    let newer =
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (9999, 'x', 'x', '1')";
    mirror.person().execute(newer, []).unwrap();
    assert_eq!(examined(&mirror, CONTACTS).version.0, 9_999);
}

#[tokio::test]
async fn a_copy_keeps_handles_hints_and_who_owns_it_while_somebody_writes() {
    let mirror = with_ann().await;
    let person = mirror.person();
    person.execute_batch("UPDATE contacts SET city = 'Oslo' WHERE id = '1'; BEGIN IMMEDIATE").unwrap();
    person.execute("UPDATE contacts SET city = 'Bergen' WHERE id = '2'", []).unwrap();
    let copy = mirror.folder.path().join("copy.db");
    let made = Store::snapshot(&mirror.path(), &copy).unwrap().unwrap();
    assert_eq!(made.rows, [("contacts".to_owned(), 2)]);
    assert_eq!(made.bytes, copy.metadata().unwrap().len());
    person.execute_batch("COMMIT").unwrap();
    let copied = rusqlite::Connection::open(&copy).unwrap();
    let seen: String = copied
        .query_row(
            "SELECT group_concat(coalesce(city, '-')) || (SELECT count(*) FROM sync_touched) FROM contacts",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(seen, "Oslo,-1", "what was not committed is not in it");
    let of = |name: &str| {
        let pragma = format!("PRAGMA {name}");
        copied.query_row(&pragma, [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
    };
    assert_eq!(of("journal_mode"), "delete".to_owned().into(), "it needs no other file");
    assert_eq!(of("application_id"), mirror.person().query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap());
    drop(copied);
    drop(Store::open(&copy).unwrap());
}

#[tokio::test]
async fn a_copy_of_a_damaged_mirror_is_refused_and_leaves_nothing() {
    let mirror = with_ann().await;
    let many = (10..4_000).map(|id| record(id, 7, ANN)).collect();
    mirror.apply(many).await.unwrap();
    mirror.person().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut bytes = std::fs::read(mirror.path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8_192].fill(0x5a);
    std::fs::write(mirror.path(), bytes).unwrap();
    let damage = examined(&mirror, CONTACTS).damage;
    assert!(!damage.is_empty() && damage.iter().all(|finding| !finding.contains('\n')), "{damage:?}");
    let folder = mirror.folder.path().join("kept");
    std::fs::create_dir(&folder).unwrap();
    let error = Store::snapshot(&mirror.path(), &folder.join("copy.db")).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}
