use super::super::world::{OBJECTS, World, paused};
use super::{after, agree, edit, ids, minutes, still};
use crate::served::{Served, exit};
use simulator::{Settings, Tier};
use std::time::Duration;
use sync_core::store::Take;
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
fn p46_what_makes_no_call_goes_on_without_an_object_type_that_was_never_read_unless_it_was_singled_out() {
    paused(async {
        let world = World::new(still(20, 5, 5, 5));
        world.rehearsal.portal().deny("tickets");
        world.pull(None).await.unwrap();
        let id = ids(&world, "contacts")[0].to_string();
        world.person().execute("UPDATE contacts SET city = 'Mine' WHERE id = ?1", [&id]).unwrap();
        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        let left_out: Vec<&str> =
            survey.iter().filter(|(_, part)| part.skipped.is_some()).map(|(object, _)| object.as_str()).collect();
        assert_eq!((left_out, survey["contacts"].changes.len()), (vec!["tickets"], 1));

        let held =
            "INSERT INTO sync_conflicts (object, record_id, property, local, remote, kind, chosen, run_id, created_at)
             VALUES ('contacts', ?1, 'city', 'Mine', 'Theirs', 'both_changed', 'held', 1, '2026-01-01T00:00:00.000Z')";
        world.person().execute(held, [&id]).unwrap();
        let resolve = async |object: &str| {
            let take = Take::Local;
            world.decide(async |engine, mappings| engine.resolve(mappings, object, 1, take).await).await
        };
        assert_eq!(resolve("contacts").await.unwrap().after.as_deref(), Some("Mine"));
        world.decide(async |engine, mappings| engine.plan_undo(mappings, 1, false).await).await.unwrap();
        world.decide(async |engine, mappings| engine.repair(mappings).await).await.unwrap();

        let named = ["contacts", "tickets"].map(str::to_owned);
        let plan = world.decide(async |engine, mappings| engine.plan(mappings, &named, false).await).await;
        for refused in [plan.unwrap_err(), resolve("tickets").await.unwrap_err()] {
            assert!(matches!(&refused, RunError::LeftOut(why) if why.contains("tickets")), "{refused}");
        }
    });
}

#[test]
fn p46_where_nothing_was_ever_read_nothing_can_be_planned() {
    paused(async {
        let world = World::new(still(5, 0, 0, 0)).mirroring(&["contacts"]);
        world.rehearsal.portal().deny("contacts");
        world.pull(None).await.unwrap();
        let plan = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await;
        assert!(matches!(plan, Err(RunError::LeftOut(_))), "{plan:?}");
    });
}

#[test]
fn p46_verify_compares_what_may_be_read_and_says_what_it_left_out() {
    let portal = Served::new(12, Duration::ZERO, 46);
    let home = portal.home();
    let told = |words: &[&str]| exit(&home, words);
    let says = |text: &str, object: &str| text.contains(&format!("{object} was left out"));
    portal.lock().deny("tickets");
    assert_eq!(told(&["pull"]).0, 1);
    let (code, text) = told(&["verify"]);
    assert!(code == 1 && says(&text, "tickets") && text.contains("compared: no difference."), "{code}: {text}");
    assert_eq!(told(&["verify", "tickets"]).0, 2, "nothing else was asked for");
    assert_eq!(told(&["verify", "contacts"]).0, 0);
    let (code, text) = told(&["plan"]);
    assert!(code == 1 && says(&text, "tickets") && text.contains("Nothing to push."), "{code}: {text}");
    // What was read once and may not be any more is no other case.
    portal.lock().deny("deals");
    let (code, text) = told(&["verify"]);
    assert!(code == 1 && says(&text, "deals") && text.contains("compared: no difference."), "{code}: {text}");
    for object in ["companies", "contacts"] {
        portal.lock().deny(object);
    }
    let (code, text) = told(&["verify"]);
    assert!(code == 4 && text.contains("no configured object may be read"), "{code}: {text}");
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
