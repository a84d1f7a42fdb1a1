use serde_json::{Value as Json, json};
use simulator::{Cleared, DataSize, ListAfter, OverLimit, Request, Settings, Value};

use crate::client::{Client, ids, quiet, text};

fn three() -> (Client, Vec<u64>) {
    let mut client = Client::quiet();
    let mut made: Vec<u64> =
        ["a", "b", "c"].iter().map(|n| client.create("contacts", &[("firstname", n), ("email", "")])).collect();
    made.sort_unstable();
    (client, made)
}

#[test]
fn a_list_is_in_id_order_and_after_is_the_last_id_plus_one() {
    let (mut client, made) = three();
    let (_, page) = client.get("/crm/v3/objects/contacts?limit=2");
    assert_eq!(ids(&page), made[..2]);
    assert_eq!(page["paging"]["next"]["after"], (made[1] + 1).to_string());
    assert!(page.get("total").is_none());
    let (_, last) = client.get(&format!("/crm/v3/objects/contacts?limit=2&after={}", made[1] + 1));
    assert_eq!(ids(&last), made[2..]);
    assert!(last.get("paging").is_none());
}

#[test]
fn after_is_a_lower_bound_that_need_not_exist() {
    let (mut client, made) = three();
    let (_, page) = client.get(&format!("/crm/v3/objects/contacts?after={}", made[1] - 1));
    assert_eq!(ids(&page), made[1..]);
    let (_, page) = client.get("/crm/v3/objects/contacts?after=999999999999999");
    assert_eq!(ids(&page), Vec::<u64>::new());
}

#[test]
fn after_may_be_an_offset_or_a_word_instead() {
    for (meaning, next) in [(ListAfter::Offset, "2".to_owned()), (ListAfter::Token, "page_".to_owned())] {
        let (mut client, made) = three();
        client.portal.switches_mut().list_after = meaning;
        let (_, page) = client.get("/crm/v3/objects/contacts?limit=2");
        let after = page["paging"]["next"]["after"].as_str().unwrap().to_owned();
        assert!(after.starts_with(&next), "{after}");
        let (_, last) = client.get(&format!("/crm/v3/objects/contacts?limit=2&after={after}"));
        assert_eq!((ids(&last), last.get("paging")), (made[2..].to_vec(), None));
    }
    let (mut client, made) = three();
    client.portal.switches_mut().list_after = ListAfter::Token;
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts?after={}", made[1])).0, 400);
}

#[test]
fn the_next_link_points_somewhere_else_and_must_not_be_followed() {
    let (mut client, _) = three();
    let (_, page) = client.get("/crm/objects/2026-09/contacts?limit=1");
    let link = page["paging"]["next"]["link"].as_str().unwrap();
    assert!(link.starts_with("https://api.hubspot.com/crm/objects/v3/"), "{link}");
}

#[test]
fn both_path_families_and_every_name_of_a_type_lead_to_the_same_list() {
    let (mut client, made) = three();
    for name in ["contacts", "contact", "CONTACT", "0-1"] {
        for path in ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"] {
            let (status, page) = client.get(&format!("{path}/{name}"));
            assert_eq!((status, ids(&page)), (200, made.clone()), "{path}/{name}");
        }
    }
    let portal = client.portal.settings().portal_id;
    assert_eq!(client.get(&format!("/crm/v3/objects/p{portal}_machine")).0, 200);
    assert_eq!(client.get("/crm/v3/objects/machine").0, 400);
    assert_eq!(client.get("/crm/objects/2025-09/contacts").0, 404);
    assert_eq!(client.get("/crm/objects/v9/contacts").0, 404);
}

#[test]
fn an_unknown_object_type_is_a_400_without_category() {
    let mut client = Client::quiet();
    let request = Request::get("/crm/v3/objects/butterflies", client.portal.token());
    let body = text(&client.send(&request));
    let expected = r#"{"status":"error","message":"Unable to infer object type from: butterflies","correlationId":""#;
    assert!(body.starts_with(expected), "{body}");
    assert!(!body.contains("category"), "{body}");
}

