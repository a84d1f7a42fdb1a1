//! What people wished and the portal refused, what they took back, and what never left: it uses up no belt, is told no
//! longer than somebody wants it, and is not taken for what might have been done.

use super::super::world::{Command, World, paused};
use super::pushes::{remote, settled, sql, world, world_with};
use super::{after, edit, ids, minutes, shown};
use simulator::{FaultKind, When};

/// The portal refuses to archive so many contacts: all of them at once, each half, and each contact alone.
fn refuse_archives(world: &World, contacts: u32) {
    let when = When::path("/contacts/batch/archive").times(2 * contacts - 1);
    world.rehearsal.portal().inject(FaultKind::Conflict, when);
}

/// Whether a contact's row asks for an archive, and what it says of itself.
fn state(world: &World, id: u64) -> String {
    shown(world, "contacts", id, "archived || state").unwrap()
}

#[test]
fn p25_archives_that_were_refused_use_up_no_belt_and_hold_nothing_else_up() {
    paused(async {
        let mut world = world().await;
        world.pushing.max_archives.at_least = 3;
        let contacts = ids(&world, "contacts");
        for id in &contacts[..4] {
            sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{id}'"));
        }
        world.pushing.allow_archives = Some(4);
        refuse_archives(&world, 4);
        assert_eq!(world.run_well(Command::Push).await.unwrap().open_rejects, 4);

        world.pushing.allow_archives = None;
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{}'", contacts[8]));
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.archived, pushed.waiting), (1, 0, 4));
        assert_eq!(remote(&world, contacts[8], "city").as_deref(), Some("Mine"));
        assert_eq!(ids(&world, "contacts"), contacts);
    });
}

#[test]
fn p25_archives_of_rows_whose_conflicts_are_held_use_up_no_belt_either() {
    paused(async {
        let mut world = world_with("conflict: hold").await;
        world.pushing.max_archives.at_least = 3;
        let contacts = ids(&world, "contacts");
        for id in &contacts[..4] {
            edit(&world, "contacts", *id, "city", "Theirs");
            sql(&world, &format!("UPDATE contacts SET city = 'Mine', archived = 1 WHERE id = '{id}'"));
        }
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{}'", contacts[8]));
        after(minutes(5)).await;
        let pushed = world.run_well(Command::Sync).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.archived, pushed.waiting), (1, 0, 4));
        assert_eq!(ids(&world, "contacts"), contacts);
    });
}

#[test]
fn p14_a_refused_value_that_nobody_wishes_any_more_is_forgotten_by_whatever_run_comes_next() {
    for command in [Command::Push, Command::Sync] {
        for way in [
            "UPDATE contacts SET email = ?2 WHERE id = ?1",
            // The row is as both sides agreed only once this is sent.
            "UPDATE contacts SET email = ?2, city = 'Mine' WHERE id = ?1",
            // The row comes back without what was refused.
            "DELETE FROM contacts WHERE id = ?1 AND email IS NOT ?2",
        ] {
            paused(async {
                let world = world().await;
                let id = ids(&world, "contacts")[3];
                let before = remote(&world, id, "email");
                sql(&world, &format!("UPDATE contacts SET email = 'no address' WHERE id = '{id}'"));
                assert_eq!(world.run_well(command).await.unwrap().open_rejects, 1, "{command:?}: {way}");
                after(minutes(5)).await;
                assert_eq!(world.person().execute(way, (id.to_string(), &before)).unwrap(), 1);
                assert_eq!(world.run_well(command).await.unwrap().open_rejects, 0, "{command:?}: {way}");
                assert_eq!(shown(&world, "contacts", id, "email"), before, "{command:?}: {way}");
                settled(&world).await;
            });
        }
    }
}

#[test]
fn p14_a_refused_archive_that_is_taken_back_leaves_neither_a_reject_nor_a_row_that_asks_for_it() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET city = 'Mine', archived = 1 WHERE id = '{id}'"));
        refuse_archives(&world, 1);
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.pushed().updated, report.pushed().archived, report.open_rejects), (1, 0, 1));
        assert_eq!(state(&world, id), "1archiving");
        after(minutes(5)).await;
        sql(&world, &format!("UPDATE contacts SET archived = 0 WHERE id = '{id}'"));
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 0);
        assert_eq!(state(&world, id), "0active");
        settled(&world).await;
    });
}

#[test]
fn p14_an_archive_that_is_taken_back_is_asked_for_by_no_row_though_another_edit_of_it_still_waits() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        let wish = "UPDATE contacts SET email = 'no address', city = 'Mine', archived = 1";
        sql(&world, &format!("{wish} WHERE id = '{id}'"));
        // The address is refused, then the city is sent without it; the archive waits for both.
        for _ in 0..2 {
            assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 1);
            after(minutes(5)).await;
        }
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"));
        assert_eq!(state(&world, id), "1archiving");
        sql(&world, &format!("UPDATE contacts SET archived = 0 WHERE id = '{id}'"));
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 1);
        assert_eq!(state(&world, id), "0active");
        assert_eq!(shown(&world, "contacts", id, "email").as_deref(), Some("no address"));
    });
}

#[test]
fn p11_what_never_left_of_a_halved_batch_is_not_unknown_though_its_other_half_cannot_be_settled() {
    paused(async {
        let world = world().await;
        // What is sent empty stands in no answer: the records are read to settle them.
        for name in ["ada", "bea", "cleo", "dora"] {
            let row = format!("'{name}@mail.example', '{name}', ''");
            sql(&world, &format!("INSERT INTO contacts (email, first_name, city) VALUES ({row})"));
        }
        world.rehearsal.portal().inject(FaultKind::Conflict, When::path("/contacts/batch/create"));
        let (rehearsal, mut once) = (world.rehearsal.clone(), Some(()));
        world.at_each("push.answered", move || {
            if once.take().is_some() {
                rehearsal.portal().inject(FaultKind::Conflict, When::path("/contacts/batch/read"));
            }
        });
        let report = world.run(Command::Push, None).await.unwrap();
        assert!(report.objects["contacts"].error.is_some(), "the first half cannot be read");
        let open = world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL");
        let undone = world.count("SELECT count(*) FROM sync_journal WHERE outcome = 'undone'");
        assert_eq!((ids(&world, "contacts").len(), open, undone), (14, 2, 2));

        // At once, while a record that may have been made need not be found yet.
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.created, pushed.unknown), (2, 0));
        assert_eq!(ids(&world, "contacts").len(), 16);
        settled(&world).await;
    });
}
