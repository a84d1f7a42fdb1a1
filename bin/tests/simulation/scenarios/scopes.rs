use super::super::world::{OBJECTS, World, paused};
use super::{after, agree, edit, ids, minutes, still};
use simulator::{Settings, Tier};
use std::time::Duration;
use sync_core::{RemoteErrorKind, Report, RunError};

/// The object types that were left out, and those that were read.
fn skipped(report: &Report) -> (Vec<&str>, Vec<&str>) {
    assert!(report.errors().next().is_none(), "{:?}", report.errors().next());
    let named = |left_out: bool| {
        let objects = report.objects.iter().filter(move |(_, part)| part.skipped.is_some() == left_out);
        objects.map(|(object, _)| object.as_str()).collect()
    };
    (named(true), named(false))
}

#[test]
fn p46_a_missing_scope_leaves_out_one_object_type_and_the_others_are_read() {
    for denied in OBJECTS {
        paused(async {
            let world = World::new(still(120, 15, 15, 10));
            world.rehearsal.portal().deny(denied);
            let report = world.pull(None).await.unwrap();
            let others: Vec<&str> =
                ["companies", "contacts", "deals", "tickets"].into_iter().filter(|o| *o != denied).collect();
            assert_eq!(skipped(&report), (vec![denied], others.clone()));
            assert!(others.iter().all(|other| report.objects[*other].backfilled));
            // Once the scope is granted, the object type is read in full.
            world.rehearsal.portal().allow(denied);
            after(minutes(26 * 60)).await;
            world.pull_well().await.unwrap();
            agree(&world);
        });
    }
}

#[test]
fn p46_a_scope_that_is_lost_later_leaves_out_one_object_type_and_the_others_go_on() {
    for denied in OBJECTS {
        paused(async {
            let world = World::new(still(120, 15, 15, 10));
            world.pull_well().await.unwrap();
            after(minutes(70)).await;
            world.rehearsal.portal().deny(denied);
            for (object, property) in
                [("contacts", "city"), ("companies", "city"), ("deals", "dealname"), ("tickets", "subject")]
            {
                for id in ids(&world, object) {
                    edit(&world, object, id, property, "Changed");
                }
            }
            let report = world.pull(None).await.unwrap();
            assert_eq!(skipped(&report).0, [denied]);
            world.rehearsal.portal().allow(denied);
            after(minutes(5)).await;
            world.pull_well().await.unwrap();
            agree(&world);
        });
    }
}

#[test]
fn p46_associations_that_changed_while_a_scope_was_lost_are_there_when_it_is_back() {
    paused(async {
        let world = World::new(still(120, 15, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let (contact, company) = (ids(&world, "contacts")[3], ids(&world, "companies")[2]);
        after(minutes(5)).await;
        world.rehearsal.portal().deny("companies");
        after(minutes(25 * 60)).await;
        let now = world.rehearsal.now();
        let hubspot = simulator::Category::HubspotDefined;
        world.rehearsal.portal().associate(now, "contacts", contact, "companies", company, hubspot, 279).unwrap();
        edit(&world, "contacts", contact, "city", "Elsewhere");
        assert_eq!(skipped(&world.pull(None).await.unwrap()).0, ["companies"]);
        world.rehearsal.portal().allow("companies");
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn p46_without_any_scope_everything_is_left_out() {
    paused(async {
        let world = World::new(still(20, 5, 5, 5));
        for object in OBJECTS {
            world.rehearsal.portal().deny(object);
        }
        assert_eq!(skipped(&world.pull(None).await.unwrap()).0.len(), 4);
    });
}

#[test]
fn p46_the_days_last_call_ends_the_run_and_tomorrow_it_goes_on() {
    paused(async {
        let mut world =
            World::new(Settings { tier: Tier::Free, ..still(2_000, 30, 0, 0) }).mirroring(&["contacts", "companies"]);
        // A backfill that takes a day is swept at once; here only its own calls are counted.
        world.pulling.sweep_every = minutes(7 * 24 * 60);
        // Ten calls are left of the day, after what is kept for others.
        world.rehearsal.portal().spend_elsewhere(world.rehearsal.now(), 250_000 - 25_000 - 35);
        let report = world.pull(None).await.unwrap();
        let daily = |error: &RunError| matches!(error, RunError::Remote(e) if e.kind == RemoteErrorKind::DailyLimit);
        assert!(report.errors().next().is_some() && report.errors().all(daily), "{:?}", report.errors().next());
        let rows = world.count("SELECT count(*) FROM contacts");
        assert!((100..2_000).contains(&rows), "{rows} were read before the end of the day");
        // Until midnight every run ends the same way, and what was read stays.
        after(Duration::from_secs(3_600)).await;
        assert!(world.pull(None).await.unwrap().errors().all(daily));
        assert!(world.count("SELECT count(*) FROM contacts") >= rows);
        after(minutes(24 * 60)).await;
        world.calls();
        world.pull_well().await.unwrap();
        assert!(world.calls().lists("contacts") <= 20, "the backfill began anew");
        agree(&world);
    });
}

#[test]
fn p46_a_429_that_names_the_day_ends_the_run_too() {
    paused(async {
        let world = World::new(Settings { tier: Tier::OauthPublic, ..still(300, 0, 0, 0) }).mirroring(&["contacts"]);
        for documented in [false, true] {
            let kind = simulator::FaultKind::Limited { policy: simulator::Policy::Daily, documented };
            world.rehearsal.portal().inject(kind, simulator::When::path("/objects/2026-09/contacts?").skip(1));
            let report = world.pull(None).await.unwrap();
            let kind = report.errors().find_map(|error| match error {
                RunError::Remote(error) => Some(error.kind),
                _ => None,
            });
            assert_eq!(kind, Some(RemoteErrorKind::DailyLimit));
        }
        world.pull_well().await.unwrap();
        agree(&world);
    });
}
