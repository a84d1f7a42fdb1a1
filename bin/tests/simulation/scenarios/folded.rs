//! New rows that turn out to stand for a record that has a row already: what they say of it beside their values.

use super::super::world::{Command, World, paused};
use super::deleting::{is_active, with_key};
use super::pushes::{lose_the_answer, remote, settled, sql, world_with, writes};
use super::{after, edit, ids, minutes, shown};

const OURS: &str = "INSERT INTO contacts (_uid, email, city, job_title)
                    VALUES ('ours', 'ada@mail.example', 'Oslo', 'Countess')";

/// How many rows stand for the new contact.
const ROWS: &str = "SELECT count(*) FROM contacts WHERE _uid = 'ours' OR email = 'ada@mail.example'";

/// A new row whose answer was lost, and whose record the same run's sweep brought in as a row of its own.
async fn brought_in(policy: &str) -> (World, u64) {
    let mut world = world_with(&format!("conflict: {policy}")).await;
    let before = ids(&world, "contacts");
    let usual = std::mem::replace(&mut world.pulling.sweep_every, minutes(1));
    sql(&world, OURS);
    lose_the_answer(&world, "/batch/create");
    assert_eq!(world.run_well(Command::Sync).await.unwrap().pushed().unknown, 1);
    world.pulling.sweep_every = usual;
    assert_eq!(world.count(ROWS), 2);
    let made = ids(&world, "contacts").into_iter().find(|id| !before.contains(id)).unwrap();
    after(minutes(2)).await;
    writes(&world);
    (world, made)
}

#[test]
fn p14_a_clear_made_after_a_lost_answer_reaches_a_record_that_was_read_as_a_row_of_its_own() {
    paused(async {
        let (world, made) = brought_in("remote_wins").await;
        sql(&world, "UPDATE contacts SET city = NULL WHERE _uid = 'ours'");
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, made, "city").unwrap_or_default(), "");
        assert_eq!(remote(&world, made, "jobtitle").as_deref(), Some("Countess"));
        let sent =
            r#"SELECT count(*) FROM sync_journal WHERE operation = 'update' AND properties = '{"city":["Oslo",null]}'"#;
        assert_eq!((writes(&world), world.count(sent)), (1, 1), "and nothing else is sent");
        assert_eq!(world.count(ROWS), 1);
        settled(&world).await;
        assert_eq!(shown(&world, "contacts", made, "city"), None);
    });
}

#[test]
fn p9_a_clear_and_an_edit_in_the_portal_since_meet_as_any_other_when_the_row_is_folded() {
    for (policy, wanted) in [("remote_wins", "Bergen"), ("local_wins", "")] {
        paused(async {
            let (world, made) = brought_in(policy).await;
            sql(&world, "UPDATE contacts SET city = NULL WHERE _uid = 'ours'");
            edit(&world, "contacts", made, "city", "Bergen");
            edit(&world, "contacts", made, "jobtitle", "Theirs");
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(remote(&world, made, "city").unwrap_or_default(), wanted, "{policy}");
            assert_eq!(remote(&world, made, "jobtitle").as_deref(), Some("Theirs"), "{policy}: nobody edited it here");
            let kept = "SELECT count(*) FROM sync_conflicts WHERE property = 'city' AND base = 'Oslo' AND local IS NULL
                        AND remote = 'Bergen' AND resolved_at IS NOT NULL";
            assert_eq!(world.count(kept), 1, "{policy}");
            settled(&world).await;
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 1, "{policy}");
        });
    }
}

#[test]
fn p14_an_address_that_was_changed_after_a_lost_answer_is_an_edit_of_the_record() {
    paused(async {
        let (world, made) = brought_in("remote_wins").await;
        sql(&world, "UPDATE contacts SET email = 'lovelace@mail.example' WHERE _uid = 'ours'");
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, made, "email").as_deref(), Some("lovelace@mail.example"));
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0);
        settled(&world).await;
    });
}

/// A contact that another one was merged into: it is known by its own address, and by that of the other.
async fn with_two_addresses(policy: &str, mirrored: bool) -> (World, u64) {
    let world = world_with(&format!("conflict: {policy}")).await;
    let now = world.rehearsal.now();
    let create = |mail: &str| world.rehearsal.portal().create(now, "contacts", &[("email", mail)]).unwrap();
    let (first, second) = (create("ada@mail.example"), create("augusta@mail.example"));
    let contact = world.rehearsal.portal().merge(now, "contacts", first, second).unwrap();
    if mirrored {
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
    }
    (world, contact)
}

/// Both addresses of a contact.
fn addresses(world: &World, id: u64) -> [Option<String>; 2] {
    ["email", "hs_additional_emails"].map(|property| remote(world, id, property))
}

