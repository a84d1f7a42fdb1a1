//! Creates killed at every one of their steps: of a row whose record carries the row's own key, and of a row that
//! nothing but its values tells.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{settled, sql};
use super::{after, ids, minutes, still, unique};
use mappings::Mapping;
use simulator::{FaultKind, RecordView, When};

const OURS: &str = "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours')";

/// Four companies, and a new one whose record will carry the row's key.
async fn carried() -> World {
    let world = unique::world_with("").await;
    sql(&world, OURS);
    world
}

/// The same, where nothing but its name will tell whose record it is.
async fn nameless() -> World {
    let mut world = World::new(still(0, 4, 0, 0)).mirroring(&[]);
    let text = "object: companies\ntable: companies\nunmapped: ignore\nfields:\n  name: name\n  city: city\n";
    world.mappings.push(Mapping::parse("companies.yaml", text).unwrap());
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    sql(&world, OURS);
    world
}

/// A push whose create got no answer, and the time until a row without a key may be sent again.
async fn unanswered(world: World, path: &str, kind: FaultKind) -> World {
    world.rehearsal.portal().inject(kind, When::path(path).times(1));
    assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
    after(minutes(70)).await;
    world
}

/// The portal holds the record once, it is known to be ours, and nothing is left to do.
fn made_once(world: &World, when: &str) {
    let ours = |record: &RecordView| record.text("name").as_deref() == Some("Ours");
    let made = world.rehearsal.portal().records("companies").filter(ours).count();
    assert_eq!((made, ids(world, "companies").len()), (1, 5), "{when}");
    for (what, wanted) in [
        ("companies", 5),
        ("companies WHERE _uid = 'ours' AND id IS NOT NULL", 1),
        ("sync_history WHERE property = '(id)' AND side = 'hubspot'", 1),
        ("sync_journal WHERE settled_at IS NULL", 0),
        ("sync_pending", 0),
        ("sync_rejects", 0),
    ] {
        assert_eq!(world.count(&format!("SELECT count(*) FROM {what}")), wanted, "{when}: {what}");
    }
}

/// Kills a run at each of its steps in turn, each time in a world of its own, and lets further runs finish.
async fn killed_anywhere(command: Command, passed: &'static str, prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    good.run_well(command).await.unwrap();
    let steps = good.steps();
    assert!(steps.contains(&passed), "{steps:?}");
    settled(&good).await;
    made_once(&good, "not killed");
    for (n, step) in steps.iter().enumerate() {
        let when = format!("killed at step {n}, {step}");
        let world = prepare().await;
        let killed = match world.run(command, Some(n + 1)).await {
            Ok(report) => report.errors().any(stopped),
            Err(error) => stopped(&error),
        };
        assert!(killed, "{when}: the run went on");
        // A record is found again soon; that there is none is certain only once the index has settled.
        for wait in [2, 70] {
            after(minutes(wait)).await;
            world.run_well(Command::Sync).await.unwrap_or_else(|error| panic!("{when}: {error}"));
        }
        settled(&world).await;
        made_once(&world, &when);
    }
}

#[test]
fn p8_a_row_whose_record_carries_its_key_is_made_once_wherever_its_push_is_killed() {
    paused(killed_anywhere(Command::Push, "push.answered", carried));
}

#[test]
fn p8_a_row_that_only_its_values_tell_is_made_once_wherever_its_push_is_killed() {
    paused(killed_anywhere(Command::Push, "push.answered", nameless));
}

/// An answer that was lost with its record made, and one that was lost with none: then the recovery is followed by
/// another create.
const LOST: [(FaultKind, &str); 2] =
    [(FaultKind::TimeoutAfter, "recover.creates_settled"), (FaultKind::TimeoutBefore, "push.answered")];

#[test]
fn p9_a_row_whose_record_carries_its_key_is_made_once_wherever_its_recovery_is_killed() {
    for (kind, passed) in LOST {
        let prepare = async || unanswered(carried().await, "/batch/upsert", kind.clone()).await;
        paused(killed_anywhere(Command::Sync, passed, prepare));
    }
}

#[test]
fn p10_a_row_that_only_its_values_tell_is_made_once_wherever_its_recovery_is_killed() {
    for (kind, passed) in LOST {
        let prepare = async || unanswered(nameless().await, "/batch/create", kind.clone()).await;
        paused(killed_anywhere(Command::Sync, passed, prepare));
    }
}
