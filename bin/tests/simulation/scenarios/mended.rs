//! What was refused and has been mended: a value is another one now, or the row is gone. The rest is tried again, and
//! nothing is told of it any longer.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, remote, settled, sql, world, world_with, writes};
use super::{after, edit, ids, links, minutes, still};
use sync_core::Report;

/// Gives a contact edits that the portal refuses without naming a property: the address is another contact's.
async fn refuse_as_a_whole(world: &World) -> u64 {
    let contacts = ids(world, "contacts");
    edit(world, "contacts", contacts[4], "email", "taken@mail.example");
    set(world, contacts[3], "email = 'taken@mail.example', city = 'Nowhere'");
    let report = push(world).await;
    assert_eq!((report.pushed().updated, report.pushed().refused, report.open_rejects), (0, 1, 1));
    assert_eq!(refused(world), ["city email"], "the portal did not say which");
    contacts[3]
}

fn set(world: &World, id: u64, columns: &str) {
    sql(world, &format!("UPDATE contacts SET {columns} WHERE id = '{id}'"));
}

async fn push(world: &World) -> Report {
    world.run_well(Command::Push).await.unwrap()
}

/// The properties of each reject.
fn refused(world: &World) -> Vec<String> {
    let person = world.person();
    let sql = "SELECT (SELECT group_concat(key, ' ') FROM (SELECT key FROM json_each(properties) ORDER BY key))
               FROM sync_rejects ORDER BY id";
    let mut statement = person.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// Nothing is sent, as nothing has changed since it was refused.
async fn nothing_is_sent(world: &World, rejects: u64) {
    for _ in 0..2 {
        writes(world);
        let report = push(world).await;
        assert_eq!((writes(world), report.pushed().refused, report.open_rejects), (0, 0, rejects));
    }
}

#[test]
fn p14_what_was_refused_as_a_whole_is_tried_again_once_one_of_its_values_is_mended() {
    paused(async {
        let world = world().await;
        let id = refuse_as_a_whole(&world).await;
        nothing_is_sent(&world, 1).await;
        set(&world, id, "email = 'mine@mail.example'");
        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        let [change] = survey["contacts"].changes.as_slice() else { panic!("{:?}", survey["contacts"].changes) };
        let fields: Vec<&str> = change.fields.iter().map(|field| field.property.as_str()).collect();
        assert_eq!(fields, ["email", "city"], "a plan says it before");
        let report = push(&world).await;
        assert_eq!((report.pushed().updated, report.open_rejects), (1, 0));
        let there = ["email", "city"].map(|property| remote(&world, id, property).unwrap());
        assert_eq!(there, ["mine@mail.example", "Nowhere"]);
        settled(&world).await;
    });
}

#[test]
fn p14_what_was_refused_as_a_whole_is_tried_without_a_value_that_was_put_back() {
    paused(async {
        // Another edit of the row waits: it is not as both sides agreed once the rest is sent.
        let world = world_with("conflict: hold").await;
        let id = ids(&world, "contacts")[3];
        let before = remote(&world, id, "email");
        edit(&world, "contacts", id, "jobtitle", "Theirs");
        set(&world, id, "job_title = 'Mine'");
        assert_eq!(refuse_as_a_whole(&world).await, id);
        let back = "UPDATE contacts SET email = ?2 WHERE id = ?1";
        assert_eq!(world.person().execute(back, (id.to_string(), &before)).unwrap(), 1);
        let report = push(&world).await;
        assert_eq!((report.pushed().updated, report.open_rejects, report.open_conflicts), (1, 0, 1));
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Nowhere"));
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Theirs"));
    });
}

#[test]
fn p14_an_edit_beside_what_was_refused_as_a_whole_is_sent_alone() {
    paused(async {
        let world = world().await;
        let id = refuse_as_a_whole(&world).await;
        set(&world, id, "job_title = 'Captain'");
        let report = push(&world).await;
        assert_eq!((report.pushed().updated, report.pushed().waiting, report.open_rejects), (1, 1, 1));
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Captain"));
        assert_ne!(remote(&world, id, "city").as_deref(), Some("Nowhere"));
        nothing_is_sent(&world, 1).await;
    });
}

#[test]
fn p14_what_is_refused_again_after_it_was_mended_is_one_reject_that_tells_the_new_reason() {
    paused(async {
        let world = world().await;
        let id = refuse_as_a_whole(&world).await;
        edit(&world, "contacts", ids(&world, "contacts")[5], "email", "taken-too@mail.example");
        set(&world, id, "email = 'taken-too@mail.example'");
        assert_eq!(push(&world).await.open_rejects, 1);
        assert_eq!(world.count("SELECT attempts FROM sync_rejects"), 2);
        nothing_is_sent(&world, 1).await;

        set(&world, id, "email = 'taken@mail.example', job_title = 'Captain'");
        assert_eq!(push(&world).await.open_rejects, 1);
        assert_eq!(refused(&world), ["city email jobtitle"]);
        nothing_is_sent(&world, 1).await;

        // Now the portal says which it is, and the others need not wait for it.
        set(&world, id, "email = 'no address'");
        for updated in [0, 1] {
            let report = push(&world).await;
            assert_eq!((report.pushed().updated, report.open_rejects), (updated, 1));
            assert_eq!(refused(&world), ["email"]);
        }
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Nowhere"));
        nothing_is_sent(&world, 1).await;
        set(&world, id, "email = 'mine@mail.example'");
        assert_eq!(push(&world).await.open_rejects, 0);
        settled(&world).await;
    });
}

#[test]
fn p14_what_was_refused_of_a_new_row_goes_with_the_row() {
    for planned in [false, true] {
        paused(async {
            let world = world().await;
            sql(
                &world,
                "INSERT INTO companies (_uid) VALUES ('empty');
                 INSERT INTO contacts (_uid, email) VALUES ('ada', 'no address'), ('bea', 'none either');",
            );
            assert_eq!(push(&world).await.open_rejects, 3);
            sql(&world, "DELETE FROM companies WHERE state = 'local'; DELETE FROM contacts WHERE _uid = 'ada'");
            if planned {
                world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
            } else {
                push(&world).await;
            }
            assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1, "{planned}");
            assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE uid = 'bea'"), 1, "{planned}");
            nothing_is_sent(&world, 1).await;
            sql(&world, "DELETE FROM contacts WHERE state = 'local'");
            assert_eq!(push(&world).await.open_rejects, 0, "{planned}");
            settled(&world).await;
        });
    }
}

