//! Associations that people write into the mirror reach the portal, beside what others wrote there.

mod flipped;
mod kills;
mod looked;
mod merged;
mod refused;
mod undoing;
mod unmapped;

use super::super::world::{Command, World, paused};
use super::pushes::{sql, writes};
use super::{after, agree, edit, ids, minutes, still};
use mappings::Mapping;
use simulator::Category;

/// A few contacts and companies, and a mirror that has just been read. Nobody is associated with anybody.
async fn world() -> World {
    world_with("companies: {}", &[]).await
}

/// The same, with other associations in the mapping of contacts, and these between contacts and companies: the place of
/// each, and the kind.
pub(super) async fn world_with(associations: &str, edges: &[(usize, usize, u32)]) -> World {
    world_between("", associations, edges).await
}

/// The same, with more in the mapping of companies.
async fn world_between(of_companies: &str, associations: &str, edges: &[(usize, usize, u32)]) -> World {
    let mut world = World::new(still(8, 4, 0, 0));
    world.mappings = mappings_between(of_companies, associations);
    let now = world.rehearsal.now();
    let there = world.rehearsal.portal().associations("contacts", "companies");
    for edge in there {
        let mut portal = world.rehearsal.portal();
        portal.dissociate(now, "contacts", edge.from_id, "companies", edge.to_id).unwrap();
    }
    let (people, firms) = (ids(&world, "contacts"), ids(&world, "companies"));
    for (contact, company, kind) in edges {
        add_there(&world, (people[*contact], firms[*company]), Category::HubspotDefined, *kind);
    }
    world.rehearsal.portal().switches_mut().first_company_is_primary = false;
    world.pull_well().await.unwrap();
    after(minutes(5)).await;
    world
}

fn mappings_between(of_companies: &str, associations: &str) -> Vec<Mapping> {
    let companies =
        format!("object: companies\ntable: companies\nfields:\n  name: name\n  domain: domain\n{of_companies}");
    let contacts = format!(
        "object: contacts\ntable: contacts\nkey: email\nfields:\n  email: email\n  firstname: first_name\n\
         associations:\n  {associations}\n"
    );
    vec![Mapping::parse("companies.yaml", &companies).unwrap(), Mapping::parse("contacts.yaml", &contacts).unwrap()]
}

/// A contact and a company.
fn two(world: &World) -> (u64, u64) {
    (ids(world, "contacts")[2], ids(world, "companies")[1])
}

/// A row of a contact and a company with a label alone, or without any.
pub(super) fn add(world: &World, contact: &str, company: &str, label: Option<&str>) {
    let insert = "INSERT INTO associations (from_object, from_id, to_object, to_id, label)
                  VALUES ('contacts', ?1, 'companies', ?2, ?3)";
    world.person().execute(insert, (contact, company, label)).unwrap();
}

/// Somebody in the CRM adds a label, or the unlabeled kind.
fn add_there(world: &World, (contact, company): (u64, u64), category: Category, type_id: u32) {
    let now = world.rehearsal.now();
    let mut portal = world.rehearsal.portal();
    portal.associate(now, "contacts", contact, "companies", company, category, type_id).unwrap();
}

/// The labels of a pair in the portal; the unlabeled kind is empty.
fn there(world: &World, (contact, company): (u64, u64)) -> Vec<String> {
    let edges = world.rehearsal.portal().associations("contacts", "companies");
    let edges = edges.into_iter().filter(|edge| (edge.from_id, edge.to_id) == (contact, company));
    let mut labels: Vec<String> = edges.map(|edge| edge.label.unwrap_or_default()).collect();
    labels.sort();
    labels
}

/// A run later both sides hold the same, and one more finds nothing to do and changes nothing.
async fn settled(world: &World) {
    after(minutes(5)).await;
    world.run_well(Command::Sync).await.unwrap();
    agree(world);
    let before = world.contents();
    writes(world);
    let report = world.run_well(Command::Sync).await.unwrap();
    let pushed = report.pushed();
    assert_eq!((writes(world), pushed.linked, pushed.unlinked), (0, 0, 0));
    assert_eq!(world.contents(), before, "an idle run changed rows");
    assert_eq!(world.count("SELECT count(*) FROM sync_journal_links WHERE settled_at IS NULL"), 0);
}

