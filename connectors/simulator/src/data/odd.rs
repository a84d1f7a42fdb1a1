//! What real portals contain and naive clients do not expect: lone surrogates, numbers no float can hold, fields that were
//! cleared, options that no longer exist, and ids that were merged away.

use crate::portal::Portal;
use crate::record::{Life, Record};
use crate::store::nothing;
use crate::value::{PropertyId, Value};

/// Property and value; raw values are the inside of a JSON string.
fn oddities(object: &str) -> Vec<(&'static str, Value)> {
    let raw = |text: &str| Value::raw(text);
    match object {
        "contacts" => vec![
            ("firstname", raw("bro\\ud800ken")),
            ("lastname", Value::from("")),
            ("jobtitle", Value::from("  padded  ")),
            ("annualrevenue", Value::from("123456789012345678901234567890")),
            ("city", Value::from("NUL\u{0}byte")),
            ("company", Value::from("\u{202e}desrever\u{202c}")),
            ("hs_lead_status", Value::from("DELETED_OPTION")),
            ("message", Value::from("a\tb\r\nc\u{2028}d \u{1f469}\u{200d}\u{1f52c} e\u{301}")),
            ("website", raw("https:\\/\\/example.com\\/\\u00e9")),
            ("hubspotscore", Value::from("1e-30")),
        ],
        "companies" => vec![
            ("annualrevenue", Value::from("99999999999999999999.99")),
            ("numberofemployees", Value::from("")),
            ("name", Value::from("=HYPERLINK(\"http://evil.example\")")),
            ("description", raw("\\udc00 starts badly")),
            ("founded_year", Value::from("٢٠٢٠")),
        ],
        "deals" => vec![
            ("amount", Value::from("24.00")),
            ("amount", Value::from("0.1")),
            ("amount", Value::from("9007199254740993")),
            ("amount", Value::from("-0")),
            ("closedate", Value::from("1900-01-01T00:00:00Z")),
            ("closedate", Value::from("")),
            ("dealname", Value::from("ＦＵＬＬ　ＷＩＤＴＨ")),
        ],
        "tickets" => {
            vec![("subject", Value::from("\u{1b}[31mred\u{1b}[0m")), ("content", Value::from("x".repeat(65_536)))]
        }
        _ => Vec::new(),
    }
}

/// Gives some records of the main types an odd value each.
pub(super) fn sprinkle(portal: &mut Portal) {
    let rate = portal.settings.data.odd_per_mille;
    for object in ["contacts", "companies", "deals", "tickets"] {
        let kind = super::kind(portal, object);
        let ids = chosen(portal, kind, rate);
        let values: Vec<(PropertyId, Vec<u8>)> = oddities(object)
            .into_iter()
            .filter_map(|(name, value)| Some((portal.stores[kind].catalogue.find(name)?, value.escaped())))
            .collect();
        if values.is_empty() {
            continue;
        }
        for (n, id) in ids.into_iter().enumerate() {
            if let Some(record) = portal.stores[kind].records.get_mut(&id) {
                record.values = record.values.with(&values[n % values.len()..][..1]);
            }
        }
    }
}

/// Some records once swallowed another, whose id still resolves.
pub(super) fn merge_some(portal: &mut Portal) {
    let rate = portal.settings.data.merged_per_mille;
    for object in ["contacts", "companies"] {
        let kind = super::kind(portal, object);
        for winner in chosen(portal, kind, rate) {
            let loser = portal.stores[kind].new_id(&mut portal.dice.ids);
            let catalogue = &portal.stores[kind].catalogue;
            let mut marks = Vec::new();
            for (name, value) in [
                ("hs_merged_object_ids", loser.to_string()),
                ("hs_calculated_merged_vids", format!("{loser}:{}", portal.settings.start - 1_000)),
                ("hs_all_contact_vids", format!("{winner};{loser}")),
            ] {
                marks.extend(catalogue.find(name).map(|property| (property, value.into_bytes())));
            }
            let records = &mut portal.stores[kind].records;
            let Some(record) = records.get_mut(&winner) else { continue };
            record.values = record.values.with(&marks);
            let mut gone = Record::new(record.created, record.updated, nothing());
            gone.life = Life::Merged(winner);
            records.insert(loser, gone);
        }
    }
}

/// That many per thousand of the active records, spread evenly.
fn chosen(portal: &mut Portal, kind: usize, per_mille: usize) -> Vec<u64> {
    let records = &portal.stores[kind].records;
    let active: Vec<u64> = records.iter().filter(|(_, r)| r.is_active()).map(|(id, _)| *id).collect();
    let wanted = active.len() * per_mille / 1_000;
    if wanted == 0 {
        return Vec::new();
    }
    let step = active.len() / wanted;
    let offset = portal.dice.data.usize(0..step);
    active.into_iter().skip(offset).step_by(step).take(wanted).collect()
}
