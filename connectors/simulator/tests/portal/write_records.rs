//! Writing one record at a time.

use serde_json::json;
use simulator::{Lag, MergeId, NewProperty, Settings, Switches, UnknownArchive};

use crate::client::{Client, quiet};

const CONTACTS: &str = "/crm/objects/2026-09/contacts";
const DEALS: &str = "/crm/objects/2026-09/deals";

fn id(body: &serde_json::Value) -> u64 {
    body["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_create_answers_with_what_was_given_and_with_what_hubspot_filled_in() {
    let mut client = Client::quiet();
    let given = json!({"properties": {"email": "Siena.Dyer@X.example", "firstname": "Siena", "lastname": ""}});
    let (status, body) = client.post(CONTACTS, &given);
    assert_eq!(status, 201);
    let properties = body["properties"].as_object().unwrap();
    assert_eq!(properties["email"], "siena.dyer@x.example");
    assert_eq!(properties["hs_email_domain"], "x.example");
    assert_eq!(properties["lifecyclestage"], "lead");
    assert_eq!(properties["hs_object_source"], "INTEGRATION");
    assert!(properties.len() > 12, "{properties:?}");
    assert!(properties.get("lastname").is_none(), "an empty value of a new record was never set");
    assert_eq!((&body["archived"], &body["createdAt"]), (&json!(false), &body["updatedAt"]));
    assert_eq!(client.held("contacts", id(&body), "firstname"), "Siena");
}

#[test]
fn an_update_answers_with_what_was_written_and_nothing_else() {
    let mut client = Client::quiet();
    let made = client.create("contacts", &[("email", "a@x.example"), ("firstname", "A")]);
    client.wait(5_000);
    let (status, body) = client.patch(&format!("{CONTACTS}/{made}"), &json!({"properties": {"firstname": "B"}}));
    assert_eq!((status, id(&body)), (200, made));
    let mut names: Vec<&String> = body["properties"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["createdate", "firstname", "hs_object_id", "lastmodifieddate"]);
    assert_eq!(client.portal.record("contacts", made).unwrap().updated_at, client.now);
}

#[test]
fn every_create_through_the_api_is_bumped_once_more_and_an_update_is_not() {
    let switches = Switches { lag: Lag::none(), ..Switches::default() };
    let mut client = Client::new(Settings { switches, ..quiet() });
    let (_, body) = client.post(CONTACTS, &json!({"properties": {"firstname": "A"}}));
    let made = id(&body);
    client.wait(26_000);
    client.portal.advance(client.now);
    let record = client.portal.record("contacts", made).unwrap();
    assert!((1_100..25_100).contains(&(record.updated_at - record.created_at)));
    client.patch(&format!("{CONTACTS}/{made}"), &json!({"properties": {"firstname": "B"}}));
    let written = client.now;
    client.wait(60_000);
    client.portal.advance(client.now);
    assert_eq!(client.portal.record("contacts", made).unwrap().updated_at, written);
}

#[test]
fn writing_what_is_there_moves_no_date_and_an_empty_value_clears() {
    let mut client = Client::quiet();
    let made = client.create("deals", &[("dealname", "d"), ("description", "x")]);
    let before = client.now;
    client.wait(1_000);
    let path = format!("{DEALS}/{made}");
    assert_eq!(client.patch(&path, &json!({"properties": {"dealname": "d"}})).0, 200);
    assert_eq!(client.portal.record("deals", made).unwrap().updated_at, before);
    let (_, body) = client.patch(&path, &json!({"properties": {"description": ""}}));
    assert_eq!(body["properties"]["description"], "");
    let (_, body) = client.get(&format!("{path}?properties=description,hs_next_step"));
    assert_eq!((&body["properties"]["description"], &body["properties"]["hs_next_step"]), (&json!(""), &json!(null)));
}

#[test]
fn an_email_that_a_contact_has_refuses_a_second_one_and_says_whose_it_is() {
    let mut client = Client::quiet();
    let holder = client.create("contacts", &[("email", "a@x.example")]);
    let other = client.create("contacts", &[("email", "b@x.example")]);
    let asked = json!({"properties": {"email": "A@x.example"}});
    let said = json!(format!("Contact already exists. Existing ID: {holder}"));
    let (status, body) = client.post(CONTACTS, &asked);
    assert_eq!((status, &body["category"], &body["message"]), (409, &json!("CONFLICT"), &said));
    let (status, body) = client.patch(&format!("{CONTACTS}/{other}"), &asked);
    assert_eq!((status, &body["message"]), (409, &said));
    assert_eq!(client.patch(&format!("{CONTACTS}/{holder}"), &asked).0, 200, "its own email is no conflict");
}

#[test]
fn an_email_that_a_contact_got_by_a_merge_refuses_a_second_one_as_its_first_does() {
    let mut client = Client::quiet();
    let [a, b] = ["a@x.example", "b@x.example"].map(|email| client.create("contacts", &[("email", email)]));
    let survivor = client.portal.merge(client.now, "contacts", a, b).unwrap();
    let said = json!(format!("Contact already exists. Existing ID: {survivor}"));
    for email in ["a@x.example", "B@x.example"] {
        let (status, body) = client.post(CONTACTS, &json!({"properties": {"email": email}}));
        assert_eq!((status, &body["category"], &body["message"]), (409, &json!("CONFLICT"), &said), "{email}");
    }
    assert_eq!(client.held("contacts", survivor, "email"), "a@x.example");
}

#[test]
fn a_custom_unique_property_is_enforced_and_a_companys_domain_is_not() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "companies", &NewProperty::unique("sync_key")).unwrap();
    let company = json!({"properties": {"name": "A", "domain": "https://www.A.example/home", "sync_key": "k1"}});
    let (status, first) = client.post("/crm/v3/objects/companies", &company);
    assert_eq!((status, &first["properties"]["domain"]), (201, &json!("a.example")));
    assert_eq!(first["properties"]["website"], "a.example");
    let (status, body) = client.post("/crm/v3/objects/companies", &company);
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")));
    let told = format!("{} already has that value.", id(&first));
    assert!(body["errors"][0]["message"].as_str().unwrap().ends_with(&told), "{body}");
    let twin = json!({"properties": {"name": "A", "domain": "a.example"}});
    assert_eq!(client.post("/crm/v3/objects/companies", &twin).0, 201);
}

