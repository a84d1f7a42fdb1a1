//! Making many records of a type at once: ids, dates, archived ones, and the properties every record has.

use crate::Millis;
use crate::catalogue::{Catalogue, Property};
use crate::clock::{DAY, SECOND};
use crate::json::escape_into;
use crate::portal::Portal;
use crate::record::{Life, Record};
use crate::value::{Packed, PropertyId};

/// A record's values, by property name.
pub(super) struct Row<'a> {
    catalogue: &'a Catalogue,
    values: Vec<(PropertyId, Vec<u8>)>,
    pub(super) created: Millis,
    pub(super) start: Millis,
}

impl Row<'_> {
    /// Sets a value; a property the type does not have is left out.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        if let Some(id) = self.catalogue.find(name) {
            let mut value = Vec::with_capacity(text.len());
            escape_into(&mut value, text);
            self.values.push((id, value));
        }
    }

    /// Sets a value if chance says so, `percent` times in a hundred.
    pub(super) fn maybe(&mut self, dice: &mut fastrand::Rng, percent: u8, name: &str, text: &str) {
        if dice.u8(0..100) < percent {
            self.set(name, text);
        }
    }

    /// One of an enumeration's options.
    pub(super) fn choose(&mut self, dice: &mut fastrand::Rng, percent: u8, name: &str) {
        if dice.u8(0..100) >= percent {
            return;
        }
        let choices = self.catalogue.choices(name);
        if !choices.is_empty() {
            let value = choices[dice.usize(0..choices.len())].value.clone();
            self.set(name, &value);
        }
    }

    /// Several of a multi-select's options, separated by semicolons.
    pub(super) fn choose_some(&mut self, dice: &mut fastrand::Rng, percent: u8, name: &str) {
        if dice.u8(0..100) >= percent {
            return;
        }
        let values: Vec<String> = self.catalogue.choices(name).iter().map(|c| c.value.clone()).collect();
        let some: Vec<String> = values.into_iter().filter(|_| dice.bool()).collect();
        self.set(name, &some.join(";"));
    }
}

/// Loads `count` active records and some archived ones besides; returns the active ids in the order they were made.
pub(super) fn load(
    portal: &mut Portal,
    kind: usize,
    count: usize,
    mut each: impl FnMut(&mut fastrand::Rng, usize, &mut Row<'_>),
) -> Vec<u64> {
    let (start, extra) = (portal.settings.start, portal.settings.data.extra_properties);
    let archived = count * portal.settings.data.archived_per_mille / 1_000;
    let owners: Vec<String> = portal.owners.iter().map(|o| o.id.to_string()).collect();
    let mut dice = portal.dice.data.fork();
    let mut records = Vec::with_capacity(count + archived);
    let mut active = Vec::with_capacity(count);
    let mut bins = Vec::new();
    for n in 0..count + archived {
        let id = portal.stores[kind].new_id(&mut portal.dice.ids);
        let (created, updated) = dates(&mut dice, start);
        let catalogue = &portal.stores[kind].catalogue;
        let mut row = Row { catalogue, values: Vec::with_capacity(32), created, start };
        each(&mut dice, n, &mut row);
        common(&mut dice, &mut row, &owners);
        for m in 0..extra.min(8) {
            let property = format!("custom_{:04}", (n * 7 + m * 131) % extra);
            fill_extra(&mut dice, &mut row, &property);
        }
        let mut record = Record::new(created, updated, Packed::pack(&mut row.values));
        if n < count {
            active.push(id);
        } else {
            let at = (start - dice.i64(1..80 * DAY)).max(created);
            record.life = Life::Archived(at);
            bins.push((id, at));
        }
        records.push((id, record));
    }
    portal.stores[kind].load(records);
    for (id, at) in bins {
        portal.empty_bin_later(kind, id, at);
    }
    active
}

/// Creation and modified date: some with no milliseconds, and one record in twenty touched by the same bulk job.
fn dates(dice: &mut fastrand::Rng, start: Millis) -> (Millis, Millis) {
    let mut created = start - DAY - dice.i64(0..1_400 * DAY);
    if dice.u8(0..40) == 0 {
        created -= created.rem_euclid(SECOND);
    }
    let month_end = start - 30 * DAY + 77;
    if dice.u8(0..20) == 0 {
        return (created.min(month_end), month_end);
    }
    let age = start - 1 - created;
    let mut updated = created + dice.i64(0..age);
    if dice.u8(0..40) == 0 {
        updated -= updated.rem_euclid(SECOND);
    }
    (created, updated.max(created))
}

fn common(dice: &mut fastrand::Rng, row: &mut Row<'_>, owners: &[String]) {
    if !owners.is_empty() {
        let owner = &owners[dice.usize(0..owners.len())];
        row.maybe(dice, 80, "hubspot_owner_id", owner);
    }
    let source = ["CRM_UI", "IMPORT", "INTEGRATION", "FORM"][dice.usize(0..4)];
    row.set("hs_object_source", source);
    row.set("hs_object_source_label", source);
}

/// The types that extra properties take in turn.
const KINDS: [(&str, &str); 6] = [
    ("string", "text"),
    ("number", "number"),
    ("enumeration", "select"),
    ("bool", "booleancheckbox"),
    ("date", "date"),
    ("datetime", "date"),
];

/// Adds the extra custom properties to the main types.
pub(super) fn extra_properties(portal: &mut Portal) {
    let born = portal.settings.start - 300 * DAY;
    for object in ["contacts", "companies", "deals", "tickets"] {
        let kind = super::kind(portal, object);
        for n in 0..portal.settings.data.extra_properties {
            let (data, field) = KINDS[n % KINDS.len()];
            let store = &mut portal.stores[kind];
            let (name, label) = (format!("custom_{n:04}"), format!("Custom {n}"));
            let mut property = Property::custom(&name, &label, data, field, store.catalogue.group, born);
            if data == "enumeration" {
                property.choices = ["alpha", "beta", "gamma"]
                    .map(|v| crate::catalogue::Choice { value: v.into(), label: v.to_uppercase(), hidden: false })
                    .into();
            }
            store.catalogue.add(property);
        }
    }
}

fn fill_extra(dice: &mut fastrand::Rng, row: &mut Row<'_>, property: &str) {
    let kind = row.catalogue.find(property).map(|id| row.catalogue.get(id).kind.clone()).unwrap_or_default();
    match kind.as_str() {
        "number" => row.set(property, &dice.u32(0..100_000).to_string()),
        "enumeration" => row.choose(dice, 100, property),
        "bool" => row.set(property, if dice.bool() { "true" } else { "false" }),
        "date" => row.set(property, &crate::clock::date(row.start - dice.i64(0..3_000) * DAY)),
        "datetime" => row.set(property, &crate::clock::iso(row.start - dice.i64(0..3_000 * DAY))),
        _ => row.set(property, &format!("value {}", dice.u32(0..10_000))),
    }
}
