//! Somebody edits a record in the moment between our last look and our write: nobody can prevent that it is written over,
//! and the audit of what was written finds every one.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{contacts, remote, settled, sql, world_with};
use super::{after, edit, ids, minutes, shown, still};
use sync_core::store::Take;

/// Somebody edits the city of these contacts in the moment before our next write.
fn edit_in_the_window(world: &World, ids: &[u64]) {
    let (rehearsal, ids) = (world.rehearsal.clone(), ids.to_vec());
    let mut left = Some(ids);
    world.at_each("push.before_send", move || {
        for id in left.take().into_iter().flatten() {
            let now = rehearsal.now();
            let value = format!("Theirs {id}");
            rehearsal.portal().edit(now, "contacts", id, &[("city", value.as_str())]).unwrap();
        }
    });
}

/// One contact whose city we write while somebody else does.
async fn collision(policy: &str) -> (World, u64) {
    let mut world = world_with(&format!("conflict: {policy}")).await;
    world.pushing.verify = true;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine', job_title = 'Captain' WHERE id = '{id}'"));
    edit_in_the_window(&world, &[id]);
    (world, id)
}

fn both_hold(world: &World, id: u64, city: &str) {
    assert_eq!(remote(world, id, "city").as_deref(), Some(city));
    assert_eq!(shown(world, "contacts", id, "city").as_deref(), Some(city));
}

/// The one conflict there is: the lost value and ours, and whose it is to be.
fn kept(world: &World, id: u64, chosen: &str, open: bool) {
    let sql = format!(
        "SELECT count(*) FROM sync_conflicts WHERE record_id = '{id}' AND property = 'city' AND local = 'Mine'
         AND remote = 'Theirs {id}' AND remote_at IS NOT NULL AND kind = 'overwritten_in_window' AND chosen = '{chosen}'
         AND (resolved_at IS NULL) = {open}"
    );
    assert_eq!(world.count(&sql), 1, "{chosen}");
    assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 1);
    assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE audit IS NOT NULL"), 0);
}

async fn resolve(world: &World, take: Take) {
    let resolved = world.decide(async |engine, mappings| engine.resolve(mappings, "contacts", 1, take).await).await;
    assert!(!resolved.unwrap().moved);
}

#[test]
fn p3_no_overwrite_goes_unreported() {
    for verify in [true, false] {
        paused(async {
            let mut world = World::new(still(120, 0, 0, 0)).mirroring(&[]);
            world.mappings.push(contacts("conflict: local_wins"));
            world.pull_well().await.unwrap();
            after(minutes(5)).await;
            world.pushing.verify = verify;
            world.pushing.allow_updates = Some(120);
            let victims: Vec<u64> = ids(&world, "contacts").into_iter().filter(|id| id % 3 == 0).collect();
            assert!(victims.len() > 30);
            sql(&world, "UPDATE contacts SET city = 'Mine ' || _row, job_title = 'Captain'");
            edit_in_the_window(&world, &victims);
            world.calls();
            let report = world.run_well(Command::Push).await.unwrap();
            let found = if verify { victims.len() as u64 } else { 0 };
            assert_eq!((report.pushed().updated, report.pushed().overwritten), (120, found));
            // One call for each fifty records, beside the look before the write.
            assert_eq!(world.calls().batch_reads("contacts"), if verify { 2 + 3 } else { 2 });
            for id in &victims {
                let kept = format!(
                    "SELECT count(*) FROM sync_conflicts WHERE record_id = '{id}' AND remote = 'Theirs {id}' AND
                     local LIKE 'Mine %' AND kind = 'overwritten_in_window'"
                );
                assert_eq!(world.count(&kept), i64::from(verify), "{id}");
            }
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), found.cast_signed());
            settled(&world).await;
        });
    }
}

#[test]
fn p3_where_the_remote_wins_the_lost_value_comes_back_by_the_next_push() {
    paused(async {
        let (world, id) = collision("remote_wins").await;
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.pushed().overwritten, report.open_conflicts), (1, 0));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"));
        kept(&world, id, "remote", false);
        assert_eq!(world.run_well(Command::Sync).await.unwrap().pushed().updated, 1);
        both_hold(&world, id, &format!("Theirs {id}"));
        kept(&world, id, "remote", false);
        settled(&world).await;
        // And ours can be brought back.
        resolve(&world, Take::Local).await;
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Mine");
        kept(&world, id, "local", false);
        settled(&world).await;
    });
}

#[test]
fn p3_where_ours_stands_a_person_can_bring_the_lost_value_back() {
    for policy in ["local_wins", "newest"] {
        paused(async {
            let (world, id) = collision(policy).await;
            world.run_well(Command::Sync).await.unwrap();
            both_hold(&world, id, "Mine");
            kept(&world, id, "local", false);
            settled(&world).await;
            resolve(&world, Take::Remote).await;
            world.run_well(Command::Sync).await.unwrap();
            both_hold(&world, id, &format!("Theirs {id}"));
            kept(&world, id, "remote", false);
            settled(&world).await;
        });
    }
}

