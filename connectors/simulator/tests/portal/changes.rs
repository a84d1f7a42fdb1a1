use serde_json::json;
use simulator::{Delivery, Lag, MergeId, PortalError, Request, Settings, Switches, Value};

use crate::client::{Client, quiet};

const DAY: i64 = 86_400_000;

#[test]
fn every_create_is_followed_by_a_bump_that_nobody_made() {
    let switches = Switches { post_create_bump: true, lag: Lag::none(), ..Switches::default() };
    let mut client = Client::new(Settings { switches, ..quiet() });
    for (object, slowest) in [("contacts", 25_100), ("companies", 4_800)] {
        let id = client.create(object, &[]);
        let before = client.portal.record(object, id).unwrap();
        assert_eq!(before.updated_at, before.created_at);
        client.wait(slowest);
        client.portal.advance(client.now);
        let after = client.portal.record(object, id).unwrap();
        assert!(after.updated_at - after.created_at >= 700, "{object}");
        assert!(after.updated_at - after.created_at <= slowest);
        client.wait(DAY);
        client.portal.advance(client.now);
        assert_eq!(client.portal.record(object, id).unwrap().updated_at, after.updated_at);
    }
}

#[test]
fn writing_what_is_already_there_moves_nothing_unless_switched() {
    let mut client = Client::quiet();
    let id = client.create("deals", &[("dealname", "d")]);
    let made = client.now;
    client.wait(1_000);
    client.edit("deals", id, &[("dealname", "d"), ("description", "")]);
    assert_eq!(client.portal.record("deals", id).unwrap().updated_at, made);
    client.portal.switches_mut().no_op_bumps = true;
    client.edit("deals", id, &[("dealname", "d")]);
    assert_eq!(client.portal.record("deals", id).unwrap().updated_at, client.now);
}

#[test]
fn calculated_values_change_without_moving_the_modified_date_unless_switched() {
    let mut client = Client::quiet();
    let id = client.create("companies", &[("name", "c")]);
    let made = client.now;
    client.wait(1_000);
    client.portal.recalculate(client.now, "companies", id, &[("num_associated_contacts", "7")]).unwrap();
    let record = client.portal.record("companies", id).unwrap();
    assert_eq!((record.text("num_associated_contacts").as_deref(), record.updated_at), (Some("7"), made));
    client.portal.switches_mut().recalculation_bumps = true;
    client.portal.recalculate(client.now, "companies", id, &[("num_associated_contacts", "8")]).unwrap();
    assert_eq!(client.portal.record("companies", id).unwrap().updated_at, client.now);
}

#[test]
fn a_merge_leaves_its_marks_and_fills_the_gaps_of_the_primary() {
    let mut client = Client::quiet();
    let first = client.create("contacts", &[("email", "a@x.example"), ("firstname", "Ada")]);
    let second = client.create("contacts", &[("email", "b@x.example"), ("firstname", "Bob"), ("phone", "1")]);
    let survivor = client.portal.merge(client.now, "contacts", first, second).unwrap();
    let record = client.portal.record("contacts", survivor).unwrap();
    assert_eq!(record.text("firstname").as_deref(), Some("Ada"));
    assert_eq!(record.text("phone").as_deref(), Some("1"));
    assert_eq!(record.text("hs_additional_emails").as_deref(), Some("b@x.example"));
    assert_eq!(record.text("hs_merged_object_ids"), Some(format!("{first};{second}")));
    let vids = record.text("hs_calculated_merged_vids").unwrap();
    assert_eq!(vids, format!("{first}:{now};{second}:{now}", now = client.now));
    for id in [first, second] {
        assert_eq!(client.portal.record("contacts", id).unwrap().merged_into, Some(survivor));
    }
}

#[test]
fn an_email_that_fills_the_gap_of_a_cleared_one_is_no_additional_one() {
    let mut client = Client::quiet();
    let first = client.create("contacts", &[("email", "a@x.example")]);
    client.edit("contacts", first, &[("email", "")]);
    let second = client.create("contacts", &[("email", "b@x.example")]);
    let survivor = client.portal.merge(client.now, "contacts", first, second).unwrap();
    assert_eq!(client.held("contacts", survivor, "email"), "b@x.example");
    assert_eq!(client.portal.record("contacts", survivor).unwrap().text("hs_additional_emails"), None);
}

