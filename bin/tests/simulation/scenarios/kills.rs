use super::super::world::{World, paused, stopped};
use super::ties::slim_contacts;
use super::{after, edit, ids, minutes, still};
use simulator::{Category, DataSize, Settings};
use std::time::Duration;

/// A portal with something of everything, and few of each.
fn world() -> World {
    let few = still(130, 12, 6, 0);
    let data = DataSize { archived_per_mille: 100, merged_per_mille: 50, odd_per_mille: 100, ..few.data };
    let mut world = World::new(Settings { data, ..few }).mirroring(&["companies"]);
    world.mappings.push(slim_contacts(""));
    world
}

/// People change something of everything.
fn change(world: &World) {
    let (contacts, companies) = (ids(world, "contacts"), ids(world, "companies"));
    for id in contacts.iter().step_by(3) {
        edit(world, "contacts", *id, "city", format!("{id}"));
    }
    let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
    for n in 0..5 {
        portal.create(now, "contacts", &[("email", format!("new{n}@mail.example"))]).unwrap();
    }
    for id in &contacts[50..55] {
        portal.archive(now, "contacts", *id).unwrap();
    }
    let archived: Vec<u64> = portal.records("contacts").filter(|r| r.archived_at.is_some()).map(|r| r.id).collect();
    portal.restore(now, "contacts", archived[0]).unwrap();
    portal.merge(now, "contacts", contacts[60], contacts[61]).unwrap();
    portal.merge(now, "companies", companies[3], companies[4]).unwrap();
    portal.associate(now, "contacts", contacts[0], "companies", companies[0], Category::HubspotDefined, 279).unwrap();
}

/// Kills a run at each of its steps in turn, and compares what the next run leaves with what an undisturbed one does.
async fn killed_anywhere(prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    good.pull_well().await.unwrap();
    let (steps, contents) = (good.steps(), good.contents());
    assert!(steps.len() > 50, "only {} steps", steps.len());
    for (n, step) in steps.iter().enumerate() {
        let world = prepare().await;
        let killed = match world.pull(Some(n + 1)).await {
            Ok(report) => report.errors().any(stopped),
            Err(error) => stopped(&error),
        };
        assert!(killed, "step {n}, {step}: the run went on");
        world.pull_well().await.unwrap_or_else(|error| panic!("killed at step {n}, {step}: {error}"));
        assert_eq!(world.contents(), contents, "killed at step {n}, {step}");
    }
}

#[test]
fn p18_a_backfill_killed_at_any_step_ends_as_if_nothing_had_happened() {
    paused(killed_anywhere(async || world()));
}

#[test]
fn p18_a_pull_of_changes_killed_at_any_step_ends_as_if_nothing_had_happened() {
    paused(async {
        let read = world();
        read.pull_well().await.unwrap();
        killed_anywhere(async || {
            let world = world().with_mirror_of(&read);
            after(minutes(5)).await;
            change(&world);
            // Every pass of a pull is due by then.
            after(minutes(75)).await;
            world
        })
        .await;
    });
}

#[test]
fn p18_a_sweep_killed_at_any_step_ends_as_if_nothing_had_happened() {
    paused(async {
        let read = world();
        read.pull_well().await.unwrap();
        killed_anywhere(async || {
            let world = world().with_mirror_of(&read);
            after(minutes(5)).await;
            let (contacts, now) = (ids(&world, "contacts"), world.rehearsal.now());
            {
                let mut portal = world.rehearsal.portal();
                portal.purge(now, "contacts", contacts[5]).unwrap();
                portal.purge(now, "contacts", contacts[90]).unwrap();
                portal.recalculate(now, "contacts", contacts[7], &[("num_notes", "12")]).unwrap();
                let edge = portal.associations("contacts", "companies").remove(0);
                portal.dissociate(now, "contacts", edge.from_id, "companies", edge.to_id).unwrap();
            }
            after(minutes(26 * 60)).await;
            world
        })
        .await;
    });
}

/// The requests for pages that a run makes: of the list, and of walks over the search.
async fn pages(world: &World, stop_at: Option<usize>) -> [usize; 2] {
    world.calls();
    let ended = world.pull(stop_at).await;
    assert_eq!(ended.is_ok_and(|report| report.errors().next().is_none()), stop_at.is_none());
    let calls = world.calls();
    [calls.lists("contacts"), calls.searches("contacts").len()]
}

/// Kills a run at each of six places, and checks how many pages are asked for again.
async fn repeated_at_most(most: [usize; 2], prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    let wanted = pages(&good, None).await;
    assert!(wanted.iter().zip(most).any(|(wanted, most)| *wanted >= 2 * most), "{wanted:?} is too little to tell");
    let steps = good.steps().len();
    for kill in 1..=6 {
        let world = prepare().await;
        let (before, then) = (pages(&world, Some(kill * steps / 7)).await, pages(&world, None).await);
        for kind in 0..2 {
            let repeated = (before[kind] + then[kind]).saturating_sub(wanted[kind]);
            assert!(repeated <= most[kind], "killed at {kill}/7: {before:?}, then {then:?}, instead of {wanted:?}");
        }
    }
}

fn contacts(count: usize) -> World {
    let settings = Settings { latency: Duration::from_millis(20), ..still(count, 0, 0, 0) };
    let mut world = World::new(settings);
    world.mappings = vec![slim_contacts("")];
    world
}

#[test]
fn p18_a_kill_during_a_backfill_repeats_the_pages_of_one_transaction() {
    // Twenty pages on their way, and one in the reader's hand.
    paused(repeated_at_most([21, 1], async || contacts(4_300)));
}

#[test]
fn p18_a_kill_during_a_walk_over_changes_repeats_the_pages_of_one_transaction() {
    // A stretch of the walk is five pages of search.
    paused(async {
        let read = contacts(2_600);
        read.pull_well().await.unwrap();
        repeated_at_most([0, 5], async || {
            let world = contacts(2_600).with_mirror_of(&read);
            after(minutes(5)).await;
            let (now, ids) = (world.rehearsal.now(), ids(&world, "contacts"));
            world.rehearsal.portal().bulk_edit(now, "contacts", &ids, "city", "Here").unwrap();
            world
        })
        .await;
    });
}
