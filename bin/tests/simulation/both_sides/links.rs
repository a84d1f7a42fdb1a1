//! Both sides associate records: rows of `associations` that come and go, and what CRM users do to pairs.

use super::super::ledger::Ledger;
use super::super::ledger::links::{Deed, KINDS, Key, Kind, PAIRS, key_of};
use super::super::world::World;
use super::is_ready;
use fastrand::Rng;
use rusqlite::{Connection, OptionalExtension, params};
use simulator::{Category, Portal};
use std::collections::BTreeSet;

/// Somebody adds or deletes rows of `associations`, with plain SQL.
pub(super) fn in_the_mirror(world: &World, person: &Connection, dice: &mut Rng, ledger: &mut Ledger) {
    let pair = dice.usize(..PAIRS.len());
    let (one, other) = PAIRS[pair];
    if !is_ready(person, one) || !is_ready(person, other) {
        return;
    }
    match dice.u32(..100) {
        0..60 => insert(world, person, dice, ledger, pair),
        60..80 => delete(world, person, dice, ledger, false),
        80..95 => delete(world, person, dice, ledger, true),
        _ => {
            let kind = &KINDS[dice.usize(..KINDS.len())];
            let Some(label) = kind.label else { return };
            delete_where(world, person, ledger, "label = ?1 AND rowid % 3 = 0", &label);
        }
    }
}

/// The record, or the key of the row, that stands somewhere in a table.
fn some_end(person: &Connection, dice: &mut Rng, object: &str) -> Option<String> {
    let states = if dice.u8(..12) == 0 { "'archived', 'merged', 'archiving'" } else { "'active', 'local'" };
    let sql = format!(
        "SELECT coalesce(id, _uid) FROM {object} WHERE state IN ({states}) ORDER BY _row LIMIT 1
         OFFSET ?1 % (SELECT max(1, count(*)) FROM {object} WHERE state IN ({states}))"
    );
    person.query_row(&sql, [dice.u32(..)], |row| row.get(0)).optional().unwrap()
}

fn insert(world: &World, person: &Connection, dice: &mut Rng, ledger: &mut Ledger, pair: usize) {
    let (one, other) = PAIRS[pair];
    let (Some(near), Some(far)) = (some_end(person, dice, one), some_end(person, dice, other)) else { return };
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.pair == pair).collect();
    let kind = kinds[dice.usize(..kinds.len())];
    let back = dice.u8(..4) == 0;
    // A label that nobody has is a reject, and stays as it was written.
    let label = if dice.u8(..30) == 0 { Some("Chief") } else { kind.label };
    let whole = dice.bool() && label == kind.label;
    let type_id = whole.then_some(kind.ids[usize::from(back)]);
    let category = type_id.map(|_| kind.category.as_str());
    let ((from, from_id), (to, to_id)) = match back {
        false => ((one, &near), (other, &far)),
        true => ((other, &far), (one, &near)),
    };
    let key = key_of((from, from_id), (to, to_id), label).unwrap();
    let stands = rows(person).iter().any(|(_, row)| *row == key);
    // What the portal holds too has arrived already, whether the engine has heard of it or not.
    let agreed = is_agreed(person, &key) || is_there(world, &key);
    let sql = "INSERT OR IGNORE INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    person.execute(sql, params![from, from_id, to, to_id, category, type_id, label]).unwrap();
    if !stands {
        ledger.links.note(world.rehearsal.now(), key, Deed::Inserted(agreed));
    }
}

/// One row goes, or all of a pair of records.
fn delete(world: &World, person: &Connection, dice: &mut Rng, ledger: &mut Ledger, whole: bool) {
    let all = rows(person);
    if all.is_empty() {
        return;
    }
    let (row, key) = &all[dice.usize(..all.len())];
    if !whole {
        return delete_where(world, person, ledger, "rowid = ?1", row);
    }
    for (row, other) in &all {
        if (other.pair, &other.ends) == (key.pair, &key.ends) {
            delete_where(world, person, ledger, "rowid = ?1", row);
        }
    }
}

fn delete_where(world: &World, person: &Connection, ledger: &mut Ledger, which: &str, value: &dyn rusqlite::ToSql) {
    let before = rows(person);
    let sql = format!("DELETE FROM associations WHERE {which}");
    person.execute(&sql, [value]).unwrap();
    // What is written in two ways is one and the same.
    let after: BTreeSet<Key> = rows(person).into_iter().map(|(_, key)| key).collect();
    let before: BTreeSet<Key> = before.into_iter().map(|(_, key)| key).collect();
    for key in before.difference(&after) {
        // The unlabeled row alone is no wish: it returns while a label stays.
        let labeled = |other: &Key| (other.pair, &other.ends) == (key.pair, &key.ends) && other.label.is_some();
        let is_wish = key.label.is_some() || !after.iter().any(labeled);
        ledger.links.note(world.rehearsal.now(), key.clone(), Deed::Deleted(is_wish && is_agreed(person, key)));
    }
}

