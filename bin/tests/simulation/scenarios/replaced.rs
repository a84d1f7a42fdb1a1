//! A tool drops a table or writes it back in a shape of its own: nothing of it is sent, the other objects go on, and a
//! repair makes it anew with what was edited in it.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{lose_the_answer, remote, settled, sql, world, writes};
use super::{after, agree, edit, ids, minutes, shown};
use rusqlite::types::Value;
use sync_core::store::{Rebuilt, StoreError};
use sync_core::{Repaired, RunError};

/// A data frame's way: everything is read, and written back into a table of the tool's own.
const FRAME: &str = "CREATE TEMP TABLE frame AS SELECT * FROM contacts; DROP TABLE contacts;
                     CREATE TABLE contacts AS SELECT * FROM frame";

/// Repairs, killed at a step if one is given.
async fn repair(world: &World, stop_at: Option<usize>) -> Result<Repaired, RunError> {
    world.decide_until(stop_at, async |engine, mappings| engine.repair(mappings).await).await
}

async fn rebuilt(world: &World) -> Rebuilt {
    world.calls();
    let rebuilt = repair(world, None).await.unwrap().rebuilt.remove("contacts").unwrap();
    assert_eq!(world.calls().0.len(), 0, "a repair makes no call");
    rebuilt
}

/// Everything that makes the table what it is.
fn shape(world: &World) -> Vec<Value> {
    let person = world.person();
    let mut statement = person
        .prepare(
            "SELECT name || ': ' || sql FROM sqlite_master WHERE tbl_name = 'contacts' AND sql IS NOT NULL OR type = 'view'
             ORDER BY name",
        )
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn p30_a_table_that_a_tool_replaced_is_stopped_and_the_others_go_on() {
    for (harm, what) in [
        (FRAME, "it no longer has the keys _row, id, _uid"),
        ("DROP TABLE contacts", "it is gone"),
        ("DROP TABLE contacts; CREATE TABLE contacts (id TEXT, city TEXT)", "it no longer has the columns"),
        ("ALTER TABLE contacts DROP COLUMN city", "it no longer has the columns city"),
        ("ALTER TABLE contacts RENAME COLUMN city TO town", "it no longer has the columns city"),
        ("DROP TABLE contacts; CREATE VIEW contacts AS SELECT 1 AS id", "it no longer has the columns"),
        (
            "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, '\"city\" TEXT', '\"city\" REAL')
                 WHERE name = 'contacts'; PRAGMA writable_schema = 0",
            "its columns city were made in another way",
        ),
    ] {
        paused(async {
            let world = world().await;
            let (contact, company) = (ids(&world, "contacts")[2], ids(&world, "companies")[1]);
            sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{contact}'; {harm}"));
            sql(&world, &format!("UPDATE companies SET city = 'Bergen' WHERE id = '{company}'"));
            edit(&world, "contacts", contact, "jobtitle", "Theirs");
            edit(&world, "companies", company, "name", "Theirs");
            after(minutes(5)).await;
            writes(&world);
            for command in [Command::Sync, Command::Push, Command::Pull] {
                let report = world.run(command, None).await.unwrap();
                let error = report.objects["contacts"].error.as_ref().unwrap();
                assert!(matches!(error, RunError::Store(StoreError::Remade { .. })), "{harm}: {error}");
                assert!(error.to_string().contains(what), "{harm}: {error}");
                assert!(report.objects["companies"].error.is_none());
            }
            assert_eq!(writes(&world), 1, "{harm}: the company alone");
            assert_eq!(shown(&world, "companies", company, "name").as_deref(), Some("Theirs"));
            let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], true).await).await.unwrap();
            assert!(survey["contacts"].stopped.as_ref().unwrap().contains(what), "{harm}");
            assert!(survey["companies"].stopped.is_none());
        });
    }
}

