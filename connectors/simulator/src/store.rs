//! The records of one object type, in id order, with the indexes that reading and searching need.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::Millis;
use crate::catalogue::{Catalogue, Derived};
use crate::json::unescape;
use crate::object_types::ObjectType;
use crate::record::{Indexed, Life, Record};
use crate::value::{Packed, PropertyId};

/// Records of one type.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) object: ObjectType,
    pub(crate) catalogue: Catalogue,
    pub(crate) records: BTreeMap<u64, Record>,
    /// Indexed modified date and id, of every record the index knows.
    pub(crate) by_modified: BTreeSet<(Millis, u64)>,
    /// For each looked-up property: hash of the lower-cased value and id. A hit is verified against the record.
    lookup: HashMap<PropertyId, BTreeSet<(u64, u64)>>,
    ids: IdBlocks,
}

/// Ids are handed out from several blocks at once, so that a younger record may have the smaller id.
#[derive(Debug)]
struct IdBlocks {
    next: Vec<u64>,
}

impl IdBlocks {
    fn new(dice: &mut fastrand::Rng) -> Self {
        let mut next: Vec<u64> =
            (0..4).map(|block| (block + 1) * 49_000_000_000 + dice.u64(0..40_000_000_000)).collect();
        dice.shuffle(&mut next);
        IdBlocks { next }
    }

    fn take(&mut self, dice: &mut fastrand::Rng) -> u64 {
        let block = dice.usize(0..self.next.len());
        let id = self.next[block];
        self.next[block] += 1 + dice.u64(0..97);
        id
    }
}

impl Store {
    pub(crate) fn new(object: ObjectType, born: Millis, dice: &mut fastrand::Rng) -> Self {
        let catalogue = Catalogue::shipped(&object, born);
        let mut store = Store {
            object,
            catalogue,
            records: BTreeMap::new(),
            by_modified: BTreeSet::new(),
            lookup: HashMap::new(),
            ids: IdBlocks::new(dice),
        };
        match store.object.name.as_str() {
            "contacts" => store.look_up_by("email"),
            "companies" => store.look_up_by("domain"),
            _ => {}
        }
        store
    }

    /// Makes a property searchable by exact value.
    pub(crate) fn look_up_by(&mut self, property: &str) {
        if let Some(id) = self.catalogue.find(property) {
            let active = self.records.iter().filter(|(_, r)| r.is_active());
            let held = active.filter_map(|(record_id, r)| Some((r.values.get(id)?, *record_id)));
            let index = held.filter(|(value, _)| !value.is_empty()).map(|(value, record_id)| (fold(value), record_id));
            self.lookup.insert(id, index.collect());
        }
    }

    pub(crate) fn new_id(&mut self, dice: &mut fastrand::Rng) -> u64 {
        loop {
            let id = self.ids.take(dice);
            if !self.records.contains_key(&id) {
                return id;
            }
        }
    }

    /// Loads the records a portal begins with, all of them known to the index.
    pub(crate) fn load(&mut self, mut records: Vec<(u64, Record)>) {
        records.sort_unstable_by_key(|(id, _)| *id);
        let mut modified: Vec<(Millis, u64)> =
            records.iter().filter(|(_, r)| r.is_active()).map(|(id, r)| (r.updated, *id)).collect();
        modified.sort_unstable();
        self.by_modified = modified.into_iter().collect();
        self.records = records.into_iter().collect();
        let keys: Vec<String> = self.lookup.keys().map(|id| self.catalogue.get(*id).name.clone()).collect();
        for key in keys {
            self.look_up_by(&key);
        }
    }

    /// Tells the exact-value index about an active record's present values.
    pub(crate) fn note_values(&mut self, id: u64) {
        let Some(record) = self.records.get(&id).filter(|r| r.is_active()) else { return };
        let more = self.catalogue.find("hs_additional_emails").and_then(|p| record.values.get(p));
        for (property, index) in &mut self.lookup {
            if let Some(value) = record.values.get(*property).filter(|v| !v.is_empty()) {
                index.insert((fold(value), id));
            }
            // A contact is found by each of its emails.
            if self.catalogue.get(*property).name == "email" {
                for email in more.iter().flat_map(|all| all.split(|b| *b == b';')).filter(|e| !e.is_empty()) {
                    index.insert((fold(email), id));
                }
            }
        }
    }

    /// The first active record that holds this value of a looked-up property.
    pub(crate) fn holder(&self, property: PropertyId, value: &str) -> Option<u64> {
        let mut escaped = Vec::new();
        crate::json::escape_into(&mut escaped, value);
        self.holders(property, &escaped).next()
    }

    /// The active records that hold a value, in id order.
    fn holders(&self, property: PropertyId, escaped: &[u8]) -> impl Iterator<Item = u64> {
        let hash = fold(escaped);
        let noted =
            self.lookup.get(&property).into_iter().flat_map(move |index| index.range((hash, 0)..=(hash, u64::MAX)));
        noted.map(|(_, id)| *id).filter(move |id| self.holds(*id, property, escaped))
    }

