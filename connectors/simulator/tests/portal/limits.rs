use simulator::{FaultKind, LimitBody, Policy, Request, Settings, Tier, When, Zone};

use crate::client::{Client, parsed, quiet};

fn tier(tier: Tier) -> Client {
    Client::new(Settings { tier, ..quiet() })
}

fn names(response: &simulator::Response) -> Vec<&str> {
    let all = response.headers.iter().map(|(name, _)| name.as_str());
    all.filter_map(|name| name.strip_prefix("X-HubSpot-RateLimit-")).collect()
}

fn list(client: &mut Client) -> simulator::Response {
    let request = Request::get("/crm/v3/objects/deals", client.portal.token());
    client.send(&request)
}

fn search(client: &mut Client) -> simulator::Response {
    let request = Request::post("/crm/v3/objects/deals/search", client.portal.token(), "{}");
    client.send(&request)
}

#[test]
fn the_rolling_window_refuses_the_call_after_the_last_and_forgets_after_ten_seconds() {
    for (kind, limit) in [(Tier::Free, 100), (Tier::Professional, 190), (Tier::OauthPublic, 110)] {
        let mut client = tier(kind);
        for _ in 0..limit {
            assert_eq!(list(&mut client).status, 200);
        }
        let refused = list(&mut client);
        let (status, body) = parsed(&refused);
        assert_eq!((status, body["policyName"].as_str()), (429, Some("TEN_SECONDLY_ROLLING")));
        assert_eq!(body["message"], "You have reached your ten_secondly_rolling limit.");
        assert_eq!(refused.header("retry-after"), None);
        client.wait(10_000);
        assert_eq!(list(&mut client).status, 200);
        assert_eq!(client.portal.calls().refused[&Policy::TenSecondly], 1);
    }
}

#[test]
fn search_has_five_calls_in_each_wall_clock_second_and_leaves_the_window_alone() {
    let mut client = tier(Tier::Professional);
    client.wait(990);
    let first: Vec<u16> = (0..6).map(|_| search(&mut client).status).collect();
    assert_eq!(first, [200, 200, 200, 200, 200, 429]);
    client.wait(10);
    assert_eq!(search(&mut client).status, 200);
    assert_eq!(list(&mut client).header("X-HubSpot-RateLimit-Remaining"), Some("189"));
}

#[test]
fn search_answers_carry_no_rate_header_and_its_429_no_policy_unless_switched() {
    let mut client = tier(Tier::Free);
    assert!(names(&search(&mut client)).is_empty());
    for _ in 0..4 {
        search(&mut client);
    }
    let refused = search(&mut client);
    let (_, body) = parsed(&refused);
    assert!(names(&refused).is_empty());
    assert_eq!(body["message"], "You have reached your secondly limit.");
    assert_eq!(body["category"], "RATE_LIMITS");
    assert!(body.get("policyName").is_none());
    client.portal.switches_mut().search_limit_body = LimitBody::Documented;
    let (_, body) = parsed(&search(&mut client));
    assert_eq!((body["policyName"].as_str(), body["errorType"].as_str()), (Some("SECONDLY"), Some("RATE_LIMIT")));
}

#[test]
fn which_headers_an_answer_carries_depends_on_the_kind_of_app() {
    let interval = ["Interval-Milliseconds", "Max", "Remaining", "Secondly", "Secondly-Remaining"];
    let private = [&["Daily", "Daily-Remaining"][..], &interval].concat();
    assert_eq!(names(&list(&mut tier(Tier::Professional))), private);
    assert_eq!(names(&list(&mut tier(Tier::OauthPublic))), interval);
}

#[test]
fn association_batches_have_a_window_of_their_own() {
    let mut client = tier(Tier::Professional);
    let body = "{\"inputs\":[{\"id\":\"1\"}]}";
    let request = Request::post("/crm/v4/associations/contacts/companies/batch/read", client.portal.token(), body);
    for _ in 0..150 {
        assert_eq!(client.send(&request).status, 207);
    }
    assert_eq!(client.send(&request).status, 429);
    assert_eq!(list(&mut client).status, 200);
}

