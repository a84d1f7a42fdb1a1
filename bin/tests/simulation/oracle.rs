//! What "nothing is lost" means, checked against the portal's truth.

mod current;

pub(super) use current::{Shown, what_is_current_is_so};

use super::people::LocalEdits;
use super::schedule::LAG_THAT_SETTLES;
use super::world::World;
use mappings::Unmapped;
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use sync_core::model::{Properties, Timestamp};
use sync_core::store::Pair;

type Verdict = Result<(), String>;

struct Mirrored {
    state: String,
    updated_at: i64,
    /// What is neither null nor empty.
    properties: HashMap<String, String>,
}

fn mirrored(world: &World, object: &str) -> BTreeMap<u64, Mirrored> {
    let person = world.reader();
    let sql = format!("SELECT id, state, updated_at, properties FROM sync_base_{object}");
    let mut statement = person.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| {
        let id: String = row.get(0)?;
        let json: String = row.get(3)?;
        let mut properties = HashMap::new();
        Properties::from_json(json)
            .for_each(|name, value| {
                if let Some(text) = value.filter(|text| !text.is_empty()) {
                    properties.insert(name.to_owned(), text.into_owned());
                }
            })
            .unwrap();
        let mirrored = Mirrored { state: row.get(1)?, updated_at: row.get(2)?, properties };
        Ok((id.parse().unwrap(), mirrored))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// O1: the same records in the same states with the same values, on both sides.
pub(super) fn mirror_equals_portal(world: &World, edits: &LocalEdits) -> Verdict {
    let objects: Vec<&str> = world.mappings.iter().map(|mapping| mapping.object.as_str()).collect();
    for object in &objects {
        let mirror = mirrored(world, object);
        records_agree(world, object, &mirror)?;
        rows_show_their_base(world, object, &mirror, edits)?;
    }
    for pair in Pair::named_by(&world.mappings) {
        if objects.contains(&pair.from.as_str()) && objects.contains(&pair.to.as_str()) {
            associations_agree(world, &pair.from, &pair.to)?;
        }
    }
    Ok(())
}

fn records_agree(world: &World, object: &str, mirror: &BTreeMap<u64, Mirrored>) -> Verdict {
    let stored = stored_properties(world, object);
    let portal = world.rehearsal.portal();
    for truth in portal.records(object) {
        let wanted = if truth.purged {
            "missing"
        } else if truth.merged_into.is_some() {
            "merged"
        } else if truth.archived_at.is_some() {
            "archived"
        } else {
            "active"
        };
        let Some(found) = mirror.get(&truth.id) else {
            // What was merged away or erased before anybody looked was never there to see.
            if wanted == "merged" || wanted == "missing" {
                continue;
            }
            return Err(format!("{object} {} is {wanted} in the portal and absent in the mirror", truth.id));
        };
        // Of a record whose survivor was erased nobody tells any more that it was merged.
        let untold = wanted == "merged" && found.state == "missing" && survivor_is_erased(&portal, object, &truth);
        if found.state != wanted && !untold {
            return Err(format!("{object} {} is {wanted} in the portal and {} in the mirror", truth.id, found.state));
        }
        if wanted != "active" {
            continue;
        }
        if found.updated_at != truth.updated_at {
            return Err(format!(
                "{object} {}: changed {} there, {} here",
                truth.id, truth.updated_at, found.updated_at
            ));
        }
        for property in &stored {
            let theirs = truth.properties.get(property).and_then(simulator::Value::text);
            let theirs = theirs.filter(|text| !text.is_empty());
            // A value that no Rust string can hold is compared where it is shown, not here.
            if truth.properties.get(property).is_some_and(|value| value.text().is_none()) {
                continue;
            }
            let ours = found.properties.get(property);
            if ours.map(String::as_str) != theirs.as_deref() {
                return Err(format!("{object} {} {property}: {theirs:?} there, {ours:?} here", truth.id));
            }
        }
    }
    let known: BTreeSet<u64> = portal.records(object).map(|record| record.id).collect();
    match mirror.iter().find(|(id, found)| !known.contains(id) && found.state != "missing") {
        Some((id, found)) => Err(format!("{object} {id} is {} in the mirror and nowhere else", found.state)),
        None => Ok(()),
    }
}

fn survivor_is_erased(portal: &simulator::Portal, object: &str, truth: &simulator::RecordView) -> bool {
    match truth.merged_into.and_then(|survivor| portal.record(object, survivor)) {
        Some(survivor) => survivor.purged || survivor_is_erased(portal, object, &survivor),
        None => false,
    }
}

/// The properties that are fetched and stored as they came. What follows from others is made when it is read.
fn stored_properties(world: &World, object: &str) -> Vec<String> {
    let mapping = world.mappings.iter().find(|mapping| mapping.object == object).unwrap();
    let fetched = |name: &String| {
        mapping.unmapped == Unmapped::Json || mapping.fields.iter().any(|field| field.property == *name)
    };
    let person = world.reader();
    let mut statement = person
        .prepare("SELECT name FROM properties WHERE object = ?1 AND archived = 0 AND (NOT calculated AND NOT read_only OR name IN ('num_notes', 'hs_object_source_label'))")
        .unwrap();
    statement.query_map([object], |row| row.get(0)).unwrap().map(Result::unwrap).filter(fetched).collect()
}

/// The typed row shows what the base holds, wherever nobody edited it.
fn rows_show_their_base(world: &World, object: &str, bases: &BTreeMap<u64, Mirrored>, edits: &LocalEdits) -> Verdict {
    let mapping = world.mappings.iter().find(|mapping| mapping.object == object).unwrap();
    let text_fields: Vec<(&str, &str)> = mapping
        .fields
        .iter()
        .map(|field| (field.property.as_str(), field.column.as_str()))
        .filter(|(property, _)| ["firstname", "lastname", "city", "name", "subject"].contains(property))
        .collect();
    let person = world.reader();
    for (property, column) in text_fields {
        let mut statement = person.prepare(&format!("SELECT id, {column} FROM {object} WHERE id IS NOT NULL")).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        for row in rows.unwrap() {
            let (id, shown): (String, Option<String>) = row.unwrap();
            if property == "city" && object == "contacts" && edits.contains_key(&id) {
                continue;
            }
            let base = bases[&id.parse().unwrap()].properties.get(property);
            if shown.as_ref() != base && !waits_for_a_person(&person, object, &id, property) {
                return Err(format!("{object} {id} shows {column} {shown:?}, its base holds {base:?}"));
            }
        }
    }
    Ok(())
}

/// Every active record has its row, unless the row asks for something that waits for a person.
pub(super) fn records_have_rows(world: &World) -> Verdict {
    let person = world.reader();
    for mapping in &world.mappings {
        let (object, table) = (&mapping.object, &mapping.table);
        let sql = format!(
            "SELECT id FROM sync_base_{table} b WHERE state = 'active'
                AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = b.id)
                AND NOT EXISTS (SELECT 1 FROM sync_rejects r WHERE r.object = ?1 AND r.record_id = b.id)
                AND NOT EXISTS (SELECT 1 FROM sync_conflicts c WHERE c.object = ?1 AND c.record_id = b.id
                    AND c.resolved_at IS NULL)"
        );
        let id: Option<String> = person.query_row(&sql, [object], |row| row.get(0)).optional().unwrap();
        if let Some(id) = id {
            return Err(format!("{object} {id} is active in the portal, and its row is gone"));
        }
    }
    Ok(())
}

/// Whether a field differs from its base until somebody decides: a held conflict, a reject, or a record that is gone.
fn waits_for_a_person(person: &rusqlite::Connection, object: &str, id: &str, property: &str) -> bool {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND property = ?3
                        AND resolved_at IS NULL)
             OR EXISTS (SELECT 1 FROM sync_rejects, json_each(properties) WHERE object = ?1 AND record_id = ?2
                        AND key = ?3)
             OR EXISTS (SELECT 1 FROM {object} WHERE id = ?2 AND state IN ('archived', 'merged', 'missing'))"
    );
    person.query_row(&sql, [object, id, property], |row| row.get(0)).unwrap()
}