#[test]
fn p14_a_further_address_of_a_contact_tells_whose_row_it_is_and_is_no_edit() {
    for policy in ["remote_wins", "local_wins", "hold"] {
        for mirrored in [false, true] {
            paused(async {
                let told = format!("{policy}, mirrored {mirrored}");
                let (world, contact) = with_two_addresses(policy, mirrored).await;
                let before = (ids(&world, "contacts"), addresses(&world, contact));
                let row =
                    "INSERT OR REPLACE INTO contacts (_uid, email, job_title) VALUES ('ours', 'augusta@mail.example'";
                sql(&world, &format!("{row}, 'Countess')"));
                let pushed = world.run_well(Command::Push).await.unwrap().pushed();
                assert_eq!((pushed.created, pushed.adopted), (0, 1), "{told}");
                assert_eq!(remote(&world, contact, "jobtitle").as_deref(), Some("Countess"), "{told}");
                let kept = format!(
                    "SELECT count(*) FROM sync_conflicts WHERE record_id = '{contact}' AND property = 'email'
                     AND local = 'augusta@mail.example' AND remote = 'ada@mail.example' AND kind = 'adopted'
                     AND chosen = 'remote' AND resolved_at IS NOT NULL"
                );
                assert_eq!(world.count(&kept), 1, "{told}: a person may decide otherwise");
                settled(&world).await;

                // A script writes its row again, as it knows it.
                sql(&world, &format!("{row}, 'Captain')"));
                world.run_well(Command::Sync).await.unwrap();
                assert_eq!(remote(&world, contact, "jobtitle").as_deref(), Some("Captain"), "{told}");
                settled(&world).await;
                assert_eq!((ids(&world, "contacts"), addresses(&world, contact)), before, "{told}");
                assert_eq!(shown(&world, "contacts", contact, "email").as_deref(), Some("ada@mail.example"), "{told}");
                assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 1, "{told}");
            });
        }
    }
}

#[test]
fn p14_an_address_that_is_typed_while_its_row_is_refused_is_an_edit() {
    paused(async {
        let (world, contact) = with_two_addresses("remote_wins", true).await;
        sql(&world, "INSERT INTO contacts (_uid, email) VALUES ('ours', 'augusta@mail.example')");
        let (mirror, mut once) = (world.mirror(), Some(()));
        world.at_each("push.answered", move || {
            if once.take().is_some() {
                let typed = "UPDATE contacts SET email = 'lovelace@mail.example' WHERE _uid = 'ours'";
                rusqlite::Connection::open(&mirror).unwrap().execute(typed, []).unwrap();
            }
        });
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, contact, "email").as_deref(), Some("lovelace@mail.example"));
        settled(&world).await;
    });
}

#[test]
fn p29_a_row_that_is_to_be_archived_and_is_inserted_again_by_its_key_is_an_edit_and_asks_for_no_archive() {
    for (more, pulled, spelt_anew) in [("", false, false), ("", true, false), ("deletes: archive", false, true)] {
        paused(async {
            let told = format!("{more} pulled {pulled} spelt anew {spelt_anew}");
            let world = world_with(more).await;
            let (id, email) = with_key(&world);
            let name = remote(&world, id, "firstname");
            sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE email = '{email}'"));
            if pulled {
                edit(&world, "contacts", id, "jobtitle", "Theirs");
                after(minutes(5)).await;
                world.pull_well().await.unwrap();
                assert_eq!(shown(&world, "contacts", id, "state").as_deref(), Some("archiving"), "{told}");
            }
            let again = if spelt_anew { email.to_uppercase() } else { email.clone() };
            sql(&world, &format!("INSERT INTO contacts (email, city) VALUES ('{again}', 'Bergen')"));
            let pushed = world.run_well(Command::Sync).await.unwrap().pushed();
            assert_eq!((pushed.created, pushed.archived), (0, 0), "{told}");
            assert!(is_active(&world, id), "{told}: whoever inserts it again wants it");
            assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"), "{told}");
            assert_eq!(remote(&world, id, "firstname"), name, "{told}: what it does not mention stays");
            assert_eq!(ids(&world, "contacts").len(), 12, "{told}");
            settled(&world).await;
            let row = shown(&world, "contacts", id, "city || archived || state || email");
            assert_eq!(row, Some(format!("Bergen0active{email}")), "{told}");
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "{told}");
        });
    }
}

#[test]
fn p29_an_archive_that_is_asked_for_after_a_row_was_inserted_by_the_same_key_is_carried_out() {
    paused(async {
        let world = world_with("").await;
        let (id, email) = with_key(&world);
        sql(
            &world,
            &format!(
                "INSERT INTO contacts (email, city) VALUES ('{email}', 'Bergen');
                 UPDATE contacts SET archived = 1 WHERE id = '{id}'"
            ),
        );
        world.run_well(Command::Sync).await.unwrap();
        assert!(!is_active(&world, id));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Bergen"), "edits go before it");
        assert_eq!(ids(&world, "contacts").len(), 11);
        settled(&world).await;
    });
}
