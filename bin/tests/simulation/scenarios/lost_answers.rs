//! What was carried out although its answer was lost, and edited by somebody before anybody looked: their edit survives,
//! whatever the policy.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, remote, settled, sql, world_with, writes};
use super::unique;
use super::{after, edit, ids, lag, minutes, shown};

/// The record that was made since these were there.
fn made_since(world: &World, object: &str, before: &[u64]) -> u64 {
    let new: Vec<u64> = ids(world, object).into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(new.len(), 1);
    new[0]
}

const POLICIES: [&str; 4] = ["remote_wins", "local_wins", "newest", "hold"];

/// An update of one field, carried out and never answered.
async fn unanswered(policy: &str) -> (World, u64) {
    let world = world_with(&format!("conflict: {policy}")).await;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
    lose_the_answer(&world, "/batch/update");
    assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
    assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"), "it was carried out");
    after(minutes(2)).await;
    (world, id)
}

#[test]
fn p9_an_edit_made_after_a_lost_answer_survives_under_every_policy() {
    for policy in POLICIES {
        paused(async {
            let (world, id) = unanswered(policy).await;
            edit(&world, "contacts", id, "city", "Theirs");
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(writes(&world), 0, "{policy}: nothing was sent again");
            assert_eq!(remote(&world, id, "city").as_deref(), Some("Theirs"), "{policy}");
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs"), "{policy}");
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "{policy}");
            let told = "SELECT count(*) FROM sync_history WHERE side = 'hubspot' AND after = 'Mine'";
            assert_eq!(world.count(told), 1, "{policy}: that it was written is known");
            settled(&world).await;
        });
    }
}

#[test]
fn p9_a_value_put_back_after_a_lost_answer_stays_put_back() {
    paused(async {
        let world = world_with("conflict: local_wins").await;
        let id = ids(&world, "contacts")[3];
        let before = remote(&world, id, "city").unwrap();
        drop(world);
        let (world, same) = unanswered("local_wins").await;
        assert_eq!(id, same);
        edit(&world, "contacts", id, "city", before.as_str());
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(remote(&world, id, "city").as_deref(), Some(&*before));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        settled(&world).await;
    });
}

#[test]
fn p9_an_edit_made_here_after_a_lost_answer_meets_theirs_as_any_other() {
    for (policy, wanted) in [("remote_wins", "Theirs"), ("local_wins", "Mine again")] {
        paused(async {
            let (world, id) = unanswered(policy).await;
            sql(&world, &format!("UPDATE contacts SET city = 'Mine again' WHERE id = '{id}'"));
            edit(&world, "contacts", id, "city", "Theirs");
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(remote(&world, id, "city").as_deref(), Some(wanted), "{policy}");
            let kept = "SELECT count(*) FROM sync_conflicts WHERE base = 'Mine' AND local = 'Mine again'
                        AND remote = 'Theirs'";
            assert_eq!(world.count(kept), 1, "{policy}: both had agreed on what was written");
            settled(&world).await;
        });
    }
}

#[test]
fn p9_an_edit_of_a_record_that_was_made_without_an_answer_survives_under_every_policy() {
    for policy in POLICIES {
        paused(async {
            let world = world_with(&format!("conflict: {policy}")).await;
            let before = ids(&world, "contacts");
            sql(&world, "INSERT INTO contacts (email, first_name, city) VALUES ('Ada@mail.example', 'Ada', 'Mine')");
            lose_the_answer(&world, "/batch/create");
            assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
            let made = made_since(&world, "contacts", &before);
            assert_eq!(remote(&world, made, "city").as_deref(), Some("Mine"));
            after(minutes(2)).await;
            edit(&world, "contacts", made, "city", "Theirs");
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(writes(&world), 0, "{policy}: nothing was sent again");
            assert_eq!(remote(&world, made, "city").as_deref(), Some("Theirs"), "{policy}");
            assert_eq!(shown(&world, "contacts", made, "city").as_deref(), Some("Theirs"), "{policy}");
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "{policy}");
            let created = "SELECT count(*) FROM sync_history WHERE property = '(id)' AND side = 'hubspot'";
            assert_eq!((world.count(created), ids(&world, "contacts").len()), (1, 13), "{policy}: it is ours");
            settled(&world).await;
        });
    }
}