#[test]
fn additional_emails_of_both_stay_when_an_email_fills_a_gap() {
    let mut client = Client::quiet();
    let first = client.create("contacts", &[("email", ""), ("hs_additional_emails", "p@x.example")]);
    let second = client.create("contacts", &[("email", "b@x.example"), ("hs_additional_emails", "q@x.example")]);
    let survivor = client.portal.merge(client.now, "contacts", first, second).unwrap();
    assert_eq!(client.held("contacts", survivor, "email"), "b@x.example");
    assert_eq!(client.held("contacts", survivor, "hs_additional_emails"), "p@x.example;q@x.example");
}

#[test]
fn a_portal_that_keeps_primary_ids_merges_into_the_primary() {
    let mut client = Client::quiet();
    client.portal.switches_mut().merge_id = MergeId::KeepPrimary;
    let first = client.create("companies", &[("name", "a")]);
    let second = client.create("companies", &[("name", "b")]);
    assert_eq!(client.portal.merge(client.now, "companies", first, second), Ok(first));
    assert!(client.portal.record("companies", first).unwrap().is_active());
    assert_eq!(client.portal.record("companies", second).unwrap().merged_into, Some(first));
}

#[test]
fn chains_of_merges_resolve_to_the_last_survivor() {
    let mut client = Client::quiet();
    let made: Vec<u64> = (0..4).map(|_| client.create("contacts", &[("firstname", "x")])).collect();
    let mut survivor = made[0];
    for id in &made[1..] {
        survivor = client.portal.merge(client.now, "contacts", survivor, *id).unwrap();
    }
    let (_, record) = client.get(&format!("/crm/v3/objects/contacts/{}", made[0]));
    assert_eq!(record["id"], survivor.to_string());
}

#[test]
fn the_recycling_bin_is_emptied_after_ninety_days_and_a_restore_resets_that() {
    let mut client = Client::quiet();
    let gone = client.create("deals", &[("dealname", "gone")]);
    let kept = client.create("deals", &[("dealname", "kept")]);
    for id in [gone, kept] {
        client.portal.archive(client.now, "deals", id).unwrap();
    }
    client.wait(DAY);
    client.portal.restore(client.now, "deals", kept).unwrap();
    assert_eq!(client.portal.record("deals", kept).unwrap().updated_at, client.now);
    client.wait(90 * DAY);
    assert_eq!(client.get(&format!("/crm/v3/objects/deals/{gone}?archived=true")).0, 404);
    assert!(client.portal.record("deals", gone).unwrap().purged);
    assert_eq!(client.get(&format!("/crm/v3/objects/deals/{kept}")).0, 200);
    assert!(client.portal.restore(client.now, "deals", gone).is_err());
}

#[test]
fn an_erased_record_is_in_no_list_and_leaves_no_value() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("email", "forget@me.example")]);
    client.portal.purge(client.now, "contacts", id).unwrap();
    for archived in ["false", "true"] {
        let (_, page) = client.get(&format!("/crm/v3/objects/contacts?archived={archived}"));
        assert_eq!(page["results"], json!([]));
    }
    assert!(client.portal.record("contacts", id).unwrap().properties.is_empty());
    assert_eq!(client.get("/crm/v3/objects/contacts/forget%40me.example?idProperty=email").0, 404);
}

#[test]
fn a_bulk_edit_stamps_every_record_with_one_millisecond() {
    let mut client = Client::quiet();
    let made: Vec<u64> = (0..50).map(|_| client.create("tickets", &[("subject", "t")])).collect();
    client.wait(123);
    assert_eq!(client.portal.bulk_edit(client.now, "tickets", &made, "source_type", "CHAT"), Ok(50));
    assert!(client.portal.records("tickets").all(|r| r.updated_at == client.now));
}

#[test]
fn an_archived_property_is_unknown_to_reads_and_comes_back_with_its_values() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &simulator::NewProperty::text("shoe_size")).unwrap();
    let id = client.create("contacts", &[("shoe_size", "44")]);
    client.portal.archive_property(client.now, "contacts", "shoe_size").unwrap();
    let path = format!("/crm/v3/objects/contacts/{id}?properties=shoe_size");
    assert!(client.get(&path).1["properties"].get("shoe_size").is_none());
    assert!(matches!(
        client.portal.edit(client.now, "contacts", id, &[("shoe_size", "45")]),
        Err(PortalError::NoSuchProperty { .. })
    ));
    client.portal.add_property(client.now, "contacts", &simulator::NewProperty::text("shoe_size")).unwrap();
    assert_eq!(client.get(&path).1["properties"]["shoe_size"], "44");
}