/// Every row of the pairs, whichever way it was written.
fn rows(person: &Connection) -> Vec<(i64, Key)> {
    let sql =
        "SELECT rowid, from_object, from_id, to_object, to_id, type_id, label, category FROM associations ORDER BY 1";
    let mut statement = person.prepare_cached(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let text = |n: usize| row.get::<_, String>(n);
        let (from, to) = ((text(1)?, text(2)?), (text(3)?, text(4)?));
        let label: Option<String> = row.get(6)?;
        Ok(key_of((&from.0, &from.1), (&to.0, &to.1), label.as_deref()).map(|key| (row.get(0), key)))
    });
    rows.unwrap().filter_map(Result::unwrap).map(|(row, key)| (row.unwrap(), key)).collect()
}

/// Whether both sides had agreed on it: to delete such a row is a wish, and to add another one none.
fn is_agreed(person: &Connection, key: &Key) -> bool {
    let (one, other) = PAIRS[key.pair];
    let sql = "SELECT EXISTS (SELECT 1 FROM sync_association_base WHERE label IS ?5
                 AND (from_object = ?1 AND from_id = ?2 AND to_object = ?3 AND to_id = ?4
                   OR from_object = ?3 AND from_id = ?4 AND to_object = ?1 AND to_id = ?2))";
    let mut statement = person.prepare_cached(sql).unwrap();
    statement.query_row(params![one, key.ends[0], other, key.ends[1], key.label], |row| row.get(0)).unwrap()
}

fn is_there(world: &World, key: &Key) -> bool {
    let (Ok(near), Ok(far)) = (key.ends[0].parse(), key.ends[1].parse()) else { return false };
    labels(&world.rehearsal.portal(), key.pair, near, far).contains(key)
}

/// A CRM user associates two records, labels them, or takes them apart.
pub(super) fn in_the_crm(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    let now = world.rehearsal.now();
    let mut portal = world.rehearsal.portal();
    let pair = dice.usize(..PAIRS.len());
    let (from, to) = PAIRS[pair];
    let (nears, fars) = (portal.active_ids(from), portal.active_ids(to));
    if nears.is_empty() || fars.is_empty() {
        return;
    }
    let edges = portal.associations(from, to);
    let known = dice.bool() && !edges.is_empty();
    let edge = known.then(|| &edges[dice.usize(..edges.len())]);
    let (near, far) = match edge {
        Some(edge) => (edge.from_id, edge.to_id),
        None => (nears[dice.usize(..nears.len())], fars[dice.usize(..fars.len())]),
    };
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.pair == pair).collect();
    let before = labels(&portal, pair, near, far);
    let kind = kinds[dice.usize(..kinds.len())];
    let done = match dice.u32(..100) {
        0..55 => portal.associate(now, from, near, to, far, kind.category, kind.ids[0]),
        55..75 => portal.dissociate(now, from, near, to, far),
        _ => {
            let some: Vec<(Category, u32)> =
                kinds.iter().filter(|_| dice.bool()).map(|kind| (kind.category, kind.ids[0])).collect();
            portal.relabel(now, from, near, to, far, &some)
        }
    };
    if done.is_err() {
        return;
    }
    let after = labels(&portal, pair, near, far);
    for (one, other, deed) in [(&after, &before, Deed::Added), (&before, &after, Deed::Removed)] {
        for key in one.iter().filter(|key| !other.contains(key)) {
            ledger.links.note(now, key.clone(), deed);
        }
    }
    if dice.bool() {
        // None of it moves a date: unless a record itself changes too, only a sweep lets anybody notice.
        let (object, id, property) = [(from, near, PROPERTY[pair].0), (to, far, PROPERTY[pair].1)][dice.usize(..2)];
        let token = ledger.token('R');
        if portal.edit(now, object, id, &[(property, token.as_str())]).is_ok() {
            ledger.wrote_there(now, object, id, property, token);
        }
    }
}

/// What is edited at either end of a pair, so that somebody notices.
const PROPERTY: [(&str, &str); 2] = [("city", "city"), ("subject", "city")];

fn labels(portal: &Portal, pair: usize, near: u64, far: u64) -> Vec<Key> {
    let (from, to) = PAIRS[pair];
    let edges = portal.associations(from, to).into_iter();
    let edges = edges.filter(|edge| (edge.from_id, edge.to_id) == (near, far));
    edges.map(|edge| Key { pair, ends: [near.to_string(), far.to_string()], label: edge.label }).collect()
}
