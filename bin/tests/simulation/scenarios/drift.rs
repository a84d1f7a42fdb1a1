use super::super::world::{World, paused};
use super::{after, agree, edit, ids, minutes, shown, still};
use mappings::Mapping;
use simulator::NewProperty;
use std::time::Duration;
use sync_core::RunError;

const A_DAY: Duration = minutes(25 * 60);

#[test]
fn p44_a_new_property_is_complete_in_the_raw_view_after_the_next_sweep() {
    paused(async {
        let world = World::new(still(230, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        let contacts = ids(&world, "contacts");
        {
            let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
            portal.add_property(now, "contacts", &NewProperty::text("shoe_size")).unwrap();
            for id in &contacts {
                // As a workflow or HubSpot itself may fill it in: no date moves.
                portal.recalculate(now, "contacts", *id, &[("shoe_size", "42")]).unwrap();
            }
        }
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        let complete = "SELECT count(*) FROM contacts_raw WHERE json_extract(properties, '$.shoe_size') = '42'";
        assert_eq!(world.count(complete), 230);
        agree(&world);
    });
}

#[test]
fn p44_a_property_that_was_made_since_the_last_look_is_known_to_the_run_whose_mapping_names_it() {
    paused(async {
        let mut world = World::new(still(0, 3, 0, 0)).mirroring(&["companies"]);
        world.pull_well().await.unwrap();
        world.mappings = vec![
            Mapping::parse("x.yaml", "object: companies\nunique: row_key\nfields:\n  name: name\n  size: size\n")
                .unwrap(),
        ];
        after(minutes(5)).await;
        let refused = world.pull(None).await.unwrap().error;
        assert!(matches!(refused, Some(RunError::Mappings(found)) if found.len() == 2), "neither is there yet");
        let now = world.rehearsal.now();
        for new in [NewProperty::unique("row_key"), NewProperty::text("size")] {
            world.rehearsal.portal().add_property(now, "companies", &new).unwrap();
        }
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(size) + count(*) FROM companies"), 3);
        world.calls();
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        let asked = world.calls().0.iter().filter(|call| call.path.contains("/properties/")).count();
        assert_eq!(asked, 0, "and the schema is not read again while everything fits");
    });
}

/// An administrator makes a property, and a workflow gives it a value in every contact: no date moves.
fn make_and_fill(world: &World, name: &str) {
    let contacts = ids(world, "contacts");
    let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
    portal.add_property(now, "contacts", &NewProperty::text(name)).unwrap();
    for id in contacts {
        portal.recalculate(now, "contacts", id, &[(name, "42")]).unwrap();
    }
}

/// A mapping of contacts that names one property besides the email.
fn naming(property: &str) -> Vec<Mapping> {
    let text = format!("object: contacts\nkey: email\nfields:\n  email: email\n  {property}: {property}\n");
    vec![Mapping::parse("contacts.yaml", &text).unwrap()]
}

#[test]
fn p44_a_property_that_was_made_after_the_records_were_read_is_read_when_a_mapping_names_it() {
    // The mirror knows of it when the mapping names it, or since a look before that read no record.
    for looked_every in [A_DAY, minutes(2)] {
        paused(async {
            let mut world = World::new(still(230, 0, 0, 0)).mirroring(&["contacts"]);
            world.pulling.metadata_every = looked_every;
            world.pull_well().await.unwrap();
            make_and_fill(&world, "shoe_size");
            after(minutes(5)).await;
            world.pull_well().await.unwrap();
            let known = world.count("SELECT count(*) FROM properties WHERE name = 'shoe_size'");
            assert_eq!(known, i64::from(looked_every < A_DAY));
            world.mappings = naming("shoe_size");
            after(minutes(5)).await;
            world.pull_well().await.unwrap();
            assert_eq!(world.count("SELECT count(*) FROM contacts WHERE shoe_size = '42'"), 230);
            agree(&world);
            after(minutes(5)).await;
            let report = world.pull_well().await.unwrap();
            assert!(!report.objects["contacts"].backfilled, "once is enough");
        });
    }
}

#[test]
fn p44_a_new_property_that_a_sweep_has_read_costs_no_call_when_a_mapping_names_it() {
    paused(async {
        let mut world = World::new(still(230, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        make_and_fill(&world, "shoe_size");
        after(A_DAY).await;
        assert!(world.pull_well().await.unwrap().objects["contacts"].swept);
        after(minutes(10)).await;
        world.pull_well().await.unwrap();
        world.calls();
        world.pull_well().await.unwrap();
        let usual = world.calls().0.len();
        world.mappings = naming("shoe_size");
        world.pull_well().await.unwrap();
        assert_eq!(world.calls().0.len(), usual);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE shoe_size = '42'"), 230);
    });
}

#[test]
fn p44_a_property_whose_type_changed_is_shown_anew_and_edits_that_no_longer_fit_are_rejects() {
    paused(async {
        let mut world = World::new(still(130, 0, 0, 0)).mirroring(&["contacts"]);
        let typed = "object: contacts\nkey: email\nfields:\n  email: email\n  size: size\n  city: city\n";
        world.rehearsal.portal().add_property(world.rehearsal.now(), "contacts", &NewProperty::text("size")).unwrap();
        world.mappings = vec![Mapping::parse("contacts.yaml", typed).unwrap()];
        let contacts = ids(&world, "contacts");
        edit(&world, "contacts", contacts[0], "size", "007");
        edit(&world, "contacts", contacts[1], "size", "large");
        world.pull_well().await.unwrap();
        assert_eq!(shown(&world, "contacts", contacts[0], "size").as_deref(), Some("007"));
        for (id, size) in [(contacts[2], "12"), (contacts[3], "small")] {
            let person = world.person();
            person.execute("UPDATE contacts SET size = ?2 WHERE id = ?1", (id.to_string(), size)).unwrap();
        }
        let now = world.rehearsal.now();
        world.rehearsal.portal().retype_property(now, "contacts", "size", "number", "number").unwrap();
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!(world.count(&format!("SELECT size = 7 FROM contacts WHERE id = '{}'", contacts[0])), 1);
        assert_eq!(shown(&world, "contacts", contacts[1], "size"), None, "what is no number is not shown as one");
        assert_eq!(world.count(&format!("SELECT size = 12 FROM contacts WHERE id = '{}'", contacts[2])), 1);
        assert_eq!(shown(&world, "contacts", contacts[3], "size"), None);
        let reject = "SELECT count(*) FROM sync_rejects WHERE properties = '{\"size\":\"small\"}'";
        assert_eq!(world.count(reject), 1);
    });
}

#[test]
fn p44_options_and_stages_that_change_are_told_and_the_records_values_stay() {
    paused(async {
        let world = World::new(still(130, 0, 40, 0)).mirroring(&["contacts", "deals"]);
        world.pull_well().await.unwrap();
        let deals = ids(&world, "deals");
        {
            let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
            portal.add_option(now, "contacts", "lifecyclestage", "pet", "Pet").unwrap();
            portal.remove_option(now, "contacts", "lifecyclestage", "lead").unwrap();
            portal.add_stage(now, "deals", "default", "napping", "Napping", "0.5").unwrap();
            portal.rename_stage(now, "deals", "default", "closedwon", "Won at last").unwrap();
            portal.archive_stage(now, "deals", "default", "closedlost").unwrap();
        }
        let leads = world.count("SELECT count(*) FROM contacts WHERE stage = 'lead'");
        assert!(leads > 0);
        edit(&world, "deals", deals[0], "dealstage", "napping");
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE stage = 'lead'"), leads);
        let options = "SELECT group_concat(value) FROM property_options WHERE property = 'lifecyclestage'";
        let options: String = world.person().query_row(options, [], |row| row.get(0)).unwrap();
        assert!(options.contains("pet") && !options.split(',').any(|option| option == "lead"), "{options}");
        let stage = |id: &str, column: &str| {
            let sql = format!("SELECT CAST({column} AS TEXT) FROM pipeline_stages WHERE object = 'deals' AND id = ?1");
            world.person().query_row(&sql, [id], |row| row.get::<_, String>(0)).unwrap()
        };
        assert_eq!((stage("napping", "label"), stage("closedwon", "label")), ("Napping".into(), "Won at last".into()));
        assert_eq!((stage("closedlost", "archived"), stage("closedwon", "archived")), ("1".into(), "0".into()));
        assert_eq!(shown(&world, "deals", deals[0], "stage").as_deref(), Some("napping"));
        agree(&world);
    });
}

#[test]
fn p44_the_kinds_of_association_of_a_pair_that_is_mirrored_since_are_known_to_the_run_that_begins_to() {
    paused(async {
        let mapping = |object: &str, field: &str, more: &str| {
            let text = format!("object: {object}\nfields:\n  {field}: {field}\n{more}");
            Mapping::parse("x.yaml", &text).unwrap()
        };
        let mut world = World::new(still(8, 3, 0, 0));
        world.mappings = vec![mapping("companies", "name", ""), mapping("contacts", "email", "")];
        world.pull_well().await.unwrap();
        let kinds = "SELECT count(DISTINCT from_object) FROM association_labels";
        assert_eq!(world.count(kinds), 0);
        world.mappings[1] = mapping("contacts", "email", "associations: { companies: {} }\n");
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        assert_eq!(world.count(kinds), 2, "in both directions");
        world.calls();
        after(minutes(5)).await;
        world.pull_well().await.unwrap();
        let asked = world.calls().0.iter().filter(|call| call.path.ends_with("/labels")).count();
        assert_eq!(asked, 0, "and what is known is asked for once a day");
    });
}

#[test]
fn p44_a_schema_that_changes_while_everything_is_read_stops_nothing() {
    paused(async {
        let few = still(1_200, 0, 0, 0);
        let world =
            World::new(simulator::Settings { latency: Duration::from_secs(30), ..few }).mirroring(&["contacts"]);
        let changes = async {
            after(Duration::from_secs(200)).await;
            let (now, mut portal) = (world.rehearsal.now(), world.rehearsal.portal());
            portal.archive_property(now, "contacts", "jobtitle").unwrap();
            portal.retype_property(now, "contacts", "city", "number", "number").unwrap();
            portal.add_property(now, "contacts", &NewProperty::text("late")).unwrap();
        };
        let (pulled, ()) = tokio::join!(world.pull_well(), changes);
        pulled.unwrap();
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        after(A_DAY).await;
        world.pull_well().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE state = 'active'"), 1_200);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE typeof(city) = 'text'"), 0);
    });
}

#[test]
fn a_mapping_that_changed_is_shown_anew_without_a_call_for_records() {
    paused(async {
        let mut world = World::new(still(330, 0, 0, 0)).mirroring(&["contacts"]);
        world.pull_well().await.unwrap();
        after(minutes(10)).await;
        world.pull_well().await.unwrap();
        world.calls();
        world.pull_well().await.unwrap();
        let usual = world.calls().0.len();
        let yaml = "object: contacts\nkey: email\nfields:\n  email: mail\n  city: { column: town, transform: { lowercase: true } }\n";
        world.mappings = vec![Mapping::parse("contacts.yaml", yaml).unwrap()];
        world.pull_well().await.unwrap();
        assert_eq!(world.calls().0.len(), usual);
        assert_eq!(world.count("SELECT count(*) FROM pragma_table_info('contacts')"), 11);
        assert_eq!(world.count("SELECT count(*) FROM contacts WHERE mail IS NOT NULL AND town IS NOT NULL"), {
            world.count(
                "SELECT count(*) FROM contacts_raw WHERE nullif(json_extract(properties, '$.email'), '') IS NOT NULL
                         AND nullif(json_extract(properties, '$.city'), '') IS NOT NULL",
            )
        });
    });
}
