use serde_json::{Value as Json, json};
use simulator::{Category, Edge};

use crate::client::Client;

const HUBSPOT: Category = Category::HubspotDefined;

fn pair() -> (Client, u64, u64) {
    let mut client = Client::quiet();
    let contact = client.create("contacts", &[("firstname", "Ada")]);
    let company = client.create("companies", &[("name", "Acme")]);
    (client, contact, company)
}

fn read(client: &mut Client, from: &str, to: &str, ids: &[u64]) -> (u16, Json) {
    let inputs: Vec<Json> = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
    client.post(&format!("/crm/associations/2026-09/{from}/{to}/batch/read"), &json!({"inputs": inputs}))
}

#[test]
fn a_primary_company_brings_the_unlabeled_type_along_and_each_direction_has_its_own_ids() {
    let (mut client, contact, company) = pair();
    client.portal.associate(client.now, "contacts", contact, "companies", company, HUBSPOT, 1).unwrap();
    let (status, body) = read(&mut client, "contacts", "companies", &[contact]);
    assert_eq!(status, 200);
    let to = json!([{"toObjectId": company, "associationTypes": [
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]}]);
    assert_eq!(body["results"], json!([{"from": {"id": contact.to_string()}, "to": to}]));
    let (_, body) = client.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts"));
    let types: Vec<i64> = body["results"][0]["associationTypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["typeId"].as_i64().unwrap())
        .collect();
    assert_eq!((body["results"][0]["toObjectId"].as_u64(), types), (Some(contact), vec![2, 280]));
}

#[test]
fn a_record_without_associations_is_an_error_item() {
    let (mut client, contact, _) = pair();
    let (status, body) = read(&mut client, "contacts", "companies", &[contact]);
    assert_eq!((status, &body["results"], &body["numErrors"]), (207, &json!([]), &json!(1)));
    assert_eq!(
        body["errors"][0],
        json!({"status": "error", "category": "OBJECT_NOT_FOUND",
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "message": format!("No company is associated with contact {contact}."),
            "context": {"fromObjectId": [contact.to_string()], "fromObjectType": ["contact"], "toObjectType": ["company"]}})
    );
    client.portal.switches_mut().associations_multi_status = false;
    assert_eq!(read(&mut client, "contacts", "companies", &[contact]).0, 200);
}

#[test]
fn a_new_primary_demotes_the_old_one_and_leaves_it_associated() {
    let (mut client, contact, first) = pair();
    let second = client.create("companies", &[("name", "Globex")]);
    client.portal.associate(client.now, "contacts", contact, "companies", first, HUBSPOT, 1).unwrap();
    client.portal.associate(client.now, "contacts", contact, "companies", second, HUBSPOT, 1).unwrap();
    let primary: Vec<Edge> = client.portal.associations("contacts", "companies");
    let of = |company: u64| primary.iter().filter(|e| e.to_id == company).map(|e| e.type_id).collect::<Vec<_>>();
    assert_eq!((of(first), of(second)), (vec![279], vec![1, 279]));
}

#[test]
fn many_contacts_may_have_the_same_primary_company() {
    let (mut client, contact, company) = pair();
    let other = client.create("contacts", &[("firstname", "Grace")]);
    for id in [contact, other] {
        client.portal.associate(client.now, "contacts", id, "companies", company, HUBSPOT, 1).unwrap();
    }
    let primaries = client.portal.associations("contacts", "companies").into_iter().filter(|e| e.type_id == 1).count();
    assert_eq!(primaries, 2);
}

#[test]
fn the_owners_labels_have_ids_that_collide_with_hubspots() {
    let mut client = Client::quiet();
    let (_, body) = client.get("/crm/v4/associations/contacts/companies/labels");
    let of = |category: &str| -> Vec<i64> {
        let rows = body["results"].as_array().unwrap().iter().filter(|row| row["category"] == category);
        rows.map(|row| row["typeId"].as_i64().unwrap()).collect()
    };
    assert!(of("USER_DEFINED").iter().any(|id| of("HUBSPOT_DEFINED").contains(id)), "{body}");
}

#[test]
fn paired_labels_read_differently_from_either_side_between_records_of_one_type() {
    let mut client = Client::quiet();
    let parent = client.create("companies", &[("name", "parent")]);
    let child = client.create("companies", &[("name", "child")]);
    client.portal.associate(client.now, "companies", parent, "companies", child, HUBSPOT, 13).unwrap();
    let labels = |from: u64| -> Vec<(u32, Option<String>)> {
        let all = client.portal.associations("companies", "companies").into_iter().filter(|e| e.from_id == from);
        all.map(|e| (e.type_id, e.label)).collect()
    };
    assert_eq!(labels(parent), [(13, Some("Child Company".into())), (450, None)]);
    assert_eq!(labels(child), [(14, Some("Parent Company".into())), (450, None)]);
}

#[test]
fn associations_move_no_modified_date() {
    let (mut client, contact, company) = pair();
    let before = client.portal.record("contacts", contact).unwrap().updated_at;
    client.wait(5_000);
    client.portal.associate(client.now, "contacts", contact, "companies", company, HUBSPOT, 1).unwrap();
    client.portal.relabel(client.now, "contacts", contact, "companies", company, &[(HUBSPOT, 279)]).unwrap();
    client.portal.dissociate(client.now, "contacts", contact, "companies", company).unwrap();
    assert_eq!(client.portal.record("contacts", contact).unwrap().updated_at, before);
    assert!(client.portal.associations("contacts", "companies").is_empty());
}

#[test]
fn a_type_of_the_wrong_direction_is_refused() {
    let (mut client, contact, company) = pair();
    let refused = client.portal.associate(client.now, "contacts", contact, "companies", company, HUBSPOT, 280);
    assert!(refused.is_err());
}

#[test]
fn an_archived_end_hides_the_association_and_a_restore_brings_it_back() {
    let (mut client, contact, company) = pair();
    client.portal.associate(client.now, "contacts", contact, "companies", company, HUBSPOT, 279).unwrap();
    client.portal.archive(client.now, "companies", company).unwrap();
    assert_eq!(read(&mut client, "contacts", "companies", &[contact]).1["numErrors"], 1);
    assert!(client.portal.associations("contacts", "companies").is_empty());
    client.portal.restore(client.now, "companies", company).unwrap();
    assert_eq!(client.portal.associations("contacts", "companies").len(), 1);
}

#[test]
fn a_batch_read_pages_each_record_by_itself() {
    let (mut client, contact, _) = pair();
    client.portal.switches_mut().associations_page = 2;
    let mut all = Vec::new();
    for n in 0..5 {
        let company = client.create("companies", &[("name", &format!("c{n}"))]);
        client.portal.associate(client.now, "contacts", contact, "companies", company, HUBSPOT, 279).unwrap();
        all.push(company);
    }
    all.sort_unstable();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let body = json!({"inputs": [{"id": contact.to_string(), "after": after}]});
        let (_, page) = client.post("/crm/v4/associations/contacts/companies/batch/read", &body);
        let row = &page["results"][0];
        seen.extend(row["to"].as_array().unwrap().iter().map(|to| to["toObjectId"].as_u64().unwrap()));
        match row["paging"]["next"]["after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn a_thousand_inputs_are_accepted_and_one_more_is_not() {
    let mut client = Client::quiet();
    let ids: Vec<u64> = (1..=1_001).collect();
    assert_eq!(read(&mut client, "contacts", "deals", &ids[..1_000]).0, 207);
    assert_eq!(read(&mut client, "contacts", "deals", &ids).0, 400);
}

#[test]
fn a_word_for_an_id_is_an_error_of_its_own() {
    let mut client = Client::quiet();
    let (_, body) = client.post("/crm/v4/associations/contacts/deals/batch/read", &json!({"inputs": [{"id": "x1"}]}));
    assert_eq!(body["errors"][0]["subCategory"], "crm.associations.INVALID_IDENTIFIER");
}

#[test]
fn a_new_contact_is_associated_with_the_company_of_its_domain() {
    let mut client = Client::quiet();
    let company = client.create("companies", &[("domain", "acme.example")]);
    let contact = client.create("contacts", &[("email", "ada@acme.example")]);
    let types: Vec<u32> = client.portal.associations("contacts", "companies").iter().map(|e| e.type_id).collect();
    assert_eq!(types, [1, 279]);
    client.portal.switches_mut().associate_by_domain = false;
    let second = client.create("contacts", &[("email", "bob@acme.example")]);
    assert!(
        client.portal.associations("contacts", "companies").iter().all(|e| e.from_id == contact && e.to_id == company)
    );
    assert_ne!(second, contact);
    let website = client.portal.record("companies", company).unwrap().text("website");
    assert_eq!(website.as_deref(), Some("acme.example"));
}

#[test]
fn a_company_is_found_by_its_domain_though_another_of_the_same_is_archived() {
    let mut client = Client::quiet();
    let both = [0; 2].map(|_| client.create("companies", &[("domain", "acme.example")]));
    for (n, (gone, left)) in [(both[0], both[1]), (both[1], both[0])].into_iter().enumerate() {
        client.portal.archive(client.now, "companies", gone).unwrap();
        let contact = client.create("contacts", &[("email", &format!("u{n}@acme.example"))]);
        let all = client.portal.associations("contacts", "companies");
        let found: Vec<u64> = all.iter().filter(|e| e.from_id == contact).map(|e| e.to_id).collect();
        assert_eq!(found, [left, left], "the primary type and the unlabeled one");
        client.portal.restore(client.now, "companies", gone).unwrap();
    }
}

#[test]
fn a_merge_moves_associations_to_the_survivor() {
    let (mut client, contact, company) = pair();
    let other = client.create("contacts", &[("firstname", "Ada again")]);
    client.portal.associate(client.now, "contacts", other, "companies", company, HUBSPOT, 1).unwrap();
    let survivor = client.portal.merge(client.now, "contacts", contact, other).unwrap();
    let edges = client.portal.associations("contacts", "companies");
    assert!(edges.len() == 2 && edges.iter().all(|e| e.from_id == survivor));
}
