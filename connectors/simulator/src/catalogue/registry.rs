//! The properties of one object type, numbered.

use std::collections::HashMap;

use super::property::{Choice, Property, Sensitivity};
use super::tables;
use crate::Millis;
use crate::object_types::ObjectType;
use crate::value::PropertyId;

/// A property whose value is computed from the record instead of being stored with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derived {
    /// `hs_object_id`.
    Id,
    /// The creation date.
    Created,
    /// The modified date.
    Modified,
    /// Contacts' second modified date, which search pretends not to know.
    ContactModified,
    /// First and last name, or the email.
    FullNameOrEmail,
    /// What follows the `@`.
    EmailDomain,
}

/// A type's properties.
#[derive(Debug)]
pub(crate) struct Catalogue {
    properties: Vec<Property>,
    derived: Vec<Option<Derived>>,
    by_name: HashMap<String, PropertyId>,
    pub(crate) group: &'static str,
}

impl Catalogue {
    /// What HubSpot ships for this type. `born` is when a property claims to have been made.
    pub(crate) fn shipped(object: &ObjectType, born: Millis) -> Self {
        let (group, table) = tables::of(&object.name);
        let mut catalogue = Catalogue { properties: Vec::new(), derived: Vec::new(), by_name: HashMap::new(), group };
        for line in tables::COMMON.lines().chain(table.lines()).chain(tables::TRAILING.lines()) {
            if let Some(property) = tables::parse(line, group, born) {
                catalogue.add(property);
            }
        }
        catalogue.add_derived("hs_object_id", "Record ID", "number", Derived::Id, born);
        catalogue.add_derived(object.dates.created(), "Create Date", "datetime", Derived::Created, born);
        catalogue.add_derived(object.dates.modified(), "Last Modified Date", "datetime", Derived::Modified, born);
        if object.name == "contacts" {
            let modified = "Object last modified date/time";
            catalogue.add_derived("hs_lastmodifieddate", modified, "datetime", Derived::ContactModified, born);
            let full = "Full Name or Email";
            catalogue.add_derived("hs_full_name_or_email", full, "string", Derived::FullNameOrEmail, born);
            catalogue.add_derived("hs_email_domain", "Email Domain", "string", Derived::EmailDomain, born);
        }
        catalogue
    }

    fn add_derived(&mut self, name: &str, label: &str, kind: &str, derived: Derived, born: Millis) {
        let field = match kind {
            "datetime" => "date",
            "number" => "number",
            _ => "text",
        };
        let mut property = Property::custom(name, label, kind, field, self.group, born);
        property.hubspot_defined = true;
        property.read_only = true;
        property.calculated = matches!(derived, Derived::FullNameOrEmail | Derived::EmailDomain);
        let id = self.add(property);
        self.derived[id as usize] = Some(derived);
    }

    /// Adds a property, or revives the archived one of that name.
    pub(crate) fn add(&mut self, property: Property) -> PropertyId {
        if let Some(id) = self.by_name.get(&property.name).copied() {
            let old = &mut self.properties[id as usize];
            old.archived = None;
            old.updated = property.created;
            old.shown_from = property.shown_from;
            return id;
        }
        let id = self.properties.len() as PropertyId;
        self.by_name.insert(property.name.clone(), id);
        self.properties.push(property);
        self.derived.push(None);
        id
    }

    /// The number of a property by its name, archived or not.
    pub(crate) fn find(&self, name: &str) -> Option<PropertyId> {
        self.by_name.get(name).copied()
    }

    /// The number of a property that can be read: there, not archived, and allowed to be seen.
    pub(crate) fn readable(&self, name: &str, sensitive: bool) -> Option<PropertyId> {
        let id = self.find(name)?;
        let property = self.get(id);
        let visible = property.archived.is_none() && (sensitive || property.sensitivity == Sensitivity::Ordinary);
        visible.then_some(id)
    }

    pub(crate) fn get(&self, id: PropertyId) -> &Property {
        &self.properties[id as usize]
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Property> {
        let id = self.find(name)?;
        self.properties.get_mut(id as usize)
    }

    pub(crate) fn derived(&self, id: PropertyId) -> Option<Derived> {
        self.derived[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.properties.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PropertyId, &Property)> {
        self.properties.iter().enumerate().map(|(n, p)| (n as PropertyId, p))
    }

    /// The names of the groups that properties belong to, sorted.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let groups: std::collections::BTreeSet<&str> = self.properties.iter().map(|p| p.group.as_str()).collect();
        groups.into_iter().collect()
    }

    /// The options of an enumeration.
    pub(crate) fn choices(&self, name: &str) -> &[Choice] {
        self.find(name).map_or(&[], |id| &self.get(id).choices)
    }
}
