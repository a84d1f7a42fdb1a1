//! A push, or the recovery from one, killed at every one of its steps.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{lose_the_answer, settled, sql, world};
use super::{after, edit, ids, minutes};

/// Something of everything that can be pushed.
fn change_everything(world: &World) {
    let ids = ids(world, "contacts");
    let now = world.rehearsal.now();
    world.rehearsal.portal().create(now, "contacts", &[("email", "there@mail.example"), ("city", "London")]).unwrap();
    sql(
        world,
        &format!(
            "UPDATE contacts SET city = 'Oslo ' || _row WHERE id IN ('{}', '{}', '{}');
             UPDATE contacts SET job_title = NULL, first_name = 'Bo' WHERE id = '{}';
             UPDATE contacts SET email = 'no address' WHERE id = '{}';
             UPDATE contacts SET archived = 1, city = 'Last' WHERE id = '{}';
             INSERT INTO contacts (_uid, email, first_name) VALUES ('new-1', 'new1@mail.example', 'New');
             INSERT INTO contacts (_uid, email, first_name) VALUES ('there', 'there@mail.example', 'There');",
            ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
        ),
    );
    edit(world, "contacts", ids[1], "city", "Theirs");
}

/// What the portal holds, as far as people wrote it.
fn portal(world: &World) -> Vec<[Option<String>; 5]> {
    let portal = world.rehearsal.portal();
    let texts = |record: simulator::RecordView| {
        let archived = record.archived_at.is_some().then(|| "archived".to_owned());
        let text = |name: &str| record.text(name).filter(|text| !text.is_empty());
        [text("email"), text("firstname"), text("city"), text("jobtitle"), archived]
    };
    let mut all: Vec<_> = portal.records("contacts").map(texts).collect();
    all.sort();
    all
}

/// Kills a run at each of its steps in turn, each time in a world of its own, and lets further runs finish.
async fn killed_anywhere(command: Command, prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    good.run_well(command).await.unwrap();
    let steps = good.steps();
    settled(&good).await;
    let wanted = portal(&good);
    assert!(steps.len() > 30, "only {} steps", steps.len());
    for (n, step) in steps.iter().enumerate() {
        let world = prepare().await;
        let killed = match world.run(command, Some(n + 1)).await {
            Ok(report) => report.errors().any(stopped),
            Err(error) => stopped(&error),
        };
        assert!(killed, "step {n}, {step}: the run went on");
        // What was made is readable by its key after a minute.
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap_or_else(|error| panic!("killed at step {n}, {step}: {error}"));
        after(minutes(2)).await;
        settled(&world).await;
        assert_eq!(portal(&world), wanted, "killed at step {n}, {step}");
        assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL"), 0, "step {n}, {step}");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1, "killed at step {n}, {step}");
    }
}

#[test]
fn p8_a_push_killed_at_any_step_makes_and_changes_everything_once() {
    paused(killed_anywhere(Command::Push, async || {
        let world = world().await;
        change_everything(&world);
        world
    }));
}

#[test]
fn p9_a_recovery_killed_at_any_step_is_the_same_recovery_again() {
    paused(killed_anywhere(Command::Sync, async || {
        let world = world().await;
        change_everything(&world);
        for path in ["/batch/update", "/batch/create", "/batch/archive"] {
            lose_the_answer(&world, path);
        }
        world.run(Command::Push, None).await.unwrap();
        after(minutes(2)).await;
        world
    }));
}
