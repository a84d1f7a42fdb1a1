//! What was changed in the associations of a record that was merged away goes to the survivor.

use super::super::super::world::{Command, World, paused};
use super::super::{after, ids, minutes};
use super::{add, nothing_pending, settled, sql, there, world_with};

/// Two records are merged into one; its id.
fn merge(world: &World, object: &str, primary: u64, other: u64) -> u64 {
    let now = world.rehearsal.now();
    world.rehearsal.portal().merge(now, object, primary, other).unwrap()
}

#[test]
fn p21_a_pending_association_of_a_merged_record_goes_to_the_survivor_at_either_end() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 931)]).await;
        let (people, firms) = (ids(&world, "contacts"), ids(&world, "companies"));
        add(&world, &people[0].to_string(), &firms[0].to_string(), Some("Decision maker"));
        add(&world, &people[2].to_string(), &firms[2].to_string(), None);
        sql(&world, "DELETE FROM associations WHERE label = 'Billing Contact'");
        let person = merge(&world, "contacts", people[0], people[1]);
        let firm = merge(&world, "companies", firms[2], firms[3]);
        let other = merge(&world, "companies", firms[1], firms[0]);
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(there(&world, (person, other)), ["", "Decision maker"]);
        assert_eq!(there(&world, (people[2], firm)), [""]);
        assert_eq!(there(&world, (people[2], other)), [""], "a label that was taken away is gone from the survivor");
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn p21_a_row_that_names_a_merged_record_means_the_survivor() {
    paused(async {
        let world = world_with("companies: {}", &[]).await;
        let (people, firms) = (ids(&world, "contacts"), ids(&world, "companies"));
        let person = merge(&world, "contacts", people[0], people[1]);
        let firm = merge(&world, "companies", firms[0], firms[1]);
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        add(&world, &people[1].to_string(), &firms[0].to_string(), Some("Billing Contact"));
        let report = world.run_well(Command::Sync).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().refused), (1, 0));
        assert_eq!(there(&world, (person, firm)), ["", "Billing Contact"]);
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn p1_of_two_records_that_are_merged_an_association_that_one_was_given_is_not_lost_to_one_that_the_other_lost() {
    for (given, taken) in [(0, 2), (2, 0)] {
        paused(async {
            let world = world_with("companies: {}", &[(taken, 1, 279)]).await;
            let (people, firm) = (ids(&world, "contacts"), ids(&world, "companies")[1]);
            sql(&world, "DELETE FROM associations");
            add(&world, &people[given].to_string(), &firm.to_string(), None);
            let person = merge(&world, "contacts", people[0], people[2]);
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(there(&world, (person, firm)), [""], "{given} was given it");
            settled(&world).await;
            assert_eq!(there(&world, (person, firm)), [""]);
        });
    }
}
