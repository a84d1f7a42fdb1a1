//! How much a push of one object type would change, and which belt holds it back. No I/O.

use super::PushSettings;
use crate::error::RunError;
use crate::plan::changes::{Operation, RowPlan};
use crate::store::{LinkChange, Pair};
use std::collections::BTreeMap;

/// Half of a column's values cleared at once look like a mistake.
const CLEARED_SHARE: u64 = 2;

/// How much a push would change.
#[derive(Debug, Default)]
pub(super) struct Extent {
    updates: u64,
    archives: u64,
    /// By column: how many values were cleared.
    cleared: BTreeMap<String, u64>,
}

/// Why belts hold an object type back, and what lets it through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// What there is too much of, one after another.
    why: Vec<String>,
    /// How many updates a person has to allow.
    updates: Option<u64>,
    /// How many archives.
    archives: Option<u64>,
}

impl HeldBack {
    /// So many updates are too many, which is told in words.
    pub(super) fn updates(why: String, count: u64) -> Self {
        Self { why: vec![why], updates: Some(count), archives: None }
    }

    /// What there is too much of, and what becomes of it.
    pub fn what(&self) -> String {
        format!("{}, so nothing is sent", self.why.join("; "))
    }

    /// What a person passes to `--allow`.
    pub fn allow(&self) -> String {
        let number = |name: &str, count: Option<u64>| count.map(|count| format!("{name}={count}"));
        let numbers = [number("updates", self.updates), number("archives", self.archives)];
        numbers.into_iter().flatten().collect::<Vec<_>>().join(",")
    }

    /// Both: who lets one through lets the other through as well.
    pub(super) fn and(&mut self, other: Self) {
        self.why.extend(other.why);
        self.updates = self.updates.max(other.updates);
        self.archives = self.archives.max(other.archives);
    }
}

impl Extent {
    /// Counts what is due of a row.
    pub(super) fn add(&mut self, plan: &RowPlan) {
        self.archives += u64::from(plan.archives());
        if let Some(change) = plan.change.as_ref().filter(|change| change.operation == Operation::Update) {
            self.updates += 1;
            for field in change.fields.iter().filter(|field| field.local.is_none()) {
                *self.cleared.entry(field.column.clone()).or_default() += 1;
            }
        }
    }

    /// The columns of which values were cleared.
    pub(super) fn cleared_columns(&self) -> Vec<String> {
        self.cleared.keys().cloned().collect()
    }

    /// The belts that hold the object type back, whose table has so many rows, and so many values in columns that were
    /// cleared here or there. All of them at once: a person lets everything through, or nothing.
    pub(super) fn held_back(
        &self,
        object: &str,
        rows: u64,
        filled: &BTreeMap<String, u64>,
        settings: &PushSettings,
    ) -> Option<HeldBack> {
        let mut held = HeldBack::default();
        let most = settings.max_updates.limit(rows, settings.allow_updates);
        let many = self.updates > most;
        if many {
            held.why.push(format!("{} {object} were edited and {most} may be updated at once", self.updates));
        }
        let cleared = match settings.allow_updates.is_some_and(|allowed| allowed >= self.updates) {
            true => Vec::new(),
            false => self.cleared_by_mistake(object, filled, settings),
        };
        if many || !cleared.is_empty() {
            held.updates = Some(self.updates);
        }
        held.why.extend(cleared);
        let most = settings.max_archives.limit(rows, settings.allow_archives);
        if self.archives > most {
            held.why.push(format!("{} {object} are to be archived and {most} may be at once", self.archives));
            held.archives = Some(self.archives);
        }
        Some(held).filter(|held| !held.why.is_empty())
    }

    /// The columns of which so many values were cleared that it looks like a mistake, each in words.
    fn cleared_by_mistake(&self, object: &str, filled: &BTreeMap<String, u64>, settings: &PushSettings) -> Vec<String> {
        let told = self.cleared.iter().filter_map(|(column, cleared)| {
            let before = filled.get(column).copied().unwrap_or(0) + cleared;
            let many = *cleared > settings.max_updates.at_least && cleared * CLEARED_SHARE > before;
            many.then(|| format!("{cleared} of {before} values of {object}.{column} were cleared"))
        });
        told.collect()
    }
}

/// How many pairs of records lose labels, by the object types at their ends.
pub(super) fn losing(changes: &[LinkChange]) -> BTreeMap<Pair, u64> {
    let mut losing = BTreeMap::new();
    for change in changes.iter().filter(|change| loses(change)) {
        *losing.entry(change.pair.clone()).or_default() += 1;
    }
    losing
}

/// Whether a pair of records loses a label.
pub(super) fn loses(change: &LinkChange) -> bool {
    !change.base.is_subset(&change.local)
}

impl From<HeldBack> for RunError {
    fn from(held: HeldBack) -> Self {
        Self::Belt(format!("{}; look at `crmsync plan`, then pass --allow {}", held.what(), held.allow()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, HeldBack};
    use crate::plan::belts::Belt;
    use crate::push::PushSettings;
    use std::collections::BTreeMap;

    fn settings(allow_updates: Option<u64>) -> PushSettings {
        let belt = Belt { percent: 0.0, at_least: 3 };
        PushSettings { max_updates: belt, max_archives: belt, allow_updates, ..PushSettings::default() }
    }

    fn allow(held: Option<HeldBack>) -> Option<String> {
        held.map(|held| held.allow())
    }

    #[test]
    fn p25_what_a_belt_holds_back_is_let_through_by_the_number_that_it_names() {
        let extent = |updates, archives| Extent { updates, archives, ..Extent::default() };
        let told = |extent: Extent, allowed| allow(extent.held_back("deals", 9, &BTreeMap::new(), &settings(allowed)));
        assert_eq!(told(extent(3, 3), None), None);
        assert_eq!(told(extent(4, 3), None), Some("updates=4".to_owned()));
        assert_eq!(told(extent(4, 3), Some(4)), None);
        assert_eq!(told(extent(4, 5), Some(4)), Some("archives=5".to_owned()));
        assert_eq!(told(extent(4, 5), None), Some("updates=4,archives=5".to_owned()), "all that it takes, at once");
    }

    #[test]
    fn p26_a_column_of_which_more_than_half_was_cleared_holds_back_and_a_person_lets_it_through() {
        let cleared = |count| BTreeMap::from([("city".to_owned(), count)]);
        let told = |count, left, allowed| {
            let extent = Extent { updates: 3, cleared: cleared(count), ..Extent::default() };
            allow(extent.held_back("deals", 9, &cleared(left), &settings(allowed)))
        };
        assert_eq!(told(4, 4, None), None, "half of them");
        assert_eq!(told(4, 3, None), Some("updates=3".to_owned()));
        assert_eq!(told(3, 0, None), None, "so few that it is no mistake");
        assert_eq!(told(4, 3, Some(2)), Some("updates=3".to_owned()), "another number than the one that was named");
        assert_eq!(told(4, 3, Some(3)), None);
    }
}
