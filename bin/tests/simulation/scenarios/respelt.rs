//! What the portal stores in another spelling than it was sent, and whose answer was lost: it is known again, and
//! neither sent nor made twice. New rows that only their values tell are looked for together.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, settled, sql, writes};
use super::{after, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::{FaultKind, NewProperty, When};

/// An address as a person writes it; the portal stores the bare domain.
const WRITTEN: &str = "https://www.Acme.example/";
const STORED: &str = "acme.example";

/// Companies with their domains; with more lines in their mapping.
async fn world(more: &str) -> World {
    let mut world = World::new(still(0, 4, 0, 0)).mirroring(&[]);
    let now = world.rehearsal.now();
    world.rehearsal.portal().add_property(now, "companies", &NewProperty::unique("crmsync_uid")).unwrap();
    let text = format!(
        "object: companies\ntable: companies\nunmapped: ignore\n{more}\nfields:\n  name: name\n  domain: domain\n  \
         city: city\n"
    );
    world.mappings.push(Mapping::parse("companies.yaml", &text).unwrap());
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

fn remote(world: &World, id: u64, property: &str) -> Option<String> {
    world.rehearsal.portal().record("companies", id).unwrap().text(property)
}

/// The record of this name.
fn named(world: &World, name: &str) -> u64 {
    let portal = world.rehearsal.portal();
    portal.records("companies").find(|record| record.text("name").as_deref() == Some(name)).unwrap().id
}

/// Pushes while answers are lost.
async fn push_unanswered(world: &World, path: &str, unknown: u64) {
    lose_the_answer(world, path);
    assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, unknown);
}

#[test]
fn p9_an_edit_of_a_record_that_was_made_in_another_spelling_survives_a_lost_answer() {
    paused(async {
        let world = world("unique: crmsync_uid\nconflict: local_wins").await;
        sql(
            &world,
            &format!("INSERT INTO companies (_uid, name, domain, city) VALUES ('ours', ' Ours ', '{WRITTEN}', 'Mine')"),
        );
        push_unanswered(&world, "/batch/upsert", 1).await;
        let made = named(&world, "Ours");
        assert_eq!(remote(&world, made, "domain").as_deref(), Some(STORED));
        after(minutes(2)).await;
        edit(&world, "companies", made, "city", "Theirs");
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((writes(&world), world.count("SELECT count(*) FROM sync_conflicts")), (0, 0));
        assert_eq!(remote(&world, made, "city").as_deref(), Some("Theirs"));
        assert_eq!(shown(&world, "companies", made, "city").as_deref(), Some("Theirs"));
        assert_eq!(shown(&world, "companies", made, "domain").as_deref(), Some(STORED), "the row follows");
        assert_eq!(ids(&world, "companies").len(), 5);
        settled(&world).await;
    });
}

#[test]
fn p10_a_row_without_a_key_is_found_by_values_in_another_spelling_and_not_by_like_ones() {
    paused(async {
        let world = world("").await;
        sql(
            &world,
            &format!("INSERT INTO companies (_uid, name, domain, city) VALUES ('ours', 'Ours', '{WRITTEN}', 'Oslo')"),
        );
        push_unanswered(&world, "/batch/create", 1).await;
        let (made, now) = (named(&world, "Ours"), world.rehearsal.now());
        let like = [("name", "Ours 2"), ("domain", STORED), ("city", "Oslo")];
        world.rehearsal.portal().create(now, "companies", &like).unwrap();
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(ids(&world, "companies").len(), 6, "it is not made again");
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        let ours =
            format!("SELECT count(*) FROM companies WHERE _uid = 'ours' AND id = '{made}' AND domain = '{STORED}'");
        assert_eq!(world.count(&ours), 1);
        settled(&world).await;
    });
}

/// An update of one field, which the portal carried out in its own spelling and never answered.
async fn unanswered(policy: &str) -> (World, u64) {
    let world = world(&format!("conflict: {policy}")).await;
    let id = ids(&world, "companies")[1];
    sql(&world, &format!("UPDATE companies SET domain = '{WRITTEN}' WHERE id = '{id}'"));
    push_unanswered(&world, "/batch/update", 1).await;
    assert_eq!(remote(&world, id, "domain").as_deref(), Some(STORED), "it was carried out");
    after(minutes(2)).await;
    (world, id)
}

#[test]
fn p9_an_edit_of_a_value_that_was_stored_in_another_spelling_survives_a_lost_answer_under_every_policy() {
    for policy in ["remote_wins", "local_wins", "newest", "hold"] {
        paused(async {
            let (world, id) = unanswered(policy).await;
            edit(&world, "companies", id, "domain", "theirs.example");
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(writes(&world), 0, "{policy}: nothing was sent again");
            assert_eq!(remote(&world, id, "domain").as_deref(), Some("theirs.example"), "{policy}");
            assert_eq!(shown(&world, "companies", id, "domain").as_deref(), Some("theirs.example"), "{policy}");
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "{policy}");
            let told = format!("SELECT count(*) FROM sync_history WHERE side = 'hubspot' AND after = '{STORED}'");
            assert_eq!(world.count(&told), 1, "{policy}: it is known what was written, as the portal spelt it");
            settled(&world).await;
        });
    }
}