#[test]
fn the_day_ends_at_midnight_of_the_account_and_refused_calls_count() {
    let mut client = Client::new(Settings { tier: Tier::Free, zone: Zone::kathmandu(), ..quiet() });
    client.portal.spend_elsewhere(client.now, 249_999);
    assert_eq!(list(&mut client).header("X-HubSpot-RateLimit-Daily-Remaining"), Some("0"));
    let (status, body) = parsed(&list(&mut client));
    assert_eq!((status, body["policyName"].as_str()), (429, Some("DAILY")));
    assert_eq!(body["message"], "You have reached your daily limit.");
    // 12:00 UTC is 17:45 in Kathmandu: midnight is six hours and a quarter away.
    client.wait((6 * 60 + 15) * 60_000 - 1);
    assert_eq!(list(&mut client).status, 429);
    client.wait(1);
    let first = list(&mut client);
    assert_eq!((first.status, first.header("X-HubSpot-RateLimit-Daily-Remaining")), (200, Some("249999")));
}

#[test]
fn a_refusal_uses_up_the_limits_once() {
    for kind in [FaultKind::Locked, FaultKind::Conflict, FaultKind::Forbidden, FaultKind::Unauthorized] {
        let mut client = tier(Tier::Professional);
        client.portal.inject(kind.clone(), When::next(1));
        let refused = list(&mut client);
        let left = |name: &str| refused.header(&format!("X-HubSpot-RateLimit-{name}")).map(str::to_owned);
        let both = (left("Remaining"), left("Daily-Remaining"));
        assert_eq!(both, (Some("189".to_owned()), Some("624999".to_owned())), "{kind:?}");
        assert_eq!(list(&mut client).header("X-HubSpot-RateLimit-Remaining"), Some("188"), "{kind:?}");
    }
    let mut client = tier(Tier::Professional);
    let garbage = Request::get("/crm/v3/owners", "garbage");
    let long = Request::get(format!("/crm/v3/owners?properties={}", "x".repeat(17_000)), client.portal.token());
    for (request, told) in [(garbage, (401, Some("189"))), (long, (414, Some("188")))] {
        let response = client.send(&request);
        assert_eq!((response.status, response.header("X-HubSpot-RateLimit-Remaining")), told);
    }
}

#[test]
fn a_refusal_is_a_429_where_the_limits_are_used_up() {
    let mut client = tier(Tier::Professional);
    (0..190).for_each(|_| drop(list(&mut client)));
    client.portal.inject(FaultKind::Locked, When::next(1));
    assert_eq!(list(&mut client).status, 429);
    assert_eq!(client.send(&Request::get("/crm/v3/owners", "garbage")).status, 429);
    assert_eq!(client.portal.calls().refused[&Policy::TenSecondly], 2);
}

#[test]
fn what_comes_from_the_edge_uses_up_nothing() {
    let mut client = tier(Tier::Professional);
    for kind in
        [FaultKind::Edge { status: 503, empty: true }, FaultKind::Migrating { retry_after: 5 }, FaultKind::Reset]
    {
        client.portal.inject(kind, When::next(1));
        let request = Request::get("/crm/v3/objects/deals", client.portal.token());
        client.portal.exchange(client.now, &request);
    }
    assert_eq!(list(&mut client).header("X-HubSpot-RateLimit-Daily-Remaining"), Some("624999"));
}

#[test]
fn the_usage_endpoint_tells_the_limit_the_use_and_the_reset() {
    let mut client = tier(Tier::Enterprise);
    list(&mut client);
    let (_, body) = client.get("/account-info/v3/api-usage/daily/private-apps");
    let row = &body["results"][0];
    assert_eq!((row["usageLimit"].as_i64(), row["currentUsage"].as_i64()), (Some(1_000_000), Some(2)));
    assert_eq!(row["resetsAt"], "2026-10-06T04:00:00Z");
    assert_eq!(row["name"], "private-apps-api-calls-daily");
}

#[test]
fn calls_are_counted_by_what_they_ask() {
    let mut client = tier(Tier::Unlimited);
    list(&mut client);
    search(&mut client);
    client.get("/crm/v3/objects/deals/1");
    client.get("/crm/v3/owners");
    client.post("/crm/v3/objects/deals", &serde_json::json!({"properties": {}}));
    let calls = client.portal.calls();
    assert_eq!((calls.list, calls.search, calls.read, calls.other, calls.writes, calls.total), (1, 1, 1, 1, 1, 5));
    assert_eq!((calls.status(200), calls.status(404)), (3, 1));
}
