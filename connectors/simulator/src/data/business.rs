//! Companies, deals, tickets, what is sold, and the custom object.

use crate::clock::{DAY, date, iso};
use crate::portal::Portal;

use super::names;
use super::people::Firm;
use super::writer::{Row, load};

pub(super) fn companies(portal: &mut Portal) -> Vec<Firm> {
    let kind = super::kind(portal, "companies");
    let count = portal.settings.data.companies;
    let mut made: Vec<(String, String)> = Vec::with_capacity(count);
    let ids = load(portal, kind, count, |dice, n, row| {
        let (name, domain) = names::company(dice, n);
        row.set("name", &name);
        row.maybe(dice, 95, "domain", &domain);
        row.maybe(dice, 80, "website", &domain);
        let (city, _, zip, country) = names::CITIES[dice.usize(0..names::CITIES.len())];
        row.set("city", city);
        row.set("zip", zip);
        row.set("country", country);
        row.choose(dice, 80, "industry");
        row.choose(dice, 50, "type");
        row.choose(dice, 90, "lifecyclestage");
        let (revenue, people) = (dice.u64(10_000..5_000_000_000), dice.u32(1..20_000));
        row.maybe(dice, 60, "annualrevenue", &revenue.to_string());
        row.maybe(dice, 60, "numberofemployees", &people.to_string());
        row.choose_some(dice, 20, "web_technologies");
        row.maybe(dice, 30, "description", "Makes things.\nSells \"them\" too \\ mostly online.");
        made.push((name, domain));
    });
    let firms: Vec<Firm> = ids.into_iter().zip(made).map(|(id, (name, domain))| Firm { id, name, domain }).collect();
    for pair in firms.chunks(25) {
        if let [parent, child, ..] = pair {
            connect(portal, kind, parent.id, kind, child.id, Some("Child Company"));
        }
    }
    firms
}

/// Associates two records: plainly, as primary, or with a label that the direction has.
pub(super) fn connect(portal: &mut Portal, from: usize, from_id: u64, to: usize, to_id: u64, label: Option<&str>) {
    let plain = portal.links.unlabeled(from, to);
    let labelled = label.and_then(|label| {
        let types = portal.links.types(from, to);
        types.into_iter().find(|f| f.label == Some(label)).map(|f| (f.category, f.type_id))
    });
    let Some(wanted) = labelled.or(plain) else { return };
    let mut types: Vec<_> =
        portal.links.marks(from, from_id, to, to_id).iter().map(|f| (f.category, f.type_id)).collect();
    types.push(wanted);
    let set = portal.links.set(from, from_id, to, to_id, &types);
    debug_assert!(set.is_ok());
}

/// Any record of a list.
pub(super) fn any(portal: &mut Portal, ids: &[u64]) -> Option<u64> {
    if ids.is_empty() { None } else { Some(ids[portal.dice.data.usize(0..ids.len())]) }
}

pub(super) fn any_firm(portal: &mut Portal, firms: &[Firm]) -> Option<u64> {
    if firms.is_empty() { None } else { Some(firms[portal.dice.data.usize(0..firms.len())].id) }
}

const SALES: [(&str, f64); 7] = [
    ("appointmentscheduled", 0.2),
    ("qualifiedtobuy", 0.4),
    ("presentationscheduled", 0.6),
    ("decisionmakerboughtin", 0.8),
    ("contractsent", 0.9),
    ("closedwon", 1.0),
    ("closedlost", 0.0),
];

pub(super) fn deals(portal: &mut Portal, contacts: &[u64], firms: &[Firm]) -> Vec<u64> {
    let kind = super::kind(portal, "deals");
    let count = portal.settings.data.deals;
    let ids = load(portal, kind, count, |dice, n, row| deal(dice, n, row, firms));
    let (people, companies) = (super::kind(portal, "contacts"), super::kind(portal, "companies"));
    for id in &ids {
        let roll = portal.dice.data.u8(0..100);
        if let Some(contact) = any(portal, contacts).filter(|_| roll < 85) {
            connect(portal, people, contact, kind, *id, (roll < 20).then_some("Champion"));
        }
        if let Some(firm) = any_firm(portal, firms).filter(|_| roll < 80) {
            connect(portal, kind, *id, companies, firm, Some("Primary"));
        }
    }
    ids
}

fn deal(dice: &mut fastrand::Rng, n: usize, row: &mut Row<'_>, firms: &[Firm]) {
    let subject = names::any(dice, names::DEALS);
    let customer = if firms.is_empty() { "Somebody" } else { &firms[dice.usize(0..firms.len())].name };
    row.set("dealname", &format!("{customer} – {subject} {n}"));
    let (whole, cents) = (dice.u64(100..900_000), dice.u8(0..100));
    let amount = if dice.bool() { whole.to_string() } else { format!("{whole}.{cents:02}") };
    row.maybe(dice, 92, "amount", &amount);
    row.choose(dice, 100, "deal_currency_code");
    row.choose(dice, 70, "dealtype");
    row.choose(dice, 40, "hs_priority");
    let close = row.created + dice.i64(1..400) * DAY;
    row.maybe(dice, 90, "closedate", &iso(close));
    if dice.u8(0..5) == 0 {
        row.set("pipeline", "88104471");
        row.set("dealstage", ["158112061", "158112062", "158112063"][dice.usize(0..3)]);
        return;
    }
    let (stage, probability) = SALES[dice.usize(0..SALES.len())];
    row.set("pipeline", "default");
    row.set("dealstage", stage);
    row.set("hs_deal_stage_probability", &probability.to_string());
    row.set("hs_is_closed", if stage.starts_with("closed") { "true" } else { "false" });
    row.set("hs_is_closed_won", if stage == "closedwon" { "true" } else { "false" });
}

