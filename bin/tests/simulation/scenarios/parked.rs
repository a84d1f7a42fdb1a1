//! Edits of records that are archived, missing or merged into nothing: the record stays as it is, and the edit waits as a
//! conflict until a person decides or the record is back.

use super::super::world::{Command, World, paused};
use super::pushes::{contacts, remote, settled, sql, world, world_with, writes};
use super::{after, edit, ids, minutes, shown, still};
use sync_core::store::Take;

/// A contact that was edited here and archived there, and a mirror that has seen both.
async fn parked() -> (World, u64) {
    let world = world().await;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine', job_title = 'Captain' WHERE id = '{id}'"));
    let now = world.rehearsal.now();
    world.rehearsal.portal().archive(now, "contacts", id).unwrap();
    after(minutes(90)).await;
    let report = world.run_well(Command::Sync).await.unwrap();
    assert_eq!((report.open_conflicts, report.pushed().waiting), (2, 0));
    (world, id)
}

fn open(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM sync_conflicts WHERE kind = 'edit_vs_archive' AND chosen = 'held'
               AND resolved_at IS NULL";
    world.count(sql)
}

fn pending(world: &World) -> i64 {
    world.count("SELECT pending FROM sync_status WHERE object = 'contacts'")
}

async fn resolve(world: &World, conflict: i64, take: Take) -> Result<(), String> {
    let decided =
        world.decide(async |engine, mappings| engine.resolve(mappings, "contacts", conflict, take).await).await;
    decided.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn p5_an_edit_of_an_archived_record_is_a_conflict_and_nothing_is_pending() {
    paused(async {
        let (world, id) = parked().await;
        let row = format!(
            "SELECT count(*) FROM sync_conflicts WHERE record_id = '{id}' AND property = 'city' AND local = 'Mine' AND
             base IS remote AND remote_at = (SELECT archived_at FROM contacts WHERE id = '{id}')"
        );
        assert_eq!((open(&world), world.count(&row), pending(&world)), (2, 1, 0));
        assert_eq!(shown(&world, "contacts", id, "city || state").as_deref(), Some("Minearchived"));
        settled(&world).await;
        // Nor does the daily look at every row make anything of it, and `verify` finds no difference.
        after(minutes(26 * 60)).await;
        settled(&world).await;
        assert_eq!((open(&world), pending(&world)), (2, 0));
        let now = sync_core::model::Timestamp::from_millis(world.rehearsal.now());
        let objects = ["contacts".to_owned()];
        let verified = world.decide(async |engine, mappings| engine.verify(now, mappings, &objects).await).await;
        assert!(verified.unwrap()["contacts"].as_ref().unwrap().differences.is_empty());
        assert!(world.rehearsal.portal().record("contacts", id).unwrap().archived_at.is_some());
    });
}

#[test]
fn p5_an_edit_of_an_archived_record_is_free_again_when_the_record_is_restored() {
    paused(async {
        let (world, id) = parked().await;
        let now = world.rehearsal.now();
        world.rehearsal.portal().restore(now, "contacts", id).unwrap();
        edit(&world, "contacts", id, "jobtitle", "Mate");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Mine"));
        assert_eq!(remote(&world, id, "jobtitle").as_deref(), Some("Mate"), "what both changed is the policy's");
        let decided = "SELECT count(*) FROM sync_conflicts WHERE kind = 'both_changed' AND local = 'Captain'";
        assert_eq!((open(&world), world.count(decided)), (0, 1));
        settled(&world).await;
    });
}

#[test]
fn p5_a_person_takes_back_an_edit_of_an_archived_record() {
    paused(async {
        let (world, id) = parked().await;
        let refused = resolve(&world, 1, Take::Local).await.unwrap_err();
        assert!(refused.contains("archived") && refused.contains("restore"), "{refused}");
        resolve(&world, 1, Take::Remote).await.unwrap();
        // The other one by hand.
        let before = remote(&world, id, "jobtitle");
        let person = world.person();
        person.execute("UPDATE contacts SET job_title = ?2 WHERE id = ?1", (id.to_string(), before)).unwrap();
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((open(&world), pending(&world)), (0, 0));
        assert_eq!(writes(&world), 0);
        settled(&world).await;
    });
}

#[test]
fn p5_a_row_that_is_edited_after_its_record_was_archived_is_parked_with_its_latest_value() {
    paused(async {
        let (world, id) = parked().await;
        for city in ["Oslo", "Rome"] {
            sql(&world, &format!("UPDATE contacts SET city = '{city}' WHERE id = '{id}'"));
            world.run_well(Command::Push).await.unwrap();
            let kept = format!("SELECT count(*) FROM sync_conflicts WHERE property = 'city' AND local = '{city}'");
            assert_eq!((world.count(&kept), open(&world), pending(&world)), (1, 2, 0));
        }
        settled(&world).await;
    });
}

#[test]
fn p5_edits_of_records_that_are_missing_or_merged_into_an_archived_one_are_parked() {
    paused(async {
        let mut world = World::new(still(12, 0, 0, 0)).mirroring(&[]);
        world.mappings.push(contacts(""));
        world.pull_well().await.unwrap();
        after(minutes(5)).await;
        let ids = ids(&world, "contacts");
        let (gone, loser, winner) = (ids[3], ids[4], ids[5]);
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id IN ('{gone}', '{loser}')"));
        let now = world.rehearsal.now();
        world.rehearsal.portal().purge(now, "contacts", gone).unwrap();
        let survivor = world.rehearsal.portal().merge(now, "contacts", winner, loser).unwrap();
        world.rehearsal.portal().archive(now, "contacts", survivor).unwrap();
        world.pulling.allow_vanished = Some(10);
        for _ in 0..3 {
            after(minutes(26 * 60)).await;
            world.run_well(Command::Sync).await.unwrap();
        }
        assert_eq!(shown(&world, "contacts", gone, "city || state").as_deref(), Some("Minemissing"));
        assert_eq!(shown(&world, "contacts", loser, "city || state").as_deref(), Some("Minemerged"));
        assert_eq!((open(&world), pending(&world)), (2, 0));
        settled(&world).await;
        // The survivor comes back, and the edit of the one that went into it with it.
        let now = world.rehearsal.now();
        world.rehearsal.portal().restore(now, "contacts", survivor).unwrap();
        after(minutes(26 * 60)).await;
        for _ in 0..2 {
            world.run_well(Command::Sync).await.unwrap();
        }
        assert_eq!(open(&world), 1, "only the missing one is left");
        let went = world.rehearsal.portal().record("contacts", survivor).unwrap().text("city");
        let kept = "SELECT count(*) FROM sync_conflicts WHERE local = 'Mine' AND kind = 'both_changed'";
        assert!(went.as_deref() == Some("Mine") || world.count(kept) == 1);
        settled(&world).await;
    });
}

#[test]
fn p21_an_edit_of_a_record_that_was_merged_away_is_in_the_first_plan_and_push_as_its_survivors() {
    paused(async {
        let world = world_with("conflict: local_wins").await;
        let (loser, winner) = (ids(&world, "contacts")[4], ids(&world, "contacts")[3]);
        let now = world.rehearsal.now();
        let survivor = world.rehearsal.portal().merge(now, "contacts", winner, loser).unwrap();
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(shown(&world, "contacts", loser, "state").as_deref(), Some("merged"));
        // The survivor is a suspect of its own, and stands before the other one.
        sql(
            &world,
            &format!(
                "UPDATE contacts SET job_title = 'Captain' WHERE id = '{survivor}';
                 UPDATE contacts SET city = 'Mine' WHERE id = '{loser}'"
            ),
        );
        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        let [change] = survey["contacts"].changes.as_slice() else { panic!("{:?}", survey["contacts"].changes) };
        let fields: Vec<&str> = change.fields.iter().map(|field| field.property.as_str()).collect();
        assert_eq!((change.id.as_ref().unwrap().as_str(), fields), (&*survivor.to_string(), vec!["city", "jobtitle"]));
        sql(&world, &format!("UPDATE contacts SET last_name = 'Mine' WHERE id = '{loser}'"));
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().updated, 1);
        let there = ["city", "jobtitle", "lastname"].map(|property| remote(&world, survivor, property).unwrap());
        assert_eq!(there, ["Mine", "Captain", "Mine"]);
        settled(&world).await;
    });
}

