//! What must be given: what HubSpot itself asks of a new record, and what administrators ask besides.
//!
//! Administrators' rules bind API clients only from version 2026-09 on.

use crate::exchange::Millis;
use crate::object_types::TypeIndex;
use crate::people::PortalError;
use crate::portal::Portal;
use crate::problem::{Detail, Problem};

/// For each type, what a new record needs; of each group one is enough.
const REQUIRED: &[(&str, &[&[&str]])] = &[
    ("companies", &[&["name", "domain"]]),
    ("deals", &[&["dealname"], &["dealstage"]]),
    ("tickets", &[&["subject"], &["hs_pipeline"], &["hs_pipeline_stage"]]),
    ("notes", &[&["hs_timestamp"]]),
    ("tasks", &[&["hs_timestamp"]]),
    ("calls", &[&["hs_timestamp"]]),
    ("meetings", &[&["hs_timestamp"]]),
    ("postal_mail", &[&["hs_timestamp"]]),
    ("emails", &[&["hs_timestamp"], &["hs_email_direction"]]),
    ("communications", &[&["hs_timestamp"], &["hs_communication_channel_type"]]),
    ("products", &[&["name"], &["hs_sku"], &["hs_folder"], &["price"], &["description"]]),
    ("leads", &[&["hs_lead_name"]]),
    ("orders", &[&["hs_order_name"]]),
    ("projects", &[&["hs_name"], &["hs_pipeline"], &["hs_pipeline_stage"]]),
    ("services", &[&["hs_name"], &["hs_pipeline"], &["hs_pipeline_stage"]]),
    ("listings", &[&["hs_name"]]),
    ("courses", &[&["hs_course_name"]]),
    ("appointments", &[&["hs_appointment_name"]]),
    ("invoices", &[&["hs_currency"]]),
    ("quotes", &[&["hs_title"], &["hs_expiration_date"]]),
];

/// What administrators ask of records.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    required: Vec<(TypeIndex, String)>,
    conditional: Vec<Conditional>,
}

/// `property` must have a value where `controlling` is `value`.
#[derive(Debug)]
struct Conditional {
    kind: TypeIndex,
    property: String,
    controlling: String,
    value: String,
}

impl Portal {
    /// An administrator makes a property required: creates through version 2026-09 fail without it.
    pub fn require_property(&mut self, now: Millis, object: &str, property: &str) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.known_property(object, property)?;
        self.rules.required.push((kind, property.to_owned()));
        Ok(())
    }

    /// An administrator makes a property required wherever another one has a value.
    pub fn require_property_when(
        &mut self,
        now: Millis,
        object: &str,
        property: &str,
        controlling: &str,
        value: &str,
    ) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.known_property(object, property)?;
        self.known_property(object, controlling)?;
        self.rules.conditional.push(Conditional {
            kind,
            property: property.to_owned(),
            controlling: controlling.to_owned(),
            value: value.to_owned(),
        });
        Ok(())
    }

    /// An administrator lifts every rule of a type.
    pub fn lift_rules(&mut self, now: Millis, object: &str) -> Result<(), PortalError> {
        self.advance(now);
        let kind = self.object(object)?;
        self.rules.required.retain(|(k, _)| *k != kind);
        self.rules.conditional.retain(|rule| rule.kind != kind);
        Ok(())
    }

    fn known_property(&self, object: &str, property: &str) -> Result<TypeIndex, PortalError> {
        let kind = self.object(object)?;
        self.stores[kind].catalogue.readable(property, true).map(|_| kind).ok_or_else(|| PortalError::NoSuchProperty {
            object: self.types[kind].name.clone(),
            property: property.to_owned(),
        })
    }

    /// Refuses a new record that lacks what it needs. `text` tells a property's value, empty where there is none.
    pub(crate) fn refuse_incomplete(
        &self,
        kind: TypeIndex,
        enforcing: bool,
        text: impl Fn(&str) -> String,
    ) -> Result<(), Problem> {
        let mut missing: Vec<&str> = Vec::new();
        if self.settings.switches.required_on_create {
            let name = self.types[kind].name.as_str();
            let custom: &[&[&str]] = match name {
                "contacts" if self.settings.switches.contact_needs_a_name => &[&["email", "firstname", "lastname"]],
                _ if self.types[kind].custom => &[&["name"]],
                _ => &[],
            };
            let groups = REQUIRED.iter().find(|(object, _)| *object == name).map_or(custom, |(_, groups)| groups);
            let lacking = groups.iter().filter(|group| group.iter().all(|property| text(property).is_empty()));
            missing.extend(lacking.filter_map(|group| group.first()));
        }
        if enforcing {
            let asked = self.rules.required.iter().filter(|(k, p)| *k == kind && text(p).is_empty());
            missing.extend(asked.map(|(_, property)| property.as_str()));
        }
        missing.dedup();
        refusal(missing.into_iter().map(|property| {
            let words = format!("A value for {property} must be provided");
            Detail::new(words, "MISSING_REQUIRED_PROPERTY", vec![("propertyName", vec![property.to_owned()])])
        }))
    }

    /// Refuses a write that leaves a conditional rule broken. Only rules that the write touches are looked at.
    pub(crate) fn refuse_unconditional(
        &self,
        kind: TypeIndex,
        touched: impl Fn(&str) -> bool,
        text: impl Fn(&str) -> String,
    ) -> Result<(), Problem> {
        let rules = self.rules.conditional.iter().filter(|rule| rule.kind == kind);
        let broken = rules.filter(|rule| {
            (touched(&rule.property) || touched(&rule.controlling))
                && text(&rule.controlling) == rule.value
                && text(&rule.property).is_empty()
        });
        refusal(broken.map(|rule| {
            let words = format!(
                "{} is required because of a conditional property rule based on [{}]",
                rule.property, rule.controlling
            );
            let context = vec![("propertyName", vec![rule.property.clone()])];
            Detail::new(words, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", context)
        }))
    }
}

fn refusal(details: impl Iterator<Item = Detail>) -> Result<(), Problem> {
    let details: Vec<Detail> = details.collect();
    if details.is_empty() {
        return Ok(());
    }
    Err(Problem::invalid_with("The property values provided are invalid", details))
}
