//! What `plan` tells is what the next push sends: no field more, none less, in nobody else's words.

use super::super::world::{Command, World, paused};
use super::ids;
use super::links::{add, world_with};
use super::pushes::sql;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use sync_core::Survey;

/// One thing that is sent of a record or a pair: what for, whose, and the values or labels, as a line.
fn line(what: &str, whose: &str, values: &BTreeMap<String, String>) -> String {
    format!("{what} {whose} {values:?}")
}

/// What a plan tells, as lines.
fn told(survey: &Survey) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for (object, planned) in survey {
        for change in &planned.changes {
            let whose = change.id.as_ref().map_or("new", |id| id.as_str());
            let value = |local: &Option<String>| local.clone().unwrap_or_default();
            let values = change.fields.iter().map(|field| (field.property.clone(), value(&field.local)));
            told.insert(line(&format!("{object} {}", change.operation.word()), whose, &values.collect()));
        }
        for link in &planned.links {
            let kinds = link.local.iter().map(|kind| (kind.type_id.to_string(), kind.category.clone()));
            let ends = format!("{} {}", link.from.as_str(), link.to.as_str());
            told.insert(line(link.operation(), &ends, &kinds.collect()));
        }
    }
    told
}

/// What the portal was sent since, as lines; records in `new` had no id before.
fn sent(world: &World, new: &[u64]) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    for executed in world.rehearsal.portal().executed() {
        let body: Value = serde_json::from_slice(&executed.body).unwrap();
        let path: Vec<&str> = executed.path.split('/').skip(2).collect();
        for input in body["inputs"].as_array().unwrap() {
            sent.insert(match path[..] {
                ["objects", _, object, "batch", operation] => {
                    let values = input["properties"].as_object().into_iter().flatten();
                    let values = values.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
                    let whose = input["id"].as_str().unwrap_or("new");
                    line(&format!("{object} {operation}"), whose, &values.collect())
                }
                ["associations", _, _, _, "batch", operation] => {
                    let kinds = input["types"].as_array().into_iter().flatten();
                    let kinds = kinds.map(|kind| (kind["associationTypeId"].to_string(), category(kind)));
                    let end = |end: &Value| match end["id"].as_str().unwrap() {
                        id if new.iter().any(|new| new.to_string() == id) => "new".to_owned(),
                        id => id.to_owned(),
                    };
                    let word = if operation == "create" { "associate" } else { "dissociate" };
                    let far = if operation == "create" { &input["to"] } else { &input["to"][0] };
                    line(word, &format!("{} {}", end(&input["from"]), end(far)), &kinds.collect())
                }
                _ => panic!("{} was called", executed.path),
            });
        }
    }
    sent
}

fn category(kind: &Value) -> String {
    kind["associationCategory"].as_str().unwrap().to_owned()
}

#[test]
fn p33_a_plan_is_what_the_next_push_sends_and_nothing_else() {
    paused(async {
        let world = world_with("companies: {}", &[(4, 0, 279), (5, 0, 279), (6, 0, 279)]).await;
        let (contacts, companies) = (ids(&world, "contacts"), ids(&world, "companies"));
        let (firm, gone) = (companies[0].to_string(), companies[3]);
        sql(
            &world,
            &format!(
                "UPDATE contacts SET first_name = 'Ada' WHERE id = '{}';
                 UPDATE contacts SET first_name = NULL, email = 'b@mail.example' WHERE id = '{}';
                 UPDATE contacts SET first_name = 'Last', archived = 1 WHERE id = '{}';
                 UPDATE companies SET archived = 1 WHERE id = '{gone}';
                 UPDATE companies SET name = name WHERE id = '{firm}';
                 INSERT INTO contacts (_uid, email, first_name) VALUES ('new', 'new@mail.example', 'New');
                 INSERT INTO contacts (_uid, email) VALUES ('twin', 'new@mail.example');
                 INSERT INTO contacts (_uid) VALUES ('empty');
                 DELETE FROM associations WHERE from_id = '{}'",
                contacts[0], contacts[1], contacts[2], contacts[4]
            ),
        );
        add(&world, &contacts[3].to_string(), &firm, Some("Decision maker"));
        add(&world, &contacts[5].to_string(), &firm, Some("Decision maker"));
        add(&world, "new", &firm, None);

        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        // What becomes of them is decided when the push is made: one twin may be gone by then.
        assert_eq!((survey["contacts"].refused, world.count("SELECT count(*) FROM sync_rejects")), (2, 0));
        world.rehearsal.portal().log_writes(true);
        world.run_well(Command::Push).await.unwrap();
        let new: Vec<u64> = ids(&world, "contacts").into_iter().filter(|id| !contacts.contains(id)).collect();
        let planned = told(&survey);
        assert_eq!(planned, sent(&world, &new));
        assert_eq!(
            planned.len(),
            10,
            "three updates, a create, two archives, three pairs set and one taken apart: {planned:#?}"
        );

        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], true).await).await.unwrap();
        assert_eq!(told(&survey), BTreeSet::new(), "and then there is nothing left");
    });
}

#[test]
fn p33_a_new_row_that_a_plan_tells_as_a_twin_is_made_once_the_other_is_gone() {
    paused(async {
        let world = world_with("companies: {}", &[]).await;
        let before = ids(&world, "contacts").len();
        sql(
            &world,
            "INSERT INTO contacts (_uid, email) VALUES ('one', 'new@mail.example'), ('two', 'new@mail.example')",
        );
        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        assert_eq!((survey["contacts"].changes.len(), survey["contacts"].refused), (1, 1));
        sql(&world, "DELETE FROM contacts WHERE _uid = 'one'");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.open_rejects), (1, 0));
        assert_eq!(ids(&world, "contacts").len(), before + 1);
    });
}