#[test]
fn p14_what_was_refused_of_a_new_row_goes_by_the_next_full_look_if_nothing_noted_that_the_row_is_gone() {
    paused(async {
        let world = world().await;
        sql(&world, "INSERT INTO companies (_uid) VALUES ('empty')");
        assert_eq!(push(&world).await.open_rejects, 1);
        sql(&world, "DELETE FROM companies WHERE state = 'local'; DELETE FROM sync_touched");
        after(minutes(26 * 60)).await;
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 0);
        settled(&world).await;
    });
}

#[test]
fn p10_a_new_row_that_may_have_been_made_and_is_deleted_is_told_no_longer() {
    paused(async {
        let world = World::new(still(0, 4, 0, 0)).mirroring(&["companies"]);
        world.pull_well().await.unwrap();
        after(minutes(5)).await;
        sql(&world, "INSERT INTO companies (_uid, name, city) VALUES ('ours', 'Ours', 'Oslo')");
        lose_the_answer(&world, "/batch/create");
        push(&world).await;
        let now = world.rehearsal.now();
        world.rehearsal.portal().create(now, "companies", &[("name", "Ours"), ("city", "Oslo")]).unwrap();
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 1);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE category = 'AMBIGUOUS'"), 1);
        sql(&world, "DELETE FROM companies WHERE state = 'local'");
        after(minutes(5)).await;
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 0);
        settled(&world).await;
        assert_eq!(ids(&world, "companies").len(), 6, "neither is archived, and none is made");
    });
}

#[test]
fn p12_what_was_refused_of_a_deleted_row_is_told_while_its_last_outcome_is_unknown() {
    paused(async {
        let world = world().await;
        sql(
            &world,
            "INSERT INTO contacts (_uid, email) VALUES ('ada', 'no address');
             INSERT INTO contacts (_uid, email) VALUES ('bea', 'none either');",
        );
        assert_eq!(push(&world).await.open_rejects, 2);
        sql(&world, "UPDATE contacts SET email = 'ada@mail.example' WHERE _uid = 'ada'");
        lose_the_answer(&world, "/batch/create");
        assert_eq!(push(&world).await.pushed().unknown, 1);
        sql(&world, "DELETE FROM contacts WHERE state = 'local'");
        world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        let left = "SELECT count(*) FROM sync_rejects WHERE uid = 'ada'";
        assert_eq!((world.count(left), world.count("SELECT count(*) FROM sync_rejects")), (1, 1));
        after(minutes(5)).await;
        assert_eq!(world.run_well(Command::Sync).await.unwrap().open_rejects, 0, "it was made");
        settled(&world).await;
        assert_eq!(ids(&world, "contacts").len(), 13);
    });
}

#[test]
fn p14_an_association_of_a_new_row_that_was_deleted_is_a_reject_until_it_is_deleted_too() {
    for (new, end) in [
        ("INSERT INTO companies (_uid) VALUES ('ours')", "to_id"),
        ("INSERT INTO contacts (_uid, email) VALUES ('ours', 'no address')", "from_id"),
    ] {
        paused(async {
            let world = links::world_with("companies: {}", &[]).await;
            sql(&world, new);
            let contact = ids(&world, "contacts")[2].to_string();
            // No company has the id 12: that row is a reject from the beginning.
            let (from, to) = if end == "to_id" { (contact.as_str(), "ours") } else { ("ours", "12") };
            links::add(&world, from, to, None);
            push(&world).await;
            sql(&world, "DELETE FROM companies WHERE state = 'local'; DELETE FROM contacts WHERE state = 'local'");
            for _ in 0..2 {
                assert_eq!(push(&world).await.open_rejects, 1, "{end}");
                let told = "SELECT count(*) FROM sync_rejects WHERE operation = 'associate'";
                assert_eq!(world.count(told), 1, "{end}: the row that cannot be associated is still there");
            }
            sql(&world, &format!("DELETE FROM associations WHERE {end} = 'ours'"));
            assert_eq!(push(&world).await.open_rejects, 0, "{end}");
            assert_eq!(world.count("SELECT count(*) FROM sync_touched"), 0, "{end}");
        });
    }
}
