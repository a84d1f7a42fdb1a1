//! A run is taken back: what it wrote becomes what it was, and nothing that changed since is written over.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{self, lose_the_answer, settled, sql, world, world_with, writes};
use super::{after, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::NewProperty;
use sync_core::store::Fate;

/// What the portal holds; empty is no value.
fn remote(world: &World, id: u64, property: &str) -> Option<String> {
    pushes::remote(world, id, property).filter(|text| !text.is_empty())
}

/// A run that edited three contacts and made one. Returns its number, and the contacts with the cities they had.
async fn pushed(world: &World) -> (i64, Vec<(u64, Option<String>)>) {
    let ids = ids(world, "contacts");
    let before: Vec<_> = ids[..3].iter().map(|id| (*id, remote(world, *id, "city"))).collect();
    for (id, _) in &before {
        sql(world, &format!("UPDATE contacts SET city = 'Wrong', job_title = NULL WHERE id = '{id}'"));
    }
    sql(world, "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Ada')");
    let report = world.run_well(Command::Sync).await.unwrap();
    assert_eq!((report.pushed().updated, report.pushed().created), (3, 1));
    after(minutes(5)).await;
    (report.run_id, before)
}

/// What would become of what a run wrote.
async fn undone(world: &World, run: i64) -> Vec<Fate> {
    let taken = world.decide(async |engine, mappings| engine.plan_undo(mappings, run, false).await).await.unwrap();
    taken.records.iter().map(|undoing| undoing.fate).collect()
}

#[test]
fn an_undone_run_leaves_the_portal_as_it_was_and_undoing_it_twice_does_nothing_more() {
    paused(async {
        let world = world().await;
        let titles: Vec<_> = ids(&world, "contacts").iter().map(|id| remote(&world, *id, "jobtitle")).collect();
        let (run, before) = pushed(&world).await;
        let report = world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!((report.pushed().updated, report.pushed().archived), (3, 0));
        for ((id, city), title) in before.iter().zip(&titles) {
            assert_eq!(remote(&world, *id, "city"), *city);
            assert_eq!(remote(&world, *id, "jobtitle"), *title);
        }
        assert_eq!(ids(&world, "contacts").len(), 13, "what was created stays");
        settled(&world).await;
        writes(&world);
        let again = world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!((writes(&world), again.pushed().written()), (0, 0));
        // The undoing is a run like any other, and can be undone.
        world.run_well(Command::Undo(report.run_id, false)).await.unwrap();
        assert_eq!(remote(&world, before[0].0, "city").as_deref(), Some("Wrong"));
        settled(&world).await;
    });
}

#[test]
fn p2_a_value_that_changed_since_is_a_held_conflict_and_an_edit_since_is_left_alone() {
    paused(async {
        let world = world().await;
        let (run, before) = pushed(&world).await;
        let (theirs, mine, plain) = (before[0].0, before[1].0, before[2].0);
        edit(&world, "contacts", theirs, "city", "Theirs");
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{mine}'"));
        let report = world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!(report.open_conflicts, 1);
        assert_eq!(remote(&world, theirs, "city").as_deref(), Some("Theirs"), "nothing is written over it");
        assert_eq!(remote(&world, mine, "city").as_deref(), Some("Wrong"), "the newer edit is the next push's");
        assert_eq!(remote(&world, plain, "city"), before[2].1);
        let held = format!(
            "SELECT count(*) FROM sync_conflicts WHERE record_id = '{theirs}' AND chosen = 'held' AND base = 'Wrong'
             AND remote = 'Theirs' AND kind = 'both_changed'"
        );
        assert_eq!(world.count(&held), 1);
        for _ in 0..2 {
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(world.count(&held), 1, "it waits for a person");
            assert_eq!(remote(&world, theirs, "city").as_deref(), Some("Theirs"));
            assert_eq!(remote(&world, mine, "city").as_deref(), Some("Mine"));
            let fates = undone(&world, run).await;
            let changed = fates.iter().filter(|fate| **fate == Fate::Conflict).count();
            assert_eq!(changed, 2, "theirs, and by now also mine: {fates:?}");
        }
        assert_eq!(shown(&world, "contacts", theirs, "city"), before[0].1, "the mirror holds what it was");
    });
}

#[test]
fn an_undo_sends_what_it_takes_back_and_leaves_every_other_edit_to_the_next_push() {
    paused(async {
        let world = world_with("associations:\n  companies: {}").await;
        let (run, before) = pushed(&world).await;
        let ids = ids(&world, "contacts");
        let (taken, other, asked) = (before[0].0, ids[5], ids[6]);
        sql(
            &world,
            &format!(
                "UPDATE contacts SET last_name = 'Mine' WHERE id IN ('{taken}', '{other}');
                 UPDATE contacts SET archived = 1 WHERE id = '{asked}';
                 INSERT INTO contacts (email) VALUES ('grace@mail.example');
                 INSERT INTO associations (from_object, from_id, to_object, to_id)
                 SELECT 'contacts', '{other}', 'companies', id FROM companies LIMIT 1"
            ),
        );
        let undone = world.run_well(Command::Undo(run, false)).await.unwrap().pushed();
        assert_eq!((undone.updated, undone.created, undone.archived, undone.linked), (3, 0, 0, 0));
        assert_eq!(remote(&world, taken, "city"), before[0].1);
        assert_ne!(remote(&world, taken, "lastname").as_deref(), Some("Mine"));
        assert_eq!(undone.left, 5, "two edits, a new row, an archive and a pair");
        assert_eq!(world.count("SELECT count(DISTINCT coalesce(record_id, uid) || operation) FROM sync_pending"), 5);
        let rest = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((rest.updated, rest.created, rest.archived, rest.linked, rest.left), (2, 1, 1, 1, 0));
        assert_eq!(world.count("SELECT count(*) FROM sync_pending"), 0);
        settled(&world).await;
    });
}

#[test]
fn p25_what_a_run_created_is_archived_only_when_asked_for_and_under_the_belt() {
    paused(async {
        let mut world = world().await;
        let (run, _) = pushed(&world).await;
        let made = world.count("SELECT CAST(id AS INTEGER) FROM contacts WHERE email = 'ada@mail.example'");
        world.pushing.max_archives.at_least = 0;
        world.pushing.max_archives.percent = 0.0;
        writes(&world);
        let report = world.run(Command::Undo(run, true), None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("--allow archives=1"), "{error}");
        assert_eq!(writes(&world), 0);
        world.pushing.allow_archives = Some(1);
        let report = world.run_well(Command::Undo(run, true)).await.unwrap();
        assert_eq!((report.pushed().updated, report.pushed().archived), (3, 1));
        assert!(world.rehearsal.portal().record("contacts", made.cast_unsigned()).unwrap().archived_at.is_some());
        settled(&world).await;
    });
}

#[test]
fn an_archive_is_not_undone_and_a_run_that_wrote_nothing_neither() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        let idle = world.run_well(Command::Sync).await.unwrap().run_id;
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{id}'"));
        let run = world.run_well(Command::Sync).await.unwrap().run_id;
        writes(&world);
        for run in [run, idle] {
            world.run_well(Command::Undo(run, true)).await.unwrap();
        }
        assert_eq!(writes(&world), 0);
        assert!(world.rehearsal.portal().record("contacts", id).unwrap().archived_at.is_some());
    });
}

