//! What somebody does to the mirror with plain SQL, row by row.

use super::super::ledger::Ledger;
use super::super::world::World;
use super::{OBJECTS, columns, is_ready, links, shown};
use fastrand::Rng;
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::sleep;

/// Somebody does up to five things with plain SQL, on a connection of their own.
pub(super) fn works(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    if !world.mirror().exists() {
        return;
    }
    let person = world.person();
    for _ in 0..dice.usize(..6) {
        something(world, &person, dice, ledger);
    }
}

/// Somebody does `count` things while the engine runs, spread over about `span`.
pub(super) async fn meanwhile(world: &World, dice: &mut Rng, ledger: &RefCell<Ledger>, count: usize, span: Duration) {
    for _ in 0..count {
        let pause = span.mul_f64(dice.f64() * 2.0) / u32::try_from(count).unwrap();
        sleep(pause).await;
        if world.mirror().exists() {
            something(world, &world.person(), dice, &mut ledger.borrow_mut());
        }
    }
}

pub(super) fn something(world: &World, person: &Connection, dice: &mut Rng, ledger: &mut Ledger) {
    if dice.u8(..4) == 0 {
        return links::in_the_mirror(world, person, dice, ledger);
    }
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    let field = fields[dice.usize(..fields.len())];
    if is_ready(person, object) {
        write(world, person, dice, ledger, object, field);
    }
}

fn write(
    world: &World,
    person: &Connection,
    dice: &mut Rng,
    ledger: &mut Ledger,
    object: &str,
    (property, column): (&str, &str),
) {
    let token = ledger.token('L');
    let some_row = "SELECT _row, _uid, id FROM {} WHERE state IN ('active', 'local', 'archiving') ORDER BY _row LIMIT 1
                    OFFSET ?1 % (SELECT max(1, count(*)) FROM {} WHERE state IN ('active', 'local', 'archiving'))";
    let found: Option<(i64, String, Option<String>)> = person
        .query_row(&some_row.replace("{}", object), [dice.u32(..)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .unwrap();
    let what = dice.u32(..100);
    if what < 15 {
        insert(world, person, dice, ledger, object, (property, column), token);
        return;
    }
    let Some((row, uid, id)) = found else { return };
    let id = id.as_deref();
    let key = (uid.as_str(), id);
    let this = format!("_row = {row}");
    match what {
        15..70 => {
            ledger.overwrote(&shown(person, object, &[column], &this));
            let sql = format!("UPDATE {object} SET {column} = ?2 WHERE _row = ?1");
            person.execute(&sql, params![row, token]).unwrap();
            ledger.wrote_here(object, key, property, Some(token));
        }
        70..78 => {
            ledger.overwrote(&shown(person, object, &[column], &this));
            person.execute(&format!("UPDATE {object} SET {column} = NULL WHERE _row = ?1"), [row]).unwrap();
            ledger.wrote_here(object, key, property, None);
        }
        // A script writes its rows by keys of its own, and again, whether they have records by now or not.
        78..86 if uid.starts_with("own-") && dice.bool() => {
            ledger.overwrote(&shown(person, object, &columns(object), &this));
            let mail = if object == "contacts" { ", mail" } else { "" };
            let sql = format!(
                "INSERT OR REPLACE INTO {object} (_uid, {column}{mail})
                 SELECT _uid, ?2{mail} FROM {object} WHERE _uid = ?1"
            );
            person.execute(&sql, params![uid, token]).unwrap();
            ledger.take_back(object, key, |_| true);
            ledger.archives.taken_back(world.rehearsal.now(), object, id);
            ledger.wrote_here(object, key, property, Some(token));
        }
        78..86 if id.is_some() => {
            // Whole rows are written back by tools that know no UPDATE. The key is given here, because the one that
            // SQLite would make is another one every time.
            let uid = format!("again-{token}");
            ledger.overwrote(&shown(person, object, &columns(object), &this));
            let sql = format!("INSERT OR REPLACE INTO {object} (id, _uid, {column}) VALUES (?1, ?2, ?3)");
            person.execute(&sql, params![id, uid, token]).unwrap();
            ledger.take_back(object, key, |_| true);
            ledger.archives.taken_back(world.rehearsal.now(), object, id);
            ledger.wrote_here(object, (&uid, id), property, Some(token));
        }
        86..93 => {
            ledger.overwrote(&shown(person, object, &columns(object), &this));
            let mail = if object == "contacts" { shown(person, object, &["mail"], &this).pop() } else { None };
            person.execute(&format!("DELETE FROM {object} WHERE _row = ?1"), [row]).unwrap();
            ledger.take_back(object, key, |_| true);
            // A tool that knows no UPDATE either: what was deleted is inserted again, by its key.
            if mail.is_some() && dice.bool() {
                let uid = insert_row(world, person, ledger, object, (property, column), token, mail);
                ledger.archives.inserted_again(world.rehearsal.now(), object, &uid, id);
            } else {
                ledger.archives.deleted(world, object, key);
            }
        }
        _ => {
            if let Some(id) = id {
                person.execute(&format!("UPDATE {object} SET archived = 1 WHERE _row = ?1"), [row]).unwrap();
                ledger.archives.asked(world.rehearsal.now(), object, id);
            }
        }
    }
}

fn insert(
    world: &World,
    person: &Connection,
    dice: &mut Rng,
    ledger: &mut Ledger,
    object: &str,
    (property, column): (&str, &str),
    token: String,
) {
    let mail = match dice.u8(..5) {
        _ if object != "contacts" => None,
        // Somebody's address: the new row is that person's.
        0 => {
            world.rehearsal.portal().records("contacts").filter_map(|record| record.text("email")).nth(dice.usize(..9))
        }
        1 | 2 => Some(format!("{}@mail.example", token.to_lowercase())),
        _ => None,
    };
    insert_row(world, person, ledger, object, (property, column), token, mail);
}

/// Returns the new row's key.
fn insert_row(
    world: &World,
    person: &Connection,
    ledger: &mut Ledger,
    object: &str,
    (property, column): (&str, &str),
    token: String,
    mail: Option<String>,
) -> String {
    let uid = format!("own-{token}");
    let mail = mail.filter(|mail| !mail.is_empty());
    // Whoever has the address already is meant by the row, deleted here or not.
    let portal = world.rehearsal.portal();
    let meant = portal.records(object).filter(|record| mail.is_some() && record.text("email") == mail);
    let meant: Vec<String> = meant.map(|record| record.id.to_string()).collect();
    drop(portal);
    for id in &meant {
        ledger.archives.taken_back(world.rehearsal.now(), object, Some(id));
    }
    match &mail {
        Some(mail) => {
            let sql = format!("INSERT INTO {object} (_uid, mail, {column}) VALUES (?1, ?2, ?3)");
            person.execute(&sql, params![uid, mail, token]).unwrap();
            ledger.made(object, mail, usize::MAX);
            ledger.links.addressed(&uid, mail);
        }
        None => {
            let sql = format!("INSERT INTO {object} (_uid, {column}) VALUES (?1, ?2)");
            person.execute(&sql, params![uid, token]).unwrap();
        }
    }
    let carried = world.mappings.iter().any(|mapping| mapping.object == object && mapping.unique.is_some());
    ledger.made(object, &token, if mail.is_some() || carried { 1 } else { 2 });
    ledger.wrote_here(object, (&uid, None), property, Some(token));
    uid
}