#[test]
fn a_merged_away_id_is_updated_where_it_leads_to() {
    let mut client = Client::quiet();
    let (a, b) = (client.create("contacts", &[]), client.create("contacts", &[]));
    let survivor = client.portal.merge(client.now, "contacts", a, b).unwrap();
    let (status, body) = client.patch(&format!("{CONTACTS}/{b}"), &json!({"properties": {"firstname": "M"}}));
    assert_eq!((status, id(&body)), (200, survivor));
    assert_eq!(client.held("contacts", survivor, "firstname"), "M");
}

#[test]
fn a_record_is_updated_by_a_unique_property_and_by_no_other() {
    let mut client = Client::quiet();
    let made = client.create("contacts", &[("email", "a@x.example")]);
    let asked = json!({"properties": {"firstname": "A"}});
    let (status, body) = client.patch(&format!("{CONTACTS}/A%40x.example?idProperty=email"), &asked);
    assert_eq!((status, id(&body)), (200, made));
    let tagged = client.create("contacts", &[("email", "a+b@x.example")]);
    let (_, body) = client.patch(&format!("{CONTACTS}/a+b@x.example?idProperty=email"), &asked);
    assert_eq!(id(&body), tagged, "in a path a plus is a plus");
    assert_eq!(client.patch(&format!("{CONTACTS}/x?idProperty=firstname"), &asked).0, 400);
    assert_eq!(client.patch(&format!("{CONTACTS}/n%40x.example?idProperty=email"), &asked).0, 404);
}

#[test]
fn nothing_is_updated_where_there_is_nothing() {
    let mut client = Client::quiet();
    let made = client.create("deals", &[("dealname", "d")]);
    let asked = json!({"properties": {"dealname": "e"}});
    assert_eq!(client.patch(&format!("{DEALS}/1"), &asked).0, 404);
    assert_eq!(client.patch(&format!("{DEALS}/none"), &asked).1["category"], "OBJECT_NOT_FOUND");
    let (status, body) = client.patch(&format!("{DEALS}/{made}"), &json!({"properties": {}}));
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    client.portal.archive(client.now, "deals", made).unwrap();
    assert_eq!(client.patch(&format!("{DEALS}/{made}"), &asked).0, 404);
}

#[test]
fn an_archived_record_is_in_the_bin_and_archiving_what_is_not_there_is_a_switch() {
    let mut client = Client::quiet();
    let made = client.create("deals", &[("dealname", "d")]);
    let path = format!("{DEALS}/{made}");
    assert_eq!(client.delete(&path), 204);
    assert_eq!(client.portal.record("deals", made).unwrap().archived_at, Some(client.now));
    assert_eq!((client.delete(&path), client.delete(&format!("{DEALS}/1"))), (204, 204));
    client.portal.switches_mut().unknown_archive = UnknownArchive::NotFound;
    assert_eq!((client.delete(&path), client.delete(&format!("{DEALS}/1"))), (404, 404));
    assert_eq!(client.delete(&format!("{DEALS}/none")), 404);
}

#[test]
fn archiving_a_merged_away_id_touches_the_survivor_only_as_switched() {
    let mut client = Client::quiet();
    let (a, b) = (client.create("contacts", &[]), client.create("contacts", &[]));
    let survivor = client.portal.merge(client.now, "contacts", a, b).unwrap();
    assert_eq!(client.delete(&format!("{CONTACTS}/{b}")), 204);
    assert!(client.portal.record("contacts", survivor).unwrap().is_active());
    client.portal.switches_mut().archive_follows_merge = true;
    assert_eq!(client.delete(&format!("{CONTACTS}/{b}")), 204);
    assert!(!client.portal.record("contacts", survivor).unwrap().is_active());
}

