//! Writing property definitions.

use serde_json::{Value as Json, json};

use crate::client::Client;

const PATH: &str = "/crm/properties/2026-09/deals";

fn definition(name: &str) -> Json {
    json!({"name": name, "label": "A label", "type": "string", "fieldType": "text", "groupName": "dealinformation"})
}

#[test]
fn a_property_is_made_once_and_can_be_written_at_once() {
    let mut client = Client::quiet();
    let (status, body) = client.post(PATH, &definition("sync_note"));
    assert_eq!((status, &body["name"], &body["hubspotDefined"]), (201, &json!("sync_note"), &json!(false)));
    let (status, body) = client.post(PATH, &definition("sync_note"));
    assert_eq!((status, &body["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")));
    assert_eq!(body["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    let id = client.create("deals", &[("dealname", "d")]);
    let (status, _) = client.patch(&format!("/crm/v3/objects/deals/{id}"), &json!({"properties": {"sync_note": "n"}}));
    assert_eq!((status, client.held("deals", id, "sync_note")), (200, "n".to_owned()));
}

#[test]
fn a_definition_needs_all_its_parts() {
    let mut client = Client::quiet();
    for part in ["name", "label", "type", "fieldType", "groupName"] {
        let mut body = definition("x");
        body.as_object_mut().unwrap().remove(part);
        assert_eq!(client.post(PATH, &body).0, 400, "{part}");
    }
    for (part, wrong) in
        [("name", "Not Allowed"), ("type", "text"), ("fieldType", "number"), ("groupName", "elsewhere")]
    {
        let mut body = definition("x");
        body[part] = json!(wrong);
        assert_eq!(client.post(PATH, &body).0, 400, "{part}");
    }
    let mut choice = definition("x");
    choice["type"] = json!("enumeration");
    choice["fieldType"] = json!("select");
    assert_eq!(client.post(PATH, &choice).0, 400, "a choice of nothing");
    choice["options"] = json!([{"label": "A", "value": "a"}, {"label": "B", "value": "a"}]);
    assert_eq!(client.post(PATH, &choice).0, 400, "two options with one value");
}

#[test]
fn ten_unique_properties_are_the_most_and_each_is_a_key() {
    let mut client = Client::quiet();
    for n in 0..11 {
        let mut body = definition(&format!("key_{n}"));
        body["hasUniqueValue"] = json!(true);
        assert_eq!(client.post(PATH, &body).0, if n < 10 { 201 } else { 400 });
    }
    let upsert = json!({"inputs": [{"id": "k", "idProperty": "key_9",
        "properties": {"dealname": "d", "dealstage": "contractsent"}}]});
    let (status, body) = client.post("/crm/objects/2026-09/deals/batch/upsert", &upsert);
    assert_eq!((status, &body["results"][0]["new"]), (200, &json!(true)));
}

#[test]
fn a_change_replaces_what_it_names_and_the_whole_list_of_options() {
    let mut client = Client::quiet();
    let mut body = definition("mood");
    body["type"] = json!("enumeration");
    body["fieldType"] = json!("select");
    body["options"] = json!([{"label": "Good", "value": "good"}, {"label": "Bad", "value": "bad"}]);
    assert_eq!(client.post(PATH, &body).0, 201);
    client.wait(1_000);
    let one = format!("{PATH}/mood");
    let (status, body) = client.patch(&one, &json!({"label": "Mood", "description": "How it feels"}));
    assert_eq!((status, body["options"].as_array().unwrap().len()), (200, 2));
    assert_eq!((&body["label"], &body["description"]), (&json!("Mood"), &json!("How it feels")));
    client.patch(&one, &json!({"options": [{"label": "Fine", "value": "fine"}]}));
    let (_, body) = client.get(&one);
    assert_eq!((&body["options"][0]["value"], body["options"].as_array().unwrap().len()), (&json!("fine"), 1));
    assert_eq!(client.patch(&format!("{PATH}/dealname"), &json!({"type": "number"})).0, 400);
    assert_eq!(client.patch(&format!("{PATH}/nowhere"), &json!({"label": "x"})).0, 404);
}

#[test]
fn an_archived_property_is_unknown_to_writes_and_its_name_brings_it_back() {
    let mut client = Client::quiet();
    client.post(PATH, &definition("sync_note"));
    let id = client.create("deals", &[("dealname", "d"), ("sync_note", "kept")]);
    assert_eq!(client.delete(&format!("{PATH}/sync_note")), 204);
    let (status, body) =
        client.patch(&format!("/crm/v3/objects/deals/{id}"), &json!({"properties": {"sync_note": "n"}}));
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("PROPERTY_DOESNT_EXIST")));
    assert_eq!(client.post(PATH, &definition("sync_note")).0, 201);
    assert_eq!(client.held("deals", id, "sync_note"), "kept");
    assert_eq!(client.delete(&format!("{PATH}/dealname")), 400, "HubSpot's own stay");
}

#[test]
fn a_new_property_is_shown_a_moment_after_it_can_be_written() {
    let mut client = Client::quiet();
    let (one, name) = (format!("{PATH}/sync_note"), json!("sync_note"));
    assert_eq!(client.post(PATH, &definition("sync_note")).0, 201);
    let listed = |client: &mut Client| {
        let (_, body) = client.get(PATH);
        body["results"].as_array().unwrap().iter().any(|property| property["name"] == name)
    };
    client.wait(249);
    assert_eq!((client.get(&one).0, listed(&mut client)), (404, false));
    assert_eq!(client.post(PATH, &definition("sync_note")).0, 409, "its name is taken all the same");
    client.wait(451);
    assert_eq!((client.get(&one).0, listed(&mut client)), (200, true));
}

#[test]
fn a_property_that_comes_back_is_what_it_was() {
    let mut client = Client::quiet();
    client.post(PATH, &definition("note"));
    assert_eq!(client.delete(&format!("{PATH}/note")), 204);
    let mut body = definition("note");
    body["hasUniqueValue"] = json!(true);
    body["label"] = json!("Another label");
    let (status, body) = client.post(PATH, &body);
    assert_eq!((status, &body["hasUniqueValue"], &body["label"]), (201, &json!(false), &json!("A label")));
}
