//! The belts of a push: how much may be changed at once before somebody has to say so.

use super::super::world::{Command, World, paused};
use super::pushes::{settled, sql, world, writes};
use super::{after, minutes};

#[test]
fn p25_more_archives_than_the_belt_lets_through_stop_the_object_before_anything_of_it_is_sent() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_archives.at_least = 3;
        sql(&world, "UPDATE contacts SET archived = 1 WHERE _row <= 4; UPDATE contacts SET city = 'X' WHERE _row = 9");
        world.calls();
        assert_eq!(allowing(&world).await, ["archives=4"], "a plan says it before");
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("--allow archives=4"), "{error}");
        assert_eq!(writes(&world), 0);
        world.pushing.allow_archives = Some(4);
        assert!(allowing(&world).await.is_empty());
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.archived, 4);
    });
}

#[test]
fn p25_what_is_asked_for_after_the_belts_were_looked_at_waits_for_the_next_run_and_its_belts() {
    for (new, asked, told) in [
        ("", "UPDATE contacts SET archived = 1 WHERE _row <= 4", "--allow archives=4"),
        ("", "UPDATE contacts SET city = 'Y' WHERE _row <= 4", "--allow updates=4"),
        // New rows are looked for first, and what becomes of them is pushed in the same run.
        ("'a'), ('b'", "UPDATE contacts SET city = 'Y' WHERE _row <= 4", "--allow updates=4"),
    ] {
        paused(async {
            let mut world = world().await;
            for belt in [&mut world.pushing.max_archives, &mut world.pushing.max_updates] {
                (belt.percent, belt.at_least) = (0.0, 3);
            }
            sql(&world, "UPDATE contacts SET job_title = 'X' WHERE _row = 9");
            if !new.is_empty() {
                sql(&world, &format!("INSERT INTO contacts (first_name) VALUES ({new})"));
            }
            meanwhile(&world, asked);
            let report = world.run_well(Command::Push).await.unwrap();
            let pushed = report.objects["contacts"].pushed;
            assert_eq!((pushed.updated, pushed.archived), (1, 0), "{asked}");
            writes(&world);
            after(minutes(5)).await;
            let report = world.run(Command::Push, None).await.unwrap();
            let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
            assert!(error.contains(told), "{error}");
            assert_eq!(writes(&world), 0);
            (world.pushing.allow_archives, world.pushing.allow_updates) = (Some(4), Some(4));
            world.run_well(Command::Push).await.unwrap();
            after(minutes(5)).await;
            settled(&world).await;
        });
    }
}

/// What a plan says has to be passed to `--allow`.
pub(super) async fn allowing(world: &World) -> Vec<String> {
    let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
    survey.into_values().flat_map(|planned| planned.held_back).map(|held| held.allow()).collect()
}

/// Somebody writes into the mirror in the moment before the first byte of the next push leaves.
fn meanwhile(world: &World, asked: &str) {
    let (person, mut left) = (world.person(), Some(asked.to_owned()));
    world.at_each("push.before_send", move || {
        if let Some(asked) = left.take() {
            person.execute_batch(&asked).unwrap();
        }
    });
}
