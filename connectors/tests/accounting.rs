//! What an answer to a batch of writes says of each input, whatever its order, gaps and repetitions.

use crate::script::{answer, steps};
use crate::writes::{batch, input, refusal, result};
use proptest::prelude::{Just, Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sync_core::Remote;
use sync_core::model::RecordId;
use sync_core::remote::{Outcome, WriteInput, Writing, WrittenRecord};

/// Who was done, as which record; `!` refused, `?` unknown, `-` not done.
fn told(outcomes: &[Outcome<WrittenRecord>]) -> Vec<String> {
    let word = |outcome: &Outcome<WrittenRecord>| match outcome {
        Outcome::Done(WrittenRecord { record, .. }) => {
            record.as_ref().map_or("done".to_owned(), |one| one.id.to_string())
        }
        Outcome::Refused(_) => "!".to_owned(),
        Outcome::Unknown(_) => "?".to_owned(),
        Outcome::NotDone(_) => "-".to_owned(),
    };
    outcomes.iter().map(word).collect()
}

async fn outcomes(
    how: Writing<'_>,
    inputs: &[WriteInput],
    status: u16,
    results: &[Value],
    errors: &[Value],
) -> Vec<Outcome<WrittenRecord>> {
    steps([batch(status, results, errors)]).hubspot.write("contacts", how, inputs).await.unwrap()
}

fn traced(trace: &str) -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": [trace]}})
}

fn mail(trace: &str, email: &str, name: &str) -> WriteInput {
    input(trace, "", &[("email", email), ("firstname", name)])
}

#[tokio::test(start_paused = true)]
async fn p11_every_input_of_a_batch_is_accounted_for_by_its_trace_whatever_the_order() {
    let inputs = [
        mail("a", "A@x.example", "A"),
        mail("b", "b@x.example", "B"),
        mail("c", "c@x.example", "C"),
        mail("d", "d@x.example", "D"),
    ];
    let results =
        [result(13, json!({}), Some("c")), result(11, json!({}), Some("a")), result(99, json!({}), Some("foreign"))];
    let conflict = json!({"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 171591000198",
        "context": {"objectWriteTraceId": ["b"], "existingId": ["171591000198"]}});
    let all = outcomes(Writing::Create, &inputs, 207, &results, &[conflict, traced("foreign")]).await;
    assert_eq!(told(&all), ["11", "!", "13", "?"]);
    assert_eq!(refusal(&all[1]).existing, Some(RecordId::from("171591000198")));
    assert!(matches!(&all[0], Outcome::Done(WrittenRecord { created: true, .. })));
    assert!(
        matches!(&all[3], Outcome::Unknown(why) if why.contains("did not mention it") && why.contains("VALIDATION_ERROR"))
    );
}

#[tokio::test(start_paused = true)]
async fn p11_creates_without_a_trace_are_told_by_what_they_wrote_and_only_where_that_is_certain() {
    let inputs = [
        mail("a", "Siena.Dyer@x.example", "Siena"),
        mail("b", "b@x.example", "Twin"),
        input("c", "", &[("firstname", "Same"), ("city", "")]),
        input("d", "", &[("firstname", "Same")]),
        input("e", "", &[("amount", "5.00"), ("closedate", "2026-01-31")]),
    ];
    let results = [
        result(5, json!({"amount": "5", "closedate": "2026-01-31T00:00:00Z", "hs_object_source": "API"}), None),
        result(4, json!({"firstname": "Same"}), None),
        result(3, json!({"firstname": "Same", "city": null}), None),
        result(1, json!({"email": "siena.dyer@x.example", "firstname": "Siena", "lifecyclestage": "lead"}), None),
        result(77, json!({"firstname": "Twin"}), None),
    ];
    let all = outcomes(Writing::Create, &inputs, 201, &results, &[]).await;
    assert_eq!(told(&all), ["1", "?", "?", "?", "5"], "two of the same values may be either");
    // Once an error takes one of the two out, the other one is certain.
    let all = outcomes(Writing::Create, &inputs, 207, &results[1..2], &[traced("c")]).await;
    assert_eq!(told(&all), ["?", "?", "!", "4", "?"]);
}

#[tokio::test(start_paused = true)]
async fn p11_what_is_certain_of_one_create_makes_another_one_certain() {
    let inputs = [input("a", "", &[("name", "x")]), input("b", "", &[("name", "x"), ("city", "y")])];
    let full = result(2, json!({"name": "x", "city": "y"}), None);
    let all =
        outcomes(Writing::Create, &inputs, 201, &[full.clone(), result(1, json!({"name": "x"}), None)], &[]).await;
    assert_eq!(told(&all), ["1", "2"], "the bare one can only be of the first, and so the other is of the second");
    assert_eq!(told(&outcomes(Writing::Create, &inputs, 201, &[full], &[]).await), ["?", "?"]);
}

