//! What a run says of what it did, and of what is left to do.

use super::super::world::{Command, World, paused};
use super::pushes::{self, settled, sql, world, world_with};
use super::{after, edit, ids, minutes, shown};

/// What is pending, as `operation property local`, in no order that matters.
fn pending(world: &World) -> Vec<String> {
    let person = world.person();
    let sql = "SELECT concat_ws(' ', operation, property, local) FROM sync_pending ORDER BY 1";
    let mut statement = person.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_pending_is_told_as_of_the_last_run() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Oslo' WHERE id = '{id}'"));
        world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        world.pull_well().await.unwrap();
        assert_eq!(pending(&world), ["update city Oslo"], "a pull sends nothing");
        edit(&world, "contacts", id, "city", "Rome");
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        assert!(pending(&world).is_empty(), "the remote's value won");
        sql(&world, &format!("UPDATE contacts SET city = 'Bern' WHERE id = '{id}'"));
        world.run_well(Command::Sync).await.unwrap();
        assert!(pending(&world).is_empty(), "it was sent");
        settled(&world).await;
    });
}

#[test]
fn what_stood_beside_a_refused_value_is_told_to_be_left_and_goes_with_the_next_push() {
    paused(async {
        let world = world_with("").await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET email = 'no address', city = 'Oslo' WHERE id = '{id}'"));
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.refused, pushed.waiting, pushed.left), (0, 1, 1, 1));
        assert_eq!(pending(&world), ["update city Oslo"]);
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.refused, pushed.waiting, pushed.left), (1, 0, 1, 0));
        assert_eq!(pushes::remote(&world, id, "city").as_deref(), Some("Oslo"));
    });
}

#[test]
fn p5_a_conflict_that_only_the_look_before_a_write_finds_is_counted() {
    paused(async {
        let world = world_with("conflict: hold").await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
        edit(&world, "contacts", id, "city", "Theirs");
        let report = world.run_well(Command::Push).await.unwrap();
        let pushed = report.pushed();
        assert_eq!((pushed.updated, pushed.conflicts, pushed.waiting, report.open_conflicts), (0, 1, 1, 1));
    });
}

#[test]
fn p11_values_that_cannot_be_sent_or_are_passed_over_are_counted_as_refused() {
    paused(async {
        let mut world = world_with("").await;
        world.mappings.retain(|mapping| mapping.object != "contacts");
        let text = "object: contacts\ntable: contacts\nkey: email\nfields:\n  email: email\n  \
                    closedate: closed\n";
        world.mappings.push(mappings::Mapping::parse("contacts.yaml", text).unwrap());
        world.pull_well().await.unwrap();
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET closed = 'long ago' WHERE id = '{id}'"));
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.refused, pushed.waiting), (0, 1, 1));
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.refused, pushed.waiting), (0, 1), "once is enough");
    });
}

#[test]
fn of_two_new_rows_with_one_address_in_two_spellings_the_later_is_a_reject_that_names_the_first() {
    paused(async {
        let world = world().await;
        sql(
            &world,
            "INSERT INTO contacts (_uid, email, first_name) VALUES ('ada-1', 'ada@mail.example', 'Ada');
             INSERT INTO contacts (_uid, email, first_name) VALUES ('ada-2', ' ADA@mail.example', 'Adele');",
        );
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.created, pushed.adopted, pushed.refused), (1, 0, 1));
        let made = world.count("SELECT CAST(id AS INTEGER) FROM contacts WHERE _uid = 'ada-1'").cast_unsigned();
        let named = "SELECT count(*) FROM sync_rejects WHERE category = 'SAME_KEY' AND uid = 'ada-2'
                     AND message LIKE 'the row with _uid ada-1,%'";
        assert_eq!(world.count(named), 1);
        assert_eq!(pushes::remote(&world, made, "firstname").as_deref(), Some("Ada"));
        // Given another address it is a person of its own.
        sql(&world, "UPDATE contacts SET email = 'adele@mail.example' WHERE _uid = 'ada-2'");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().created, 1);
        settled(&world).await;
    });
}

#[test]
fn p6_an_address_in_another_spelling_is_what_the_portal_stores_and_no_reject() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        let before = shown(&world, "contacts", id, "email");
        sql(&world, &format!("UPDATE contacts SET email = upper(email) WHERE id = '{id}'"));
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        assert_eq!(shown(&world, "contacts", id, "email"), before);
        settled(&world).await;
    });
}

#[test]
fn p30_a_row_with_an_unknown_id_written_past_the_triggers_is_a_reject_until_it_is_gone() {
    paused(async {
        let world = world().await;
        sql(
            &world,
            "DROP TRIGGER sync_contacts_insert; INSERT INTO contacts (id, first_name) VALUES ('777777', 'Nobody')",
        );
        for _ in 0..2 {
            let pushed = world.run_well(Command::Sync).await.unwrap().pushed();
            assert_eq!((pushed.created, pushed.waiting), (0, 1));
            let told = "SELECT count(*) FROM sync_rejects WHERE record_id = '777777' AND category = 'UNSENDABLE'
                        AND message LIKE 'no record 777777 of contacts is known%' AND attempts = 1";
            assert_eq!(world.count(told), 1);
            after(minutes(5)).await;
        }
        sql(&world, "DELETE FROM contacts WHERE id = '777777'");
        assert_eq!(world.run_well(Command::Sync).await.unwrap().pushed().waiting, 0);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        settled(&world).await;
    });
}

#[test]
fn p42_what_was_cleared_is_null_in_the_history() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        edit(&world, "contacts", id, "city", "Oslo");
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        sql(&world, &format!("UPDATE contacts SET city = NULL WHERE id = '{id}'"));
        world.run_well(Command::Push).await.unwrap();
        let told = "SELECT count(*) FROM sync_history WHERE side = 'hubspot' AND before = 'Oslo' AND after IS NULL";
        assert_eq!(world.count(told), 1);
    });
}
