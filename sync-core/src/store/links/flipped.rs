//! A pair of object types that is stored in the other direction since a mapping changed.
//!
//! * What both sides had agreed on goes: the walk of the new direction brings it.
//! * What people added is turned when it is looked at next, as every row that is written from the other side; what they
//!   took away stays taken away.
//! * A write whose outcome is not known is not looked after in a direction that nobody reads: what it wanted is pending
//!   again, and is held against what the new direction tells.

use super::ASSOCIATIONS;
use crate::store::{Pair, StoreError, Table};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// Brings rows in line with the directions of these tables' pairs.
pub(in crate::store) fn turn_flipped(connection: &Connection, tables: &[Table]) -> Result<(), StoreError> {
    let objects: BTreeSet<&str> = tables.iter().map(Table::object).collect();
    let pairs: BTreeSet<&Pair> = tables.iter().flat_map(|table| &table.pairs).collect();
    for pair in pairs.iter().filter(|pair| pair.from != pair.to) {
        let key = if pair.from < pair.to { (&pair.from, &pair.to) } else { (&pair.to, &pair.from) };
        let key = format!("direction:{}:{}", key.0, key.1);
        let sql = "SELECT value FROM sync_meta WHERE key = ?1";
        let before: Option<String> = connection.prepare_cached(sql)?.query_row([&key], |row| row.get(0)).optional()?;
        if before.as_ref() == Some(&pair.from) {
            continue;
        }
        if before.is_some() {
            turn(connection, pair)?;
        }
        connection.prepare_cached("INSERT OR REPLACE INTO sync_meta VALUES (?1, ?2)")?.execute([&key, &pair.from])?;
    }
    close_unread(connection, &objects, &pairs)
}

fn turn(connection: &Connection, pair: &Pair) -> Result<(), StoreError> {
    let is_old = "b.from_object = ?2 AND b.to_object = ?1";
    let also_in = |other: &str| {
        format!(
            "EXISTS (SELECT 1 FROM {other} o WHERE o.from_object = b.from_object AND o.from_id = b.from_id
             AND o.to_object = b.to_object AND o.to_id = b.to_id AND o.category IS b.category AND o.type_id IS b.type_id
             AND o.label IS b.label)"
        )
    };
    let ends = params![pair.from, pair.to];
    // The engine's own hand: what it moves is no edit.
    connection.execute("UPDATE sync_guard SET applying = 1", [])?;
    // Taken away here, and not yet there: the same label seen from the other side.
    connection.execute(
        &format!(
            "INSERT OR IGNORE INTO sync_association_base (from_object, from_id, to_object, to_id, category, type_id, label)
             SELECT ?1, b.to_id, ?2, b.from_id, k.category, k.type_id, k.label FROM sync_association_base b
             JOIN association_labels k ON k.from_object = ?1 AND k.to_object = ?2 AND k.label IS b.label
             WHERE {is_old} AND NOT {}",
            also_in("associations")
        ),
        ends,
    )?;
    connection.execute(
        &format!("DELETE FROM associations AS b WHERE {is_old} AND {}", also_in("sync_association_base")),
        ends,
    )?;
    connection.execute(&format!("DELETE FROM sync_association_base AS b WHERE {is_old}"), ends)?;
    connection.execute("UPDATE sync_guard SET applying = 0", [])?;
    // The pair may have been stored, and walked, in this direction before.
    connection.execute("DELETE FROM sync_cursors WHERE object = ?1", [pair.name()])?;
    // All that is left in either table is pending.
    connection.execute(
        &format!(
            "INSERT INTO sync_touched (object, record_id, at)
             SELECT '{ASSOCIATIONS}', b.from_id, '' FROM associations b WHERE {is_old}
             UNION SELECT '{ASSOCIATIONS}', b.from_id, '' FROM sync_association_base b
             WHERE b.from_object = ?1 AND b.to_object = ?2"
        ),
        ends,
    )?;
    Ok(())
}

/// Closes entries of pairs that no mapping names any more, or not in this direction, although both ends are mirrored.
fn close_unread(connection: &Connection, objects: &BTreeSet<&str>, pairs: &BTreeSet<&Pair>) -> Result<(), StoreError> {
    let mut open = connection
        .prepare_cached("SELECT DISTINCT from_object, to_object FROM sync_journal_links WHERE settled_at IS NULL")?;
    let open = open.query_map([], |row| Ok(Pair { from: row.get(0)?, to: row.get(1)? }))?;
    for pair in open.collect::<Result<Vec<_>, _>>()? {
        let both = objects.contains(&*pair.from) && objects.contains(&*pair.to);
        if both && !pairs.contains(&pair) {
            connection
                .prepare_cached(
                    "UPDATE sync_journal_links SET settled_at = sent_at, outcome = 'undone',
                     message = 'the mapping does not name this direction any more'
                     WHERE from_object = ?1 AND to_object = ?2 AND settled_at IS NULL",
                )?
                .execute([&pair.from, &pair.to])?;
        }
    }
    Ok(())
}
