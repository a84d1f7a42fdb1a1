use super::super::world::{World, paused};
use super::{after, agree, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::{DataSize, FaultKind, NewProperty, Settings, When};

const LIST: &str = "/objects/2026-09/contacts?";

fn with_properties(extra_properties: usize) -> World {
    let few = still(150, 40, 10, 5);
    World::new(Settings { data: DataSize { extra_properties, ..few.data }, ..few })
}

/// Longest path and query that was sent to an object's list.
fn longest_list(world: &World) -> usize {
    let calls = world.calls();
    calls.0.iter().filter(|asked| asked.path.contains(LIST)).map(|asked| asked.path.len()).max().unwrap()
}

#[test]
fn two_thousand_properties_are_read_without_asking_for_them_in_the_url() {
    paused(async {
        let world = with_properties(2_000);
        world.pull_well().await.unwrap();
        assert_eq!(
            world.count("SELECT count(*) FROM properties WHERE object = 'contacts' AND name LIKE 'custom_%'"),
            2_000
        );
        assert!(longest_list(&world) < 1_000);
        assert_eq!(world.rehearsal.portal().calls().status(414), 0);
        after(minutes(5)).await;
        for id in ids(&world, "contacts").iter().step_by(3) {
            edit(&world, "contacts", *id, "custom_1999", "2026-10-05T12:00:00.001Z");
        }
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn a_url_that_was_too_long_is_not_sent_again() {
    paused(async {
        let world = with_properties(300).mirroring(&["contacts"]);
        let too_long = FaultKind::Edge { status: 414, empty: false };
        world.rehearsal.portal().inject(too_long, When::path(LIST));
        world.pull_well().await.unwrap();
        assert_eq!(world.rehearsal.portal().calls().status(414), 1);
        let lists: Vec<usize> = {
            let calls = world.calls();
            calls.0.iter().filter(|asked| asked.path.contains(LIST)).map(|asked| asked.path.len()).collect()
        };
        let (first, rest) = lists.split_first().unwrap();
        assert!(rest.iter().all(|length| length <= &(first / 2)), "{lists:?}");
        agree(&world);
    });
}

#[test]
fn p44_a_property_that_disappears_from_the_portal_keeps_its_column_and_its_values() {
    paused(async {
        let world = World::new(still(120, 0, 0, 0)).mirroring(&["contacts"]);
        let contacts = ids(&world, "contacts");
        for id in &contacts {
            edit(&world, "contacts", *id, "jobtitle", "Captain");
        }
        world.pull_well().await.unwrap();
        world.rehearsal.portal().archive_property(world.rehearsal.now(), "contacts", "jobtitle").unwrap();
        after(minutes(26 * 60)).await;
        for city in ["Here", "There"] {
            edit(&world, "contacts", contacts[0], "city", city);
            world.pull_well().await.unwrap();
            assert_eq!(shown(&world, "contacts", contacts[0], "city").as_deref(), Some(city));
            assert_eq!(world.count("SELECT count(*) FROM contacts WHERE job_title = 'Captain'"), 120);
            after(minutes(26 * 60)).await;
        }
        // Nobody edited anything, so nothing waits and nothing is in conflict.
        assert_eq!(world.count("SELECT count(*) FROM sync_conflicts"), 0);
    });
}

#[test]
fn p44_a_property_that_is_added_to_the_portal_breaks_no_pull() {
    paused(async {
        let world = World::new(still(120, 10, 10, 5));
        world.pull_well().await.unwrap();
        // Among them one that a built-in mapping names and this portal did not have, and one that no mapping knows.
        let missing: Vec<(String, String)> = missing_properties(&world);
        for (object, name) in &missing {
            world.rehearsal.portal().add_property(world.rehearsal.now(), object, &NewProperty::text(name)).unwrap();
        }
        world
            .rehearsal
            .portal()
            .add_property(world.rehearsal.now(), "contacts", &NewProperty::text("brand_new"))
            .unwrap();
        after(minutes(26 * 60)).await;
        let id = ids(&world, "contacts")[5];
        edit(&world, "contacts", id, "brand_new", "fresh");
        world.pull_well().await.unwrap();
        let raw: String = world
            .person()
            .query_row("SELECT properties FROM contacts_raw WHERE id = ?1", [id.to_string()], |row| row.get(0))
            .unwrap();
        assert!(raw.contains("\"brand_new\":\"fresh\""), "{raw}");
        after(minutes(26 * 60)).await;
        world.pull_well().await.unwrap();
        agree(&world);
    });
}

#[test]
fn p44_what_was_not_fetched_for_a_while_is_complete_again_once_the_mapping_fetches_all() {
    // A column may leave at the same time.
    for more in ["", "  firstname: first_name\n"] {
        paused(async {
            let mapping = |unmapped: &str, more: &str| {
                let fields = format!("fields:\n  email: email\n{more}");
                let text = format!("object: contacts\nkey: email\nunmapped: {unmapped}\n{fields}");
                vec![Mapping::parse("contacts.yaml", &text).unwrap()]
            };
            let mut world = World::new(still(130, 0, 0, 0)).mirroring(&["contacts"]);
            world.mappings = mapping("json", more);
            world.pull_well().await.unwrap();
            world.mappings = mapping("ignore", more);
            after(minutes(5)).await;
            let id = ids(&world, "contacts")[7];
            edit(&world, "contacts", id, "city", "Elsewhere");
            after(minutes(5)).await;
            world.pull_well().await.unwrap();
            world.mappings = mapping("json", "");
            after(minutes(5)).await;
            world.pull_well().await.unwrap();
            let raw = format!(
                "SELECT count(*) FROM contacts_raw WHERE id = '{id}' AND json_extract(properties, '$.city') = 'Elsewhere'"
            );
            assert_eq!(world.count(&raw), 1);
            agree(&world);
            after(minutes(5)).await;
            let report = world.pull_well().await.unwrap();
            assert!(!report.objects["contacts"].backfilled, "once is enough");
        });
    }
}

/// What the built-in mappings name and the portal does not have.
fn missing_properties(world: &World) -> Vec<(String, String)> {
    let portal = world.rehearsal.portal();
    let mut missing = Vec::new();
    for mapping in &world.mappings {
        let known = portal.property_names(&mapping.object);
        let unknown = mapping.fields.iter().filter(|field| !known.contains(&field.property));
        missing.extend(unknown.map(|field| (mapping.object.clone(), field.property.clone())));
    }
    missing
}
