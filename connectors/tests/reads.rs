//! Lists, searches, batches and associations: what is asked, and what is made of the answers.

use crate::script::{DATE, Scene, Step, answer, many_names, names, page, query, record, response, scene, steps};
use connectors::http::Request;
use connectors::hubspot::{ApiVersion, Settings};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sync_core::model::{RecordId, Timestamp};
use sync_core::remote::ChangedQuery;
use sync_core::{Remote, RemoteErrorKind};

fn window(from: i64, to: Option<i64>) -> ChangedQuery {
    let (from, to) = (Timestamp::from_millis(from), to.map(Timestamp::from_millis));
    ChangedQuery { from, to, after_id: None, step: None }
}

fn ids(range: std::ops::Range<u64>) -> Vec<RecordId> {
    range.map(RecordId::from).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_carries_its_properties_in_the_url_and_asks_for_merges_and_dates_by_itself() {
    let scene = steps([answer(200, &page([1, 2], Some("33452"))), answer(200, &page([], None))]);
    let page = scene.hubspot.list("contacts", false, None, &names(["email", "lastmodifieddate"])).await.unwrap();
    assert_eq!(page.records.len(), 2);
    assert_eq!(page.next.as_deref(), Some("33452"));
    assert_eq!(page.server_time.to_string(), "2026-11-22T10:00:00.000Z");
    let last = scene.hubspot.list("contacts", true, page.next.as_deref(), &[]).await.unwrap();
    assert!(last.records.is_empty() && last.next.is_none());
    let asked = scene.fake.asked();
    assert!(asked[0].starts_with("GET /crm/objects/2026-09/contacts?limit=100&archived=false&"), "{asked:?}");
    let properties = query(&asked[0], "properties").unwrap();
    assert_eq!(properties, "email,lastmodifieddate,hs_merged_object_ids,hs_calculated_merged_vids");
    assert_eq!((query(&asked[1], "archived"), query(&asked[1], "after")), (Some("true"), Some("33452")));
}

#[tokio::test(start_paused = true)]
async fn s6_the_token_of_the_next_page_is_sent_verbatim_and_its_link_ignored() {
    let scene = steps([answer(200, &page([1], Some("a b/c?d=e&f"))), answer(200, &page([2], None))]);
    let first = scene.hubspot.list("deals", false, None, &[]).await.unwrap();
    scene.hubspot.list("deals", false, first.next.as_deref(), &[]).await.unwrap();
    let asked = scene.fake.asked();
    assert_eq!(query(&asked[1], "after"), Some("a%20b%2Fc%3Fd%3De%26f"));
    assert!(asked.iter().all(|path| !path.contains("evil")));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_names_itself_as_the_next_is_refused() {
    let scene = scene(Settings::default(), |_| answer(200, &page([1], Some("7"))));
    let error = scene.hubspot.list("deals", false, Some("7"), &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
}

#[tokio::test(start_paused = true)]
async fn a_long_property_list_is_read_by_id_and_a_record_that_vanished_meanwhile_is_absent() {
    let wanted = many_names(600, 30);
    let scene = steps([
        answer(200, &page([10, 11, 12], Some("13"))),
        answer(207, &page([12, 10], None)),
        answer(207, &page([], None)),
    ]);
    let page = scene.hubspot.list("deals", true, Some("9"), &wanted).await.unwrap();
    let found: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!((found.as_slice(), page.next.as_deref()), (["10", "12"].as_slice(), Some("13")));
    let asked = scene.fake.asked();
    assert!(asked[0].len() < 300 && asked[0].contains("archived=true"), "{}", asked[0]);
    assert_eq!(asked[1], "POST /crm/objects/2026-09/deals/batch/read?archived=true");
    let body = &scene.fake.bodies()[0];
    assert_eq!(body["inputs"], json!([{"id":"10"},{"id":"11"},{"id":"12"}]));
    assert_eq!(body["properties"].as_array().unwrap().len(), 602);
}

#[tokio::test(start_paused = true)]
async fn p16_a_window_is_walked_by_id() {
    let body = format!(r#"{{"total":12345,"results":[{}],"paging":{{"next":{{"after":"200"}}}}}}"#, record(5));
    let scene = scene(Settings::default(), move |_| answer(200, &body));
    let query =
        ChangedQuery { after_id: Some(RecordId::from("4")), ..window(1_700_000_000_000, Some(1_700_000_060_000)) };
    let page = scene.hubspot.changed("companies", &query, &names(["name"])).await.unwrap();
    assert_eq!((page.total, page.complete, page.next.as_deref()), (12345, true, Some("200")));
    assert_eq!(page.records[0].id.as_str(), "5");
    let step = ChangedQuery { step: page.next.clone(), ..query };
    let same = scene.hubspot.changed("companies", &step, &names(["name"])).await;
    assert_eq!(same.unwrap_err().kind, RemoteErrorKind::Unreadable, "a page that names itself");
    assert_eq!(scene.fake.asked()[0], "POST /crm/objects/2026-09/companies/search");
    let bodies = scene.fake.bodies();
    let filters = json!([
        {"propertyName":"hs_lastmodifieddate","operator":"GTE","value":"1700000000000"},
        {"propertyName":"hs_lastmodifieddate","operator":"LTE","value":"1700000060000"},
        {"propertyName":"hs_object_id","operator":"GT","value":"4"}
    ]);
    let sorts = json!([{"propertyName":"hs_object_id","direction":"ASCENDING"}]);
    let properties = json!(["name", "hs_lastmodifieddate", "hs_merged_object_ids"]);
    let expected = json!({"filterGroups":[{"filters":filters}],"sorts":sorts,"properties":properties,"limit":200});
    assert_eq!(bodies[0], expected, "and no `after`");
    assert_eq!(bodies[1]["after"], json!("200"));
}

#[tokio::test(start_paused = true)]
async fn p2_an_empty_page_with_a_next_one_is_not_the_last() {
    let scene = steps([answer(200, r#"{"total":3,"results":[],"paging":{"next":{"after":"200"}}}"#)]);
    let page = scene.hubspot.changed("contacts", &window(1, None), &[]).await.unwrap();
    assert_eq!((page.records.len(), page.next.as_deref(), page.total), (0, Some("200"), 3));
    assert_eq!(scene.fake.bodies()[0]["filterGroups"][0]["filters"][0]["propertyName"], json!("lastmodifieddate"));
}

#[tokio::test(start_paused = true)]
async fn a_search_body_stays_below_three_thousand_characters_whatever_is_asked_for() {
    let scene = scene(Settings::default(), |_| answer(200, r#"{"total":0,"results":[]}"#));
    let id = "9".repeat(20);
    let query = ChangedQuery {
        after_id: Some(RecordId::from(id)),
        step: Some("10000".to_owned()),
        ..window(1_700_000_000_000, Some(1_700_000_060_000))
    };
    let mut last_complete = 0;
    for count in 0..120 {
        let page = scene.hubspot.changed("contacts", &query, &many_names(count, 28)).await.unwrap();
        let sent = scene.fake.requests().pop().unwrap().body.unwrap();
        let length = String::from_utf8(sent).unwrap().chars().count();
        assert!(length < 3_000, "{count} properties made {length} characters");
        if page.complete {
            last_complete = count;
        } else {
            assert_eq!(scene.fake.bodies().pop().unwrap()["properties"], json!(["lastmodifieddate"]));
        }
    }
    assert!((70..90).contains(&last_complete), "{last_complete} properties fitted");
}

#[tokio::test(start_paused = true)]
async fn a_window_from_the_beginning_of_time_does_not_name_the_epoch() {
    let scene = steps([answer(200, r#"{"total":0,"results":[]}"#)]);
    scene.hubspot.changed("deals", &window(-5, None), &[]).await.unwrap();
    let filters = &scene.fake.bodies()[0]["filterGroups"][0]["filters"];
    assert_eq!(filters, &json!([{"propertyName":"hs_lastmodifieddate","operator":"HAS_PROPERTY"}]));
}

#[tokio::test(start_paused = true)]
async fn counting_asks_for_one_record_of_all() {
    let scene = steps([answer(200, &format!(r#"{{"total":4711,"results":[{}]}}"#, record(1)))]);
    assert_eq!(scene.hubspot.count("deals").await.unwrap(), 4711);
    let body = &scene.fake.bodies()[0];
    assert_eq!(body["limit"], json!(1));
    assert_eq!(
        body["filterGroups"][0]["filters"],
        json!([{"propertyName":"hs_object_id","operator":"GT","value":"0"}])
    );
}

#[tokio::test(start_paused = true)]
async fn p11_a_record_left_out_of_a_batch_without_a_word_is_asked_for_again_and_an_unknown_one_is_not() {
    let unknown = json!({
        "status": "COMPLETE",
        "results": [serde_json::from_str::<Value>(&record(1)).unwrap()],
        "errors": [{"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["3"]}}],
    });
    let scene = steps([answer(207, &unknown.to_string()), answer(200, &page([2], None))]);
    let records = scene.hubspot.read("deals", &ids(1..4), false, &[]).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(scene.fake.asked().len(), 2);
    let bodies = scene.fake.bodies();
    assert_eq!(bodies[1]["inputs"], json!([{"id": "2"}]));
}

#[tokio::test(start_paused = true)]
async fn records_are_read_in_batches_of_a_hundred_several_at_once_and_no_id_twice() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (Arc::clone(&under_way), Arc::clone(&most));
    let scene = scene(Settings::default(), move |request: &Request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let mut inputs: Vec<u64> = body["inputs"].as_array().unwrap().iter().map(number).collect();
        inputs.reverse();
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let done = Arc::clone(&now);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1_900)).await;
            done.fetch_sub(1, Ordering::SeqCst);
        });
        Step::Late(Duration::from_secs(2), response(200, &page(inputs, None)))
    });
    let mut asked = ids(1..1_051);
    asked.extend(ids(1..51));
    let read = scene.hubspot.read("contacts", &asked, false, &names(["email"])).await.unwrap();
    assert_eq!(read.len(), 1_050);
    let bodies = scene.fake.bodies();
    let sizes: Vec<usize> = bodies.iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 50]);
    assert_eq!(most.load(Ordering::SeqCst), 6);
    assert!(scene.hubspot.read("contacts", &[], false, &[]).await.unwrap().is_empty());
}

fn number(input: &Value) -> u64 {
    input["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn p11_unknown_ids_are_absent_and_a_merged_one_is_answered_by_its_survivor() {
    let body = format!(
        r#"{{"status":"COMPLETE","results":[{}],"numErrors":1,"errors":[{{"status":"error","category":"OBJECT_NOT_FOUND",
            "message":"Could not get some CONTACT objects","context":{{"ids":["2","3"]}}}}]}}"#,
        record(77)
    );
    let scene = steps([answer(207, &body), answer(200, &page([], None))]);
    let read = scene.hubspot.read("contacts", &ids(1..4), false, &[]).await.unwrap();
    assert_eq!(read.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["77"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_an_item_that_says_nothing_about_absence_is_not_taken_for_it() {
    let failing = r#"{"results":[],"errors":[{"status":"error","category":"INTERNAL_ERROR","message":"oops"}]}"#;
    let scene = steps([answer(207, failing), answer(200, &page([1], None))]);
    assert_eq!(scene.hubspot.read("contacts", &ids(1..2), false, &[]).await.unwrap().len(), 1);
}

fn to(id: &str, type_id: i64, label: &str) -> String {
    format!(
        r#"{{"toObjectId":{id},"associationTypes":[{{"category":"HUBSPOT_DEFINED","typeId":{type_id},"label":{label}}},
            {{"category":"HUBSPOT_DEFINED","typeId":279,"label":null}}]}}"#
    )
}

fn item(from: &str, to: &[String], after: Option<&str>) -> String {
    let paging = after.map_or_else(String::new, |after| format!(r#","paging":{{"next":{{"after":"{after}"}}}}"#));
    format!(r#"{{"from":{{"id":{from}}},"to":[{}]{paging}}}"#, to.join(","))
}

fn nothing(from: &str) -> String {
    format!(
        r#"{{"status":"error","category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND",
            "message":"No company is associated with contact {from}.","context":{{"fromObjectId":["{from}"],
            "fromObjectType":["contact"],"toObjectType":["company"]}}}}"#
    )
}

fn said(results: &[String], errors: &[String]) -> Step {
    answer(207, &format!(r#"{{"results":[{}],"errors":[{}]}}"#, results.join(","), errors.join(",")))
}

#[tokio::test(start_paused = true)]
async fn associations_tell_everything_nothing_or_that_they_do_not_know() {
    let invalid =
        r#"{"category":"VALIDATION_ERROR","subCategory":"crm.associations.INVALID_IDENTIFIER","message":"no"}"#;
    let first = item(r#""1""#, &[to("29022297485", 1, r#""Primary""#)], None);
    let scene = steps([said(&[first, item("99", &[], None)], &[nothing("2"), invalid.to_owned()])]);
    let told = scene.hubspot.associations("contacts", "companies", &ids(1..5)).await.unwrap();
    let from: Vec<&str> = told.iter().map(|association| association.from.as_str()).collect();
    assert_eq!(from, ["1", "2"], "3 and 4 are unknown, 99 was not asked for");
    assert!(told[1].to.is_empty());
    let kinds: Vec<_> =
        told[0].to.iter().map(|to| (to.id.as_str(), to.kind.type_id, to.kind.label.as_deref())).collect();
    assert_eq!(kinds, [("29022297485", 1, Some("Primary")), ("29022297485", 279, None)]);
    assert_eq!(scene.fake.asked(), ["POST /crm/associations/2026-09/contacts/companies/batch/read"]);
    assert_eq!(scene.hubspot.usage().associations, 1);
}

#[tokio::test(start_paused = true)]
async fn associations_are_paged_for_each_record_by_itself() {
    let scene = steps([
        said(&[item("1", &[to("10", 1, "null")], Some("MC0yLTE%3D")), item("2", &[to("20", 1, "null")], None)], &[]),
        said(&[item("1", &[to("11", 1, "null")], None)], &[]),
    ]);
    let told = scene.hubspot.associations("contacts", "companies", &ids(1..3)).await.unwrap();
    assert_eq!(told[0].to.len(), 4);
    assert_eq!(told[1].to.len(), 2);
    assert_eq!(scene.fake.bodies()[1], json!({"inputs":[{"id":"1","after":"MC0yLTE%3D"}]}), "the token is opaque");
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_later_page_is_missing_is_unknown() {
    let scene = steps([said(&[item("1", &[to("10", 1, "null")], Some("x"))], &[]), said(&[], &[])]);
    assert!(scene.hubspot.associations("contacts", "companies", &ids(1..2)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn associations_are_asked_for_a_thousand_records_at_a_time() {
    let scene = scene(Settings::default(), |request| {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let errors: Vec<String> =
            body["inputs"].as_array().unwrap().iter().map(|input| nothing(&number(input).to_string())).collect();
        said(&[], &errors)
    });
    let told = scene.hubspot.associations("contacts", "companies", &ids(1..2_502)).await.unwrap();
    assert_eq!(told.len(), 2_501);
    assert_eq!(told[2_500].from.as_str(), "2501");
    let sizes: Vec<usize> = scene.fake.bodies().iter().map(|body| body["inputs"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1000, 1000, 501]);
}

#[tokio::test(start_paused = true)]
async fn the_older_api_has_other_paths_and_nothing_else() {
    let settings = Settings { api_version: ApiVersion::V3, ..Settings::default() };
    let scene = scene(settings, |_| answer(200, r#"{"results":[],"total":0}"#));
    scene.hubspot.list("deals", false, None, &[]).await.unwrap();
    scene.hubspot.read("deals", &ids(1..2), false, &[]).await.unwrap();
    scene.hubspot.changed("deals", &window(1, None), &[]).await.unwrap();
    scene.hubspot.associations("deals", "contacts", &ids(1..2)).await.unwrap();
    let asked: Vec<String> = scene.fake.asked().iter().map(|line| line.split('?').next().unwrap().to_owned()).collect();
    let expected = [
        "GET /crm/v3/objects/deals",
        "POST /crm/v3/objects/deals/batch/read",
        // Once more, because the first answer said nothing about the record.
        "POST /crm/v3/objects/deals/batch/read",
        "POST /crm/v3/objects/deals/search",
        "POST /crm/v4/associations/deals/contacts/batch/read",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn p38_the_clock_is_the_remotes_even_when_an_answer_does_not_tell_it() {
    let silent = |body: &str| Step::Answer(connectors::http::Response { headers: Vec::new(), ..response(200, body) });
    let scene = steps([answer(200, &page([], None)), silent(&page([], None))]);
    let told = scene.hubspot.list("deals", false, None, &[]).await.unwrap().server_time;
    tokio::time::sleep(Duration::from_secs(90)).await;
    let derived = scene.hubspot.list("deals", false, None, &[]).await.unwrap().server_time;
    assert_eq!(derived.since(told).as_secs(), 90, "from {DATE}");

    let never = self::scene(Settings::default(), move |_| silent(&page([], None)));
    let error = never.hubspot.list("deals", false, None, &[]).await.unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Unreadable);
}

#[tokio::test(start_paused = true)]
async fn no_object_type_leads_out_of_its_path() {
    let Scene { hubspot, fake, .. } = scene(Settings::default(), |_| answer(200, &page([], None)));
    for object in ["", ".", ".."] {
        assert_eq!(hubspot.list(object, false, None, &[]).await.unwrap_err().kind, RemoteErrorKind::Refused);
    }
    hubspot.list("../../owners?x=", false, None, &[]).await.unwrap();
    // The first call looks for an object type of that name.
    assert!(
        fake.asked().last().unwrap().starts_with("GET /crm/objects/2026-09/..%2F..%2Fowners%3Fx%3D?"),
        "{:?}",
        fake.asked()
    );
}
