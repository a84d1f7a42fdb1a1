//! Answers that are too large to be read: what is asked instead, and where that ends.

use crate::lookups::keys;
use crate::script::{Scene, Step, answer, names, page, scene};
use crate::writes::input;
use connectors::TransportError;
use connectors::http::{Method, Request};
use connectors::hubspot::Settings;
use serde_json::{Value, json};
use sync_core::model::{Record, RecordId, Timestamp};
use sync_core::remote::{ChangedQuery, Outcome, Writing};
use sync_core::{Remote, RemoteErrorKind};

fn too_large() -> Step {
    Step::Fail(TransportError::TooLarge("the answer is larger than 32 MiB".to_owned()))
}

fn ids(range: std::ops::RangeInclusive<u64>) -> Vec<RecordId> {
    range.map(RecordId::from).collect()
}

fn told(records: &[Record]) -> Vec<RecordId> {
    records.iter().map(|record| record.id.clone()).collect()
}

/// Answers a batch as long as its records together do not weigh too much.
fn batch(request: &Request, most: usize, weight: impl Fn(u64) -> usize) -> Step {
    let ids: Vec<u64> = keys(request).iter().map(|key| key.parse().unwrap()).collect();
    let weighs: usize = ids.iter().map(|id| weight(*id)).sum();
    if weighs > most { too_large() } else { answer(200, &page(ids, None)) }
}

/// How many inputs each request had.
fn inputs(scene: &Scene) -> Vec<usize> {
    scene.fake.requests().iter().map(|request| keys(request).len()).collect()
}

#[tokio::test(start_paused = true)]
async fn p41_a_batch_whose_answer_is_too_large_is_halved_until_it_can_be_read() {
    let heavy = |id: u64| if id == 42 { 30 } else { 1 };
    let scene = scene(Settings::default(), move |request| batch(request, 30, heavy));
    let read = scene.hubspot.read("deals", &ids(1..=100), false, &[]).await.unwrap();
    assert_eq!(told(&read), ids(1..=100));
    let expected = [100, 50, 25, 25, 12, 13, 6, 3, 3, 1, 2, 1, 1, 7, 50, 25, 25];
    assert_eq!(inputs(&scene), expected, "and never the same again");
    assert_eq!(scene.hubspot.usage().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn p41_histories_that_are_too_large_are_halved_too() {
    let scene = scene(Settings::default(), |request| batch(request, 20, |_| 1));
    assert!(scene.hubspot.versions("deals", &ids(1..=30), &names(["note"])).await.unwrap().is_empty());
    assert_eq!(inputs(&scene), [30, 15, 15]);
}

#[tokio::test(start_paused = true)]
async fn p41_associations_that_are_too_large_are_halved_and_paged_as_ever() {
    let scene = scene(Settings::default(), |request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let inputs = body["inputs"].as_array().unwrap();
        if inputs.len() > 300 {
            return too_large();
        }
        let item = |input: &Value| {
            let first = input["id"] == "2" && input.get("after").is_none();
            let (id, paging) = if first { (20, json!({"next": {"after": "x"}})) } else { (21, Value::Null) };
            let to = json!({"toObjectId": id, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 1}]});
            json!({"from": {"id": input["id"]}, "to": [to], "paging": paging})
        };
        let results: Vec<Value> = inputs.iter().map(item).collect();
        answer(200, &json!({ "results": results }).to_string())
    });
    let all = scene.hubspot.associations("contacts", "companies", &ids(1..=1_000)).await.unwrap();
    let from: Vec<RecordId> = all.iter().map(|one| one.from.clone()).collect();
    assert_eq!(from, ids(1..=1_000));
    assert_eq!((all[0].to.len(), all[1].to.len()), (1, 2));
    assert_eq!(inputs(&scene), [1_000, 500, 250, 1, 250, 500, 250, 250]);
}

#[tokio::test(start_paused = true)]
async fn p41_a_page_of_a_list_that_is_too_large_is_read_by_id() {
    let scene = scene(Settings::default(), |request| match request.method {
        Method::Get if request.path.contains("longtext") => too_large(),
        Method::Get => answer(200, &page([1, 2, 3], Some("4"))),
        _ => batch(request, 2, |_| 1),
    });
    let read = scene.hubspot.list("deals", false, None, &names(["longtext"])).await.unwrap();
    assert_eq!((told(&read.records), read.next.as_deref()), (ids(1..=3), Some("4")));
    assert_eq!(scene.fake.asked().len(), 5, "two lists, and three batches");
}

#[tokio::test(start_paused = true)]
async fn p41_a_page_of_a_search_that_is_too_large_tells_only_which_records_it_found() {
    let scene = scene(Settings::default(), |request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let long = body["properties"].as_array().unwrap().contains(&json!("longtext"));
        if long { too_large() } else { answer(200, &page([1, 2], None)) }
    });
    let query = ChangedQuery { from: Timestamp::from_millis(1), to: None, after_id: None, step: None };
    let found = scene.hubspot.changed("deals", &query, &names(["longtext"])).await.unwrap();
    assert_eq!((told(&found.records), found.complete), (ids(1..=2), false));
    assert_eq!(scene.fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_too_large_by_itself_is_named_and_not_asked_for_again_and_again() {
    let heavy = |id: u64| if id == 7 { 31 } else { 1 };
    let one = scene(Settings::default(), move |request| batch(request, 30, heavy));
    let error = one.hubspot.read("deals", &ids(5..=8), false, &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
    assert!(error.message.contains("32 MiB") && error.message.contains("record 7 alone"), "{error}");
    assert_eq!(inputs(&one), [4, 2, 2, 1]);

    let scene = scene(Settings::default(), |_| too_large());
    let Scene { hubspot, fake, .. } = &scene;
    let error = hubspot.read_by("contacts", "email", &names(["a@x.example"]), &[]).await.unwrap_err();
    assert!(error.message.contains("one value of email alone") && !error.message.contains("a@x"), "{error}");
    let error = hubspot.associations("contacts", "deals", &ids(5..=6)).await.unwrap_err();
    assert!(error.message.contains("record 5 alone"), "{error}");
    assert_eq!(hubspot.list("deals", false, None, &[]).await.unwrap_err().kind, RemoteErrorKind::Unreadable);
    assert_eq!(hubspot.account().await.unwrap_err().kind, RemoteErrorKind::Unreadable);
    assert_eq!((fake.asked().len(), hubspot.usage().retries), (6, 0), "one, two, a list and its ids, and the account");
}

#[tokio::test(start_paused = true)]
async fn p9_a_write_whose_answer_is_too_large_is_unknown_and_never_sent_again() {
    let scene = scene(Settings::default(), |_| too_large());
    let two = [input("a", "", &[("name", "A")]), input("b", "", &[("name", "B")])];
    let outcomes = scene.hubspot.write("deals", Writing::Create, &two).await.unwrap();
    let unknown = |one: &Outcome<_>| matches!(one, Outcome::Unknown(why) if why.contains("not known"));
    assert!(outcomes.len() == 2 && outcomes.iter().all(unknown), "{outcomes:?}");
    assert_eq!(scene.fake.asked().len(), 1);
}