pub(super) fn tickets(portal: &mut Portal, contacts: &[u64], firms: &[Firm]) -> Vec<u64> {
    let kind = super::kind(portal, "tickets");
    let count = portal.settings.data.tickets;
    let ids = load(portal, kind, count, |dice, n, row| {
        let subject = names::any(dice, names::SUBJECTS);
        row.set("subject", &format!("{subject} ({n})"));
        row.maybe(dice, 80, "content", "It worked yesterday.\r\nToday it does not. 何もしていません。");
        row.set("hs_pipeline", "0");
        row.set("hs_pipeline_stage", ["1", "2", "3", "4"][dice.usize(0..4)]);
        row.choose(dice, 70, "hs_ticket_priority");
        row.choose_some(dice, 50, "hs_ticket_category");
        row.choose(dice, 60, "source_type");
        let minutes = dice.u32(1..100_000);
        row.maybe(dice, 30, "time_to_close", &(u64::from(minutes) * 60_000).to_string());
    });
    let (people, companies) = (super::kind(portal, "contacts"), super::kind(portal, "companies"));
    for id in &ids {
        let roll = portal.dice.data.u8(0..100);
        if let Some(contact) = any(portal, contacts).filter(|_| roll < 90) {
            connect(portal, kind, *id, people, contact, (roll < 30).then_some("Requester"));
        }
        if let Some(firm) = any_firm(portal, firms).filter(|_| roll < 50) {
            connect(portal, kind, *id, companies, firm, Some("Primary"));
        }
    }
    ids
}

/// Products, line items on deals, quotes.
pub(super) fn sales(portal: &mut Portal, deals: &[u64]) {
    let size = portal.settings.data;
    let products = super::kind(portal, "products");
    let wares = load(portal, products, size.products, |dice, n, row| {
        let ware = names::any(dice, names::WARES);
        row.set("name", &format!("{ware} {n}"));
        row.set("hs_sku", &format!("SKU-{n:05}"));
        row.set("price", &format!("{}.{:02}", dice.u32(1..5_000), dice.u8(0..100)));
        row.maybe(dice, 50, "description", ware);
        row.choose(dice, 80, "hs_product_type");
        row.choose(dice, 30, "recurringbillingfrequency");
    });
    let (items, deal_kind) = (super::kind(portal, "line_items"), super::kind(portal, "deals"));
    let made = load(portal, items, size.line_items, |dice, n, row| {
        let (quantity, price) = (dice.u32(1..50), dice.u32(1..5_000));
        row.set("name", &format!("{} {n}", names::any(dice, names::WARES)));
        row.set("quantity", &quantity.to_string());
        row.set("price", &price.to_string());
        let amount = (u64::from(quantity) * u64::from(price)).to_string();
        row.set("amount", &amount);
        row.set("hs_pre_discount_amount", &amount);
        row.choose(dice, 100, "hs_line_item_currency_code");
        if !wares.is_empty() {
            row.set("hs_product_id", &wares[dice.usize(0..wares.len())].to_string());
        }
    });
    for id in made {
        if let Some(deal) = any(portal, deals) {
            connect(portal, deal_kind, deal, items, id, None);
        }
    }
    let quotes = super::kind(portal, "quotes");
    let made = load(portal, quotes, size.quotes, |dice, n, row| {
        row.set("hs_title", &format!("Quote {n}"));
        row.set("hs_expiration_date", &iso(row.created + 30 * DAY));
        row.choose(dice, 100, "hs_status");
        row.choose(dice, 100, "hs_currency");
        let key = format!("{:032x}", dice.u128(..));
        row.set("hs_public_url_key", &key);
        row.set("hs_quote_number", &format!("20260{:08}", n + 1));
        row.set("hs_quote_amount", &dice.u32(100..900_000).to_string());
        row.set("hs_quote_link", &format!("https://quotes.example/{key}"));
    });
    for id in made {
        if let Some(deal) = any(portal, deals) {
            connect(portal, deal_kind, deal, quotes, id, None);
            offer(portal, deal_kind, deal, quotes, id);
        }
    }
}

/// A quote lists what its deal is about, and goes to the deal's people.
fn offer(portal: &mut Portal, deals: usize, deal: u64, quotes: usize, quote: u64) {
    for (object, most) in [("line_items", usize::MAX), ("contacts", 1), ("companies", 1)] {
        let kind = super::kind(portal, object);
        for other in portal.links.neighbours(deals, deal, kind, 0).into_iter().take(most) {
            connect(portal, quotes, quote, kind, other, None);
        }
    }
}

pub(super) fn machines(portal: &mut Portal, kind: usize, firms: &[Firm]) {
    let count = portal.settings.data.machines;
    let made = load(portal, kind, count, |dice, n, row| {
        row.set("name", &format!("Press {n}"));
        row.set("serial_number", &format!("M-{n:06}"));
        row.set("installed_on", &date(row.created));
        row.set("running_hours", &format!("{}.5", dice.u32(0..90_000)));
        row.choose(dice, 100, "state");
    });
    let companies = super::kind(portal, "companies");
    for id in made {
        if let Some(firm) = any_firm(portal, firms) {
            connect(portal, companies, firm, kind, id, None);
        }
    }
}
