//! What goes wrong with writes, and what a test can see of it.

use serde_json::{Value as Json, json};
use simulator::{Delivery, FaultKind, Faults, Request, Settings, Value, When};

use crate::client::{Client, ids, quiet};

const UPDATE: &str = "/crm/objects/2026-09/deals/batch/update";

fn deals(client: &mut Client, n: usize) -> Vec<u64> {
    (0..n).map(|_| client.create("deals", &[("dealname", "old")])).collect()
}

fn rename(ids: &[u64]) -> Json {
    let input = |id: &u64| json!({"id": id.to_string(), "properties": {"dealname": "new"}, "objectWriteTraceId": id.to_string()});
    json!({"inputs": ids.iter().map(input).collect::<Vec<_>>()})
}

fn renamed(client: &Client) -> usize {
    client.portal.records("deals").filter(|r| r.text("dealname").as_deref() == Some("new")).count()
}

fn struck(kind: FaultKind) -> (Client, Delivery) {
    let mut client = Client::quiet();
    let made = deals(&mut client, 20);
    client.portal.inject(kind, When::next(1));
    let request = Request::post(UPDATE, client.portal.token(), rename(&made).to_string());
    let delivery = client.portal.exchange(client.now, &request).delivery;
    (client, delivery)
}

#[test]
fn a_lost_answer_hides_whether_the_write_was_carried_out() {
    for (kind, done) in [
        (FaultKind::TimeoutBefore, 0),
        (FaultKind::TimeoutAfter, 20),
        (FaultKind::Reset, 0),
        (FaultKind::ResetAfter, 20),
        (FaultKind::Edge { status: 502, empty: false }, 0),
        (FaultKind::EdgeAfter { status: 502 }, 20),
        (FaultKind::Cut, 20),
        (FaultKind::InvalidJson, 20),
        (FaultKind::Locked, 0),
        (FaultKind::Conflict, 0),
    ] {
        let (client, _) = struck(kind.clone());
        assert_eq!((renamed(&client), client.portal.calls().carried_out), (done, u64::from(done > 0)), "{kind:?}");
    }
}

#[test]
fn a_late_write_overtakes_what_people_did_meanwhile() {
    let mut client = Client::quiet();
    let made = deals(&mut client, 1);
    client.portal.log_writes(true);
    client.portal.inject(FaultKind::TimeoutLate { delay: 4_000 }, When::path("batch/update"));
    let request = Request::post(UPDATE, client.portal.token(), rename(&made).to_string());
    assert_eq!(client.portal.exchange(client.now, &request).delivery, Delivery::Timeout);
    assert_eq!((renamed(&client), client.portal.executed().len()), (0, 0));
    client.wait(3_000);
    client.edit("deals", made[0], &[("dealname", "a person's")]);
    client.wait(2_000);
    client.portal.advance(client.now);
    assert_eq!(client.held("deals", made[0], "dealname"), "new");
    let written = &client.portal.writes()[0];
    assert_eq!((written.at, written.before.clone()), (client.now - 1_000, Some(Value::from("a person's"))));
    let executed = &client.portal.executed()[0];
    assert_eq!((executed.at, executed.status, executed.path.as_str()), (client.now - 1_000, 200, UPDATE));
    assert_eq!(executed.body, request.body);
}

#[test]
fn an_omitted_result_was_written_and_an_ignored_input_was_not() {
    for (kind, done) in [(FaultKind::Omit, 20), (FaultKind::Ignore, 18)] {
        let (client, delivery) = struck(kind.clone());
        let (status, body) = crate::client::parsed(delivery.answer().unwrap());
        assert_eq!((status, ids(&body).len(), body.get("errors")), (200, 18, None));
        assert_eq!(renamed(&client), done, "{kind:?}");
    }
}

#[test]
fn inputs_that_fail_alone_are_told_by_their_trace_ids() {
    let (client, delivery) = struck(FaultKind::FailItems);
    let (status, body) = crate::client::parsed(delivery.answer().unwrap());
    assert_eq!((status, ids(&body).len(), &body["numErrors"], renamed(&client)), (207, 18, &json!(2), 18));
    assert!(body["errors"][0]["context"]["objectWriteTraceId"][0].is_string());
}

#[test]
fn a_batch_may_be_a_multi_status_without_any_error() {
    let (client, delivery) = struck(FaultKind::MultiStatus);
    let (status, body) = crate::client::parsed(delivery.answer().unwrap());
    assert_eq!((status, ids(&body).len(), body.get("errors"), renamed(&client)), (207, 20, None, 20));
}

