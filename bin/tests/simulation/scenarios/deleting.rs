//! Rows that are deleted, where that asks for an archive and where it does not.

use super::super::world::{Command, World, paused, stopped};
use super::pushes::{remote, settled, sql, world_with};
use super::{after, ids, minutes, shown};

const ARCHIVES: &str = "deletes: archive";

pub(super) fn is_active(world: &World, id: u64) -> bool {
    world.rehearsal.portal().record("contacts", id).unwrap().is_active()
}

/// A contact with an address.
pub(super) fn with_key(world: &World) -> (u64, String) {
    let contacts = ids(world, "contacts").into_iter();
    contacts.filter_map(|id| Some((id, remote(world, id, "email")?))).next().unwrap()
}

#[test]
fn p29_a_row_that_is_deleted_and_inserted_again_by_its_key_is_an_edit_and_asks_for_no_archive() {
    for more in [ARCHIVES, ""] {
        paused(async {
            let world = world_with(more).await;
            let (id, email) = with_key(&world);
            let name = remote(&world, id, "firstname");
            sql(
                &world,
                &format!(
                    "BEGIN; DELETE FROM contacts WHERE email = '{email}';
                     INSERT INTO contacts (email, city) VALUES ('{email}', 'Bergen'); COMMIT"
                ),
            );
            world.run_well(Command::Sync).await.unwrap();
            assert!(is_active(&world, id), "{more}");
            assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"), "{more}");
            assert_eq!(remote(&world, id, "firstname"), name, "{more}: what it does not mention stays");
            assert_eq!(ids(&world, "contacts").len(), 12, "{more}");
            settled(&world).await;
            assert_eq!(shown(&world, "contacts", id, "city || state").as_deref(), Some("Bergenactive"), "{more}");
        });
    }
}

#[test]
fn p29_a_row_that_is_inserted_again_by_its_key_while_its_archive_is_about_to_be_sent_is_an_edit() {
    paused(async {
        let world = world_with(ARCHIVES).await;
        let (id, email) = with_key(&world);
        let other = ids(&world, "contacts").into_iter().find(|other| *other != id).unwrap();
        sql(
            &world,
            &format!("DELETE FROM contacts WHERE id = '{id}'; UPDATE contacts SET city = 'Rome' WHERE id = '{other}'"),
        );
        let (mirror, mut again) = (world.mirror(), Some(email));
        // The update goes first.
        world.at_each("push.before_send", move || {
            if let Some(email) = again.take() {
                let person = rusqlite::Connection::open(&mirror).unwrap();
                person.execute("INSERT INTO contacts (email, city) VALUES (?1, 'Bergen')", [email]).unwrap();
            }
        });
        world.run_well(Command::Push).await.unwrap();
        assert!(is_active(&world, id));
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"));
        assert_eq!(ids(&world, "contacts").len(), 12);
        settled(&world).await;
    });
}

#[test]
fn p29_a_row_that_takes_the_place_of_another_by_an_index_of_your_own_is_an_edit() {
    paused(async {
        let world = world_with("").await;
        let (id, email) = with_key(&world);
        sql(
            &world,
            &format!(
                "CREATE UNIQUE INDEX mine ON contacts (email);
                 INSERT OR REPLACE INTO contacts (email, city) VALUES ('{email}', 'Bergen')"
            ),
        );
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"));
        assert_eq!(ids(&world, "contacts").len(), 12);
        settled(&world).await;
        assert_eq!(shown(&world, "contacts", id, "city || state").as_deref(), Some("Bergenactive"));
    });
}

#[test]
fn p20_a_record_that_was_archived_by_a_delete_and_is_restored_there_has_its_row_again() {
    for seen in [false, true] {
        paused(async {
            let world = world_with(ARCHIVES).await;
            let id = ids(&world, "contacts")[3];
            sql(&world, &format!("DELETE FROM contacts WHERE id = '{id}'"));
            world.run_well(Command::Sync).await.unwrap();
            assert!(!is_active(&world, id), "the delete asked for it");
            after(minutes(5)).await;
            if seen {
                world.run_well(Command::Sync).await.unwrap();
                after(minutes(5)).await;
            }
            let now = world.rehearsal.now();
            world.rehearsal.portal().restore(now, "contacts", id).unwrap();
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert!(is_active(&world, id), "seen {seen}: it is not archived a second time");
            settled(&world).await;
            assert_eq!(shown(&world, "contacts", id, "state").as_deref(), Some("active"), "seen {seen}");
        });
    }
}

#[test]
fn p5_an_archive_that_was_carried_out_is_not_asked_for_again_when_the_record_was_restored_before_it_was_read() {
    for wish in ["UPDATE contacts SET archived = 1", "DELETE FROM contacts"] {
        paused(async {
            let world = world_with(ARCHIVES).await;
            let id = ids(&world, "contacts")[3];
            sql(&world, &format!("{wish} WHERE id = '{id}'"));
            let whole = world_with(ARCHIVES).await;
            sql(&whole, &format!("{wish} WHERE id = '{id}'"));
            whole.run_well(Command::Push).await.unwrap();
            let settled_at = whole.steps().iter().position(|step| *step == "push.archived_read").unwrap();
            let killed = world.run(Command::Push, Some(settled_at + 1)).await;
            assert!(killed.is_err() || killed.unwrap().errors().any(stopped), "{wish}");
            assert!(!is_active(&world, id), "{wish}");
            after(minutes(1)).await;
            let now = world.rehearsal.now();
            world.rehearsal.portal().restore(now, "contacts", id).unwrap();
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert!(is_active(&world, id), "{wish}: it is not archived a second time");
            settled(&world).await;
            assert_eq!(shown(&world, "contacts", id, "state").as_deref(), Some("active"), "{wish}");
        });
    }
}

#[test]
fn p30_a_row_that_went_while_no_trigger_watched_comes_back_with_the_look_at_every_row() {
    paused(async {
        let world = world_with(ARCHIVES).await;
        let id = ids(&world, "contacts")[3];
        let person = world.person();
        let triggers: Vec<String> = person
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'contacts'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for trigger in triggers {
            person.execute_batch(&format!("DROP TRIGGER \"{trigger}\"")).unwrap();
        }
        person.execute("DELETE FROM contacts WHERE id = ?1", [id.to_string()]).unwrap();
        drop(person);
        world.run_well(Command::Sync).await.unwrap();
        assert!(is_active(&world, id), "whether that was a wish nobody can tell");
        assert_eq!(shown(&world, "contacts", id, "state").as_deref(), Some("active"));
        settled(&world).await;
    });
}

#[test]
fn p30_an_archive_that_a_replaced_row_asks_for_outlives_the_repair_of_its_table() {
    paused(async {
        let world = world_with("").await;
        let id = ids(&world, "contacts")[3];
        sql(
            &world,
            &format!(
                "INSERT OR REPLACE INTO contacts (id, city, archived) VALUES ('{id}', 'Bergen', 1);
                 CREATE TEMP TABLE frame AS SELECT * FROM contacts; DROP TABLE contacts;
                 CREATE TABLE contacts AS SELECT * FROM frame"
            ),
        );
        world.decide(async |engine, mappings| engine.repair(mappings).await).await.unwrap();
        world.run_well(Command::Sync).await.unwrap();
        assert!(!is_active(&world, id), "it was asked for");
        settled(&world).await;
    });
}
