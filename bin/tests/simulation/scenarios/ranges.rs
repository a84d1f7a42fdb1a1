use super::super::world::{OBJECTS, World, paused, stopped};
use super::ties::slim_contacts;
use super::{after, edit, ids, lag, minutes, still};
use mappings::Mapping;
use simulator::{FaultKind, ListAfter, Settings, When};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use sync_core::model::Timestamp;
use sync_core::{Lanes, Via};

/// Lists of a few pages are walked in ranges, and searches help however little they save.
pub(in super::super) fn eager(via: Via) -> Lanes {
    Lanes {
        via,
        worth_dividing: 300,
        smallest_range: 100,
        list_cursors: 4,
        search_cursors: 2,
        worth_searching: Duration::ZERO,
    }
}

/// A portal of contacts with few properties, whose list is walked in ranges.
fn world(contacts: usize, via: Via) -> World {
    let settings = Settings { latency: Duration::from_millis(200), ..still(contacts, 0, 0, 0) };
    let mut world = World::new(settings);
    world.mappings = vec![slim_contacts("")];
    world.pulling.lanes = eager(via);
    world
}

/// What is left of the contacts' list: the ids from which on, and below which.
fn left(world: &World) -> Vec<(u64, Option<u64>)> {
    let sql = "SELECT position, until FROM sync_cursors WHERE object = 'contacts' AND phase = 'backfill' AND part > 0
               ORDER BY part";
    let person = world.person();
    let Ok(mut statement) = person.prepare(sql) else { return Vec::new() };
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
    let rows = statement.query_map([], row).unwrap().map(Result::unwrap);
    rows.map(|(next, until)| (next.parse().unwrap(), until.map(|until| until.parse().unwrap()))).collect()
}

/// The pages of the list that a run asked for, and those of ranges by search.
fn pages(world: &World) -> (usize, usize) {
    let calls = world.calls();
    let within = calls.searches("contacts").into_iter().filter(|asked| {
        asked.body.contains("\"hs_object_id\",\"operator\":\"GTE\"") && !asked.body.contains("\"limit\":1,")
    });
    (calls.lists("contacts"), within.count())
}

/// Every record of the portal as the mirror should show it, in no order of arrival.
fn mirrored(world: &World) -> BTreeSet<String> {
    let person = world.person();
    let sql = "SELECT id || ' ' || state || ' ' || updated_at || ' ' || properties FROM sync_base_contacts";
    let mut statement = person.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Mirror and portal hold the same active contacts, as far as the mapping goes.
fn agree(world: &World) {
    let person = world.person();
    let mut statement = person.prepare("SELECT id, email, city, updated_at FROM contacts WHERE archived = 0").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)));
    type Shown = (Option<String>, Option<String>, String);
    let mirror: BTreeMap<String, Shown> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    let portal = world.rehearsal.portal();
    let text = |record: &simulator::RecordView, name: &str| record.text(name).filter(|text| !text.is_empty());
    let truth: BTreeMap<String, Shown> = portal
        .records("contacts")
        .filter(simulator::RecordView::is_active)
        .map(|record| {
            let changed = Timestamp::from_millis(record.updated_at).to_string();
            (record.id.to_string(), (text(&record, "email"), text(&record, "city"), changed))
        })
        .collect();
    assert!(mirror == truth, "{} records in the mirror, {} in the portal", mirror.len(), truth.len());
}

#[test]
fn p16_a_list_in_ranges_brings_every_record_once_from_wherever_ids_were_handed_out() {
    paused(async {
        for via in [Via::List, Via::Search, Via::Auto] {
            let world = world(2_500, via);
            let ids = ids(&world, "contacts");
            let widest = ids.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(widest > 1_000_000_000, "the ids come from one block");
            let report = world.pull_well().await.unwrap();
            assert_eq!(report.objects["contacts"].applied.inserted, 2_500, "{via:?}");
            agree(&world);
            let (lists, searches) = pages(&world);
            // The archived list is one page; a range ends in the middle of one.
            let needed = lists * 100 + searches * 200;
            assert!(needed < 2_500 + 2_000, "{via:?}: {lists} pages of lists, {searches} of searches");
            assert_eq!(searches > 0, via != Via::List, "{via:?}");
            assert!(via != Via::Search || lists <= 4, "{lists} pages of lists");
        }
    });
}

