//! What becomes of a value on its way in, and which values are refused.

use serde_json::{Value as Json, json};
use simulator::{NewProperty, NumberForm, OlderDates};

use crate::client::Client;

const CONTACTS: &str = "/crm/objects/2026-09/contacts";

fn code(client: &mut Client, path: &str, properties: &Json) -> String {
    let (status, body) = client.post(path, &json!({"properties": properties}));
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")), "{body}");
    body["errors"][0]["code"].as_str().unwrap().to_owned()
}

/// What a contact's property holds after a client has written it.
fn kept(client: &mut Client, version: &str, property: &str, value: &str) -> Result<String, Json> {
    let path = format!("/crm/objects/{version}/contacts");
    let (status, body) = client.post(&path, &json!({"properties": {property: value}}));
    if status != 201 {
        return Err(body["errors"][0]["code"].clone());
    }
    let id = body["id"].as_str().unwrap().parse().unwrap();
    Ok(client.held("contacts", id, property))
}

#[test]
fn the_refusal_of_a_value_is_the_recorded_one() {
    let mut client = Client::quiet();
    let (_, body) = client.post(CONTACTS, &json!({"properties": {"testproperty": "x"}}));
    let portal = client.portal.settings().portal_id;
    let embedded = format!(
        r#"[{{"isValid":false,"message":"Property \"testproperty\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"testproperty","localizedErrorMessage":"Property \"testproperty\" does not exist","portalId":{portal}}}]"#
    );
    assert_eq!(body["message"], format!("Property values were not valid: {embedded}"));
    assert_eq!(
        body["errors"],
        json!([{"message": "Property \"testproperty\" does not exist", "code": "PROPERTY_DOESNT_EXIST",
            "context": {"propertyName": ["testproperty"]}}])
    );
}

#[test]
fn each_kind_of_property_refuses_what_it_cannot_hold() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &NewProperty::new("born_on", "date", "date")).unwrap();
    client.portal.add_property(client.now, "contacts", &NewProperty::new("size", "number", "number")).unwrap();
    for (property, value, expected) in [
        ("nowhere", "x", "PROPERTY_DOESNT_EXIST"),
        ("hubspotscore", "5", "READ_ONLY_VALUE"),
        ("hs_object_id", "5", "READ_ONLY_VALUE"),
        ("createdate", "2020-01-01", "READ_ONLY_VALUE"),
        ("hs_content_membership_notes", "a secret", "PROPERTY_DOESNT_EXIST"),
        ("email", "nobody", "INVALID_EMAIL"),
        ("hs_lead_status", "nothing", "INVALID_OPTION"),
        ("hs_buying_role", "CHAMPION;nothing", "INVALID_OPTION"),
        ("hs_email_optout", "perhaps", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OPTION"),
        ("size", "many", "INVALID_INTEGER"),
        ("closedate", "soon", "INVALID_LONG"),
        ("born_on", "soon", "INVALID_LONG"),
    ] {
        assert_eq!(code(&mut client, CONTACTS, &json!({property: value})), expected, "{property}");
    }
    let long = "x".repeat(65_537);
    assert_eq!(code(&mut client, CONTACTS, &json!({"jobtitle": long})), "VALUE_TOO_LONG");
    assert!(kept(&mut client, "2026-09", "jobtitle", &long[1..]).is_ok());
    assert_eq!(client.portal.records("contacts").count(), 1, "nothing refused was made");
}

#[test]
fn the_message_embeds_every_bad_value_and_errors_only_the_first_few() {
    let mut client = Client::quiet();
    let given = json!({"properties": {"a1": "x", "a2": "x", "a3": "x", "a4": "x"}});
    let (_, body) = client.post(CONTACTS, &given);
    assert_eq!(body["message"].as_str().unwrap().matches("PROPERTY_DOESNT_EXIST").count(), 4);
    assert_eq!(body["errors"].as_array().unwrap().len(), 3);
    client.portal.switches_mut().listed_errors = 9;
    assert_eq!(client.post(CONTACTS, &given).1["errors"].as_array().unwrap().len(), 4);
}

