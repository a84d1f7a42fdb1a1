//! What people change in the mirror reaches the portal, once, and over nobody's edit.

use super::super::world::{Command, World, paused};
use super::{after, agree, edit, ids, lag, minutes, shown, still};
use mappings::Mapping;

/// A few contacts and companies, and a mirror that has just been read.
pub(super) async fn world() -> World {
    world_with("").await
}

/// The same, with more lines in the mapping of contacts.
pub(super) async fn world_with(more: &str) -> World {
    let mut world = World::new(still(12, 4, 0, 0)).mirroring(&["companies"]);
    world.mappings.push(contacts(more));
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

pub(super) fn contacts(more: &str) -> Mapping {
    let text = format!(
        "object: contacts\ntable: contacts\nkey: email\n{more}\nfields:\n  email: email\n  firstname: first_name\n  \
         lastname: last_name\n  city: city\n  jobtitle: job_title\n  lifecyclestage: {{ column: stage, direction: pull }}\n"
    );
    Mapping::parse("contacts.yaml", &text).unwrap()
}

/// The analyst's statement, which must succeed.
pub(super) fn sql(world: &World, sql: &str) {
    world.person().execute_batch(sql).unwrap();
}

pub(super) fn remote(world: &World, id: u64, property: &str) -> Option<String> {
    world.rehearsal.portal().record("contacts", id).unwrap().text(property)
}

/// How many calls that write anything were made since this was last asked.
pub(super) fn writes(world: &World) -> usize {
    let calls = world.calls();
    calls.0.iter().filter(|asked| asked.is_write()).count()
}

/// A run later both sides hold the same, and one more finds nothing to do and changes nothing.
pub(super) async fn settled(world: &World) {
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
            "INSERT INTO contacts (_uid, email, first_name) VALUES ('ada-1', 'ada@mail.example', 'Ada');
             INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Adele');",
        );
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.objects["contacts"].pushed.created, report.objects["contacts"].pushed.refused), (1, 1));
        let named = "SELECT count(*) FROM sync_rejects WHERE category = 'SAME_KEY' AND message LIKE 'the row with _uid ada-1,%'";
        assert_eq!(world.count(named), 1);
        assert_eq!(ids(&world, "contacts").len(), 13);
    });
}

#[test]
fn p29_archived_set_to_one_archives_and_a_plain_delete_archives_nothing() {
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
pub(super) fn lose_the_answer(world: &World, path: &str) {
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

#[test]
fn p21_edits_of_a_record_that_was_merged_away_go_to_the_survivor() {
    paused(async {
        let world = world().await;
        let ids = ids(&world, "contacts");
        sql(&world, &format!("UPDATE contacts SET job_title = 'Captain', last_name = 'Mine' WHERE id = '{}'", ids[4]));
        let now = world.rehearsal.now();
        let survivor = world.rehearsal.portal().merge(now, "contacts", ids[3], ids[4]).unwrap();
        edit(&world, "contacts", survivor, "lastname", "Theirs");
        after(minutes(5)).await;
        for _ in 0..2 {
            world.run_well(Command::Sync).await.unwrap();
            after(minutes(70)).await;
        }
        assert_eq!(remote(&world, survivor, "jobtitle").as_deref(), Some("Captain"));
        assert_eq!(remote(&world, survivor, "lastname").as_deref(), Some("Theirs"));
        let kept = format!("SELECT count(*) FROM sync_conflicts WHERE record_id = '{survivor}' AND local = 'Mine'");
        assert_eq!(world.count(&kept), 1);
        settled(&world).await;
    });
}

#[test]
fn p7_what_is_about_to_leave_is_in_the_journal_first() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        let edit = format!("UPDATE contacts SET city = 'Oslo' WHERE id = '{id}'");
        // The first push of a day compares more than the next ones.
        for city in ["Bergen", "Oslo"] {
            sql(&world, &edit.replace("Oslo", city));
            world.run_well(Command::Push).await.unwrap();
        }
        let leaving = world.steps().iter().position(|step| *step == "push.before_send").unwrap() + 1;
        sql(&world, &edit.replace("Oslo", "Rome"));
        writes(&world);
        world.run(Command::Push, Some(leaving)).await.unwrap();
        assert_eq!(writes(&world), 0);
        let entered =
            "SELECT count(*) FROM sync_journal WHERE settled_at IS NULL AND properties LIKE '%[\"Oslo\",\"Rome\"]%'";
        assert_eq!(world.count(entered), 1);
    });
}

