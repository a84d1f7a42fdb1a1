//! What trouble leaves of the mirror: locks, a full disk, a stop in the middle.

use super::fixture::{CONTACTS, Mirror, record, tables};
use crate::model::Record;
use crate::steps::Steps;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn page() -> Vec<Record> {
    (1..=100).map(|id| record(id, 5, &format!(r#"{{"email":"{id}@x.org","city":"{}"}}"#, "x".repeat(200)))).collect()
}

struct StopAt(AtomicUsize);

impl Steps for StopAt {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 { Err(name) } else { Ok(()) }
    }
}

#[tokio::test]
async fn p15_a_stop_before_the_commit_leaves_nothing_and_after_it_everything() {
    for (step, name, rows) in [(1, "store.begun", "0"), (2, "store.before_commit", "0"), (3, "store.committed", "100")]
    {
        let mirror = Mirror::with(&[CONTACTS], Arc::new(StopAt(AtomicUsize::new(step))));
        let stopped = mirror.apply(page()).await.unwrap_err();
        assert!(matches!(stopped, StoreError::Stopped(at) if at == name), "{stopped}");
        assert_eq!(mirror.one("SELECT count(*) FROM contacts"), rows, "{name}");
        assert_eq!(mirror.one("SELECT rows FROM sync_status"), rows, "{name}");
        assert_eq!(mirror.one("SELECT applying FROM sync_guard"), "0", "{name}");
    }
}

#[tokio::test]
async fn p37_a_full_disk_at_any_page_leaves_the_mirror_whole_and_a_later_try_succeeds() {
    let mirror = Mirror::new();
    let pages: i64 = mirror.one("PRAGMA page_count").parse().unwrap();
    for room in 0..24 {
        let limit = pages + room;
        mirror
            .handle
            .call(move |store| Ok(store.connection.pragma_update(None, "max_page_count", limit)?))
            .await
            .unwrap();
        if mirror.apply(page()).await.is_ok() {
            assert!(room > 5, "a hundred records need room");
            return;
        }
        let error = mirror.apply(page()).await.unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error}");
        assert_eq!(mirror.one("PRAGMA integrity_check"), "ok");
        assert_eq!(mirror.one("SELECT count(*) FROM contacts"), "0");
    }
    panic!("the page never found room");
}

#[test]
fn p37_a_full_disk_while_tables_are_made_is_told_as_such_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("crm.db")).unwrap();
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    for room in 0..24 {
        store.connection.pragma_update(None, "max_page_count", pages + room).unwrap();
        match store.prepare(tables(&[CONTACTS])) {
            Ok(()) => {
                assert!(room > 5, "tables and indexes need room");
                return;
            }
            Err(error) => assert!(matches!(error, StoreError::Full), "{error}"),
        }
        assert!(store.connection.is_autocommit());
        assert!(store.connection.prepare("SELECT 1 FROM contacts").is_err());
    }
    panic!("the tables never found room");
}

#[test]
fn tables_that_cannot_be_committed_are_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("crm.db")).unwrap();
    // A constraint that is looked at when the transaction ends.
    store
        .connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE parent (x PRIMARY KEY);
             CREATE TABLE child (x REFERENCES parent (x) DEFERRABLE INITIALLY DEFERRED);
             CREATE TEMP TRIGGER orphan AFTER INSERT ON main.sync_objects BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
    let error = store.prepare(tables(&[CONTACTS])).unwrap_err();
    assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
    assert!(store.connection.is_autocommit());
    store.connection.execute_batch("DROP TRIGGER orphan").unwrap();
    store.prepare(tables(&[CONTACTS])).unwrap();
}

#[test]
fn p35_tables_wait_for_the_lock_and_say_so_when_it_does_not_come_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    let mut store = Store::open(&path).unwrap();
    let person = rusqlite::Connection::open(&path).unwrap();
    person.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.prepare_within(tables(&[CONTACTS]), std::time::Duration::from_millis(1)).unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error}");
    person.execute_batch("COMMIT").unwrap();
    store.prepare(tables(&[CONTACTS])).unwrap();
}

#[tokio::test(start_paused = true)]
async fn p35_a_lock_that_comes_free_is_waited_for_and_one_that_does_not_is_told() {
    let mirror = Mirror::new();
    let person = mirror.person();
    person.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = mirror.apply(page()).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error}");

    let waiting = mirror.apply(page());
    let release = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        person.execute_batch("COMMIT").unwrap();
    };
    let (applied, ()) = tokio::join!(waiting, release);
    assert_eq!(applied.unwrap().inserted, 100);
}

#[tokio::test]
async fn p34_a_reader_sees_whole_transactions_and_is_not_blocked() {
    let mirror = Mirror::new();
    let reader = mirror.person();
    reader.busy_timeout(std::time::Duration::ZERO).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM contacts").unwrap();
    mirror.apply(page()).await.unwrap();
    let seen: i64 = reader.query_row("SELECT count(*) FROM contacts", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 0, "an open read keeps seeing what it began with");
    reader.execute_batch("COMMIT").unwrap();
    let seen: i64 = reader.query_row("SELECT count(*) FROM contacts", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 100);
}