#[test]
fn p30_a_rebuilt_table_is_what_it_was_and_knows_what_was_edited_in_the_tools_table() {
    paused(async {
        let world = world().await;
        let person = "PRAGMA foreign_keys = 0";
        sql(
            &world,
            "CREATE VIEW mine AS SELECT id, city FROM contacts; CREATE TABLE note (of TEXT REFERENCES contacts (id))",
        );
        let before = shape(&world);
        let all = ids(&world, "contacts");
        let keys = world.count("SELECT sum(_row) FROM contacts");
        sql(
            &world,
            &format!(
                "{person}; {FRAME};
                 UPDATE contacts SET city = 'Bergen', stage = 'nonsense' WHERE id = '{0}';
                 UPDATE contacts SET city = NULL, job_title = '' WHERE id = '{1}';
                 DELETE FROM contacts WHERE id = '{2}';
                 UPDATE contacts SET archived = 1 WHERE id = '{3}';
                 INSERT INTO contacts SELECT * FROM contacts WHERE id = '{4}';
                 UPDATE contacts SET city = 'Twice' WHERE id = '{4}';
                 INSERT INTO contacts (id, city) VALUES ('999', 'Nowhere'), ('1.5', 'Nowhere');
                 INSERT INTO contacts (id, email, _uid) VALUES (NULL, 'new@mail.example', 'mine'), (NULL, NULL, 'none')",
                all[0], all[1], all[2], all[3], all[4]
            ),
        );
        let cleared = shown(&world, "contacts", all[1], "city");
        assert_eq!(cleared, None);
        let rebuilt = rebuilt(&world).await;
        assert_eq!(rebuilt.kept_as.as_deref(), Some("contacts_replaced_1"));
        assert_eq!((rebuilt.rows, rebuilt.found), (12, 12 - 1 + 1 + 4));
        assert_eq!((rebuilt.edited, rebuilt.values, rebuilt.archives, rebuilt.created), (1, 1, 1, 1));
        assert_eq!((rebuilt.unknown, rebuilt.unreadable, rebuilt.repeated, rebuilt.empty), (1, 1, 2, 1));
        assert_eq!(shape(&world), before);
        assert_eq!(world.count("SELECT sum(_row) FROM contacts WHERE id IS NOT NULL"), keys, "handles stay");
        assert_eq!(world.count("SELECT count(*) FROM mine"), 13);
        let note = "SELECT sql LIKE '%REFERENCES contacts %' FROM sqlite_master WHERE name = 'note'";
        assert_eq!(world.count(note), 1);
        assert_eq!(
            world.count("SELECT count(*) FROM contacts_replaced_1 WHERE city = 'Nowhere'"),
            2,
            "nothing is lost"
        );
        assert_eq!(
            world.count("SELECT count(*) FROM sqlite_master WHERE name LIKE 'sync_new%' OR name LIKE '%closed%'"),
            0
        );
        assert!(shown(&world, "contacts", all[1], "city").is_some(), "NULL is not mentioned");
        let report = world.run_well(Command::Sync).await.unwrap();
        let pushed = report.objects["contacts"].pushed;
        assert_eq!((pushed.updated, pushed.created, pushed.archived, pushed.refused), (1, 1, 1, 0));
        assert_eq!(remote(&world, all[0], "city").as_deref(), Some("Bergen"));
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE _uid = 'mine' AND id IS NOT NULL"), 1);
        settled(&world).await;
    });
}

