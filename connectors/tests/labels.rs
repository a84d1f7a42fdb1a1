//! Writing associations: what is sent, and what an answer says of each pair.

use crate::script::{Scene, Step, answer, scene, steps, steps_with, throttled, unknown};
use crate::writes::{batch, refusal};
use connectors::http::Request;
use connectors::hubspot::{ApiVersion, Settings};
use serde_json::{Value, json};
use std::time::Duration;
use sync_core::model::RecordId;
use sync_core::remote::{Outcome, PairLabels};
use sync_core::{Remote, RemoteErrorKind};

fn pair(from: u64, to: u64) -> (RecordId, RecordId) {
    (RecordId::from(from), RecordId::from(to))
}

fn labelled(pairs: &[(u64, u64)]) -> Vec<PairLabels> {
    let types = vec![("HUBSPOT_DEFINED".to_owned(), 279), ("USER_DEFINED".to_owned(), 36)];
    let labels = |(from, to): &(u64, u64)| {
        let (from, to) = pair(*from, *to);
        PairLabels { from, to, types: types.clone() }
    };
    pairs.iter().map(labels).collect()
}

/// A result as recorded: ids are numbers.
fn made(from: u64, to: u64) -> Value {
    json!({"fromObjectTypeId": "0-1", "fromObjectId": from, "toObjectTypeId": "0-2", "toObjectId": to, "labels": []})
}

fn error(message: &str, context: Value) -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": message, "context": context})
}

fn told(outcomes: &[Outcome<()>]) -> String {
    let word = |outcome: &Outcome<()>| match outcome {
        Outcome::Done(()) => '+',
        Outcome::Refused(_) => '!',
        Outcome::Unknown(_) => '?',
        Outcome::NotDone(_) => '-',
    };
    outcomes.iter().map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn labels_are_set_pair_by_pair_and_told_in_any_order_and_shape() {
    let as_objects = json!({"from": {"id": "3"}, "to": {"id": "29013756946"}});
    let as_text = json!({"fromObjectId": "1", "toObjectId": "21"});
    let scene = steps([batch(201, &[as_objects, made(9, 9), made(2, 20), as_text], &[])]);
    let pairs = labelled(&[(1, 20), (1, 21), (2, 20), (3, 29_013_756_946)]);
    let outcomes = scene.hubspot.relabel("contacts", "companies", &pairs).await.unwrap();
    assert_eq!(told(&outcomes), "?+++");
    assert_eq!(scene.fake.asked(), ["POST /crm/associations/2026-09/contacts/companies/batch/create"]);
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279},
        {"associationCategory": "USER_DEFINED", "associationTypeId": 36}]);
    assert_eq!(
        scene.fake.bodies()[0]["inputs"][3],
        json!({"from": {"id": "3"}, "to": {"id": "29013756946"}, "types": types})
    );
    assert_eq!(scene.hubspot.usage().associations, 1);
    assert_eq!(scene.hubspot.relabel("contacts", "companies", &[]).await.unwrap(), []);

    let v3 =
        steps_with(Settings { api_version: ApiVersion::V3, ..Settings::default() }, [batch(201, &[made(1, 2)], &[])]);
    assert_eq!(told(&v3.hubspot.relabel("contacts", "deals", &labelled(&[(1, 2)])).await.unwrap()), "+");
    assert_eq!(v3.fake.asked(), ["POST /crm/v4/associations/contacts/deals/batch/create"]);
}

#[tokio::test(start_paused = true)]
async fn p11_an_error_is_about_the_pairs_it_names() {
    let pairs = labelled(&[(1, 20), (1, 21), (2, 20), (3, 30), (40, 40), (5, 50), (6, 5)]);
    let errors = [
        error("x", json!({"fromObjectId": ["1"], "toObjectId": ["21"]})),
        error("x", json!({"toObjectId": [30]})),
        error("Object 40 cannot be associated to itself (40)", json!({})),
        error("CONTACT=2 is not valid", json!({})),
        // 5 is a record on either side: whose is not said. The numbers of types are no ids.
        error("CONTACT=5 is not valid, 0-6 or 6-0", json!({})),
    ];
    let scene = steps([batch(207, &[made(1, 20)], &errors)]);
    let outcomes = scene.hubspot.relabel("contacts", "companies", &pairs).await.unwrap();
    assert_eq!(told(&outcomes), "+!!!!??");
    let Outcome::Unknown(why) = &outcomes[6] else { panic!("{outcomes:?}") };
    assert!(why.contains("did not mention it"), "{why}");
    let scene = steps([
        batch(207, &[], &[error("nobody in particular", json!({}))]),
        batch(207, &[made(1, 2)], &[error("x", json!({"fromObjectId": ["1"]}))]),
    ]);
    assert_eq!(told(&scene.hubspot.relabel("contacts", "companies", &labelled(&[(1, 2)])).await.unwrap()), "!");
    let both = scene.hubspot.relabel("contacts", "companies", &labelled(&[(1, 2), (3, 4)])).await.unwrap();
    assert_eq!(told(&both), "??", "done and refused is neither");
}

