//! The account, its types, properties, owners, pipelines and labels.

use crate::script::{answer, fine, query, scene, steps};
use connectors::hubspot::Settings;
use mappings::WireType;
use sync_core::model::RecordId;
use sync_core::{Remote, RemoteErrorKind};

#[tokio::test(start_paused = true)]
async fn the_account_tells_its_id_its_zone_and_its_time() {
    let scene = steps([fine()]);
    let account = scene.hubspot.account().await.unwrap();
    assert_eq!((account.portal_id.as_str(), account.time_zone.as_deref()), ("62515", Some("US/Eastern")));
    assert_eq!(account.server_time.to_string(), "2026-11-22T10:00:00.000Z");
    assert_eq!(scene.fake.asked(), ["GET /account-info/2026-09/details"]);
    let request = scene.fake.requests().remove(0);
    let authorization = format!("Bearer {}", crate::script::TOKEN);
    assert!(request.headers.contains(&("Authorization".to_owned(), authorization)));
}

#[tokio::test(start_paused = true)]
async fn custom_objects_join_the_standard_ones_and_are_addressed_by_their_id() {
    let schema = r#"{"results":[{"id":"2-123","objectTypeId":"2-123","fullyQualifiedName":"p62515_Boats","name":"Boats",
        "labels":{"singular":"Boat","plural":"Boats"},"primaryDisplayProperty":"name","properties":[],"archived":false},
        {"objectTypeId":"2-9","name":"bare"}]}"#;
    let scene = scene(Settings::default(), move |request| {
        answer(200, if request.path.contains("schemas") { schema } else { r#"{"results":[]}"# })
    });
    let types = scene.hubspot.object_types().await.unwrap();
    let contacts = types.iter().find(|kind| kind.name == "contacts").unwrap();
    assert_eq!((contacts.object_type_id.as_str(), contacts.custom), ("0-1", false));
    let boats = types.iter().find(|kind| kind.name == "boats").unwrap();
    assert_eq!((boats.object_type_id.as_str(), boats.singular.as_str(), boats.custom), ("2-123", "Boat", true));
    assert_eq!(types.iter().find(|kind| kind.name == "bare").unwrap().plural, "bare");
    for object in ["boats", "p62515_Boats", "2-123", "services", "0-162", "contacts"] {
        scene.hubspot.list(object, false, None, &[]).await.unwrap();
    }
    let paths: Vec<String> =
        scene.fake.asked()[1..].iter().map(|line| line.split(['?', '/']).nth(4).unwrap().to_owned()).collect();
    assert_eq!(paths, ["2-123", "2-123", "2-123", "0-162", "0-162", "contacts"]);
}

#[tokio::test(start_paused = true)]
async fn a_custom_object_called_like_a_standard_one_goes_by_its_full_name_and_another_by_any_spelling() {
    let schemas = r#"{"results":[{"objectTypeId":"2-5","fullyQualifiedName":"p62515_Services","name":"Services"},
        {"objectTypeId":"2-6","name":"orders"},{"objectTypeId":"2-7","fullyQualifiedName":"p62515_Boats","name":"Boats"}]}"#;
    let scene = scene(Settings::default(), move |request| {
        answer(200, if request.path.contains("schemas") { schemas } else { r#"{"results":[]}"# })
    });
    let types = scene.hubspot.object_types().await.unwrap();
    let listed = |name: &str| -> Vec<&str> {
        types.iter().filter(|kind| kind.name == name).map(|kind| kind.object_type_id.as_str()).collect()
    };
    assert_eq!([listed("services"), listed("p62515_services")], [["0-162"], ["2-5"]]);
    assert_eq!([listed("orders"), listed("2-6")], [["0-123"], ["2-6"]], "without a full name it goes by its id");
    let names = ["services", "p62515_Services", "p62515_services", "orders", "2-6", "Boats", "boats", "p62515_Boats"];
    for object in names {
        scene.hubspot.list(object, false, None, &[]).await.unwrap();
    }
    let paths: Vec<String> =
        scene.fake.asked()[1..].iter().map(|line| line.split(['?', '/']).nth(4).unwrap().to_owned()).collect();
    assert_eq!(paths, ["0-162", "2-5", "2-5", "0-123", "2-6", "2-7", "2-7", "2-7"]);
}

#[tokio::test(start_paused = true)]
async fn p41_half_a_character_in_what_people_typed_spoils_nothing() {
    let scene = scene(Settings::default(), |request| {
        let path = request.path.as_str();
        let results = match () {
            () if path.contains("/properties/") => {
                r#"{"name":"tier","label":"T\ud83d","options":[{"value":"a","label":"\ud83d A"},{"value":"b","label":null}]}"#
            }
            () if path.contains("/owners") => r#"{"id":"1","firstName":"An\udc00na","lastName":"Li"}"#,
            () if path.contains("/pipelines/") => {
                r#"{"id":"1","label":"\ud83d\ude00 P\ud83d","stages":[{"id":"2","label":"\ud83dS"}]}"#
            }
            () if path.contains("/labels") => r#"{"typeId":35,"category":"USER_DEFINED","label":"Pal\ud83d"}"#,
            () if path.contains("schemas") => {
                r#"{"objectTypeId":"2-7","name":"boats","labels":{"singular":"Boat\ud83d"}}"#
            }
            () => {
                r#"{"from":{"id":1},"to":[{"toObjectId":2,"associationTypes":[{"category":"X","typeId":35,"label":"Pal\ud83d"}]}]}"#
            }
        };
        answer(200, &format!(r#"{{"results":[{results}]}}"#))
    });
    let hubspot = &scene.hubspot;
    let properties = hubspot.properties("deals").await.unwrap();
    let options: Vec<&str> = properties[0].options.iter().map(|option| option.label.as_str()).collect();
    assert_eq!((properties[0].label.as_str(), options), ("T\u{FFFD}", vec!["\u{FFFD} A", "b"]));
    let owner = hubspot.owners().await.unwrap().remove(0);
    assert_eq!((owner.first_name.as_deref(), owner.last_name.as_deref()), (Some("An\u{FFFD}na"), Some("Li")));
    let pipeline = hubspot.pipelines("deals").await.unwrap().remove(0);
    assert_eq!((pipeline.label.as_str(), pipeline.stages[0].label.as_str()), ("😀 P\u{FFFD}", "\u{FFFD}S"));
    let labels = hubspot.association_labels("contacts", "deals").await.unwrap();
    assert_eq!(labels[0].label.as_deref(), Some("Pal\u{FFFD}"));
    let read = hubspot.associations("contacts", "deals", &[RecordId::from("1")]).await.unwrap();
    assert_eq!(read[0].to[0].kind.label.as_deref(), Some("Pal\u{FFFD}"));
    let types = hubspot.object_types().await.unwrap();
    assert_eq!(types.last().unwrap().singular, "Boat\u{FFFD}");
}

#[tokio::test(start_paused = true)]
async fn an_account_without_custom_objects_has_the_standard_ones() {
    let scene = steps([answer(
        403,
        r#"{"category":"MISSING_SCOPES","context":{"requiredGranularScopes":["custom-object-read"]}}"#,
    )]);
    assert_eq!(scene.hubspot.object_types().await.unwrap().len(), 32);
}

const PROPERTIES: &str = r#"{"results":[
    {"name":"email","label":"Email","type":"string","fieldType":"text","groupName":"contactinformation","hasUniqueValue":false,
     "modificationMetadata":{"archivable":true,"readOnlyDefinition":true,"readOnlyValue":false},"options":[]},
    {"name":"score","label":"Score","type":"number","fieldType":"calculation_equation","calculated":true,
     "modificationMetadata":{"readOnlyValue":true}},
    {"name":"tags","label":"Tags","type":"enumeration","fieldType":"checkbox","hidden":true,
     "options":[{"label":"A","value":"a","displayOrder":0,"hidden":false},{"value":"b"}]},
    {"name":"odd","type":"quaternion"}]}"#;

#[tokio::test(start_paused = true)]
async fn properties_are_read_active_and_archived() {
    let archived = r#"{"results":[{"name":"old","type":"date","archived":true},{"name":"email","type":"string"}]}"#;
    let scene = steps([answer(200, PROPERTIES), answer(200, archived)]);
    let properties = scene.hubspot.properties("contacts").await.unwrap();
    let names: Vec<&str> = properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["email", "score", "tags", "odd", "old"], "an archived name that lives again is told once");
    assert_eq!(properties[0].wire_type, WireType::String);
    assert!(!properties[0].read_only && !properties[0].archived);
    assert!(properties[1].calculated && properties[1].read_only);
    assert!(properties[2].hidden && properties[2].options.len() == 2);
    assert_eq!(properties[2].options[1].label, "b");
    assert_eq!((properties[3].wire_type, properties[3].type_name.as_str()), (WireType::Unknown, "quaternion"));
    assert!(properties[4].archived && properties[4].wire_type == WireType::Date);
    let asked = scene.fake.asked();
    assert_eq!((query(&asked[0], "archived"), query(&asked[1], "archived")), (Some("false"), Some("true")));
    assert_eq!(query(&asked[0], "dataSensitivity"), Some("non_sensitive"));
}

