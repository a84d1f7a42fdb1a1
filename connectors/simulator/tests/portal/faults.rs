use serde_json::json;
use simulator::{Delivery, FaultKind, Faults, Policy, Request, Settings, Storm, When};

use crate::client::{Client, parsed, quiet, text};

fn ask(client: &mut Client) -> Delivery {
    let request = Request::get("/crm/v3/objects/deals", client.portal.token());
    client.portal.exchange(client.now, &request).delivery
}

fn struck(kind: FaultKind) -> Delivery {
    let mut client = Client::quiet();
    client.create("deals", &[("dealname", "d")]);
    client.portal.inject(kind, When::next(1));
    let delivery = ask(&mut client);
    assert_eq!(ask(&mut client).answer().map(|r| r.status), Some(200), "one fault strikes once");
    delivery
}

fn status(kind: FaultKind) -> simulator::Response {
    struck(kind).answer().unwrap().clone()
}

#[test]
fn timeouts_and_resets_give_no_answer() {
    assert_eq!(struck(FaultKind::TimeoutBefore), Delivery::Timeout);
    assert_eq!(struck(FaultKind::TimeoutAfter), Delivery::Timeout);
    assert_eq!(struck(FaultKind::TimeoutLate { delay: 100 }), Delivery::Timeout);
    assert_eq!(struck(FaultKind::Reset), Delivery::Reset);
    assert_eq!(struck(FaultKind::ResetAfter), Delivery::Reset);
}

#[test]
fn a_cut_answer_promises_more_than_it_delivers() {
    let Delivery::Cut(response) = struck(FaultKind::Cut) else { panic!("not cut") };
    let promised: usize = response.header("content-length").unwrap().parse().unwrap();
    assert!(promised > response.body.len());
}

#[test]
fn an_invalid_body_arrives_whole_and_does_not_parse() {
    let response = status(FaultKind::InvalidJson);
    assert_eq!((response.status, response.header("content-length")), (200, None));
    assert!(serde_json::from_slice::<serde_json::Value>(&response.body).is_err());
}

#[test]
fn the_edge_answers_in_html_or_not_at_all() {
    for code in [500, 502, 503, 504, 521, 523, 524] {
        let html = status(FaultKind::Edge { status: code, empty: false });
        assert_eq!((html.status, text(&html).starts_with("<html>")), (code, true));
        let empty = status(FaultKind::Edge { status: code, empty: true });
        assert_eq!((empty.status, empty.body.len(), empty.header("content-type")), (code, 0, None));
    }
}

#[test]
fn every_limit_exists_in_both_body_shapes() {
    for policy in [Policy::TenSecondly, Policy::Secondly, Policy::Daily] {
        let (code, body) = parsed(&status(FaultKind::Limited { policy, documented: true }));
        assert!(code == 429 && body["errorType"] == "RATE_LIMIT" && body["policyName"].is_string());
        let (code, body) = parsed(&status(FaultKind::Limited { policy, documented: false }));
        assert!(code == 429 && body["category"] == "RATE_LIMITS" && body.get("policyName").is_none());
    }
}

#[test]
fn locks_migrations_and_lost_rights_have_their_own_statuses() {
    assert_eq!(status(FaultKind::Locked).status, 423);
    let moving = status(FaultKind::Migrating { retry_after: 3_600 });
    assert_eq!((moving.status, moving.header("retry-after")), (477, Some("3600")));
    let (code, body) = parsed(&status(FaultKind::Unauthorized));
    assert_eq!((code, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    let (code, body) = parsed(&status(FaultKind::Forbidden));
    assert_eq!((code, &body["category"]), (403, &json!("MISSING_SCOPES")));
}

#[test]
fn a_scripted_fault_waits_for_its_request() {
    let mut client = Client::quiet();
    client.portal.inject(FaultKind::Locked, When::path("/deals").method("GET").skip(1).times(2));
    assert_eq!(client.get("/crm/v3/owners").0, 200);
    assert_eq!(client.post("/crm/v3/objects/deals/search", &json!({})).0, 200);
    let codes: Vec<u16> = (0..4).map(|_| client.get("/crm/v3/objects/deals").0).collect();
    assert_eq!(codes, [200, 423, 423, 200]);
}

#[test]
fn a_storm_takes_every_request_while_it_lasts() {
    let storm = Storm { from_ms: 1_000, for_ms: 500, kind: FaultKind::Edge { status: 503, empty: true } };
    let mut client = Client::new(Settings { faults: Faults { storms: vec![storm], ..Faults::none() }, ..quiet() });
    let mut at = |ms: i64| {
        client.now = client.portal.settings().start + ms;
        client.get("/crm/v3/owners").0
    };
    assert_eq!([at(999), at(1_000), at(1_499), at(1_500)], [200, 503, 503, 200]);
}

#[test]
fn rates_come_out_as_often_as_they_say_and_the_presets_differ() {
    let share = |faults: Faults| {
        let mut client = Client::new(Settings { faults: Faults { storms: vec![], ..faults }, ..quiet() });
        (0..4_000).for_each(|_| drop(ask(&mut client)));
        client.portal.calls().faults as f64 / 4_000.0
    };
    assert_eq!(share(Faults::none()), 0.0);
    let (mild, storm) = (share(Faults::mild()), share(Faults::storm()));
    assert!((0.05..0.12).contains(&mild), "{mild}");
    assert!((0.25..0.5).contains(&storm), "{storm}");
}

#[test]
fn rates_are_read_from_json_and_an_unknown_key_is_an_error() {
    let faults =
        Faults::from_json(r#"{"edge": 0.5, "storms": [{"from_ms": 0, "for_ms": 5, "kind": "locked"}]}"#).unwrap();
    assert_eq!((faults.edge, faults.storms[0].kind.clone()), (0.5, FaultKind::Locked));
    assert!(Faults::from_json(r#"{"egde": 0.5}"#).is_err());
}

#[test]
fn a_slow_answer_is_only_slow() {
    let mut client = Client::quiet();
    client.portal.inject(FaultKind::Slow { by: 7_000 }, When::next(1));
    let request = Request::get("/crm/v3/owners", client.portal.token());
    let exchange = client.portal.exchange(client.now, &request);
    assert_eq!(exchange.latency.as_millis(), 7_000 + client.portal.settings().latency.as_millis());
    assert_eq!(exchange.delivery.answer().unwrap().status, 200);
}