#[tokio::test(start_paused = true)]
async fn p13_many_pairs_go_in_batches_and_a_refused_one_stops_none_of_the_others() {
    let pairs = labelled(&(0..3_500).map(|number| (number, number + 10_000)).collect::<Vec<_>>());
    let bad = || answer(400, r#"{"message":"One or more associations are invalid","category":"VALIDATION_ERROR"}"#);
    let echo = |request: &Request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let id = |end: &Value| end["id"].as_str().unwrap().parse::<u64>().unwrap();
        let inputs = body["inputs"].as_array().unwrap();
        let results: Vec<Value> = inputs.iter().rev().map(|input| made(id(&input["from"]), id(&input["to"]))).collect();
        batch(200, &results, &[])
    };
    let mut calls = 0;
    let scene = scene(Settings::default(), move |request| {
        calls += 1;
        match calls {
            2 => bad(),
            3 => unknown(),
            _ => echo(request),
        }
    });
    let outcomes = scene.hubspot.relabel("contacts", "companies", &pairs).await.unwrap();
    let expected = ["+".repeat(1_000), "-".repeat(1_000), "?".repeat(1_000), "+".repeat(500)].concat();
    assert_eq!(told(&outcomes), expected);
    assert!(matches!(&outcomes[1_000], Outcome::NotDone(error) if error.kind == RemoteErrorKind::Refused));
    assert_eq!(scene.fake.asked().len(), 4);

    let scene = steps([bad(), throttled("DAILY")]);
    let error = scene.hubspot.relabel("contacts", "companies", &pairs[..1_500]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::DailyLimit);
    let scene = steps([bad(), bad()]);
    let error = scene.hubspot.relabel("contacts", "companies", &pairs[..2]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Refused);
    let one = scene.hubspot.relabel("contacts", "companies", &pairs[..1]).await.unwrap();
    assert_eq!(refusal(&one[0]).message, "One or more associations are invalid");
}

#[tokio::test(start_paused = true)]
async fn pairs_are_taken_apart_by_their_first_record() {
    let pairs = [pair(2, 20), pair(1, 21), pair(2, 22), pair(1, 20)];
    let scene = steps([answer(204, ""), answer(200, r#"{"status":"COMPLETE","results":[]}"#), answer(200, "")]);
    for _ in 0..3 {
        assert_eq!(told(&scene.hubspot.unlink("contacts", "companies", &pairs).await.unwrap()), "++++");
    }
    assert_eq!(scene.fake.asked()[0], "POST /crm/associations/2026-09/contacts/companies/batch/archive");
    let inputs = json!([{"from": {"id": "1"}, "to": [{"id": "21"}, {"id": "20"}]},
        {"from": {"id": "2"}, "to": [{"id": "20"}, {"id": "22"}]}]);
    assert_eq!(scene.fake.bodies()[0], json!({ "inputs": inputs }));
    assert_eq!(scene.hubspot.usage().associations, 3);
}

#[tokio::test(start_paused = true)]
async fn p11_a_removal_that_says_something_is_judged_by_what_it_says() {
    let pairs = [pair(1, 20), pair(2, 21)];
    let cases = [
        (batch(207, &[], &[error("x", json!({"fromObjectId": ["2"]}))]), "+!"),
        (batch(207, &[], &[error("nobody in particular", json!({}))]), "??"),
        (batch(207, &[made(1, 20)], &[]), "+?"),
        (answer(200, r#"{"status":"PENDING","results":[]}"#), "??"),
        (answer(200, "<html>"), "??"),
        (answer(207, r#"{"errors":[17]}"#), "??"),
        (unknown(), "??"),
        (answer(503, ""), "??"),
        (Step::Hang, "??"),
    ];
    for (step, expected) in cases {
        let Scene { hubspot, fake, .. } = steps([step]);
        assert_eq!(told(&hubspot.unlink("contacts", "companies", &pairs).await.unwrap()), expected);
        assert_eq!(fake.asked().len(), 1);
    }
    let gone = || answer(404, r#"{"status":"error","message":"resource not found"}"#);
    let scene = steps([gone(), gone()]);
    assert!(refusal(&scene.hubspot.unlink("contacts", "companies", &pairs[..1]).await.unwrap()[0]).not_found);
    let error = scene.hubspot.unlink("contacts", "companies", &pairs).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_lock_on_associations_is_waited_for() {
    let scene = steps([answer(423, ""), throttled("TEN_SECONDLY_ROLLING"), answer(204, "")]);
    let begun = tokio::time::Instant::now();
    assert_eq!(told(&scene.hubspot.unlink("contacts", "companies", &[pair(1, 2)]).await.unwrap()), "+");
    assert!((Duration::from_secs(12)..Duration::from_secs(15)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
