//! Upserts: by a unique property of the portal's owner, or by email.

use serde_json::{Value as Json, json};
use simulator::{DuplicateInputs, NewProperty};

use crate::client::{Client, ids};

const PATH: &str = "/crm/objects/2026-09/contacts/batch/upsert";

fn keyed() -> Client {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &NewProperty::unique("sync_key")).unwrap();
    client
}

fn by_key(inputs: &[(&str, Json)]) -> Json {
    let input = |(n, (key, properties)): (usize, &(&str, Json))| json!({"id": key, "idProperty": "sync_key", "properties": properties, "objectWriteTraceId": n.to_string()});
    json!({"inputs": inputs.iter().enumerate().map(input).collect::<Vec<_>>()})
}

fn by_email(emails: &[&str]) -> Json {
    let input = |email: &&str| json!({"id": email, "idProperty": "email", "properties": {"firstname": "U"}});
    json!({"inputs": emails.iter().map(input).collect::<Vec<_>>()})
}

#[test]
fn an_upsert_makes_what_is_missing_and_a_replay_finds_it() {
    let mut client = keyed();
    let body = by_key(&[("k1", json!({"firstname": "A"}))]);
    let (status, first) = client.post(PATH, &body);
    assert_eq!((status, &first["results"][0]["new"]), (200, &json!(true)));
    assert_eq!(first["results"][0]["objectWriteTraceId"], "0");
    let (status, second) = client.post(PATH, &body);
    assert_eq!((status, &second["results"][0]["new"], ids(&second)), (200, &json!(false), ids(&first)));
    assert_eq!(client.portal.active_ids("contacts").len(), 1);
    assert_eq!(client.held("contacts", ids(&first)[0], "sync_key"), "k1");
}

#[test]
fn with_trace_ids_a_bad_value_fails_alone() {
    let mut client = keyed();
    let body = by_key(&[("k1", json!({"firstname": "A"})), ("k2", json!({"nowhere": "x"}))]);
    let (status, answer) = client.post(PATH, &body);
    assert_eq!((status, ids(&answer).len()), (207, 1));
    assert_eq!(answer["errors"][0]["context"], json!({"objectWriteTraceId": ["1"]}));
}

#[test]
fn one_conflict_refuses_the_whole_batch_unless_switched() {
    let mut client = keyed();
    client.create("contacts", &[("email", "a@x.example")]);
    let body = by_key(&[("k1", json!({"firstname": "A"})), ("k2", json!({"email": "a@x.example"}))]);
    let (status, answer) = client.post(PATH, &body);
    assert_eq!((status, &answer["message"]), (409, &json!("Contact already exists")));
    assert_eq!(client.portal.active_ids("contacts").len(), 1);
    client.portal.switches_mut().upsert_conflict_refuses_all = false;
    let (status, answer) = client.post(PATH, &body);
    assert_eq!((status, ids(&answer).len(), &answer["errors"][0]["category"]), (207, 1, &json!("CONFLICT")));
}

#[test]
fn an_email_is_a_key_in_any_case_and_finds_additional_ones() {
    let mut client = keyed();
    let a = client.create("contacts", &[("email", "a@x.example")]);
    let b = client.create("contacts", &[("email", "b@x.example")]);
    let survivor = client.portal.merge(client.now, "contacts", a, b).unwrap();
    let (status, answer) = client.post(PATH, &by_email(&["B@X.example"]));
    assert_eq!((status, &answer["results"][0]["new"], ids(&answer)), (200, &json!(false), vec![survivor]));
    let (_, answer) = client.post(PATH, &by_email(&["New@X.example"]));
    assert_eq!(answer["results"][0]["properties"]["email"], "new@x.example");
}

#[test]
fn by_email_it_is_all_or_nothing_unless_switched() {
    let mut client = keyed();
    let mut body = by_email(&["a@x.example", "b@x.example"]);
    for n in 0..2 {
        body["inputs"][n]["objectWriteTraceId"] = json!(n.to_string());
    }
    body["inputs"][0]["properties"]["nowhere"] = json!("x");
    assert_eq!(client.post(PATH, &body).0, 400);
    assert_eq!(client.portal.active_ids("contacts").len(), 0);
    client.portal.switches_mut().partial_email_upsert = true;
    assert_eq!(client.post(PATH, &body).0, 207);
    assert_eq!(client.portal.active_ids("contacts").len(), 1);
}

#[test]
fn two_inputs_for_one_record_are_refused_or_become_one_as_switched() {
    let mut client = keyed();
    let body = by_email(&["a@x.example", "A@x.example"]);
    assert_eq!(client.post(PATH, &body).0, 400);
    client.portal.switches_mut().upsert_duplicates = DuplicateInputs::Collapse;
    let (status, answer) = client.post(PATH, &body);
    assert_eq!((status, ids(&answer).len()), (200, 1));
    assert_eq!(client.portal.active_ids("contacts").len(), 1);
}

#[test]
fn inputs_that_share_a_record_are_carried_out_one_after_the_other() {
    let mut client = keyed();
    client.portal.switches_mut().upsert_duplicates = DuplicateInputs::Collapse;
    let mut body = by_email(&["a@x.example", "b@x.example", "A@x.example"]);
    body["inputs"][0]["properties"] = json!({"firstname": "First", "jobtitle": "CEO"});
    body["inputs"][2]["properties"] = json!({"firstname": "Last"});
    let (status, answer) = client.post(PATH, &body);
    assert_eq!((status, ids(&answer).len(), client.portal.active_ids("contacts").len()), (200, 2, 2));
    let (_, a) = client.get("/crm/v3/objects/contacts/a%40x.example?idProperty=email&properties=firstname,jobtitle");
    assert_eq!((&a["properties"]["firstname"], &a["properties"]["jobtitle"]), (&json!("Last"), &json!("CEO")));
}

#[test]
fn inputs_that_may_share_a_record_are_still_all_or_nothing() {
    let mut client = keyed();
    client.portal.switches_mut().upsert_duplicates = DuplicateInputs::Collapse;
    let mut body = by_email(&["a@x.example", "A@x.example", "b@x.example"]);
    body["inputs"][2]["properties"]["nowhere"] = json!("x");
    assert_eq!(client.post(PATH, &body).0, 400);
    assert_eq!(client.portal.active_ids("contacts").len(), 0);
}

#[test]
fn a_key_must_be_named_and_unique() {
    let mut client = keyed();
    assert_eq!(client.post(PATH, &json!({"inputs": [{"id": "x", "properties": {}}]})).0, 400);
    let by_name = json!({"inputs": [{"id": "x", "idProperty": "firstname", "properties": {}}]});
    assert_eq!(client.post(PATH, &by_name).0, 400);
}