#[test]
fn ids_and_dates_always_come_and_defaults_only_when_nothing_is_asked_for() {
    let (mut client, _) = three();
    let keys = |page: &Json| page["results"][0]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (_, page) = client.get("/crm/v3/objects/contacts?limit=1");
    assert_eq!(keys(&page), ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]);
    let (_, page) = client.get("/crm/v3/objects/contacts?limit=1&properties=phone,no_such_thing");
    assert_eq!(keys(&page), ["createdate", "hs_object_id", "lastmodifieddate", "phone"]);
    client.create("notes", &[("hs_note_body", "x")]);
    let (_, page) = client.get("/crm/v3/objects/notes");
    assert_eq!(keys(&page), ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]);
}

#[test]
fn never_set_is_null_and_cleared_is_the_empty_string() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("firstname", "Ada")]);
    client.wait(5);
    client.edit("contacts", id, &[("firstname", "")]);
    let path = format!("/crm/v3/objects/contacts/{id}?properties=firstname,lastname");
    let (_, record) = client.get(&path);
    assert_eq!(record["properties"]["firstname"], "");
    assert_eq!(record["properties"]["lastname"], Json::Null);
    client.portal.switches_mut().cleared = Cleared::Null;
    assert_eq!(client.get(&path).1["properties"]["firstname"], Json::Null);
}

#[test]
fn timestamps_lose_their_milliseconds_when_those_are_zero() {
    let mut client = Client::quiet();
    let whole = client.create("contacts", &[("firstname", "whole")]);
    client.wait(72);
    let broken = client.create("contacts", &[("firstname", "broken")]);
    let (_, record) = client.get(&format!("/crm/v3/objects/contacts/{whole}"));
    assert_eq!(record["createdAt"], "2026-10-05T12:00:00Z");
    let (_, record) = client.get(&format!("/crm/v3/objects/contacts/{broken}"));
    assert_eq!(record["createdAt"], "2026-10-05T12:00:00.072Z");
    assert_eq!(record["properties"]["lastmodifieddate"], record["updatedAt"]);
}

#[test]
fn a_limit_over_one_hundred_is_refused_or_clamped_as_switched() {
    let mut client = Client::new(Settings::sized(150, 0, 0, 0));
    let (status, body) = client.get("/crm/v3/objects/contacts?limit=101");
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    client.portal.switches_mut().over_limit = OverLimit::Clamp;
    let (status, body) = client.get("/crm/v3/objects/contacts?limit=500");
    assert_eq!((status, ids(&body).len()), (200, 100));
}

#[test]
fn the_archived_list_holds_only_archived_records_with_their_date() {
    let (mut client, made) = three();
    client.wait(1_500);
    client.portal.archive(client.now, "contacts", made[1]).unwrap();
    let (_, page) = client.get("/crm/v3/objects/contacts?archived=true");
    assert_eq!(ids(&page), [made[1]]);
    assert_eq!(page["results"][0]["archived"], true);
    assert_eq!(page["results"][0]["archivedAt"], "2026-10-05T12:00:01.500Z");
    assert_eq!(ids(&client.get("/crm/v3/objects/contacts").1), [made[0], made[2]]);
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts/{}", made[1])).0, 404);
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts/{}?archived=true", made[1])).0, 200);
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts/{}?archived=true", made[0])).0, 404);
}

#[test]
fn a_merged_away_id_answers_with_the_survivor_under_another_id() {
    let (mut client, made) = three();
    let survivor = client.portal.merge(client.now, "contacts", made[0], made[1]).unwrap();
    assert!(!made.contains(&survivor));
    for id in [made[0], made[1], survivor] {
        let (status, record) = client.get(&format!("/crm/v3/objects/contacts/{id}"));
        assert_eq!((status, &record["id"]), (200, &json!(survivor.to_string())));
    }
    let mut left = vec![made[2], survivor];
    left.sort_unstable();
    assert_eq!(ids(&client.get("/crm/v3/objects/contacts").1), left);
    assert!(ids(&client.get("/crm/v3/objects/contacts?archived=true").1).is_empty());
}

#[test]
fn a_missing_number_and_a_missing_word_are_different_404s() {
    let mut client = Client::quiet();
    let (status, body) = client.get("/crm/v3/objects/contacts/12345");
    assert_eq!((status, &body["message"]), (404, &json!("resource not found")));
    assert!(body.get("category").is_none());
    let (status, body) = client.get("/crm/v3/objects/contacts/abc");
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    assert_eq!(body["message"], "Object not found.  objectId are usually numeric.");
    assert_eq!(body["context"]["id"], json!(["abc"]));
}

