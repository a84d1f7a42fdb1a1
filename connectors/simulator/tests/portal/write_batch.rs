//! Writing up to a hundred records at once.

use serde_json::{Value as Json, json};
use simulator::{MergedRead, NewProperty, TraceEcho};

use crate::client::{Client, ids};

const CONTACTS: &str = "/crm/objects/2026-09/contacts/batch";
const DEALS: &str = "/crm/objects/2026-09/deals/batch";

fn create(n: usize) -> Json {
    let input = |n: usize| json!({"properties": {"email": format!("user{n}@x.example")}});
    json!({"inputs": (0..n).map(input).collect::<Vec<_>>()})
}

/// The same inputs, each with a trace id of its own.
fn traced(mut body: Json) -> Json {
    for (n, input) in body["inputs"].as_array_mut().unwrap().iter_mut().enumerate() {
        input["objectWriteTraceId"] = json!(n.to_string());
    }
    body
}

fn deals(client: &mut Client, n: usize) -> Vec<u64> {
    (0..n).map(|n| client.create("deals", &[("dealname", &n.to_string())])).collect()
}

fn update(ids: &[u64], name: &str) -> Json {
    let input = |id: &u64| json!({"id": id.to_string(), "properties": {"dealname": name}});
    json!({"inputs": ids.iter().map(input).collect::<Vec<_>>()})
}

#[test]
fn results_come_in_an_order_of_their_own_and_the_same_for_the_same_seed() {
    let run = || {
        let mut client = Client::quiet();
        let (status, body) = client.post(&format!("{CONTACTS}/create"), &create(40));
        assert_eq!((status, &body["status"]), (201, &json!("COMPLETE")));
        assert!(body["startedAt"].is_string() && body.get("errors").is_none() && body.get("numErrors").is_none());
        let emails =
            body["results"].as_array().unwrap().iter().map(|r| r["properties"]["email"].as_str().unwrap().to_owned());
        emails.collect::<Vec<_>>()
    };
    let (first, mut sorted) = (run(), run());
    assert_eq!(first, sorted);
    let asked: Vec<String> = (0..40).map(|n| format!("user{n}@x.example")).collect();
    assert_ne!(first, asked);
    sorted.sort();
    let mut expected = asked;
    expected.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn a_hundred_and_one_inputs_are_refused_by_every_batch_of_records() {
    let mut client = Client::quiet();
    let inputs: Vec<Json> = (0..101).map(|n| json!({"id": n.to_string(), "properties": {}})).collect();
    for what in ["create", "update", "upsert", "archive"] {
        assert_eq!(client.post(&format!("{CONTACTS}/{what}"), &json!({"inputs": inputs})).0, 400, "{what}");
    }
    assert_eq!(client.portal.records("contacts").count(), 0);
}

#[test]
fn without_trace_ids_one_conflict_refuses_everything_and_does_not_say_who() {
    let mut client = Client::quiet();
    client.create("contacts", &[("email", "user3@x.example")]);
    let (status, body) = client.post(&format!("{CONTACTS}/create"), &create(10));
    assert_eq!(
        (status, &body["category"], &body["message"]),
        (409, &json!("CONFLICT"), &json!("Contact already exists"))
    );
    assert_eq!(client.portal.records("contacts").count(), 1);
}

#[test]
fn without_trace_ids_one_bad_value_refuses_everything() {
    let mut client = Client::quiet();
    let mut body = create(3);
    body["inputs"][1]["properties"]["nowhere"] = json!("x");
    let (status, answer) = client.post(&format!("{CONTACTS}/create"), &body);
    assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!("PROPERTY_DOESNT_EXIST")));
    assert_eq!(client.portal.records("contacts").count(), 0);
}

