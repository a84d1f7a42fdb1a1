use super::super::oracle::associations_agree;
use super::super::world::{World, paused};
use super::{after, agree, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::{Category, DataSize, Settings};
use sync_core::store::Pair;

/// A portal with some of everything, and a mirror of every object type that has a built-in mapping.
fn everything() -> World {
    let few = still(120, 20, 25, 15);
    let data = DataSize {
        products: 12,
        line_items: 60,
        quotes: 15,
        notes: 40,
        tasks: 35,
        calls: 30,
        meetings: 25,
        emails: 45,
        archived_per_mille: 100,
        ..few.data
    };
    let mut world = World::new(Settings { data, ..few });
    world.mappings = Mapping::built_ins();
    world
}

/// Records, rows and the associations of every pair that the mappings name.
fn all_agree(world: &World) {
    agree(world);
    for pair in Pair::named_by(&world.mappings) {
        associations_agree(world, &pair.from, &pair.to).unwrap();
    }
}

#[test]
fn every_built_in_mapping_fits_the_portal_with_nothing_left_out_and_claims_no_right_to_write_that_there_is_not() {
    paused(async {
        let world = everything();
        world.pull_well().await.unwrap();
        for mapping in &world.mappings {
            let known = world.rehearsal.portal().property_names(&mapping.object);
            let absent: Vec<_> = mapping.fields.iter().filter(|field| !known.contains(&field.property)).collect();
            assert!(absent.is_empty(), "{}: {absent:?}", mapping.object);
            if ["contacts", "companies", "deals", "tickets"].contains(&mapping.object.as_str()) {
                continue;
            }
            for field in &mapping.fields {
                let refused = world.count(&format!(
                    "SELECT calculated OR read_only FROM properties WHERE object = '{}' AND name = '{}'",
                    mapping.object, field.property
                ));
                let pulled = field.direction == mappings::Direction::Pull;
                assert!(refused == 0 || pulled, "{} {} cannot be written", mapping.object, field.property);
            }
        }
    });
}

#[test]
fn twelve_object_types_are_mirrored_and_stay_in_step() {
    paused(async {
        let world = everything();
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM sync_status WHERE backfilled"), 12);
        all_agree(&world);
        after(minutes(10)).await;
        let (contact, deal) = (ids(&world, "contacts")[3], ids(&world, "deals")[3]);
        let now = world.rehearsal.now();
        let (note, task) = {
            let mut portal = world.rehearsal.portal();
            let note = portal.create(now, "notes", &[("hs_note_body", "<p>New</p>")]).unwrap();
            let task = portal.create(now, "tasks", &[("hs_task_subject", "Call back")]).unwrap();
            portal.associate(now, "notes", note, "contacts", contact, Category::HubspotDefined, 202).unwrap();
            portal.associate(now, "tasks", task, "deals", deal, Category::HubspotDefined, 216).unwrap();
            (note, task)
        };
        let (item, quote) = (ids(&world, "line_items")[7], ids(&world, "quotes")[2]);
        edit(&world, "line_items", item, "quantity", "12.50");
        edit(&world, "quotes", quote, "hs_status", "APPROVED");
        edit(&world, "calls", ids(&world, "calls")[0], "hs_call_duration", "61000");
        let meeting = ids(&world, "meetings")[4];
        world.rehearsal.portal().archive(world.rehearsal.now(), "meetings", meeting).unwrap();
        // The archived list is walked on its own clock.
        after(minutes(70)).await;
        world.pull_well().await.unwrap();
        all_agree(&world);
        assert_eq!(shown(&world, "line_items", item, "quantity").as_deref(), Some("12.5"));
        assert_eq!(shown(&world, "tasks", task, "subject").as_deref(), Some("Call back"));
        assert_eq!(shown(&world, "meetings", meeting, "state").as_deref(), Some("archived"));
        let seen = |sql: String| assert_eq!(world.count(&sql), 1, "{sql}");
        seen(format!("SELECT count(*) FROM notes_contacts WHERE note_id = '{note}' AND contact_id = '{contact}'"));
        seen(format!("SELECT count(*) FROM deals_tasks WHERE task_id = '{task}' AND deal_id = '{deal}'"));
    });
}

#[test]
fn p6_a_second_run_over_twelve_object_types_changes_no_row() {
    paused(async {
        let world = everything();
        world.pull_well().await.unwrap();
        after(minutes(65)).await;
        world.pull_well().await.unwrap();
        let before = world.contents();
        after(minutes(5)).await;
        let report = world.pull_well().await.unwrap();
        assert_eq!((report.totals().inserted, report.totals().changed), (0, 0));
        assert_eq!(world.contents(), before);
    });
}