#[test]
fn an_undoing_that_is_killed_at_any_step_can_be_undone_again() {
    paused(async {
        let good = world().await;
        let (run, before) = pushed(&good).await;
        good.run_well(Command::Undo(run, false)).await.unwrap();
        let steps = good.steps().len();
        assert!(steps > 10, "only {steps} steps");
        for step in 1..=steps {
            let world = world().await;
            let (run, _) = pushed(&world).await;
            let killed = match world.run(Command::Undo(run, false), Some(step)).await {
                Ok(report) => report.errors().any(stopped),
                Err(error) => stopped(&error),
            };
            assert!(killed, "step {step}: the run went on");
            after(minutes(2)).await;
            world.run_well(Command::Undo(run, false)).await.unwrap();
            for (id, city) in &before {
                assert_eq!(remote(&world, *id, "city"), *city, "killed at step {step}");
            }
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "killed at step {step}");
        }
    });
}

/// A run that edited a contact and made one, and had no answer to either. Returns its number, and the contact with the
/// city it had.
async fn unanswered(world: &World) -> (i64, u64, Option<String>) {
    let id = ids(world, "contacts")[3];
    let city = remote(world, id, "city");
    sql(world, &format!("UPDATE contacts SET city = 'Wrong' WHERE id = '{id}'"));
    sql(world, "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Ada')");
    for path in ["/batch/create", "/batch/update"] {
        lose_the_answer(world, path);
    }
    let report = world.run_well(Command::Push).await.unwrap();
    assert_eq!((report.pushed().written(), report.pushed().unknown), (0, 2));
    assert_eq!((remote(world, id, "city").as_deref(), ids(world, "contacts").len()), (Some("Wrong"), 13));
    after(minutes(2)).await;
    (report.run_id, id, city)
}

