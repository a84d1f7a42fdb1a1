//! Writing associations.

use serde_json::{Value as Json, json};
use simulator::{Category, Settings, Tier};

use crate::client::{Client, quiet};

const BATCH: &str = "/crm/associations/2026-09/contacts/companies/batch";

/// A contact and three companies that nothing associates yet.
fn world() -> (Client, u64, [u64; 3]) {
    let mut client = Client::quiet();
    let contact = client.create("contacts", &[]);
    let companies = [0; 3].map(|_| client.create("companies", &[("name", "c")]));
    (client, contact, companies)
}

fn default(id: u32) -> Json {
    json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id})
}

fn own(id: u32) -> Json {
    json!({"associationCategory": "USER_DEFINED", "associationTypeId": id})
}

fn pair(from: u64, to: u64, types: &[Json]) -> Json {
    json!({"from": {"id": from.to_string()}, "to": {"id": to.to_string()}, "types": types})
}

fn types(client: &Client, contact: u64, company: u64) -> Vec<u32> {
    let all = client.portal.associations("contacts", "companies");
    all.iter().filter(|e| (e.from_id, e.to_id) == (contact, company)).map(|e| e.type_id).collect()
}

fn path(contact: u64, company: u64) -> String {
    format!("/crm/objects/2026-09/contacts/{contact}/associations/companies/{company}")
}

#[test]
fn a_put_sets_the_labels_of_a_pair_and_drops_those_it_does_not_name() {
    let (mut client, contact, [company, ..]) = world();
    let decides = client.portal.add_label(client.now, "contacts", "companies", "Decides").unwrap();
    let (status, body) = client.put(&path(contact, company), &json!([own(decides), default(1)]));
    assert_eq!((status, &body["fromObjectId"], &body["toObjectTypeId"]), (201, &json!(contact), &json!("0-2")));
    assert_eq!(body["labels"], json!(["Primary", "Decides"]));
    assert_eq!(types(&client, contact, company), [1, 279, decides]);
    client.put(&path(contact, company), &json!([own(decides)]));
    assert_eq!(types(&client, contact, company), [279, decides], "the unlabeled type always comes along");
    assert_eq!(client.put(&path(contact, company), &json!([])).0, 400);
}

#[test]
fn the_first_company_becomes_the_primary_one_and_a_new_primary_demotes_it() {
    let (mut client, contact, [first, second, third]) = world();
    client.put(&path(contact, first), &json!([default(279)]));
    client.put(&path(contact, second), &json!([default(279)]));
    assert_eq!((types(&client, contact, first), types(&client, contact, second)), (vec![1, 279], vec![279]));
    client.put(&path(contact, third), &json!([default(1)]));
    assert_eq!((types(&client, contact, first), types(&client, contact, third)), (vec![279], vec![1, 279]));
    let other = client.create("contacts", &[]);
    client.portal.switches_mut().first_company_is_primary = false;
    client.put(&path(other, first), &json!([default(279)]));
    assert_eq!(types(&client, other, first), [279]);
}

#[test]
fn associating_moves_no_date() {
    let (mut client, contact, [company, ..]) = world();
    let made = client.now;
    client.wait(5_000);
    client.put(&path(contact, company), &json!([default(279)]));
    client.delete(&path(contact, company));
    for (object, id) in [("contacts", contact), ("companies", company)] {
        assert_eq!(client.portal.record(object, id).unwrap().updated_at, made);
    }
}

#[test]
fn a_default_put_keeps_labels_and_a_delete_removes_everything() {
    let (mut client, contact, [company, ..]) = world();
    let plain = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
    let (status, body) = client.put(&plain, &Json::Null);
    assert_eq!((status, &body["results"][0]["associationSpec"]["associationTypeId"]), (200, &json!(279)));
    assert_eq!(body["results"][0]["to"]["id"], company.to_string());
    assert_eq!(types(&client, contact, company), [1, 279]);
    client.put(&plain, &Json::Null);
    assert_eq!(types(&client, contact, company), [1, 279]);
    assert_eq!((client.delete(&path(contact, company)), client.delete(&path(contact, company))), (204, 204));
    assert_eq!(types(&client, contact, company), [] as [u32; 0]);
}

