use serde_json::{Value as Json, json};
use simulator::{DataSize, NewProperty, Request, Settings, Tier};

use crate::client::{Client, parsed, quiet, text};

fn names(page: &Json) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect()
}

#[test]
fn a_request_without_credentials_and_one_with_garbage_fail_differently() {
    let mut client = Client::quiet();
    let (status, body) =
        parsed(&client.send(&Request { method: "GET".into(), path: "/crm/v3/owners".into(), ..Request::default() }));
    assert_eq!((status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    let (status, body) = parsed(&client.send(&Request::get("/crm/v3/owners", "garbage")));
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    assert_eq!(body["message"], "The OAuth token used to make this call expired 20731 day(s) ago.");
    assert_eq!(body["context"]["expire time"], json!(["1970-01-01T00:00:00Z"]));
}

#[test]
fn an_expired_token_says_since_when() {
    let mut client = Client::quiet();
    client.portal.expire_token(Some(client.now - 75_000));
    let (status, body) = client.get("/crm/v3/owners");
    assert_eq!(
        (status, &body["message"]),
        (401, &json!("The OAuth token used to make this call expired 75 second(s) ago."))
    );
    client.portal.rotate_token();
    assert_eq!(client.get("/crm/v3/owners").0, 200);
}

#[test]
fn error_bodies_keep_hubspots_key_order_and_repeat_the_id_in_a_header() {
    let mut client = Client::quiet();
    client.portal.deny("deals");
    let request = Request::get("/crm/objects/2026-09/deals", client.portal.token());
    let response = client.send(&request);
    let body = text(&response);
    let at = |key: &str| body.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {body}"));
    assert!(at("status") < at("message") && at("message") < at("correlationId") && at("correlationId") < at("errors"));
    assert!(at("errors") < at("links") && at("links") < at("category"));
    let (status, json) = parsed(&response);
    assert_eq!((status, &json["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(json["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.deals.read"]));
    assert_eq!(response.header("x-hubspot-correlation-id"), json["correlationId"].as_str());
    assert_eq!(response.header("content-type"), Some("application/json;charset=utf-8"));
    let (_, old) = client.get("/crm/v3/objects/deals");
    assert_eq!(old["context"]["requiredGranularScopes"], json!(["crm.objects.deals.read"]));
    // The older shape has its link among the context, and no other.
    assert_eq!((old["context"]["links"].as_array().map(Vec::len), old.get("links")), (Some(1), None));
    client.portal.allow("deals");
    assert_eq!(client.get("/crm/v3/objects/deals").0, 200);
}

#[test]
fn the_date_header_is_the_servers_time() {
    let mut client = Client::quiet();
    client.wait(1_500);
    let request = Request::get("/crm/v3/owners", client.portal.token());
    assert_eq!(client.send(&request).header("date"), Some("Mon, 05 Oct 2026 12:00:01 GMT"));
}

#[test]
fn account_details_name_the_portal_and_its_zone() {
    let mut client = Client::quiet();
    for path in ["/account-info/v3/details", "/account-info/2026-09/details"] {
        let (_, body) = client.get(path);
        assert_eq!(body["portalId"], 48_213_377);
        assert_eq!((body["timeZone"].as_str(), body["utcOffset"].as_str()), (Some("US/Eastern"), Some("-04:00")));
        assert_eq!(body["utcOffsetMilliseconds"], -14_400_000);
    }
}

#[test]
fn properties_hide_the_sensitive_and_the_archived_unless_asked() {
    let mut client = Client::quiet();
    let secret = NewProperty { sensitive: true, ..NewProperty::text("shoe_secret") };
    client.portal.add_property(client.now, "contacts", &secret).unwrap();
    client.portal.add_property(client.now, "contacts", &NewProperty::text("old_one")).unwrap();
    client.portal.archive_property(client.now, "contacts", "old_one").unwrap();
    let (_, plain) = client.get("/crm/v3/properties/contacts");
    assert!(names(&plain).len() >= 60);
    assert!(!names(&plain).contains(&"shoe_secret") && !names(&plain).contains(&"old_one"));
    let (_, hidden) = client.get("/crm/properties/2026-09/contacts?dataSensitivity=sensitive");
    assert!(names(&hidden).contains(&"shoe_secret"));
    let (_, archived) = client.get("/crm/v3/properties/contacts?archived=true");
    assert_eq!(names(&archived), ["old_one"]);
    let id = client.create("contacts", &[("shoe_secret", "44")]);
    let path = format!("/crm/v3/objects/contacts/{id}?properties=shoe_secret");
    assert!(client.get(&path).1["properties"].get("shoe_secret").is_none());
    client.portal.switches_mut().sensitive_scope = true;
    assert_eq!(client.get(&path).1["properties"]["shoe_secret"], "44");
}

#[test]
fn a_property_says_who_may_write_it() {
    let mut client = Client::quiet();
    let mut get = |name: &str| client.get(&format!("/crm/v3/properties/contacts/{name}")).1;
    assert_eq!(get("firstname")["modificationMetadata"]["readOnlyValue"], false);
    let created = get("createdate");
    assert_eq!(
        (created["modificationMetadata"]["readOnlyValue"].as_bool(), created["type"].as_str()),
        (Some(true), Some("datetime"))
    );
    assert_eq!(get("num_associated_deals")["calculated"], true);
    let owner = get("hubspot_owner_id");
    assert_eq!(
        (owner["referencedObjectType"].as_str(), owner["externalOptions"].as_bool()),
        (Some("OWNER"), Some(true))
    );
    let (status, body) = client.get("/crm/v3/properties/contacts/nope");
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
}

#[test]
fn a_portal_can_have_two_thousand_custom_properties() {
    let data = DataSize { contacts: 20, extra_properties: 2_000, ..DataSize::none() };
    let mut client = Client::new(Settings { data, ..quiet() });
    let (_, page) = client.get("/crm/v3/properties/contacts");
    assert!(names(&page).len() > 2_000);
    let set =
        client.portal.records("contacts").filter(|r| r.properties.keys().any(|k| k.starts_with("custom_"))).count();
    assert_eq!(set, 20);
}

#[test]
fn default_pipelines_are_from_1970_and_their_metadata_are_strings() {
    let mut client = Client::quiet();
    let (_, deals) = client.get("/crm/v3/pipelines/deals");
    let sales = &deals["results"][0];
    assert_eq!((sales["id"].as_str(), sales["createdAt"].as_str()), (Some("default"), Some("1970-01-01T00:00:00Z")));
    let won = sales["stages"].as_array().unwrap().iter().find(|s| s["id"] == "closedwon").unwrap();
    assert_eq!(won["metadata"], json!({"isClosed": "true", "probability": "1.0"}));
    let (_, tickets) = client.get("/crm/pipelines/2026-09/tickets");
    let stages: Vec<&str> =
        tickets["results"][0]["stages"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(stages, ["1", "2", "3", "4"]);
    assert_eq!(tickets["results"][0]["stages"][3]["metadata"]["ticketState"], "CLOSED");
    client.portal.add_stage(client.now, "deals", "default", "huh", "Hm", "0.3").unwrap();
    client.portal.archive_stage(client.now, "deals", "default", "closedlost").unwrap();
    let (_, stages) = client.get("/crm/v3/pipelines/deals/default/stages");
    let ids: Vec<&str> = stages["results"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"huh") && !ids.contains(&"closedlost"));
}

#[test]
fn owners_come_in_two_passes_and_in_pages() {
    let mut client = Client::new(Settings { data: DataSize { owners: 30, ..DataSize::none() }, ..quiet() });
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (_, page) = client.get(&format!("/crm/v3/owners?limit=7&after={after}"));
        seen.extend(page["results"].as_array().unwrap().clone());
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    let (_, gone) = client.get("/crm/owners/2026-09?archived=true");
    let gone = gone["results"].as_array().unwrap();
    assert_eq!(seen.len() + gone.len(), 30);
    assert!(seen.iter().all(|o| o["archived"] == false && o["userId"].is_u64()));
    assert!(!gone.is_empty() && gone.iter().all(|o| o["userId"].is_null() && o["userIdIncludingInactive"].is_u64()));
    let id = gone[0]["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/crm/v3/owners/{id}")).0, 404);
    assert_eq!(client.get(&format!("/crm/v3/owners/{id}?archived=true")).0, 200);
}

#[test]
fn schemas_are_403_without_custom_objects_and_list_them_otherwise() {
    let mut client = Client::new(Settings { tier: Tier::Professional, ..quiet() });
    let (status, body) = client.get("/crm-object-schemas/v3/schemas");
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    let mut client = Client::new(Settings { tier: Tier::Enterprise, ..quiet() });
    let (_, body) = client.get("/crm-object-schemas/2026-09/schemas");
    let schema = &body["results"][0];
    assert_eq!(
        (schema["fullyQualifiedName"].as_str(), schema["name"].as_str()),
        (Some("p48213377_machine"), Some("machine"))
    );
    let id = schema["objectTypeId"].as_str().unwrap();
    assert!(id.starts_with("2-") && schema["properties"].as_array().unwrap().len() > 5);
    assert_eq!(client.get(&format!("/crm/v3/objects/{id}")).0, 200);
}
