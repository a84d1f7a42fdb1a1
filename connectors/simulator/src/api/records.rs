//! Records as JSON text: which properties an answer carries, and how a record is written into a page.

use crate::catalogue::Derived;
use crate::clock::write_iso;
use crate::json::{Json, escape_into};
use crate::object_types::TypeIndex;
use crate::portal::Portal;
use crate::record::{Life, Record};
use crate::routes::Family;
use crate::store::Store;
use crate::switches::Cleared;
use crate::value::PropertyId;

/// Which properties to write, worked out once for a page.
pub(crate) struct Projection {
    /// Name and number, in the order of names, as HubSpot sorts them.
    columns: Vec<(String, PropertyId)>,
    /// For each property number, its column; `NONE` when not asked for.
    column_of: Vec<u16>,
    /// Properties whose versions are asked for.
    history: Vec<(String, PropertyId)>,
    depth: usize,
    cleared: Cleared,
    /// Beginning of each record's `url`, for answers that carry one.
    url: Option<String>,
    /// Types to show inline associations for.
    pub(crate) associations: Vec<TypeIndex>,
}

const NONE: u16 = u16::MAX;

impl Projection {
    /// How many properties' histories are asked for.
    pub(crate) fn has_history(&self) -> bool {
        !self.history.is_empty()
    }
}

impl Portal {
    /// The properties a read returns: those asked for that exist, or the defaults, and always id and dates.
    pub(crate) fn projection(
        &self,
        kind: TypeIndex,
        asked: Option<&[&str]>,
        history: Option<&[&str]>,
        family: Family,
    ) -> Projection {
        let store = &self.stores[kind];
        let sensitive = self.settings.switches.sensitive_scope;
        let find = |name: &str| store.catalogue.readable(name, sensitive).map(|id| (name.to_owned(), id));
        let dates = store.object.dates;
        let always = ["hs_object_id", dates.created(), dates.modified()];
        let mut columns: Vec<(String, PropertyId)> = always.iter().filter_map(|name| find(name)).collect();
        columns.extend(asked.unwrap_or(store.object.defaults).iter().filter_map(|name| find(name)));
        let history: Vec<_> = history.unwrap_or_default().iter().filter_map(|name| find(name)).collect();
        columns.extend(history.iter().cloned());
        columns.sort();
        columns.dedup();
        let mut column_of = vec![NONE; store.catalogue.len()];
        for (n, (_, id)) in columns.iter().enumerate() {
            column_of[*id as usize] = n as u16;
        }
        let switches = &self.settings.switches;
        let contacts = store.object.name == "contacts";
        let depth = if contacts { switches.contact_history_depth } else { switches.history_depth };
        let url = (family == Family::Dated).then(|| {
            format!("https://app.hubspot.com/contacts/{}/record/{}/", self.settings.portal_id, store.object.id)
        });
        Projection { columns, column_of, history, depth, cleared: switches.cleared, url, associations: Vec::new() }
    }

    /// Writes one record.
    pub(crate) fn write_record(&self, j: &mut Json, kind: TypeIndex, id: u64, record: &Record, shape: &Projection) {
        let store = &self.stores[kind];
        j.raw("{\"id\":\"").raw(&id.to_string()).raw("\",\"properties\":{");
        write_properties(j, store, id, record, shape);
        j.raw("}");
        if shape.has_history() {
            write_history(j, store, record, shape);
        }
        j.raw(",\"createdAt\":").time(record.created).raw(",\"updatedAt\":").time(record.updated);
        match record.life {
            Life::Archived(at) => {
                j.raw(",\"archived\":true,\"archivedAt\":").time(at);
            }
            Life::Active | Life::Merged(_) | Life::Purged => {
                j.raw(",\"archived\":false");
            }
        }
        if !shape.associations.is_empty() {
            self.write_inline_associations(j, kind, id, shape);
        }
        if let Some(url) = &shape.url {
            j.raw(",\"url\":\"").raw(url).raw(&id.to_string()).raw("\"");
        }
        j.raw("}");
    }