#[test]
fn p12_nothing_of_a_row_is_sent_while_something_of_it_is_unknown() {
    paused(async {
        let world = world().await;
        // Nothing identifies a company but its values, and the index is late.
        lag(&world, minutes(30));
        sql(&world, "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours')");
        lose_the_answer(&world, "/batch/create");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(ids(&world, "companies").len(), 5);
        sql(&world, "UPDATE companies SET city = 'Oslo' WHERE _uid = 'ours'");
        writes(&world);
        for _ in 0..2 {
            after(minutes(5)).await;
            let report = world.run_well(Command::Push).await.unwrap();
            assert_eq!((writes(&world), report.objects["companies"].pushed.unknown), (0, 1));
        }
        after(minutes(30)).await;
        world.run_well(Command::Push).await.unwrap();
        let made = ids(&world, "companies");
        assert_eq!(made.len(), 5, "it is not made again");
        let towns = made.iter().filter(|id| {
            world.rehearsal.portal().record("companies", **id).unwrap().text("city").as_deref() == Some("Oslo")
        });
        assert_eq!(towns.count(), 1, "what was edited meanwhile is sent then");
    });
}

#[test]
fn p13_two_bad_rows_among_a_hundred_cost_no_more_than_their_halvings() {
    paused(async {
        let mut world = World::new(still(100, 0, 0, 0)).mirroring(&[]);
        world.mappings.push(contacts(""));
        world.rehearsal.portal().switches_mut().update_multi_status = false;
        world.pull_well().await.unwrap();
        sql(
            &world,
            "UPDATE contacts SET city = 'Oslo'; UPDATE contacts SET email = 'bad' || _row WHERE _row IN (7, 70)",
        );
        writes(&world);
        world.pushing.allow_updates = Some(100);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.objects["contacts"].pushed.updated, report.objects["contacts"].pushed.refused), (98, 2));
        let most = 1 + 2 * 2 * 6 + 2 * 2;
        let made = writes(&world);
        assert!(made <= most, "{made} calls");
    });
}

#[test]
fn p26_half_of_a_column_cleared_at_once_is_sent_only_on_a_persons_word() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_updates.at_least = 4;
        world.pushing.max_updates.percent = 100.0;
        sql(&world, "UPDATE contacts SET last_name = NULL WHERE _row <= 8");
        writes(&world);
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("contacts.last_name were cleared") && error.contains("--allow updates="), "{error}");
        assert_eq!(writes(&world), 0);
        world.pushing.allow_updates = Some(8);
        assert!(world.run_well(Command::Push).await.unwrap().objects["contacts"].pushed.updated > 4);
    });
}

#[test]
fn a_new_row_without_a_value_is_a_reject_until_it_holds_one() {
    paused(async {
        let world = world().await;
        sql(&world, "INSERT INTO companies (_uid) VALUES ('ours')");
        writes(&world);
        for refused in [1, 0] {
            let report = world.run_well(Command::Push).await.unwrap();
            assert_eq!((writes(&world), report.objects["companies"].pushed.refused), (0, refused));
        }
        sql(&world, "UPDATE companies SET name = 'Ours' WHERE _uid = 'ours'");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.objects["companies"].pushed.created, ids(&world, "companies").len()), (1, 5));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
    });
}
