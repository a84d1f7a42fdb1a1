//! The ranges of ids that are left of a list, and who walks which. No I/O.
//!
//! Together the ranges always cover every id that has not been written. Where nothing is free, the range with the most
//! left is cut in two; nobody relies on how many records a part really holds.

use crate::store::Range;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A range that could not be cut this often is left alone.
const CUTS_MISSED: u32 = 2;

/// What one cursor is to read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: u32,
    pub(super) next: u64,
    pub(super) until: Option<u64>,
}

/// A range worth cutting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cuttable {
    pub(super) place: Place,
    /// How many records the lower part should keep.
    pub(super) rank: u64,
}

/// What a page of a range amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// What stands at this id or above belongs to another range.
    pub(super) until: Option<u64>,
    /// The first id that has not been read.
    pub(super) next: u64,
    /// Whether the range has been read to its end.
    pub(super) done: bool,
}

#[derive(Debug)]
struct Part {
    /// The mirror has everything below.
    written: u64,
    /// Everything below has been read.
    next: u64,
    until: Option<u64>,
    /// How many records are thought to be left.
    left: u64,
    held: bool,
    /// Read to its end, though not yet written.
    read: bool,
    missed: u32,
}

/// The ranges of one list.
#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    smallest: u64,
    /// One cut at a time: the next one sees what the last one made.
    pub(super) cutting: tokio::sync::Mutex<()>,
    over: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    parts: BTreeMap<u32, Part>,
    last_part: u32,
    whole: bool,
}

impl Pool {
    /// These ranges, of each of which at most `left` records are thought to be left; none is cut into parts of less
    /// than `smallest`.
    pub(super) fn new(ranges: &[Range], left: u64, smallest: u64) -> Self {
        let part = |range: &Range| Part {
            written: range.next,
            next: range.next,
            until: range.until,
            left,
            held: false,
            read: false,
            missed: 0,
        };
        let parts: BTreeMap<u32, Part> = ranges.iter().map(|range| (range.part, part(range))).collect();
        let last_part = parts.keys().next_back().copied().unwrap_or(0);
        let state = Mutex::new(State { parts, last_part, whole: false });
        Self { state, smallest: smallest.max(1), cutting: tokio::sync::Mutex::new(()), over: watch::Sender::new(false) }
    }