    /// The older, inline form: one entry for each record and type, without ids of types or the owner's labels.
    fn write_inline_associations(&self, j: &mut Json, kind: TypeIndex, id: u64, shape: &Projection) {
        const PAGE: usize = 100;
        let mut first = true;
        for to in &shape.associations {
            let others = self.visible_neighbours(kind, id, *to, 0);
            if others.is_empty() {
                continue;
            }
            j.raw(if first { ",\"associations\":{" } else { "," });
            first = false;
            j.key(&self.types[*to].association_key()).raw("{\"results\":[");
            let two = self.links.primary(kind, *to).is_some();
            let name = format!("{}_to_{}", self.types[kind].singular, self.types[*to].singular);
            let mut comma = "";
            for other in others.iter().take(PAGE) {
                let marks = self.links.marks(kind, id, *to, *other);
                if two && marks.iter().any(|m| m.role == crate::association_types::Role::Primary) {
                    j.raw(comma).raw(&format!("{{\"id\":\"{other}\",\"type\":\"{name}\"}}"));
                    comma = ",";
                }
                let suffix = if two { "_unlabeled" } else { "" };
                j.raw(comma).raw(&format!("{{\"id\":\"{other}\",\"type\":\"{name}{suffix}\"}}"));
                comma = ",";
            }
            j.raw("]");
            if let Some(next) = others.get(PAGE) {
                j.raw(&format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\",\"link\":"));
                j.string("https://api.hubspot.com/crm/objects/v3/").raw("}}");
            }
            j.raw("}");
        }
        if !first {
            j.raw("}");
        }
    }
}

fn write_properties(j: &mut Json, store: &Store, id: u64, record: &Record, shape: &Projection) {
    let mut found: Vec<Option<&[u8]>> = vec![None; shape.columns.len()];
    for (property, value) in record.values.iter() {
        if let Some(column) = shape.column_of.get(property as usize).filter(|c| **c != NONE) {
            found[*column as usize] = Some(value);
        }
    }
    for (n, (name, property)) in shape.columns.iter().enumerate() {
        j.raw(if n > 0 { ",\"" } else { "\"" }).raw(name).raw("\":");
        match (store.catalogue.derived(*property), found[n]) {
            (Some(derived), _) => write_derived(j, store, derived, id, record),
            (None, Some(b"")) if shape.cleared == Cleared::Null => {
                j.raw("null");
            }
            (None, Some(value)) => {
                j.escaped(value);
            }
            (None, None) => {
                j.raw("null");
            }
        }
    }
}

fn write_derived(j: &mut Json, store: &Store, derived: Derived, id: u64, record: &Record) {
    match derived {
        Derived::Id => {
            j.raw("\"").raw(&id.to_string()).raw("\"");
        }
        Derived::Created => {
            j.time(record.created);
        }
        Derived::Modified | Derived::ContactModified => {
            j.time(record.updated);
        }
        Derived::FullNameOrEmail | Derived::EmailDomain => {
            j.optional(store.derived(derived, id, Store::live(record)).as_deref());
        }
    }
}

fn write_history(j: &mut Json, store: &Store, record: &Record, shape: &Projection) {
    j.raw(",\"propertiesWithHistory\":{");
    for (n, (name, property)) in shape.history.iter().enumerate() {
        j.raw(if n > 0 { "," } else { "" }).key(name).raw("[");
        if let Some(derived) = store.catalogue.derived(*property) {
            // Computed values have no past worth the name: the present one, since the last change.
            if let Some(text) = store.derived(derived, 0, Store::live(record)).filter(|_| derived != Derived::Id) {
                j.raw("{\"value\":").string(&text).raw(",\"timestamp\":").time(record.updated);
                j.raw(",\"sourceType\":\"CALCULATED\"}");
            }
        }
        for (m, version) in record.history(*property, shape.depth).iter().enumerate() {
            j.raw(if m > 0 { ",{\"value\":" } else { "{\"value\":" }).escaped(&version.value);
            j.raw(",\"timestamp\":").time(version.at);
            j.raw(",\"sourceType\":").string(version.source.as_str());
            if let Some(id) = version.source.id() {
                j.raw(",\"sourceId\":").string(id);
            }
            if let Some(user) = version.source.user() {
                j.raw(",\"updatedByUserId\":").number(user);
            }
            j.raw("}");
        }
        j.raw("]");
    }
    j.raw("}");
}

/// `,"paging":{"next":{"after":…,"link":…}}`. The link names another host and a path that does not exist, as documented
/// examples do: a client must build its own.
pub(crate) fn write_paging(j: &mut Json, after: &str, kind: &str) {
    j.raw(",\"paging\":{\"next\":{\"after\":").string(after).raw(",\"link\":");
    j.raw("\"https://api.hubspot.com/crm/objects/v3/");
    escape_into(&mut j.out, kind);
    j.raw("?limit=1&after=");
    escape_into(&mut j.out, after);
    j.raw("\"}}");
}

/// `"startedAt":…,"completedAt":…` of a batch.
pub(crate) fn write_batch_times(j: &mut Json, now: crate::Millis) {
    j.raw(",\"startedAt\":\"");
    write_iso(&mut j.out, now);
    j.raw("\",\"completedAt\":\"");
    write_iso(&mut j.out, now + 41);
    j.raw("\"}");
}