#[test]
fn a_merge_through_the_api_answers_with_the_survivor() {
    let mut client = Client::quiet();
    let (a, b) = (client.create("contacts", &[("firstname", "A")]), client.create("contacts", &[("lastname", "B")]));
    let body = json!({"primaryObjectId": a.to_string(), "objectIdToMerge": b.to_string()});
    let (status, merged) = client.post(&format!("{CONTACTS}/merge"), &body);
    assert_eq!((status, &merged["properties"]["lastname"]), (200, &json!("B")));
    assert!(id(&merged) != a && id(&merged) != b);
    assert_eq!(client.post(&format!("{CONTACTS}/merge"), &body).0, 400, "both are gone");
    client.portal.switches_mut().merge_id = MergeId::KeepPrimary;
    let c = client.create("contacts", &[]);
    let body = json!({"primaryObjectId": merged["id"], "objectIdToMerge": c.to_string()});
    assert_eq!(client.post(&format!("{CONTACTS}/merge"), &body).1["id"], merged["id"]);
}

#[test]
fn a_client_cannot_merge_more_than_two_hundred_and_fifty_records_into_one() {
    let mut client = Client::quiet();
    client.portal.switches_mut().merge_id = MergeId::KeepPrimary;
    let known: Vec<String> = (1..250).map(|n| n.to_string()).collect();
    let full = client.create("contacts", &[("hs_merged_object_ids", known.join(";").as_str())]);
    let others = [0; 2].map(|_| client.create("contacts", &[]));
    let [last, more] = others.map(|other| {
        let body = json!({"primaryObjectId": full.to_string(), "objectIdToMerge": other.to_string()});
        client.post(&format!("{CONTACTS}/merge"), &body)
    });
    assert_eq!((last.0, more.0), (200, 414));
    assert_eq!(more.1["message"], "Cannot have more than 250 identities on a profile");
    assert_eq!((&more.1["status"], more.1.get("category")), (&json!("error"), None));
    assert!(client.portal.record("contacts", others[1]).unwrap().is_active());
}

#[test]
fn a_forgotten_contact_is_in_no_list_and_an_unknown_address_is_only_noted() {
    let mut client = Client::quiet();
    let made = client.create("contacts", &[("email", "a@x.example")]);
    let forget = format!("{CONTACTS}/gdpr-delete");
    let by_email = json!({"objectId": "a@x.example", "idProperty": "email"});
    assert_eq!(client.post(&forget, &by_email).0, 204);
    assert!(client.portal.record("contacts", made).unwrap().purged);
    assert_eq!(client.post(&forget, &by_email).0, 204);
    assert_eq!(client.post(&forget, &json!({"objectId": "17"})).0, 404);
}

#[test]
fn history_tells_the_app_from_the_people() {
    let mut client = Client::quiet();
    let (_, body) = client.post(DEALS, &json!({"properties": {"dealname": "app", "dealstage": "contractsent"}}));
    let made = id(&body);
    client.wait(1_000);
    client.edit("deals", made, &[("dealname", "person")]);
    client.wait(1_000);
    client.patch(&format!("{DEALS}/{made}"), &json!({"properties": {"dealname": "app again"}}));
    let (_, body) = client.get(&format!("{DEALS}/{made}?propertiesWithHistory=dealname,dealstage"));
    let versions = body["propertiesWithHistory"]["dealname"].as_array().unwrap();
    let told: Vec<_> =
        versions.iter().map(|v| (v["value"].as_str().unwrap(), v["sourceType"].as_str().unwrap())).collect();
    assert_eq!(told, [("app again", "INTEGRATION"), ("person", "CRM_UI"), ("app", "INTEGRATION")]);
    assert!(versions[0]["sourceId"].is_string() && versions[0].get("updatedByUserId").is_none());
    assert!(versions[1]["updatedByUserId"].is_number());
    assert_eq!(body["propertiesWithHistory"]["dealstage"][0]["sourceType"], "INTEGRATION");
}

#[test]
fn a_missing_scope_refuses_writes_and_leaves_reads_alone() {
    let mut client = Client::quiet();
    let made = client.create("deals", &[("dealname", "d")]);
    client.portal.deny_writes("deals");
    let (status, body) = client.patch(&format!("{DEALS}/{made}"), &json!({"properties": {"dealname": "e"}}));
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.deals.write"]));
    let (status, body) =
        client.post("/crm/v3/objects/deals/batch/archive", &json!({"inputs": [{"id": made.to_string()}]}));
    assert_eq!((status, &body["context"]["requiredGranularScopes"]), (403, &json!(["crm.objects.deals.write"])));
    let (_, body) = client.post("/crm/properties/2026-09/deals", &json!({}));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.schemas.deals.write"]));
    assert_eq!(client.get(&format!("{DEALS}/{made}")).1["properties"]["dealname"], "d");
    client.portal.allow_writes("deals");
    assert_eq!(client.delete(&format!("{DEALS}/{made}")), 204);
}