#[test]
fn an_odd_date_is_rewritten_with_a_warning_in_the_newest_version_and_refused_by_older_ones() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &NewProperty::new("born_on", "date", "date")).unwrap();
    let odd = json!({"properties": {"born_on": "2020-02-29T13:00:00Z"}});
    let (status, body) = client.post(CONTACTS, &odd);
    assert_eq!((status, &body["properties"]["born_on"]), (201, &json!("2020-02-29")));
    let warning = &body["warnings"][0];
    assert_eq!(warning["category"], "PROPERTY_VALUE_NORMALIZED");
    let told = json!({"propertyName": "born_on", "rawValue": "2020-02-29T13:00:00Z", "normalizedValue": "2020-02-29"});
    assert_eq!(warning["context"], told);
    assert_eq!(kept(&mut client, "2026-03", "born_on", "2020-02-29T13:00:00Z"), Err(json!("INVALID_DATE")));
    client.portal.switches_mut().older_dates = OlderDates::Normalize;
    let (_, body) = client.post("/crm/v3/objects/contacts", &odd);
    assert_eq!((&body["properties"]["born_on"], body.get("warnings")), (&json!("2020-02-29"), None));
}

#[test]
fn canonical_dates_come_back_as_hubspot_writes_them_without_a_warning() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &NewProperty::new("born_on", "date", "date")).unwrap();
    for (property, given, expected) in [
        ("born_on", "1582934400000", "2020-02-29"),
        ("closedate", "2020-02-29T13:00:00.000Z", "2020-02-29T13:00:00Z"),
        ("closedate", "1582981200072", "2020-02-29T13:00:00.072Z"),
        ("closedate", "2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z"),
    ] {
        let (status, body) = client.post("/crm/v3/objects/contacts", &json!({"properties": {property: given}}));
        assert_eq!((status, &body["properties"][property]), (201, &json!(expected)));
        assert!(body.get("warnings").is_none());
    }
    assert_eq!(kept(&mut client, "2026-03", "closedate", "2020-02-29T13:00:00+02:00"), Err(json!("INVALID_DATE")));
}

#[test]
fn white_space_goes_and_numbers_keep_their_form_unless_switched() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &NewProperty::new("size", "number", "number")).unwrap();
    assert_eq!(kept(&mut client, "2026-09", "jobtitle", "  CEO\n"), Ok("CEO".into()));
    assert_eq!(kept(&mut client, "2026-09", "size", "05.50"), Ok("05.50".into()));
    client.portal.switches_mut().trims = false;
    client.portal.switches_mut().number_form = NumberForm::Plain;
    assert_eq!(kept(&mut client, "2026-09", "jobtitle", "  CEO\n"), Ok("  CEO\n".into()));
    assert_eq!(kept(&mut client, "2026-09", "size", "05.50"), Ok("5.5".into()));
}

#[test]
fn values_may_come_as_numbers_booleans_and_null_and_what_no_rust_string_holds_survives() {
    let mut client = Client::quiet();
    let body = r#"{"properties": {"jobtitle": "a\ud800", "hs_email_optout": true, "firstname": 7, "lastname": null}}"#;
    let request = simulator::Request::post(CONTACTS, client.portal.token(), body);
    let response = client.send(&request);
    assert_eq!(response.status, 201);
    let text = crate::client::text(&response);
    assert!(text.contains(r#""jobtitle":"a\ud800""#), "{text}");
    assert!(text.contains(r#""hs_email_optout":"true""#) && text.contains(r#""firstname":"7""#));
    assert_eq!(client.post(CONTACTS, &json!({"properties": {"firstname": ["a"]}})).0, 400);
}

#[test]
fn a_leading_semicolon_checks_boxes_besides_those_that_are_checked() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("hs_buying_role", "CHAMPION")]);
    let path = format!("{CONTACTS}/{id}");
    client.patch(&path, &json!({"properties": {"hs_buying_role": ";BLOCKER;CHAMPION"}}));
    assert_eq!(client.held("contacts", id, "hs_buying_role"), "CHAMPION;BLOCKER");
    client.patch(&path, &json!({"properties": {"hs_buying_role": "END_USER"}}));
    assert_eq!(client.held("contacts", id, "hs_buying_role"), "END_USER");
}

#[test]
fn a_lifecycle_stage_goes_back_only_after_it_was_cleared() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("lifecyclestage", "opportunity")]);
    let path = format!("{CONTACTS}/{id}");
    let mut stage = |to: &str| {
        let (status, body) = client.patch(&path, &json!({"properties": {"lifecyclestage": to}}));
        assert_eq!(status, 200);
        body["properties"]["lifecyclestage"].as_str().unwrap().to_owned()
    };
    assert_eq!(stage("lead"), "opportunity", "refused without a word");
    assert_eq!(stage("customer"), "customer");
    assert_eq!(stage(""), "");
    assert_eq!(stage("lead"), "lead");
}

