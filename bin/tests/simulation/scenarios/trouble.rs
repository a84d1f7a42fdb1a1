use super::super::world::{World, paused};
use super::{after, agree, edit, ids, minutes, still};
use simulator::FaultKind::{
    Cut, Duplicate, Edge, EdgeAfter, InvalidJson, Limited, Locked, Migrating, Omit, Reset, ResetAfter, Slow,
    TimeoutAfter, TimeoutBefore, TimeoutLate, Unauthorized,
};
use simulator::{FaultKind, Faults, Policy, Settings, Storm, When};
use std::time::Duration;
use sync_core::{RemoteErrorKind, RunError};

/// Everything that passes by itself.
fn passing_troubles() -> Vec<FaultKind> {
    let mut all = vec![
        Locked,
        Migrating { retry_after: 20 },
        EdgeAfter { status: 502 },
        TimeoutBefore,
        TimeoutAfter,
        TimeoutLate { delay: 3_000 },
        Reset,
        ResetAfter,
        Cut,
        InvalidJson,
        Unauthorized,
        Omit,
        Duplicate,
        Slow { by: 60_000 },
    ];
    for documented in [false, true] {
        all.extend([Policy::TenSecondly, Policy::Secondly].map(|policy| Limited { policy, documented }));
    }
    // In HTML or empty.
    all.extend([500, 502, 503, 504, 521, 522, 523, 524].map(|status| Edge { status, empty: status % 2 == 0 }));
    all
}

fn world(faults: Faults) -> World {
    World::new(Settings { faults, ..still(130, 8, 4, 2) })
}

#[test]
fn a_trouble_that_passes_costs_time_and_nothing_else() {
    for kind in passing_troubles() {
        paused(async {
            let world = world(Faults::none());
            // Twice in a row, at the metadata and at the records of a backfill, and at the calls of the pull after it.
            for part in [
                "/account-info",
                "/properties/",
                "/objects/2026-09/contacts?",
                "/objects/2026-09/companies?",
                "/search",
                "/associations/",
            ] {
                world.rehearsal.portal().inject(kind.clone(), When::path(part).skip(1).times(1));
            }
            world.pull_well().await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            after(minutes(70)).await;
            for id in ids(&world, "contacts").iter().step_by(2) {
                edit(&world, "contacts", *id, "city", "Elsewhere");
            }
            for part in ["/search", "/batch/read", "archived=true"] {
                world.rehearsal.portal().inject(kind.clone(), When::path(part));
            }
            world.pull_well().await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            agree(&world);
            let struck = world.rehearsal.portal().calls().faults;
            assert!(struck >= 6, "{kind:?} struck {struck} times only");
        });
    }
}

/// Every request fails alike, from the second on and for so long.
fn storm(kind: FaultKind, span: Duration) -> Faults {
    let for_ms = span.as_millis().try_into().unwrap();
    Faults { storms: vec![Storm { from_ms: 1, for_ms, kind }], ..Faults::none() }
}

/// What stands behind these two tests: a run gives up after ten minutes of nothing but trouble.
#[test]
fn a_storm_that_ends_before_the_run_gives_up_is_waited_for() {
    let limited = |policy| Limited { policy, documented: true };
    for (kind, span) in [
        (Edge { status: 503, empty: false }, minutes(9)),
        (Edge { status: 500, empty: true }, minutes(9)),
        (Reset, minutes(9)),
        (TimeoutBefore, minutes(7)),
        (Locked, minutes(9)),
        (Migrating { retry_after: 45 }, minutes(9)),
        (limited(Policy::TenSecondly), minutes(9)),
        (limited(Policy::Secondly), minutes(9)),
    ] {
        paused(async {
            let world = world(storm(kind.clone(), span));
            after(Duration::from_millis(10)).await;
            let began = world.rehearsal.now();
            world.pull_well().await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            let took = Duration::from_millis((world.rehearsal.now() - began).unsigned_abs());
            assert!(took + Duration::from_millis(10) >= span, "{kind:?} took {took:?}");
            agree(&world);
        });
    }
}

#[test]
fn a_storm_that_lasts_ends_the_run_and_the_next_one_goes_on() {
    paused(async {
        let world = world(storm(Edge { status: 503, empty: false }, minutes(30)));
        after(Duration::from_millis(10)).await;
        let error = world.pull(None).await.unwrap_err();
        let unavailable =
            |error: &RunError| matches!(error, RunError::Remote(e) if e.kind == RemoteErrorKind::Unavailable);
        assert!(unavailable(&error), "{error}");
        after(minutes(25)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn a_long_move_of_the_account_ends_the_run_at_once() {
    paused(async {
        let world = world(Faults::none());
        world.rehearsal.portal().inject(Migrating { retry_after: 7_200 }, When::next(1));
        let began = world.rehearsal.now();
        let error = world.pull(None).await.unwrap_err();
        let RunError::Remote(error) = error else { panic!("{error}") };
        assert_eq!(error.kind, RemoteErrorKind::ComeBack(Duration::from_secs(7_200)));
        assert_eq!(world.rehearsal.now(), began);
        world.pull_well().await.unwrap();
    });
}
