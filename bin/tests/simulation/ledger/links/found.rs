//! What the ledger of associations reads at the end: of the portal, of the journal, of rejects and rows that wait.

use super::judge::Judge;
use super::{Key, PAIRS, key_of};
use crate::simulation::world::World;
use rusqlite::Connection;
use simulator::Millis;
use std::collections::{BTreeMap, BTreeSet};
use sync_core::model::Timestamp;

pub(super) fn there(portal: &simulator::Portal) -> BTreeSet<Key> {
    let pairs = PAIRS.iter().enumerate();
    pairs
        .flat_map(|(pair, (from, to))| {
            portal.associations(from, to).into_iter().map(move |edge| Key {
                pair,
                ends: [edge.from_id.to_string(), edge.to_id.to_string()],
                label: edge.label,
            })
        })
        .collect()
}

pub(super) fn survivors(world: &World) -> BTreeMap<(&'static str, String), String> {
    let portal = world.rehearsal.portal();
    let merged = ["contacts", "companies", "tickets"].into_iter().flat_map(|object| {
        let records = portal.records(object).filter_map(|record| Some((record.id, record.merged_into?)));
        records.map(move |(id, into)| ((object, id.to_string()), into.to_string())).collect::<Vec<_>>()
    });
    merged.collect()
}

/// The records that rows became: as their tables say, as was sent, or by a value that was written with the key.
pub(super) fn ids_of_rows(
    world: &World,
    person: &Connection,
    addresses: &[(String, String)],
) -> BTreeMap<(String, String), String> {
    let mut ids = BTreeMap::new();
    let mut read = |sql: &str| {
        let mut statement = person.prepare(sql).unwrap();
        let rows = statement
            .query_map([], |row| Ok(((row.get::<_, String>(0)?, row.get::<_, String>(1)?), row.get::<_, String>(2)?)));
        ids.extend(rows.unwrap().map(Result::unwrap));
    };
    read("SELECT object, 'own-' || local, record_id FROM sync_conflicts WHERE local IS NOT NULL");
    read("SELECT object, uid, record_id FROM sync_journal WHERE record_id IS NOT NULL");
    for mapping in &world.mappings {
        let (object, table) = (&mapping.object, &mapping.table);
        read(&format!("SELECT '{object}', _uid, id FROM {table} WHERE id IS NOT NULL"));
    }
    for written in world.rehearsal.portal().writes() {
        if let Some(token) = written.received.text() {
            let key = (written.object.clone(), format!("own-{token}"));
            ids.entry(key).or_insert_with(|| written.id.to_string());
        }
    }
    for contact in world.rehearsal.portal().records("contacts") {
        let held =
            [contact.text("email"), contact.text("hs_additional_emails")].map(Option::unwrap_or_default).join(";");
        for (uid, _) in addresses.iter().filter(|(_, mail)| held.split(';').any(|one| one == mail)) {
            let key = ("contacts".to_owned(), uid.clone());
            ids.entry(key).or_insert_with(|| contact.id.to_string());
        }
    }
    ids
}

pub(super) fn rejected(person: &Connection) -> Vec<Key> {
    let sql = "SELECT object, record_id, json_extract(properties, '$.to_object'), json_extract(properties, '$.to_id')
               FROM sync_rejects WHERE operation IN ('associate', 'dissociate')";
    keys(person, sql)
}

/// Rows whose pair has an end without a record.
pub(super) fn waiting(person: &Connection) -> Vec<Key> {
    let new = ["contacts", "companies", "tickets"]
        .map(|object| format!("SELECT '{object}' AS object, _uid FROM {object} WHERE id IS NULL"))
        .join(" UNION ALL ");
    let sql = format!(
        "SELECT from_object, from_id, to_object, to_id FROM associations
         WHERE (from_object, from_id) IN ({new}) OR (to_object, to_id) IN ({new})"
    );
    keys(person, &sql)
}

fn keys(person: &Connection, sql: &str) -> Vec<Key> {
    let mut statement = person.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let text = |n: usize| row.get::<_, String>(n);
        Ok(key_of((&text(0)?, &text(1)?), (&text(2)?, &text(3)?), None))
    });
    rows.unwrap().filter_map(Result::unwrap).collect()
}

pub(super) fn intended(person: &Connection, judge: &Judge<'_>) -> Vec<(Key, Millis, BTreeSet<Option<String>>)> {
    let sql = "SELECT from_object, from_id, to_object, to_id, sent_at, wanted FROM sync_journal_links";
    let mut statement = person.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let text = |n: usize| row.get::<_, String>(n);
        let key = key_of((&text(0)?, &text(1)?), (&text(2)?, &text(3)?), None);
        let at = Timestamp::parse(&text(4)?).unwrap().millis();
        let wanted: serde_json::Value = serde_json::from_str(&text(5)?).unwrap();
        let labels = wanted.as_array().unwrap().iter().map(|kind| kind["label"].as_str().map(str::to_owned)).collect();
        Ok(key.map(|key| (judge.settled(&key), at, labels)))
    });
    rows.unwrap().filter_map(Result::unwrap).collect()
}
