//! A long list, walked as several ranges of ids at once.
//!
//! * A range begins at an id and ends before another; each has its own durable cursor, which moves in the transaction
//!   that writes the records it has passed. A kill repeats at most one transaction and the pages on their way: one for
//!   each cursor, and those that wait for the writer.
//! * Lists are entered at an id only after a probe has shown that the remote takes one for what it is.
//! * Ids are not evenly spread. Where nothing is free, the range with the most left is cut at an id that the index names
//!   by its rank. That is a hint: a bad one costs a call, never a record.
//! * A search reads ranges beside the lists, from a budget of its own. Its index lags, so a walk with its help says so
//!   ([`Walk::searched`]); and where a page lacks records that the index counts, or is out of order, the list is asked
//!   for that page.

use super::backfill::Begun;
use super::lanes::{Cursor, Way};
use super::pages;
use super::pool::{Place, Pool};
use crate::engine::Engine;
use crate::error::{RemoteError, RemoteErrorKind, RunError};
use crate::events::Phase;
use crate::model::{Record, RecordId};
use crate::remote::{IdRange, Page, Remote};
use crate::report::ObjectReport;
use crate::store::{Range, StoreError, Table, Walk};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const PHASE: Phase = Phase::Backfill;
/// How often a page out of order is asked for again, and a probe that somebody's change may have spoilt.
const RETRIES: u32 = 2;
/// A search that gave no usable page this often in a row is not asked again.
const SEARCHES_REFUSED: u32 = 3;

/// What one page of a range adds to the mirror.
struct RangePage {
    part: u32,
    records: Vec<Record>,
    next: u64,
    done: bool,
    searched: bool,
}

/// A page as the remote gave it, in order and inside the range that was asked for.
struct Found {
    records: Vec<Record>,
    reach: Option<u64>,
    more: bool,
}

/// Why a cursor stopped before its time.
enum Stop {
    Failed(RunError),
    /// The list does not keep the order of ids.
    Disordered,
}

impl<E: Into<RunError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A list that is about to be walked in ranges, with the pages that are already read.
pub(super) struct Opened {
    pool: Pool,
    read: Vec<RangePage>,
    /// How long the remote takes for a page, where that is known.
    pub(super) answer: Option<Duration>,
}

impl pages::Records for RangePage {
    fn records(&self) -> &[Record] {
        &self.records
    }
}

/// What a transaction wrote, and how far: which range up to where, and whether to its end.
struct Written {
    walk: Walk,
    steps: Vec<(u32, u64, bool)>,
    pages: pages::Written<RangePage>,
}

