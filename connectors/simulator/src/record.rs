//! One record: its values, its past, and what the search index still believes about it.

use crate::Millis;
use crate::value::{Packed, PropertyId};

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Active,
    /// In the recycling bin since then.
    Archived(Millis),
    /// Merged into another record; the id still resolves to it.
    Merged(u64),
    /// Erased: in no list, under no id.
    Purged,
}

/// The number of the app that the API's client is.
pub(crate) const APP_ID: &str = "19083857";

/// Who made a version of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A person in the CRM.
    Crm,
    /// The API's client, an app.
    Api,
    /// An import, or the data the portal began with.
    Import,
    /// HubSpot itself.
    Calculated,
    /// A merge.
    Merge,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Source::Crm => "CRM_UI",
            Source::Api => "INTEGRATION",
            Source::Import => "IMPORT",
            Source::Calculated => "CALCULATED",
            Source::Merge => "MERGE_OBJECTS",
        }
    }

    /// The person, where it was one.
    pub(crate) fn user(self) -> Option<u64> {
        (self == Source::Crm).then_some(9_586_504)
    }

    /// The actor's id, where there is one.
    pub(crate) fn id(self) -> Option<&'static str> {
        match self {
            Source::Crm => Some("userId:9586504"),
            Source::Api => Some(APP_ID),
            Source::Import | Source::Calculated | Source::Merge => None,
        }
    }
}

/// A version of a property's value.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) property: PropertyId,
    pub(crate) value: Box<[u8]>,
    pub(crate) at: Millis,
    pub(crate) source: Source,
}

/// What the index holds for a record that has changed since it was indexed.
#[derive(Debug, Clone)]
pub(crate) enum Stale {
    /// Nothing: the record is new to the index.
    Absent,
    /// An older state.
    Held { created: Millis, updated: Millis, values: Packed },
}

/// A record. Most of a million have neither past nor stale image.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) life: Life,
    /// Who gave the values that it began with.
    pub(crate) origin: Source,
    pub(crate) values: Packed,
    /// Versions of properties that have changed since creation, oldest first.
    pub(crate) past: Vec<Version>,
    pub(crate) stale: Option<Box<Stale>>,
}

/// A record as search matches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Indexed<'a> {
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) values: &'a Packed,
}

impl Record {
    pub(crate) fn new(created: Millis, updated: Millis, values: Packed) -> Self {
        Record { created, updated, life: Life::Active, origin: Source::Import, values, past: Vec::new(), stale: None }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.life == Life::Active
    }

    /// The state search matches, or `None` when the index does not know the record.
    pub(crate) fn indexed(&self) -> Option<Indexed<'_>> {
        match self.stale.as_deref() {
            Some(Stale::Absent) => None,
            Some(Stale::Held { created, updated, values }) => {
                Some(Indexed { created: *created, updated: *updated, values })
            }
            None if self.is_active() => {
                Some(Indexed { created: self.created, updated: self.updated, values: &self.values })
            }
            None => None,
        }
    }

    /// Keeps the present state for the index, before a change. An older kept state stays: the index has not seen this one.
    pub(crate) fn freeze(&mut self) {
        if self.stale.is_some() {
            return;
        }
        self.stale = Some(Box::new(if self.is_active() {
            Stale::Held { created: self.created, updated: self.updated, values: self.values.clone() }
        } else {
            Stale::Absent
        }));
    }

    /// Replaces values and remembers the versions, including the one a first change overwrites.
    pub(crate) fn write(&mut self, changes: &[(PropertyId, Vec<u8>)], at: Millis, source: Source) {
        for (property, value) in changes {
            let known = self.past.iter().any(|v| v.property == *property);
            let first = if known { None } else { self.values.get(*property).map(Box::from) };
            let past = &mut self.past;
            if let Some(value) = first {
                past.push(Version { property: *property, value, at: self.created, source: self.origin });
            }
            past.push(Version { property: *property, value: value.as_slice().into(), at, source });
        }
        self.values = self.values.with(changes);
    }

    /// The versions of a property, newest first. A property that never changed has one: its value since creation.
    pub(crate) fn history(&self, property: PropertyId, depth: usize) -> Vec<Version> {
        let mut versions: Vec<Version> = self.past.iter().filter(|v| v.property == property).cloned().collect();
        versions.reverse();
        if versions.is_empty()
            && let Some(value) = self.values.get(property)
        {
            versions.push(Version { property, value: value.into(), at: self.created, source: self.origin });
        }
        versions.truncate(depth);
        versions
    }
}