    fn holds(&self, id: u64, property: PropertyId, escaped: &[u8]) -> bool {
        let Some(record) = self.records.get(&id).filter(|r| r.is_active()) else { return false };
        let held = |property| record.values.get(property).unwrap_or_default();
        let more = self.catalogue.find("hs_additional_emails").filter(|_| self.catalogue.get(property).name == "email");
        let mut emails = more.into_iter().flat_map(|more| held(more).split(|b| *b == b';'));
        held(property).eq_ignore_ascii_case(escaped) || emails.any(|e| e.eq_ignore_ascii_case(escaped))
    }

    /// A record's values as `taken` asks for them: each of a contact's emails is one of its own.
    pub(crate) fn keys(&self, record: &Record) -> Vec<(PropertyId, Vec<u8>)> {
        let email = self.catalogue.find("email");
        let more = self.catalogue.find("hs_additional_emails").and_then(|p| record.values.get(p)).unwrap_or_default();
        let more = more.split(|b| *b == b';').filter_map(|value| Some((email?, value)));
        record.values.iter().chain(more).map(|(property, value)| (property, value.to_vec())).collect()
    }

    /// The first of these values that another record already has, where no two may have the same.
    pub(crate) fn taken(
        &self,
        values: &[(PropertyId, Vec<u8>)],
        by_other_than: Option<u64>,
    ) -> Option<(PropertyId, u64)> {
        values.iter().filter(|(property, value)| !value.is_empty() && self.is_key(*property)).find_map(
            |(property, value)| {
                let holder = self.holders(*property, value).find(|id| Some(*id) != by_other_than)?;
                Some((*property, holder))
            },
        )
    }

    /// Whether records can be found by this property's value.
    pub(crate) fn is_key(&self, property: PropertyId) -> bool {
        let p = self.catalogue.get(property);
        (p.unique || p.name == "email" && self.object.name == "contacts") && self.lookup.contains_key(&property)
    }

    /// The record an id stands for today, following merges.
    pub(crate) fn survivor(&self, id: u64) -> Option<u64> {
        let mut at = id;
        // A chain cannot be longer than the number of merges; the bound only guards against a cycle.
        for _ in 0..1_000 {
            match self.records.get(&at)?.life {
                Life::Merged(into) => at = into,
                Life::Active | Life::Archived(_) | Life::Purged => return Some(at),
            }
        }
        None
    }

    /// Brings the index up to the record's present state.
    pub(crate) fn reindex(&mut self, id: u64) {
        let Some(record) = self.records.get_mut(&id) else { return };
        if record.stale.is_none() {
            return;
        }
        if let Some(old) = record.indexed() {
            self.by_modified.remove(&(old.updated, id));
        }
        record.stale = None;
        if let Some(new) = record.indexed() {
            self.by_modified.insert((new.updated, id));
        }
    }

    /// A value as text, whether stored or computed. `None`: never set.
    pub(crate) fn text(&self, property: PropertyId, id: u64, view: Indexed<'_>) -> Option<String> {
        match self.catalogue.derived(property) {
            Some(derived) => self.derived(derived, id, view),
            None => {
                let stored = view.values.get(property)?;
                Some(unescape(stored).unwrap_or_else(|| String::from_utf8_lossy(stored).into_owned()))
            }
        }
    }

    /// A computed value as text.
    pub(crate) fn derived(&self, derived: Derived, id: u64, view: Indexed<'_>) -> Option<String> {
        let stored = |name: &str| -> String {
            let value = self.catalogue.find(name).and_then(|p| view.values.get(p)).unwrap_or_default();
            unescape(value).unwrap_or_default()
        };
        match derived {
            Derived::Id => Some(id.to_string()),
            Derived::Created => Some(crate::clock::iso(view.created)),
            Derived::Modified | Derived::ContactModified => Some(crate::clock::iso(view.updated)),
            Derived::FullNameOrEmail => {
                let full = format!("{} {}", stored("firstname"), stored("lastname")).trim().to_owned();
                Some(if full.is_empty() { stored("email") } else { full }).filter(|text| !text.is_empty())
            }
            Derived::EmailDomain => stored("email").split_once('@').map(|(_, domain)| domain.to_owned()),
        }
    }

    /// A record's live state in the shape the index uses.
    pub(crate) fn live(record: &Record) -> Indexed<'_> {
        Indexed { created: record.created, updated: record.updated, values: &record.values }
    }
}

/// An empty value list, for records whose values were erased.
pub(crate) fn nothing() -> Packed {
    Packed::default()
}

fn fold(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for byte in value {
        byte.to_ascii_lowercase().hash(&mut hasher);
    }
    hasher.finish()
}
