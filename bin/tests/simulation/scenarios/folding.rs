//! New rows whose record has a row already: they become edits of that row.

use super::super::world::{Command, World, paused};
use super::pushes::{remote, settled, sql, world};
use super::{after, ids, minutes};

/// Somebody edits a contact, and somebody makes a new row with its address, in one order or the other.
async fn both(new_row_is_later: bool) -> (World, u64) {
    let world = world().await;
    let addressed = |id: &u64| Some((*id, remote(&world, *id, "email").filter(|mail| !mail.is_empty())?));
    let (id, mail) = ids(&world, "contacts").iter().find_map(addressed).unwrap();
    let edit = format!("UPDATE contacts SET city = 'Edited' WHERE id = '{id}'");
    let new = format!("INSERT INTO contacts (_uid, email, city, job_title) VALUES ('new', '{mail}', 'New', 'Captain')");
    let [first, second] = if new_row_is_later { [edit, new] } else { [new, edit] };
    sql(&world, &first);
    // The times of both are told apart, whatever the machine's clock says.
    sql(&world, "UPDATE sync_touched SET at = '2026-01-01T00:00:00.000Z'");
    sql(&world, &second);
    (world, id)
}

#[test]
fn p14_of_an_edit_and_a_new_row_of_the_same_record_the_later_stands_and_the_other_is_kept() {
    for (new_row_is_later, stands, kept) in [(false, "Edited", "New"), (true, "New", "Edited")] {
        paused(async {
            let (world, id) = both(new_row_is_later).await;
            world.run_well(Command::Sync).await.unwrap();
            after(minutes(1)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(remote(&world, id, "city").as_deref(), Some(stands));
            assert_eq!(
                remote(&world, id, "jobtitle").as_deref(),
                Some("Captain"),
                "what only one of them says is sent"
            );
            let conflict = format!(
                "SELECT count(*) FROM sync_conflicts WHERE record_id = '{id}' AND property = 'city' AND kind = 'adopted'
                 AND '{kept}' IN (local, remote) AND '{stands}' IN (local, remote) AND resolved_at IS NOT NULL"
            );
            assert_eq!(world.count(&conflict), 1);
            assert_eq!(ids(&world, "contacts").len(), 12);
            settled(&world).await;
        });
    }
}
