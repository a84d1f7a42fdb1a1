//! What CRM users do, while the engine runs.

use super::super::ledger::Ledger;
use super::super::world::World;
use super::{OBJECTS, links};
use fastrand::Rng;
use simulator::{NewProperty, Portal};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::sleep;

/// A property that administrators take away and bring back.
const COMES_AND_GOES: (&str, &str) = ("contacts", "jobtitle");

/// CRM users do `count` things, spread over about `span`.
pub(super) async fn users(world: &World, dice: &mut Rng, ledger: &RefCell<Ledger>, count: usize, span: Duration) {
    for _ in 0..count {
        let pause = span.mul_f64(dice.f64() * 2.0) / u32::try_from(count).unwrap();
        sleep(pause).await;
        match dice.u8(..12) {
            0..3 => links::in_the_crm(world, dice, &mut ledger.borrow_mut()),
            3 => administer(world, dice, &mut ledger.borrow_mut()),
            _ => act(world, dice, &mut ledger.borrow_mut()),
        }
    }
}

/// One thing that a CRM user does to records. What the portal refuses is simply not done.
fn act(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    let now = world.rehearsal.now();
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    let property = fields[dice.usize(..fields.len())].0;
    let mut portal = world.rehearsal.portal();
    let active = portal.active_ids(object);
    if active.is_empty() {
        return;
    }
    let id = active[dice.usize(..active.len())];
    let token = ledger.token('R');
    match dice.u32(..100) {
        0..54 => {
            if portal.edit(now, object, id, &[(property, token.as_str())]).is_ok() {
                ledger.wrote_there(now, object, id, property, token);
            }
        }
        54..60 => {
            // A workflow writes one value into many records, in one millisecond.
            let some = &active[..dice.usize(..=active.len().min(60))];
            if portal.bulk_edit(now, object, some, property, token.as_str()).is_ok() {
                some.iter().for_each(|id| ledger.wrote_there(now, object, *id, property, token.clone()));
            }
        }
        60..75 => {
            if let Ok(id) = portal.create(now, object, &[(property, token.as_str())]) {
                ledger.wrote_there(now, object, id, property, token);
            }
        }
        75..83 => drop(portal.archive(now, object, id)),
        83..88 => {
            let archived: Vec<(u64, simulator::Millis)> =
                portal.records(object).filter_map(|record| Some((record.id, record.archived_at?))).collect();
            if !archived.is_empty() {
                let (id, since) = archived[dice.usize(..archived.len())];
                if portal.restore(now, object, id).is_ok() {
                    ledger.archives.restored(now, object, id);
                    ledger.restored(id, since, now);
                    ledger.links.moved(now, object, &[id]);
                }
            }
        }
        88..91 => {
            let other = active[dice.usize(..active.len())];
            if let Ok(survivor) = portal.merge(now, object, id, other) {
                ledger.links.moved(now, object, &[id, other, survivor]);
            }
        }
        _ => drop(portal.edit(now, object, id, &[(property, "")])),
    }
}

/// One thing that an administrator does, or that HubSpot itself does, to more than a record's values.
fn administer(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    let now = world.rehearsal.now();
    let known = world.mirror().exists() && knows(world, COMES_AND_GOES);
    let mut portal = world.rehearsal.portal();
    let token = ledger.token('R');
    let done = match dice.u8(..6) {
        // A mapping whose property was never there is a mistake, so it goes only once the mirror knows it.
        0..2 if known && is_there(&portal, COMES_AND_GOES) => {
            portal.archive_property(now, COMES_AND_GOES.0, COMES_AND_GOES.1)
        }
        0..3 => {
            if !is_there(&portal, COMES_AND_GOES) {
                ledger.came_back(now, COMES_AND_GOES.0, COMES_AND_GOES.1);
            }
            drop(portal);
            return bring_back(world);
        }
        3 => portal.add_option(now, "contacts", "lifecyclestage", &token.to_lowercase(), &token),
        4 => {
            let mut calculated = NewProperty::new(&format!("made_{}", token.to_lowercase()), "number", "text");
            "calculation_equation".clone_into(&mut calculated.field);
            portal.add_property(now, OBJECTS[dice.usize(..OBJECTS.len())].0, &calculated)
        }
        _ => {
            // What HubSpot calculates moves no date.
            let active = portal.active_ids("contacts");
            let Some(id) = active.get(dice.usize(..active.len().max(1))) else { return };
            portal.recalculate(now, "contacts", *id, &[("num_notes", dice.u8(..).to_string().as_str())])
        }
    };
    if let Err(error) = done {
        tracing::trace!("refused: {error}");
    }
}

fn is_there(portal: &Portal, (object, property): (&str, &str)) -> bool {
    portal.property_names(object).iter().any(|name| name == property)
}

fn knows(world: &World, (object, property): (&str, &str)) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM properties WHERE object = ?1 AND name = ?2)";
    world.person().query_row(sql, [object, property], |row| row.get(0)).unwrap()
}

/// The property that was taken away is there again, with its values.
pub(super) fn bring_back(world: &World) {
    let now = world.rehearsal.now();
    let mut portal = world.rehearsal.portal();
    if !is_there(&portal, COMES_AND_GOES) {
        portal.add_property(now, COMES_AND_GOES.0, &NewProperty::text(COMES_AND_GOES.1)).unwrap();
    }
}