/// The searches that named where a list may be cut, over all object types.
fn cuts(world: &World) -> usize {
    let calls = world.calls();
    let of = |object: &str| calls.searches(object).iter().filter(|asked| asked.body.contains("\"limit\":1,")).count();
    OBJECTS.iter().map(|object| of(object)).sum()
}

#[test]
fn object_types_side_by_side_share_the_cursors_that_one_alone_would_have() {
    paused(async {
        let cuts_of = async |types: usize| {
            let [contacts, companies, deals, tickets] = std::array::from_fn(|n| if n < types { 4_000 } else { 0 });
            let settings =
                Settings { latency: Duration::from_millis(200), ..still(contacts, companies, deals, tickets) };
            let mut world = World::new(settings);
            let few = |object: &&str| {
                let text = format!(
                    "object: {object}\ntable: {object}\nunmapped: ignore\nfields:\n  hs_object_source: source\n"
                );
                Mapping::parse("few.yaml", &text).unwrap()
            };
            world.mappings = OBJECTS.iter().map(few).collect();
            world.pulling.lanes = eager(Via::Auto);
            world.pull_well().await.unwrap();
            cuts(&world)
        };
        let (alone, four) = (cuts_of(1).await, cuts_of(4).await);
        assert!(alone >= 4, "the cursors of one alone had {alone} cuts");
        assert!(four * 2 < alone * 5, "one alone had {alone} cuts, and four together {four}");
    });
}

#[test]
fn p18_a_backfill_in_ranges_killed_at_any_step_brings_everything() {
    paused(async {
        for via in [Via::List, Via::Auto] {
            let good = world(700, via);
            good.pull_well().await.unwrap();
            let (steps, wanted) = (good.steps(), mirrored(&good));
            for needed in ["ranges.probed", "range.cut", "range.pages_written"] {
                assert!(steps.contains(&needed), "{needed} was never passed");
            }
            for n in 0..steps.len() {
                let world = world(700, via);
                let killed = match world.pull(Some(n + 1)).await {
                    Ok(report) => report.errors().any(stopped),
                    Err(error) => stopped(&error),
                };
                assert!(killed, "step {n}: the run went on");
                world.pull_well().await.unwrap_or_else(|error| panic!("killed at step {n}: {error}"));
                assert_eq!(mirrored(&world), wanted, "killed at step {n}, {:?}", steps.get(n));
                assert_eq!(left(&world), []);
            }
        }
    });
}

#[test]
fn p18_a_kill_of_a_backfill_in_ranges_repeats_one_transaction_and_the_pages_on_their_way() {
    paused(async {
        let good = world(4_000, Via::List);
        good.pull_well().await.unwrap();
        let (steps, wanted) = (good.steps().len(), pages(&good).0);
        for kill in 1..=6 {
            let world = world(4_000, Via::List);
            assert!(!world.pull(Some(kill * steps / 7)).await.is_ok_and(|report| report.errors().next().is_none()));
            let before = pages(&world).0;
            world.pull_well().await.unwrap();
            // Four pages wait for the writer, four are in its transaction, each of four cursors has one; cuts fall
            // elsewhere the second time, and each costs part of a page.
            let repeated = (before + pages(&world).0).saturating_sub(wanted);
            assert!(repeated <= 20, "killed at {kill}/7: {repeated} of {wanted} pages were read again");
        }
    });
}

