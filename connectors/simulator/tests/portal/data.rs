use simulator::{DataSize, Portal, Settings, Tier, Value};

#[test]
fn a_portal_has_as_many_active_records_as_it_was_asked_for() {
    let size = DataSize {
        contacts: 400,
        companies: 60,
        deals: 50,
        tickets: 40,
        notes: 30,
        machines: 10,
        ..DataSize::default()
    };
    let portal = Portal::new(Settings { data: size, tier: Tier::Enterprise, ..Settings::default() });
    for (object, count) in
        [("contacts", 400), ("companies", 60), ("deals", 50), ("tickets", 40), ("notes", 30), ("2-31337042", 10)]
    {
        assert_eq!(portal.active_ids(object).len(), count, "{object}");
    }
    assert!(portal.records("contacts").any(|r| r.archived_at.is_some()));
    assert!(portal.records("contacts").any(|r| r.merged_into.is_some()));
    assert!(!portal.associations("contacts", "companies").is_empty());
    assert!(portal.associations("contacts", "companies").iter().any(|e| e.label.as_deref() == Some("Decision maker")));
    assert!(!portal.associations("deals", "line_items").is_empty());
}

#[test]
fn activities_and_sales_are_associated_with_the_records_they_are_about() {
    let portal = Portal::new(Settings::default());
    for activity in ["notes", "tasks", "calls", "meetings", "emails"] {
        assert!(!portal.active_ids(activity).is_empty(), "{activity}");
        for object in ["contacts", "companies", "deals", "tickets"] {
            assert!(!portal.associations(activity, object).is_empty(), "{activity} to {object}");
        }
    }
    for (from, to) in [("line_items", "deals"), ("line_items", "quotes"), ("quotes", "deals"), ("quotes", "contacts")] {
        assert!(!portal.associations(from, to).is_empty(), "{from} to {to}");
    }
    let products = portal.active_ids("products");
    let sold: Vec<u64> =
        portal.records("line_items").map(|r| r.text("hs_product_id").unwrap().parse().unwrap()).collect();
    assert!(sold.iter().all(|product| products.contains(product)));
    for task in portal.records("tasks") {
        let done = task.text("hs_task_status").as_deref() == Some("COMPLETED");
        assert_eq!(task.text("hs_task_completion_date").is_some(), done);
    }
}

#[test]
fn dates_never_lie_in_the_future_and_updates_never_before_creation() {
    let settings = Settings::default();
    let (start, portal) = (settings.start, Portal::new(settings));
    for record in portal.records("contacts") {
        assert!(record.created_at <= record.updated_at && record.updated_at <= start);
    }
}

#[test]
fn names_come_in_several_scripts_and_values_in_odd_shapes() {
    let portal = Portal::new(Settings::default());
    let names: Vec<String> = portal.records("contacts").filter_map(|r| r.text("lastname")).collect();
    assert!(names.iter().any(|n| !n.is_ascii()));
    let odd = |test: fn(&Value) -> bool| portal.records("contacts").any(|r| r.properties.values().any(test));
    assert!(odd(|v| matches!(v, Value::Raw(_))), "a lone surrogate");
    assert!(odd(Value::is_empty), "a cleared value");
    assert!(odd(|v| v.text().is_some_and(|t| t.len() == 30 && t.bytes().all(|b| b.is_ascii_digit()))), "thirty digits");
}

#[test]
fn every_merged_record_leads_to_one_that_knows_it() {
    let portal = Portal::new(Settings::default());
    for loser in portal.records("contacts").filter(|r| r.merged_into.is_some()) {
        let winner = portal.record("contacts", loser.merged_into.unwrap()).unwrap();
        assert!(winner.text("hs_merged_object_ids").unwrap().contains(&loser.id.to_string()));
    }
}

#[test]
fn another_seed_makes_another_portal() {
    let token = |seed| Portal::new(Settings { seed, ..Settings::sized(3, 1, 0, 0) }).token().to_owned();
    assert_eq!(token(1), token(1));
    assert_ne!(token(1), token(2));
    assert!(token(1).starts_with("pat-na1-"));
}

#[test]
fn some_records_share_a_millisecond_from_the_start() {
    let portal = Portal::new(Settings::default());
    let mut dates: Vec<i64> = portal.records("contacts").map(|r| r.updated_at).collect();
    dates.sort_unstable();
    let largest = dates.chunk_by(|a, b| a == b).map(<[i64]>::len).max();
    assert!(largest > Some(50));
}