#[test]
fn p5_a_held_conflict_of_a_record_that_is_merged_away_waits_at_its_survivor() {
    paused(async {
        let world = world_with("conflict: hold").await;
        let (id, other) = (ids(&world, "contacts")[3], ids(&world, "contacts")[4]);
        edit(&world, "contacts", id, "city", "Theirs");
        sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
        world.run_well(Command::Sync).await.unwrap();
        let held = "SELECT count(*) FROM sync_conflicts WHERE property = 'city' AND local = 'Mine' AND chosen = 'held'
                    AND resolved_at IS NULL";
        assert_eq!(world.count(held), 1);
        after(minutes(5)).await;
        let now = world.rehearsal.now();
        let survivor = world.rehearsal.portal().merge(now, "contacts", id, other).unwrap();
        for _ in 0..2 {
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
        }
        assert_eq!(remote(&world, survivor, "city").as_deref(), Some("Theirs"), "nobody has decided");
        assert_eq!(world.count(&format!("{held} AND record_id = '{survivor}'")), 1);
        assert_eq!(shown(&world, "contacts", survivor, "city").as_deref(), Some("Mine"), "it stays while it is held");
        let conflict = world.count("SELECT id FROM sync_conflicts WHERE resolved_at IS NULL");
        resolve(&world, conflict, Take::Local).await.unwrap();
        world.run_well(Command::Sync).await.unwrap();
        settled(&world).await;
        assert_eq!(remote(&world, survivor, "city").as_deref(), Some("Mine"));
    });
}
