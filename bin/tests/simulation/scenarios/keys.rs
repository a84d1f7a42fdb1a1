//! Rows known by a key of one's own, where nothing else tells one record from another.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, settled, sql, writes};
use super::{after, ids, minutes, still};
use mappings::Mapping;
use rusqlite::Connection;
use simulator::{FaultKind, When};

const OURS: &str = "INSERT OR REPLACE INTO companies (_uid, name, city) VALUES ('ours', 'Ours', 'Oslo')";
const OURS_AGAIN: &str = "INSERT OR REPLACE INTO companies (_uid, name) VALUES ('ours', 'Ours, renamed')";

/// Four companies, whose mapping names no key, and a mirror that has just been read.
async fn world_with(more: &str) -> World {
    let mut world = World::new(still(0, 4, 0, 0)).mirroring(&[]);
    let text = format!("object: companies\ntable: companies\n{more}\nfields:\n  name: name\n  city: city\n");
    world.mappings.push(Mapping::parse("companies.yaml", &text).unwrap());
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

/// The companies that were made here, as `name, city`.
fn made(world: &World) -> Vec<String> {
    let portal = world.rehearsal.portal();
    let ours = portal.records("companies").filter(simulator::RecordView::is_active);
    let shown = ours.map(|record| ["name", "city"].map(|name| record.text(name).unwrap_or_default()).join(", "));
    shown.filter(|shown| shown.starts_with("Ours")).collect()
}

#[test]
fn p8_a_row_that_is_replaced_by_its_own_key_stays_the_row_of_its_record() {
    for more in ["", "deletes: archive"] {
        paused(async {
            let world = world_with(more).await;
            for statement in [OURS, OURS, OURS_AGAIN, "DELETE FROM companies WHERE _uid = 'ours'; ", OURS_AGAIN] {
                // A delete is followed by its insert before anything runs.
                sql(&world, statement);
                if !statement.starts_with("DELETE") {
                    world.run_well(Command::Sync).await.unwrap();
                    after(minutes(5)).await;
                }
            }
            assert_eq!(made(&world), ["Ours, renamed, Oslo"], "{more}");
            assert_eq!(world.count("SELECT count(*) FROM companies WHERE name = 'Ours, renamed'"), 1, "{more}");
            settled(&world).await;
        });
    }
}

#[test]
fn p8_a_new_row_that_is_replaced_by_its_own_key_while_it_is_sent_is_made_once() {
    for (more, step) in [("", "push.before_send"), ("deletes: archive", "push.before_send"), ("", "push.answered")] {
        paused(async {
            let world = world_with(more).await;
            sql(&world, OURS);
            let (mirror, mut once) = (world.mirror(), Some(()));
            world.at_each(step, move || {
                if once.take().is_some() {
                    Connection::open(&mirror).unwrap().execute(OURS_AGAIN, []).unwrap();
                }
            });
            world.run_well(Command::Push).await.unwrap();
            world.run_well(Command::Push).await.unwrap();
            assert_eq!(made(&world), ["Ours, renamed, Oslo"], "{more} {step}");
            settled(&world).await;
        });
    }
}

#[test]
fn p8_a_new_row_that_is_replaced_by_its_own_key_while_its_answer_is_lost_is_made_once() {
    paused(async {
        let world = world_with("").await;
        sql(&world, OURS);
        lose_the_answer(&world, "/companies/batch/create");
        world.run_well(Command::Push).await.unwrap();
        sql(&world, OURS_AGAIN);
        world.run_well(Command::Push).await.unwrap();
        after(minutes(30)).await;
        world.run_well(Command::Sync).await.unwrap();
        after(minutes(30)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(made(&world), ["Ours, renamed, Oslo"]);
        settled(&world).await;
    });
}

#[test]
fn p29_a_new_row_that_is_deleted_while_its_answer_is_lost_asks_for_an_archive_once_its_record_is_known() {
    paused(async {
        let world = world_with("deletes: archive").await;
        sql(&world, OURS);
        lose_the_answer(&world, "/companies/batch/create");
        world.run_well(Command::Push).await.unwrap();
        sql(&world, "DELETE FROM companies WHERE _uid = 'ours'");
        world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        after(minutes(30)).await;
        world.run_well(Command::Sync).await.unwrap();
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert!(made(&world).is_empty(), "it is archived");
        settled(&world).await;
    });
}

#[test]
fn p30_a_table_written_back_as_it_was_before_a_row_had_its_record_stops_nothing() {
    for insert in ["INSERT", "INSERT OR REPLACE"] {
        paused(async {
            let world = world_with("").await;
            sql(&world, OURS);
            let person = world.person();
            person.execute_batch("CREATE TEMP TABLE frame AS SELECT * FROM companies").unwrap();
            world.run_well(Command::Push).await.unwrap();
            let empty = if insert == "INSERT" { "DELETE FROM companies;" } else { "" };
            person.execute_batch(&format!("{empty} {insert} INTO companies SELECT * FROM frame")).unwrap();
            drop(person);
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            world.run_well(Command::Push).await.unwrap();
            assert_eq!(made(&world), ["Ours, Oslo"], "{insert}");
            assert_eq!(ids(&world, "companies").len(), 5, "{insert}");
            settled(&world).await;
        });
    }
}

#[test]
fn p14_an_archive_that_is_passed_over_in_silence_becomes_a_reject_and_goes_on_asking() {
    for wish in ["UPDATE companies SET archived = 1", "DELETE FROM companies"] {
        paused(async {
            let world = world_with("deletes: archive").await;
            let id = ids(&world, "companies")[0];
            sql(&world, &format!("{wish} WHERE id = '{id}'"));
            let archive = When::path("/companies/batch/archive").times(1);
            world.rehearsal.portal().inject(FaultKind::Ignore, archive);
            let report = world.run_well(Command::Push).await.unwrap();
            assert_eq!((report.pushed().archived, report.pushed().refused), (0, 1), "{wish}");
            let state = format!("SELECT count(*) FROM companies WHERE id = '{id}' AND state = 'archiving'");
            let kept = format!("SELECT count(*) FROM sync_rejects WHERE record_id = '{id}' AND operation = 'archive'");
            assert_eq!((world.count(&state), world.count(&kept)), (1, 1), "{wish}");
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(writes(&world), 0, "{wish}: it is not tried for ever");
            let retry = format!("SELECT id FROM sync_rejects WHERE record_id = '{id}'");
            let reject = world.count(&retry);
            world.decide(async |engine, _mappings| engine.retry_rejects(vec![reject]).await).await.unwrap();
            world.run_well(Command::Sync).await.unwrap();
            let archived = world.rehearsal.portal().record("companies", id).unwrap().archived_at.is_some();
            assert!(archived, "{wish}");
            assert_eq!(world.count(&kept), 0, "{wish}");
            settled(&world).await;
        });
    }
}

#[test]
fn p14_a_value_that_is_typed_again_after_its_column_came_back_is_sent() {
    paused(async {
        let mut world = world_with("").await;
        let id = ids(&world, "companies")[0];
        let whole = world.mappings.clone();
        sql(&world, &format!("UPDATE companies SET city = 'Bergen' WHERE id = '{id}'"));
        let without = "object: companies\ntable: companies\nfields:\n  name: name\n";
        world.mappings = vec![Mapping::parse("companies.yaml", without).unwrap()];
        world.pull_well().await.unwrap();
        world.mappings = whole;
        world.pull_well().await.unwrap();
        sql(&world, &format!("UPDATE companies SET city = 'Bergen' WHERE id = '{id}'"));
        world.run_well(Command::Sync).await.unwrap();
        let city = world.rehearsal.portal().record("companies", id).unwrap().text("city");
        assert_eq!(city.as_deref(), Some("Bergen"));
    });
}