#[test]
fn p4_a_frame_that_made_floats_and_texts_of_everything_holds_no_edit() {
    paused(async {
        let mut world = World::new(super::still(12, 0, 30, 0)).mirroring(&["deals"]);
        let mapping = "object: deals\nfields:\n  dealname: name\n  amount: { column: amount, type: integer, transform: { scale: 100 } }\n  \
                       closedate: { column: closed, type: datetime }\n  hs_is_closed: closed_flag\n";
        world.mappings = vec![mappings::Mapping::parse("deals.yaml", mapping).unwrap()];
        world.pull_well().await.unwrap();
        sql(
            &world,
            "CREATE TEMP TABLE frame AS SELECT * FROM deals; DROP TABLE deals;
             CREATE TABLE deals (\"index\" INTEGER, id REAL, name TEXT, amount REAL, closed TIMESTAMP, closed_flag TEXT);
             INSERT INTO deals SELECT _row, id, name, amount, replace(rtrim(closed, 'Z'), 'T', ' ') || '000+00:00',
                 CASE closed_flag WHEN 1 THEN 'True' WHEN 0 THEN 'False' END FROM frame",
        );
        let repaired = repair(&world, None).await.unwrap();
        let rebuilt = &repaired.rebuilt["deals"];
        assert_eq!((rebuilt.rows, rebuilt.found, rebuilt.values, rebuilt.edited), (30, 30, 0, 0), "{rebuilt:?}");
        assert_eq!(world.count("SELECT pending FROM sync_status"), 0);
        after(minutes(5)).await;
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(writes(&world), 0);
        agree(&world);
    });
}

#[test]
fn p1_what_changed_while_a_tool_held_the_table_is_not_undone_by_what_it_writes_back() {
    paused(async {
        let world = world().await;
        let all = ids(&world, "contacts");
        let person = world.person();
        person.execute_batch("CREATE TABLE frame AS SELECT * FROM contacts").unwrap();
        for (id, city) in [(all[0], "Theirs"), (all[1], "Theirs")] {
            edit(&world, "contacts", id, "city", city);
        }
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        person
            .execute_batch(&format!(
                "UPDATE frame SET city = 'Mine' WHERE id IN ('{}', '{}');
                 DROP TABLE contacts; CREATE TABLE contacts AS SELECT * FROM frame; DROP TABLE frame",
                all[1], all[2]
            ))
            .unwrap();
        let rebuilt = rebuilt(&world).await;
        assert_eq!((rebuilt.outdated, rebuilt.conflicts, rebuilt.values), (1, 1, 1), "{rebuilt:?}");
        world.run_well(Command::Sync).await.unwrap();
        let cities = [0, 1, 2].map(|place| remote(&world, all[place], "city").unwrap());
        assert_eq!(cities, ["Theirs", "Theirs", "Mine"]);
        let kept =
            "SELECT count(*) FROM sync_conflicts WHERE local = 'Mine' AND remote = 'Theirs' AND chosen = 'remote'";
        assert_eq!(world.count(kept), 1);
        settled(&world).await;
    });
}

#[test]
fn p30_a_table_that_is_gone_comes_back_from_what_both_sides_agreed_on() {
    paused(async {
        let world = world().await;
        let before = shape(&world);
        sql(
            &world,
            "UPDATE contacts SET city = 'Lost'; INSERT INTO contacts (email) VALUES ('x@x.org'); DROP TABLE contacts",
        );
        let highest = world.count("SELECT max(row_handle) FROM sync_touched");
        let rebuilt = rebuilt(&world).await;
        assert_eq!((rebuilt.rows, rebuilt.found, rebuilt.kept_as.as_ref()), (12, 0, None));
        assert_eq!((rebuilt.touched, rebuilt.touched_found), (13, 0), "what cannot be known is counted");
        assert_eq!(shape(&world), before);
        sql(&world, "INSERT INTO contacts (email) VALUES ('y@x.org')");
        assert!(world.count("SELECT max(_row) FROM contacts") > highest, "no handle is given twice");
        sql(&world, "DELETE FROM contacts WHERE id IS NULL");
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(writes(&world), 0);
        settled(&world).await;
    });
}

const HARM: &str = "UPDATE contacts SET city = 'Bergen' WHERE _row % 3 = 0;
                    INSERT INTO contacts (email, _uid) VALUES ('new@mail.example', 'mine')";

#[test]
fn p9_a_create_whose_answer_and_then_whose_table_were_lost_is_not_made_twice() {
    paused(async {
        let world = world().await;
        sql(&world, "INSERT INTO contacts (_uid, email) VALUES ('mine', 'new@mail.example')");
        lose_the_answer(&world, "/crm/objects/2026-09/contacts/batch/create");
        world.run(Command::Push, None).await.unwrap();
        sql(&world, "DROP TABLE contacts");
        assert_eq!(rebuilt(&world).await.rows, 12);
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(ids(&world, "contacts").len(), 13);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE email = 'new@mail.example' AND id IS NOT NULL"), 1);
        settled(&world).await;
    });
}

#[test]
fn p26_what_a_repair_carried_over_is_under_the_belts_of_the_next_push() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_updates = sync_core::Belt { percent: 10.0, at_least: 2 };
        sql(&world, &format!("{FRAME}; UPDATE contacts SET city = 'Everywhere'"));
        assert_eq!(rebuilt(&world).await.edited, 12);
        writes(&world);
        let report = world.run(Command::Sync, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("--allow updates=12"), "{error}");
        assert_eq!(writes(&world), 0);
    });
}