/// The same associations on both sides, as far as both ends are active and no reject keeps what was wished.
pub(super) fn associations_agree(world: &World, from: &str, to: &str) -> Verdict {
    let person = world.reader();
    let rejected = rejected_pairs(&person, from, to);
    let sql = format!(
        "SELECT a.from_id, a.to_id, a.type_id FROM associations a JOIN {from} f ON f.id = a.from_id
         JOIN {to} t ON t.id = a.to_id WHERE from_object = ?1 AND to_object = ?2
         AND f.state IN ('active', 'archiving') AND t.state IN ('active', 'archiving')"
    );
    let mut statement = person.prepare(&sql).unwrap();
    // A row that says less than all is written out before it is sent: here it is one that a reject keeps.
    let ours: BTreeSet<(u64, u64, Option<u32>)> = statement
        .query_map([from, to], |row| {
            let (one, other): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((one.parse().unwrap(), other.parse().unwrap(), row.get(2)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .filter(|(one, other, _)| !rejected.contains(&(*one, *other)))
        .collect();
    let portal = world.rehearsal.portal();
    let theirs: BTreeSet<(u64, u64, Option<u32>)> = portal
        .associations(from, to)
        .into_iter()
        .map(|edge| (edge.from_id, edge.to_id, Some(edge.type_id)))
        .filter(|(one, other, _)| !rejected.contains(&(*one, *other)))
        .collect();
    if ours == theirs {
        return Ok(());
    }
    let (absent, extra): (Vec<_>, Vec<_>) = (theirs.difference(&ours).collect(), ours.difference(&theirs).collect());
    Err(format!("{from}→{to}: absent in the mirror {absent:?}, only there {extra:?}"))
}

/// Pairs of records about which a reject waits for a person, in the direction in which they are compared.
fn rejected_pairs(person: &rusqlite::Connection, from: &str, to: &str) -> BTreeSet<(u64, u64)> {
    let told = "SELECT record_id, json_extract(properties, '$.to_id') FROM sync_rejects
                WHERE operation IN ('associate', 'dissociate') AND object = ?1
                  AND json_extract(properties, '$.to_object') = ?2";
    let mut statement = person.prepare(told).unwrap();
    let mut pairs = BTreeSet::new();
    for (one, other, turned) in [(from, to, false), (to, from, true)] {
        let rows = statement.query_map([one, other], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        let ids = rows.unwrap().map(Result::unwrap).filter_map(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        pairs.extend(ids.map(|(a, b): (u64, u64)| if turned { (b, a) } else { (a, b) }));
    }
    pairs
}

/// O2, as far as pulling goes: what somebody wrote into the mirror is still there, or kept as the loser of a conflict.
pub(super) fn local_edits_are_kept(world: &World, edits: &LocalEdits) -> Verdict {
    let person = world.reader();
    for (id, city) in edits {
        let kept: bool = person
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM contacts WHERE id = ?1 AND city = ?2)
                 OR EXISTS (SELECT 1 FROM sync_conflicts WHERE record_id = ?1 AND property = 'city' AND local = ?2)",
                [id, city],
                |row| row.get(0),
            )
            .unwrap();
        if !kept {
            return Err(format!("contact {id}: the local edit {city:?} is lost"));
        }
    }
    Ok(())
}

/// O9: whatever changed before the time that the mirror calls settled or swept is in the mirror, at any moment; and what
/// was archived before the archived list was walked.
pub(super) fn nothing_is_stale(world: &World) -> Verdict {
    if !world.mirror().exists() {
        return Ok(());
    }
    let person = world.reader();
    let Ok(mut statement) = person.prepare(
        "SELECT object, settled_until, coalesce(swept_at, 0), archived_walked_at FROM sync_objects
             WHERE backfilled AND settled_until IS NOT NULL",
    ) else {
        return Ok(());
    };
    // Bounds are told by dates: a record that comes back without a new one is found by the next sweep.
    if !world.rehearsal.portal().switches_mut().restore_bumps {
        return Ok(());
    }
    let settles = world.rehearsal.portal().switches_mut().lag.tail_max <= LAG_THAT_SETTLES;
    let bounds: Vec<(String, i64, i64, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (object, settled, swept, archived) in bounds {
        let until = if settles { settled.max(swept) } else { swept };
        let mirror = mirrored(world, &object);
        for truth in world.rehearsal.portal().records(&object) {
            let shown = mirror.get(&truth.id);
            if !truth.purged
                && truth.archived_at.is_some_and(|at| at < archived)
                && truth.merged_into.is_none()
                && shown.is_none_or(|found| found.state == "active")
            {
                return Err(format!("{object} {} was archived, and is not shown so", truth.id));
            }
            if !truth.is_active() || truth.updated_at >= until {
                continue;
            }
            let seen = shown.is_some_and(|found| found.updated_at >= truth.updated_at);
            if !seen {
                let (changed, until) = (Timestamp::from_millis(truth.updated_at), Timestamp::from_millis(until));
                let created = Timestamp::from_millis(truth.created_at);
                let state = shown.map_or("absent", |found| found.state.as_str());
                return Err(format!(
                    "{object} {} was created {created} and changed {changed}, and is {state} although settled or swept \
                     until {until} ({settled}, {swept})",
                    truth.id
                ));
            }
        }
    }
    Ok(())
}

/// P20, at any moment: what is called missing is erased, or was merged away.
pub(super) fn what_is_missing_is_gone(world: &World) -> Verdict {
    if !world.mirror().exists() {
        return Ok(());
    }
    for mapping in &world.mappings {
        let object = mapping.object.as_str();
        let person = world.reader();
        let sql = format!("SELECT id FROM {} WHERE state = 'missing'", mapping.table);
        let Ok(mut missing) = person.prepare(&sql) else { continue };
        let missing = missing.query_map([], |row| row.get::<_, String>(0)).unwrap();
        for id in missing.map(Result::unwrap) {
            let truth = world.rehearsal.portal().record(object, id.parse().unwrap());
            if truth.is_some_and(|truth| !truth.purged && truth.merged_into.is_none()) {
                return Err(format!("{object} {id} is called missing, and is there"));
            }
        }
    }
    Ok(())
}

/// O8: the credential is in no file.
pub(super) fn the_token_is_nowhere(world: &World) -> Verdict {
    let token = memchr::memmem::Finder::new(world.token());
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if token.find(&bytes).is_some() {
            return Err(format!("{} holds the token", path.display()));
        }
    }
    Ok(())
}