#[test]
fn p18_what_is_left_of_a_list_goes_on_by_whatever_calls_are_asked_for() {
    paused(async {
        for (first, then) in [(Via::List, Via::Search), (Via::Search, Via::List), (Via::Auto, Via::List)] {
            let mut world = world(3_000, first);
            let (_, steps) = {
                let good = super::ranges::world(3_000, first);
                (good.pull_well().await.unwrap(), good.steps().len())
            };
            world.pull(Some(steps / 3)).await.ok();
            let ranges = left(&world);
            assert!(ranges.len() > 1, "{first:?}: {ranges:?}");
            let there = world.count("SELECT count(*) FROM contacts");
            pages(&world);
            world.pulling.lanes.via = then;
            let report = world.pull_well().await.unwrap();
            assert_eq!(i64::try_from(report.objects["contacts"].applied.inserted).unwrap() + there, 3_000);
            let (lists, searches) = pages(&world);
            assert!(if then == Via::List { searches == 0 } else { lists <= 1 }, "{lists} and {searches} pages");
            agree(&world);
        }
    });
}

#[test]
fn p16_what_happens_while_ranges_are_walked_is_right_when_the_next_pull_is_done() {
    paused(async {
        for via in [Via::List, Via::Search, Via::Auto] {
            let world = world(3_000, via);
            let before = ids(&world, "contacts");
            let people = async {
                after(Duration::from_millis(1_500)).await;
                for (n, id) in before.iter().step_by(60).enumerate() {
                    let now = world.rehearsal.now();
                    let other = before[(n * 997 + 31) % before.len()];
                    let email = format!("new{n}@mail.example");
                    world.rehearsal.portal().create(now, "contacts", &[("email", email)]).unwrap();
                    // What an earlier step took away is refused.
                    drop(match n % 3 {
                        0 => world.rehearsal.portal().archive(now, "contacts", *id),
                        1 => world.rehearsal.portal().merge(now, "contacts", *id, other).map(|_| ()),
                        _ => world.rehearsal.portal().edit(now, "contacts", *id, &[("city", "Elsewhere")]),
                    });
                    after(Duration::from_millis(40)).await;
                }
            };
            let (pulled, ()) = tokio::join!(world.pull_well(), people);
            pulled.unwrap();
            assert_eq!(world.count("SELECT count(*) FROM contacts WHERE email LIKE 'new%@mail.example'"), 50);
            after(minutes(65)).await;
            world.pull_well().await.unwrap();
            agree(&world);
        }
    });
}

#[test]
fn p17_what_the_index_did_not_know_when_it_was_searched_is_found_by_the_settled_pass() {
    paused(async {
        let world = world(1_000, Via::Search);
        lag(&world, minutes(30));
        // Three minutes before the backfill: more than any pass reaches back by itself.
        let (now, email) = (world.rehearsal.now(), "late@mail.example");
        world.rehearsal.portal().create(now, "contacts", &[("email", email)]).unwrap();
        after(minutes(3)).await;
        world.pull_well().await.unwrap();
        let there = || world.count("SELECT count(*) FROM contacts WHERE email = 'late@mail.example'");
        assert_eq!(there(), 0, "the search knew it");
        after(minutes(65)).await;
        world.pull_well().await.unwrap();
        assert_eq!(there(), 1);
        agree(&world);
    });
}