#[test]
fn a_silent_refusal_answers_with_the_old_value() {
    let (client, delivery) = struck(FaultKind::RefuseSilently);
    let (status, body) = crate::client::parsed(delivery.answer().unwrap());
    let results = body["results"].as_array().unwrap();
    let old = results.iter().filter(|r| r["properties"]["dealname"] == "old").count();
    assert_eq!((status, results.len(), old, renamed(&client)), (200, 20, 2, 18));
}

#[test]
fn silent_refusals_come_at_a_rate_of_their_own_for_single_and_batch_writes() {
    let faults = Faults { refused_silently: 0.3, ..Faults::none() };
    let mut client = Client::new(Settings { faults, ..quiet() });
    let made = deals(&mut client, 400);
    for some in made[..200].chunks(50) {
        assert_eq!(client.post(UPDATE, &rename(some)).0, 200);
    }
    for id in &made[200..] {
        let path = format!("/crm/v3/objects/deals/{id}");
        assert_eq!(client.patch(&path, &json!({"properties": {"dealname": "new"}})).0, 200);
    }
    let share = renamed(&client) as f64 / 400.0;
    assert!((0.6..0.8).contains(&share), "{share}");
    assert_eq!(client.portal.calls().faults, 0, "no request as a whole was struck");
}

#[test]
fn what_goes_wrong_with_batches_of_writes_leaves_reads_alone() {
    let rates = Faults { written_omitted: 0.2, ignored: 0.2, items_failed: 0.2, conflict: 0.2, ..Faults::none() };
    let mut client = Client::new(Settings { faults: rates, ..quiet() });
    let made = deals(&mut client, 10);
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..200 {
        let name = format!("round {n}");
        let mut asked = rename(&made);
        asked["inputs"].as_array_mut().unwrap().iter_mut().for_each(|i| i["properties"]["dealname"] = json!(name));
        let (status, body) = client.post(UPDATE, &asked);
        let written = made.iter().filter(|id| client.held("deals", **id, "dealname") == name).count();
        seen.insert((status, body["results"].as_array().map_or(0, Vec::len), written));
        assert_eq!(client.get("/crm/v3/objects/deals").0, 200);
    }
    let kinds: Vec<(u16, usize, usize)> = seen.into_iter().collect();
    assert_eq!(kinds, [(200, 9, 9), (200, 9, 10), (200, 10, 10), (207, 9, 9), (409, 0, 0)]);
}

#[test]
fn the_log_holds_every_value_as_it_was_sent_and_as_it_is_kept() {
    let mut client = Client::quiet();
    let contacts = "/crm/objects/2026-09/contacts";
    client.post(contacts, &json!({"properties": {"firstname": "unheard"}}));
    assert!(client.portal.writes().is_empty(), "nothing is noted before it is asked for");
    client.portal.log_writes(true);
    let (_, body) = client.post(contacts, &json!({"properties": {"email": "A@X.example"}}));
    let id: u64 = body["id"].as_str().unwrap().parse().unwrap();
    client.wait(1_000);
    client.edit("contacts", id, &[("jobtitle", "CEO")]);
    client.patch(&format!("{contacts}/{id}"), &json!({"properties": {"jobtitle": "CTO", "phone": ""}}));
    client.post(contacts, &json!({"properties": {"email": "a@x.example"}}));
    let told: Vec<_> = client
        .portal
        .writes()
        .iter()
        .map(|w| {
            let text = |value: &Value| value.text().unwrap().into_owned();
            assert_eq!((w.id, w.object.as_str()), (id, "contacts"));
            (w.property.as_str(), text(&w.received), w.before.as_ref().map(text), text(&w.after))
        })
        .collect();
    let s = str::to_owned;
    assert_eq!(
        told,
        [
            ("email", s("A@X.example"), None, s("a@x.example")),
            ("jobtitle", s("CTO"), Some(s("CEO")), s("CTO")),
            ("phone", s(""), None, s("")),
        ]
    );
    let statuses: Vec<u16> = client.portal.executed().iter().map(|e| e.status).collect();
    assert_eq!((statuses, client.portal.calls().writes), (vec![201, 200, 409], 4));
}