#[test]
fn a_batch_answers_for_each_pair_in_the_recorded_shape() {
    let (mut client, contact, [company, ..]) = world();
    let inputs = [
        pair(contact, company, &[default(279)]),
        json!({"from": {"id": "unknown_id"}, "to": {"id": company.to_string()}, "types": [default(279)]}),
        pair(contact, 7, &[default(279)]),
        pair(contact, company, &[default(280)]),
    ];
    let (status, body) = client.post(&format!("{BATCH}/create"), &json!({"inputs": inputs}));
    assert_eq!((status, &body["numErrors"]), (207, &json!(3)));
    let expected = json!([{"fromObjectTypeId": "0-1", "fromObjectId": contact, "toObjectTypeId": "0-2",
        "toObjectId": company, "labels": []}]);
    assert_eq!(body["results"], expected);
    let errors = &body["errors"];
    assert_eq!(errors[0]["subCategory"], "crm.associations.INVALID_IDENTIFIER");
    assert_eq!(errors[0]["message"], "unknown_id is not a valid ID");
    assert_eq!(errors[1]["message"], "COMPANY=7 is not valid");
    let told = "invalid from object type 0-1 for associations to be created. expected: 0-2";
    assert_eq!(errors[2]["message"], told);
}

#[test]
fn a_record_is_not_associated_with_itself() {
    let (mut client, contact, _) = world();
    let body = json!({"inputs": [pair(contact, contact, &[default(449)])]});
    let (status, answer) = client.post("/crm/v4/associations/contacts/contacts/batch/create", &body);
    assert_eq!(status, 207);
    assert_eq!(answer["errors"][0]["message"], format!("Object {contact} cannot be associated to itself ({contact})"));
}

#[test]
fn two_thousand_pairs_are_the_most_and_the_status_depends_on_the_version() {
    let (mut client, contact, [company, ..]) = world();
    let many = vec![pair(contact, company, &[default(279)]); 2_001];
    let (status, _) = client.post(&format!("{BATCH}/create"), &json!({"inputs": many}));
    assert_eq!(status, 400);
    assert_eq!(types(&client, contact, company), [] as [u32; 0]);
    let all = json!({"inputs": many[1..]});
    assert_eq!(client.post(&format!("{BATCH}/create"), &all).0, 200);
    assert_eq!(client.post("/crm/v4/associations/contacts/companies/batch/create", &all).0, 201);
}

#[test]
fn labels_go_one_by_one_and_with_the_unlabeled_type_all_of_them() {
    let (mut client, contact, [company, ..]) = world();
    client.put(&path(contact, company), &json!([default(1), default(931)]));
    let remove = |client: &mut Client, type_id| {
        let body = json!({"inputs": [pair(contact, company, &[default(type_id)])]});
        client.post(&format!("{BATCH}/labels/archive"), &body).0
    };
    assert_eq!(remove(&mut client, 931), 204);
    assert_eq!(types(&client, contact, company), [1, 279]);
    assert_eq!(remove(&mut client, 279), 204);
    assert_eq!(types(&client, contact, company), [] as [u32; 0]);
    assert_eq!(remove(&mut client, 280), 400, "that one leads the other way");
}

#[test]
fn a_batch_parts_one_record_from_many() {
    let (mut client, contact, [a, b, c]) = world();
    let all = [a, b, c].map(|company| pair(contact, company, &[]));
    let plain = json!({"inputs": all});
    assert_eq!(client.post(&format!("{BATCH}/associate/default"), &plain).0, 200);
    let to: Vec<Json> = [a, b, 7].iter().map(|id| json!({"id": id.to_string()})).collect();
    let body = json!({"inputs": [{"from": {"id": contact.to_string()}, "to": to}]});
    assert_eq!(client.post(&format!("{BATCH}/archive"), &body).0, 204);
    let left: Vec<u64> = client.portal.associations("contacts", "companies").iter().map(|e| e.to_id).collect();
    assert_eq!(left, [c]);
}

#[test]
fn a_batch_that_parts_records_has_a_body_in_the_enforcing_version_as_switched() {
    let (mut client, contact, [company, ..]) = world();
    client.portal.switches_mut().removal_body = true;
    client.put(&path(contact, company), &json!([default(279)]));
    let to = [json!({"id": company.to_string()})];
    let body = json!({"inputs": [{"from": {"id": contact.to_string()}, "to": to}]});
    let (status, answer) = client.post(&format!("{BATCH}/archive"), &body);
    assert_eq!((status, &answer["status"], &answer["results"]), (200, &json!("COMPLETE"), &json!([])));
    assert!(answer["startedAt"].is_string() && answer["completedAt"].is_string() && answer.get("errors").is_none());
    assert_eq!(types(&client, contact, company), [] as [u32; 0]);
    assert_eq!(client.post("/crm/v4/associations/contacts/companies/batch/archive", &body).0, 204);
}

