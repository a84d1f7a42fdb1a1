//! Work that is handed over at about the same time shares a transaction, and nothing else.

use super::fixture::{CONTACTS, Mirror, record};
use crate::model::Record;
use crate::steps::Steps;
use crate::store::{Applied, StoreError, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Notes every step, and stops at one from its nth passing on.
#[derive(Default)]
struct Noted {
    passed: Mutex<Vec<&'static str>>,
    stop: Option<(&'static str, AtomicUsize)>,
}

impl Steps for Noted {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        self.passed.lock().unwrap().push(name);
        match &self.stop {
            Some((step, left)) if *step == name && left.fetch_sub(1, Ordering::SeqCst) == 1 => Err(name),
            _ => Ok(()),
        }
    }
}

impl Noted {
    fn commits(&self) -> usize {
        self.passed.lock().unwrap().iter().filter(|step| **step == "store.committed").count()
    }
}

fn page(ids: std::ops::Range<u64>) -> Vec<Record> {
    ids.map(|id| record(id, 5, &format!(r#"{{"city":"{}"}}"#, "x".repeat(200)))).collect()
}

fn put(write: &Write<'_>, id: u64) -> Result<Applied, StoreError> {
    write.apply(&*write.table("contacts")?, &page(id..id + 1))
}

#[tokio::test(start_paused = true)]
async fn p35_what_waits_during_the_gap_is_written_in_one_transaction_and_in_order() {
    let steps = Arc::new(Noted::default());
    let mirror = Mirror::with(&[CONTACTS], Arc::clone(&steps) as Arc<dyn Steps>);
    let work = |id| mirror.handle.write(move |write| put(write, id));
    let durable = mirror.handle.write_durably(|write| put(write, 4));
    let (a, b, c, d, e) = tokio::join!(work(1), work(2), work(3), durable, work(5));
    for applied in [a, b, c, d, e] {
        assert_eq!(applied.unwrap().inserted, 1);
    }
    assert_eq!(steps.commits(), 2, "the first one found nobody waiting");
    assert_eq!(mirror.one("SELECT group_concat(id) FROM (SELECT id FROM contacts ORDER BY _row)"), "1,2,3,4,5");
    assert_eq!(mirror.one("SELECT applying FROM sync_guard"), "0");
}

#[tokio::test(start_paused = true)]
async fn p15_a_piece_that_fails_leaves_nothing_and_lets_the_others_be() {
    let steps = Arc::new(Noted::default());
    let mirror = Mirror::with(&[CONTACTS], Arc::clone(&steps) as Arc<dyn Steps>);
    mirror.apply(page(1..2)).await.unwrap();
    let fails = mirror.handle.write(|write| -> Result<(), StoreError> {
        put(write, 3)?;
        Err(StoreError::Unusable("this one".to_owned()))
    });
    let work = |id| mirror.handle.write(move |write| put(write, id));
    let (before, failed, after) = tokio::join!(work(2), fails, work(4));
    assert!(before.is_ok() && after.is_ok());
    assert_eq!(failed.unwrap_err().to_string(), "this one");
    assert_eq!(steps.commits(), 2);
    assert_eq!(mirror.one("SELECT group_concat(id) FROM (SELECT id FROM contacts ORDER BY id)"), "1,2,4");
    assert_eq!(mirror.one("SELECT rows FROM sync_status"), "3");
}

#[tokio::test(start_paused = true)]
async fn a_piece_that_fails_is_told_its_own_error_whether_it_was_alone_or_not() {
    let mirror = Mirror::new();
    let broken = || mirror.apply(vec![record(7, 5, "[]")]);
    for _ in 0..2 {
        let (alone_at_first, together) = tokio::join!(broken(), broken());
        for error in [alone_at_first.unwrap_err(), together.unwrap_err()] {
            assert!(matches!(error, StoreError::Record(_)), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p37_a_full_disk_fails_everything_that_shared_the_transaction() {
    let mirror = Mirror::new();
    mirror.apply(page(1..2)).await.unwrap();
    let pages: i64 = mirror.one("PRAGMA page_count").parse().unwrap();
    let limit = pages + 4;
    mirror.handle.call(move |store| Ok(store.connection.pragma_update(None, "max_page_count", limit)?)).await.unwrap();
    let (one, many, another) =
        tokio::join!(mirror.apply(page(2..3)), mirror.apply(page(3..200)), mirror.apply(page(200..201)));
    for outcome in [one.map(|_| ()), many.map(|_| ()), another.map(|_| ())] {
        assert!(matches!(outcome, Err(StoreError::Full)), "{outcome:?}");
    }
    assert_eq!(mirror.one("SELECT count(*) FROM contacts"), "1");
    assert_eq!(mirror.one("PRAGMA integrity_check"), "ok");
    mirror.apply(page(2..3)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn p15_a_stop_within_or_after_a_piece_is_a_stop_for_all_that_shared_the_transaction() {
    for (step, nth, rows) in [("store.here", 2, "1"), ("store.before_commit", 2, "1"), ("store.committed", 2, "4")] {
        let stop = Some((step, AtomicUsize::new(nth)));
        let mirror = Mirror::with(&[CONTACTS], Arc::new(Noted { stop, ..Noted::default() }));
        mirror.apply(page(1..2)).await.unwrap();
        let work = |id| {
            mirror.handle.write(move |write| {
                put(write, id)?;
                write.step("store.here")
            })
        };
        let (two, three, four) = tokio::join!(work(2), work(3), work(4));
        for outcome in [two, three, four] {
            assert!(matches!(outcome, Err(StoreError::Stopped(at)) if at == step), "{step}: {outcome:?}");
        }
        assert_eq!(mirror.one("SELECT count(*) FROM contacts"), rows, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_is_not_done() {
    let mirror = Mirror::new();
    mirror.apply(page(1..2)).await.unwrap();
    let gone = tokio::time::timeout(std::time::Duration::from_millis(1), mirror.apply(page(2..3))).await;
    assert!(gone.is_err(), "it was still waiting for the gap to end");
    mirror.apply(page(3..4)).await.unwrap();
    assert_eq!(mirror.one("SELECT group_concat(id) FROM (SELECT id FROM contacts ORDER BY id)"), "1,3");
}