/// Nothing was noted that is not settled, and nothing is open.
fn nothing_pending(world: &World) {
    assert_eq!(world.count("SELECT count(*) FROM sync_touched WHERE object = 'associations'"), 0);
    assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 0);
}

#[test]
fn a_row_with_a_label_alone_gets_its_kind_and_the_unlabeled_one_comes_along() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Decision maker"));
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.pushed().linked, 1);
        assert_eq!(there(&world, pair), ["", "Decision maker"]);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE type_id IS NOT NULL"), 2);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE type_id IS NULL"), 0);
        nothing_pending(&world);
        let sent = "SELECT count(*) FROM sync_history WHERE side = 'hubspot' AND property = '(associations)'
                    AND before IS NULL AND json_array_length(after, '$.labels') = 2 AND after LIKE '%\"Decision maker\"%'";
        assert_eq!(world.count(sent), 1);
        settled(&world).await;
    });
}

#[test]
fn a_row_with_neither_type_nor_label_is_the_unlabeled_kind() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), None);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, pair), [""]);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE type_id = 279 AND label IS NULL"), 1);
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn a_row_from_the_other_side_is_turned_round() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        let insert = format!(
            "INSERT INTO associations (from_object, from_id, to_object, to_id, label)
             VALUES ('companies', '{}', 'contacts', '{}', 'Billing Contact')",
            pair.1, pair.0
        );
        sql(&world, &insert);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, pair), ["", "Billing Contact"]);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE from_object = 'companies'"), 0);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE type_id = 931"), 1);
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn p2_a_label_that_somebody_added_there_meanwhile_stays_beside_ours() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 279)]).await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Decision maker"));
        add_there(&world, pair, Category::HubspotDefined, 931);
        // Without a pull before it: the push reads what it is about to write.
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, pair), ["", "Billing Contact", "Decision maker"]);
        settled(&world).await;
    });
}

#[test]
fn a_deleted_row_takes_its_label_and_the_last_one_takes_the_pair() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 931)]).await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Decision maker"));
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(there(&world, pair), ["", "Billing Contact", "Decision maker"]);
        sql(&world, "DELETE FROM associations WHERE label = 'Decision maker'");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, pair), ["", "Billing Contact"]);
        // The unlabeled row returns while a label stays, and nothing is sent for it.
        sql(&world, "DELETE FROM associations WHERE label IS NULL");
        writes(&world);
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(writes(&world), 0);
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE label IS NULL"), 1);
        sql(&world, "DELETE FROM associations");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().unlinked), (0, 1));
        assert!(there(&world, pair).is_empty());
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn a_primary_company_takes_the_mark_from_the_one_before() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 0, 1)]).await;
        let (contact, companies) = (ids(&world, "contacts")[2], ids(&world, "companies"));
        add(&world, &contact.to_string(), &companies[1].to_string(), Some("Primary"));
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, (contact, companies[0])), [""]);
        assert_eq!(there(&world, (contact, companies[1])), ["", "Primary"]);
        agree(&world);
        settled(&world).await;
    });
}

#[test]
fn p22_a_pair_of_new_rows_is_made_after_both() {
    paused(async {
        let world = world().await;
        let contact = ids(&world, "contacts")[0];
        add(&world, "ada", "engines", Some("Decision maker"));
        add(&world, "ada", "mills", None);
        add(&world, &contact.to_string(), "engines", None);
        sql(
            &world,
            "INSERT INTO contacts (_uid, email, first_name) VALUES ('ada', 'ada@mail.example', 'Ada');
             INSERT INTO companies (_uid, name) VALUES ('engines', 'Engines'), ('mills', 'Mills');",
        );
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.pushed().linked), (3, 3));
        assert_eq!(world.count("SELECT count(*) FROM contacts_companies"), 3);
        let named = "SELECT count(*) FROM associations WHERE from_id GLOB '*[^0-9]*' OR to_id GLOB '*[^0-9]*'";
        assert_eq!(world.count(named), 0);
        nothing_pending(&world);
        settled(&world).await;
    });
}

