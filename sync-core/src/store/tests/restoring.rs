//! How a mirror that was put back from an older copy is told from one that was not.

use super::fixture::{Mirror, at};
use crate::events::Phase;
use crate::store::{ObjectStatus, Walk};

async fn begin(mirror: &Mirror, known: Option<i64>) -> i64 {
    mirror.handle.write(move |write| write.begin_run("pull", known)).await.unwrap()
}

async fn marks(mirror: &Mirror) -> (bool, Option<i64>) {
    mirror.handle.call(|store| Ok((store.is_restored()?, store.restored_in_run()?))).await.unwrap()
}

#[tokio::test]
async fn a_mirror_that_knows_of_the_last_run_was_not_restored() {
    let mirror = Mirror::new();
    // A new mirror, where another one was before; one without a note; one whose last note was not written.
    for (known, run) in [(Some(40), 41), (None, 42), (Some(42), 43), (Some(42), 44)] {
        assert_eq!(begin(&mirror, known).await, run);
        assert_eq!(marks(&mirror).await, (false, None), "run {run}");
    }
}

#[tokio::test]
async fn a_mirror_that_does_not_is_read_in_full_before_the_first_mark_goes_and_the_second_stays() {
    let mirror = Mirror::new();
    assert_eq!(begin(&mirror, None).await, 1);
    let read = ObjectStatus { backfilled: true, watermark: Some(at(0)), ..ObjectStatus::default() };
    let (full, walk) = (read.clone(), Walk::new(at(0)));
    mirror
        .handle
        .write(move |write| {
            write.save_status("contacts", &full)?;
            write.save_walk("contacts", Phase::Fast, &walk)
        })
        .await
        .unwrap();
    assert_eq!(begin(&mirror, Some(9)).await, 10);
    assert_eq!(marks(&mirror).await, (true, Some(10)));
    let status = mirror.handle.call(|store| store.object_status("contacts")).await.unwrap();
    assert!(!status.backfilled && status.watermark.is_some(), "rows and progress stay, the next read is a full one");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_cursors"), "0");

    // A kill before the number was noted, and a run that did not come to the end.
    assert_eq!(begin(&mirror, Some(9)).await, 11);
    let all = ["contacts".to_owned()];
    let forgotten = mirror.handle.write({
        let all = all.clone();
        move |write| write.forget_restored(&all)
    });
    assert!(!forgotten.await.unwrap());
    assert_eq!(marks(&mirror).await, (true, Some(10)), "it is restored once, however many runs that takes");

    mirror.handle.write(move |write| write.save_status("contacts", &read)).await.unwrap();
    assert!(mirror.handle.write(move |write| write.forget_restored(&all)).await.unwrap());
    assert_eq!(marks(&mirror).await, (false, Some(10)));
}