#[test]
fn p30_tables_that_every_mirror_has_are_made_anew_too_and_a_pair_that_a_tool_added_is_sent() {
    paused(async {
        let mut world = World::new(super::still(12, 4, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pushing.max_updates = sync_core::Belt { percent: 100.0, at_least: 1 };
        world.pull_well().await.unwrap();
        let links = world.count("SELECT count(*) FROM associations");
        assert!(links > 2);
        let (contact, company) = (ids(&world, "contacts")[0], ids(&world, "companies")[3]);
        sql(
            &world,
            &format!(
                "DELETE FROM associations WHERE from_id = '{contact}'; CREATE TEMP TABLE frame AS SELECT * FROM associations;
                 DROP TABLE associations; CREATE TABLE associations AS SELECT * FROM frame;
                 INSERT INTO associations VALUES ('contacts', {contact}.0, 'companies', '{company}', NULL, NULL, NULL);
                 DROP TABLE owners; ALTER TABLE pipelines RENAME COLUMN label TO name"
            ),
        );
        writes(&world);
        let error = world.run(Command::Sync, None).await.unwrap().error.unwrap();
        assert!(matches!(error, RunError::Store(StoreError::Remade { .. })), "{error}");
        assert_eq!(writes(&world), 0);
        let restored = repair(&world, None).await.unwrap().restored;
        let tables: Vec<(&str, u64, u64)> =
            restored.iter().map(|one| (one.table.as_str(), one.rows, one.added)).collect();
        assert_eq!(tables, [("associations", links.unsigned_abs(), 1), ("owners", 0, 0), ("pipelines", 0, 0)]);
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().unlinked), (1, 0));
        assert!(world.count("SELECT count(*) FROM owners") > 0, "read again");
        settled(&world).await;
    });
}

/// A tool's table with something of everything.
async fn harmed() -> World {
    let world = world().await;
    sql(&world, &format!("{FRAME}; {HARM}"));
    world
}