#[test]
fn of_two_new_rows_with_one_address_the_later_is_a_reject_where_the_answer_to_the_first_was_lost() {
    paused(async {
        let world = world_with("").await;
        let before = ids(&world, "contacts");
        sql(&world, "INSERT INTO contacts (_uid, email, first_name) VALUES ('ada-1', 'ada@mail.example', 'Ada')");
        lose_the_answer(&world, "/batch/create");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        let made = made_since(&world, "contacts", &before);
        after(minutes(2)).await;
        sql(&world, "INSERT INTO contacts (_uid, email, first_name) VALUES ('ada-2', 'ADA@mail.example', 'Adele')");
        let pushed = world.run_well(Command::Sync).await.unwrap().pushed();
        assert_eq!((pushed.adopted, pushed.refused), (0, 1));
        let named = "SELECT count(*) FROM sync_rejects WHERE category = 'SAME_KEY' AND uid = 'ada-2'";
        assert_eq!(world.count(named), 1);
        assert_eq!(remote(&world, made, "firstname").as_deref(), Some("Ada"));
        assert_eq!(ids(&world, "contacts").len(), 13);
    });
}

#[test]
fn p9_an_edit_of_a_record_that_carries_our_key_survives() {
    paused(async {
        let world = unique::world_with("conflict: local_wins").await;
        let before = ids(&world, "companies");
        sql(&world, "INSERT INTO companies (_uid, name, city) VALUES ('ours', 'Ours', 'Mine')");
        lose_the_answer(&world, "/batch/upsert");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        let made = made_since(&world, "companies", &before);
        after(minutes(2)).await;
        edit(&world, "companies", made, "city", "Theirs");
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((writes(&world), world.count("SELECT count(*) FROM sync_conflicts")), (0, 0));
        assert_eq!(shown(&world, "companies", made, "city").as_deref(), Some("Theirs"));
        settled(&world).await;
    });
}

