//! The order of search results. Equal keys come in an order that changes from one search to the next.

use std::cmp::Ordering;

use super::query::Sort;
use crate::catalogue::Derived;
use crate::clock;
use crate::record::Indexed;
use crate::store::Store;

/// What a result is sorted by. Records without the value come last in either direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SortKey {
    Whole(i64),
    Number(f64),
    Text(String),
    Missing,
}

impl SortKey {
    /// The key of a record under a sort.
    pub(crate) fn of(sort: Sort, store: &Store, id: u64, view: Indexed<'_>) -> Self {
        let Sort::By { property, .. } = sort else { return SortKey::Whole(view.created) };
        match store.catalogue.derived(property) {
            Some(Derived::Id) => return SortKey::Whole(id as i64),
            Some(Derived::Created) => return SortKey::Whole(view.created),
            Some(Derived::Modified | Derived::ContactModified) => return SortKey::Whole(view.updated),
            Some(Derived::FullNameOrEmail | Derived::EmailDomain) | None => {}
        }
        let Some(text) = store.text(property, id, view).filter(|text| !text.is_empty()) else {
            return SortKey::Missing;
        };
        match store.catalogue.get(property).kind.as_str() {
            "number" => text.parse().map_or(SortKey::Missing, SortKey::Number),
            "date" | "datetime" => clock::parse(&text).map_or(SortKey::Missing, SortKey::Whole),
            _ => SortKey::Text(text.to_lowercase()),
        }
    }

    /// Compares under a sort's direction.
    pub(crate) fn compare(&self, other: &Self, sort: Sort) -> Ordering {
        let order = match (self, other) {
            (SortKey::Missing, SortKey::Missing) => return Ordering::Equal,
            (SortKey::Missing, _) => return Ordering::Greater,
            (_, SortKey::Missing) => return Ordering::Less,
            (SortKey::Whole(a), SortKey::Whole(b)) => a.cmp(b),
            (SortKey::Number(a), SortKey::Number(b)) => a.total_cmp(b),
            (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        if matches!(sort, Sort::By { descending: true, .. }) { order.reverse() } else { order }
    }
}
