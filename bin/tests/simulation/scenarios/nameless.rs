//! New rows that no key identifies, after their answer was lost: they are looked for by their values.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, settled, sql, writes};
use super::{after, edit, ids, minutes, still};
use simulator::{FaultKind, Settings, When};

/// Companies, which have no key here, and one more whose answer was lost.
async fn lost(companies: usize) -> World {
    let world = world_of(companies).await;
    lose(&world).await;
    world
}

async fn world_of(companies: usize) -> World {
    let world = World::new(Settings { seed: 2, ..still(0, companies, 0, 0) }).mirroring(&["companies"]);
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

async fn lose(world: &World) {
    let companies = ids(world, "companies").len();
    sql(world, "INSERT INTO companies (_uid, name, city) VALUES ('ours', 'Ours', 'Oslo')");
    lose_the_answer(world, "/batch/create");
    let report = world.run_well(Command::Push).await.unwrap();
    assert_eq!((report.objects["companies"].pushed.unknown, ids(world, "companies").len()), (1, companies + 1));
}

/// The record that was made.
fn made(world: &World) -> u64 {
    let portal = world.rehearsal.portal();
    portal.records("companies").find(|record| record.text("name").as_deref() == Some("Ours")).unwrap().id
}

fn unsettled(world: &World) -> i64 {
    world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL")
}

#[test]
fn p10_a_row_without_a_key_is_found_by_its_values() {
    paused(async {
        let world = lost(4).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((ids(&world, "companies").len(), unsettled(&world)), (5, 0));
        assert_eq!(world.count("SELECT count(*) FROM companies WHERE _uid = 'ours' AND id IS NOT NULL"), 1);
        settled(&world).await;
    });
}

#[test]
fn p38_a_row_without_a_key_is_found_whatever_the_machines_clock_says() {
    for ahead in [-120, 0, 120] {
        paused(async {
            let mut world = world_of(4).await;
            world.runs_ahead(minutes(1).as_millis() as i64 * ahead);
            lose(&world).await;
            // The index does not show it yet: it is waited for, and not made again.
            world.run_well(Command::Push).await.unwrap();
            assert_eq!(ids(&world, "companies").len(), 5, "{ahead}");
            after(minutes(90)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!((ids(&world, "companies").len(), unsettled(&world)), (5, 0), "{ahead}");
            settled(&world).await;
        });
    }
}

#[test]
fn p10_a_row_that_is_made_again_in_doubt_is_told_as_such() {
    paused(async {
        let world = world_of(4).await;
        sql(&world, "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours')");
        world.rehearsal.portal().inject(FaultKind::TimeoutBefore, When::path("/batch/create").times(1));
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        after(minutes(70)).await;
        let pushed = world.run_well(Command::Sync).await.unwrap().pushed();
        assert_eq!((pushed.sent_again, pushed.created, pushed.unknown), (1, 1, 0));
        assert_eq!((ids(&world, "companies").len(), unsettled(&world)), (5, 0));
    });
}

#[test]
fn p10_of_several_records_with_a_new_rows_values_none_is_taken_and_none_is_made() {
    paused(async {
        let world = lost(4).await;
        let now = world.rehearsal.now();
        world.rehearsal.portal().create(now, "companies", &[("name", "Ours"), ("city", "Oslo")]).unwrap();
        world.run_well(Command::Sync).await.unwrap();
        let refused = "SELECT count(*) FROM sync_rejects WHERE category = 'AMBIGUOUS' AND uid = 'ours'";
        assert_eq!((world.count(refused), unsettled(&world)), (1, 0));
        // Not after the index has settled either.
        after(minutes(90)).await;
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((writes(&world), ids(&world, "companies").len()), (0, 6));
        assert_eq!(world.count(refused), 1);

        // A person looked, and wants it made.
        sql(&world, "UPDATE sync_rejects SET retry = 1");
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((ids(&world, "companies").len(), world.count(refused)), (7, 0));
        settled(&world).await;
    });
}

#[test]
fn p10_a_search_for_a_lost_record_goes_on_behind_an_empty_page() {
    paused(async {
        let world = lost(300).await;
        let made = made(&world);
        for id in ids(&world, "companies").into_iter().filter(|id| *id != made) {
            edit(&world, "companies", id, "phone", "1");
        }
        // The page before the one that has it comes back empty.
        let before = ids(&world, "companies").into_iter().filter(|id| *id < made).count();
        assert!(before >= 200, "the new record is on the first page: {before} before it");
        world.rehearsal.portal().inject(FaultKind::Vanish, When::path("/companies/search").times(1));
        world.run_well(Command::Push).await.unwrap();
        assert_eq!((ids(&world, "companies").len(), unsettled(&world)), (301, 0));
    });
}
