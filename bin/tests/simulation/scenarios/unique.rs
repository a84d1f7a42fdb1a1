//! Objects with a property of unique values, which holds the key of the row that made a record: creates that may be
//! repeated.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, settled, sql};
use super::{after, agree, ids, minutes, still};
use mappings::Mapping;
use simulator::NewProperty;

/// Companies whose rows can be told at the remote.
async fn world() -> World {
    world_with("").await
}

/// The same, with one more line in their mapping.
pub(super) async fn world_with(more: &str) -> World {
    let mut world = World::new(still(0, 4, 0, 0)).mirroring(&[]);
    let now = world.rehearsal.now();
    world.rehearsal.portal().add_property(now, "companies", &NewProperty::unique("crmsync_uid")).unwrap();
    let text = format!(
        "object: companies\ntable: companies\nunique: crmsync_uid\nunmapped: ignore\n{more}\nfields:\n  name: name\n  \
         city: city\n"
    );
    world.mappings.push(Mapping::parse("companies.yaml", &text).unwrap());
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

#[test]
fn p8_a_row_with_a_key_of_its_own_is_made_once_whatever_becomes_of_the_answer() {
    for lost in [false, true] {
        paused(async {
            let world = world().await;
            sql(&world, "INSERT INTO companies (_uid, name) VALUES ('ours', 'Ours')");
            if lost {
                lose_the_answer(&world, "/batch/upsert");
            }
            let pushed = world.run_well(Command::Push).await.unwrap().objects["companies"].pushed;
            assert_eq!((pushed.created, pushed.unknown), if lost { (0, 1) } else { (1, 0) });
            after(minutes(2)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(ids(&world, "companies").len(), 5);
            let named =
                world.rehearsal.portal().records("companies").filter(|r| r.text("crmsync_uid").is_some()).count();
            assert_eq!(named, 1, "the record carries the row's key");
            let made = "SELECT count(*) FROM sync_history WHERE property = '(id)' AND side = 'hubspot'";
            assert_eq!(world.count(made), 1);
            settled(&world).await;
        });
    }
}

#[test]
fn a_row_whose_key_a_record_carries_already_becomes_its_row_and_nobody_made_it() {
    paused(async {
        let world = world().await;
        let now = world.rehearsal.now();
        let there = [("crmsync_uid", "theirs"), ("name", "Theirs"), ("city", "Oslo")];
        world.rehearsal.portal().create(now, "companies", &there).unwrap();
        sql(&world, "INSERT INTO companies (_uid, name) VALUES ('theirs', 'Theirs')");
        let pushed = world.run_well(Command::Push).await.unwrap().objects["companies"].pushed;
        assert_eq!((pushed.created, pushed.adopted), (0, 1));
        assert_eq!(ids(&world, "companies").len(), 5);
        assert_eq!(world.count("SELECT count(*) FROM companies WHERE _uid = 'theirs' AND city = 'Oslo'"), 1);
        assert_eq!(world.count("SELECT count(*) FROM sync_history WHERE property = '(id)' AND side = 'hubspot'"), 0);
        settled(&world).await;
        agree(&world);
    });
}
