//! What is really in the portal, for the oracle of a test: no call, no limit, no index, no fault.

use std::collections::BTreeMap;

use crate::exchange::Millis;
use crate::links::Category;
use crate::object_types::resolve;
use crate::portal::Portal;
use crate::record::{Life, Record};
use crate::store::Store;
use crate::value::Value;

/// A record as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// Its id.
    pub id: u64,
    /// Every value that was ever set, with the computed ones; a cleared one is the empty string.
    pub properties: BTreeMap<String, Value>,
    /// Creation.
    pub created_at: Millis,
    /// Modified date.
    pub updated_at: Millis,
    /// Since when it is in the recycling bin.
    pub archived_at: Option<Millis>,
    /// The record it was merged into, which may have been merged since.
    pub merged_into: Option<u64>,
    /// Whether it was erased.
    pub purged: bool,
    /// Whether search does not see it as it is yet.
    pub stale: bool,
}

impl RecordView {
    /// Whether it can be read in the ordinary way.
    pub fn is_active(&self) -> bool {
        self.archived_at.is_none() && self.merged_into.is_none() && !self.purged
    }

    /// A value's text; `None` when it was never set or no Rust string can hold it.
    pub fn text(&self, property: &str) -> Option<String> {
        self.properties.get(property)?.text().map(std::borrow::Cow::into_owned)
    }
}

/// An association in one direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The near record.
    pub from_id: u64,
    /// The far record.
    pub to_id: u64,
    /// Who defined the type.
    pub category: Category,
    /// The type's id in this direction.
    pub type_id: u32,
    /// Its label in this direction.
    pub label: Option<String>,
}

impl Portal {
    /// Every record of a type, in id order, whatever has become of it. An unknown type has none.
    pub fn records(&self, object: &str) -> impl Iterator<Item = RecordView> + '_ {
        let store = resolve(&self.types, object).map(|kind| &self.stores[kind]);
        store.into_iter().flat_map(|store| store.records.iter().map(move |(id, record)| view(store, *id, record)))
    }

    /// One record.
    pub fn record(&self, object: &str, id: u64) -> Option<RecordView> {
        let store = &self.stores[resolve(&self.types, object)?];
        store.records.get(&id).map(|record| view(store, id, record))
    }

    /// The ids of the active records of a type, ascending.
    pub fn active_ids(&self, object: &str) -> Vec<u64> {
        let store = resolve(&self.types, object).map(|kind| &self.stores[kind]);
        store.into_iter().flat_map(|s| s.records.iter()).filter(|(_, r)| r.is_active()).map(|(id, _)| *id).collect()
    }

    /// Every association between two types, one row for each type it has, as seen from `from`. Edges with an archived end
    /// are not shown, as the API does not show them.
    pub fn associations(&self, from: &str, to: &str) -> Vec<Edge> {
        let (Some(from), Some(to)) = (resolve(&self.types, from), resolve(&self.types, to)) else { return Vec::new() };
        let mut out = Vec::new();
        for (from_id, to_id) in self.links.edges(from, to) {
            if !self.is_active(from, from_id) || !self.is_active(to, to_id) {
                continue;
            }
            out.extend(self.links.marks(from, from_id, to, to_id).into_iter().map(|facing| Edge {
                from_id,
                to_id,
                category: facing.category,
                type_id: facing.type_id,
                label: facing.label.map(str::to_owned),
            }));
        }
        out
    }

    /// The names of all object types, custom ones by their fully qualified name.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|t| t.name.as_str())
    }

    /// The names of a type's properties that can be read today.
    pub fn property_names(&self, object: &str) -> Vec<String> {
        let store = resolve(&self.types, object).map(|kind| &self.stores[kind]);
        let all = store.into_iter().flat_map(|s| s.catalogue.iter());
        all.filter(|(_, p)| p.archived.is_none()).map(|(_, p)| p.name.clone()).collect()
    }

    /// How many records search does not yet see as they are.
    pub fn stale(&self, object: &str) -> usize {
        let store = resolve(&self.types, object).map(|kind| &self.stores[kind]);
        store.into_iter().flat_map(|s| s.records.values()).filter(|r| r.stale.is_some()).count()
    }
}

fn view(store: &Store, id: u64, record: &Record) -> RecordView {
    let mut properties: BTreeMap<String, Value> = BTreeMap::new();
    if matches!(record.life, Life::Active | Life::Archived(_)) {
        for (property, value) in record.values.iter() {
            properties.insert(store.catalogue.get(property).name.clone(), Value::from_escaped(value));
        }
        for (property, definition) in store.catalogue.iter() {
            if let Some(derived) = store.catalogue.derived(property)
                && let Some(text) = store.derived(derived, id, Store::live(record))
            {
                properties.insert(definition.name.clone(), Value::Text(text));
            }
        }
    }
    RecordView {
        id,
        properties,
        created_at: record.created,
        updated_at: record.updated,
        archived_at: if let Life::Archived(at) = record.life { Some(at) } else { None },
        merged_into: if let Life::Merged(into) = record.life { Some(into) } else { None },
        purged: record.life == Life::Purged,
        stale: record.stale.is_some(),
    }
}
