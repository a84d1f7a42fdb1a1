//! What people change in the mirror reaches the portal, once, and over nobody's edit.

use super::super::world::{Command, World, paused, stopped};
use super::{after, agree, edit, ids, minutes, shown, still};
use mappings::Mapping;

/// A few contacts and companies, and a mirror that has just been read.
async fn world() -> World {
    world_with("").await
}

/// The same, with more lines in the mapping of contacts.
async fn world_with(more: &str) -> World {
    let mut world = World::new(still(12, 4, 0, 0)).mirroring(&["companies"]);
    world.mappings.push(contacts(more));
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

fn contacts(more: &str) -> Mapping {
    let text = format!(
        "object: contacts\ntable: contacts\nkey: email\n{more}\nfields:\n  email: email\n  firstname: first_name\n  \
         lastname: last_name\n  city: city\n  jobtitle: job_title\n  lifecyclestage: {{ column: stage, direction: pull }}\n"
    );
    Mapping::parse("contacts.yaml", &text).unwrap()
}

/// The analyst's statement, which must succeed.
fn sql(world: &World, sql: &str) {
    world.person().execute_batch(sql).unwrap();
}

fn remote(world: &World, id: u64, property: &str) -> Option<String> {
    world.rehearsal.portal().record("contacts", id).unwrap().text(property)
}

/// How many calls that write anything were made since this was last asked.
fn writes(world: &World) -> usize {
    let calls = world.calls();
    calls.0.iter().filter(|asked| asked.is_write()).count()
}

/// A run later both sides hold the same, and one more finds nothing to do and changes nothing.
async fn settled(world: &World) {
    after(minutes(5)).await;
    world.run_well(Command::Sync).await.unwrap();
    agree(world);
    let before = world.contents();
    writes(world);
    let report = world.run_well(Command::Sync).await.unwrap();
    assert_eq!((writes(world), report.pushed().written()), (0, 0));
    assert_eq!(world.contents(), before, "an idle run changed rows");
}

#[test]
fn p4_an_edit_reaches_the_portal_alone_and_a_second_run_has_nothing_to_do() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        let before = world.rehearsal.portal().record("contacts", id).unwrap();
        sql(&world, &format!("UPDATE contacts SET job_title = 'Captain' WHERE id = '{id}'"));
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.updated, 1);
        let now = world.rehearsal.portal().record("contacts", id).unwrap();
        let changed: Vec<&String> = now
            .properties
            .iter()
            .filter(|(name, value)| before.properties.get(*name) != Some(value))
            .map(|(name, _)| name)
            .filter(|name| !name.contains("modified") && !name.starts_with("hs_"))
            .collect();
        assert_eq!(changed, ["jobtitle"]);
        let history = "SELECT count(*) FROM sync_history WHERE side = 'hubspot' AND property = 'jobtitle'
                       AND after = 'Captain'";
        assert_eq!(world.count(history), 1);
        settled(&world).await;
    });
}

#[test]
fn p2_edits_of_two_fields_on_two_sides_are_both_kept() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET job_title = 'Captain' WHERE id = '{id}'"));
        edit(&world, "contacts", id, "city", "Bergen");
        // Without a pull before it: the push reads what it is about to write.
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"));
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Bergen"));
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0);
        settled(&world).await;
    });
}

#[test]
fn p5_a_conflict_is_decided_by_its_policy_and_the_loser_is_kept() {
    for (policy, wins) in [("remote_wins", "Theirs"), ("local_wins", "Mine")] {
        paused(async {
            let world = world_with(&format!("conflict: {policy}")).await;
            let id = ids(&world, "contacts")[3];
            sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
            edit(&world, "contacts", id, "city", "Theirs");
            world.run_well(Command::Push).await.unwrap();
            assert_eq!(remote(&world, id, "city").as_deref(), Some(wins), "{policy}");
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some(wins), "{policy}");
            let kept = "SELECT count(*) FROM sync_conflicts WHERE local = 'Mine' AND remote = 'Theirs'
                        AND kind = 'both_changed' AND resolved_at IS NOT NULL";
            assert_eq!(world.count(kept), 1, "{policy}");
            settled(&world).await;
        });
    }
}

#[test]
fn p5_a_held_conflict_is_sent_by_nobody_and_the_other_fields_go_on() {
    paused(async {
        let world = world_with("conflict: hold").await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Mine', job_title = 'Captain' WHERE id = '{id}'"));
        edit(&world, "contacts", id, "city", "Theirs");
        for _ in 0..2 {
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(remote(&world, id, "city").as_deref(), Some("Theirs"));
            assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"));
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts WHERE chosen = 'held'"), 1);
        }
    });
}