    /// Notes that nothing is free and nothing can be cut: there never will be.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    /// Waits until there is nothing more to take.
    pub(super) async fn is_over(&self) {
        // Never closed: `self` holds the other end.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// A range that nobody walks; the caller does from now on.
    pub(super) fn take(&self) -> Option<u32> {
        let mut state = self.state();
        let (number, part) = state.parts.iter_mut().find(|(_, part)| !part.held && !part.read)?;
        part.held = true;
        Some(*number)
    }

    /// What is to be read next of a range; `None` when it has been read.
    pub(super) fn place(&self, part: u32) -> Option<Place> {
        let state = self.state();
        let found = state.parts.get(&part).filter(|found| !found.read)?;
        Some(Place { part, next: found.next, until: found.until })
    }

    /// The range with the most left, if that is enough for two.
    pub(super) fn cuttable(&self) -> Option<Cuttable> {
        let state = self.state();
        let enough = self.smallest.saturating_mul(2);
        let worth = |part: &&Part| !part.read && part.missed < CUTS_MISSED && part.left >= enough;
        let parts = state.parts.iter().filter(|(_, part)| !state.whole && worth(part));
        // Of equals the first, so that the order is always the same.
        let (number, part) = parts.reduce(|most, other| if other.1.left > most.1.left { other } else { most })?;
        let place = Place { part: *number, next: part.next, until: part.until };
        Some(Cuttable { place, rank: part.left / 2 })
    }

    /// How many records are left above the place that was asked about.
    pub(super) fn counted(&self, part: u32, left: u64) {
        if let Some(part) = self.state().parts.get_mut(&part) {
            part.left = left;
        }
    }

    /// Cuts a range at an id with `rank` records below it. Returns the upper part, which the caller holds; `None` where
    /// the id lies no longer inside the range.
    pub(super) fn cut(&self, part: u32, at: Option<u64>, rank: u64) -> Option<u32> {
        let mut state = self.state();
        let number = state.last_part + 1;
        let lower = state.parts.get_mut(&part)?;
        let inside = |at: &u64| !lower.read && *at > lower.next && lower.until.is_none_or(|until| *at < until);
        let Some(at) = at.filter(inside) else {
            lower.missed += 1;
            return None;
        };
        let left = lower.left.saturating_sub(rank);
        let upper = Part { written: at, next: at, until: lower.until, left, held: true, read: false, missed: 0 };
        lower.until = Some(at);
        lower.left = rank;
        state.parts.insert(number, upper);
        state.last_part = number;
        Some(number)
    }

    /// No range is cut from now on.
    pub(super) fn leave_whole(&self) {
        self.state().whole = true;
    }

    /// Notes that a page has been read, whose last id is `reach`. `more` says whether anything may stand above it.
    pub(super) fn passed(&self, part: u32, reach: Option<u64>, more: bool) -> Option<Passed> {
        let mut state = self.state();
        let part = state.parts.get_mut(&part)?;
        if let Some(above) = reach.map(|reach| reach.saturating_add(1)) {
            part.next = part.next.max(part.until.map_or(above, |until| above.min(until)));
        }
        part.read = !more || part.until.is_some_and(|until| part.next >= until);
        Some(Passed { until: part.until, next: part.next, done: part.read })
    }

    /// Notes how many records a page brought.
    pub(super) fn brought(&self, part: u32, records: u64) {
        if let Some(part) = self.state().parts.get_mut(&part) {
            part.left = part.left.saturating_sub(records);
        }
    }

    /// What is left to be written, range by range.
    pub(super) fn unwritten(&self) -> Vec<Range> {
        let state = self.state();
        let range = |(number, part): (&u32, &Part)| Range { part: *number, next: part.written, until: part.until };
        state.parts.iter().map(range).collect()
    }

    /// Notes how far ranges have been written: up to an id, or to their end.
    pub(super) fn written(&self, steps: &[(u32, u64, bool)]) {
        let mut state = self.state();
        for (number, next, done) in steps {
            if *done {
                state.parts.remove(number);
            } else if let Some(part) = state.parts.get_mut(number) {
                part.written = *next;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pool, Range};

    fn pool() -> Pool {
        Pool::new(&[Range { part: 1, next: 100, until: None }], 1_000, 50)
    }

    /// Whether the unwritten ranges cover these ids.
    fn cover(pool: &Pool, id: u64) -> bool {
        pool.unwritten().iter().any(|range| range.next <= id && range.until.is_none_or(|until| id < until))
    }

    #[test]
    fn a_cut_leaves_no_id_to_nobody() {
        let pool = pool();
        assert_eq!((pool.take(), pool.take()), (Some(1), None));
        let cuttable = pool.cuttable().unwrap();
        assert_eq!((cuttable.place.part, cuttable.rank), (1, 500));
        assert_eq!(pool.cut(1, Some(700), 500), Some(2));
        assert_eq!(pool.place(1).unwrap().until, Some(700));
        assert_eq!((pool.place(2).unwrap().next, pool.place(2).unwrap().until), (700, None));
        assert!([100, 699, 700, u64::MAX].iter().all(|id| cover(&pool, *id)));
    }

    #[test]
    fn what_a_page_brings_from_beyond_a_cut_belongs_to_the_other_range() {
        let pool = pool();
        pool.take();
        pool.cut(1, Some(150), 20);
        let passed = pool.passed(1, Some(400), true).unwrap();
        assert_eq!((passed.until, passed.next, passed.done), (Some(150), 150, true));
        assert_eq!(pool.place(1), None);
        assert_eq!(pool.place(2).unwrap().next, 150);
    }

    #[test]
    fn a_range_is_left_until_it_has_been_written_to_its_end() {
        let pool = pool();
        pool.take();
        assert!(pool.passed(1, Some(900), false).unwrap().done);
        assert!(cover(&pool, 100));
        pool.written(&[(1, 500, false)]);
        assert!(!cover(&pool, 499) && cover(&pool, 500));
        pool.written(&[(1, 901, true)]);
        assert!(pool.unwritten().is_empty());
    }

    #[test]
    fn the_range_with_the_most_left_is_cut_and_small_ones_are_not() {
        let ranges = [(1, 100, Some(500)), (2, 500, Some(900)), (3, 900, None)];
        let ranges = ranges.map(|(part, next, until)| Range { part, next, until });
        let pool = Pool::new(&ranges, 120, 50);
        pool.counted(2, 400);
        assert_eq!(pool.cuttable().unwrap().place.part, 2);
        pool.counted(2, 99);
        assert_eq!(pool.cuttable().unwrap().place.part, 1);
        pool.brought(1, 100);
        pool.brought(3, 100);
        assert_eq!(pool.cuttable(), None);
    }

    #[test]
    fn a_range_that_cannot_be_cut_is_not_asked_about_for_ever() {
        let pool = pool();
        for at in [Some(100), None] {
            assert!(pool.cuttable().is_some());
            assert_eq!(pool.cut(1, at, 500), None);
        }
        assert_eq!(pool.cuttable(), None);
    }
}