#[test]
fn with_trace_ids_each_input_stands_alone() {
    let mut client = Client::quiet();
    let holder = client.create("contacts", &[("email", "user3@x.example")]);
    let mut body = traced(create(10));
    body["inputs"][5]["properties"]["nowhere"] = json!("x");
    let (status, answer) = client.post(&format!("{CONTACTS}/create"), &body);
    assert_eq!((status, ids(&answer).len(), &answer["numErrors"]), (207, 8, &json!(2)));
    let errors = answer["errors"].as_array().unwrap();
    let conflict = errors.iter().find(|e| e["category"] == "CONFLICT").unwrap();
    assert_eq!(conflict["message"], format!("Contact already exists. Existing ID: {holder}"));
    assert_eq!(conflict["context"], json!({"objectWriteTraceId": ["3"], "existingId": [holder.to_string()]}));
    let invalid = errors.iter().find(|e| e["category"] == "VALIDATION_ERROR").unwrap();
    assert_eq!(invalid["context"], json!({"objectWriteTraceId": ["5"]}));
    assert!(invalid.get("correlationId").is_none());
    assert_eq!(client.portal.active_ids("contacts").len(), 9);
}

#[test]
fn trace_ids_that_are_not_unique_are_none() {
    let mut client = Client::quiet();
    client.create("contacts", &[("email", "user0@x.example")]);
    let mut body = traced(create(3));
    body["inputs"][2]["objectWriteTraceId"] = json!("1");
    assert_eq!(client.post(&format!("{CONTACTS}/create"), &body).0, 409);
    assert_eq!(client.portal.active_ids("contacts").len(), 1);
}

#[test]
fn two_inputs_with_one_email_conflict_with_each_other() {
    let mut client = Client::quiet();
    let body = json!({"inputs": [{"properties": {"email": "a@x.example"}}, {"properties": {"email": "A@x.example"}}]});
    assert_eq!(client.post(&format!("{CONTACTS}/create"), &body).0, 409);
    assert_eq!(client.portal.active_ids("contacts"), [] as [u64; 0]);
    let (status, answer) = client.post(&format!("{CONTACTS}/create"), &traced(body));
    assert_eq!((status, &answer["errors"][0]["context"]["existingId"]), (207, &json!([ids(&answer)[0].to_string()])));
}

#[test]
fn trace_ids_come_back_on_results_as_switched() {
    let mut client = Client::quiet();
    let (_, body) = client.post(&format!("{CONTACTS}/create"), &traced(create(1)));
    assert!(body["results"][0].get("objectWriteTraceId").is_none());
    client.portal.switches_mut().trace_echo = TraceEcho::Always;
    let other = json!({"inputs": [{"properties": {"email": "b@x.example"}}]});
    let (_, body) = client.post(&format!("{CONTACTS}/create"), &traced(other));
    assert_eq!(body["results"][0]["objectWriteTraceId"], "0");
}

#[test]
fn unknown_ids_of_an_update_share_one_error_and_the_rest_is_written() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 2);
    let gone = client.create("deals", &[("dealname", "gone")]);
    client.portal.archive(client.now, "deals", gone).unwrap();
    let body = update(&[made[0], 7, gone, made[1]], "new");
    let (status, answer) = client.post(&format!("{DEALS}/update"), &body);
    assert_eq!((status, ids(&answer).len(), &answer["numErrors"]), (207, 2, &json!(1)));
    let error = &answer["errors"][0];
    assert_eq!(error["category"], "OBJECT_NOT_FOUND");
    assert_eq!(
        error["message"],
        "Could not get some DEAL objects, they may be deleted or not exist. Check that ids are valid."
    );
    let mut told: Vec<&str> =
        error["context"]["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    told.sort_unstable();
    let mut expected = [gone.to_string(), "7".to_owned()];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert!(error["context"].get("objectWriteTraceId").is_none());
    assert!(made.iter().all(|id| client.held("deals", *id, "dealname") == "new"));
    let (_, answer) = client.post(&format!("{DEALS}/update"), &traced(body));
    assert_eq!(answer["errors"][0]["context"]["objectWriteTraceId"].as_array().unwrap().len(), 2);
}

#[test]
fn an_update_shows_only_what_was_written() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 1);
    let (status, body) = client.post(&format!("{DEALS}/update"), &update(&made, "new"));
    assert_eq!(status, 200);
    let names: Vec<&String> = body["results"][0]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["createdate", "dealname", "hs_lastmodifieddate", "hs_object_id"]);
}