#[test]
fn p17_a_kill_does_not_forget_that_a_search_took_part() {
    paused(async {
        let new = |world: &World| {
            lag(world, minutes(30));
            for n in 0..8 {
                let email = format!("n{n}@mail.example");
                world.rehearsal.portal().create(world.rehearsal.now(), "contacts", &[("email", email)]).unwrap();
            }
        };
        let whole = world(3_000, Via::Search);
        new(&whole);
        after(minutes(3)).await;
        whole.pull_well().await.unwrap();
        // Just before its end most of the walk has been searches, and they have missed what is new.
        let walked = whole.steps().iter().position(|step| *step == "backfill.walked").unwrap();
        let mut world = world(3_000, Via::Search);
        new(&world);
        after(minutes(3)).await;
        world.pull(Some(walked - 40)).await.ok();
        assert_eq!(world.count("SELECT count(*) FROM sync_cursors WHERE searched AND NOT done"), 1);
        world.pulling.lanes.via = Via::List;
        world.pull_well().await.unwrap();
        let there = world.count("SELECT count(*) FROM contacts WHERE email LIKE 'n_@mail.example'");
        assert!(there < 8, "the search knew all of them");
        after(minutes(65)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn a_list_that_cannot_be_entered_at_an_id_has_one_cursor() {
    paused(async {
        for meaning in [ListAfter::Offset, ListAfter::Token] {
            let world = world(1_000, Via::Auto);
            world.rehearsal.portal().switches_mut().list_after = meaning;
            world.pull_well().await.unwrap();
            // Ten pages, a probe and its first page, and the archived list; the token is refused outright.
            let (lists, searches) = pages(&world);
            assert!((12..=17).contains(&lists) && searches == 0, "{meaning:?}: {lists} and {searches} pages");
            assert_eq!(world.count("SELECT count(*) FROM contacts"), 1_000);
            agree(&world);
        }
    });
}

#[test]
fn a_page_of_a_search_that_lacks_records_or_their_order_is_read_by_list() {
    paused(async {
        for fault in [FaultKind::Vanish, FaultKind::Disorder, FaultKind::Duplicate] {
            let world = world(2_000, Via::Search);
            world.rehearsal.portal().inject(fault, When::path("/contacts/search").times(12));
            let report = world.pull_well().await.unwrap();
            assert_eq!(report.objects["contacts"].applied.inserted, 2_000);
            assert!(pages(&world).0 > 3);
            agree(&world);
        }
    });
}

#[test]
fn p19_a_search_that_finds_nothing_is_not_believed_where_it_alone_was_asked() {
    paused(async {
        let world = world(600, Via::Search);
        world.rehearsal.portal().switches_mut().search_blind = true;
        let report = world.pull(None).await.unwrap();
        assert!(matches!(report.objects["contacts"].error, Some(sync_core::RunError::Belt(_))));
        assert_eq!(world.count("SELECT count(*) FROM sync_status WHERE backfilled = 1"), 0);
    });
}

#[test]
fn p1_an_edit_of_a_row_survives_ranges_that_are_walked_again() {
    paused(async {
        let world = world(800, Via::Auto);
        world.pull_well().await.unwrap();
        let id = ids(&world, "contacts")[400];
        world.person().execute("UPDATE contacts SET city = 'mine' WHERE id = ?1", [id.to_string()]).unwrap();
        world.person().execute_batch("UPDATE sync_objects SET backfilled = 0").unwrap();
        edit(&world, "contacts", id, "email", "other@mail.example");
        world.pull_well().await.unwrap();
        let row =
            world.person().query_row("SELECT city || email FROM contacts WHERE id = ?1", [id.to_string()], |row| {
                row.get::<_, String>(0)
            });
        assert_eq!(row.unwrap(), "mineother@mail.example");
    });
}

#[test]
fn p44_a_property_that_is_named_while_ranges_are_walked_is_shown_of_what_was_read_before() {
    paused(async {
        for via in [Via::List, Via::Search] {
            let whole = world(1_000, via);
            whole.pull_well().await.unwrap();
            let written = whole.steps().iter().position(|step| *step == "range.pages_written").unwrap() + 1;
            let mut world = world(1_000, via);
            world.pull(Some(written)).await.ok();
            assert!(world.count("SELECT count(*) FROM contacts") > 0 && !left(&world).is_empty(), "{via:?}");
            world.mappings = vec![slim_contacts("  firstname: first_name\n")];
            world.pull_well().await.unwrap();
            let portal = world.rehearsal.portal();
            let active = portal.records("contacts").filter(simulator::RecordView::is_active);
            let named = active.filter(|record| record.text("firstname").is_some_and(|name| !name.is_empty())).count();
            drop(portal);
            let shown = world.count("SELECT count(first_name) FROM contacts WHERE archived = 0");
            assert_eq!(usize::try_from(shown), Ok(named), "{via:?}");
        }
    });
}
