use super::super::calls::Asked;
use super::super::world::{World, paused};
use super::{after, agree, changed_since, edit, ids, lag, minutes, shown, still};
use simulator::{FaultKind, Settings, When};
use std::time::Duration;

const SEARCH: &str = "/contacts/search";

/// A portal of contacts, all of them in the mirror and changed since.
async fn changed(contacts: usize, latency: Duration) -> (World, Vec<u64>, i64) {
    let world = World::new(Settings { latency, ..still(contacts, 0, 0, 0) }).mirroring(&["contacts"]);
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    let (now, ids) = (world.rehearsal.now(), ids(&world, "contacts"));
    world.rehearsal.portal().bulk_edit(now, "contacts", &ids, "city", "Here").unwrap();
    world.calls();
    (world, ids, now)
}

fn archive(world: &World, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        world.rehearsal.portal().archive(world.rehearsal.now(), "contacts", id).unwrap();
    }
}

/// Whether a search stepped over an empty page.
fn stepped(search: &&&Asked) -> bool {
    search.body.contains("\"after\"")
}

#[test]
fn p16_empty_pages_of_a_search_end_no_walk() {
    paused(async {
        let (world, ids, at) = changed(1_200, Duration::ZERO).await;
        // The index still counts six hundred contacts that are archived by now: three whole pages.
        lag(&world, minutes(10));
        archive(&world, ids[200..800].iter().copied());
        world.pull_well().await.unwrap();
        let calls = world.calls();
        assert_eq!(calls.searches("contacts").iter().filter(stepped).count(), 3);
        assert_eq!((changed_since(&world, "contacts", at), calls.lists("contacts")), (600, 0));
        after(minutes(65)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn p16_short_pages_of_a_search_end_no_walk() {
    paused(async {
        let (world, ids, at) = changed(900, Duration::ZERO).await;
        lag(&world, minutes(10));
        archive(&world, ids.iter().copied().step_by(3));
        world.pull_well().await.unwrap();
        assert_eq!(changed_since(&world, "contacts", at), 600);
        assert_eq!(world.calls().searches("contacts").iter().filter(stepped).count(), 0);
    });
}

#[test]
fn p16_where_empty_pages_can_no_longer_be_stepped_over_the_list_is_read() {
    paused(async {
        let (world, _, at) = changed(500, Duration::ZERO).await;
        world.rehearsal.portal().inject(FaultKind::Vanish, When::path(SEARCH));
        world.rehearsal.portal().inject(FaultKind::Edge { status: 400, empty: true }, When::path(SEARCH));
        world.pull_well().await.unwrap();
        assert_eq!((changed_since(&world, "contacts", at), world.calls().lists("contacts")), (500, 5));
    });
}

#[test]
fn p16_an_index_that_does_not_keep_the_order_of_ids_is_not_relied_upon() {
    paused(async {
        // Once out of order is asked again; a third time, the list is read instead.
        for (times, lists) in [(1, 0), (3, 5)] {
            let (world, _, at) = changed(500, Duration::ZERO).await;
            world.rehearsal.portal().inject(FaultKind::Disorder, When::path(SEARCH).times(times));
            world.pull_well().await.unwrap();
            assert_eq!((changed_since(&world, "contacts", at), world.calls().lists("contacts")), (500, lists));
        }
    });
}

#[test]
fn p16_a_match_on_an_old_date_brings_the_newest_values() {
    paused(async {
        let (world, ids, _) = changed(300, Duration::ZERO).await;
        after(minutes(1)).await;
        lag(&world, minutes(30));
        edit(&world, "contacts", ids[7], "city", "There");
        let at = world.rehearsal.now();
        world.pull_well().await.unwrap();
        assert_eq!(shown(&world, "contacts", ids[7], "city").as_deref(), Some("There"));
        assert_eq!(changed_since(&world, "contacts", at), 1);
        // When the index catches up, the record is found again, and nothing is left to do.
        after(minutes(31)).await;
        let totals = world.pull_well().await.unwrap().totals();
        assert_eq!((totals.changed, totals.inserted), (0, 0));
        agree(&world);
    });
}

#[test]
fn p16_what_is_edited_twice_around_a_walk_is_not_passed_over() {
    paused(async {
        let (world, ids, _) = changed(1_000, Duration::from_millis(200)).await;
        let (first, last) = (ids[0], ids[999]);
        let edits = async {
            // Two pages into the walk: one contact lies behind it, the other ahead.
            after(Duration::from_millis(700)).await;
            for id in [first, last] {
                edit(&world, "contacts", id, "city", "There");
            }
        };
        let (pulled, ()) = tokio::join!(world.pull_well(), edits);
        pulled.unwrap();
        assert_eq!(shown(&world, "contacts", last, "city").as_deref(), Some("There"));
        assert_eq!(shown(&world, "contacts", first, "city").as_deref(), Some("Here"), "the walk had not passed it");
        after(minutes(1)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}
