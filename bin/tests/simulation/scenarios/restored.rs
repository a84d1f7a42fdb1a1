//! A mirror that somebody put back from a copy while the portal and later runs had gone on.

use super::super::world::{Command, World, paused, stopped};
use super::{after, agree, edit, ids, minutes, shown, still};
use std::path::PathBuf;
use sync_core::store::Store;

/// A mirror of which a copy was kept, and that has had a pull of changes since.
async fn gone_on() -> (World, PathBuf) {
    let world = World::new(still(130, 8, 0, 0)).mirroring(&["contacts", "companies"]);
    world.pull_well().await.unwrap();
    let copy = world.folder.path().join("copy.db");
    std::fs::copy(world.mirror(), &copy).unwrap();
    after(minutes(5)).await;
    let contacts = ids(&world, "contacts");
    edit(&world, "contacts", contacts[0], "city", "Later");
    let now = world.rehearsal.now();
    world.rehearsal.portal().archive(now, "contacts", contacts[1]).unwrap();
    world.rehearsal.portal().merge(now, "contacts", contacts[2], contacts[3]).unwrap();
    world.rehearsal.portal().create(now, "companies", &[("name", "Newer")]).unwrap();
    after(minutes(90)).await;
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    (world, copy)
}

fn put_back(world: &World, copy: &PathBuf) {
    std::fs::copy(copy, world.mirror()).unwrap();
}

const MARKS: &str = "SELECT count(*) FROM sync_meta WHERE key LIKE 'restored%'";

#[test]
fn p10_a_restored_mirror_is_noticed_once_read_in_full_and_marked_for_whoever_pushes() {
    paused(async {
        let (world, copy) = gone_on().await;
        put_back(&world, &copy);
        let report = world.pull_well().await.unwrap();
        assert!(report.restored);
        assert_eq!(report.run_id, 3, "no number is given twice");
        for (object, part) in &report.objects {
            assert!(part.backfilled && part.full_look, "{object} was not read and compared in full");
        }
        agree(&world);
        let marked = Store::open(&world.mirror()).unwrap().restored_in_run().unwrap();
        assert_eq!(marked, Some(3), "what was new in the copy may exist at the portal");

        let report = world.pull_well().await.unwrap();
        assert!(!report.restored && report.objects.values().all(|part| !part.backfilled));
        assert_eq!(world.count(MARKS), 1, "the mark for pushing stays");

        // The same copy once more: its numbers are behind again.
        put_back(&world, &copy);
        assert!(world.pull_well().await.unwrap().restored);
        agree(&world);
    });
}

#[test]
fn p20_what_was_erased_since_the_copy_was_made_is_missing_after_the_run_that_notices_it() {
    paused(async {
        let (world, copy) = gone_on().await;
        let (now, erased) = (world.rehearsal.now(), ids(&world, "contacts")[40]);
        world.rehearsal.portal().purge(now, "contacts", erased).unwrap();
        put_back(&world, &copy);
        let report = world.pull_well().await.unwrap();
        assert!(report.restored && report.objects.values().all(|part| part.backfilled && part.swept));
        assert_eq!(shown(&world, "contacts", erased, "state").as_deref(), Some("missing"));
        agree(&world);
        after(minutes(5)).await;
        assert!(world.pull_well().await.unwrap().objects.values().all(|part| !part.swept), "once is enough");
    });
}

#[test]
fn p10_a_run_on_a_restored_mirror_that_is_killed_anywhere_leaves_the_rest_to_the_next() {
    paused(async {
        let (world, copy) = gone_on().await;
        put_back(&world, &copy);
        world.pull_well().await.unwrap();
        let (steps, mut recognised) = (world.steps(), 0);
        // The last steps close the run's row, when everything else is over.
        for kill in (1..=steps.len()).step_by(14).chain([2, 3, 4, 5]) {
            let (world, copy) = gone_on().await;
            put_back(&world, &copy);
            let killed = match world.pull(Some(kill)).await {
                Ok(report) => report.errors().any(stopped),
                Err(error) => stopped(&error),
            };
            assert!(killed, "step {kill}");
            let over = world.count(MARKS) == 1;
            let report = world.pull_well().await.unwrap();
            assert_eq!(report.restored, !over, "step {kill}, {}", steps[kill - 1]);
            recognised += usize::from(report.restored);
            agree(&world);
            assert!(!world.pull_well().await.unwrap().restored);
            assert_eq!(world.count(MARKS), 1);
        }
        assert!(recognised > 6, "{recognised}");
    });
}

#[test]
fn a_mirror_that_was_moved_or_whose_lock_file_is_gone_is_not_taken_for_a_restored_one() {
    paused(async {
        let (world, copy) = gone_on().await;
        let lock = world.folder.path().join("crm.db.lock");
        for spoilt in [None, Some("not a number\n")] {
            put_back(&world, &copy);
            match spoilt {
                None => std::fs::remove_file(&lock).unwrap(),
                Some(text) => std::fs::write(&lock, text).unwrap(),
            }
            assert!(!world.pull_well().await.unwrap().restored, "{spoilt:?}");
            assert_eq!(world.count(MARKS), 0);
        }
        // A mirror that is made anew where another one was knows nothing that could be out of date.
        std::fs::remove_file(world.mirror()).unwrap();
        assert!(!world.pull_well().await.unwrap().restored);
        agree(&world);
    });
}

#[test]
fn a_restored_mirror_is_not_done_before_each_object_type_has_been_read() {
    paused(async {
        let (mut world, copy) = gone_on().await;
        put_back(&world, &copy);
        world.rehearsal.portal().deny("companies");
        let report = world.pull(None).await.unwrap();
        assert!(report.restored && report.objects.values().any(|part| part.skipped.is_some()));
        assert!(world.pull(None).await.unwrap().restored, "companies have not been read");
        // What is no longer mirrored is not waited for.
        world.mappings.retain(|mapping| mapping.object == "contacts");
        assert!(world.pull(None).await.unwrap().restored);
        assert!(!world.pull(None).await.unwrap().restored);
    });
}

#[test]
fn p10_a_new_row_that_nothing_identifies_is_held_when_its_mirror_was_put_back() {
    paused(async {
        let world = World::new(still(4, 8, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let written = sync_core::model::Timestamp::from_millis(world.rehearsal.now());
        world
            .person()
            .execute_batch(&format!(
                "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours'); UPDATE sync_touched SET at = '{written}'"
            ))
            .unwrap();
        let copy = world.folder.path().join("copy.db");
        std::fs::copy(world.mirror(), &copy).unwrap();
        after(minutes(5)).await;
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.objects["companies"].pushed.created, ids(&world, "companies").len()), (1, 9));

        put_back(&world, &copy);
        after(minutes(5)).await;
        let report = world.run_well(Command::Sync).await.unwrap();
        assert!(report.restored);
        assert_eq!(report.objects["companies"].pushed.refused, 1);
        assert_eq!(ids(&world, "companies").len(), 9, "it is not made a second time");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE category = 'RESTORED' AND uid = 'ours'"), 1);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(ids(&world, "companies").len(), 9, "nor later");

        // A person looked, and wants it.
        world.person().execute("UPDATE sync_rejects SET retry = 1", []).unwrap();
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.objects["companies"].pushed.created, ids(&world, "companies").len()), (1, 10));
    });
}
