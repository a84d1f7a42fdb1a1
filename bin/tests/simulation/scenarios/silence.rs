//! What the portal does not take, and does not refuse either.

use super::super::world::{Command, World, paused};
use super::pushes::{remote, settled, sql, world};
use super::{ids, shown};
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
