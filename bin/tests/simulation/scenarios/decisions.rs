//! What a person decides about conflicts and rejects, and what the next push makes of it.

use super::super::world::{Command, World, paused};
use super::pushes::{remote, settled, sql, world, world_with, writes};
use super::{after, edit, ids, minutes, shown};
use sync_core::error::RunError;
use sync_core::store::{Dropped, Resolved, Take};

/// Both sides change the city of a contact, and a push meets it.
async fn conflict(policy: &str) -> (World, u64) {
    let world = world_with(&format!("conflict: {policy}")).await;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
    edit(&world, "contacts", id, "city", "Theirs");
    world.run_well(Command::Push).await.unwrap();
    after(minutes(5)).await;
    (world, id)
}

async fn resolve(world: &World, conflict: i64, take: Take) -> Result<Resolved, RunError> {
    writes(world);
    let resolved =
        world.decide(async |engine, mappings| engine.resolve(mappings, "contacts", conflict, take).await).await;
    assert!(world.calls().0.is_empty(), "a decision made a call");
    resolved
}

async fn drop_reject(world: &World, reject: i64, delete: bool) -> Result<Dropped, RunError> {
    let reason = "a test".to_owned();
    world.decide(async |engine, mappings| engine.drop_reject(mappings, "contacts", reject, reason, delete).await).await
}

/// Both sides show this city.
fn both_hold(world: &World, id: u64, city: &str) {
    assert_eq!(remote(world, id, "city").as_deref(), Some(city));
    assert_eq!(shown(world, "contacts", id, "city").as_deref(), Some(city));
}

fn chosen(world: &World, word: &str) {
    let sql =
        format!("SELECT count(*) FROM sync_conflicts WHERE id = 1 AND chosen = '{word}' AND resolved_at IS NOT NULL");
    assert_eq!(world.count(&sql), 1, "{word}");
    assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 1);
}

#[test]
fn p5_the_loser_of_each_policy_can_be_brought_back_and_sent() {
    for (policy, lost, take, word) in
        [("remote_wins", "Mine", Take::Local, "local"), ("local_wins", "Theirs", Take::Remote, "remote")]
    {
        paused(async {
            let (world, id) = conflict(policy).await;
            let resolved = resolve(&world, 1, take).await.unwrap();
            assert_eq!((resolved.sends, resolved.moved), (true, false), "{policy}");
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some(lost));
            chosen(&world, word);
            world.run_well(Command::Sync).await.unwrap();
            both_hold(&world, id, lost);
            chosen(&world, word);
            settled(&world).await;
        });
    }
}

#[test]
fn p5_a_held_conflict_is_sent_once_the_local_side_is_taken_and_may_be_decided_again() {
    paused(async {
        let (world, id) = conflict("hold").await;
        assert!(resolve(&world, 1, Take::Local).await.unwrap().sends);
        chosen(&world, "local");
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Mine");
        after(minutes(5)).await;
        // The other way: what HubSpot had comes back, although we wrote over it.
        let resolved = resolve(&world, 1, Take::Remote).await.unwrap();
        assert_eq!((resolved.sends, resolved.moved), (true, false));
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Theirs");
        chosen(&world, "remote");
        settled(&world).await;
    });
}

#[test]
fn p5_a_held_conflict_of_which_the_remote_side_is_taken_sends_nothing() {
    paused(async {
        let (world, id) = conflict("hold").await;
        assert!(!resolve(&world, 1, Take::Remote).await.unwrap().sends);
        both_hold(&world, id, "Theirs");
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(writes(&world), 0);
        chosen(&world, "remote");
        settled(&world).await;
    });
}

#[test]
fn p5_a_conflict_may_be_given_a_value_of_its_own() {
    paused(async {
        let (world, id) = conflict("hold").await;
        resolve(&world, 1, Take::Value("Ours".to_owned())).await.unwrap();
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Ours");
        chosen(&world, "value");
        let kept = "SELECT count(*) FROM sync_conflicts WHERE local = 'Mine' AND remote = 'Theirs'";
        assert_eq!(world.count(kept), 1, "both sides are still there");
        settled(&world).await;
    });
}

