//! What cannot be associated stays as it was written, and is told.

use super::super::super::world::{Command, World, paused};
use super::super::belts::allowing;
use super::super::{after, ids, minutes};
use super::{add, add_there, nothing_pending, settled, sql, there, two, world, world_with, writes};
use simulator::Category;
use sync_core::store::Dropped;

#[test]
fn p14_what_cannot_be_associated_is_a_reject_with_a_sentence_until_it_is_gone() {
    paused(async {
        let world = world().await;
        let (contact, company) = two(&world);
        let archived = ids(&world, "companies")[3];
        let now = world.rehearsal.now();
        world.rehearsal.portal().archive(now, "companies", archived).unwrap();
        // The archived list is walked once an hour.
        after(minutes(61)).await;
        world.run_well(Command::Sync).await.unwrap();
        add(&world, &contact.to_string(), &company.to_string(), Some("Chief"));
        add(&world, &contact.to_string(), &archived.to_string(), None);
        add(&world, &contact.to_string(), "12", None);
        let other = "INSERT INTO associations (from_object, from_id, to_object, to_id) VALUES
                     ('contacts', '1', 'contacts', '2'), ('contacts', '3', 'deals', '4'), ('spoons', '5', 'forks', '6')";
        sql(&world, other);
        writes(&world);
        for round in 0..2 {
            let report = world.run_well(Command::Push).await.unwrap();
            let new = if round == 0 { 6 } else { 0 };
            assert_eq!((report.pushed().refused, report.pushed().waiting), (new, 6), "round {round}");
            assert_eq!(writes(&world), 0);
            for sentence in [
                "%no label Chief%Decision maker%",
                "%is archived%",
                "%has the id or _uid 12%",
                "%no mapping names associations of contacts with contacts%",
                "%deals are not mirrored%",
                "%spoons are not mirrored%",
            ] {
                let told = format!("SELECT count(*) FROM sync_rejects WHERE message LIKE '{sentence}'");
                assert_eq!(world.count(&told), 1, "{sentence}");
            }
            assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE attempts = 1"), 6);
        }
        sql(&world, "DELETE FROM associations");
        world.run_well(Command::Push).await.unwrap();
        nothing_pending(&world);
    });
}

#[test]
fn p14_a_pair_that_is_only_read_is_a_reject() {
    paused(async {
        let world = world_with("companies: { direction: pull }", &[(2, 1, 279)]).await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Decision maker"));
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().refused, writes(&world)), (1, 0));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE message LIKE '%direction: pull%'"), 1);
        sql(&world, "DELETE FROM associations");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE operation = 'dissociate'"), 1);
        assert_eq!(there(&world, pair), [""]);
    });
}

#[test]
fn p14_what_the_portal_refuses_is_a_reject_that_is_not_tried_again_until_it_changes() {
    paused(async {
        let world = world().await;
        let (contact, companies) = (ids(&world, "contacts")[2], ids(&world, "companies"));
        // The mirror does not know yet that one of them is archived.
        let now = world.rehearsal.now();
        world.rehearsal.portal().archive(now, "companies", companies[3]).unwrap();
        for company in [companies[0], companies[3]] {
            add(&world, &contact.to_string(), &company.to_string(), None);
        }
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(
            (report.pushed().linked, report.pushed().refused),
            (1, 1),
            "a good pair is not held up by a bad one"
        );
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((writes(&world), report.pushed().waiting), (0, 1));
        sql(&world, &format!("DELETE FROM associations WHERE to_id = '{}'", companies[3]));
        world.run_well(Command::Push).await.unwrap();
        nothing_pending(&world);
        after(minutes(61)).await;
        settled(&world).await;
    });
}

#[test]
fn p25_a_table_of_associations_that_was_emptied_takes_nothing_apart_without_a_persons_word() {
    paused(async {
        let edges = [(0, 0, 279), (1, 1, 279), (2, 2, 279), (3, 3, 279)];
        let mut world = world_with("companies: {}", &edges).await;
        world.pushing.max_updates.at_least = 2;
        sql(&world, "DELETE FROM associations");
        // Nothing else of the object type leaves either.
        sql(
            &world,
            "UPDATE contacts SET first_name = 'Mine' WHERE _row = 7; UPDATE contacts SET archived = 1 WHERE _row = 8",
        );
        writes(&world);
        assert_eq!(allowing(&world).await, ["updates=4"], "a plan says it before");
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("4 of 4 associations") && error.contains("--allow updates=4"), "{error}");
        assert_eq!(writes(&world), 0);
        world.pushing.allow_updates = Some(4);
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.unlinked, pushed.updated, pushed.archived), (4, 1, 1));
        assert!(world.rehearsal.portal().associations("contacts", "companies").is_empty());
        settled(&world).await;
    });
}

#[test]
fn p25_all_belts_of_an_object_are_told_at_once_and_no_other_object_is_stopped_for_them() {
    paused(async {
        let edges = [(0, 0, 279), (1, 1, 279), (2, 2, 279), (3, 3, 279)];
        let mut world = world_with("companies: {}", &edges).await;
        (world.pushing.max_updates.percent, world.pushing.max_updates.at_least) = (0.0, 2);
        sql(&world, "DELETE FROM associations; UPDATE contacts SET first_name = 'Mine' WHERE _row <= 3");
        sql(&world, "UPDATE companies SET name = 'Mine' WHERE _row = 1");
        assert_eq!(allowing(&world).await, ["updates=4"], "the larger of both numbers");
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("3 contacts were edited") && error.contains("4 of 4 associations"), "{error}");
        assert_eq!(report.objects["companies"].pushed.updated, 1);
        world.pushing.allow_updates = Some(4);
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!((pushed.updated, pushed.unlinked), (3, 4));
        settled(&world).await;
    });
}

