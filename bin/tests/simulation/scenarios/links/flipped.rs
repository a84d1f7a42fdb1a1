//! A mapping that names a pair from the other side stores it in the other direction. What waits is not lost by that.

use super::super::super::world::{Command, World, paused};
use super::super::{after, ids, minutes};
use super::{add, lose_the_answer, mappings_between, nothing_pending, settled, sql, there, world_between, writes};

const OF_COMPANIES: &str = "associations:\n  contacts: {}\n";

/// The pair of the n-th contact and the n-th company.
fn pair(world: &World, n: usize) -> (u64, u64) {
    (ids(world, "contacts")[n], ids(world, "companies")[n])
}

fn add_pair(world: &World, n: usize, label: Option<&str>) {
    let (contact, company) = pair(world, n);
    add(world, &contact.to_string(), &company.to_string(), label);
}

#[test]
fn p1_what_waits_about_a_pair_outlives_a_mapping_that_names_it_from_the_other_side() {
    for (before, since) in [("", OF_COMPANIES), (OF_COMPANIES, "")] {
        paused(async {
            let mut world = world_between(before, "companies: {}", &[(1, 1, 931), (2, 2, 931), (3, 3, 279)]).await;
            // One write is carried out and never answered, one pair is given, one label and one pair are taken away.
            add_pair(&world, 3, Some("Decision maker"));
            lose_the_answer(&world, "/batch/create");
            let report = world.run(Command::Push, None).await.unwrap();
            assert_eq!(report.pushed().unknown, 1);
            add_pair(&world, 0, None);
            let [labelled, apart] = [1, 2].map(|n| pair(&world, n));
            sql(
                &world,
                &format!(
                    "DELETE FROM associations WHERE label = 'Billing Contact' AND '{}' IN (from_id, to_id);
                     DELETE FROM associations WHERE '{}' IN (from_id, to_id)",
                    labelled.0, apart.0
                ),
            );
            world.mappings = mappings_between(since, "companies: {}");
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            let held = [0, 1, 2, 3].map(|n| there(&world, pair(&world, n)));
            assert_eq!(held, [vec![""], vec![""], vec![], vec!["", "Decision maker"]]);
            let from = if since.is_empty() { "contacts" } else { "companies" };
            let other = format!("SELECT count(*) FROM associations WHERE from_object <> '{from}'");
            assert_eq!(world.count(&other), 0, "no row is left in the old direction");
            settled(&world).await;
            nothing_pending(&world);
            assert_eq!(writes(&world), 0);
            // And back again: what had been walked before is walked once more, without waiting for a sweep.
            let rows = world.count("SELECT count(*) FROM associations");
            world.mappings = mappings_between(before, "companies: {}");
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!((world.count("SELECT count(*) FROM associations"), world.count(&other)), (rows, rows));
        });
    }
}

#[test]
fn p9_a_write_of_a_pair_that_no_mapping_names_any_more_holds_nothing_up() {
    paused(async {
        let mut world = world_between("", "companies: {}", &[]).await;
        add_pair(&world, 1, Some("Decision maker"));
        lose_the_answer(&world, "/batch/create");
        world.run(Command::Push, None).await.unwrap();
        world.mappings = mappings_between("", "deals: {}");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM sync_journal_links WHERE settled_at IS NULL"), 0);
    });
}