#[test]
fn a_removed_option_stays_on_the_records_that_have_it() {
    let mut client = Client::quiet();
    let id = client.create("contacts", &[("hs_lead_status", "NEW")]);
    client.portal.remove_option(client.now, "contacts", "hs_lead_status", "NEW").unwrap();
    client.portal.add_option(client.now, "contacts", "hs_lead_status", "FRESH", "Fresh").unwrap();
    let (_, property) = client.get("/crm/v3/properties/contacts/hs_lead_status");
    let values: Vec<&str> =
        property["options"].as_array().unwrap().iter().map(|o| o["value"].as_str().unwrap()).collect();
    assert!(values.contains(&"FRESH") && !values.contains(&"NEW"));
    assert_eq!(client.portal.record("contacts", id).unwrap().properties["hs_lead_status"], Value::from("NEW"));
}

#[test]
fn the_same_seed_and_the_same_requests_give_the_same_bytes() {
    let run = || {
        let mut client = Client::new(Settings { faults: simulator::Faults::storm(), ..Settings::default() });
        let mut all = Vec::new();
        for n in 0..300 {
            client.wait(137);
            let id = client.create("contacts", &[("firstname", "x")]);
            client.edit("contacts", id, &[("lastname", &n.to_string())]);
            for path in ["/crm/v3/objects/contacts?limit=20", "/crm/v3/owners", "/account-info/v3/details"] {
                let request = Request::get(path, client.portal.token());
                all.push(match client.portal.exchange(client.now, &request).delivery {
                    Delivery::Answer(r) | Delivery::Cut(r) => format!("{:?} {:?}", r.headers, r.body),
                    other => format!("{other:?}"),
                });
            }
            let request = Request::post("/crm/v3/objects/contacts/search", client.portal.token(), "{\"limit\":50}");
            all.push(format!("{:?}", client.portal.exchange(client.now, &request).delivery));
        }
        all
    };
    assert!(run() == run());
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let mut client = Client::quiet();
    let id = client.create("deals", &[("dealname", "d")]);
    let made = client.now;
    client.wait(-3_600_000);
    client.edit("deals", id, &[("dealname", "e")]);
    assert_eq!(client.portal.record("deals", id).unwrap().updated_at, made);
}

#[test]
fn no_two_contacts_share_an_email_and_a_merge_keeps_both_findable() {
    let mut client = Client::quiet();
    let first = client.create("contacts", &[("email", "a@x.example")]);
    let refused = client.portal.create(client.now, "contacts", &[("email", "A@x.example")]);
    assert_eq!(refused, Err(PortalError::Taken { property: "email".into(), holder: first }));
    let second = client.create("contacts", &[("email", "b@x.example")]);
    assert!(client.portal.edit(client.now, "contacts", second, &[("email", "a@x.example")]).is_err());
    let survivor = client.portal.merge(client.now, "contacts", first, second).unwrap();
    for email in ["a%40x.example", "b%40x.example"] {
        let (_, record) = client.get(&format!("/crm/v3/objects/contacts/{email}?idProperty=email"));
        assert_eq!(record["id"], survivor.to_string());
    }
    assert!(client.portal.create(client.now, "contacts", &[("email", "b@x.example")]).is_err());
}

#[test]
fn companies_may_share_a_domain() {
    let mut client = Client::quiet();
    client.create("companies", &[("domain", "x.example")]);
    client.create("companies", &[("domain", "x.example")]);
    assert_eq!(client.portal.active_ids("companies").len(), 2);
}

#[test]
fn a_record_stays_in_the_bin_while_another_has_a_value_that_no_two_may_have() {
    let mut client = Client::quiet();
    client.portal.add_property(client.now, "contacts", &simulator::NewProperty::unique("sync_key")).unwrap();
    let first = client.create("contacts", &[("email", "a@x.example"), ("sync_key", "k1")]);
    let second = client.create("contacts", &[("email", "b@x.example")]);
    let survivor = client.portal.merge(client.now, "contacts", first, second).unwrap();
    client.portal.archive(client.now, "contacts", survivor).unwrap();
    for (property, value) in [("email", "A@x.example"), ("email", "b@x.example"), ("sync_key", "k1")] {
        let holder = client.create("contacts", &[(property, value)]);
        let refused = client.portal.restore(client.now, "contacts", survivor);
        assert_eq!(refused, Err(PortalError::Taken { property: property.into(), holder }), "{value}");
        assert_eq!(client.portal.record("contacts", survivor).unwrap().archived_at, Some(client.now));
        client.portal.archive(client.now, "contacts", holder).unwrap();
    }
    client.portal.restore(client.now, "contacts", survivor).unwrap();
    assert!(client.portal.create(client.now, "contacts", &[("email", "b@x.example")]).is_err());
}
