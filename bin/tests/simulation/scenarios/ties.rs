use super::super::world::{World, paused};
use super::{after, changed_since, edit, ids, minutes, still};
use mappings::Mapping;
use simulator::{NewProperty, Settings};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Contacts with few properties, so that ten thousand of them are soon read; and these lines of fields besides.
pub(super) fn slim_contacts(fields: &str) -> Mapping {
    let mapping = format!(
        "object: contacts\ntable: contacts\nunmapped: ignore\nassociations: {{ companies: {{}} }}\n\
         fields:\n  email: email\n  city: city\n{fields}"
    );
    Mapping::parse("contacts.yaml", &mapping).unwrap()
}

/// A portal with many contacts, all of them in the mirror, with these properties besides.
async fn mirrored(contacts: usize, properties: &[NewProperty]) -> World {
    let mut world = World::new(Settings { latency: Duration::from_millis(40), ..still(contacts, 20, 0, 0) });
    let mut fields = String::new();
    for property in properties {
        world.rehearsal.portal().add_property(world.rehearsal.now(), "contacts", property).unwrap();
        writeln!(fields, "  {0}: {0}", property.name).unwrap();
    }
    world.mappings = vec![slim_contacts(&fields), Mapping::built_in("companies").unwrap()];
    world.pull_well().await.unwrap();
    world
}

/// Gives these contacts one city in one millisecond, and pulls while somebody edits twenty of them. Says when.
async fn bulk_edit(world: &World, ids: &[u64]) -> i64 {
    after(minutes(5)).await;
    let now = world.rehearsal.now();
    let city = format!("home of {}", ids.len());
    let edited = world.rehearsal.portal().bulk_edit(now, "contacts", ids, "city", city).unwrap();
    assert_eq!(edited, ids.len());
    world.calls();
    let (pulled, ()) = tokio::join!(world.pull_well(), edit_some(world, ids));
    pulled.unwrap();
    now
}

async fn edit_some(world: &World, ids: &[u64]) {
    for (step, id) in ids.iter().step_by(ids.len().div_ceil(20)).enumerate() {
        after(Duration::from_millis(300)).await;
        edit(world, "contacts", *id, "city", format!("{id} {step}"));
    }
}

fn cities(world: &World) -> BTreeMap<u64, Option<String>> {
    let person = world.person();
    let mut statement = person.prepare("SELECT id, city FROM contacts").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).map(|(id, city)| (id.parse().unwrap(), city)).collect()
}

#[test]
fn p16_records_that_share_one_millisecond_are_all_found_however_many_they_are() {
    paused(async {
        let world = mirrored(12_050, &[]).await;
        let ids = ids(&world, "contacts");
        for count in [199, 200, 201, 10_000, 10_001, 12_000] {
            let at = bulk_edit(&world, &ids[..count]).await;
            assert_eq!(changed_since(&world, "contacts", at), count);
            let searches = world.calls().searches("contacts").len();
            assert!(searches <= count.div_ceil(200) + 1, "{searches} searches for {count} contacts");
        }
        // What was edited behind the walk is found by the next one.
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        let truth =
            world.rehearsal.portal().records("contacts").map(|record| (record.id, record.text("city"))).collect();
        assert_eq!(cities(&world), truth);
    });
}

#[test]
fn p16_ten_thousand_changed_records_cost_a_known_number_of_calls() {
    paused(async {
        // Names so long that a search has no room for them: records are then read by id.
        let long = "a_name_of_a_property_".repeat(4);
        let properties: Vec<NewProperty> = (0..40).map(|n| NewProperty::text(&format!("{long}{n}"))).collect();
        let world = mirrored(10_000, &properties).await;
        let ids = ids(&world, "contacts");
        let at = bulk_edit(&world, &ids).await;
        assert_eq!(changed_since(&world, "contacts", at), 10_000);
        let calls = world.calls();
        assert_eq!(calls.searches("contacts").len(), 50);
        assert_eq!(calls.batch_reads("contacts"), 100);
        assert_eq!(calls.associations(), BTreeMap::from([("contacts/companies", 10)]));
        // An hour later the fast and the settled pass walk over the same records, and find them all known.
        after(minutes(70)).await;
        world.pull_well().await.unwrap();
        let calls = world.calls();
        assert_eq!((calls.searches("contacts").len(), calls.batch_reads("contacts")), (100, 0));
    });
}
