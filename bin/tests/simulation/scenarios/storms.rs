//! Pushes that are stopped, by a portal that answers no write properly or by a belt: nothing is lost or sent twice, and
//! what changed in the CRM comes in all the same.

use super::super::world::{Command, World, paused};
use super::pushes::{contacts, settled, sql, world, writes};
use super::{after, edit, ids, minutes, shown, still};
use crmsync::exit::{CommandError, Exit};
use simulator::{FaultKind, When};
use sync_core::RunError;

/// What writes are answered with: not carried out, or carried out all the same.
const STORMS: [FaultKind; 2] = [FaultKind::Edge { status: 503, empty: false }, FaultKind::EdgeAfter { status: 500 }];

/// So many contacts, and a mirror that has just been read.
async fn many(count: usize) -> World {
    let mut world = World::new(still(count, 0, 0, 0)).mirroring(&[]);
    world.mappings.push(contacts("unmapped: ignore"));
    // No belt is to stop what the storm shall.
    world.pushing.allow_updates = Some(1_000);
    world.rehearsal.portal().log_writes(true);
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

/// The next so many of these writes fail; reads go on.
fn strike(world: &World, kind: &FaultKind, path: &str, times: u32) {
    world.rehearsal.portal().inject(kind.clone(), When::path(path).times(times));
}

fn is_storm(error: &RunError) -> bool {
    matches!(error, RunError::Storm(_))
}

/// Runs until the storm is over and nothing of what was sent in it is unknown.
async fn outlast(world: &World) {
    for _ in 0..20 {
        after(minutes(5)).await;
        let report = world.run(Command::Push, None).await.unwrap();
        if let Some(error) = report.errors().find(|error| !is_storm(error)) {
            panic!("{error}");
        }
        if report.errors().next().is_none() && report.pushed().unknown == 0 {
            return;
        }
    }
    panic!("twenty runs were not enough");
}

/// The contacts to which a property was written, as often as it was.
fn written(world: &World, property: &str) -> Vec<u64> {
    let portal = world.rehearsal.portal();
    let of_it = portal.writes().iter().filter(|written| written.property == property);
    let mut ids: Vec<u64> = of_it.map(|written| written.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn p32_a_push_into_a_storm_stops_after_five_failures_in_a_row_and_everything_arrives_once_in_the_end() {
    for kind in STORMS {
        for batches in [1, 3] {
            paused(async {
                let mut world = many(800).await;
                world.pushing.batches = batches;
                let before = ids(&world, "contacts");
                sql(
                    &world,
                    "UPDATE contacts SET city = 'Stormy';
                     INSERT INTO contacts (email) VALUES ('one@mail.example'), ('two@mail.example');",
                );
                strike(&world, &kind, "/contacts/batch/create", 3);
                strike(&world, &kind, "/contacts/batch/update", 20);
                writes(&world);
                let mut report = world.run(Command::Push, None).await.unwrap();
                let made = writes(&world);
                // Those that were on their way beside the fifth come to their end.
                assert!((5..5 + batches).contains(&made), "{kind:?}: {made} writes, {batches} at once");
                let error = report.objects.remove("contacts").unwrap().error.unwrap();
                assert!(is_storm(&error), "{kind:?}: {error}");
                assert_eq!(CommandError::from(error).exit, Exit::Later);
                assert_eq!(world.count("SELECT count(*) FROM contacts WHERE city = 'Stormy'"), 800, "{kind:?}");
                outlast(&world).await;
                settled(&world).await;
                assert_eq!(written(&world, "city"), before, "{kind:?}");
                let new = (written(&world, "email").len(), ids(&world, "contacts").len());
                assert_eq!(new, (2, 802), "{kind:?}");
            });
        }
    }
}

/// Two contacts that changed in the CRM: one was erased, which only a sweep shows, and one was edited. A sweep and a
/// settled pass are due.
async fn change_there(world: &mut World) -> [u64; 2] {
    world.pulling.sweep_every = minutes(60);
    let (ids, now) = (ids(world, "contacts"), world.rehearsal.now());
    world.rehearsal.portal().purge(now, "contacts", ids[0]).unwrap();
    after(minutes(70)).await;
    edit(world, "contacts", ids[1], "city", "Theirs");
    [ids[0], ids[1]]
}

/// The rows of all other contacts.
fn but([erased, edited]: [u64; 2]) -> String {
    format!("id NOT IN ('{erased}', '{edited}')")
}

/// A sync whose push is stopped, and which brings in what changed there all the same.
async fn sync_with_a_stopped_push(world: &World, [erased, edited]: [u64; 2]) -> RunError {
    let settled_until = "SELECT settled_until FROM sync_objects WHERE object = 'contacts'";
    let settled_before = world.count(settled_until);
    let mut report = world.run(Command::Sync, None).await.unwrap();
    let part = report.objects.remove("contacts").unwrap();
    let error = part.error.unwrap();
    assert!(part.swept, "{error}");
    assert!(world.count(settled_until) > settled_before, "{error}");
    assert_eq!(shown(world, "contacts", erased, "state").as_deref(), Some("missing"), "{error}");
    assert_eq!(shown(world, "contacts", edited, "city").as_deref(), Some("Theirs"), "{error}");
    error
}

#[test]
fn p32_a_sync_in_a_storm_of_writes_still_brings_in_what_the_settled_pass_and_the_sweep_show() {
    for kind in STORMS {
        paused(async {
            let mut world = many(600).await;
            world.pushing.batches = 1;
            let changed = change_there(&mut world).await;
            sql(&world, &format!("UPDATE contacts SET city = 'Stormy' WHERE {}", but(changed)));
            strike(&world, &kind, "/contacts/batch/update", 5);
            let error = sync_with_a_stopped_push(&world, changed).await;
            assert!(is_storm(&error), "{kind:?}: {error}");
            outlast(&world).await;
            settled(&world).await;
            let mut others = ids(&world, "contacts");
            others.retain(|id| !changed.contains(id));
            assert_eq!(written(&world, "city"), others, "{kind:?}");
        });
    }
}

#[test]
fn p25_a_sync_whose_push_a_belt_stops_still_brings_in_what_the_settled_pass_and_the_sweep_show() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_archives.at_least = 3;
        let changed = change_there(&mut world).await;
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE {}", but(changed)));
        writes(&world);
        let error = sync_with_a_stopped_push(&world, changed).await;
        assert!(matches!(error, RunError::Belt(_)), "{error}");
        assert_eq!(writes(&world), 0, "nothing of it was sent");
        world.pushing.allow_archives = Some(10);
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.archived, 10);
        settled(&world).await;
    });
}
