//! Writes: what is sent, what is sent again, and what a failure means for the inputs.

use crate::script::{
    Scene, Step, answer, names, not_sent, record, response, scene, steps, steps_with, throttled, unknown, with_header,
};
use connectors::hubspot::{ApiVersion, Settings};
use serde_json::{Value, json};
use std::time::Duration;
use sync_core::model::RecordId;
use sync_core::remote::{Outcome, PairLabels, Refusal, WriteInput, Writing, WrittenRecord};
use sync_core::{Remote, RemoteErrorKind};

pub(crate) fn input(trace: &str, key: &str, properties: &[(&str, &str)]) -> WriteInput {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    WriteInput { trace: trace.to_owned(), key: key.to_owned(), properties: properties.iter().map(own).collect() }
}

/// A record as a write answers it.
pub(crate) fn result(id: u64, properties: Value, trace: Option<&str>) -> Value {
    let mut result: Value = serde_json::from_str(&record(id)).unwrap();
    result["properties"] = properties;
    if let Some(trace) = trace {
        result["objectWriteTraceId"] = json!(trace);
    }
    result
}

pub(crate) fn batch(status: u16, results: &[Value], errors: &[Value]) -> Step {
    let body = json!({"status": "COMPLETE", "results": results, "numErrors": errors.len(), "errors": errors,
        "startedAt": "2026-11-22T10:00:00Z", "completedAt": "2026-11-22T10:00:00.072Z"});
    answer(status, &body.to_string())
}

#[track_caller]
pub(crate) fn refusal<A: std::fmt::Debug>(outcome: &Outcome<A>) -> &Refusal {
    let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    refusal
}

#[track_caller]
fn written(outcome: &Outcome<WrittenRecord>) -> (&str, bool) {
    let Outcome::Done(WrittenRecord { record: Some(record), created }) = outcome else { panic!("{outcome:?}") };
    (record.id.as_str(), *created)
}