#[test]
fn a_create_brings_its_associations_and_the_type_says_with_what() {
    let (mut client, contact, [company, ..]) = world();
    let deal = |to: u64, kind: u32| {
        json!({"properties": {"dealname": "d", "dealstage": "contractsent"},
            "associations": [{"to": {"id": to.to_string()}, "types": [default(kind)]}]})
    };
    let (status, _) = client.post("/crm/v3/objects/deals", &deal(contact, 3));
    assert_eq!(status, 201);
    assert_eq!(client.portal.associations("deals", "contacts").len(), 1);
    assert_eq!(client.post("/crm/v3/objects/deals", &deal(company, 341)).0, 201);
    let (status, body) = client.post("/crm/v3/objects/deals", &deal(contact, 279));
    let told = "invalid from object type 0-3 for associations to be created. expected: 0-1";
    assert_eq!((status, &body["message"]), (400, &json!(told)));
    let (status, body) = client.post("/crm/v3/objects/deals", &deal(contact, 99_999));
    assert_eq!((status, &body["message"]), (400, &json!("One or more associations are invalid")));
    assert_eq!(client.portal.active_ids("deals").len(), 2, "no deal is made without what it asked for");
}

#[test]
fn a_new_contact_is_associated_with_the_company_of_its_email_unless_switched_off() {
    let mut client = Client::quiet();
    let company = client.create("companies", &[("name", "X"), ("domain", "x.example")]);
    let contact = |name: &str| json!({"properties": {"email": format!("{name}@x.example")}});
    client.post("/crm/v3/objects/contacts", &contact("a"));
    let edges = client.portal.associations("contacts", "companies");
    assert!(edges.len() == 2 && edges.iter().all(|e| e.to_id == company), "{edges:?}");
    client.portal.switches_mut().associate_by_domain = false;
    client.post("/crm/v3/objects/contacts", &contact("b"));
    assert_eq!(client.portal.associations("contacts", "companies").len(), 2);
}

#[test]
fn a_contact_that_comes_with_a_company_is_not_associated_by_its_email_besides() {
    let (mut client, _, [company, ..]) = world();
    client.create("companies", &[("name", "X"), ("domain", "x.example")]);
    let contact = json!({"properties": {"email": "a@x.example"},
        "associations": [{"to": {"id": company.to_string()}, "types": [default(279)]}]});
    assert_eq!(client.post("/crm/v3/objects/contacts", &contact).0, 201);
    let edges = client.portal.associations("contacts", "companies");
    let told: Vec<(u64, u32)> = edges.iter().map(|e| (e.to_id, e.type_id)).collect();
    assert_eq!(told, [(company, 1), (company, 279)], "the only company is the primary one");
}

#[test]
fn a_label_is_made_with_a_type_for_each_direction() {
    let (mut client, contact, [company, ..]) = world();
    let labels = "/crm/associations/2026-09/contacts/companies/labels";
    let body = json!({"label": "Buyer", "name": "buyer", "inverseLabel": "Buys here"});
    let (status, answer) = client.post(labels, &body);
    let made = answer["results"][0]["typeId"].as_u64().unwrap() as u32;
    assert_eq!((status, &answer["results"][1]["typeId"]), (200, &json!(made + 1)));
    client.put(&path(contact, company), &json!([own(made)]));
    let back = client.portal.associations("companies", "contacts");
    let back = back.iter().find(|e| e.category == Category::UserDefined).unwrap();
    assert_eq!((back.type_id, back.label.as_deref()), (made + 1, Some("Buys here")));
    assert_eq!(client.post(labels, &body).0, 409);
    for n in 0..20 {
        client.post(labels, &json!({"label": format!("L{n}"), "name": format!("l{n}")}));
    }
    assert_eq!(client.post(labels, &json!({"label": "One more", "name": "one_more"})).0, 400);
}

#[test]
fn batches_of_associations_have_a_budget_of_their_own() {
    let mut client = Client::new(Settings { tier: Tier::Professional, ..quiet() });
    let empty = json!({"inputs": []});
    let codes: Vec<u16> = (0..151).map(|_| client.post(&format!("{BATCH}/create"), &empty).0).collect();
    assert!(codes[..150].iter().all(|code| *code == 200));
    assert_eq!(codes[150], 429);
    assert_eq!(client.post("/crm/v3/objects/deals/batch/update", &empty).0, 200, "the general window is untouched");
}

#[test]
fn a_lead_comes_with_whom_it_is_about() {
    let (mut client, contact, _) = world();
    let mut lead = json!({"properties": {"hs_lead_name": "L"}});
    assert_eq!(client.post("/crm/v3/objects/leads", &lead).0, 400);
    lead["associations"] = json!([{"to": {"id": contact.to_string()}, "types": [default(608)]}]);
    assert_eq!(client.post("/crm/v3/objects/leads", &lead).0, 201);
    assert_eq!(client.portal.associations("leads", "contacts").len(), 1);
}