#[tokio::test(start_paused = true)]
async fn p11_where_a_result_is_missing_another_one_is_not_taken_for_it() {
    let inputs = [
        input("a", "", &[("name", "Acme")]),
        input("b", "", &[("name", "Acme"), ("domain", "https://www.acme.com/")]),
        input("c", "", &[("name", "Other")]),
    ];
    // Of the second: HubSpot wrote its domain in its own way.
    let second = result(2, json!({"name": "Acme", "domain": "acme.com"}), None);
    let all = outcomes(Writing::Create, &inputs[..2], 201, std::slice::from_ref(&second), &[]).await;
    assert_eq!(told(&all), ["?", "?"]);
    let other = result(3, json!({"name": "Other"}), None);
    let all = outcomes(Writing::Create, &inputs, 201, &[second, other], &[]).await;
    assert_eq!(told(&all), ["?", "?", "3"], "what shares nothing with the others is certain all the same");
}

#[tokio::test(start_paused = true)]
async fn p11_a_create_by_itself_is_told_by_any_value_it_wrote() {
    let one = [input("a", "", &[("dealname", "Big"), ("phone", "0043 1 2")])];
    let all =
        outcomes(Writing::Create, &one, 201, &[result(8, json!({"dealname": "Big", "phone": "+4312"}), None)], &[])
            .await;
    assert_eq!(told(&all), ["8"]);
    let other = [result(9, json!({"dealname": "Small", "phone": "+4312"}), None)];
    assert_eq!(told(&outcomes(Writing::Create, &one, 201, &other, &[]).await), ["?"]);
}

#[tokio::test(start_paused = true)]
async fn p11_an_upsert_is_told_by_the_value_that_names_it_and_says_whether_it_made_the_record() {
    let inputs = [input("a", "Key@x.example", &[]), input("b", "other@x.example", &[]), input("c", "c@x.example", &[])];
    let mut results =
        vec![result(2, json!({"email": "other@x.example"}), None), result(1, json!({"email": "key@x.example"}), None)];
    results[0]["new"] = json!(true);
    results[1]["new"] = json!(false);
    let all = outcomes(Writing::Upsert("email"), &inputs, 200, &results, &[]).await;
    assert_eq!(told(&all), ["1", "2", "?"]);
    let created = |outcome: &Outcome<WrittenRecord>| matches!(outcome, Outcome::Done(done) if done.created);
    assert_eq!(all.iter().map(created).collect::<Vec<_>>(), [false, true, false]);
    // Case alone does not tell two apart.
    let alike = [input("a", "X", &[]), input("b", "x", &[])];
    let results = [result(1, json!({"code": "x"}), None), result(2, json!({"code": "X "}), None)];
    assert_eq!(told(&outcomes(Writing::Upsert("code"), &alike, 200, &results, &[]).await), ["?", "1"]);
}

#[tokio::test(start_paused = true)]
async fn p11_one_error_is_about_every_record_it_names() {
    let inputs: Vec<WriteInput> =
        (1..6).map(|id| input(&format!("t{id}"), &id.to_string(), &[("name", "x")])).collect();
    let missing = json!({"status": "error", "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": ["4", "2"], "objectWriteTraceId": ["t4", "t2"]}});
    let all =
        outcomes(Writing::Update, &inputs, 207, &[result(5, json!({}), None), result(1, json!({}), None)], &[missing])
            .await;
    assert_eq!(told(&all), ["1", "!", "?", "!", "5"]);
    assert!(refusal(&all[1]).not_found && refusal(&all[3]).not_found);
    let by_id_alone = json!({"category": "OBJECT_NOT_FOUND", "message": "x", "context": {"ids": [3]}});
    let all = outcomes(Writing::Update, &inputs, 200, &[], &[by_id_alone]).await;
    assert_eq!(told(&all), ["?", "?", "!", "?", "?"]);
}

#[tokio::test(start_paused = true)]
async fn p11_a_record_merged_away_is_left_out_or_answered_by_its_survivor() {
    let inputs = [input("a", "10", &[("name", "x")]), input("b", "11", &[("name", "x")])];
    let all = outcomes(Writing::Update, &inputs, 200, &[result(10, json!({}), None)], &[]).await;
    assert_eq!(told(&all), ["10", "?"]);
    let survivor = result(90, json!({"hs_merged_object_ids": "11;12"}), None);
    let all = outcomes(Writing::Update, &inputs, 200, &[survivor, result(10, json!({}), None)], &[]).await;
    assert_eq!(told(&all), ["10", "90"]);
}

