use serde_json::{Value as Json, json};
use simulator::{DataSize, FaultKind, Faults, Lag, Settings, Switches, When};

use crate::client::{Client, ids, quiet};

fn lagging() -> Client {
    let switches = Switches { lag: Lag { tail_rate: 0.0, ..Lag::default() }, ..quiet().switches };
    Client::new(Settings { switches, ..quiet() })
}

fn by(property: &str, operator: &str, value: impl Into<Json>) -> Json {
    json!({"filterGroups": [{"filters": [{"propertyName": property, "operator": operator, "value": value.into()}]}]})
}

#[test]
fn a_new_record_is_invisible_for_seconds_while_reads_see_it_at_once() {
    let mut client = lagging();
    let made: Vec<u64> = (0..40).map(|n| client.create("contacts", &[("email", &format!("u{n}@x.example"))])).collect();
    assert_eq!(client.search("contacts", &json!({}))["total"], 0);
    assert_eq!(ids(&client.get("/crm/v3/objects/contacts?limit=100").1).len(), made.len());
    client.wait(2_500);
    let some = client.search("contacts", &json!({}))["total"].as_u64().unwrap();
    assert!((5..35).contains(&some), "{some} of 40 visible at the median");
    client.wait(30_000);
    assert_eq!(client.search("contacts", &json!({}))["total"], 40);
}

#[test]
fn a_match_is_stale_and_the_values_returned_are_live() {
    let mut client = lagging();
    let id = client.create("companies", &[("domain", "old.example")]);
    client.wait(60_000);
    client.edit("companies", id, &[("domain", "new.example")]);
    let mut body = by("domain", "EQ", "old.example");
    body["properties"] = json!(["domain"]);
    let found = client.search("companies", &body);
    assert_eq!(found["results"][0]["properties"]["domain"], "new.example");
    assert_eq!(client.search("companies", &by("domain", "EQ", "new.example"))["total"], 0);
    client.wait(60_000);
    assert_eq!(client.search("companies", &by("domain", "EQ", "new.example"))["total"], 1);
    assert_eq!(client.search("companies", &by("domain", "EQ", "old.example"))["total"], 0);
}

#[test]
fn a_window_can_return_a_record_whose_live_date_lies_outside_it() {
    let mut client = lagging();
    let id = client.create("companies", &[("name", "a")]);
    client.wait(60_000);
    let (low, high) = (client.now - 61_000, client.now - 1);
    client.edit("companies", id, &[("name", "b")]);
    let window = json!({"filterGroups": [{"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "BETWEEN",
        "value": low.to_string(), "highValue": high.to_string()}]}]});
    let found = client.search("companies", &window);
    let record = client.portal.record("companies", id).unwrap();
    assert_eq!(ids(&found), [id]);
    assert!(record.updated_at > high);
}

#[test]
fn an_archived_record_is_counted_and_left_out_until_the_index_catches_up() {
    let mut client = lagging();
    let id = client.create("contacts", &[("firstname", "gone")]);
    client.wait(60_000);
    client.portal.archive(client.now, "contacts", id).unwrap();
    let found = client.search("contacts", &json!({}));
    assert_eq!((found["total"].as_u64(), ids(&found).len()), (Some(1), 0));
    client.wait(60_000);
    assert_eq!(client.search("contacts", &json!({}))["total"], 0);
}

