use proptest::prelude::{any, proptest};
use serde_json::json;
use simulator::{DataSize, Lag, Settings, Switches, Tier, Value};

use crate::client::{Client, ids, quiet};

const DAY: i64 = 86_400_000;

/// Everything a walk by id finds in a window of modified dates.
fn walk(client: &mut Client, object: &str, modified: &str, from: i64, to: i64) -> Vec<u64> {
    let (mut seen, mut last, mut after) = (Vec::new(), 0, None);
    loop {
        let filters = json!([
            {"propertyName": modified, "operator": "BETWEEN", "value": from.to_string(), "highValue": to.to_string()},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last.to_string()}]);
        let mut body = json!({"limit": 50, "properties": ["hs_object_id"], "sorts": [{"propertyName": "hs_object_id"}],
            "filterGroups": [{"filters": filters}]});
        if let Some(after) = &after {
            body["after"] = json!(after);
        }
        let page = client.search(object, &body);
        let found = ids(&page);
        seen.extend(&found);
        if page.get("paging").is_none() {
            return seen;
        }
        match found.last() {
            Some(id) => (last, after) = (*id, None),
            None => after = Some(page["paging"]["next"]["after"].clone()),
        }
    }
}

/// Edits, creates, archives, restores, merges and erases for a while, one every few seconds.
fn live(client: &mut Client, dice: &mut fastrand::Rng, object: &str, property: &str) {
    let active = client.portal.active_ids(object);
    let id = active[dice.usize(0..active.len())];
    let now = client.now;
    let done = match dice.u8(0..10) {
        0..5 => client.portal.edit(now, object, id, &[(property, format!("v{now}"))]),
        5 | 6 => client.portal.create(now, object, &[(property, format!("n{now}"))]).map(drop),
        7 => client.portal.archive(now, object, id),
        8 => {
            let gone = client.portal.records(object).find(|r| r.archived_at.is_some()).map(|r| r.id);
            gone.map_or(Ok(()), |id| client.portal.restore(now, object, id))
        }
        _ => match active[dice.usize(0..active.len())] {
            other if other == id => client.portal.purge(now, object, id),
            other => client.portal.merge(now, object, id, other).map(drop),
        },
    };
    done.unwrap();
    client.wait(dice.i64(1..20_000));
}

#[test]
fn once_the_index_has_caught_up_search_list_and_truth_agree_in_every_window() {
    for seed in 0..8 {
        let data =
            DataSize { contacts: 60, deals: 60, archived_per_mille: 50, merged_per_mille: 50, ..DataSize::none() };
        let switches = Switches { lag: Lag { tail_rate: 0.1, ..Lag::default() }, ..Switches::default() };
        let settings = Settings { seed, data, switches, tier: Tier::Unlimited, ..quiet() };
        let mut client = Client::new(settings);
        let mut dice = fastrand::Rng::with_seed(seed);
        for (object, property, modified) in
            [("contacts", "jobtitle", "lastmodifieddate"), ("deals", "description", "hs_lastmodifieddate")]
        {
            let begun = client.now;
            (0..200).for_each(|_| live(&mut client, &mut dice, object, property));
            let middle = begun + (client.now - begun) / 2;
            client.wait(DAY);
            let truth = client.portal.active_ids(object);
            let now = client.now;
            assert_eq!(walk(&mut client, object, modified, 1, now), truth, "seed {seed}");
            let within: Vec<u64> = client
                .portal
                .records(object)
                .filter(|r| r.is_active() && (begun..=middle).contains(&r.updated_at))
                .map(|r| r.id)
                .collect();
            assert!(!within.is_empty());
            assert_eq!(walk(&mut client, object, modified, begun, middle), within, "seed {seed}");
            assert_eq!(client.portal.stale(object), 0);
        }
    }
}

#[test]
fn a_walk_while_people_work_never_answers_with_an_archived_record() {
    let data = DataSize { deals: 120, ..DataSize::none() };
    let mut client = Client::new(Settings { data, switches: Switches::default(), ..quiet() });
    let mut dice = fastrand::Rng::with_seed(3);
    for _ in 0..60 {
        live(&mut client, &mut dice, "deals", "description");
        let now = client.now;
        let found = walk(&mut client, "deals", "hs_lastmodifieddate", 1, now);
        let active = client.portal.active_ids("deals");
        assert!(found.iter().all(|id| active.contains(id)));
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_as_it_was_written(text in any::<String>()) {
        let mut client = Client::quiet();
        let id = client.create("contacts", &[("jobtitle", &text)]);
        let (_, record) = client.get(&format!("/crm/v3/objects/contacts/{id}?properties=jobtitle"));
        assert_eq!(record["properties"]["jobtitle"].as_str(), Some(text.as_str()));
        assert_eq!(client.portal.record("contacts", id).unwrap().properties["jobtitle"], Value::from(text));
    }
}
