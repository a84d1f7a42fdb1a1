//! How the list of a backfill is divided: one cursor, or several over ranges of ids, by lists, by searches or by both.
//!
//! One cursor waits for each answer before it asks again, so that it gets a page for every round trip, however many an
//! account would give. Dividing costs a few calls: a short list is not worth them.

use crate::remote::Pace;
use std::fmt;
use std::time::Duration;

/// About how many records a page of a list has.
const PAGE: f64 = 100.0;
/// So many cursors over lists have their ranges before the first search takes its own.
const LISTS_FIRST: u32 = 5;

/// By which calls a backfill reads records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Via {
    /// By both, where that pays.
    #[default]
    Auto,
    /// By lists alone.
    List,
    /// By searches alone, where the properties fit into one.
    Search,
}

/// How a backfill is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// By which calls.
    pub via: Via,
    /// From how many records on a list is walked in ranges.
    pub worth_dividing: u64,
    /// A range is cut only where both parts hold about this many records.
    pub smallest_range: u64,
    /// How many cursors over lists one object type has at most: as many as answers on their way use the limit up.
    pub list_cursors: u32,
    /// How many cursors over searches one object type has at most.
    pub search_cursors: u32,
    /// Searches help where they save at least this much: what they do not see yet is looked for again later.
    pub worth_searching: Duration,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            via: Via::Auto,
            worth_dividing: 5_000,
            smallest_range: 100,
            list_cursors: 16,
            search_cursors: 2,
            worth_searching: Duration::from_secs(1),
        }
    }
}

/// How one list will be walked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Cursors over lists; together with those over searches none means one cursor over the whole list.
    pub(super) list: u32,
    /// Cursors over searches.
    pub(super) search: u32,
    pub(super) why: String,
}

/// One of those that walk ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) by_search: bool,
    /// How many of its kind come before it.
    pub(super) place: u32,
    /// How many of its kind there are at most.
    pub(super) most: u32,
}

impl Way {
    /// The n-th cursor. Ranges are cut one after the other, by searches: those that search wait until lists have enough.
    pub(super) fn cursor(&self, n: u32) -> Cursor {
        let first = self.list.min(LISTS_FIRST);
        let by_search = (first..first + self.search).contains(&n);
        let (place, most) = match by_search {
            true => (n - first, self.search),
            false if n < first => (n, self.list),
            false => (n - self.search, self.list),
        };
        Cursor { by_search, place, most }
    }

    pub(super) fn is_divided(&self) -> bool {
        self.list + self.search > 0
    }

    fn one_cursor(why: String) -> Self {
        Self { list: 0, search: 0, why }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.list, self.search) {
            (0, 0) => write!(formatter, "one cursor over the list: {}", self.why),
            (_, 0) => write!(formatter, "ranges of ids by lists: {}", self.why),
            (0, _) => write!(formatter, "ranges of ids by searches: {}", self.why),
            _ => write!(formatter, "ranges of ids by lists and searches: {}", self.why),
        }
    }
}

impl Lanes {
    /// How to walk a list of about `total` records that nobody has begun to walk.
    pub(super) fn choose(&self, total: Option<u64>, pace: Pace) -> Way {
        let Some(total) = total else {
            return Way::one_cursor("nobody knows how long it is".to_owned());
        };
        let by_search = self.via == Via::Search && pace.searched.is_some();
        if total < self.worth_dividing && !by_search {
            return Way::one_cursor(format!("{total} records are too few to divide"));
        }
        self.divided(total, pace)
    }

