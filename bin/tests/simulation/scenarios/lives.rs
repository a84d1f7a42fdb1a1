use super::super::world::{World, paused};
use super::{after, agree, edit, ids, lag, minutes, shown, still};
use simulator::{Category, MergeId, MergedRead, Settings, Switches};

fn state(world: &World, id: u64) -> String {
    shown(world, "contacts", id, "state").unwrap()
}

#[test]
fn p20_archiving_and_restoring_are_seen_in_whatever_order_they_come() {
    paused(async {
        let world = World::new(still(120, 5, 0, 0)).mirroring(&["contacts", "companies"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        let (brief, long) = (contacts[10], contacts[90]);
        // One is archived and restored between two walks over the archived list.
        after(minutes(5)).await;
        for id in [brief, long] {
            world.rehearsal.portal().archive(world.rehearsal.now(), "contacts", id).unwrap();
        }
        after(minutes(5)).await;
        world.rehearsal.portal().restore(world.rehearsal.now(), "contacts", brief).unwrap();
        world.pull_well().await.unwrap();
        assert_eq!(state(&world, brief), "active");
        after(minutes(60)).await;
        world.pull_well().await.unwrap();
        agree(&world);
        assert_eq!((state(&world, brief).as_str(), state(&world, long).as_str()), ("active", "archived"));
        assert!(shown(&world, "contacts", long, "archived_at").is_some());
        // The other is restored after the mirror had seen it archived.
        world.rehearsal.portal().restore(world.rehearsal.now(), "contacts", long).unwrap();
        world.pull_well().await.unwrap();
        assert_eq!((state(&world, long).as_str(), shown(&world, "contacts", long, "archived_at")), ("active", None));
        agree(&world);
    });
}

#[test]
fn p20_an_archived_record_does_not_come_back_with_a_late_index() {
    paused(async {
        let world = World::new(still(120, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let id = ids(&world, "contacts")[33];
        after(minutes(65)).await;
        lag(&world, minutes(20));
        edit(&world, "contacts", id, "city", "First");
        after(minutes(1)).await;
        world.rehearsal.portal().archive(world.rehearsal.now(), "contacts", id).unwrap();
        world.pull_well().await.unwrap();
        assert_eq!(state(&world, id), "archived");
        // The edit reaches the index now, the archiving a little later: neither makes the record active.
        for _ in 0..12 {
            after(minutes(6)).await;
            world.pull_well().await.unwrap();
            assert_eq!(state(&world, id), "archived");
        }
        agree(&world);
    });
}

#[test]
fn p20_a_merged_record_is_told_with_its_survivor_however_the_portal_answers() {
    for merged_read in [MergedRead::Winner, MergedRead::Omitted, MergedRead::NotFound] {
        for merge_id in [MergeId::New, MergeId::KeepPrimary] {
            paused(async {
                let few = still(130, 8, 0, 0);
                let switches = Switches { merged_read, merge_id, ..few.switches.clone() };
                let world = World::new(Settings { switches, ..few }).mirroring(&["contacts", "companies"]);
                world.pull_well().await.unwrap();
                after(minutes(5)).await;
                merges(&world, merge_id).await;
            });
        }
    }
}

async fn merges(world: &World, merge_id: MergeId) {
    let (contacts, company, now) = (ids(world, "contacts"), ids(world, "companies")[0], world.rehearsal.now());
    let (primary, other) = (contacts[20], contacts[50]);
    let hubspot = Category::HubspotDefined;
    world.rehearsal.portal().associate(now, "contacts", other, "companies", company, hubspot, 279).unwrap();
    let survivor = world.rehearsal.portal().merge(now, "contacts", primary, other).unwrap();
    let gone = if merge_id == MergeId::New { vec![primary, other] } else { vec![other] };
    assert!(!gone.contains(&survivor));
    world.pull_well().await.unwrap();
    for id in &gone {
        assert_eq!(state(world, *id), "merged");
        assert_eq!(shown(world, "contacts", *id, "merged_into"), Some(survivor.to_string()));
        assert_eq!(shown(world, "contacts", *id, "archived").as_deref(), Some("1"));
    }
    assert_eq!(state(world, survivor), "active");
    agree(world);
    // The survivor is merged again: the first ones stay where they are, and the chain can be followed.
    after(minutes(5)).await;
    let last = world.rehearsal.portal().merge(world.rehearsal.now(), "contacts", contacts[70], survivor).unwrap();
    after(minutes(75)).await;
    world.pull_well().await.unwrap();
    assert_eq!(shown(world, "contacts", survivor, "merged_into"), Some(last.to_string()));
    assert!(gone.iter().all(|id| state(world, *id) == "merged"));
    agree(world);
}