#[test]
fn what_a_later_run_found_out_is_undone_with_the_run_that_sent_it() {
    paused(async {
        let world = world().await;
        let (run, id, city) = unanswered(&world).await;
        let later = world.run_well(Command::Pull).await.unwrap().run_id;
        assert!(undone(&world, later).await.is_empty(), "it sent nothing");
        let fates = undone(&world, run).await;
        assert!(fates.len() == 2 && fates.contains(&Fate::Undone) && fates.contains(&Fate::Created), "{fates:?}");
        let pushed = world.run_well(Command::Undo(run, true)).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.archived), (1, 1));
        assert_eq!((remote(&world, id, "city"), ids(&world, "contacts").len()), (city, 12));
        settled(&world).await;
    });
}

#[test]
fn an_undo_looks_first_at_what_its_run_never_heard_of() {
    paused(async {
        let world = world().await;
        let (run, id, city) = unanswered(&world).await;
        assert!(undone(&world, run).await.is_empty(), "a plan makes no call, and nobody knows yet");
        let pushed = world.run_well(Command::Undo(run, true)).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.archived, pushed.unknown), (1, 1, 0));
        assert_eq!((remote(&world, id, "city"), ids(&world, "contacts").len()), (city, 12));
        settled(&world).await;
    });
}

#[test]
fn p25_a_property_is_never_taken_for_what_history_tells_of_the_record_itself() {
    const NAMES: [&str; 3] = ["id", "archived", "associations"];
    paused(async {
        let mut world = World::new(still(12, 4, 0, 0)).mirroring(&["companies"]);
        let (now, contact) = (world.rehearsal.now(), ids(&world, "contacts")[3]);
        for name in NAMES {
            world.rehearsal.portal().add_property(now, "contacts", &NewProperty::text(name)).unwrap();
            edit(&world, "contacts", contact, name, "Before");
        }
        let text = "object: contacts\ntable: contacts\nkey: email\nfields:\n  email: email\n  id: number\n  \
                    archived: shelf\n  associations: clubs\n";
        world.mappings.push(Mapping::parse("contacts.yaml", text).unwrap());
        world.pull_well().await.unwrap();
        after(minutes(5)).await;
        let columns = "number = 'Wrong', shelf = 'Wrong', clubs = 'Wrong'";
        sql(&world, &format!("UPDATE contacts SET {columns} WHERE id = '{contact}'"));
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!(report.pushed().updated, 1);
        assert_eq!(NAMES.map(|name| remote(&world, contact, name)), NAMES.map(|_| Some("Wrong".to_owned())));
        after(minutes(5)).await;
        assert_eq!(undone(&world, report.run_id).await, [Fate::Undone; 3]);
        let pushed = world.run_well(Command::Undo(report.run_id, true)).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.archived), (1, 0), "a record that was only updated is not archived");
        assert_eq!(NAMES.map(|name| remote(&world, contact, name)), NAMES.map(|_| Some("Before".to_owned())));
        settled(&world).await;
    });
}