#[test]
fn p8_a_new_row_becomes_one_record_and_its_row_stays_the_same() {
    paused(async {
        let world = world().await;
        sql(&world, "INSERT INTO contacts (email, first_name, _uid) VALUES ('Ada@Mail.Example', 'Ada', 'ada')");
        let row = world.count("SELECT _row FROM contacts WHERE _uid = 'ada'");
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.created, 1);
        assert_eq!(world.count("SELECT _row FROM contacts WHERE _uid = 'ada' AND id IS NOT NULL"), row);
        // The portal stores addresses in lower case; the row follows.
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE email = 'ada@mail.example'"), 1);
        assert_eq!(ids(&world, "contacts").len(), 13);
        settled(&world).await;
    });
}

#[test]
fn a_new_row_whose_record_is_there_adopts_it_and_its_values_are_edits() {
    paused(async {
        let world = world().await;
        let now = world.rehearsal.now();
        let there = world
            .rehearsal
            .portal()
            .create(now, "contacts", &[("email", "ada@mail.example"), ("city", "London"), ("firstname", "A.")])
            .unwrap();
        sql(
            &world,
            "INSERT INTO contacts (email, first_name, job_title) VALUES ('ADA@mail.example', 'Ada', 'Countess')",
        );
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.objects["contacts"].pushed.created, report.objects["contacts"].pushed.adopted), (0, 1));
        assert_eq!(ids(&world, "contacts").len(), 13);
        assert_eq!(remote(&world, there, "jobtitle").as_deref(), Some("Countess"));
        // Both had a first name: the policy decides, and the loser is kept.
        assert_eq!(remote(&world, there, "firstname").as_deref(), Some("A."));
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts WHERE local = 'Ada' AND kind = 'adopted'"), 1);
        assert_eq!(shown(&world, "contacts", there, "city").as_deref(), Some("London"));
        settled(&world).await;
    });
}

#[test]
fn of_two_new_rows_with_one_key_the_later_is_a_reject_that_names_the_first() {
    paused(async {
        let world = world().await;
        sql(
            &world,
            "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Ada');
             INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Adele');",
        );
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.objects["contacts"].pushed.created, report.objects["contacts"].pushed.refused), (1, 1));
        let named = "SELECT count(*) FROM sync_rejects WHERE category = 'SAME_KEY' AND message LIKE 'row 13,%'";
        assert_eq!(world.count(named), 1);
        assert_eq!(ids(&world, "contacts").len(), 13);
    });
}

#[test]
fn archived_set_to_one_archives_and_a_plain_delete_archives_nothing() {
    paused(async {
        let world = world().await;
        let ids = ids(&world, "contacts");
        sql(
            &world,
            &format!(
                "UPDATE contacts SET archived = 1 WHERE id = '{}'; DELETE FROM contacts WHERE id = '{}';",
                ids[3], ids[4]
            ),
        );
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.archived, 1);
        assert!(world.rehearsal.portal().record("contacts", ids[3]).unwrap().archived_at.is_some());
        assert!(world.rehearsal.portal().record("contacts", ids[4]).unwrap().is_active());
        let archived = "SELECT count(*) FROM contacts WHERE state = 'archived' AND archived_at IS NOT NULL";
        assert_eq!(world.count(archived), 1);
        settled(&world).await;
    });
}

#[test]
fn p25_more_archives_than_the_belt_lets_through_stop_the_object_before_anything_of_it_is_sent() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_archives.at_least = 3;
        sql(&world, "UPDATE contacts SET archived = 1 WHERE _row <= 4; UPDATE contacts SET city = 'X' WHERE _row = 9");
        world.calls();
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("--allow archives=4"), "{error}");
        assert_eq!(writes(&world), 0);
        world.pushing.allow_archives = Some(4);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.archived, 4);
    });
}

#[test]
fn p9_an_answer_lost_after_execution_and_an_edit_since_leave_the_edit() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Mine', job_title = 'Captain' WHERE id = '{id}'"));
        lose_the_answer(&world, "/batch/update");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.unknown, 1);
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"), "it was carried out");
        edit(&world, "contacts", id, "city", "Theirs");
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Theirs"));
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs"));
        assert_eq!(writes(&world), 0, "nothing was sent again");
        settled(&world).await;
    });
}

#[test]
fn p8_a_create_whose_answer_was_lost_is_made_once() {
    paused(async {
        let world = world().await;
        sql(&world, "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Ada')");
        lose_the_answer(&world, "/batch/create");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.objects["contacts"].pushed.unknown, 1);
        assert_eq!(ids(&world, "contacts").len(), 13);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(ids(&world, "contacts").len(), 13);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE email = 'ada@mail.example' AND id IS NOT NULL"), 1);
        settled(&world).await;
    });
}