#[test]
fn p10_a_record_without_a_key_is_found_by_what_it_once_held() {
    for pulled_before in [false, true] {
        paused(async {
            let world = world_with("").await;
            lag(&world, minutes(30));
            let before = ids(&world, "companies");
            sql(&world, "INSERT INTO companies (_uid, name, city) VALUES ('ours', 'Ours', 'Mine')");
            lose_the_answer(&world, "/batch/create");
            assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
            let made = made_since(&world, "companies", &before);
            after(minutes(2)).await;
            edit(&world, "companies", made, "city", "Theirs");
            if pulled_before {
                // Before the index knows it, so that nothing tells yet whose it is.
                world.run_well(Command::Sync).await.unwrap();
            }
            after(minutes(45)).await;
            world.run_well(Command::Sync).await.unwrap();
            after(minutes(45)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(ids(&world, "companies").len(), 5, "it is not made again");
            assert_eq!(shown(&world, "companies", made, "city").as_deref(), Some("Theirs"));
            assert_eq!(world.count("SELECT count(*) FROM companies WHERE _uid = 'ours' AND name = 'Ours'"), 1);
            let created = "SELECT count(*) FROM sync_history WHERE property = '(id)' AND side = 'hubspot'
                           AND run_id = 2";
            assert_eq!(world.count(created), 1, "it is what the push wrote");
            settled(&world).await;
        });
    }
}

/// Tools that know no UPDATE write a row back with the one field they are about.
fn write_back(world: &World, id: u64) {
    sql(world, &format!("INSERT OR REPLACE INTO contacts (id, _uid, job_title) VALUES ('{id}', 'again', 'Captain')"));
}

/// What the portal holds of a contact, beside the fields that anybody edits here.
fn others(world: &World, id: u64) -> Vec<Option<String>> {
    ["email", "firstname", "lastname"].map(|property| remote(world, id, property)).to_vec()
}

#[test]
fn p4_a_row_that_is_replaced_before_a_lost_answer_is_looked_after_clears_nothing() {
    paused(async {
        let (world, id) = unanswered("remote_wins").await;
        let before = others(&world, id);
        write_back(&world, id);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(others(&world, id), before);
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"), "it is not mentioned, and was carried out");
        settled(&world).await;
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
    });
}

#[test]
fn p4_a_row_that_is_replaced_and_made_whole_before_a_lost_answer_is_looked_after_takes_nothing_back() {
    paused(async {
        let (world, id) = unanswered("remote_wins").await;
        write_back(&world, id);
        // A plan makes rows whole, and looks after nothing.
        world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"), "nobody took it back");
        settled(&world).await;
    });
}

#[test]
fn p4_a_row_that_is_replaced_while_its_edit_is_on_its_way_clears_nothing() {
    for step in ["push.intended", "push.answered"] {
        paused(async {
            let world = world_with("").await;
            let id = ids(&world, "contacts")[3];
            let before = others(&world, id);
            sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
            let mirror = world.mirror();
            world.at_each(step, move || {
                let person = rusqlite::Connection::open(&mirror).unwrap();
                let once = "INSERT OR REPLACE INTO contacts (id, _uid, job_title) SELECT id, 'again', 'Captain' FROM
                            contacts WHERE city = 'Mine' AND _uid <> 'again'";
                person.execute(once, []).unwrap();
            });
            world.run_well(Command::Push).await.unwrap();
            world.run_well(Command::Push).await.unwrap();
            settled(&world).await;
            assert_eq!(others(&world, id), before, "{step}");
            assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"), "{step}");
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"), "{step}");
        });
    }
}

#[test]
fn p9_a_row_that_comes_back_before_a_lost_answer_is_looked_after_does_not_undo_what_was_sent() {
    let whole = |id: u64| {
        format!(
            "CREATE TEMP TABLE frame AS SELECT * FROM contacts WHERE id <> '{id}'; DROP TABLE contacts;
                 CREATE TABLE contacts AS SELECT * FROM frame"
        )
    };
    for way in [|id: u64| format!("DELETE FROM contacts WHERE id = '{id}'"), whole] {
        paused(async {
            let (world, id) = unanswered("remote_wins").await;
            world.person().execute_batch(&way(id)).unwrap();
            world.decide(async |engine, mappings| engine.repair(mappings).await).await.unwrap();
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!((writes(&world), remote(&world, id, "city").as_deref()), (0, Some("Mine")));
            settled(&world).await;
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
        });
    }
}

/// A run whose update was carried out and never answered, and whose sweep then reads what somebody wrote over it.
async fn read_since(policy: &str) -> (World, u64) {
    let mut world = world_with(&format!("conflict: {policy}")).await;
    world.pulling.sweep_every = minutes(1);
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
    // Triggers know no other clock than the machine's: for whoever compares times, this was before what follows.
    sql(&world, "UPDATE sync_touched SET at = '2026-01-01T00:00:00.000Z'");
    after(minutes(5)).await;
    lose_the_answer(&world, "/batch/update");
    let rehearsal = world.rehearsal.clone();
    let mut once = Some(());
    world.at_each("sweep.begun", move || {
        if once.take().is_some() {
            let now = rehearsal.now();
            rehearsal.portal().edit(now, "contacts", id, &[("city", "Theirs")]).unwrap();
        }
    });
    assert_eq!(world.run_well(Command::Sync).await.unwrap().pushed().unknown, 1);
    let read = format!("SELECT count(*) FROM sync_base_contacts WHERE id = '{id}' AND properties LIKE '%Theirs%'");
    assert_eq!(world.count(&read), 1, "the sweep read it");
    (world, id)
}

#[test]
fn p9_what_was_read_after_a_lost_answer_is_nobody_s_edit_when_it_is_looked_after() {
    for policy in POLICIES {
        paused(async {
            let (world, id) = read_since(policy).await;
            after(minutes(5)).await;
            edit(&world, "contacts", id, "city", "Theirs again");
            sql(&world, &format!("UPDATE contacts SET job_title = 'Captain' WHERE id = '{id}'"));
            for _ in 0..2 {
                world.run_well(Command::Sync).await.unwrap();
                after(minutes(5)).await;
            }
            assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"), "{policy}");
            assert_eq!(remote(&world, id, "city").as_deref(), Some("Theirs again"), "{policy}");
            assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs again"), "{policy}");
        });
    }
}