fn two() -> [WriteInput; 2] {
    [input("t1", "1", &[("name", "A")]), input("t2", "2", &[("name", "B"), ("city", "")])]
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_write_has_its_own_path_and_form() {
    let scene = scene(Settings::default(), |_| batch(200, &[], &[]));
    let inputs = two();
    for how in [Writing::Create, Writing::Update, Writing::Upsert("row_uid"), Writing::Archive] {
        scene.hubspot.write("contacts", how, &inputs).await.unwrap();
    }
    let base = "POST /crm/objects/2026-09/contacts/batch";
    assert_eq!(scene.fake.asked(), ["create", "update", "upsert", "archive"].map(|how| format!("{base}/{how}")));
    let (one, other) = (json!({"name": "A"}), json!({"name": "B", "city": ""}));
    let expected = [
        json!([{"properties": one, "objectWriteTraceId": "t1"}, {"properties": other, "objectWriteTraceId": "t2"}]),
        json!([{"id": "1", "properties": one, "objectWriteTraceId": "t1"},
            {"id": "2", "properties": other, "objectWriteTraceId": "t2"}]),
        json!([{"id": "1", "idProperty": "row_uid", "properties": one, "objectWriteTraceId": "t1"},
            {"id": "2", "idProperty": "row_uid", "properties": other, "objectWriteTraceId": "t2"}]),
        json!([{"id": "1"}, {"id": "2"}]),
    ];
    let sent: Vec<Value> = scene.fake.bodies().into_iter().map(|mut body| body["inputs"].take()).collect();
    assert_eq!(sent, expected);
    assert_eq!(scene.hubspot.write("contacts", Writing::Create, &[]).await.unwrap(), []);
    assert_eq!(scene.fake.asked().len(), 4, "nothing to write, nothing sent");

    let v3 = steps_with(Settings { api_version: ApiVersion::V3, ..Settings::default() }, [answer(204, "")]);
    v3.hubspot.write("deals", Writing::Archive, &inputs).await.unwrap();
    assert_eq!(v3.fake.asked(), ["POST /crm/v3/objects/deals/batch/archive"]);
}

#[tokio::test(start_paused = true)]
async fn an_archive_is_answered_without_a_word_and_tells_no_record() {
    let scene = steps([answer(204, "")]);
    let outcomes = scene.hubspot.write("deals", Writing::Archive, &two()).await.unwrap();
    let done = || Outcome::Done(WrittenRecord { record: None, created: false });
    assert_eq!(outcomes, [done(), done()]);
}

#[tokio::test(start_paused = true)]
async fn p9_an_unknown_outcome_is_never_sent_again() {
    for trouble in [unknown(), answer(500, ""), answer(504, "<html>"), answer(524, ""), answer(408, "{}"), Step::Hang] {
        let scene = steps([trouble]);
        let outcomes = scene.hubspot.write("contacts", Writing::Create, &two()).await.unwrap();
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert!(matches!(&outcome, Outcome::Unknown(why) if why.contains("not known")), "{outcome:?}");
        }
        assert_eq!(scene.fake.asked().len(), 1);
    }
    for body in ["", "{", "<html>", "[]", r#"{"results":[{}]"#, r#"{"results":7}"#] {
        let scene = steps([answer(201, body)]);
        let outcomes = scene.hubspot.write("contacts", Writing::Create, &two()).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown(_))), "{body}: {outcomes:?}");
        assert_eq!(scene.fake.asked().len(), 1, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn p9_what_was_turned_away_is_sent_again_after_its_time_and_a_timeout_after_that_is_final() {
    let locked = || answer(423, r#"{"status":"error","message":"locked"}"#);
    let fine = || batch(200, &[result(1, json!({"name": "A"}), None), result(2, json!({}), None)], &[]);
    let scene = steps([not_sent(), throttled("TEN_SECONDLY_ROLLING"), locked(), throttled("SECONDLY"), fine()]);
    let outcomes = scene.hubspot.write("contacts", Writing::Update, &two()).await.unwrap();
    assert_eq!(outcomes.iter().map(written).collect::<Vec<_>>(), [("1", false), ("2", false)]);
    let times = scene.fake.times();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((0.5..1.1).contains(&gaps[0]), "never left: {gaps:?}");
    assert!((10.0..10.5).contains(&gaps[1]), "ten seconds: {gaps:?}");
    assert!((2.0..4.1).contains(&gaps[2]), "a lock: {gaps:?}");
    assert!((1.0..1.5).contains(&gaps[3]), "a second: {gaps:?}");
    let bodies = scene.fake.bodies();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same traces each time");

    let scene = steps([throttled("SECONDLY"), Step::Hang]);
    let outcomes = scene.hubspot.write("contacts", Writing::Update, &two()).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unknown(_))), "{outcomes:?}");
    assert_eq!(scene.fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_definite_and_means_that_nothing_was_done() {
    let scopes = r#"{"status":"error","message":"This app hasn't been granted all required scopes.","category":"MISSING_SCOPES",
        "errors":[{"message":"x","context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}]}"#;
    let moving = || Step::Answer(with_header(response(477, "{}"), "Retry-After", "7200"));
    let refused = || answer(401, r#"{"category":"INVALID_AUTHENTICATION"}"#);
    let cases = [
        (vec![throttled("DAILY")], RemoteErrorKind::DailyLimit),
        (vec![answer(403, scopes)], RemoteErrorKind::MissingScope),
        (vec![moving()], RemoteErrorKind::ComeBack(Duration::from_secs(7_200))),
        (vec![refused(), refused()], RemoteErrorKind::Authentication),
        // What a gateway in between says is about no input.
        (vec![answer(403, "<html>blocked</html>")], RemoteErrorKind::Unreadable),
        (vec![answer(302, "")], RemoteErrorKind::Unreadable),
        (vec![answer(404, "<html>no such site</html>")], RemoteErrorKind::NotFound),
    ];
    for (script, kind) in cases {
        let scene = steps(script);
        let error = scene.hubspot.write("contacts", Writing::Update, &two()[..1]).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
    let scene = scene(Settings::default(), |_| not_sent());
    let error = scene.hubspot.write("contacts", Writing::Create, &two()).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unavailable, "it never left");
}

#[tokio::test(start_paused = true)]
async fn p13_a_whole_refusal_of_several_may_be_cut_and_of_one_is_its_own() {
    let embedded = r#"[{\"isValid\":false,\"message\":\"no\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"nmae\"},{\"name\":\"ctiy\"}]"#;
    let invalid = format!(
        r#"{{"status":"error","message":"Property values were not valid: {embedded}","correlationId":"8a3f6c3a-01",
            "errors":[{{"message":"Property \"nmae\" does not exist","code":"PROPERTY_DOESNT_EXIST",
            "context":{{"propertyName":["nmae"]}}}}],"category":"VALIDATION_ERROR"}}"#
    );
    let scene = steps([answer(400, &invalid), answer(400, &invalid)]);
    let error = scene.hubspot.write("contacts", Writing::Create, &two()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (RemoteErrorKind::Refused, Some(400)));
    let outcomes = scene.hubspot.write("contacts", Writing::Create, &two()[..1]).await.unwrap();
    let told = refusal(&outcomes[0]);
    assert_eq!((told.status, told.category.as_deref()), (Some(400), Some("VALIDATION_ERROR")));
    assert_eq!(
        (told.properties.as_slice(), told.correlation_id.as_deref()),
        (&names(["nmae", "ctiy"])[..], Some("8a3f6c3a-01"))
    );
    assert!(told.message.starts_with("Property values were not valid") && !told.not_found, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_names_the_record_that_is_there_or_does_not() {
    let conflict = |message: &str| {
        answer(409, &json!({"status": "error", "message": message, "category": "CONFLICT"}).to_string())
    };
    let scene = steps([
        conflict("Contact already exists"),
        conflict("Contact already exists. Existing ID: 51"),
        conflict("Contact already exists"),
    ]);
    let error = scene.hubspot.write("contacts", Writing::Create, &two()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (RemoteErrorKind::Refused, Some(409)));
    let told = scene.hubspot.write("contacts", Writing::Create, &two()[..1]).await.unwrap();
    assert_eq!(refusal(&told[0]).existing, Some(RecordId::from("51")));
    let told = scene.hubspot.write("contacts", Writing::Create, &two()[..1]).await.unwrap();
    assert_eq!((refusal(&told[0]).existing.as_ref(), refusal(&told[0]).status), (None, Some(409)));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_there_is_told_only_where_inputs_name_records() {
    let gone = || answer(404, r#"{"status":"error","message":"resource not found","correlationId":"0f"}"#);
    let scene = steps([gone(), gone(), gone(), gone()]);
    for how in [Writing::Archive, Writing::Update] {
        let told = scene.hubspot.write("deals", how, &two()[..1]).await.unwrap();
        assert!(refusal(&told[0]).not_found && refusal(&told[0]).status == Some(404), "{told:?}");
    }
    let error = scene.hubspot.write("deals", Writing::Archive, &two()).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Refused, "one of two may be there");
    let error = scene.hubspot.write("deals", Writing::Create, &two()[..1]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_call_too_large_for_one_request_takes_several_and_loses_no_input() {
    let long = "x".repeat(400_000);
    let five: Vec<WriteInput> =
        (0..5).map(|number| input(&format!("t{number}"), &number.to_string(), &[("note", &long)])).collect();
    let done = |ids: &[u64]| batch(200, &ids.iter().map(|id| result(*id, json!({}), None)).collect::<Vec<_>>(), &[]);
    let said = |outcomes: &[Outcome<WrittenRecord>]| -> Vec<&str> {
        let word = |outcome: &Outcome<WrittenRecord>| match outcome {
            Outcome::Done(_) => "done",
            Outcome::Refused(_) => "refused",
            Outcome::Unknown(_) => "unknown",
            Outcome::NotDone(error) if error.kind == RemoteErrorKind::Refused => "cut",
            Outcome::NotDone(_) => "not done",
        };
        outcomes.iter().map(word).collect()
    };
    let bad = || answer(400, r#"{"message":"no","category":"VALIDATION_ERROR"}"#);
    let cases = [
        (vec![done(&[1, 0]), done(&[2, 3]), done(&[4])], vec!["done"; 5]),
        (vec![done(&[0, 1]), throttled("DAILY")], vec!["done", "done", "not done", "not done", "not done"]),
        (vec![done(&[0, 1]), unknown(), done(&[4])], vec!["done", "done", "unknown", "unknown", "done"]),
        (vec![bad(), done(&[3, 2]), bad()], vec!["cut", "cut", "done", "done", "refused"]),
    ];
    for (script, expected) in cases {
        let scene = steps(script);
        let outcomes = scene.hubspot.write("notes", Writing::Update, &five).await.unwrap();
        assert_eq!(said(&outcomes), expected);
        assert!(scene.fake.requests().iter().all(|request| request.body.as_ref().unwrap().len() < 1 << 20));
    }
    let scene = steps([bad(), throttled("DAILY")]);
    let error = scene.hubspot.write("notes", Writing::Update, &five).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::DailyLimit, "nothing at all was done");
    assert_eq!(scene.fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s2_no_outcome_repeats_the_token() {
    let token = crate::script::TOKEN;
    let item = json!({"status": "error", "category": token, "message": format!("{}{token}", "x".repeat(290)),
        "context": {"objectWriteTraceId": ["t1"], "propertyName": [token], "existingId": [token]}});
    let whole = json!({"message": token, "category": token, "errors": [{"context": {"propertyName": [token]}}]});
    let scene = steps([
        batch(207, &[], std::slice::from_ref(&item)),
        answer(400, &whole.to_string()),
        batch(207, &[], &[item]),
    ]);
    let Scene { hubspot, .. } = &scene;
    let first = hubspot.write("contacts", Writing::Create, &two()).await.unwrap();
    let second = hubspot.write("contacts", Writing::Create, &two()[..1]).await.unwrap();
    let types = vec![("HUBSPOT_DEFINED".to_owned(), 279)];
    let pair = PairLabels { from: RecordId::from("1"), to: RecordId::from("2"), types };
    let third = hubspot.relabel("contacts", "companies", &[pair]).await.unwrap();
    let shown = format!("{first:?} {second:?} {third:?}");
    assert!(!shown.contains("pat-na1") && !shown.contains("canary"), "{shown}");
}