    /// How to go on with the ranges of a list, of which about `total` records are left.
    pub(super) fn divided(&self, total: u64, pace: Pace) -> Way {
        // A count of records is exact in a float.
        let seconds = |rate: f64| if rate > 0.0 { total as f64 / rate } else { f64::INFINITY };
        let list = u32::try_from(total / self.smallest_range.max(1)).unwrap_or(u32::MAX);
        let list = list.clamp(1, self.list_cursors.max(1));
        let alone = seconds(pace.listed);
        let both = pace.searched.map(|searched| seconds(pace.listed + searched));
        let search = self.search_cursors.max(1);
        match (self.via, both) {
            (Via::Search, Some(_)) => Way { list: 0, search, why: "so it was asked for".to_owned() },
            (Via::List, _) => Way { list, search: 0, why: format!("{total} records, at best in {alone:.0} s") },
            (_, None) => Way {
                list,
                search: 0,
                why: format!("{total} records, at best in {alone:.0} s; a search has no room for the properties"),
            },
            (Via::Auto, Some(both)) if alone - both >= self.worth_searching.as_secs_f64() => {
                Way { list, search, why: format!("{total} records, at best in {both:.0} s instead of {alone:.0} s") }
            }
            (Via::Auto, Some(both)) => Way {
                list,
                search: 0,
                why: format!("{total} records, at best in {alone:.0} s; searches would make that {both:.0} s"),
            },
        }
    }
}

impl Way {
    /// The way with no more cursors over lists than the account's pace has work for, when an answer takes this long:
    /// a range more is a cut and a boundary more.
    pub(super) fn fitted(self, pace: Pace, answer: Duration) -> Self {
        let under_way = pace.listed / PAGE * answer.as_secs_f64();
        // Half of them more, as answers are not evenly late, and one that is between two ranges.
        let enough = (under_way * 1.5).ceil().clamp(0.0, f64::from(u16::MAX)) as u32 + 1;
        Self { list: self.list.min(enough), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lanes, Via};
    use crate::remote::Pace;
    use std::time::Duration;

    const FITS: Pace = Pace { listed: 1_900.0, searched: Some(960.0) };
    const LONG: Pace = Pace { listed: 1_900.0, searched: None };

    fn way(via: Via, total: Option<u64>, pace: Pace) -> (u32, u32) {
        let way = Lanes { via, ..Lanes::default() }.choose(total, pace);
        (way.list, way.search)
    }

    #[test]
    fn a_short_list_or_one_of_unknown_length_has_one_cursor() {
        for via in [Via::Auto, Via::List] {
            assert_eq!(way(via, Some(4_999), FITS), (0, 0));
            assert_eq!(way(via, None, FITS), (0, 0));
        }
    }

    #[test]
    fn searches_help_where_they_save_seconds_and_the_properties_fit() {
        assert_eq!(way(Via::Auto, Some(100_000), FITS), (16, 2));
        assert_eq!(way(Via::Auto, Some(100_000), LONG), (16, 0));
        assert_eq!(way(Via::Auto, Some(5_000), FITS), (16, 0));
        assert_eq!(way(Via::List, Some(100_000), FITS), (16, 0));
    }

    #[test]
    fn searches_alone_are_used_only_when_asked_for_and_the_properties_fit() {
        assert_eq!(way(Via::Search, Some(100), FITS), (0, 2));
        assert_eq!(way(Via::Search, Some(100_000), FITS), (0, 2));
        assert_eq!(way(Via::Search, Some(100_000), LONG), (16, 0));
        assert_eq!(way(Via::Search, Some(100), LONG), (0, 0));
    }

    #[test]
    fn there_are_as_many_cursors_as_answers_on_their_way_use_the_limit_up() {
        let cursors = |millis| {
            let way = Lanes::default().choose(Some(100_000), LONG);
            way.fitted(LONG, Duration::from_millis(millis)).list
        };
        assert_eq!([0, 50, 250, 500, 2_000].map(cursors), [1, 3, 9, 16, 16]);
    }

    #[test]
    fn the_reason_is_a_sentence_with_numbers() {
        let way = Lanes::default().choose(Some(100_000), FITS);
        let told = "ranges of ids by lists and searches: 100000 records, at best in 35 s instead of 53 s";
        assert_eq!(way.to_string(), told);
        let few = Lanes::default().choose(Some(12), LONG);
        assert_eq!(few.to_string(), "one cursor over the list: 12 records are too few to divide");
    }
}