/// The next call to a path is carried out, and its answer never comes.
fn lose_the_answer(world: &World, path: &str) {
    let when = simulator::When::path(path).times(1);
    world.rehearsal.portal().inject(simulator::FaultKind::TimeoutAfter, when);
}

#[test]
fn p14_a_refused_value_is_a_reject_that_is_not_tried_again_until_it_changes() {
    paused(async {
        let world = world().await;
        let ids = ids(&world, "contacts");
        sql(
            &world,
            &format!(
                "UPDATE contacts SET email = 'no address', city = 'Oslo' WHERE id = '{}';
                 UPDATE contacts SET city = 'Rome' WHERE id = '{}';",
                ids[3], ids[4]
            ),
        );
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, ids[4], "city").as_deref(), Some("Rome"), "a good row is not held up by a bad one");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, ids[3], "city").as_deref(), Some("Oslo"), "nor is a good field by a bad one");
        writes(&world);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(shown(&world, "contacts", ids[3], "email").as_deref(), Some("no address"));
        sql(&world, &format!("UPDATE contacts SET email = 'good@mail.example' WHERE id = '{}'", ids[3]));
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, ids[3], "email").as_deref(), Some("good@mail.example"));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
    });
}

/// Something of everything that can be pushed.
fn change_everything(world: &World) {
    let ids = ids(world, "contacts");
    let now = world.rehearsal.now();
    world.rehearsal.portal().create(now, "contacts", &[("email", "there@mail.example"), ("city", "London")]).unwrap();
    sql(
        world,
        &format!(
            "UPDATE contacts SET city = 'Oslo ' || _row WHERE id IN ('{}', '{}', '{}');
             UPDATE contacts SET job_title = NULL, first_name = 'Bo' WHERE id = '{}';
             UPDATE contacts SET email = 'no address' WHERE id = '{}';
             UPDATE contacts SET archived = 1, city = 'Last' WHERE id = '{}';
             INSERT INTO contacts (_uid, email, first_name) VALUES ('new-1', 'new1@mail.example', 'New');
             INSERT INTO contacts (_uid, email, first_name) VALUES ('there', 'there@mail.example', 'There');",
            ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
        ),
    );
    edit(world, "contacts", ids[1], "city", "Theirs");
}

/// What the portal holds, as far as people wrote it.
fn portal(world: &World) -> Vec<[Option<String>; 5]> {
    let portal = world.rehearsal.portal();
    let texts = |record: simulator::RecordView| {
        let archived = record.archived_at.is_some().then(|| "archived".to_owned());
        let text = |name: &str| record.text(name).filter(|text| !text.is_empty());
        [text("email"), text("firstname"), text("city"), text("jobtitle"), archived]
    };
    let mut all: Vec<_> = portal.records("contacts").map(texts).collect();
    all.sort();
    all
}

/// Kills a run at each of its steps in turn, each time in a world of its own, and lets further runs finish.
async fn killed_anywhere(command: Command, prepare: impl AsyncFn() -> World) {
    let good = prepare().await;
    good.run_well(command).await.unwrap();
    let steps = good.steps();
    settled(&good).await;
    let wanted = portal(&good);
    assert!(steps.len() > 30, "only {} steps", steps.len());
    for (n, step) in steps.iter().enumerate() {
        let world = prepare().await;
        let killed = match world.run(command, Some(n + 1)).await {
            Ok(report) => report.errors().any(stopped),
            Err(error) => stopped(&error),
        };
        assert!(killed, "step {n}, {step}: the run went on");
        // What was made is readable by its key after a minute.
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap_or_else(|error| panic!("killed at step {n}, {step}: {error}"));
        after(minutes(2)).await;
        settled(&world).await;
        assert_eq!(portal(&world), wanted, "killed at step {n}, {step}");
        assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL"), 0, "step {n}, {step}");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1, "killed at step {n}, {step}");
    }
}

#[test]
fn p8_a_push_killed_at_any_step_makes_and_changes_everything_once() {
    paused(killed_anywhere(Command::Push, async || {
        let world = world().await;
        change_everything(&world);
        world
    }));
}

#[test]
fn p9_a_recovery_killed_at_any_step_is_the_same_recovery_again() {
    paused(killed_anywhere(Command::Sync, async || {
        let world = world().await;
        change_everything(&world);
        for path in ["/batch/update", "/batch/create", "/batch/archive"] {
            lose_the_answer(&world, path);
        }
        world.run(Command::Push, None).await.unwrap();
        after(minutes(2)).await;
        world
    }));
}
