use super::super::calls::Asked;
use super::super::world::{World, paused};
use super::still;
use super::ties::slim_contacts;
use connectors::hubspot::Tier as Plan;
use mappings::Mapping;
use simulator::{Settings, Tier};
use std::time::Duration;
use sync_core::Via;

/// Four object types at once, with many pages each and few properties.
fn world(tier: Tier, plan: Plan, latency: Duration) -> World {
    let mut world = World::new(Settings { tier, latency, ..still(3_000, 3_000, 3_000, 3_000) });
    world.connector.tier = plan;
    let slim = [("contacts", "email"), ("companies", "name"), ("deals", "dealname"), ("tickets", "subject")];
    world.mappings = slim
        .map(|(object, property)| {
            let text =
                format!("object: {object}\ntable: {object}\nunmapped: ignore\nfields:\n  {property}: {property}\n");
            Mapping::parse("slim.yaml", &text).unwrap()
        })
        .to_vec();
    world
}

/// Mirrors many contacts by these calls, in a portal that takes a quarter of a second for an answer. Returns how long
/// the list took, in milliseconds, and the busiest ten seconds.
async fn one_type(via: Via, tier: Tier, plan: Plan) -> (i64, usize) {
    let latency = Duration::from_millis(250);
    let mut world = World::new(Settings { tier, latency, ..still(12_000, 0, 0, 0) });
    world.connector.tier = plan;
    world.mappings = vec![slim_contacts("")];
    world.pulling.lanes.via = via;
    world.pull_well().await.unwrap();
    assert_eq!(world.rehearsal.portal().calls().refusals(), 0, "{tier:?}");
    let calls = world.calls();
    let list = |asked: &&Asked| asked.path.contains("/contacts?limit=100") && asked.path.contains("archived=false");
    let times: Vec<i64> = calls.0.iter().filter(list).map(|asked| asked.at).collect();
    (times.last().unwrap() - times[0], calls.busiest_window())
}

#[test]
fn one_object_type_alone_uses_the_window_up_and_searches_come_on_top() {
    paused(async {
        for (tier, plan, allowed) in [(Tier::Free, Plan::Free, 100), (Tier::Professional, Plan::Professional, 190)] {
            let (alone, window) = one_type(Via::List, tier, plan).await;
            // One cursor would make forty calls in ten seconds. The beginning, one call after the other, is part of this.
            let pages = 120.0 / (alone as f64 / 10_000.0);
            assert!(pages > 0.8 * allowed as f64, "{tier:?}: {pages} pages in ten seconds");
            assert!(window <= allowed, "{tier:?}: {window} calls in ten seconds");
            let (both, window) = one_type(Via::Auto, tier, plan).await;
            assert!(window <= allowed, "{tier:?}: {window} calls in ten seconds");
            // Where the window is large, so few records are not worth a search.
            assert!(tier != Tier::Free || alone > both + both / 2, "{alone} ms by lists, {both} ms by both");
        }
    });
}

#[test]
fn no_ten_seconds_see_more_calls_than_the_subscription_allows() {
    // What would go out without a limit, and what may; where the first is more, the pace comes close to the second.
    for (tier, plan, latency, allowed, used) in [
        (Tier::Free, Plan::Auto, 250, 100, 90),
        (Tier::OauthPublic, Plan::Auto, 100, 110, 95),
        (Tier::Professional, Plan::Professional, 250, 190, 100),
    ] {
        paused(async {
            let world = world(tier, plan, Duration::from_millis(latency));
            world.pull_well().await.unwrap();
            let window = world.calls().busiest_window();
            assert!((used..=allowed).contains(&window), "{tier:?}: {window} calls in ten seconds");
            assert_eq!(world.rehearsal.portal().calls().refusals(), 0, "{tier:?}");
        });
    }
}