#[test]
fn p25_what_is_taken_apart_after_the_belts_were_looked_at_waits_for_the_next_run_and_its_belts() {
    paused(async {
        let edges = [(0, 0, 279), (1, 1, 279), (2, 2, 279), (3, 3, 279)];
        let mut world = world_with("companies: {}", &edges).await;
        (world.pushing.max_updates.percent, world.pushing.max_updates.at_least) = (0.0, 0);
        add(&world, &ids(&world, "contacts")[0].to_string(), &ids(&world, "companies")[1].to_string(), None);
        let (person, mut once) = (world.person(), Some(()));
        world.at_each("push.links_read", move || {
            if once.take().is_some() {
                person.execute_batch("DELETE FROM associations WHERE rowid <= 4").unwrap();
            }
        });
        let pushed = world.run_well(Command::Push).await.unwrap().pushed();
        assert_eq!(pushed.unlinked, 0);
        let report = world.run(Command::Push, None).await.unwrap();
        let error = report.objects["contacts"].error.as_ref().unwrap().to_string();
        assert!(error.contains("--allow updates="), "{error}");
        assert!(world.rehearsal.portal().associations("contacts", "companies").len() >= 4);
    });
}

/// A person gives a reject up.
async fn give_up(world: &World, reject: i64) -> Dropped {
    let reason = "a test".to_owned();
    world
        .decide(async |engine, mappings| engine.drop_reject(mappings, "contacts", reject, reason, false).await)
        .await
        .unwrap()
}

#[test]
fn p14_an_association_that_is_given_up_goes_back_to_what_both_sides_agreed_on() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 931)]).await;
        let (contact, companies) = (ids(&world, "contacts")[2], ids(&world, "companies"));
        let now = world.rehearsal.now();
        world.rehearsal.portal().archive(now, "companies", companies[3]).unwrap();
        // A pair with an archived end, and a label that there is not beside one that there is.
        add(&world, &contact.to_string(), &companies[3].to_string(), None);
        add(&world, &contact.to_string(), &companies[1].to_string(), Some("Chief"));
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().refused), (0, 2));
        for reject in [1, 2] {
            assert_eq!(give_up(&world, reject).await, Dropped::PutBack(vec!["associations".to_owned()]));
        }
        let rows =
            "SELECT group_concat(to_id || coalesce(label, ''), ' ') FROM (SELECT * FROM associations ORDER BY label)";
        let rows: String = world.person().query_row(rows, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, format!("{0} {0}Billing Contact", companies[1]));
        writes(&world);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((writes(&world), report.pushed().refused, report.pushed().waiting), (0, 0, 0));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
        nothing_pending(&world);
    });
}

#[test]
fn p14_a_pair_that_was_not_taken_apart_and_is_given_up_has_its_rows_again() {
    paused(async {
        let world = world_with("companies: { direction: pull }", &[(2, 1, 931)]).await;
        let before = world.count("SELECT count(*) FROM associations");
        sql(&world, "DELETE FROM associations");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.pushed().refused, 1);
        assert_eq!(give_up(&world, 1).await, Dropped::PutBack(vec!["associations".to_owned()]));
        assert_eq!(world.count("SELECT count(*) FROM associations"), before);
        settled(&world).await;
        nothing_pending(&world);
    });
}

#[test]
fn p13_a_row_whose_type_is_no_number_is_a_reject_and_holds_nothing_else_up() {
    paused(async {
        let world = world_with("companies: {}", &[(3, 1, 279)]).await;
        let (contacts, companies) = (ids(&world, "contacts"), ids(&world, "companies"));
        let insert = |contact: u64, company: u64, values: &str| {
            let to = format!("'contacts', '{contact}', 'companies', '{company}', {values}");
            sql(&world, &format!("INSERT INTO associations VALUES ({to})"));
        };
        // As a CSV file leaves them: blank is nothing, and the columns may be shuffled.
        insert(contacts[0], companies[0], "'', '', 'Decision maker'");
        insert(contacts[1], companies[0], "279, 'HUBSPOT_DEFINED', ''");
        insert(contacts[2], companies[0], "NULL, NULL, x'ff00'");
        insert(contacts[3], companies[0], "NULL, NULL, NULL");
        let gone = format!("DELETE FROM associations WHERE to_id = '{}'", companies[1]);
        sql(&world, &gone);
        let id = contacts[5];
        sql(&world, &format!("UPDATE contacts SET archived = 1 WHERE id = '{id}'"));
        let report = world.run_well(Command::Sync).await.unwrap();
        let pushed = report.pushed();
        assert_eq!((pushed.linked, pushed.unlinked, pushed.refused, pushed.archived), (2, 1, 2, 1));
        assert_eq!(there(&world, (contacts[0], companies[0])), ["", "Decision maker"]);
        let told = "SELECT count(*) FROM sync_rejects WHERE message LIKE '%type_id%whole number%'";
        assert_eq!(world.count(told), 1);
        // What changes there beside them is read all the same.
        add_there(&world, (contacts[1], companies[2]), Category::HubspotDefined, 279);
        after(minutes(25 * 60)).await;
        world.run_well(Command::Sync).await.unwrap();
        let read = format!("SELECT count(*) FROM associations WHERE to_id = '{}'", companies[2]);
        assert_eq!(world.count(&read), 1);
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 2);
    });
}
