//! Archives that somebody asks for: what is looked at before they are sent, and what rows say until they are done.

use super::super::world::{Command, World, paused};
use super::pushes::{settled, sql, world, writes};
use super::{after, edit, ids, minutes, shown};

/// Whether a contact's row asks for an archive, and what it says of itself.
fn state(world: &World, id: u64) -> String {
    shown(world, "contacts", id, "archived || state").unwrap()
}

#[test]
fn p2_no_archive_is_sent_of_a_record_that_was_merged_away_since_it_was_read() {
    paused(async {
        let world = world().await;
        // An old id stands for the record that is left: to archive it would archive that one.
        world.rehearsal.portal().switches_mut().archive_follows_merge = true;
        let contacts = ids(&world, "contacts");
        let now = world.rehearsal.now();
        let survivor = world.rehearsal.portal().merge(now, "contacts", contacts[0], contacts[1]).unwrap();
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{}'", contacts[1]));
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().archived, writes(&world)), (0, 0));
        assert!(ids(&world, "contacts").contains(&survivor));
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        after(minutes(61)).await;
        settled(&world).await;
        assert!(ids(&world, "contacts").contains(&survivor));
        assert_eq!(state(&world, contacts[1]), "1merged");
    });
}

#[test]
fn p2_what_somebody_edited_is_in_the_row_before_its_record_is_archived() {
    paused(async {
        let world = world().await;
        let id = ids(&world, "contacts")[3];
        edit(&world, "contacts", id, "city", "Theirs");
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{id}'"));
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().archived, 1);
        assert_eq!(
            (state(&world, id).as_str(), shown(&world, "contacts", id, "city").as_deref()),
            ("1archived", Some("Theirs"))
        );
        settled(&world).await;
    });
}

#[test]
fn p29_a_row_says_that_it_asks_for_an_archive_though_a_belt_holds_it_back_and_until_it_is_taken_back() {
    paused(async {
        let mut world = world().await;
        (world.pushing.max_archives.percent, world.pushing.max_archives.at_least) = (0.0, 0);
        let id = ids(&world, "contacts")[3];
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{id}'"));
        assert!(world.run(Command::Push, None).await.unwrap().objects["contacts"].error.is_some());
        assert_eq!(state(&world, id), "1archiving");
        assert_eq!(world.count("SELECT count(*) FROM sync_pending"), 1, "what a belt holds back is pending");
        sql(&world, "UPDATE contacts SET archived = 0 WHERE state = 'archiving'");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(state(&world, id), "0active");
        settled(&world).await;
    });
}
