use super::super::world::{World, paused};
use super::{after, agree, ids, minutes, still};
use sync_core::RunError;

#[test]
fn p19_a_search_that_finds_nothing_where_the_list_holds_records_stops_that_object() {
    paused(async {
        // There are no deals, so that finding none says nothing about their search.
        let world = World::new(still(150, 20, 0, 0));
        world.rehearsal.portal().switches_mut().search_blind = true;
        let report = world.pull(None).await.unwrap();
        for (object, part) in &report.objects {
            let old = ["contacts", "companies"].contains(&object.as_str());
            assert_eq!((part.backfilled, matches!(part.error, Some(RunError::Belt(_)))), (!old, old), "{object}");
        }
        // Nobody is told that the records were read in full.
        assert_eq!(world.count("SELECT count(*) FROM sync_status WHERE backfilled = 0"), 2);
        // With the search mended, the backfill ends where it was, without reading its lists again.
        world.rehearsal.portal().switches_mut().search_blind = false;
        world.calls();
        world.pull_well().await.unwrap();
        assert_eq!(world.calls().lists("contacts"), 0);
        agree(&world);
    });
}

#[test]
fn p19_records_that_went_while_a_backfill_lay_still_are_no_sign_of_a_blind_search() {
    paused(async {
        let world = World::new(still(0, 12, 0, 0)).mirroring(&["companies"]);
        // Stopped after the lists were walked and before the search was tried.
        world.pull_well().await.unwrap();
        let last = world.steps().iter().position(|step| *step == "backfill.walked").unwrap();
        let world = World::new(still(0, 12, 0, 0)).mirroring(&["companies"]);
        world.pull(Some(last)).await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM companies WHERE state = 'active'"), 12);
        after(minutes(5)).await;
        for id in ids(&world, "companies") {
            world.rehearsal.portal().archive(world.rehearsal.now(), "companies", id).unwrap();
        }
        after(minutes(90)).await;
        world.pull_well().await.unwrap();
        after(minutes(90)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}