#[test]
fn p2_a_decision_is_not_sent_over_what_changed_after_it() {
    paused(async {
        let (world, id) = conflict("hold").await;
        resolve(&world, 1, Take::Local).await.unwrap();
        edit(&world, "contacts", id, "city", "Later");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Later"));
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts WHERE chosen = 'held' AND remote = 'Later'"), 1);
        // The older one cannot be decided beside it.
        let error = resolve(&world, 1, Take::Remote).await.unwrap_err().to_string();
        assert!(error.contains("conflict 2"), "{error}");
        resolve(&world, 2, Take::Local).await.unwrap();
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Mine");
    });
}

#[test]
fn a_record_that_changed_since_is_told_and_its_new_value_is_the_remote_side() {
    paused(async {
        let (world, id) = conflict("remote_wins").await;
        edit(&world, "contacts", id, "city", "Later");
        world.pull_well().await.unwrap();
        let resolved = resolve(&world, 1, Take::Remote).await.unwrap();
        assert_eq!((resolved.moved, resolved.sends, resolved.remote.as_deref()), (true, false, Some("Later")));
        both_hold(&world, id, "Later");
        let resolved = resolve(&world, 1, Take::Local).await.unwrap();
        assert_eq!((resolved.moved, resolved.sends), (true, true));
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Mine");
    });
}

#[test]
fn a_decision_that_cannot_be_carried_out_changes_nothing() {
    paused(async {
        let (world, id) = conflict("hold").await;
        let now = world.rehearsal.now();
        world.rehearsal.portal().archive(now, "contacts", id).unwrap();
        after(minutes(90)).await;
        world.pull_well().await.unwrap();
        let error = resolve(&world, 1, Take::Local).await.unwrap_err().to_string();
        assert!(error.contains("archived"), "{error}");
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts WHERE resolved_at IS NULL"), 1);
        resolve(&world, 1, Take::Remote).await.unwrap();
        chosen(&world, "remote");
        let error = resolve(&world, 9, Take::Remote).await.unwrap_err().to_string();
        assert!(error.contains("no conflict 9"), "{error}");
    });
}

/// An edit, an archive and a new row that the portal refuses: rejects 1, 2 and 3.
async fn refused() -> (World, Vec<u64>) {
    let world = world().await;
    let ids = ids(&world, "contacts");
    sql(&world, &format!("UPDATE contacts SET email = 'no address', city = 'Oslo' WHERE id = '{}'", ids[3]));
    world.run_well(Command::Push).await.unwrap();
    sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{}'", ids[4]));
    sql(
        &world,
        &format!(
            "INSERT INTO sync_rejects (object, record_id, uid, operation, properties, message, attempts, first_at, last_at)
             SELECT 'contacts', id, _uid, 'archive', '{{}}', 'it may not be archived', 1, '', '' FROM contacts WHERE id = '{}'",
            ids[4]
        ),
    );
    sql(&world, "INSERT INTO contacts (email, first_name, _uid) VALUES ('none either', 'Ada', 'ada')");
    world.run_well(Command::Push).await.unwrap();
    let kinds = "SELECT group_concat(operation, ' ') FROM (SELECT operation FROM sync_rejects ORDER BY id)";
    let kinds: String = world.person().query_row(kinds, [], |row| row.get(0)).unwrap();
    assert_eq!(kinds, "update archive create");
    (world, ids)
}

