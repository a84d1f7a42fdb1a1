//! What the portal does not take, and does not refuse either.

use super::super::world::{Command, World, paused};
use super::pushes::{lose_the_answer, remote, settled, sql, world, writes};
use super::{after, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::Faults;

/// A contact whose city we write, to a portal that takes no value and says nothing.
async fn passed_over() -> (World, u64) {
    let world = world().await;
    let id = ids(&world, "contacts")[3];
    sql(&world, &format!("UPDATE contacts SET city = 'Mine' WHERE id = '{id}'"));
    world.rehearsal.portal().set_faults(Faults { refused_silently: 1.0, ..Faults::none() });
    (world, id)
}

#[test]
fn p6_a_value_that_is_passed_over_is_parked_and_stays_in_its_row() {
    paused(async {
        let (world, id) = passed_over().await;
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Mine"));
        let parked =
            format!("SELECT count(*) FROM sync_rejects WHERE record_id = '{id}' AND instr(properties, 'Mine')");
        assert_eq!((world.count(&parked), world.count("SELECT count(*) FROM sync_conflicts")), (1, 0));
        settled(&world).await;
    });
}

#[test]
fn p5_a_value_that_is_passed_over_while_somebody_writes_another_is_kept() {
    paused(async {
        let (world, id) = passed_over().await;
        let rehearsal = world.rehearsal.clone();
        world.at_each("push.before_send", move || {
            let now = rehearsal.now();
            rehearsal.portal().edit(now, "contacts", id, &[("city", "Theirs")]).unwrap();
        });
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(remote(&world, id, "city").as_deref(), Some("Theirs"));
        assert_eq!(shown(&world, "contacts", id, "city").as_deref(), Some("Theirs"));
        let kept = format!(
            "SELECT count(*) FROM sync_conflicts WHERE record_id = '{id}' AND property = 'city' AND local = 'Mine'
             AND remote = 'Theirs' AND kind = 'both_changed' AND chosen = 'remote' AND resolved_at IS NOT NULL"
        );
        assert_eq!(world.count(&kept), 1);
        settled(&world).await;
    });
}

/// Contacts whose stage goes both ways; one of them, `id`, has got as far as `opportunity`.
async fn staged() -> (World, u64) {
    let mut world = World::new(still(12, 4, 0, 0)).mirroring(&["companies"]);
    let contacts = "object: contacts\ntable: contacts\nkey: email\nfields:\n  email: email\n  city: city\n  \
                    lifecyclestage: stage\n";
    world.mappings.push(Mapping::parse("contacts.yaml", contacts).unwrap());
    let id = ids(&world, "contacts")[3];
    edit(&world, "contacts", id, "lifecyclestage", "opportunity");
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    (world, id)
}

#[test]
fn p5_a_stage_that_is_passed_over_is_kept_though_the_answer_is_lost_and_somebody_writes_another() {
    paused(async {
        let (world, id) = staged().await;
        sql(&world, &format!("UPDATE contacts SET city = 'Mine', stage = 'lead' WHERE id = '{id}'"));
        lose_the_answer(&world, "/batch/update");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        let there = ["city", "lifecyclestage"].map(|property| remote(&world, id, property).unwrap());
        assert_eq!(there, ["Mine", "opportunity"], "a stage moves forward only");
        after(minutes(2)).await;
        edit(&world, "contacts", id, "lifecyclestage", "customer");
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(shown(&world, "contacts", id, "stage").as_deref(), Some("customer"));
        let kept = "SELECT count(*) FROM sync_conflicts WHERE property = 'lifecyclestage' AND local = 'lead'
                    AND remote = 'customer' AND chosen = 'remote'";
        assert_eq!(world.count(kept), 1);
        let told = "SELECT group_concat(after) FROM sync_history WHERE side = 'hubspot'";
        assert_eq!(world.person().query_row(told, [], |row| row.get::<_, String>(0)).unwrap(), "Mine");
        settled(&world).await;
    });
}