#[test]
fn an_empty_page_may_still_have_a_next_one() {
    let mut client = lagging();
    let made: Vec<u64> = (0..4).map(|_| client.create("contacts", &[("firstname", "x")])).collect();
    client.wait(60_000);
    let mut sorted = made.clone();
    sorted.sort_unstable();
    for id in &sorted[..2] {
        client.portal.archive(client.now, "contacts", *id).unwrap();
    }
    let body = json!({"limit": 2, "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]});
    let page = client.search("contacts", &body);
    assert!(ids(&page).is_empty());
    assert_eq!(page["paging"], json!({"next": {"after": "2"}}));
}

#[test]
fn a_share_of_changes_stays_invisible_for_very_long() {
    let lag = Lag { tail_rate: 0.5, tail_max: std::time::Duration::from_secs(3_600), ..Lag::default() };
    let mut client = Client::new(Settings { switches: Switches { lag, ..quiet().switches }, ..quiet() });
    for _ in 0..100 {
        client.create("deals", &[("dealname", "d")]);
    }
    client.wait(60_000);
    client.portal.advance(client.now);
    assert!((30..70).contains(&client.portal.stale("deals")));
    client.wait(3_600_000);
    assert_eq!(client.search("deals", &json!({}))["total"], 100);
}

#[test]
fn contacts_know_two_modified_dates_and_filtering_on_the_wrong_one_finds_nothing() {
    let mut client = Client::quiet();
    client.create("contacts", &[("firstname", "x")]);
    client.create("companies", &[("name", "x")]);
    assert_eq!(client.search("contacts", &by("lastmodifieddate", "GT", "1000"))["total"], 1);
    assert_eq!(client.search("contacts", &by("hs_lastmodifieddate", "GT", "1000"))["total"], 0);
    assert_eq!(client.search("companies", &by("hs_lastmodifieddate", "GT", "1000"))["total"], 1);
}

#[test]
fn the_documented_limits_of_a_body_are_enforced() {
    let mut client = Client::quiet();
    let filter = |n: usize| vec![json!({"propertyName": "email", "operator": "HAS_PROPERTY"}); n];
    let group = |n: usize| json!({"filters": filter(n)});
    let path = "/crm/v3/objects/contacts/search";
    for (bad, body) in [
        (true, json!({"filterGroups": vec![group(1); 6]})),
        (false, json!({"filterGroups": vec![group(3); 5]})),
        (true, json!({"filterGroups": [group(7)]})),
        (true, json!({"filterGroups": vec![group(4); 5]})),
        (false, json!({"filters": filter(6)})),
        (true, json!({"limit": 201})),
        (false, json!({"limit": "200"})),
        (true, json!({"sorts": ["email", "lastname"]})),
        (true, json!({"after": "9900", "limit": 200})),
        (false, json!({"after": "9800", "limit": 200})),
        (true, json!({"query": "x".repeat(3_000)})),
        (true, json!({"filters": [{"propertyName": "nope", "operator": "HAS_PROPERTY"}]})),
        (true, json!({"filters": [{"propertyName": "email", "operator": "LIKES", "value": "x"}]})),
    ] {
        let (status, answer) = client.post(path, &body);
        assert_eq!(status, if bad { 400 } else { 200 }, "{body}");
        if bad {
            assert_eq!(answer["category"], "VALIDATION_ERROR", "{answer}");
        }
    }
}

#[test]
fn searching_from_the_beginning_of_time_is_a_500() {
    let mut client = Client::quiet();
    let path = "/crm/v3/objects/companies/search";
    assert_eq!(client.post(path, &by("hs_lastmodifieddate", "GTE", "0")).0, 500);
    assert_eq!(client.post(path, &by("hs_lastmodifieddate", "GTE", "1")).0, 200);
}

#[test]
fn operators_do_what_they_say() {
    let mut client = Client::quiet();
    let ada = client.create("contacts", &[("firstname", "Ada"), ("hs_lead_status", "NEW"), ("num_notes", "10")]);
    let bob = client.create("contacts", &[("firstname", "Bob"), ("hs_lead_status", "OPEN"), ("num_notes", "9")]);
    let none = client.create("contacts", &[("email", "none@x.example"), ("num_notes", "")]);
    let mut find = |property: &str, operator: &str, extra: Json| {
        let mut filter = json!({"propertyName": property, "operator": operator});
        filter.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut found = ids(&client.search("contacts", &json!({"filters": [filter]})));
        found.sort_unstable();
        found
    };
    let set = |ids: &[u64]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    assert_eq!(find("firstname", "EQ", json!({"value": "ADA"})), [ada]);
    assert_eq!(find("firstname", "NEQ", json!({"value": "ada"})), set(&[bob, none]));
    assert_eq!(find("num_notes", "GT", json!({"value": "9"})), [ada]);
    assert_eq!(find("num_notes", "BETWEEN", json!({"value": 9, "highValue": "10"})), set(&[ada, bob]));
    assert_eq!(find("firstname", "HAS_PROPERTY", json!({})), set(&[ada, bob]));
    assert_eq!(find("num_notes", "NOT_HAS_PROPERTY", json!({})), [none]);
    assert_eq!(find("email", "CONTAINS_TOKEN", json!({"value": "*@x.example"})), [none]);
    assert_eq!(find("hs_object_id", "GT", json!({"value": ada.min(bob).min(none).to_string()})).len(), 2);
    // Text in IN must be lower-case, choices are compared exactly.
    assert_eq!(find("firstname", "IN", json!({"values": ["Ada", "bob"]})), [bob]);
    assert_eq!(find("hs_lead_status", "EQ", json!({"value": "new"})), Vec::<u64>::new());
    assert_eq!(find("hs_lead_status", "IN", json!({"values": ["NEW", "open"]})), [ada]);
    assert_eq!(find("firstname", "CONTAINS_TOKEN", json!({"value": "ADA"})), [ada]);
    assert_eq!(find("hs_lead_status", "CONTAINS_TOKEN", json!({"value": "NEW"})), [ada]);
    assert_eq!(find("hs_lead_status", "CONTAINS_TOKEN", json!({"value": "new"})), Vec::<u64>::new());
    assert_eq!(find("hs_lead_status", "NOT_CONTAINS_TOKEN", json!({"value": "new"})), set(&[ada, bob, none]));
    assert_eq!(find("hs_lead_status", "NOT_CONTAINS_TOKEN", json!({"value": "NEW"})), set(&[bob, none]));
}

#[test]
fn dates_are_given_as_milliseconds_or_as_iso_with_an_offset() {
    let mut client = Client::quiet();
    client.create("deals", &[("dealname", "d")]);
    for value in ["1791201599999", "2026-10-05T13:59:59+02:00", "2026-10-05"] {
        assert_eq!(client.search("deals", &by("createdate", "GT", value))["total"], 1, "{value}");
    }
    assert_eq!(client.post("/crm/v3/objects/deals/search", &by("createdate", "GT", "soon")).0, 400);
}

#[test]
fn a_keyset_walk_by_id_sees_every_record_of_a_millisecond_shared_by_thousands() {
    let mut client = Client::new(Settings { data: DataSize { deals: 12_000, ..DataSize::none() }, ..quiet() });
    let all = client.portal.active_ids("deals");
    client.wait(1_000);
    client.portal.bulk_edit(client.now, "deals", &all, "description", "month end").unwrap();
    let tied = client.now.to_string();
    let (mut last, mut seen) = (0, Vec::new());
    loop {
        let body = json!({"limit": 200, "properties": ["hs_object_id"],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "filterGroups": [{"filters": [
                {"propertyName": "hs_lastmodifieddate", "operator": "EQ", "value": tied},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last.to_string()}]}]});
        let page = client.search("deals", &body);
        seen.extend(ids(&page));
        last = *seen.last().unwrap();
        if page.get("paging").is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn equal_sort_keys_come_in_another_order_on_the_next_page() {
    let switches = Switches { unstable_ties: true, ..quiet().switches };
    let mut client = Client::new(Settings { switches, data: DataSize { deals: 300, ..DataSize::none() }, ..quiet() });
    let all = client.portal.active_ids("deals");
    client.portal.bulk_edit(client.now, "deals", &all, "description", "tie").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for after in [0, 100, 200] {
        let body = json!({"limit": 100, "after": after, "sorts": [{"propertyName": "hs_lastmodifieddate"}]});
        seen.extend(ids(&client.search("deals", &body)));
    }
    assert!(seen.len() < 300, "paging by offset over ties must lose rows");
}

#[test]
fn the_default_order_is_creation_and_results_carry_no_associations() {
    let mut client = Client::quiet();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(client.create("companies", &[("name", "c")]));
        client.wait(10);
    }
    let page = client.search("companies", &json!({"associations": ["contacts"]}));
    assert_eq!(ids(&page), made);
    assert!(page["results"][0].get("associations").is_none());
}

#[test]
fn records_can_be_searched_by_what_they_are_associated_with() {
    let mut client = Client::quiet();
    let contact = client.create("contacts", &[("firstname", "a")]);
    client.create("contacts", &[("firstname", "b")]);
    let company = client.create("companies", &[("name", "c")]);
    client
        .portal
        .associate(client.now, "contacts", contact, "companies", company, simulator::Category::HubspotDefined, 279)
        .unwrap();
    assert_eq!(ids(&client.search("contacts", &by("associations.company", "EQ", company.to_string()))), [contact]);
}

#[test]
fn a_disordered_page_holds_the_same_rows() {
    let mut client = Client::new(Settings { data: DataSize { deals: 50, ..DataSize::none() }, ..quiet() });
    let body = json!({"limit": 50, "sorts": [{"propertyName": "hs_object_id"}]});
    let ordered = ids(&client.search("deals", &body));
    client.portal.inject(FaultKind::Disorder, When::path("/search"));
    let mut shuffled = ids(&client.search("deals", &body));
    assert_ne!(shuffled, ordered);
    shuffled.sort_unstable();
    assert_eq!(shuffled, ordered);
}

#[test]
fn a_page_whose_records_all_vanished_is_empty_and_still_has_a_next_one() {
    let mut client = Client::new(Settings { data: DataSize { deals: 50, ..DataSize::none() }, ..quiet() });
    client.portal.inject(FaultKind::Vanish, When::path("/search"));
    let page = client.search("deals", &json!({"limit": 20}));
    assert_eq!((&page["total"], &page["results"]), (&json!(50), &json!([])));
    assert_eq!(page["paging"]["next"]["after"], "20");
    assert_eq!(ids(&client.search("deals", &json!({"limit": 20}))).len(), 20);
    client.portal.set_faults(Faults { vanished: 1.0, ..Faults::none() });
    assert_eq!(client.search("deals", &json!({}))["results"], json!([]));
    assert_eq!(client.get("/crm/v3/objects/deals").1["results"].as_array().unwrap().len(), 10);
}

#[test]
fn a_blind_search_finds_nothing_where_the_list_has_records() {
    let mut client = Client::new(Settings { data: DataSize { deals: 5, ..DataSize::none() }, ..quiet() });
    client.portal.switches_mut().search_blind = true;
    let page = client.search("deals", &json!({}));
    assert_eq!((&page["total"], &page["results"], page.get("paging")), (&json!(0), &json!([]), None));
    assert_eq!(ids(&client.get("/crm/v3/objects/deals").1).len(), 5);
    client.portal.switches_mut().search_blind = false;
    assert_eq!(client.search("deals", &json!({}))["total"], 5);
}

#[test]
fn a_query_looks_for_its_words_in_the_searchable_properties() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("firstname", "Grace"), ("lastname", "Hopper")]);
    client.create("contacts", &[("firstname", "Grace"), ("lastname", "Kelly")]);
    assert_eq!(ids(&client.search("contacts", &json!({"query": "hop grace"}))), [id]);
}

#[test]
fn a_portal_may_give_fewer_records_a_page_than_were_asked_for() {
    let mut client = Client::new(quiet());
    client.portal.switches_mut().records_page = 3;
    let made: Vec<u64> = (0..7).map(|n| client.create("contacts", &[("email", &format!("u{n}@x.example"))])).collect();
    let first = client.search("contacts", &json!({"limit": 100}));
    assert_eq!((ids(&first).len(), &first["paging"]["next"]["after"]), (3, &json!("3")));
    let (mut seen, mut path) = (Vec::new(), "/crm/v3/objects/contacts?limit=100".to_owned());
    loop {
        let page = client.get(&path).1;
        seen.extend(ids(&page));
        let Some(after) = page["paging"]["next"]["after"].as_str() else { break };
        path = format!("/crm/v3/objects/contacts?limit=100&after={after}");
    }
    assert_eq!(seen.len(), made.len());
}
