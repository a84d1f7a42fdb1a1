//! `POST …/{type}/search`: match on the index, count in the index, answer with what is live.
//!
//! A row whose record has been archived, merged or erased meanwhile is counted and left out: a page may be short, or empty,
//! and still have a next one.

use crate::api::records::Projection;
use crate::faults::FaultKind;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::search::{Bounds, Query, Sort, SortKey, bounds, matches, parse};

impl Portal {
    pub(crate) fn search(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let mut query = self.parse_search(call, kind)?;
        query.limit = query.limit.min(self.settings.switches.records_page.max(1));
        let found = self.matching(kind, &query);
        let total = found.len();
        let mut page = self.page(kind, &query, found);
        page.retain(|id| self.is_active(kind, *id));
        match call.spoil {
            Some(FaultKind::Disorder) => self.dice.order.shuffle(&mut page),
            Some(FaultKind::Vanish) => page.clear(),
            Some(FaultKind::Duplicate) => page.extend(page.first().copied()),
            _ => {}
        }
        let properties: Option<Vec<&str>> = query.properties.as_ref().map(|p| p.iter().map(String::as_str).collect());
        let shape = self.projection(kind, properties.as_deref(), None, call.parsed.family);
        Ok(Answer::ok(self.write_results(kind, &query, total, &page, &shape)))
    }

    fn parse_search(&self, call: &Call<'_>, kind: TypeIndex) -> Result<Query, Problem> {
        let scope = crate::search::Scope {
            store: &self.stores[kind],
            kind,
            types: &self.types,
            links: &self.links,
            sensitive: self.settings.switches.sensitive_scope,
        };
        let bare = self.settings.switches.bare_search_errors;
        parse(call.body, &scope).map_err(|problem| if bare { problem.bare() } else { problem })
    }

    fn write_results(&self, kind: TypeIndex, query: &Query, total: usize, page: &[u64], shape: &Projection) -> Vec<u8> {
        let mut j = Json::with_capacity(600 * page.len() + 100);
        j.raw("{\"total\":").raw(&total.to_string()).raw(",\"results\":[");
        let mut comma = "";
        for id in page {
            if let Some(record) = self.stores[kind].records.get(id) {
                j.raw(comma);
                self.write_record(&mut j, kind, *id, record, shape);
                comma = ",";
            }
        }
        j.raw("]");
        let next = query.after + query.limit;
        if next < total {
            j.raw(",\"paging\":{\"next\":{\"after\":\"").raw(&next.to_string()).raw("\"}}");
        }
        j.raw("}");
        j.out
    }

    /// The ids that match, ascending.
    fn matching(&self, kind: TypeIndex, query: &Query) -> Vec<u64> {
        let store = &self.stores[kind];
        let Bounds { modified, id: ids } = bounds(query);
        if self.settings.switches.search_blind || modified.0 > modified.1 || ids.0 > ids.1 {
            return Vec::new();
        }
        let fits = |id: u64| {
            let view = store.records.get(&id).and_then(crate::record::Record::indexed);
            view.is_some_and(|view| matches(query, kind, store, &self.links, id, view))
        };
        // A narrow window is read off the modified dates; a wide one is cheaper in id order.
        let few = store.records.len() / 8 + 64;
        let window = store.by_modified.range((modified.0, 0)..=(modified.1, u64::MAX));
        let near: Vec<u64> = window.take(few + 1).map(|(_, id)| *id).collect();
        if near.len() <= few {
            let mut found: Vec<u64> = near.into_iter().filter(|id| *id >= ids.0 && *id <= ids.1 && fits(*id)).collect();
            found.sort_unstable();
            return found;
        }
        let all = store.records.range(ids.0..=ids.1);
        all.filter(|(id, record)| {
            record.indexed().is_some_and(|view| matches(query, kind, store, &self.links, **id, view))
        })
        .map(|(id, _)| *id)
        .collect()
    }

    /// The slice of matches that a page shows, in the order asked for.
    fn page(&mut self, kind: TypeIndex, query: &Query, found: Vec<u64>) -> Vec<u64> {
        let store = &self.stores[kind];
        let by_id = match query.sort {
            Sort::By { property, descending } => {
                (store.catalogue.derived(property) == Some(crate::catalogue::Derived::Id)).then_some(descending)
            }
            Sort::Default => None,
        };
        let slice = |ids: &mut dyn Iterator<Item = u64>| ids.skip(query.after).take(query.limit).collect();
        match by_id {
            Some(false) => slice(&mut found.into_iter()),
            Some(true) => slice(&mut found.into_iter().rev()),
            None => {
                let salt = if self.settings.switches.unstable_ties { self.dice.order.u64(..) } else { 0 };
                let mut keyed: Vec<(SortKey, u64, u64)> = found
                    .into_iter()
                    .filter_map(|id| {
                        let view = store.records.get(&id)?.indexed()?;
                        let tie = if salt == 0 { id } else { (id ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) };
                        Some((SortKey::of(query.sort, store, id, view), tie, id))
                    })
                    .collect();
                keyed.sort_by(|a, b| a.0.compare(&b.0, query.sort).then(a.1.cmp(&b.1)));
                slice(&mut keyed.into_iter().map(|(_, _, id)| id))
            }
        }
    }
}
