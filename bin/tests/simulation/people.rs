//! People on both sides: those who work in the CRM, and those who write into the mirror.

use super::world::{OBJECTS, World};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// Properties that CRM users write, with a number among them.
const WRITTEN: [(&str, &[&str]); 4] = [
    ("contacts", &["firstname", "lastname", "city", "jobtitle"]),
    ("companies", &["name", "city", "phone"]),
    ("deals", &["dealname", "amount"]),
    ("tickets", &["subject", "content"]),
];

/// The properties of an object type that CRM users write.
pub(super) fn written(object: &str) -> &'static [&'static str] {
    WRITTEN.iter().find(|(name, _)| *name == object).unwrap().1
}

/// What the mirror's users wrote last, by contact id: the city.
pub(super) type LocalEdits = BTreeMap<String, String>;

/// CRM users do `count` things, spread over about `span`.
pub(super) async fn crm_users(world: &World, dice: &mut Rng, count: usize, span: Duration) {
    for _ in 0..count {
        let pause = span.mul_f64(dice.f64() * 2.0) / u32::try_from(count).unwrap();
        sleep(pause).await;
        act(world, dice);
    }
}

/// One thing that a CRM user does. What the portal refuses is simply not done.
fn act(world: &World, dice: &mut Rng) {
    let now = world.rehearsal.now();
    let object = OBJECTS[dice.usize(..OBJECTS.len())];
    let token = format!("{}", dice.u32(1..1_000_000));
    let properties = written(object);
    let property = properties[dice.usize(..properties.len())];
    let mut portal = world.rehearsal.portal();
    let active = portal.active_ids(object);
    let some = |dice: &mut Rng, ids: &[u64]| if ids.is_empty() { None } else { Some(ids[dice.usize(..ids.len())]) };
    let Some(id) = some(dice, &active) else { return };
    let done = match dice.u32(..100) {
        0..40 => portal.edit(now, object, id, &[(property, token.as_str())]),
        40..48 => portal.edit(now, object, id, &[(property, "")]),
        48..62 => portal.create(now, object, &[(property, token.as_str())]).map(|_| ()),
        62..72 => portal.archive(now, object, id),
        72..78 => {
            let archived: Vec<u64> =
                portal.records(object).filter(|record| record.archived_at.is_some()).map(|record| record.id).collect();
            let Some(id) = some(dice, &archived) else { return };
            portal.restore(now, object, id)
        }
        78..81 => {
            let Some(other) = some(dice, &active).filter(|other| *other != id) else { return };
            portal.merge(now, object, id, other).map(|_| ())
        }
        81..84 => portal.purge(now, object, id),
        84..86 => {
            // What HubSpot calculates moves no date either.
            let (calculated, value) = match object {
                "contacts" => ("num_notes", dice.u8(..).to_string()),
                _ => ("hs_object_source_label", token.clone()),
            };
            portal.recalculate(now, object, id, &[(calculated, value.as_str())])
        }
        86..90 => {
            let most = active.len().min(40);
            portal.bulk_edit(now, object, &active[..dice.usize(..=most)], property, token.as_str()).map(|_| ())
        }
        _ => {
            let Some(company) = some(dice, &portal.active_ids("companies")) else { return };
            let Some(contact) = some(dice, &portal.active_ids("contacts")) else { return };
            let hubspot = simulator::Category::HubspotDefined;
            let type_id = if dice.bool() { 1 } else { 279 };
            let done = if dice.u8(..4) == 0 {
                portal.dissociate(now, "contacts", contact, "companies", company)
            } else {
                portal.associate(now, "contacts", contact, "companies", company, hubspot, type_id)
            };
            // An association moves no date: unless the record itself changes too, only a sweep lets anybody notice.
            if dice.bool() {
                done.and_then(|()| portal.edit(now, "contacts", contact, &[("city", token.as_str())]))
            } else {
                done
            }
        }
    };
    if let Err(error) = done {
        tracing::trace!("refused: {error}");
    }
}

/// Half of the time a workflow has written into every record of an object type, and the index shows most of it already.
pub(super) async fn changes_much(world: &World, dice: &mut Rng) {
    if dice.bool() {
        return;
    }
    let object = OBJECTS[dice.usize(..OBJECTS.len())];
    let (now, token) = (world.rehearsal.now(), format!("{}", dice.u32(1..1_000_000)));
    let ids = world.rehearsal.portal().active_ids(object);
    if let Err(error) = world.rehearsal.portal().bulk_edit(now, object, &ids, written(object)[0], token.as_str()) {
        tracing::trace!("refused: {error}");
    }
    sleep(Duration::from_secs(dice.u64(5..90))).await;
}

/// Somebody changes the city of a few contacts in the mirror. Only in rows that are there, and only if the mirror is.
pub(super) fn analyst(world: &World, dice: &mut Rng, edits: &mut LocalEdits) {
    if !world.mirror().exists() {
        return;
    }
    let person = world.person();
    let Ok(mut statement) = person.prepare("SELECT id FROM contacts WHERE archived = 0 ORDER BY id") else { return };
    let ids: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for _ in 0..dice.usize(..3) {
        if ids.is_empty() {
            return;
        }
        let id = &ids[dice.usize(..ids.len())];
        let city = format!("local {}", dice.u32(..));
        person.execute("UPDATE contacts SET city = ?2 WHERE id = ?1", [id, &city]).unwrap();
        edits.insert(id.clone(), city);
    }
}
