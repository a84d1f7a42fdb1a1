//! What somebody does to many rows at once, and to the triggers; and somebody who only reads, for long.

use super::super::ledger::Ledger;
use super::super::world::World;
use super::{OBJECTS, analyst, columns, is_ready, shown};
use fastrand::Rng;
use rusqlite::Connection;
use rusqlite::types::Value;

/// A row that a bulk statement touches.
pub(super) struct Touched {
    pub(super) row: i64,
    pub(super) uid: String,
    pub(super) id: Option<String>,
}

/// One statement over many rows, or edits that no trigger sees.
pub(super) fn works(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    if !world.mirror().exists() {
        return;
    }
    let person = world.person();
    if !is_ready(&person, object) {
        return;
    }
    let which = format!("state = 'active' AND _row % {} = 0", dice.u8(1..9));
    let (property, column) = fields[dice.usize(..fields.len())];
    let rows = touched(&person, object, &which);
    match dice.u32(..100) {
        0..40 => {
            let token = ledger.token('L');
            ledger.overwrote(&shown(&person, object, &[column], &which));
            let sql = format!("UPDATE {object} SET {column} = ?1 || '_' || _row WHERE {which}");
            person.execute(&sql, [&token]).unwrap();
            for Touched { row, uid, id } in &rows {
                ledger.wrote_here(object, (uid, id.as_deref()), property, Some(format!("{token}_{row}")));
            }
        }
        40..50 => {
            ledger.overwrote(&shown(&person, object, &[column], &which));
            person.execute(&format!("UPDATE {object} SET {column} = NULL WHERE {which}"), []).unwrap();
            for Touched { uid, id, .. } in &rows {
                ledger.wrote_here(object, (uid, id.as_deref()), property, None);
            }
        }
        50..60 => {
            ledger.overwrote(&shown(&person, object, &columns(object), &which));
            person.execute(&format!("DELETE FROM {object} WHERE {which}"), []).unwrap();
            for Touched { uid, id, .. } in &rows {
                ledger.take_back(object, (uid, id.as_deref()), |_| true);
                ledger.archives.deleted(world, object, (uid, id.as_deref()));
            }
        }
        60..80 => archive(world, &person, dice, ledger, (object, &which), &rows),
        _ => {
            drop_triggers(&person, dice);
            for _ in 0..dice.usize(1..8) {
                analyst::something(world, &person, dice, ledger);
            }
        }
    }
}

/// Asks for many archives at once; half of the time it was a mistake, and is taken back before any run.
fn archive(
    world: &World,
    person: &Connection,
    dice: &mut Rng,
    ledger: &mut Ledger,
    (object, which): (&str, &str),
    rows: &[Touched],
) {
    person.execute(&format!("UPDATE {object} SET archived = 1 WHERE {which}"), []).unwrap();
    if dice.bool() {
        let taken_back = rows.iter().filter_map(|touched| touched.id.as_deref());
        let rows: Vec<String> = rows.iter().map(|touched| touched.row.to_string()).collect();
        let sql = format!("UPDATE {object} SET archived = 0 WHERE _row IN ({})", rows.join(", "));
        person.execute(&sql, []).unwrap();
        for id in taken_back {
            ledger.archives.taken_back(world.rehearsal.now(), object, Some(id));
        }
        return;
    }
    for id in rows.iter().filter_map(|touched| touched.id.as_deref()) {
        ledger.archives.asked(world.rehearsal.now(), object, id);
    }
}

pub(super) fn touched(person: &Connection, object: &str, which: &str) -> Vec<Touched> {
    let sql = format!("SELECT _row, _uid, id FROM {object} WHERE {which}");
    let mut statement = person.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| Ok(Touched { row: row.get(0)?, uid: row.get(1)?, id: row.get(2)? }));
    rows.unwrap().map(Result::unwrap).collect()
}

/// A tool that knows nothing of triggers drops them, all or some.
fn drop_triggers(person: &Connection, dice: &mut Rng) {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'sync_%' ORDER BY name";
    let mut statement = person.prepare(sql).unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let all = dice.bool();
    for name in names.iter().filter(|_| all || dice.bool()) {
        person.execute_batch(&format!("DROP TRIGGER \"{name}\"")).unwrap();
    }
}

/// A read transaction that stays open.
pub(super) struct Reader(Connection, Vec<Vec<Value>>);

impl Reader {
    pub(super) fn begin(world: &World) -> Option<Self> {
        world.mirror().exists().then(|| {
            let person = world.person();
            person.execute_batch("BEGIN").unwrap();
            let seen = everything(&person);
            Self(person, seen)
        })
    }

    /// It still sees the one state that it began with.
    pub(super) fn end(self) -> Result<(), String> {
        match everything(&self.0) == self.1 {
            true => Ok(()),
            false => Err("a reader saw two states in one transaction".to_owned()),
        }
    }
}

fn everything(person: &Connection) -> Vec<Vec<Value>> {
    let tables = OBJECTS.iter().map(|(object, _)| *object).chain(["associations", "sync_runs"]);
    let mut all = Vec::new();
    for table in tables.filter(|table| is_ready(person, table)) {
        let mut statement = person.prepare(&format!("SELECT rowid, * FROM {table} ORDER BY 1")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
        all.extend(rows.unwrap().map(Result::unwrap));
    }
    all
}
