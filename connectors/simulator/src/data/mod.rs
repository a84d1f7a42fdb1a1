//! The data a portal begins with: plausible at any size, the same for the same seed.
//!
//! `names` are the words, `people` contacts, `activities` what was said, `business` everything else, `odd` the values that break naive clients.

mod activities;
mod business;
mod names;
mod odd;
mod people;
mod writer;

use crate::object_types::{ObjectType, custom, resolve, standard};
use crate::owners::Owner;
use crate::portal::Portal;
use crate::settings::Settings;

/// The types of a portal, with its custom object where the subscription has any.
pub(crate) fn types(settings: &Settings) -> Vec<ObjectType> {
    let mut types = standard();
    if settings.tier.has_custom_objects() {
        types.push(custom(settings.portal_id, 31_337_042, "machine"));
    }
    types
}

/// Fills a new portal.
pub(crate) fn fill(portal: &mut Portal) {
    portal.owners = owners(portal);
    writer::extra_properties(portal);
    let companies = business::companies(portal);
    let contacts = people::contacts(portal, &companies);
    let deals = business::deals(portal, &contacts, &companies);
    let tickets = business::tickets(portal, &contacts, &companies);
    business::sales(portal, &deals);
    activities::activities(portal, &contacts, &companies, &deals, &tickets);
    if let Some(kind) = portal.types.iter().position(|t| t.custom) {
        business::machines(portal, kind, &companies);
    }
    odd::sprinkle(portal);
    odd::merge_some(portal);
}

/// A type that every portal has, by name. Position 0 stands in for a name that is not there, which a test would notice.
fn kind(portal: &Portal, name: &str) -> usize {
    resolve(&portal.types, name).unwrap_or(0)
}

/// About one owner in seven has left; the last one is a queue.
fn owners(portal: &mut Portal) -> Vec<Owner> {
    let count = portal.settings.data.owners;
    let start = portal.settings.start;
    let dice = &mut portal.dice.data;
    (0..count)
        .map(|n| {
            let (first, last) = names::latin(dice);
            let created = start - dice.i64(200..1_400) * crate::clock::DAY - dice.i64(0..86_400_000);
            Owner {
                id: 41_629_000 + 131 * n as u64,
                email: format!("{}.{}{n}@example-crm.com", first.to_lowercase(), last.to_lowercase()),
                first: first.to_owned(),
                last: last.to_owned(),
                user_id: 9_586_500 + n as u64,
                queue: count > 3 && n + 1 == count,
                archived: n % 7 == 5,
                created,
                updated: created,
            }
        })
        .collect()
}
