//! Edits that no trigger noted are found and sent, whatever command put the triggers back and whoever it was for.

use super::super::world::{Command, World, paused, stopped};
use super::links::world_with;
use super::pushes::{remote, sql};
use super::{after, ids, minutes};
use sync_core::RunError;
use sync_core::model::Timestamp;

const A_DAY: std::time::Duration = minutes(25 * 60);

/// What runs before the next push and works on something else.
#[derive(Clone, Copy, Debug)]
enum First {
    /// The pull of another object type.
    Pull,
    Verify,
    Plan,
    Undo,
    Repair,
}

impl First {
    async fn run(self, world: &World) {
        let (now, others) = (Timestamp::from_millis(world.rehearsal.now()), ["companies".to_owned()]);
        let done = world.decide(async |engine, mappings| {
            match self {
                Self::Pull => assert!(engine.pull(now, mappings, &others).await.errors().next().is_none()),
                Self::Verify => drop(engine.verify(now, mappings, &others).await?),
                Self::Plan => drop(engine.plan(mappings, &others, false).await?),
                Self::Undo => drop(engine.plan_undo(mappings, 1, false).await?),
                Self::Repair => drop(engine.repair(mappings).await?),
            }
            Ok::<(), RunError>(())
        });
        done.await.unwrap();
    }
}

#[test]
fn p30_edits_made_without_triggers_are_sent_though_another_command_put_the_triggers_back() {
    for first in [First::Pull, First::Verify, First::Plan, First::Undo, First::Repair] {
        paused(async {
            let world = world_with("companies: {}", &[(2, 1, 931)]).await;
            let id = ids(&world, "contacts")[3];
            sql(
                &world,
                &format!(
                    "DROP TRIGGER sync_contacts_update; DROP TRIGGER sync_associations_DELETE;
                     UPDATE contacts SET first_name = 'Unguarded' WHERE id = '{id}';
                     DELETE FROM associations WHERE label = 'Billing Contact'"
                ),
            );
            first.run(&world).await;
            let triggers = "SELECT count(*) FROM sqlite_master
                            WHERE name IN ('sync_contacts_update', 'sync_associations_DELETE')";
            assert_eq!(world.count(triggers), 2, "{first:?} put them back");
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(remote(&world, id, "firstname").as_deref(), Some("Unguarded"), "{first:?}");
            let there = world.rehearsal.portal().associations("contacts", "companies");
            let billing = there.iter().filter(|edge| edge.label.as_deref() == Some("Billing Contact"));
            assert_eq!(billing.count(), 0, "{first:?}");
        });
    }
}

/// A contact whose first name somebody edited so that no note of it is left.
async fn unnoted() -> (World, u64) {
    let world = world_with("companies: {}", &[]).await;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET first_name = 'Unnoted' WHERE id = '{id}'; DELETE FROM sync_touched"));
    (world, id)
}

fn is_sent((world, id): &(World, u64)) -> bool {
    remote(world, *id, "firstname").as_deref() == Some("Unnoted")
}

#[test]
fn p30_the_daily_look_at_one_object_type_is_not_used_up_by_a_run_for_another() {
    paused(async {
        let edited = unnoted().await;
        let world = &edited.0;
        world.run_well(Command::Sync).await.unwrap();
        assert!(!is_sent(&edited), "nothing leads to it");
        after(A_DAY).await;
        First::Pull.run(world).await;
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert!(is_sent(&edited));
    });
}

#[test]
fn p18_the_daily_look_of_a_run_that_is_killed_before_it_is_taken_by_the_next() {
    paused(async {
        let whole = unnoted().await;
        after(A_DAY).await;
        whole.0.run_well(Command::Sync).await.unwrap();
        assert!(is_sent(&whole));
        let steps = whole.0.steps();
        let last = steps.iter().rposition(|step| *step == "pull.diffed").unwrap();
        for kill in 1..=last + 1 {
            let edited = unnoted().await;
            after(A_DAY).await;
            let killed = match edited.0.run(Command::Sync, Some(kill)).await {
                Ok(report) => report.errors().any(stopped),
                Err(error) => stopped(&error),
            };
            assert!(killed, "step {kill}");
            after(minutes(5)).await;
            edited.0.run_well(Command::Sync).await.unwrap();
            assert!(is_sent(&edited), "killed at {kill}, {}", steps[kill - 1]);
        }
    });
}
