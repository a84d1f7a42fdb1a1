//! Reads that writing needs: records by a unique value, and the values that properties had.

use crate::script::{answer, names, scene, steps};
use crate::writes::{batch, result};
use connectors::http::Request;
use connectors::hubspot::Settings;
use serde::Serialize;
use serde_json::{Value, json};
use sync_core::model::PropertyVersions;
use sync_core::model::{Record, RecordId};
use sync_core::{Remote, RemoteErrorKind};

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

fn missing(keys: &[impl Serialize]) -> Value {
    json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some CONTACT objects",
        "context": {"ids": keys}})
}

/// What a batch names records by.
pub(crate) fn keys(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
    body["inputs"].as_array().unwrap().iter().map(|input| input["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn p8_records_are_found_by_a_unique_value_live_and_each_once() {
    let found = [result(2, json!({"email": "b@x.example"}), None), result(1, json!({"email": "a@x.example"}), None)];
    let scene = steps([batch(207, &found, &[missing(&["c@x.example"])])]);
    let values = names(["A@x.example", "a@X.example", "b@x.example", "", "c@x.example"]);
    let records = scene.hubspot.read_by("contacts", "email", &values, &names(["firstname"])).await.unwrap();
    assert_eq!(ids(&records), ["2", "1"]);
    assert_eq!(scene.fake.asked(), ["POST /crm/objects/2026-09/contacts/batch/read"]);
    let properties = ["firstname", "lastmodifieddate", "hs_merged_object_ids", "hs_calculated_merged_vids", "email"];
    let inputs = json!([{"id": "A@x.example"}, {"id": "b@x.example"}, {"id": "c@x.example"}]);
    let expected = json!({"idProperty": "email", "properties": properties, "inputs": inputs});
    assert_eq!(scene.fake.bodies(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn p11_a_value_left_out_without_a_word_is_asked_for_once_more() {
    // A contact is found by its second address too, and answers with its first.
    let one = || result(1, json!({"email": "main@x.example"}), None);
    let scene = steps([batch(200, &[one()], &[]), batch(200, &[one(), result(2, json!({"email": "b"}), None)], &[])]);
    let values = names(["second@x.example", "main@x.example", "b", "c"]);
    let records = scene.hubspot.read_by("contacts", "email", &values, &[]).await.unwrap();
    assert_eq!(ids(&records), ["1", "2"]);
    assert_eq!(scene.fake.bodies()[1]["inputs"], json!([{"id": "second@x.example"}, {"id": "b"}, {"id": "c"}]));
    assert_eq!(scene.fake.asked().len(), 2, "and no third time");
}

#[tokio::test(start_paused = true)]
async fn values_are_looked_up_a_hundred_at_a_time_by_their_letters() {
    let scene = scene(Settings::default(), |request| batch(207, &[], &[missing(&keys(request))]));
    let mut values: Vec<String> = (0..205).map(|number| format!("Key-{number}")).collect();
    values.extend(["key-0".to_owned(), "Key-0".to_owned()]);
    assert!(scene.hubspot.read_by("deals", "row_uid", &values, &[]).await.unwrap().is_empty());
    let sizes: Vec<usize> = scene.fake.bodies().iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 6], "but for addresses, case makes another value");
    assert!(scene.hubspot.read_by("deals", "row_uid", &[], &[]).await.unwrap().is_empty());
    assert_eq!(scene.fake.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_says_nothing_about_absence_is_not_taken_for_it() {
    let failing = || batch(207, &[], &[json!({"category": "INTERNAL_ERROR", "message": "oops"})]);
    let scene = scene(Settings::default(), move |_| failing());
    let error = scene.hubspot.read_by("deals", "row_uid", &names(["k"]), &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
}

/// Property, and each of its values with its time and source.
fn told(all: &[PropertyVersions]) -> Vec<String> {
    let version =
        |version: &sync_core::model::Version| format!("{:?} {} {}", version.value, version.at.millis(), version.source);
    all.iter()
        .map(|one| {
            format!("{} {}: {}", one.id, one.property, one.versions.iter().map(version).collect::<Vec<_>>().join(", "))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn p3_the_values_that_a_property_had_are_told_newest_first_with_their_source() {
    let mut record = result(7, json!({}), None);
    record["propertiesWithHistory"] = json!({
        "city": [
            {"value": "", "timestamp": "2026-01-02T00:00:00Z", "sourceType": "CRM_UI", "sourceId": "userId:5", "updatedByUserId": 5},
            {"value": "Graz", "timestamp": "2026-01-03T00:00:00.072Z", "sourceType": "INTEGRATION", "sourceId": "19083857"},
            {"value": null, "timestamp": 1_767_225_600_000i64, "sourceLabel": {"deep": []}},
        ],
        "name": [],
        "phone": null,
        "unasked": [{"value": "x", "timestamp": "2026-01-02T00:00:00Z"}],
    });
    let scene = steps([batch(207, &[record.clone(), record], &[missing(&["8"])])]);
    let asked = [RecordId::from("7"), RecordId::from("8"), RecordId::from("7")];
    let all = scene.hubspot.versions("contacts", &asked, &names(["name", "city", "phone"])).await.unwrap();
    let city = "7 city: Some(\"Graz\") 1767398400072 INTEGRATION:19083857, None 1767312000000 CRM_UI:userId:5, None 1767225600000 ";
    assert_eq!(told(&all), [city, "7 name: "]);
    let inputs = json!([{"id": "7"}, {"id": "8"}]);
    let expected = json!({"properties": [], "propertiesWithHistory": ["name", "city", "phone"], "inputs": inputs});
    assert_eq!(scene.fake.bodies(), [expected]);
}

/// A record with one value that its city had.
fn past(id: u64, city: &str) -> Value {
    let mut record = result(id, json!({}), None);
    record["propertiesWithHistory"] = json!({"city": [{"value": city, "timestamp": "2026-01-02T00:00:00Z"}]});
    record
}

#[tokio::test(start_paused = true)]
async fn p3_a_history_left_out_without_a_word_is_asked_for_once_more() {
    let scene = steps([batch(207, &[past(7, "Graz")], &[missing(&["9"])]), batch(200, &[past(8, "Wien")], &[])]);
    let asked = ["7", "8", "9", "10"].map(RecordId::from);
    let all = scene.hubspot.versions("contacts", &asked, &names(["city"])).await.unwrap();
    assert_eq!(told(&all), ["7 city: Some(\"Graz\") 1767312000000 ", "8 city: Some(\"Wien\") 1767312000000 "]);
    assert_eq!(scene.fake.bodies()[1]["inputs"], json!([{"id": "8"}, {"id": "10"}]));
    assert_eq!(scene.fake.asked().len(), 2, "and no third time: of 10 there is nothing to tell");
}

#[tokio::test(start_paused = true)]
async fn p9_a_history_that_hubspot_failed_at_is_not_taken_for_none() {
    let failing = || batch(207, &[past(7, "Graz")], &[json!({"category": "INTERNAL_ERROR", "message": "oops"})]);
    let asked = ["7", "8"].map(RecordId::from);
    let mended = steps([failing(), batch(200, &[past(8, "Wien"), past(7, "Graz")], &[])]);
    assert_eq!(mended.hubspot.versions("contacts", &asked, &names(["city"])).await.unwrap().len(), 2);
    let scene = scene(Settings::default(), move |_| failing());
    let error = scene.hubspot.versions("contacts", &asked, &names(["city"])).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
    assert!(error.message.contains("INTERNAL_ERROR"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn histories_are_read_fifty_records_at_a_time() {
    let scene = scene(Settings::default(), |request| batch(207, &[], &[missing(&keys(request))]));
    let many: Vec<RecordId> = (0..120u64).map(RecordId::from).collect();
    assert!(scene.hubspot.versions("deals", &many, &names(["amount"])).await.unwrap().is_empty());
    let sizes: Vec<usize> = scene.fake.bodies().iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [50, 50, 20]);
    assert!(scene.hubspot.versions("deals", &many, &[]).await.unwrap().is_empty());
    assert_eq!(scene.fake.asked().len(), 3, "of no properties there is nothing to ask");
}

#[tokio::test(start_paused = true)]
async fn a_history_without_a_time_is_no_history() {
    let mut record = result(7, json!({}), None);
    record["propertiesWithHistory"] = json!({"city": [{"value": "secret value", "timestamp": "soon"}]});
    let body = json!({ "results": [record] }).to_string();
    let scene = scene(Settings::default(), move |_| answer(200, &body));
    let error = scene.hubspot.versions("contacts", &[RecordId::from("7")], &names(["city"])).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
    assert!(error.message.contains("history of city") && !error.message.contains("secret"), "{error}");
}
