//! A record that is looked at outside of the passes, before a write or after a lost answer, comes with its associations: no
//! pass would find it changed any more. Where nothing changed there, the look asks for none.

use super::super::super::world::{Command, World, paused};
use super::super::{after, agree, edit, ids, minutes, shown};
use super::{add, add_there, lose_the_answer, settled, sql, there, two, world_with, writes};
use simulator::{Category, FaultKind, When};
use std::collections::BTreeMap;
use sync_core::model::Timestamp;

/// The object types at both ends, each with a column that is edited here and the property that it shows.
const ENDS: [[&str; 3]; 2] = [["contacts", "first_name", "firstname"], ["companies", "name", "name"]];

async fn world() -> World {
    world_with("companies: {}", &[]).await
}

/// The record of the two that is of an object type.
fn end((contact, company): (u64, u64), object: &str) -> u64 {
    if object == "contacts" { contact } else { company }
}

/// The labels of a pair in the mirror; the unlabeled kind is empty.
fn here(world: &World, (contact, company): (u64, u64)) -> Vec<String> {
    let person = world.person();
    let sql = "SELECT coalesce(label, '') FROM associations WHERE from_object = 'contacts' AND from_id = ?1
               AND to_object = 'companies' AND to_id = ?2 ORDER BY 1";
    let mut statement = person.prepare(sql).unwrap();
    let labels = statement.query_map([contact.to_string(), company.to_string()], |row| row.get(0)).unwrap();
    labels.collect::<Result<_, _>>().unwrap()
}

/// Somebody in the CRM edits one of two records, and associates it with the other.
fn change_there(world: &World, pair: (u64, u64), [object, _, property]: [&str; 3]) {
    edit(world, object, end(pair, object), property, "Theirs");
    add_there(world, pair, Category::HubspotDefined, 279);
}

/// An edit that was carried out and never answered, and what somebody in the CRM did to the record since.
async fn unanswered(of: [&str; 3]) -> (World, (u64, u64)) {
    let world = world().await;
    let pair = two(&world);
    let [object, column, _] = of;
    sql(&world, &format!("UPDATE {object} SET {column} = 'Mine' WHERE id = '{}'", end(pair, object)));
    lose_the_answer(&world, &format!("{object}/batch/update"));
    assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
    after(minutes(2)).await;
    change_there(&world, pair, of);
    after(minutes(2)).await;
    (world, pair)
}

#[test]
fn p17_an_association_that_came_with_an_edit_is_there_after_the_run_that_looks_after_a_lost_answer() {
    for of in ENDS {
        paused(async {
            let (world, pair) = unanswered(of).await;
            world.run_well(Command::Sync).await.unwrap();
            let [object, column, _] = of;
            assert_eq!(shown(&world, object, end(pair, object), column).as_deref(), Some("Theirs"), "{object}");
            assert_eq!(here(&world, pair), [""], "{object}");
            agree(&world);
            settled(&world).await;
        });
    }
}

#[test]
fn p17_an_association_that_came_with_an_edit_is_there_though_the_look_before_a_write_saw_the_edit_first() {
    for of in ENDS {
        paused(async {
            let world = world().await;
            let (pair, [object, column, _]) = (two(&world), of);
            sql(&world, &format!("UPDATE {object} SET {column} = 'Mine' WHERE id = '{}'", end(pair, object)));
            change_there(&world, pair, of);
            writes(&world);
            // Without a pull before it: the push itself finds that theirs counts.
            world.run_well(Command::Push).await.unwrap();
            assert_eq!(writes(&world), 0, "{object}");
            assert_eq!(shown(&world, object, end(pair, object), column).as_deref(), Some("Theirs"), "{object}");
            after(minutes(5)).await;
            world.run_well(Command::Sync).await.unwrap();
            assert_eq!(here(&world, pair), [""], "{object}");
            settled(&world).await;
        });
    }
}

#[test]
fn p17_a_survivor_that_a_look_finds_in_the_place_of_a_merged_record_has_its_associations() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 279)]).await;
        let (pair, other) = (two(&world), ids(&world, "contacts")[3]);
        sql(&world, &format!("UPDATE contacts SET first_name = 'Mine' WHERE id = '{}'", pair.0));
        lose_the_answer(&world, "contacts/batch/update");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        after(minutes(2)).await;
        let now = world.rehearsal.now();
        let person = world.rehearsal.portal().merge(now, "contacts", pair.0, other).unwrap();
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap();
        let (lost, kept) = (here(&world, pair), here(&world, (person, pair.1)));
        assert_eq!((lost, kept), (Vec::new(), there(&world, (person, pair.1))));
        assert!(!there(&world, (person, pair.1)).is_empty());
        settled(&world).await;
    });
}

