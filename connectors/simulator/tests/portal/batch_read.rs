use serde_json::{Value as Json, json};
use simulator::{DataSize, DuplicateInputs, FaultKind, MergedRead, Settings, When};

use crate::client::{Client, ids, quiet};

const PATH: &str = "/crm/objects/2026-09/contacts/batch/read";

fn inputs(ids: &[u64]) -> Json {
    json!({"properties": ["firstname"], "inputs": ids.iter().map(|id| json!({"id": id.to_string()})).collect::<Vec<_>>()})
}

fn many(n: usize) -> (Client, Vec<u64>) {
    let client = Client::new(Settings { data: DataSize { contacts: n, ..DataSize::none() }, ..quiet() });
    let all = client.portal.active_ids("contacts");
    (client, all)
}

#[test]
fn a_hundred_records_come_back_in_an_order_of_their_own() {
    let (mut client, all) = many(100);
    let (status, body) = client.post(PATH, &inputs(&all));
    let mut found = ids(&body);
    assert_eq!((status, &body["status"]), (200, &json!("COMPLETE")));
    assert_ne!(found, all);
    found.sort_unstable();
    assert_eq!(found, all);
    assert!(body["startedAt"].is_string() && body["completedAt"].is_string());
}

#[test]
fn a_hundred_and_one_inputs_are_refused() {
    let (mut client, all) = many(101);
    assert_eq!(client.post(PATH, &inputs(&all)).0, 400);
}

#[test]
fn all_missing_ids_share_one_error_item() {
    let (mut client, all) = many(2);
    let (status, body) = client.post(PATH, &inputs(&[all[0], 1, 2, 3]));
    assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
    let error = &body["errors"][0];
    assert_eq!(error["category"], "OBJECT_NOT_FOUND");
    assert_eq!(
        error["message"],
        "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
    );
    assert_eq!(error["context"]["ids"], json!(["1", "2", "3"]));
    assert!(error.get("correlationId").is_none());
    assert_eq!(ids(&body), [all[0]]);
}

#[test]
fn a_merged_away_id_is_the_survivor_or_silence_or_an_error_as_switched() {
    let (mut client, all) = many(3);
    let survivor = client.portal.merge(client.now, "contacts", all[0], all[1]).unwrap();
    let asked = inputs(&[all[0], all[1], all[2]]);
    let mut both = vec![survivor, all[2]];
    both.sort_unstable();
    let (status, body) = client.post(PATH, &asked);
    let mut found = ids(&body);
    found.sort_unstable();
    assert_eq!((status, found), (200, both));
    client.portal.switches_mut().merged_read = MergedRead::Omitted;
    let (status, body) = client.post(PATH, &asked);
    assert_eq!((status, ids(&body), body.get("errors")), (200, vec![all[2]], None));
    client.portal.switches_mut().merged_read = MergedRead::NotFound;
    let (status, body) = client.post(PATH, &asked);
    assert_eq!((status, &body["errors"][0]["context"]["ids"]), (207, &json!([all[0].to_string(), all[1].to_string()])));
}

#[test]
fn archived_records_are_read_only_when_asked_for() {
    let (mut client, all) = many(2);
    client.portal.archive(client.now, "contacts", all[0]).unwrap();
    assert_eq!(ids(&client.post(PATH, &inputs(&all)).1), [all[1]]);
    let (status, body) = client.post(&format!("{PATH}?archived=true"), &inputs(&all));
    assert_eq!((status, ids(&body)), (207, vec![all[0]]));
    assert!(body["results"][0]["archivedAt"].is_string());
}

#[test]
fn an_id_given_twice_refuses_the_whole_batch_or_counts_once_as_switched() {
    let (mut client, all) = many(1);
    let asked = inputs(&[all[0], all[0]]);
    let (status, body) = client.post(PATH, &asked);
    assert_eq!(status, 400);
    assert_eq!(body["message"], format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", all[0]));
    client.portal.switches_mut().duplicate_inputs = DuplicateInputs::Collapse;
    assert_eq!(ids(&client.post(PATH, &asked).1), all);
}

#[test]
fn records_can_be_read_by_a_unique_property() {
    let mut client = Client::quiet();
    let unique = simulator::NewProperty::unique("crmsync_uid");
    client.portal.add_property(client.now, "deals", &unique).unwrap();
    let id = client.create("deals", &[("dealname", "d"), ("crmsync_uid", "u1")]);
    let body = json!({"idProperty": "crmsync_uid", "properties": ["dealname"], "inputs": [{"id": "u1"}, {"id": "u2"}]});
    let (status, body) = client.post("/crm/v3/objects/deals/batch/read", &body);
    assert_eq!((status, ids(&body)), (207, vec![id]));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["u2"]));
}

#[test]
fn history_halves_the_batch() {
    let (mut client, all) = many(60);
    let mut asked = inputs(&all);
    asked["propertiesWithHistory"] = json!(["firstname"]);
    assert_eq!(client.post(PATH, &asked).0, 400);
}

#[test]
fn a_silent_omission_leaves_no_trace_in_the_answer() {
    let (mut client, all) = many(20);
    client.portal.inject(FaultKind::Omit, When::path("batch/read"));
    let (status, body) = client.post(PATH, &inputs(&all));
    assert_eq!((status, ids(&body).len(), body.get("errors")), (200, 18, None));
}
