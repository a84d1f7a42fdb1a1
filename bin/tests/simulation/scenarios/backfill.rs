use super::super::world::{World, paused};
use super::{after, agree, minutes, still};
use simulator::Settings;
use std::time::Duration;

/// How far the walk over the contacts' list has come: everything below this id is behind it.
fn walked(world: &World) -> u64 {
    let position = world.person().query_row(
        "SELECT CASE done WHEN 1 THEN '999999999999' ELSE position END FROM sync_cursors
         WHERE object = 'contacts' AND phase = 'backfill'",
        [],
        |row| row.get::<_, String>(0),
    );
    position.unwrap().parse().unwrap()
}

#[test]
fn p16_what_is_created_behind_a_backfill_is_found_by_the_same_pull() {
    paused(async {
        let settings = Settings { latency: Duration::from_millis(200), ..still(1_500, 5, 0, 0) };
        let world = World::new(settings).mirroring(&["contacts", "companies"]);
        let people = async {
            after(Duration::from_millis(4_000)).await;
            let mut behind = 0;
            for n in 0..40 {
                let (now, email) = (world.rehearsal.now(), format!("new{n}@mail.example"));
                let id = world.rehearsal.portal().create(now, "contacts", &[("email", email)]).unwrap();
                behind += u32::from(id < walked(&world));
                after(Duration::from_millis(50)).await;
            }
            behind
        };
        let (pulled, behind) = tokio::join!(world.pull_well(), people);
        assert!(pulled.unwrap().objects["contacts"].backfilled);
        assert!(behind >= 10, "only {behind} were created behind the walk");
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE email LIKE 'new%@mail.example'"), 40);
        agree(&world);
    });
}

#[test]
fn p16_what_is_archived_or_edited_during_a_backfill_is_right_when_the_next_pull_is_done() {
    paused(async {
        let settings = Settings { latency: Duration::from_millis(200), ..still(1_000, 5, 0, 0) };
        let world = World::new(settings).mirroring(&["contacts", "companies"]);
        let ids = super::ids(&world, "contacts");
        let people = async {
            after(Duration::from_millis(2_500)).await;
            for (first, last) in ids.iter().zip(ids.iter().rev()).take(20) {
                for id in [first, last] {
                    super::edit(&world, "contacts", *id, "city", "Elsewhere");
                }
                after(Duration::from_millis(50)).await;
            }
            for id in ids.iter().skip(5).step_by(90) {
                world.rehearsal.portal().archive(world.rehearsal.now(), "contacts", *id).unwrap();
                after(Duration::from_millis(50)).await;
            }
        };
        let (pulled, ()) = tokio::join!(world.pull_well(), people);
        pulled.unwrap();
        after(minutes(65)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}
