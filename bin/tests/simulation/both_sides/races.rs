//! Somebody in the CRM who works on the very records that are being written: between the look and the write, while the
//! answer is on its way, and before a lost one has been looked for.

use super::super::ledger::Ledger;
use super::super::world::World;
use super::{OBJECTS, is_ready};
use fastrand::Rng;
use rusqlite::Connection;
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::sleep;

/// The most edits beside one run.
const MOST: usize = 12;

/// Does `run` to its end, and meanwhile edits what it has entered and not settled.
pub(super) async fn beside<T>(
    run: impl Future<Output = T>,
    world: &World,
    dice: &mut Rng,
    ledger: &RefCell<Ledger>,
) -> T {
    let mut left = MOST;
    let mut person = None;
    let races = async {
        while left > 0 {
            sleep(Duration::from_millis(dice.u64(20..400))).await;
            if person.is_none() && world.mirror().exists() {
                person = Some(world.person());
            }
            let Some(person) = &person else { continue };
            if edit(world, person, dice, &mut ledger.borrow_mut()) {
                left -= 1;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        ended = run => ended,
        () = races => unreachable!("races only end with the run"),
    }
}

/// Writes one field of one record whose update is not settled. Whether there was one.
fn edit(world: &World, person: &Connection, dice: &mut Rng, ledger: &mut Ledger) -> bool {
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    if !is_ready(person, "sync_journal") {
        return false;
    }
    let open = "SELECT DISTINCT record_id FROM sync_journal
                WHERE object = ?1 AND operation = 'update' AND settled_at IS NULL ORDER BY record_id";
    let mut open = person.prepare_cached(open).unwrap();
    let ids: Vec<String> = open.query_map([object], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    if ids.is_empty() {
        return false;
    }
    let id = ids[dice.usize(..ids.len())].parse().unwrap();
    let (now, token) = (world.rehearsal.now(), ledger.token('R'));
    let property = fields[dice.usize(..fields.len())].0;
    if world.rehearsal.portal().edit(now, object, id, &[(property, token.as_str())]).is_ok() {
        ledger.wrote_there(now, object, id, property, token);
    }
    true
}
