//! Contacts: three in four work for a company, whose domain is in their email.

use crate::clock::{DAY, iso};
use crate::portal::Portal;

use super::names;
use super::writer::{Row, load};

/// A company as the other generators need it.
pub(super) struct Firm {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) domain: String,
}

/// Makes the contacts, and their companies' associations.
pub(super) fn contacts(portal: &mut Portal, firms: &[Firm]) -> Vec<u64> {
    let kind = super::kind(portal, "contacts");
    let count = portal.settings.data.contacts;
    let mut employers: Vec<Option<usize>> = Vec::with_capacity(count);
    let ids = load(portal, kind, count, |dice, n, row| {
        let employer = (!firms.is_empty() && dice.u8(0..4) > 0).then(|| dice.usize(0..firms.len()));
        if n < count {
            employers.push(employer);
        }
        contact(dice, n, row, employer.map(|at| &firms[at]));
    });
    let companies = super::kind(portal, "companies");
    for (id, employer) in ids.iter().zip(&employers) {
        let Some(at) = employer else { continue };
        associate(portal, kind, *id, companies, firms[*at].id, firms);
    }
    for id in &ids {
        let hidden = portal.stores[kind].catalogue.find("hs_all_contact_vids");
        if let (Some(property), Some(record)) = (hidden, portal.stores[kind].records.get_mut(id)) {
            record.values = record.values.with(&[(property, id.to_string().into_bytes())]);
        }
    }
    ids
}

/// The employer is primary; some also have a label, some a second company.
fn associate(portal: &mut Portal, kind: usize, id: u64, companies: usize, firm: u64, firms: &[Firm]) {
    let (roll, second) = (portal.dice.data.u8(0..100), portal.dice.data.usize(0..firms.len()));
    let Some(primary) = portal.links.primary(kind, companies) else { return };
    let mut types = vec![primary];
    if roll < 8 {
        // The owner's first label between these types.
        let labels = portal.links.types(kind, companies);
        types.extend(
            labels.iter().filter(|f| f.category.as_str() == "USER_DEFINED").take(1).map(|f| (f.category, f.type_id)),
        );
    }
    let set = portal.links.set(kind, id, companies, firm, &types);
    debug_assert!(set.is_ok());
    if roll >= 95
        && firms[second].id != firm
        && let Some(plain) = portal.links.unlabeled(kind, companies)
    {
        let set = portal.links.set(kind, id, companies, firms[second].id, &[plain]);
        debug_assert!(set.is_ok());
    }
}

fn contact(dice: &mut fastrand::Rng, n: usize, row: &mut Row<'_>, firm: Option<&Firm>) {
    let (first, last, spelling) = names::person(dice);
    row.maybe(dice, 97, "firstname", first);
    row.maybe(dice, 96, "lastname", last);
    let domain = firm.map_or("mail.example", |f| f.domain.as_str());
    row.maybe(dice, 96, "email", &format!("{spelling}{n}@{domain}"));
    if let Some(firm) = firm {
        row.maybe(dice, 70, "company", &firm.name);
    }
    let number = dice.u32(10_000_000..99_999_999);
    row.maybe(dice, 60, "phone", &format!("+49 30 {number}"));
    let job = names::any(dice, names::JOBS);
    row.maybe(dice, 55, "jobtitle", job);
    let (city, state, zip, country) = names::CITIES[dice.usize(0..names::CITIES.len())];
    if dice.u8(0..100) < 60 {
        row.set("city", city);
        row.set("country", country);
        row.set("zip", zip);
        if !state.is_empty() {
            row.set("state", state);
        }
    }
    let stage = names::any(dice, names::STAGES);
    row.set("lifecyclestage", stage);
    row.set("hs_pipeline", "contacts-lifecycle-pipeline");
    row.set("hs_lifecyclestage_lead_date", &(row.created + 800).to_string());
    row.choose(dice, 40, "hs_lead_status");
    row.choose(dice, 30, "hs_language");
    row.choose(dice, 20, "numemployees");
    row.choose_some(dice, 10, "hs_buying_role");
    row.choose(dice, 50, "hs_analytics_source");
    row.set("num_notes", &dice.u8(0..20).to_string());
    let revenue = dice.u32(1..9_000_000);
    row.maybe(dice, 15, "annualrevenue", &revenue.to_string());
    let contacted = iso(row.created + dice.i64(0..(row.start - row.created)));
    row.maybe(dice, 35, "notes_last_contacted", &contacted);
    let closed = iso(row.created + dice.i64(0..90) * DAY);
    row.maybe(dice, 12, "closedate", &closed);
    row.maybe(dice, 3, "hs_email_optout", "true");
}
