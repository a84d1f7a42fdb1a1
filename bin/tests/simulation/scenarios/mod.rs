//! The promises of the pull, each told as a story: what people did, what the portal did, and what the mirror then holds.

mod archiving;
mod audit;
mod backfill;
mod belts;
mod blind;
mod create_kills;
mod decisions;
mod deleting;
mod drift;
mod exact_plan;
mod folded;
mod folding;
mod index;
mod keeping;
mod keys;
mod kills;
mod late;
mod links;
mod lives;
mod lost_answers;
mod mended;
mod nameless;
mod objects;
mod pace;
mod parked;
mod power;
mod properties;
mod push_kills;
mod pushes;
mod ranges;
mod replaced;
mod respelt;
mod restored;
mod scopes;
mod silence;
mod storms;
mod sweeps;
mod ties;
mod told;
mod trouble;
mod undoing;
mod unguarded;
mod unique;
mod values;
mod waiting;
mod wishes;

use super::oracle;
use super::people::LocalEdits;
use super::world::World;
use simulator::{DataSize, Lag, Settings, Switches, Tier, Value};
use std::time::Duration;
use sync_core::model::Timestamp;
use tokio::time::sleep;

/// A portal in which nothing happens by itself: no lag, no limits, no latency, nothing archived.
fn still(contacts: usize, companies: usize, deals: usize, tickets: usize) -> Settings {
    Settings {
        tier: Tier::Unlimited,
        latency: Duration::ZERO,
        switches: Switches { lag: Lag::none(), post_create_bump: false, ..Switches::default() },
        data: DataSize { contacts, companies, deals, tickets, ..DataSize::none() },
        ..Settings::default()
    }
}

/// From now on, every change takes exactly this long to reach the search index.
fn lag(world: &World, wait: Duration) {
    let median_ms = wait.as_millis().try_into().unwrap();
    world.rehearsal.portal().switches_mut().lag = Lag { median_ms, ..Lag::none() };
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

async fn after(wait: Duration) {
    sleep(wait).await;
}

/// The ids of the active records, ascending.
fn ids(world: &World, object: &str) -> Vec<u64> {
    world.rehearsal.portal().active_ids(object)
}

/// A person in the CRM writes one value.
fn edit(world: &World, object: &str, id: u64, property: &str, value: impl Into<Value>) {
    let (now, value) = (world.rehearsal.now(), value.into());
    world.rehearsal.portal().edit(now, object, id, &[(property, value)]).unwrap();
}

/// One column of one record in the mirror, as text.
fn shown(world: &World, object: &str, id: u64, column: &str) -> Option<String> {
    let sql = format!("SELECT CAST({column} AS TEXT) FROM {object} WHERE id = ?1");
    world.person().query_row(&sql, [id.to_string()], |row| row.get(0)).unwrap()
}

/// How many records of the mirror changed at `since` or later.
fn changed_since(world: &World, object: &str, since: i64) -> usize {
    let since = Timestamp::from_millis(since);
    let count = world.count(&format!("SELECT count(*) FROM {object} WHERE updated_at >= '{since}'"));
    count.try_into().unwrap()
}

/// Mirror and portal hold the same.
fn agree(world: &World) {
    oracle::mirror_equals_portal(world, &LocalEdits::new()).unwrap();
}