#[test]
fn new_records_need_what_the_documentation_lists() {
    let mut client = Client::quiet();
    for (object, properties, missing) in [
        ("companies", json!({"phone": "1"}), "name"),
        ("deals", json!({"dealname": "d"}), "dealstage"),
        ("tickets", json!({"subject": "s", "hs_pipeline": "0"}), "hs_pipeline_stage"),
        ("notes", json!({"hs_note_body": "n"}), "hs_timestamp"),
        ("emails", json!({"hs_timestamp": "1582934400000"}), "hs_email_direction"),
    ] {
        let path = format!("/crm/objects/2026-09/{object}");
        let (status, body) = client.post(&path, &json!({"properties": properties}));
        assert_eq!((status, &body["message"]), (400, &json!("The property values provided are invalid")), "{object}");
        assert_eq!(body["errors"][0]["code"], "MISSING_REQUIRED_PROPERTY");
        assert_eq!(body["errors"][0]["message"], format!("A value for {missing} must be provided"));
    }
    assert_eq!(client.post("/crm/v3/objects/companies", &json!({"properties": {"domain": "x.example"}})).0, 201);
    client.portal.switches_mut().contact_needs_a_name = true;
    assert_eq!(code(&mut client, CONTACTS, &json!({"jobtitle": "CEO"})), "MISSING_REQUIRED_PROPERTY");
    client.portal.switches_mut().required_on_create = false;
    assert_eq!(client.post("/crm/v3/objects/deals", &json!({"properties": {}})).0, 201);
}

#[test]
fn administrators_rules_bind_the_newest_version_only() {
    let mut client = Client::quiet();
    client.portal.require_property(client.now, "contacts", "jobtitle").unwrap();
    client.portal.require_property_when(client.now, "contacts", "state", "country", "US").unwrap();
    assert_eq!(code(&mut client, CONTACTS, &json!({"firstname": "A"})), "MISSING_REQUIRED_PROPERTY");
    let american = json!({"jobtitle": "CEO", "country": "US"});
    let (_, body) = client.post(CONTACTS, &json!({"properties": american}));
    assert_eq!(body["errors"][0]["code"], "MISSING_CONDITIONAL_REQUIRED_PROPERTY");
    let told = "state is required because of a conditional property rule based on [country]";
    assert_eq!(body["errors"][0]["message"], told);
    for older in ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"] {
        assert_eq!(client.post(older, &json!({"properties": {"country": "US"}})).0, 201);
    }
    let id = client.create("contacts", &[("country", "DE")]);
    let path = format!("{CONTACTS}/{id}");
    assert_eq!(client.patch(&path, &json!({"properties": {"country": "US"}})).0, 400);
    assert_eq!(client.patch(&path, &json!({"properties": {"country": "US", "state": "NY"}})).0, 200);
    assert_eq!(client.patch(&path, &json!({"properties": {"firstname": "A"}})).0, 200, "nothing a rule speaks of");
    assert_eq!(client.patch(&path, &json!({"properties": {"state": ""}})).0, 400);
    client.portal.lift_rules(client.now, "contacts").unwrap();
    assert_eq!(client.patch(&path, &json!({"properties": {"state": ""}})).0, 200);
}

#[test]
fn stages_are_those_of_the_pipelines_there_are() {
    let mut client = Client::quiet();
    client.portal.add_stage(client.now, "deals", "default", "verbal", "Verbal", "0.7").unwrap();
    let deal = |stage: &str| json!({"properties": {"dealname": "d", "dealstage": stage}});
    assert_eq!(client.post("/crm/v3/objects/deals", &deal("verbal")).0, 201);
    client.portal.archive_stage(client.now, "deals", "default", "verbal").unwrap();
    let (status, body) = client.post("/crm/v3/objects/deals", &deal("verbal"));
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")));
}