#[test]
fn p17_an_association_of_a_record_that_was_made_without_an_answer_is_there_with_what_was_edited_since() {
    paused(async {
        let world = world().await;
        let before = ids(&world, "contacts");
        sql(&world, "INSERT INTO contacts (email, first_name) VALUES ('ada@mail.example', 'Mine')");
        lose_the_answer(&world, "contacts/batch/create");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        let made = ids(&world, "contacts").into_iter().find(|id| !before.contains(id)).unwrap();
        let pair = (made, ids(&world, "companies")[1]);
        after(minutes(2)).await;
        change_there(&world, pair, ENDS[0]);
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(shown(&world, "contacts", made, "first_name").as_deref(), Some("Theirs"));
        assert_eq!(here(&world, pair), [""]);
        settled(&world).await;
    });
}

#[test]
fn p17_an_association_that_came_with_an_edit_is_there_though_an_undoing_saw_the_edit_first() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        sql(&world, &format!("UPDATE contacts SET first_name = 'Mine' WHERE id = '{}'", pair.0));
        let run = world.run_well(Command::Push).await.unwrap().run_id;
        after(minutes(5)).await;
        change_there(&world, pair, ENDS[0]);
        writes(&world);
        world.run_well(Command::Undo(run, false)).await.unwrap();
        assert_eq!(writes(&world), 0, "nothing is written over their edit");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(here(&world, pair), [""]);
    });
}

#[test]
fn p17_a_look_whose_associations_cannot_be_read_takes_nothing_of_the_record_either() {
    paused(async {
        let (world, pair) = unanswered(ENDS[0]).await;
        let when = When::path("contacts/companies/batch/read");
        world.rehearsal.portal().inject(FaultKind::Conflict, when);
        let report = world.run(Command::Sync, None).await.unwrap();
        assert!(report.objects["contacts"].error.is_some());
        assert_eq!(shown(&world, "contacts", pair.0, "first_name").as_deref(), Some("Mine"));
        assert_eq!(world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL"), 1);
        after(minutes(2)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(shown(&world, "contacts", pair.0, "first_name").as_deref(), Some("Theirs"));
        assert_eq!(here(&world, pair), [""]);
        settled(&world).await;
    });
}

#[test]
fn p1_a_label_that_was_taken_away_after_a_lost_answer_stays_so_when_a_look_at_the_other_end_comes_first() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        for label in ["Decision maker", "Billing Contact"] {
            add(&world, &pair.0.to_string(), &pair.1.to_string(), Some(label));
        }
        lose_the_answer(&world, "companies/batch/create");
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().unknown, 1);
        assert_eq!(there(&world, pair), ["", "Billing Contact", "Decision maker"], "it was carried out");
        sql(&world, "DELETE FROM associations WHERE label = 'Billing Contact'");
        sql(&world, &format!("UPDATE companies SET name = 'Mine' WHERE id = '{}'", pair.1));
        edit(&world, "companies", pair.1, "name", "Theirs");
        after(minutes(2)).await;
        // Of companies alone: what was sent from the contacts' side is not looked after before.
        let (now, objects) = (Timestamp::from_millis(world.rehearsal.now()), ["companies".to_owned()]);
        let pushed = world.decide(async |engine, mappings| Ok(engine.push(now, mappings, &objects).await)).await;
        assert!(pushed.unwrap().errors().next().is_none());
        assert_eq!(there(&world, pair), ["", "Decision maker"]);
        settled(&world).await;
    });
}

#[test]
fn a_look_at_records_that_nobody_changed_there_asks_for_no_association() {
    paused(async {
        let world = world().await;
        let edit_all = |value: &str| {
            sql(&world, &format!("UPDATE contacts SET first_name = '{value}'; UPDATE companies SET name = '{value}'"));
        };
        edit_all("Mine");
        world.calls();
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().updated, 12);
        assert_eq!(world.calls().associations(), BTreeMap::new());
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        edit_all("Mine again");
        let pair = two(&world);
        change_there(&world, pair, ENDS[0]);
        world.calls();
        assert_eq!(world.run_well(Command::Push).await.unwrap().pushed().updated, 11);
        assert_eq!(world.calls().associations(), BTreeMap::from([("contacts/companies", 1)]));
        assert_eq!(here(&world, pair), [""]);
        settled(&world).await;
    });
}
