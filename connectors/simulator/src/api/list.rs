//! Listing a type in id order, and reading one record.

use crate::api::records::{Projection, write_paging};
use crate::faults::FaultKind;
use crate::json::Json;
use crate::object_types::TypeIndex;
use crate::portal::{Answer, Call, Portal};
use crate::problem::Problem;
use crate::record::Life;
use crate::routes::{Parsed, decode_part};
use crate::switches::{ListAfter, OverLimit};

/// The largest page with property history.
pub(crate) const HISTORY_PAGE: usize = 50;
/// What makes a number the word that an answer gave.
const TOKEN: &str = "page_";

impl Portal {
    /// `GET …/{type}`: ascending ids from `after` on; `after` is a lower bound, not necessarily an id that exists.
    pub(crate) fn list(&mut self, call: &Call<'_>, asked: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let shape = self.shape(kind, &call.parsed);
        let limit = self.list_limit(&call.parsed)?;
        if shape.has_history() && limit > HISTORY_PAGE {
            return Err(history_page(limit));
        }
        let limit = limit.min(self.settings.switches.records_page.max(1));
        let after = self.list_start(&call.parsed)?;
        let archived = call.parsed.flag("archived");
        let store = &self.stores[kind];
        let by_offset = self.settings.switches.list_after == ListAfter::Offset;
        let (from, skipped) = if by_offset { (0, usize::try_from(after).unwrap_or(usize::MAX)) } else { (after, 0) };
        let mut rows = store
            .records
            .range(from..)
            .filter(|(_, r)| if archived { matches!(r.life, Life::Archived(_)) } else { r.is_active() })
            .skip(skipped);
        let mut page: Vec<_> = rows.by_ref().take(limit).collect();
        let more = rows.next().is_some();
        let last = page.last().map(|(id, _)| **id);
        if call.spoil == Some(FaultKind::Duplicate)
            && let Some(row) = page.first().copied()
        {
            page.push(row);
        }
        let mut j = Json::with_capacity(600 * page.len() + 200);
        j.raw("{\"results\":[");
        for (n, (id, record)) in page.iter().enumerate() {
            j.raw(if n > 0 { "," } else { "" });
            self.write_record(&mut j, kind, **id, record, &shape);
        }
        j.raw("]");
        if let (true, Some(last)) = (more, last) {
            let next = match self.settings.switches.list_after {
                ListAfter::Id => (last + 1).to_string(),
                ListAfter::Offset => after.saturating_add(limit as u64).to_string(),
                ListAfter::Token => format!("{TOKEN}{}", last + 1),
            };
            write_paging(&mut j, &next, asked);
        }
        j.raw("}");
        Ok(Answer::ok(j.out))
    }

    /// Where the page begins: an id, or a number of records.
    fn list_start(&self, parsed: &Parsed<'_>) -> Result<u64, Problem> {
        let given = parsed.param("after").unwrap_or_default();
        if given.is_empty() {
            return Ok(0);
        }
        let token = self.settings.switches.list_after == ListAfter::Token;
        let number = if token { given.strip_prefix(TOKEN) } else { Some(given) };
        number
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Problem::invalid(format!("Invalid value for 'after': {given}")))
    }

    fn list_limit(&self, parsed: &Parsed<'_>) -> Result<usize, Problem> {
        const MAX: usize = 100;
        match self.settings.switches.over_limit {
            OverLimit::Reject => parsed.limit(10, MAX),
            OverLimit::Clamp => parsed.limit(10, usize::MAX).map(|n| n.min(MAX)),
        }
    }

    /// What the query of a list or read asks to be shown.
    fn shape(&self, kind: TypeIndex, parsed: &Parsed<'_>) -> Projection {
        let properties = parsed.list("properties");
        let history = parsed.list("propertiesWithHistory");
        let mut shape = self.projection(kind, properties.as_deref(), history.as_deref(), parsed.family);
        for name in parsed.list("associations").unwrap_or_default() {
            // Unknown types are ignored, as unknown properties are.
            if let Ok(to) = self.kind(name)
                && !shape.associations.contains(&to)
            {
                shape.associations.push(to);
            }
        }
        shape
    }

    /// `GET …/{type}/{id}`: a merged-away id answers with its survivor, under the survivor's id.
    pub(crate) fn read(&mut self, call: &Call<'_>, asked: &str, id: &str) -> Result<Answer, Problem> {
        let kind = self.kind(asked)?;
        let given = decode_part(id);
        let archived = call.parsed.flag("archived");
        let id = match call.parsed.param("idProperty") {
            None | Some("hs_object_id") => given.parse::<u64>().map_err(|_| Problem::not_numeric(&given))?,
            Some(key) => self.by_key(kind, key, &given)?.ok_or_else(Problem::not_found)?,
        };
        let store = &self.stores[kind];
        let survivor = store.survivor(id).ok_or_else(Problem::not_found)?;
        let record = store.records.get(&survivor).ok_or_else(Problem::not_found)?;
        let fits = match record.life {
            Life::Active => !archived,
            Life::Archived(_) => archived,
            Life::Merged(_) | Life::Purged => false,
        };
        if !fits {
            return Err(Problem::not_found());
        }
        let shape = self.shape(kind, &call.parsed);
        let mut j = Json::with_capacity(1_000);
        self.write_record(&mut j, kind, survivor, record, &shape);
        Ok(Answer::ok(j.out))
    }

    /// The active record with this value of a unique property; a refusal when the property is not one.
    pub(crate) fn by_key(&self, kind: TypeIndex, key: &str, value: &str) -> Result<Option<u64>, Problem> {
        let store = &self.stores[kind];
        let property = store.catalogue.readable(key, true).filter(|id| store.is_key(*id)).ok_or_else(|| {
            Problem::invalid(format!("Property {key} is not a unique identifier property of {}", self.types[kind].name))
        })?;
        Ok(store.holder(property, value))
    }
}

/// The refusal of a page too large for history.
pub(crate) fn history_page(asked: usize) -> Problem {
    Problem::invalid(format!("The maximum page size with propertiesWithHistory is {HISTORY_PAGE}, got {asked}"))
}
