//! Bodies as they come, and as they should not come.

use crate::script::{Step, answer, record, response, scene, steps};
use connectors::http::Response;
use connectors::hubspot::Settings;
use proptest::prelude::{any, prop};
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;
use sync_core::model::{RecordId, Timestamp};
use sync_core::remote::ChangedQuery;
use sync_core::{Remote, RemoteErrorKind};

const TIMES: &str = r#""createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z""#;

#[tokio::test(start_paused = true)]
async fn p41_one_odd_value_spoils_neither_its_record_nor_its_page() {
    let odd =
        r#"{"a":"\ud800","n":123456789012345678901234567890,"t":"x\u0000y","e":"","m":"ünï😀","z":null,"deep":[[1]]}"#;
    let body = format!(r#"{{"results":[{{"id":1,"properties":{odd},{TIMES}}},{}],"more":{{}}}}"#, record(2));
    let scene = steps([answer(200, &body)]);
    let page = scene.hubspot.list("deals", false, None, &[]).await.unwrap();
    assert_eq!(page.records[0].properties.as_json(), odd);
    assert_eq!(page.records[0].properties.get("n").as_deref(), Some("123456789012345678901234567890"));
    assert_eq!(page.records[1].id.as_str(), "2");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_utf8_are_replaced_and_the_rest_is_kept() {
    let mut body = br#"{"results":[{"id":"1","properties":{"a":"x"#.to_vec();
    body.extend_from_slice(b"\xff\xfe");
    body.extend_from_slice(format!(r#"y"}},{TIMES}}}]}}"#).as_bytes());
    let scene = steps([Step::Answer(Response { body, ..response(200, "") })]);
    let page = scene.hubspot.list("deals", false, None, &[]).await.unwrap();
    assert_eq!(page.records[0].properties.get("a").as_deref(), Some("x\u{FFFD}\u{FFFD}y"));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_named_after_the_page_was_asked_for_again() {
    let body = format!(r#"{{"results":[{},{{"id":"4711","properties":{{}},"createdAt":"?"}}]}}"#, record(1));
    let scene = scene(Settings::default(), move |_| answer(200, &body));
    let error = scene.hubspot.list("deals", false, None, &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
    assert!(error.message.contains("record 4711"), "{error}");
    assert!(scene.fake.asked().len() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_without_results_is_never_an_empty_page() {
    for body in ["{}", r#"{"status":"COMPLETE"}"#, "null", "[]", r#"{"results":null}"#, "<html></html>", ""] {
        let text = body.to_owned();
        let scene = scene(Settings::default(), move |_| answer(200, &text));
        assert_eq!(scene.hubspot.list("deals", false, None, &[]).await.unwrap_err().kind, RemoteErrorKind::Unreadable);
        let read = scene.hubspot.read("deals", &[RecordId::from("1")], false, &[]).await;
        assert_eq!(read.unwrap_err().kind, RemoteErrorKind::Unreadable, "{body}");
        let associations = scene.hubspot.associations("deals", "contacts", &[RecordId::from("1")]).await;
        assert_eq!(associations.unwrap_err().kind, RemoteErrorKind::Unreadable, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_edge_become_one_line_without_control_characters() {
    let html = "<html>\r\n<title>\u{1b}]52;c;evil\u{7}400 Bad Request</title></html>";
    let scene = steps([answer(400, html), answer(400, ""), answer(404, r#"{"message":7,"errors":"x","context":[]}"#)]);
    for _ in 0..3 {
        let error = scene.hubspot.association_labels("contacts", "deals").await.unwrap_err();
        assert!(!error.message.chars().any(char::is_control), "{error}");
        assert!(error.message.ends_with('.'), "{error}");
    }
}

/// Every method that decodes a body, against one body.
async fn decode_everything(body: Vec<u8>, status: u16) {
    let settings = Settings { give_up_after: Duration::from_secs(5), ..Settings::default() };
    let scene = scene(settings, move |_| Step::Answer(Response { body: body.clone(), ..response(status, "") }));
    let (hubspot, ids) = (&scene.hubspot, [RecordId::from("1"), RecordId::from("2")]);
    let query = ChangedQuery { from: Timestamp::from_millis(1), to: None, after_id: None, step: None };
    // The only thing asked is that each comes to an end without a panic.
    let _ = hubspot.account().await;
    let _ = hubspot.object_types().await;
    let _ = hubspot.properties("contacts").await;
    let _ = hubspot.pipelines("deals").await;
    let _ = hubspot.association_labels("deals", "contacts").await;
    let _ = hubspot.count("deals").await;
    let _ = hubspot.list("deals", false, None, &[]).await;
    let _ = hubspot.changed("deals", &query, &[]).await;
    let _ = hubspot.read("deals", &ids, false, &[]).await;
}

const VALID: [&str; 6] = [
    r#"{"portalId":1,"timeZone":"UTC"}"#,
    r#"{"total":1,"results":[{"id":"1","properties":{"hs_merged_object_ids":"2;3","a":"\ud83d\ude00"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00.072Z","archived":true,"archivedAt":"2026-01-03T00:00:00Z"}]}"#,
    r#"{"results":[{"name":"a","type":"enumeration","options":[{"value":"x","displayOrder":1}]}]}"#,
    r#"{"results":[{"id":"default","stages":[{"id":"1","metadata":{"isClosed":"true"}}]}]}"#,
    r#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":1,"label":"P"}],"errors":[{"category":"OBJECT_NOT_FOUND"}]}"#,
    r#"{"status":"error","message":"m","category":"MISSING_SCOPES","errors":[{"context":{"requiredGranularScopes":["a"]}}]}"#,
];

#[test]
fn s13_no_body_makes_the_decoder_panic() {
    let mut runner = TestRunner::new(Config { cases: 192, failure_persistence: None, ..Config::default() });
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 0..6);
    let statuses = prop::sample::select(vec![200u16, 200, 200, 207, 400, 403, 429, 477, 500]);
    let strategy = (prop::sample::select(VALID.to_vec()), edits, statuses);
    let outcome = runner.run(&strategy, |(body, edits, status)| {
        let mut body = body.as_bytes().to_vec();
        for (index, edit, byte) in edits {
            let at = index.index(body.len() + 1);
            match edit {
                0 if at < body.len() => body[at] = byte,
                1 => body.truncate(at),
                2 => body.insert(at, byte),
                _ => {
                    let tail = body[at..].to_vec();
                    body.extend(tail);
                }
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(decode_everything(body, status));
        Ok(())
    });
    outcome.unwrap();
}