/// The rows, without what SQLite made up.
fn rows(world: &World) -> Vec<String> {
    let person = world.person();
    let sql = "SELECT _row || coalesce(id, '') || _uid || coalesce(city, '') || state || archived FROM contacts ORDER BY _row";
    let mut statement = person.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn p18_a_repair_that_is_killed_at_any_step_goes_on_and_loses_nothing() {
    paused(async {
        // More rows than one transaction takes.
        let settings = super::still(620, 0, 0, 0);
        let world = || World::new(settings.clone()).mirroring(&["contacts"]);
        let harmed = world();
        harmed.pull_well().await.unwrap();
        sql(&harmed, &format!("{FRAME}; {HARM}; PRAGMA wal_checkpoint(TRUNCATE)"));
        let good = world().with_mirror_of(&harmed);
        let wanted = rebuilt(&good).await;
        let (steps, all) = (good.steps(), rows(&good));
        assert_eq!((wanted.rows, wanted.found, wanted.created), (620, 621, 1), "{wanted:?}");
        assert!(
            steps.iter().filter(|step| **step == "repair.filled").count() >= 3 && wanted.values > 200,
            "{wanted:?}"
        );
        // A transaction that has only begun has done nothing, and one that was committed has done everything.
        let telling = |step: &str| step != "store.begun" && step != "store.committed";
        for (n, step) in steps.iter().enumerate().filter(|(_, step)| telling(step)) {
            let world = world().with_mirror_of(&harmed);
            let killed = repair(&world, Some(n + 1)).await.unwrap_err();
            assert!(stopped(&killed), "{step}: {killed}");
            // Until it is over, nothing else works on the table.
            let swapped = world.count("SELECT count(*) FROM sqlite_master WHERE name = 'contacts_replaced_1'") == 1;
            let stopped = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
            assert_eq!(stopped["contacts"].stopped.is_some(), !swapped, "killed at {n}, {step}");
            match repair(&world, None).await.unwrap().rebuilt.remove("contacts") {
                Some(again) => assert_eq!(again, wanted, "killed at {n}, {step}"),
                None => assert!(swapped, "killed at {n}, {step}"),
            }
            assert!(rows(&world) == all, "killed at {n}, {step}");
            assert_eq!(world.count("SELECT count(*) FROM sqlite_master WHERE name LIKE 'sync_new%'"), 0);
        }
    });
}

#[test]
fn p30_a_table_that_is_replaced_again_during_its_repair_is_begun_anew() {
    paused(async {
        let world = harmed().await;
        let mut n = 0;
        loop {
            n += 1;
            repair(&world, Some(n)).await.unwrap_err();
            if world.steps().last() == Some(&"repair.filled") {
                break;
            }
        }
        let refused = world.person().execute("UPDATE contacts SET city = 'Late'", []).unwrap_err().to_string();
        assert!(refused.contains("doctor --repair"), "{refused}");
        sql(&world, &format!("{FRAME}; UPDATE contacts SET job_title = 'Late'"));
        let rebuilt = rebuilt(&world).await;
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE job_title = 'Late'"), 13);
        assert_eq!(rebuilt.edited, 12, "{rebuilt:?}");
    });
}

#[test]
fn p30_a_table_that_is_replaced_during_a_run_ends_it_before_anything_is_written_into_it() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[0];
        edit(&world, "contacts", id, "city", "Theirs");
        after(minutes(5)).await;
        let mirror = world.mirror();
        let mut due = true;
        world.at_each_commit(move || {
            if std::mem::take(&mut due) {
                rusqlite::Connection::open(&mirror).unwrap().execute_batch(FRAME).unwrap();
            }
        });
        let report = world.run(Command::Sync, None).await;
        let errors: Vec<String> = match &report {
            Ok(report) => report.errors().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        assert!(errors.iter().any(|error| error.contains("not as it was made")), "{errors:?}");
        world.at_each_commit(|| {});
        assert_ne!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs"));
        repair(&world, None).await.unwrap();
        settled(&world).await;
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs"));
    });
}

#[test]
fn p30_a_mapping_that_changed_while_the_table_was_gone_is_followed_after_the_repair() {
    paused(async {
        let mut world = world().await;
        let id = ids(&world, "contacts")[0];
        sql(&world, &format!("{FRAME}; UPDATE contacts SET city = 'Bergen' WHERE id = '{id}'"));
        let changed = "object: contacts\nkey: email\nfields:\n  email: email\n  city: town\n  jobtitle: job_title\n";
        world.mappings.retain(|mapping| mapping.object != "contacts");
        world.mappings.push(mappings::Mapping::parse("contacts.yaml", changed).unwrap());
        let rebuilt = rebuilt(&world).await;
        assert_eq!((rebuilt.values, rebuilt.created), (1, 0), "{rebuilt:?}");
        assert_eq!(shown(&world, "contacts", id, "town").as_deref(), Some("Bergen"));
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"));
        settled(&world).await;
    });
}