#[test]
fn p9_a_value_that_was_stored_in_another_spelling_is_not_sent_again_after_a_lost_answer() {
    for policy in ["remote_wins", "local_wins"] {
        paused(async {
            let (world, id) = unanswered(policy).await;
            writes(&world);
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(writes(&world), 0, "{policy}");
            assert_eq!(shown(&world, "companies", id, "domain").as_deref(), Some(STORED), "{policy}: the row follows");
            assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0, "{policy}");
            settled(&world).await;
        });
    }
}

#[test]
fn p9_an_edit_of_the_spelling_alone_that_was_not_carried_out_is_sent_again() {
    paused(async {
        let world = world("").await;
        let id = ids(&world, "companies")[1];
        // Nothing is newer in the record than the name in its old spelling.
        edit(&world, "companies", id, "name", "Acme");
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        sql(&world, &format!("UPDATE companies SET name = 'ACME' WHERE id = '{id}'"));
        world.rehearsal.portal().inject(FaultKind::TimeoutBefore, When::path("/batch/update").times(1));
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        assert_eq!(remote(&world, id, "name").as_deref(), Some("Acme"), "it was not carried out");
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "name").as_deref(), Some("ACME"));
        assert_eq!(shown(&world, "companies", id, "name").as_deref(), Some("ACME"));
        settled(&world).await;
    });
}

#[test]
fn p10_rows_without_a_key_are_looked_for_in_one_walk_whatever_others_made_beside_them() {
    // Three batches of a hundred hold all new records. To find by its history what somebody edited since, they are read
    // once more with six batches of fifty histories, and one tells of the record that was found.
    for (edited, most) in [(false, 3), (true, 3 + 3 + 6 + 1)] {
        paused(async {
            let world = world("").await;
            let three = "('a', 'First', 'Oslo'), ('b', 'Second', 'Oslo'), ('c', 'Third', 'Oslo')";
            sql(&world, &format!("INSERT INTO companies (_uid, name, city) VALUES {three}"));
            push_unanswered(&world, "/batch/create", 3).await;
            let now = world.rehearsal.now();
            for n in 0..250 {
                let other = [("name", format!("Other {n}")), ("city", "Oslo".to_owned())];
                world.rehearsal.portal().create(now, "companies", &other).unwrap();
            }
            after(minutes(2)).await;
            let third = named(&world, "Third");
            if edited {
                edit(&world, "companies", third, "city", "Bergen");
            }
            world.calls();
            assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 0);
            let calls = world.calls();
            assert_eq!(calls.searches("companies").len(), 2, "one walk, two pages long");
            let reads = calls.batch_reads("companies");
            assert!(reads <= most, "{reads} reads, at most {most} are needed; edited: {edited}");
            assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL"), 0);
            let ours = format!("SELECT count(*) FROM companies WHERE _uid = 'c' AND id = '{third}'");
            assert_eq!((world.count(&ours), ids(&world, "companies").len()), (1, 257));
            settled(&world).await;
        });
    }
}