impl<R: Remote + 'static> Engine<R> {
    /// Reads a list's first pages and tries whether it can be entered at an id. `None` where it cannot.
    pub(super) async fn open_ranges(&self, table: &Table, total: u64) -> Result<Option<Opened>, RunError> {
        for _ in 0..=RETRIES {
            self.step("ranges.before_probe")?;
            let asked = Instant::now();
            let first = self.remote().list(table.object(), false, None, &table.fetched).await?;
            let answer = asked.elapsed();
            let Some(middle) = first.records.get(first.records.len() / 2).map(|record| record.id.clone()) else {
                return Ok(None);
            };
            let cursor = self.remote().list_at(&middle).filter(|_| first.next.is_some());
            let (Some(cursor), Some(reach)) = (cursor, number(first.reach.as_ref())) else { return Ok(None) };
            let asked = Instant::now();
            let second = match self.remote().list(table.object(), false, Some(&cursor), &table.fetched).await {
                Ok(second) => second,
                Err(error) if is_refusal(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            self.step("ranges.probed")?;
            if enters_at(&middle, reach, &first, &second) {
                // The shorter one: the longer may have waited for its turn.
                let answer = Some(answer.min(asked.elapsed()));
                return Ok(Some(Opened { answer, ..self.opened(total, first, second) }));
            }
        }
        Ok(None)
    }

    fn opened(&self, total: u64, first: Page, second: Page) -> Opened {
        let whole = Range { part: 1, next: 0, until: None };
        let pool = Pool::new(std::slice::from_ref(&whole), total, self.pull_settings().lanes.smallest_range);
        let mut read = Vec::new();
        for page in [first, second] {
            let found = Found { reach: number(page.reach.as_ref()), more: page.next.is_some(), records: page.records };
            if let Some(place) = pool.place(whole.part) {
                read.extend(keep(&pool, place, found, false));
            }
        }
        Opened { pool, read, answer: None }
    }

    /// The ranges that an earlier run left, to go on with.
    pub(super) fn reopened(&self, ranges: &[Range], total: u64) -> Opened {
        Opened {
            pool: Pool::new(ranges, total, self.pull_settings().lanes.smallest_range),
            read: Vec::new(),
            answer: None,
        }
    }

    /// Walks the ranges to their ends. Returns the walk: done, or as it was begun where the list turned out not to keep
    /// the order of ids, so that it must be walked with one cursor.
    pub(super) async fn walk_ranges(
        &self,
        table: &Arc<Table>,
        begun: &Begun,
        opened: Opened,
        way: &Way,
        report: &mut ObjectReport,
    ) -> Result<Walk, RunError> {
        let Opened { pool, read, .. } = opened;
        let pool = Arc::new(pool);
        let (pages, arriving) = pages::queue(read);
        let mut cursors = JoinSet::new();
        for n in 0..way.list + way.search {
            let cursor = way.cursor(n);
            let (engine, table, pool, pages) = (self.clone(), Arc::clone(table), Arc::clone(&pool), pages.clone());
            cursors.spawn(async move { engine.follow(&table, &pool, cursor, pages).await });
        }
        drop(pages);
        let watch = async { Ok(first_stop(cursors).await) };
        // The writer's error ends the reading at once; a reader's lets the writer finish what has been read.
        let write = self.write_ranges(table, &pool, begun.walk.clone(), arriving, report);
        let (stopped, walk) = tokio::try_join!(watch, write)?;
        match stopped {
            Some(Stop::Failed(error)) => Err(error),
            Some(Stop::Disordered) => self.back_to_one_cursor(table, walk).await,
            None if walk.done => Ok(walk),
            None => Err(RunError::Task(format!("ranges of {} were left unread", table.object()))),
        }
    }

    async fn back_to_one_cursor(&self, table: &Arc<Table>, walk: Walk) -> Result<Walk, RunError> {
        self.warn(format!(
            "the list of {} does not keep the order of ids; it is read from its beginning with one cursor",
            table.object()
        ));
        let walk = Walk { searched: walk.searched, ..Walk::new(walk.began) };
        let (object, stored) = (table.object().to_owned(), walk.clone());
        self.store()
            .write(move |write| {
                write.save_ranges(&object, PHASE, stored.began, &[])?;
                write.save_walk(&object, PHASE, &stored)
            })
            .await?;
        Ok(walk)
    }

    /// One cursor: takes a range, walks it to its end, and takes the next one, as long as there is any.
    async fn follow(
        &self,
        table: &Table,
        pool: &Pool,
        cursor: Cursor,
        pages: pages::Sender<RangePage>,
    ) -> Result<(), Stop> {
        let mut refused = 0;
        while let Some(part) = self.part_for(table, pool, cursor).await? {
            while let Some(place) = pool.place(part) {
                self.step("range.before_page")?;
                let mut found = None;
                if cursor.by_search && refused < SEARCHES_REFUSED {
                    found = self.search_range(table, place).await?;
                    refused = if found.is_some() { 0 } else { refused + 1 };
                }
                let searched = found.is_some();
                let found = match found {
                    Some(found) => found,
                    None => self.list_range(table, place).await?,
                };
                self.step("range.page_read")?;
                if let Some(page) = keep(pool, place, found, searched)
                    && !pages.send(page).await
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A range for a cursor, once there is work for it; `None` when there is nothing more to read.
    async fn part_for(&self, table: &Table, pool: &Pool, cursor: Cursor) -> Result<Option<u32>, RunError> {
        tokio::select! {
            biased;
            () = pool.is_over() => return Ok(None),
            () = self.crowd().has_room(cursor.place, cursor.most) => {}
        }
        let part = self.next_part(table, pool).await?;
        if part.is_none() {
            pool.end();
        }
        Ok(part)
    }

    /// A free range, or the upper part of one that is cut for it.
    async fn next_part(&self, table: &Table, pool: &Pool) -> Result<Option<u32>, RunError> {
        if let Some(part) = pool.take() {
            return Ok(Some(part));
        }
        let _turn = pool.cutting.lock().await;
        while let Some(cuttable) = pool.cuttable() {
            self.step("range.before_cut")?;
            let range = ids(cuttable.place);
            let landmark = match self.remote().landmark(table.object(), &range, cuttable.rank).await {
                Ok(landmark) => landmark,
                Err(error) => {
                    tracing::info!(object = table.object(), %error, "no further range is cut");
                    pool.leave_whole();
                    return Ok(None);
                }
            };
            pool.counted(cuttable.place.part, landmark.total);
            let cut = pool.cut(cuttable.place.part, number(landmark.id.as_ref()), landmark.rank);
            self.step("range.cut")?;
            if cut.is_some() {
                return Ok(cut);
            }
        }
        Ok(None)
    }

    async fn list_range(&self, table: &Table, place: Place) -> Result<Found, Stop> {
        let mut after = self.remote().list_at(&RecordId::from(place.next)).ok_or(Stop::Disordered)?;
        let mut disorder = 0;
        loop {
            let page = self.remote().list(table.object(), false, Some(&after), &table.fetched).await?;
            let reach = number(page.reach.as_ref());
            match (reach, page.next) {
                (Some(reach), next) if stand_between(&page.records, place.next, reach) => {
                    return Ok(Found { records: page.records, reach: Some(reach), more: next.is_some() });
                }
                (None, None) if page.records.is_empty() => {
                    return Ok(Found { records: Vec::new(), reach: None, more: false });
                }
                (None, Some(next)) if page.records.is_empty() => after = next,
                _ if disorder == RETRIES => return Err(Stop::Disordered),
                _ => disorder += 1,
            }
        }
    }

    /// A page by search; `None` where the list should be asked instead.
    async fn search_range(&self, table: &Table, place: Place) -> Result<Option<Found>, RunError> {
        for _ in 0..=RETRIES {
            let page = match self.remote().within(table.object(), &ids(place), &table.fetched).await {
                Ok(page) => page,
                Err(error) if is_refusal(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let ascend = page.records.windows(2).all(|pair| pair[0].id < pair[1].id);
            let reach = page.records.last().and_then(|last| last.id.number());
            let last = place.until.map_or(u64::MAX, |until| until.saturating_sub(1));
            if page.withheld > 0 || !page.complete || (reach.is_none() && page.next.is_some()) {
                return Ok(None);
            }
            if ascend && stand_between(&page.records, place.next, last) {
                return Ok(Some(Found { records: page.records, reach, more: page.next.is_some() }));
            }
        }
        Ok(None)
    }

    async fn write_ranges(
        &self,
        table: &Arc<Table>,
        pool: &Pool,
        mut walk: Walk,
        mut arriving: pages::Receiver<RangePage>,
        report: &mut ObjectReport,
    ) -> Result<Walk, RunError> {
        while let Some(batch) = arriving.next().await {
            // Taken after the pages: whatever they belong to is among these ranges.
            let left = pool.unwritten();
            let written = self.write_range_pages(table, walk, left, batch).await?;
            self.step("range.pages_written")?;
            pool.written(&written.steps);
            report.applied.add(written.pages.applied);
            self.advanced(table.object(), PHASE, written.pages.records);
            walk = written.walk;
            arriving.put_back(written.pages.rest);
        }
        Ok(walk)
    }

    async fn write_range_pages(
        &self,
        table: &Arc<Table>,
        mut walk: Walk,
        mut left: Vec<Range>,
        batch: Vec<pages::Waiting<RangePage>>,
    ) -> Result<Written, StoreError> {
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                let mut steps = Vec::new();
                let pages = pages::write(write, &table, batch, "range.page_applied", |page| {
                    walk.searched |= page.searched;
                    steps.push((page.part, page.next, page.done));
                })?;
                for (part, next, done) in &steps {
                    left.retain(|range| !done || range.part != *part);
                    left.iter_mut().filter(|range| range.part == *part).for_each(|range| range.next = *next);
                }
                walk.done = left.is_empty();
                write.save_walk(table.object(), PHASE, &walk)?;
                write.save_ranges(table.object(), PHASE, walk.began, &left)?;
                Ok(Written { walk, steps, pages })
            })
            .await
    }
}

/// Waits for all cursors. The first that stops before its time ends the others, and is returned.
async fn first_stop(mut cursors: JoinSet<Result<(), Stop>>) -> Option<Stop> {
    let mut stopped = None;
    while let Some(ended) = cursors.join_next().await {
        let stop = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(stop)) => stop,
            Err(error) if error.is_cancelled() => continue,
            Err(error) => Stop::Failed(RunError::Task(error.to_string())),
        };
        if stopped.is_none() {
            stopped = Some(stop);
            cursors.abort_all();
        }
    }
    stopped
}

/// Notes in the pool what was read, and keeps of it what belongs to the range.
fn keep(pool: &Pool, place: Place, found: Found, searched: bool) -> Option<RangePage> {
    let passed = pool.passed(place.part, found.reach, found.more)?;
    let mut records = found.records;
    let belongs = |id: u64| id >= place.next && passed.until.is_none_or(|until| id < until);
    records.retain(|record| record.id.number().is_some_and(belongs));
    pool.brought(place.part, records.len() as u64);
    Some(RangePage { part: place.part, records, next: passed.next, done: passed.done, searched })
}

/// Whether the second page begins at the middle of the first, and goes on from there as the first one does.
fn enters_at(middle: &RecordId, reach: u64, first: &Page, second: &Page) -> bool {
    let Some(second_reach) = number(second.reach.as_ref()) else { return false };
    let tail = first.records.iter().map(|record| &record.id).filter(|id| *id >= middle);
    let head =
        second.records.iter().map(|record| &record.id).take_while(|id| id.number().is_some_and(|id| id <= reach));
    let numeric = first.records.iter().all(|record| record.id.number().is_some());
    numeric && second_reach >= reach && tail.eq(head)
}

/// Whether the remote will not do what it was asked for, however often.
fn is_refusal(error: &RemoteError) -> bool {
    matches!(error.kind, RemoteErrorKind::Refused | RemoteErrorKind::NotFound | RemoteErrorKind::Unreadable)
}

fn stand_between(records: &[Record], first: u64, last: u64) -> bool {
    records.iter().all(|record| record.id.number().is_some_and(|id| (first..=last).contains(&id)))
}

fn number(id: Option<&RecordId>) -> Option<u64> {
    id.and_then(RecordId::number)
}

fn ids(place: Place) -> IdRange {
    IdRange { from: RecordId::from(place.next), until: place.until.map(RecordId::from) }
}
