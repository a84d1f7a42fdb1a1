//! A push of associations that is killed, at any step, is finished by the next one.

use super::super::super::world::{Command, World, paused, stopped};
use super::super::{after, ids, minutes};
use super::{add, add_there, lose_the_answer, settled, sql, world_with};
use simulator::Category;

/// Something of everything that can be done to associations.
fn change_everything(world: &World) {
    let (contacts, companies) = (ids(world, "contacts"), ids(world, "companies"));
    let company = |n: usize| companies[n].to_string();
    add(world, &contacts[0].to_string(), &company(0), Some("Decision maker"));
    add(world, &contacts[1].to_string(), &company(1), None);
    add(world, &contacts[2].to_string(), "12", Some("Chief"));
    sql(
        world,
        &format!(
            "DELETE FROM associations WHERE from_id = '{}' AND label = 'Billing Contact';
             DELETE FROM associations WHERE from_id = '{}';
             INSERT INTO contacts (_uid, email) VALUES ('ada', 'ada@mail.example');
             INSERT INTO associations (from_object, from_id, to_object, to_id, label)
             VALUES ('companies', '{}', 'contacts', 'ada', 'Primary');",
            contacts[3],
            contacts[4],
            company(2)
        ),
    );
    add_there(world, (contacts[0], companies[0]), Category::HubspotDefined, 931);
}

async fn changed_world() -> World {
    let world = world_with("companies: {}", &[(3, 1, 931), (4, 1, 931)]).await;
    change_everything(&world);
    world
}

/// Every association that the portal holds.
fn portal(world: &World) -> Vec<(u64, u64, u32)> {
    let edges = world.rehearsal.portal().associations("contacts", "companies");
    edges.into_iter().map(|edge| (edge.from_id, edge.to_id, edge.type_id)).collect()
}

/// Kills a run at each of its steps in turn, each time in a world of its own, and lets further runs finish.
async fn killed_anywhere(prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    good.run_well(Command::Push).await.unwrap();
    let steps = good.steps();
    assert!(steps.contains(&"push.links_settled"), "{steps:?}");
    settled(&good).await;
    let wanted = portal(&good);
    for (n, step) in steps.iter().enumerate() {
        let world = prepare().await;
        let killed = match world.run(Command::Push, Some(n + 1)).await {
            Ok(report) => report.errors().any(stopped),
            Err(error) => stopped(&error),
        };
        assert!(killed, "step {n}, {step}: the run went on");
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap_or_else(|error| panic!("killed at step {n}, {step}: {error}"));
        after(minutes(2)).await;
        settled(&world).await;
        assert_eq!(portal(&world), wanted, "killed at step {n}, {step}");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1, "killed at step {n}, {step}");
    }
}

#[test]
fn p9_a_push_of_associations_killed_at_any_step_is_finished_by_the_next_one() {
    paused(killed_anywhere(changed_world));
}

#[test]
fn p9_a_recovery_of_associations_killed_at_any_step_is_the_same_recovery_again() {
    paused(killed_anywhere(async || {
        let world = changed_world().await;
        for path in ["companies/batch/create", "companies/batch/archive"] {
            lose_the_answer(&world, path);
        }
        world.run(Command::Push, None).await.unwrap();
        after(minutes(2)).await;
        let (contacts, companies) = (ids(&world, "contacts"), ids(&world, "companies"));
        add(&world, &contacts[5].to_string(), &companies[3].to_string(), Some("Decision maker"));
        world
    }));
}