#[test]
fn p22_new_rows_that_name_each_other_in_a_circle_are_made_and_then_associated() {
    paused(async {
        let world = world_with("contacts: {}", &[]).await;
        sql(
            &world,
            "INSERT INTO associations (from_object, from_id, to_object, to_id, label) VALUES
             ('contacts', 'ada', 'contacts', 'bo', 'Manager'), ('contacts', 'bo', 'contacts', 'cy', 'Manager'),
             ('contacts', 'cy', 'contacts', 'ada', 'Manager');
             INSERT INTO contacts (_uid, email) VALUES
             ('ada', 'ada@mail.example'), ('bo', 'bo@mail.example'), ('cy', 'cy@mail.example');",
        );
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.pushed().linked), (3, 3));
        assert_eq!(world.count("SELECT count(*) FROM contacts_contacts"), 6, "each pair is seen from both sides");
        assert_eq!(world.count("SELECT count(*) FROM associations WHERE label = 'Reports to'"), 3);
        nothing_pending(&world);
        settled(&world).await;
        sql(&world, "DELETE FROM associations WHERE from_id = (SELECT id FROM contacts WHERE _uid = 'ada')");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!(report.pushed().unlinked, 2);
        assert_eq!(world.count("SELECT count(*) FROM contacts_contacts"), 2);
        settled(&world).await;
    });
}

#[test]
fn p22_an_association_waits_for_a_row_that_cannot_be_made() {
    paused(async {
        let world = world().await;
        let company = ids(&world, "companies")[0];
        sql(&world, "INSERT INTO contacts (_uid, email) VALUES ('ada', 'no address')");
        add(&world, "ada", &company.to_string(), None);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.pushed().linked), (0, 0));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects WHERE operation <> 'create'"), 0);
        sql(&world, "UPDATE contacts SET email = 'ada@mail.example' WHERE _uid = 'ada'");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.pushed().linked), (1, 1));
        settled(&world).await;
    });
}

#[test]
fn p22_new_rows_whose_records_are_there_are_associated_all_the_same() {
    paused(async {
        let world = world().await;
        let company = ids(&world, "companies")[1];
        let email_of = |id: u64| world.rehearsal.portal().record("contacts", id).unwrap().text("email");
        let found = ids(&world, "contacts").into_iter().find_map(|id| Some((id, email_of(id)?)));
        let (contact, email) = found.unwrap();
        sql(&world, &format!("INSERT INTO contacts (_uid, email) VALUES ('ada', '{email}')"));
        add(&world, "ada", &company.to_string(), None);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().adopted, report.pushed().linked), (1, 1));
        assert_eq!(there(&world, (contact, company)), [""]);
        settled(&world).await;
    });
}

/// The next call to a path is carried out, and its answer never comes.
fn lose_the_answer(world: &World, path: &str) {
    let when = simulator::When::path(path).times(1);
    world.rehearsal.portal().inject(simulator::FaultKind::TimeoutAfter, when);
}

#[test]
fn p9_an_answer_that_was_lost_is_looked_after_and_an_edit_made_since_stays() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Decision maker"));
        add(&world, &pair.0.to_string(), &pair.1.to_string(), Some("Billing Contact"));
        lose_the_answer(&world, "companies/batch/create");
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().unknown), (0, 1));
        assert_eq!(there(&world, pair), ["", "Billing Contact", "Decision maker"], "it was carried out");
        sql(&world, "DELETE FROM associations WHERE label = 'Billing Contact'");
        world.run_well(Command::Push).await.unwrap();
        assert_eq!(there(&world, pair), ["", "Decision maker"]);
        settled(&world).await;
    });
}

#[test]
fn an_edit_that_no_trigger_saw_is_found_by_a_full_look() {
    paused(async {
        let world = world_with("companies: {}", &[(2, 1, 931)]).await;
        let pair = two(&world);
        sql(&world, "DROP TRIGGER sync_associations_DELETE; DELETE FROM associations WHERE label = 'Billing Contact'");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!(there(&world, pair), [""]);
        settled(&world).await;
    });
}

#[test]
fn what_the_portal_adds_of_its_own_accord_is_no_refusal() {
    paused(async {
        let world = world().await;
        // A contact's first company becomes its primary one.
        world.rehearsal.portal().switches_mut().first_company_is_primary = true;
        let pair = two(&world);
        add(&world, &pair.0.to_string(), &pair.1.to_string(), None);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().linked, report.pushed().refused), (1, 0));
        assert_eq!(there(&world, pair), ["", "Primary"]);
        settled(&world).await;
        nothing_pending(&world);
    });
}