#[tokio::test(start_paused = true)]
async fn owners_are_read_in_two_passes_to_their_last_page() {
    let scene = steps([
        answer(
            200,
            r#"{"results":[{"id":"1","email":"a@x","firstName":"A","lastName":"","userId":5,"type":"PERSON",
            "createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00.5Z","archived":false}],
            "paging":{"next":{"after":"next page"}}}"#,
        ),
        answer(200, r#"{"results":[{"id":2,"type":"QUEUE"}]}"#),
        answer(200, r#"{"results":[{"id":"3","userId":null,"userIdIncludingInactive":9,"archived":true}]}"#),
    ]);
    let owners = scene.hubspot.owners().await.unwrap();
    let told: Vec<_> =
        owners.iter().map(|owner| (owner.id.as_str(), owner.archived, owner.user_id.as_deref())).collect();
    assert_eq!(told, [("1", false, Some("5")), ("2", false, None), ("3", true, None)]);
    assert_eq!(owners[0].last_name, None, "an empty name is none");
    let asked = scene.fake.asked();
    assert_eq!(query(&asked[1], "after"), Some("next%20page"));
    assert_eq!((query(&asked[2], "archived"), query(&asked[2], "after")), (Some("true"), None));
}

#[tokio::test(start_paused = true)]
async fn pipelines_tell_which_stages_are_the_end() {
    let body = r#"{"results":[{"id":"default","label":"Sales","displayOrder":1,"archived":false,"stages":[
        {"id":"won","label":"Won","displayOrder":2,"metadata":{"isClosed":"true","probability":"1.0"},"archived":false},
        {"id":"4","label":"Closed","metadata":{"ticketState":"CLOSED"}},{"id":"1","label":"New","metadata":{"ticketState":"OPEN"}},
        {"id":"x"}]}]}"#;
    let scene = steps([answer(200, body)]);
    let pipelines = scene.hubspot.pipelines("deals").await.unwrap();
    let stages: Vec<_> = pipelines[0].stages.iter().map(|stage| (stage.id.as_str(), stage.is_closed)).collect();
    assert_eq!(stages, [("won", Some(true)), ("4", Some(true)), ("1", Some(false)), ("x", None)]);
    assert_eq!(pipelines[0].stages[0].probability.as_deref(), Some("1.0"));
    assert_eq!(pipelines[0].stages[0].metadata, r#"{"isClosed":"true","probability":"1.0"}"#);
    assert_eq!(pipelines[0].stages[3].metadata, "{}");
}

#[tokio::test(start_paused = true)]
async fn a_type_without_pipelines_has_none() {
    let scene = steps([answer(400, "{}"), answer(404, "{}"), answer(403, r#"{"category":"MISSING_SCOPES"}"#)]);
    assert!(scene.hubspot.pipelines("companies").await.unwrap().is_empty());
    assert!(scene.hubspot.pipelines("notes").await.unwrap().is_empty());
    assert_eq!(scene.hubspot.pipelines("deals").await.unwrap_err().kind, RemoteErrorKind::MissingScope);
}

#[tokio::test(start_paused = true)]
async fn association_labels_are_read_for_one_direction() {
    let body = r#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":1,"label":"Primary"},
        {"category":"HUBSPOT_DEFINED","typeId":279,"label":null},{"category":"USER_DEFINED","typeId":35,"label":"Friend"}]}"#;
    let scene = steps([answer(200, body)]);
    let labels = scene.hubspot.association_labels("contacts", "companies").await.unwrap();
    assert_eq!(labels.len(), 3);
    assert_eq!((labels[1].type_id, labels[1].label.as_deref()), (279, None));
    assert_eq!(scene.fake.asked(), ["GET /crm/associations/2026-09/contacts/companies/labels"]);
}