#[test]
fn a_merged_away_id_leaves_no_trace_in_the_answer_of_an_update_unless_switched() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 3);
    let survivor = client.portal.merge(client.now, "deals", made[0], made[1]).unwrap();
    let body = update(&[made[0], made[2]], "new");
    let (status, answer) = client.post(&format!("{DEALS}/update"), &body);
    assert_eq!((status, ids(&answer), answer.get("errors")), (200, vec![made[2]], None));
    assert_eq!(client.held("deals", survivor, "dealname"), "0", "and nothing is written");
    client.portal.switches_mut().merged_write = MergedRead::NotFound;
    let (status, answer) = client.post(&format!("{DEALS}/update"), &body);
    assert_eq!((status, &answer["errors"][0]["context"]["ids"]), (207, &json!([made[0].to_string()])));
    client.portal.switches_mut().merged_write = MergedRead::Winner;
    assert_eq!(client.post(&format!("{DEALS}/update"), &body).0, 200);
    assert_eq!(client.held("deals", survivor, "dealname"), "new");
}

#[test]
fn an_id_given_twice_refuses_the_whole_update() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 1);
    let (status, body) = client.post(&format!("{DEALS}/update"), &traced(update(&[made[0], made[0]], "new")));
    assert_eq!((status, &body["context"]["ids"]), (400, &json!([made[0].to_string()])));
    assert_eq!(body["message"], format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", made[0]));
    assert_eq!(client.held("deals", made[0], "dealname"), "0");
}

#[test]
fn an_update_fails_alone_or_as_a_whole_as_trace_ids_and_the_switch_say() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 2);
    let mut body = update(&made, "new");
    body["inputs"][0]["properties"]["amount"] = json!("much");
    let (status, answer) = client.post(&format!("{DEALS}/update"), &body);
    assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!("INVALID_INTEGER")));
    assert_eq!(client.held("deals", made[1], "dealname"), "1");
    let (status, answer) = client.post(&format!("{DEALS}/update"), &traced(body.clone()));
    assert_eq!((status, ids(&answer)), (207, vec![made[1]]));
    assert_eq!(answer["errors"][0]["context"]["objectWriteTraceId"], json!(["0"]));
    client.portal.switches_mut().update_multi_status = false;
    assert_eq!(client.post(&format!("{DEALS}/update"), &traced(body)).0, 400);
}

#[test]
fn records_are_updated_by_a_unique_property() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "deals", &NewProperty::unique("sync_key")).unwrap();
    let made = client.create("deals", &[("dealname", "d"), ("sync_key", "k1")]);
    let input = |key: &str| json!({"id": key, "idProperty": "sync_key", "properties": {"dealname": "e"}});
    let (status, body) = client.post(&format!("{DEALS}/update"), &json!({"inputs": [input("k1"), input("k2")]}));
    assert_eq!((status, ids(&body), &body["errors"][0]["context"]["ids"]), (207, vec![made], &json!(["k2"])));
    let wrong = json!({"inputs": [{"id": "d", "idProperty": "dealname", "properties": {}}]});
    assert_eq!(client.post(&format!("{DEALS}/update"), &wrong).0, 400);
}

#[test]
fn a_malformed_batch_completes_without_a_word() {
    let mut client = Client::quiet();
    let (status, body) = client.post(&format!("{DEALS}/update"), &json!({"input": []}));
    assert_eq!((status, &body["results"], body.get("errors")), (200, &json!([]), None));
    assert_eq!(client.post(&format!("{DEALS}/update"), &json!({"inputs": [{"properties": {}}]})).0, 400);
}

#[test]
fn a_batch_is_archived_whatever_its_ids_are() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 3);
    let named: Vec<Json> = [made[0], made[0], 7, made[2]].iter().map(|id| json!({"id": id.to_string()})).collect();
    let request = simulator::Request::post(
        format!("{DEALS}/archive"),
        client.portal.token(),
        json!({"inputs": named}).to_string(),
    );
    let response = client.send(&request);
    assert_eq!((response.status, response.body.len(), response.header("content-type")), (204, 0, None));
    assert_eq!(client.portal.active_ids("deals"), [made[1]]);
}