#[test]
fn the_log_holds_what_became_of_associations() {
    let mut client = Client::quiet();
    let (contact, company) = (client.create("contacts", &[]), client.create("companies", &[("name", "c")]));
    client.portal.log_writes(true);
    let path = format!("/crm/objects/2026-09/contacts/{contact}/associations/companies/{company}");
    let plain = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]);
    assert_eq!(client.put(&path, &plain).0, 201);
    assert_eq!((client.delete(&path), client.delete(&path)), (204, 204));
    let links = client.portal.links_written();
    let told: Vec<(usize, usize)> = links.iter().map(|l| (l.before.len(), l.after.len())).collect();
    assert_eq!(told, [(0, 2), (2, 0)], "the second removal changed nothing");
    assert_eq!(links[0].to, ("companies".to_owned(), company));
}

#[test]
fn the_same_seed_and_the_same_writes_give_the_same_bytes() {
    let run = || {
        let mut client = Client::new(Settings { faults: Faults::storm(), ..quiet() });
        let mut all = Vec::new();
        let made = deals(&mut client, 30);
        for n in 0..200 {
            client.wait(731);
            let some: Vec<u64> = made.iter().copied().skip(n % 20).take(10).collect();
            let body = if n % 2 == 0 {
                json!({"inputs": [{"properties": {"dealname": n.to_string(), "dealstage": "contractsent"}}]})
            } else {
                rename(&some)
            };
            let path = if n % 2 == 0 { "/crm/objects/2026-09/deals/batch/create" } else { UPDATE };
            let request = Request::post(path, client.portal.token(), body.to_string());
            all.push(format!("{:?}", client.portal.exchange(client.now, &request).delivery));
        }
        all
    };
    assert_eq!(run(), run());
}

/// One write, as a client that pushes would send it.
fn random_write(dice: &mut fastrand::Rng, ids: &[u64]) -> (&'static str, String, Json) {
    let name = format!("  n{} ", dice.u16(..));
    let new = json!({"dealname": name, "dealstage": "contractsent", "sync_key": format!("k{}", dice.u8(0..20))});
    let some: Vec<u64> = ids.iter().copied().filter(|_| dice.u8(0..4) == 0).collect();
    let one = ids.get(dice.usize(0..=ids.len())).copied().unwrap_or(7);
    let base = "/crm/objects/2026-09/deals";
    match dice.u8(0..5) {
        0 => ("POST", base.to_owned(), json!({"properties": new})),
        1 => {
            let input = json!({"id": new["sync_key"], "idProperty": "sync_key", "properties": new,
                "objectWriteTraceId": "0"});
            ("POST", format!("{base}/batch/upsert"), json!({"inputs": [input]}))
        }
        2 => ("PATCH", format!("{base}/{one}"), json!({"properties": {"dealname": name, "amount": "1.0"}})),
        3 if dice.u8(0..4) == 0 => ("DELETE", format!("{base}/{one}"), Json::Null),
        _ => ("POST", UPDATE.to_owned(), rename(&some)),
    }
}

#[test]
fn the_log_played_again_gives_what_the_portal_holds_whatever_went_wrong() {
    for seed in 0..6 {
        let faults = Faults { seed, refused_silently: 0.1, storms: vec![], ..Faults::storm() };
        let mut client = Client::new(Settings { faults, seed, ..quiet() });
        client.portal.add_property(client.now, "deals", &simulator::NewProperty::unique("sync_key")).unwrap();
        client.portal.log_writes(true);
        let mut dice = fastrand::Rng::with_seed(seed);
        for _ in 0..600 {
            let known: Vec<u64> = client.portal.records("deals").map(|r| r.id).collect();
            let (method, path, body) = random_write(&mut dice, &known);
            let request =
                Request { method: method.into(), ..Request::post(path, client.portal.token(), body.to_string()) };
            client.portal.exchange(client.now, &request);
            client.wait(dice.i64(1..2_000));
        }
        client.wait(120_000);
        client.portal.advance(client.now);
        let mut played = std::collections::BTreeMap::new();
        for write in client.portal.writes() {
            let before = played.insert((write.id, write.property.as_str()), write.after.clone());
            assert_eq!(before, write.before, "seed {seed}");
        }
        assert!(played.len() > 50, "seed {seed}: too little happened");
        for ((id, property), value) in played {
            assert_eq!(client.held("deals", id, property), value.text().unwrap(), "seed {seed}");
        }
        let mut keys: Vec<String> = client
            .portal
            .records("deals")
            .filter(simulator::RecordView::is_active)
            .filter_map(|r| r.text("sync_key"))
            .collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all, "seed {seed}: a key twice");
    }
}
