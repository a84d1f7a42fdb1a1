//! A tool reads a whole table and writes it back into one of its own, without keys and triggers. Nothing of it may be sent
//! until somebody repairs it; then what was edited in the tool's table is an edit like others.

use super::super::ledger::Ledger;
use super::super::world::{Command, World, stopped};
use super::bulk::{Touched, touched};
use super::{OBJECTS, columns, is_ready, shown};
use fastrand::Rng;
use std::cell::RefCell;
use sync_core::RunError;
use sync_core::store::StoreError;

/// In one of eight rounds somebody does it to one object type, finds that it is stopped, and repairs it.
pub(super) async fn work(world: &World, dice: &mut Rng, ledger: &RefCell<Ledger>) -> Result<(), String> {
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    if dice.u8(..8) > 0 || !world.mirror().exists() || !is_ready(&world.person(), object) {
        return Ok(());
    }
    let field = fields[dice.usize(..fields.len())];
    write_back(world, dice, &mut ledger.borrow_mut(), object, field);
    is_stopped(world, object).await?;
    let kill = dice.bool().then(|| dice.usize(1..12));
    let repair =
        async |stop_at| world.decide_until(stop_at, async |engine, mappings| engine.repair(mappings).await).await;
    match repair(kill).await {
        Ok(_) => return Ok(()),
        Err(error) if stopped(&error) => {}
        Err(error) => return Err(format!("a repair failed: {error}")),
    }
    repair(None).await.map(drop).map_err(|error| format!("a repair after a killed one failed: {error}"))
}

/// The way of a data frame, with rows edited and rows left out.
fn write_back(world: &World, dice: &mut Rng, ledger: &mut Ledger, object: &str, (property, column): (&str, &str)) {
    let person = world.person();
    let share = dice.u8(2..9);
    let (edited, dropped) =
        (format!("state = 'active' AND _row % {share} = 0"), format!("state = 'active' AND _row % {share} = 1"));
    let token = ledger.token('L');
    ledger.overwrote(&shown(&person, object, &[column], &edited));
    ledger.overwrote(&shown(&person, object, &columns(object), &dropped));
    let (edits, left_out) = (touched(&person, object, &edited), touched(&person, object, &dropped));
    person
        .execute_batch(&format!(
            "PRAGMA foreign_keys = 0;
             CREATE TEMP TABLE frame AS SELECT * FROM {object} WHERE NOT ({dropped});
             UPDATE frame SET {column} = '{token}_' || _row WHERE {edited};
             DROP TABLE {object};
             CREATE TABLE {object} AS SELECT * FROM frame"
        ))
        .unwrap();
    ledger.archives.written_back(world.rehearsal.now(), object);
    for Touched { row, uid, id } in &edits {
        ledger.wrote_here(object, (uid, id.as_deref()), property, Some(format!("{token}_{row}")));
    }
    for Touched { uid, id, .. } in &left_out {
        ledger.take_back(object, (uid, id.as_deref()), |_| true);
        ledger.archives.taken_back(world.rehearsal.now(), object, id.as_deref());
    }
}

/// A run says what is wrong with the table, and enters nothing of it.
async fn is_stopped(world: &World, object: &str) -> Result<(), String> {
    let entered = || world.count(&format!("SELECT count(*) FROM sync_journal WHERE object = '{object}'"));
    let before = entered();
    match world.run(Command::Push, None).await {
        Ok(report) => match &report.objects[object].error {
            Some(RunError::Store(StoreError::Remade { .. })) => {}
            // An answer said that the object may not be read: its table is not even looked at.
            None if report.objects[object].skipped.is_some() => {}
            other => return Err(format!("{object} was written back by a tool, and a run says {other:?}")),
        },
        Err(error) => super::acceptable(&error)?,
    }
    match entered() {
        count if count == before => Ok(()),
        _ => Err(format!("{object} was written back by a tool, and changes of it were sent")),
    }
}
