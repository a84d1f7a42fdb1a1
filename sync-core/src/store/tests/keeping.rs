//! What is logged is kept for a while, and then forgotten a run at a time.

use super::fixture::{Mirror, Noon};
use crate::clock::Clock;
use crate::model::Timestamp;
use std::time::Duration;

const DAY: i64 = 24 * 3_600_000;
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);

/// A mirror with runs that began so many days before the current one, whose number follows. Each logged a value of either side,
/// a settled entry of each journal, and a resolved conflict.
async fn logged(days_ago: &[i64]) -> Mirror {
    let mirror = Mirror::new();
    let person = mirror.person();
    let now = Noon.now().millis();
    for (run, ago) in (1..).zip(days_ago) {
        let began = Timestamp::from_millis(now - ago * DAY).to_string();
        person
            .execute_batch(&format!(
                "INSERT INTO sync_runs (id, command, started_at) VALUES ({run}, 'sync', '{began}');
                 INSERT INTO sync_history (run_id, at, object, record_id, property, side)
                 VALUES ({run}, '{began}', 'contacts', '1', 'city', 'mirror'),
                        ({run}, '{began}', 'contacts', '1', 'city', 'hubspot');
                 INSERT INTO sync_journal (run_id, object, operation, trace, row_handle, uid, properties, seen_at, sent_at, settled_at)
                 VALUES ({run}, 'contacts', 'update', 't{run}', 1, 'u', '{{}}', 0, '{began}', '{began}');
                 INSERT INTO sync_journal_links (run_id, operation, from_object, from_id, to_object, to_id, base, wanted,
                 sent_at, settled_at) VALUES ({run}, 'set', 'contacts', '1', 'companies', '2', '[]', '[]', '{began}', '{began}');
                 INSERT INTO sync_conflicts (object, record_id, property, kind, chosen, run_id, created_at, resolved_at)
                 VALUES ('contacts', '1', 'city', 'both_changed', 'local', {run}, '{began}', '{began}');"
            ))
            .unwrap();
    }
    let run = mirror.handle.write(|write| write.begin_run("sync", None)).await.unwrap();
    mirror
        .handle
        .call(move |store| {
            store.belong_to_run(run)?;
            Ok(())
        })
        .await
        .unwrap();
    mirror
}

/// Forgets what is older than ninety days, `rows` at a time, until nothing is left; returns how often that took.
async fn forget(mirror: &Mirror, rows: usize) -> usize {
    let mut pages = 0;
    while mirror.handle.write(move |write| write.forget_log(Noon.now(), KEEP, rows)).await.unwrap() > 0 {
        pages += 1;
    }
    pages
}

/// The runs that something of each kind is kept of.
fn kept(mirror: &Mirror) -> Vec<String> {
    ["sync_runs", "sync_history", "sync_journal", "sync_journal_links", "sync_conflicts"]
        .map(|table| {
            let column = if table == "sync_runs" { "id" } else { "run_id" };
            mirror.one(&format!(
                "SELECT group_concat(run) FROM (SELECT DISTINCT {column} AS run FROM {table} ORDER BY 1)"
            ))
        })
        .into()
}

#[tokio::test]
async fn whole_runs_go_from_the_oldest_on_and_young_ones_stay() {
    for rows in [1, 2, 1_000] {
        let mirror = logged(&[200, 91, 89, 1]).await;
        let pages = forget(&mirror, rows).await;
        assert_eq!(kept(&mirror), ["3,4,5", "3,4", "3,4", "3,4", "3,4"], "{rows} at a time");
        assert_eq!(
            pages,
            if rows == 1 {
                12
            } else if rows == 2 {
                6
            } else {
                5
            }
        );
    }
}

#[tokio::test]
async fn p10_numbers_of_runs_go_on_where_they_were_after_the_log_was_forgotten() {
    let mirror = logged(&[200, 199]).await;
    forget(&mirror, 1_000).await;
    let next = mirror.handle.write(|write| write.begin_run("sync", Some(3))).await.unwrap();
    assert_eq!(next, 4);
    let restored = mirror.handle.call(|store| store.is_restored()).await.unwrap();
    assert!(!restored, "a mirror that forgot its first runs was not put back from a copy");
}

#[tokio::test]
async fn a_run_that_is_stopped_while_it_forgets_leaves_no_run_of_which_half_is_known() {
    let mirror = logged(&[200, 199]).await;
    mirror.handle.write(|write| write.forget_log(Noon.now(), KEEP, 1)).await.unwrap();
    assert_eq!(kept(&mirror)[..2], ["2,3", "1,2"], "the run is gone, what it had logged is still to go");
    forget(&mirror, 1).await;
    assert_eq!(kept(&mirror), ["3", "NULL", "NULL", "NULL", "NULL"]);
}

#[tokio::test]
async fn p9_what_something_waits_for_stays_and_all_that_came_after_it() {
    for table in ["sync_journal", "sync_journal_links"] {
        let mirror = logged(&[203, 202, 201, 200]).await;
        mirror.person().execute(&format!("UPDATE {table} SET settled_at = NULL WHERE run_id = 3"), []).unwrap();
        forget(&mirror, 1_000).await;
        assert_eq!(kept(&mirror)[..3], ["3,4,5", "3,4", "3,4"], "{table}");
    }
}

#[tokio::test]
async fn p10_the_run_that_found_the_mirror_restored_stays_because_it_tells_which_rows_are_held() {
    let mirror = logged(&[203, 202, 201]).await;
    mirror.person().execute("INSERT INTO sync_meta VALUES ('restored_in_run', '2')", []).unwrap();
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror)[..2], ["2,4", "2"]);
}

#[tokio::test]
async fn p38_a_clock_that_was_wrong_for_a_while_costs_no_young_run_its_log() {
    // The third run's clock was ten years behind, the second's ten years ahead.
    let mirror = logged(&[100, -3650, 3650 + 3, 2]).await;
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror)[..2], ["2,4,5", "2,4"]);
    let mirror = logged(&[4, 3650, 2]).await;
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror)[..2], ["1,2,3,4", "1,2,3"]);
}

#[tokio::test]
async fn an_open_conflict_waits_for_a_person_however_old_it_is() {
    let mirror = logged(&[200]).await;
    mirror.person().execute("UPDATE sync_conflicts SET resolved_at = NULL", []).unwrap();
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror), ["2", "NULL", "NULL", "NULL", "1"]);
}

#[tokio::test]
async fn p38_a_clock_that_runs_ahead_ages_nothing() {
    let mirror = logged(&[89, 2]).await;
    let theirs = Timestamp::from_millis(Noon.now().millis() - 3650 * DAY);
    let gone = mirror.handle.write(move |write| write.forget_log(theirs, KEEP, 1_000)).await.unwrap();
    assert_eq!(gone, 0);
}

#[tokio::test]
async fn what_was_written_and_not_audited_yet_waits_for_that() {
    let mirror = logged(&[202, 201]).await;
    mirror.person().execute("UPDATE sync_journal SET audit = '[0,{}]' WHERE run_id = 1", []).unwrap();
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror)[..3], ["3", "NULL", "1"], "and holds up nothing else");
    mirror.person().execute("UPDATE sync_journal SET audit = NULL", []).unwrap();
    forget(&mirror, 1_000).await;
    assert_eq!(kept(&mirror)[2], "NULL");
}