#[test]
fn p14_what_is_retried_is_sent_once_more_and_stays_a_reject_when_it_is_refused_again() {
    paused(async {
        let (world, ids) = refused().await;
        writes(&world);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(writes(&world), 0);
        let (count, homeless) = world.decide(async |engine, _| engine.retry_rejects(Vec::new()).await).await.unwrap();
        assert_eq!((count, homeless), (3, Vec::new()));
        world.run_well(Command::Push).await.unwrap();
        // Nothing keeps the archive from being done this time.
        assert!(world.rehearsal.portal().record("contacts", ids[4]).unwrap().archived_at.is_some());
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE attempts = 2 AND retry = 0"), 2);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 2);
        writes(&world);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(writes(&world), 0);
        let error = world.decide(async |engine, _| engine.retry_rejects(vec![1, 99]).await).await.unwrap_err();
        assert!(error.to_string().contains("no reject 99"), "{error}");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE retry = 1"), 0, "all or nothing");
    });
}

#[test]
fn p14_what_is_dropped_goes_back_to_the_base_and_its_reason_is_kept() {
    paused(async {
        let (world, ids) = refused().await;
        let before = remote(&world, ids[3], "email");
        assert_eq!(drop_reject(&world, 1, false).await.unwrap(), Dropped::PutBack(vec!["email".to_owned()]));
        assert_eq!(shown(&world, "contacts", ids[3], "email"), before);
        assert_eq!(shown(&world, "contacts", ids[3], "city").as_deref(), Some("Oslo"));
        assert_eq!(drop_reject(&world, 2, false).await.unwrap(), Dropped::Unarchived);
        assert_eq!(shown(&world, "contacts", ids[4], "archived || state").as_deref(), Some("0active"));
        let error = drop_reject(&world, 3, true).await;
        assert_eq!(error.unwrap(), Dropped::RowDeleted);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE _uid = 'ada'"), 0);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        assert_eq!(world.count("SELECT count(*) FROM sync_history WHERE property = 'rejects' AND after = 'a test'"), 3);
        settled(&world).await;
    });
}

#[test]
fn a_newer_edit_of_a_dropped_field_stays() {
    paused(async {
        let (world, ids) = refused().await;
        sql(&world, &format!("UPDATE contacts SET email = 'good@mail.example' WHERE id = '{}'", ids[3]));
        assert_eq!(drop_reject(&world, 1, false).await.unwrap(), Dropped::Forgotten);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, ids[3], "email").as_deref(), Some("good@mail.example"));
        assert!(drop_reject(&world, 2, true).await.unwrap_err().to_string().contains("--delete"));
    });
}

#[test]
fn a_new_row_that_was_given_up_stays_untried_until_it_is_edited() {
    paused(async {
        let (world, _) = refused().await;
        for reject in 1..=2 {
            drop_reject(&world, reject, false).await.unwrap();
        }
        assert_eq!(drop_reject(&world, 3, false).await.unwrap(), Dropped::RowKept);
        assert_eq!(world.count("SELECT rejects FROM sync_status WHERE object = 'contacts'"), 0);
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((writes(&world), report.pushed().waiting), (0, 0));
        sql(&world, "UPDATE contacts SET email = 'ada@mail.example' WHERE _uid = 'ada'");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.pushed().created, 1);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        settled(&world).await;
    });
}

#[test]
fn a_refused_archive_of_a_deleted_row_is_not_sent_again_and_dropping_it_shows_the_row_again() {
    paused(async {
        let world = world_with("deletes: archive").await;
        let id = ids(&world, "contacts")[4];
        sql(
            &world,
            &format!(
                "INSERT INTO sync_rejects (object, record_id, uid, operation, properties, message, attempts, first_at,
                 last_at) VALUES ('contacts', '{id}', '', 'archive', '{{}}', 'it may not be archived', 1, '', '');
                 DELETE FROM contacts WHERE id = '{id}'"
            ),
        );
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((writes(&world), report.pushed().waiting), (0, 1));
        assert_eq!(drop_reject(&world, 1, false).await.unwrap(), Dropped::Unarchived);
        assert_eq!(shown(&world, "contacts", id, "archived || state").as_deref(), Some("0active"));
        assert!(world.rehearsal.portal().record("contacts", id).unwrap().is_active());
        settled(&world).await;
    });
}
