//! The first full read of an object type: the active list, the archived list, then the associations.
//!
//! The list is walked by the remote's own cursor, or, if it is long, by several over ranges of ids. A record created
//! meanwhile may lie behind the walk, so the first fast pass begins before the backfill did. Pages are written while the
//! next ones are on their way.

use super::associations::Extent;
use super::lanes::Via;
use super::pages;
use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::model::{Record, Timestamp};
use crate::remote::{ChangedQuery, Page, Remote};
use crate::report::ObjectReport;
use crate::store::{ObjectStatus, Range, StoreError, Table, Walk};
use std::sync::Arc;
use std::time::Duration;

/// Records that are asked for before a search that finds nothing is called blind.
const SAMPLE: usize = 100;
/// So many must be there: one or two may have been restored a moment ago, which moves no date and reaches the index late.
const WITNESSES: usize = 3;

impl<R: Remote + 'static> Engine<R> {
    /// Reads an object type in full, going on where an earlier run was stopped.
    pub(super) async fn backfill(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let Walk { began, searched, .. } = self.walk_active(table, server_now, report).await?;
        self.walk_list(table, Phase::Archived, server_now, report).await?;
        for pair in table.outgoing() {
            self.walk_associations(table, pair, Extent::first(began), report).await?;
        }
        self.probe_search(table, server_now).await?;
        self.step("backfill.walked")?;
        let watermark = Some(Self::reaching_back(began));
        // Lists are live; of what a search gave, only this is certain: what its index had settled when the walk began.
        let unsettled = if searched { self.pull_settings().settle } else { Duration::ZERO };
        let settled_until = watermark.map(|watermark| watermark.minus(unsettled));
        // An index may have lagged longer than that for some record. The sweep, which finds it, comes sooner then.
        let unswept = if searched { self.pull_settings().sweep_every / 2 } else { Duration::ZERO };
        let status = ObjectStatus {
            watermark,
            settled_until,
            archived_walked_at: Some(began),
            swept_at: None,
            backfilled: true,
        };
        self.store()
            .write(move |write| {
                // Lists do not tell what is gone: where the mirror had rows before, only a sweep can.
                let swept_at = write.end_full_read(&object)?.then(|| began.minus(unswept));
                write.save_status(&object, &ObjectStatus { swept_at, ..status })?;
                // What the lists told may hide that associations changed meanwhile: look at all of it once more.
                write.save_walk(&object, Phase::Fast, &Walk { low: watermark, thorough: true, ..Walk::new(began) })?;
                write.forget_walk(&object, Phase::Backfill)?;
                write.forget_walk(&object, Phase::Archived)
            })
            .await?;
        report.backfilled = true;
        Ok(())
    }

    /// Asks the search for everything that was ever changed. If it finds nothing although the list held records that
    /// have been there for long and still are, it looks at the wrong date or is broken, and every later change would be
    /// missed.
    async fn probe_search(&self, table: &Arc<Table>, server_now: Timestamp) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let settled = server_now.minus(self.pull_settings().settle);
        let old = self.store().call(move |store| store.active_before(&object, settled, SAMPLE)).await?;
        if old.len() < WITNESSES {
            return Ok(());
        }
        let from = Timestamp::from_millis(1);
        let everything = ChangedQuery { from, to: None, after_id: None, step: None };
        let page = self.remote().changed(table.object(), &everything, &[]).await?;
        if page.total > 0 || !page.records.is_empty() {
            return Ok(());
        }
        // The list may have been walked days ago, by a run that was stopped: only what is there now counts.
        let live = self.remote().read(table.object(), &old, false, &[]).await?;
        let settled_long_ago = |record: &&Record| record.archived.is_none() && record.updated_at < settled;
        if live.iter().filter(settled_long_ago).count() < WITNESSES {
            return Ok(());
        }
        Err(RunError::Belt(format!(
            "the list of {0} holds records and a search for all changed {0} finds none: changes would be missed, so \
             nothing more is read",
            table.object()
        )))
    }

    /// Walks the active or the archived list to its end. Returns the remote's time at which the walk began, in this
    /// run or an earlier one.
    pub(super) async fn walk_list(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<Timestamp, RunError> {
        let walk = self.begin_list(table, phase, server_now).await?.walk;
        let began = walk.began;
        if !walk.done {
            self.walk_on(table, phase, walk, report).await?;
            self.say(Event::Finished { object: table.object().to_owned(), phase });
        }
        Ok(began)
    }

    /// Walks the active list to its end, in ranges where that is worth it.
    async fn walk_active(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<Walk, RunError> {
        let phase = Phase::Backfill;
        let mut begun = self.begin_list(table, phase, server_now).await?;
        if begun.walk.done {
            return Ok(begun.walk);
        }
        if let Some(walk) = self.in_ranges(table, &begun, report).await? {
            begun.walk = walk;
        }
        if !begun.walk.done {
            begun.walk = self.walk_on(table, phase, begun.walk, report).await?;
        }
        self.say(Event::Finished { object: table.object().to_owned(), phase });
        Ok(begun.walk)
    }

    /// Walks the active list in ranges, if an earlier run left some or the list is worth it. Returns how far that came;
    /// `None` where one cursor is to walk it.
    async fn in_ranges(
        &self,
        table: &Arc<Table>,
        begun: &Begun,
        report: &mut ObjectReport,
    ) -> Result<Option<Walk>, RunError> {
        let lanes = &self.pull_settings().lanes;
        let pace = self.remote().pace(table.object(), &table.fetched);
        let resumed = !begun.ranges.is_empty();
        if begun.walk.position.is_some() && !resumed {
            return Ok(None);
        }
        let total = begun.total.unwrap_or(0);
        let way = if resumed { lanes.divided(total, pace) } else { lanes.choose(begun.total, pace) };
        if lanes.via == Via::Search && pace.searched.is_none() {
            self.warn(format!("a search has no room for the properties of {0}; its list is read", table.object()));
        }
        // Before the probes: whoever begins at the same time is counted when ranges are cut.
        let _member = way.is_divided().then(|| self.crowd().join());
        let opened = match way.is_divided() {
            true if resumed => Some(self.reopened(&begun.ranges, total)),
            true => self.open_ranges(table, total).await?,
            false => None,
        };
        match opened {
            Some(opened) => {
                let way = match opened.answer {
                    Some(answer) => way.fitted(pace, answer),
                    None => way,
                };
                tracing::info!("{}: {way}", table.object());
                self.walk_ranges(table, begun, opened, &way, report).await.map(Some)
            }
            None => {
                let why = if way.is_divided() { "it cannot be entered at an id" } else { &way.why };
                tracing::info!("{}: one cursor over the list: {why}", table.object());
                Ok(None)
            }
        }
    }

    /// Walks a list to its end with one cursor.
    async fn walk_on(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        walk: Walk,
        report: &mut ObjectReport,
    ) -> Result<Walk, RunError> {
        let (pages, arriving) = pages::queue(Vec::new());
        let fetch = self.fetch_list(table, phase, walk.position.clone(), pages);
        let write = self.write_list(table, phase, walk, arriving, report);
        let (fetched, written) = tokio::join!(fetch, write);
        // The writer's error explains why the fetcher was cut off, not the other way round.
        let walk = written?;
        fetched?;
        Ok(walk)
    }

    /// The walk that was left unfinished, or a new one that is stored before anything is read.
    async fn begin_list(&self, table: &Arc<Table>, phase: Phase, server_now: Timestamp) -> Result<Begun, RunError> {
        let object = table.object().to_owned();
        let (stored, ranges, done) = self
            .store()
            .call({
                let object = object.clone();
                move |store| Ok((store.walk(&object, phase)?, store.ranges(&object, phase)?, store.row_count(&object)?))
            })
            .await?;
        let walk = match stored {
            Some(walk) => walk,
            None => {
                let walk = Walk::new(server_now);
                let (object, stored) = (object.clone(), walk.clone());
                self.store()
                    .write(move |write| {
                        if phase == Phase::Backfill {
                            write.begin_full_read(&object)?;
                        }
                        write.save_walk(&object, phase, &stored)
                    })
                    .await?;
                walk
            }
        };
        let mut total = None;
        if !walk.done {
            if phase == Phase::Backfill {
                total = self.remote().count(&object).await.ok();
            }
            let resumed = walk.position.is_some() || !ranges.is_empty();
            let done = if resumed && phase == Phase::Backfill { done } else { 0 };
            self.say(Event::Started { object, phase, total, done });
        }
        Ok(Begun { walk, ranges, total })
    }

    async fn fetch_list(
        &self,
        table: &Table,
        phase: Phase,
        mut after: Option<String>,
        pages: pages::Sender<Page>,
    ) -> Result<(), RunError> {
        let archived = phase == Phase::Archived;
        loop {
            self.step("list.before_page")?;
            let page = self.remote().list(table.object(), archived, after.as_deref(), &table.fetched).await?;
            self.step("list.page_read")?;
            after.clone_from(&page.next);
            if !pages.send(page).await || after.is_none() {
                return Ok(());
            }
        }
    }

    async fn write_list(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        mut walk: Walk,
        mut arriving: pages::Receiver<Page>,
        report: &mut ObjectReport,
    ) -> Result<Walk, RunError> {
        while let Some(batch) = arriving.next().await {
            let (reached, written) = self.write_pages(table, phase, walk, batch).await?;
            self.step("list.pages_written")?;
            report.applied.add(written.applied);
            self.advanced(table.object(), phase, written.records);
            walk = reached;
            arriving.put_back(written.rest);
        }
        Ok(walk)
    }

    async fn write_pages(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        mut walk: Walk,
        batch: Vec<pages::Waiting<Page>>,
    ) -> Result<(Walk, pages::Written<Page>), StoreError> {
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                let written = pages::write(write, &table, batch, "list.page_applied", |page| {
                    walk.done = page.next.is_none();
                    walk.position = page.next;
                })?;
                write.save_walk(table.object(), phase, &walk)?;
                Ok((walk, written))
            })
            .await
    }
}

impl pages::Records for Page {
    fn records(&self) -> &[Record] {
        &self.records
    }
}

/// A walk over a list, new or left by an earlier run.
pub(super) struct Begun {
    pub(super) walk: Walk,
    /// What is left of it, where it is walked in ranges.
    pub(super) ranges: Vec<Range>,
    /// About how many records the list has, if that is known.
    pub(super) total: Option<u64>,
}