#[test]
fn p3_a_held_field_that_was_written_over_waits_for_a_person() {
    paused(async {
        let (world, id) = collision("hold").await;
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_conflicts, 1);
        settled(&world).await;
        kept(&world, id, "held", true);
        // Nothing else of the field is sent meanwhile, and a look at every row closes nothing.
        sql(&world, &format!("UPDATE contacts SET job_title = 'Mate' WHERE id = '{id}'"));
        after(minutes(26 * 60)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Mate"));
        kept(&world, id, "held", true);
        resolve(&world, Take::Remote).await;
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, &format!("Theirs {id}"));
        kept(&world, id, "remote", false);
        settled(&world).await;
    });
}

#[test]
fn p3_a_held_conflict_closes_when_somebody_brings_the_lost_value_back_at_the_remote() {
    paused(async {
        let (world, id) = collision("hold").await;
        world.run_well(Command::Sync).await.unwrap();
        after(minutes(5)).await;
        edit(&world, "contacts", id, "city", format!("Theirs {id}").as_str());
        after(minutes(5)).await;
        for _ in 0..2 {
            world.run_well(Command::Sync).await.unwrap();
        }
        both_hold(&world, id, &format!("Theirs {id}"));
        kept(&world, id, "remote", false);
    });
}

#[test]
fn p3_a_held_lost_value_stays_in_the_table_when_both_sides_change_the_field_again() {
    paused(async {
        let (world, id) = collision("hold").await;
        world.run_well(Command::Sync).await.unwrap();
        after(minutes(5)).await;
        sql(&world, &format!("UPDATE contacts SET city = 'Mine again' WHERE id = '{id}'"));
        edit(&world, "contacts", id, "city", "Theirs again");
        world.run_well(Command::Sync).await.unwrap();
        let open = "SELECT count(*) FROM sync_conflicts WHERE kind = 'both_changed' AND resolved_at IS NULL
                    AND local = 'Mine again' AND remote = 'Theirs again'";
        assert_eq!(world.count(open), 1);
        let lost =
            format!("SELECT count(*) FROM sync_conflicts WHERE remote = 'Theirs {id}' AND resolved_at IS NOT NULL");
        assert_eq!(world.count(&lost), 1);
        settled(&world).await;
    });
}

#[test]
fn p3_a_restore_gives_way_to_whoever_edits_the_field_meanwhile() {
    paused(async {
        let (world, id) = collision("remote_wins").await;
        world.run_well(Command::Push).await.unwrap();
        // We mean to bring theirs back; they have typed something else by then.
        after(minutes(5)).await;
        edit(&world, "contacts", id, "city", "Later");
        world.run_well(Command::Sync).await.unwrap();
        both_hold(&world, id, "Later");
        let lost = format!("SELECT count(*) FROM sync_conflicts WHERE remote = 'Theirs {id}' AND local = 'Mine'");
        assert_eq!(world.count(&lost), 1);
        settled(&world).await;
    });
}

#[test]
fn p3_a_push_killed_between_write_and_audit_is_audited_by_the_next_run() {
    paused(async {
        let (good, _) = collision("remote_wins").await;
        good.run_well(Command::Push).await.unwrap();
        let steps = good.steps();
        let written = steps.iter().position(|step| *step == "push.answered").unwrap();
        let audits = ["audit.before_read", "audit.read", "audit.settled"];
        assert_eq!(steps.iter().filter(|step| step.starts_with("audit.")).copied().collect::<Vec<_>>(), audits);
        let settled_at = steps.iter().position(|step| *step == "audit.settled").unwrap();
        for (n, step) in steps.iter().enumerate().take(settled_at + 1).skip(written) {
            let (world, id) = collision("remote_wins").await;
            let report = world.run(Command::Push, Some(n + 1)).await.unwrap();
            assert!(report.errors().any(stopped), "step {n}, {step}: the run went on");
            after(minutes(2)).await;
            world.run_well(Command::Sync).await.unwrap();
            kept(&world, id, "remote", false);
            world.run_well(Command::Sync).await.unwrap();
            both_hold(&world, id, &format!("Theirs {id}"));
            kept(&world, id, "remote", false);
        }
    });
}

#[test]
fn p3_what_cannot_be_looked_at_again_holds_nothing_up() {
    for archived in [true, false] {
        paused(async {
            let (world, id) = collision("remote_wins").await;
            if archived {
                let rehearsal = world.rehearsal.clone();
                world.at_each("audit.before_read", move || {
                    let now = rehearsal.now();
                    rehearsal.portal().archive(now, "contacts", id).unwrap();
                });
            } else {
                // The look before the write is answered, the one after it is refused.
                let when = simulator::When::path("/contacts/batch/read").skip(1).times(1);
                world.rehearsal.portal().inject(simulator::FaultKind::Conflict, when);
            }
            let report = world.run_well(Command::Push).await.unwrap();
            assert_eq!(report.pushed().updated, 1);
            assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE audit IS NOT NULL"), 0);
        });
    }
}
