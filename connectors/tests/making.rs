//! Making properties: once, and seen before it is told.

use crate::script::{Scene, Step, answer, query, scene, unknown};
use connectors::hubspot::Settings;
use mappings::{Mapping, Wanted};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_core::RemoteErrorKind;

/// What the mapping wants in a portal that has one property.
fn wanted(lines: &str) -> Vec<Wanted> {
    let text = format!("object: companies\ntable: companies\n{lines}");
    let portal = Mapping::parse("x.yaml", "object: x\ntable: x\nfields:\n  name: name\n").unwrap().assumed_schema();
    let portal: Vec<_> = portal
        .into_iter()
        .map(|p| mappings::PropertySchema { group_name: "companyinformation".to_owned(), ..p })
        .collect();
    let fit = Mapping::parse("companies.yaml", &text).unwrap().fit(&portal);
    fit.differences.into_iter().filter_map(|difference| difference.wanted).collect()
}

fn row_key() -> Wanted {
    wanted("unique: row_key\nfields:\n  name: name\n").remove(0)
}

/// A portal that makes properties, shows them from the `shown_at`-th look on, and does with each create what `act` says:
/// whether it is carried out, and how it is answered.
fn portal(
    shown_at: usize,
    mut act: impl FnMut(usize) -> (bool, Step) + Send + 'static,
) -> (Scene, Arc<Mutex<Vec<Value>>>) {
    let made: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (theirs, mut looks, mut creates) = (Arc::clone(&made), 0, 0);
    let scene = scene(Settings::default(), move |request| {
        let mut made = theirs.lock().unwrap();
        if let Some(body) = &request.body {
            let body: Value = serde_json::from_slice(body).unwrap();
            let there = made.iter().any(|one| one["name"] == body["name"]);
            let (carried_out, step) = act(creates);
            creates += 1;
            if carried_out && !there {
                made.push(body);
            }
            return if carried_out && there { answer(409, r#"{"category":"OBJECT_ALREADY_EXISTS"}"#) } else { step };
        }
        assert_eq!(query(&request.path, "archived"), Some("false"));
        looks += 1;
        let shown = if looks >= shown_at { made.clone() } else { Vec::new() };
        answer(200, &json!({ "results": shown }).to_string())
    });
    (scene, made)
}

fn creates(scene: &Scene) -> usize {
    scene.fake.asked().iter().filter(|asked| asked.starts_with("POST")).count()
}

#[tokio::test(start_paused = true)]
async fn a_property_is_made_with_all_that_hubspot_asks_for_and_told_when_it_is_shown() {
    let (scene, _) = portal(3, |_| (true, answer(201, "{}")));
    let made = scene.hubspot.make_property("companies", &row_key()).await.unwrap();
    assert!(made.new && made.property.has_unique_value && made.property.hidden);
    assert_eq!(scene.fake.asked()[0], "POST /crm/properties/2026-09/companies");
    let body = &scene.fake.bodies()[0];
    assert_eq!(
        (&body["name"], &body["type"], &body["fieldType"]),
        (&json!("row_key"), &json!("string"), &json!("text"))
    );
    assert_eq!((&body["groupName"], &body["hasUniqueValue"]), (&json!("companyinformation"), &json!(true)));
    assert_eq!((&body["hidden"], &body["formField"], body.get("options")), (&json!(true), &json!(false), None));
    assert!(scene.fake.times().last().unwrap() >= &1.0, "it waited until it was shown");
}

#[tokio::test(start_paused = true)]
async fn each_type_goes_with_its_way_of_editing() {
    let fields = "fields:
  name: name
  price: { column: price, type: decimal }
  vip: { column: vip, type: boolean }
  born: { column: born, type: date }
  seen: { column: seen, type: datetime }
  tier: { column: tier, type: text, transform: { values: { a: Gold, b: Silver } } }
";
    let (scene, _) = portal(0, |_| (true, answer(201, "{}")));
    for wanted in wanted(fields) {
        scene.hubspot.make_property("companies", &wanted).await.unwrap();
    }
    let bodies = scene.fake.bodies();
    let told: Vec<String> =
        bodies.iter().map(|b| format!("{} {}", b["type"], b["fieldType"]).replace('"', "")).collect();
    let pairs = ["number number", "bool booleancheckbox", "date date", "datetime date", "enumeration select"];
    assert_eq!(told, pairs);
    let options = &bodies[4]["options"];
    assert_eq!((&options[1]["value"], &options[1]["label"]), (&json!("b"), &json!("Silver")));
    assert_eq!(bodies[1]["options"][0]["value"], "true");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_left_as_it_is() {
    let (scene, made) = portal(0, |_| (true, answer(201, "{}")));
    made.lock().unwrap().push(json!({"name": "row_key", "type": "string", "label": "Somebody's"}));
    let told = scene.hubspot.make_property("companies", &row_key()).await.unwrap();
    assert_eq!((told.new, told.property.label.as_str()), (false, "Somebody's"));
    assert!(!told.property.has_unique_value, "what is told is what is there");
    assert_eq!(creates(&scene), 1);
}

#[tokio::test(start_paused = true)]
async fn p9_a_create_without_an_answer_is_looked_up_before_it_goes_again() {
    let (scene, made) = portal(0, |_| (true, unknown()));
    assert!(scene.hubspot.make_property("companies", &row_key()).await.unwrap().new);
    assert_eq!((creates(&scene), made.lock().unwrap().len()), (1, 1), "it had been carried out");

    let (scene, made) = portal(0, |n| if n == 0 { (false, unknown()) } else { (true, answer(201, "{}")) });
    assert!(scene.hubspot.make_property("companies", &row_key()).await.unwrap().new);
    assert_eq!((creates(&scene), made.lock().unwrap().len()), (2, 1), "it had not");
    let asked = scene.fake.asked();
    assert!(asked[1].starts_with("GET") && asked.iter().rposition(|line| line.starts_with("POST")).unwrap() > 1);

    let (scene, _) = portal(0, |_| (false, answer(502, "")));
    let error = scene.hubspot.make_property("companies", &row_key()).await.unwrap_err();
    assert_eq!((error.kind, creates(&scene)), (RemoteErrorKind::OutcomeUnknown, 3));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_hubspots_words_and_nothing_goes_again() {
    let scopes = r#"{"category":"MISSING_SCOPES","message":"no","errors":[{"message":"no","context":{"requiredGranularScopes":["crm.schemas.companies.write"]}}]}"#;
    let limit = r#"{"category":"VALIDATION_ERROR","message":"The limit of 10 unique properties was reached"}"#;
    for (status, body, kind, words) in [
        (403, scopes, RemoteErrorKind::MissingScope, "crm.schemas.companies.write"),
        (400, limit, RemoteErrorKind::Refused, "limit of 10 unique"),
    ] {
        let (scene, _) = portal(0, move |_| (false, answer(status, body)));
        let error = scene.hubspot.make_property("companies", &row_key()).await.unwrap_err();
        assert_eq!((error.kind, creates(&scene)), (kind, 1));
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_property_that_is_never_shown_is_not_told_as_done() {
    let (scene, _) = portal(usize::MAX, |_| (true, answer(201, "{}")));
    let error = scene.hubspot.make_property("companies", &row_key()).await.unwrap_err();
    assert_eq!((error.kind, creates(&scene)), (RemoteErrorKind::Unavailable, 1));
    assert!(error.remedy.contains("sensitive"), "{}", error.remedy);
}