#[test]
fn a_plan_tells_of_associations_whose_ends_are_rows_without_records_as_they_are_then_sent() {
    paused(async {
        let world = world().await;
        let company = two(&world).1.to_string();
        let new = "INSERT INTO contacts (_uid, email) VALUES ('ada-1', 'ada@mail.example')";
        world.person().execute_batch(new).unwrap();
        add(&world, "ada-1", &company, Some("Decision maker"));
        add(&world, "ada-1", &company, None);
        add(&world, "ada-1", &company, Some("Nobody"));
        let survey = world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await.unwrap();
        let [link] = survey["contacts"].links.as_slice() else { panic!("{:?}", survey["contacts"].links) };
        let labels: Vec<Option<&str>> = link.local.iter().map(|kind| kind.label.as_deref()).collect();
        assert_eq!((link.from.as_str(), link.to.as_str()), ("ada-1", company.as_str()));
        assert_eq!(labels, [None, Some("Decision maker")]);
        let noted = "SELECT count(*) FROM sync_pending WHERE uid = 'ada-1' AND record_id IS NULL
                     AND operation = 'associate' AND local LIKE '%\"Decision maker\"%'";
        assert_eq!(world.count(noted), 1);
        let report = world.run_well(Command::Push).await.unwrap();
        assert_eq!((report.pushed().created, report.pushed().linked), (1, 1));
        assert_eq!(world.count("SELECT count(*) FROM sync_rejects"), 1, "nobody knows that label");
    });
}

#[test]
fn p1_a_pair_that_is_written_once_more_and_then_taken_apart_there_is_taken_apart() {
    paused(async {
        let world = world().await;
        let pair = two(&world);
        let (contact, company) = (pair.0.to_string(), pair.1.to_string());
        add_there(&world, pair, Category::UserDefined, 1);
        edit(&world, "contacts", pair.0, "firstname", "Seen");
        after(minutes(5)).await;
        world.run_well(Command::Sync).await.unwrap();
        agree(&world);
        // What is there already, with a label alone and from the other side.
        add(&world, &contact, &company, Some("Decision maker"));
        let turned = "INSERT INTO associations (from_object, from_id, to_object, to_id, label)
                      VALUES ('companies', ?2, 'contacts', ?1, 'Decision maker'), ('companies', ?2, 'contacts', ?1, NULL)";
        world.person().execute(turned, (&contact, &company)).unwrap();
        let now = world.rehearsal.now();
        world.rehearsal.portal().dissociate(now, "contacts", pair.0, "companies", pair.1).unwrap();
        edit(&world, "contacts", pair.0, "firstname", "Seen again");
        after(minutes(5)).await;
        writes(&world);
        world.run_well(Command::Sync).await.unwrap();
        assert_eq!((there(&world, pair), writes(&world)), (Vec::new(), 0));
        assert_eq!(world.count("SELECT count(*) FROM associations"), 0);
        settled(&world).await;
    });
}

#[test]
fn p1_a_primary_company_stays_primary_though_the_one_before_gets_a_label_at_the_same_time() {
    for (before, wanted) in [(0, 1), (1, 0)] {
        paused(async {
            let world = world_with("companies: {}", &[(2, before, 279), (2, before, 1)]).await;
            let (contact, firms) = (ids(&world, "contacts")[2], ids(&world, "companies"));
            let (before, wanted) = ((contact, firms[before]), (contact, firms[wanted]));
            assert_eq!(there(&world, before), ["", "Primary"]);
            add(&world, &contact.to_string(), &before.1.to_string(), Some("Billing Contact"));
            add(&world, &contact.to_string(), &wanted.1.to_string(), Some("Primary"));
            world.run_well(Command::Push).await.unwrap();
            assert_eq!((there(&world, before), there(&world, wanted)), (two_of("Billing Contact"), two_of("Primary")));
            nothing_pending(&world);
            settled(&world).await;
        });
    }
}

/// The unlabeled kind and a label.
fn two_of(label: &str) -> Vec<String> {
    vec![String::new(), label.to_owned()]
}