#[tokio::test(start_paused = true)]
async fn p11_no_status_and_no_count_speaks_for_an_input() {
    let inputs = [input("a", "1", &[("name", "x")]), input("b", "2", &[("name", "y")])];
    for (status, body) in [
        (200, r#"{"status":"COMPLETE","results":[]}"#),
        (200, "{}"),
        (207, r#"{"results":[],"errors":[],"numErrors":2}"#),
        (207, r#"{"results":null,"errors":null}"#),
        (207, r#"{"errors":[{"message":"something","category":"VALIDATION_ERROR"}, 17, null, {}]}"#),
        (201, r#"{"results":[{"id":"3"},{"id":"1"},{"properties":{}}]}"#),
        (204, "{}"),
    ] {
        let scene = steps([answer(status, body)]);
        let all = scene.hubspot.write("contacts", Writing::Update, &inputs).await.unwrap();
        assert_eq!(told(&all), ["?", "?"], "{body}");
    }
    let all =
        outcomes(Writing::Update, &inputs, 207, &[result(2, json!({}), None), result(1, json!({}), None)], &[]).await;
    assert_eq!(told(&all), ["1", "2"], "207 with nothing but successes");
}

#[tokio::test(start_paused = true)]
async fn p11_an_input_of_which_two_things_are_said_is_unknown() {
    let inputs = [
        mail("a", "a@x.example", "A"),
        mail("b", "b@x.example", "B"),
        mail("c", "c@x.example", "C"),
        mail("d", "d@x.example", "D"),
    ];
    let results = [
        result(1, json!({}), Some("a")),
        result(2, json!({}), Some("a")),
        result(3, json!({}), Some("b")),
        result(3, json!({}), Some("b")),
        result(4, json!({}), Some("c")),
        result(5, json!({}), Some("d")),
    ];
    let all = outcomes(Writing::Create, &inputs, 207, &results, &[traced("c")]).await;
    assert_eq!(told(&all), ["?", "3", "?", "5"], "several records; the same twice; both done and refused");
    let shared = [result(7, json!({}), Some("a")), result(7, json!({}), Some("b")), result(8, json!({}), Some("c"))];
    let all = outcomes(Writing::Create, &inputs, 201, &shared, &[]).await;
    assert_eq!(told(&all), ["?", "?", "8", "?"], "one record cannot be made by two");
}

#[tokio::test(start_paused = true)]
async fn p11_what_failed_inside_hubspot_is_unknown_and_what_was_put_off_is_not_done() {
    let item = |category: &str, trace: &str| json!({"category": category, "message": "x", "context": {"objectWriteTraceId": [trace]}});
    let inputs = [mail("a", "a@x.example", "A"), mail("b", "b@x.example", "B"), mail("c", "c@x.example", "C")];
    let errors = [item("RATE_LIMITS", "c"), item("INTERNAL_ERROR", "b"), item("VALIDATION_ERROR", "a")];
    assert_eq!(told(&outcomes(Writing::Create, &inputs, 207, &[], &errors).await), ["!", "?", "-"]);
    // An error that names nobody is that of an only input, and one that names another is not.
    let unnamed = json!({"category": "VALIDATION_ERROR", "message": "x"});
    assert_eq!(told(&outcomes(Writing::Create, &inputs[..1], 207, &[], &[unnamed]).await), ["!"]);
    assert_eq!(told(&outcomes(Writing::Create, &inputs[..1], 207, &[], &[item("VALIDATION_ERROR", "z")]).await), ["?"]);
}

/// What an answer says of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    ByTrace,
    ByKey,
    Twice,
    TwoRecords,
    Error,
    Missing,
    Both,
    Silent,
}

const FATES: [Fate; 8] =
    [Fate::ByTrace, Fate::ByKey, Fate::Twice, Fate::TwoRecords, Fate::Error, Fate::Missing, Fate::Both, Fate::Silent];

/// An answer that says this of each input of an update or an upsert, and of strangers.
fn answer_of(upsert: bool, fates: &[Fate], strangers: usize, order: &[u32]) -> (Vec<Value>, Vec<Value>) {
    let (mut results, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (place, fate) in fates.iter().enumerate() {
        let id = 1_000 + place as u64;
        let shown = if upsert { json!({"key": format!("key-{place}")}) } else { json!({}) };
        let trace = format!("t{place}");
        let by_key = || result(id, shown.clone(), None);
        let by_trace = || result(id, json!({}), Some(&trace));
        match fate {
            Fate::ByTrace => results.push(by_trace()),
            Fate::ByKey => results.push(by_key()),
            Fate::Twice => results.extend([by_key(), by_trace()]),
            Fate::TwoRecords => results.extend([by_trace(), result(id + 5_000, shown, Some(&trace))]),
            Fate::Error => errors.push(traced(&trace)),
            Fate::Missing if upsert => errors.push(traced(&trace)),
            Fate::Missing => missing.push(id.to_string()),
            Fate::Both => {
                results.push(by_trace());
                errors.push(traced(&trace));
            }
            Fate::Silent => {}
        }
    }
    if !missing.is_empty() {
        errors.push(json!({"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": missing}}));
    }
    for stranger in 0..strangers {
        results.push(result(
            9_000 + stranger as u64,
            json!({"key": "strange"}),
            (stranger % 2 == 0).then_some("strange"),
        ));
        errors.push(traced("strange"));
    }
    let at = |number: usize| order[number % order.len()];
    let mut places: Vec<usize> = (0..results.len()).collect();
    places.sort_by_key(|number| at(*number));
    (places.into_iter().map(|place| results[place].clone()).collect(), errors)
}

#[test]
fn p11_every_input_is_accounted_for_exactly_once_in_any_mixture() {
    let fates = prop::collection::vec(prop::sample::select(FATES.to_vec()), 2..=100);
    let order = prop::collection::vec(any::<u32>(), 1..150);
    let status = prop::sample::select(vec![200u16, 201, 207]);
    let how = any::<bool>().prop_flat_map(|upsert| Just(if upsert { Writing::Upsert("key") } else { Writing::Update }));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let mixture = (how, fates, order, 0..4usize, status);
    let checked = runner.run(&mixture, |(how, fates, order, strangers, status)| {
        let upsert = how != Writing::Update;
        let key = |place: usize| if upsert { format!("key-{place}") } else { (1_000 + place).to_string() };
        let inputs: Vec<WriteInput> =
            (0..fates.len()).map(|place| input(&format!("t{place}"), &key(place), &[("name", "x")])).collect();
        let (results, errors) = answer_of(upsert, &fates, strangers, &order);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let said = runtime.block_on(outcomes(how, &inputs, status, &results, &errors));
        let expected = fates.iter().enumerate().map(|(place, fate)| match fate {
            Fate::ByTrace | Fate::ByKey | Fate::Twice => (1_000 + place).to_string(),
            Fate::Error | Fate::Missing => "!".to_owned(),
            Fate::TwoRecords | Fate::Both | Fate::Silent => "?".to_owned(),
        });
        assert_eq!(told(&said), expected.collect::<Vec<_>>(), "{fates:?}");
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn p11_a_create_without_a_trace_is_never_taken_for_another_one() {
    let names = || prop::sample::select(vec!["A", "B", "C"]);
    // A name, a city, whether it is answered, and whether HubSpot writes its city in its own way.
    let row = (names(), prop::option::of(names()), any::<bool>(), any::<bool>());
    let rows = prop::collection::vec(row, 1..12);
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&(rows, any::<bool>()), |(rows, reversed)| {
        let sent = |(name, city, ..): &(&'static str, Option<&'static str>, bool, bool)| {
            [("name", Some(*name)), ("city", *city)]
                .into_iter()
                .filter_map(|(own, value)| Some((own, value?)))
                .collect()
        };
        let sent: Vec<Vec<(&str, &str)>> = rows.iter().map(sent).collect();
        let inputs: Vec<WriteInput> =
            sent.iter().enumerate().map(|(place, own)| input(&format!("t{place}"), "", own)).collect();
        let answered = rows.iter().enumerate().filter(|(_, (.., answered, _))| *answered);
        let written = |place: usize, own: &str, value: &str| {
            let anew = own == "city" && rows[place].3;
            if anew { format!("www.{value}") } else { value.to_lowercase() }
        };
        let shown =
            |place: usize| sent[place].iter().map(|(own, value)| (*own, written(place, own, value))).collect::<Value>();
        let mut results: Vec<Value> =
            answered.map(|(place, _)| result(1_000 + place as u64, shown(place), None)).collect();
        if reversed {
            results.reverse();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let said = told(&runtime.block_on(outcomes(Writing::Create, &inputs, 201, &results, &[])));
        for (place, word) in said.iter().enumerate() {
            assert!(word == "?" || *word == (1_000 + place).to_string(), "{rows:?}: {said:?}");
            // Where results are missing, only what shares nothing with the others is certain.
            let like = sent.iter().filter(|own| {
                let shared = own.iter().any(|value| sent[place].contains(value));
                own.first() == sent[place].first() || (shared && results.len() < rows.len())
            });
            let certain = like.count() == 1 && !rows[place].3;
            assert!(!certain || (word != "?") == rows[place].2, "{rows:?}: {said:?}");
        }
        Ok(())
    });
    checked.unwrap();
}
