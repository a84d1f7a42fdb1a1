use super::super::world::{World, paused};
use super::still;
use connectors::hubspot::Tier as Plan;
use mappings::Mapping;
use simulator::{Settings, Tier};
use std::time::Duration;

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