#[test]
fn a_record_is_found_by_its_email_in_any_case_but_not_by_any_property() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("email", "Ada@Example.com")]);
    let (_, record) = client.get("/crm/v3/objects/contacts/ADA%40example.com?idProperty=email");
    assert_eq!(record["id"], id.to_string());
    assert_eq!(record["properties"]["email"], "ada@example.com");
    assert_eq!(client.get("/crm/v3/objects/contacts/Ada?idProperty=firstname").0, 400);
    assert_eq!(client.get("/crm/v3/objects/contacts/x%40y.z?idProperty=email").0, 404);
}

#[test]
fn history_is_newest_first_and_limits_the_page_to_fifty() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("firstname", "one")]);
    for value in ["two", "three"] {
        client.wait(1_000);
        client.edit("contacts", id, &[("firstname", value)]);
    }
    let (_, page) = client.get("/crm/v3/objects/contacts?limit=50&propertiesWithHistory=firstname");
    let versions = page["results"][0]["propertiesWithHistory"]["firstname"].as_array().unwrap();
    let values: Vec<&str> = versions.iter().map(|v| v["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["three", "two", "one"]);
    assert_eq!(versions[0]["sourceType"], "CRM_UI");
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=51&propertiesWithHistory=firstname").0, 400);
}

#[test]
fn inline_associations_name_a_record_once_for_each_type() {
    let mut client = Client::quiet();
    let contact = client.create("contacts", &[("firstname", "Ada")]);
    let company = client.create("companies", &[("name", "Acme")]);
    let hubspot = simulator::Category::HubspotDefined;
    client.portal.associate(client.now, "contacts", contact, "companies", company, hubspot, 1).unwrap();
    let (_, page) = client.get("/crm/v3/objects/contacts?associations=companies,deals,dragons");
    let found = &page["results"][0]["associations"];
    let id = company.to_string();
    let both = json!([{"id": id, "type": "contact_to_company"}, {"id": id, "type": "contact_to_company_unlabeled"}]);
    assert_eq!(found, &json!({"companies": {"results": both}}));
}

#[test]
fn a_url_over_sixteen_kilobytes_is_a_414_without_json() {
    let mut client = Client::quiet();
    let request =
        Request::get(format!("/crm/v3/objects/contacts?properties={}", "x".repeat(17_000)), client.portal.token());
    let response = client.send(&request);
    assert_eq!(response.status, 414);
    assert!(text(&response).starts_with("<html>"));
}

#[test]
fn a_lone_surrogate_reaches_the_wire_as_it_is_stored() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("firstname", "x")]);
    let odd = [("firstname", Value::raw(r"bro\ud800ken")), ("annualrevenue", "123456789012345678901234567890".into())];
    client.portal.edit(client.now, "contacts", id, &odd).unwrap();
    let path = format!("/crm/v3/objects/contacts/{id}?properties=firstname,annualrevenue");
    let request = Request::get(path, client.portal.token());
    let body = text(&client.send(&request));
    assert!(body.contains(r#""firstname":"bro\ud800ken""#), "{body}");
    assert!(body.contains(r#""annualrevenue":"123456789012345678901234567890""#), "{body}");
    assert_eq!(client.portal.record("contacts", id).unwrap().properties["firstname"], Value::raw(r"bro\ud800ken"));
}

#[test]
fn young_records_may_get_smaller_ids_than_old_ones_and_all_are_large() {
    let mut client = Client::quiet();
    let made: Vec<u64> = (0..20).map(|_| client.create("deals", &[("dealname", "d")])).collect();
    assert!(made.iter().all(|id| *id > u64::from(u32::MAX)));
    assert!(made.windows(2).any(|w| w[1] < w[0]), "{made:?}");
}

#[test]
fn a_silent_duplicate_does_not_change_where_the_next_page_begins() {
    let mut client = Client::new(Settings { data: DataSize { contacts: 30, ..DataSize::none() }, ..quiet() });
    client.portal.inject(simulator::FaultKind::Duplicate, simulator::When::path("/contacts"));
    let (_, page) = client.get("/crm/v3/objects/contacts?limit=10");
    let rows = ids(&page);
    assert_eq!((rows.len(), rows[10]), (11, rows[0]));
    assert_eq!(page["paging"]["next"]["after"], (rows[9] + 1).to_string());
}
