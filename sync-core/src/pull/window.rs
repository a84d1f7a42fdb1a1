//! What changed, from the search index: a fast pass at its edge, and a settled pass that trails it.
//!
//! * A window of modification times is walked by record id, going on above the last one. Ids never change, so edits
//!   during the walk, live values on stale matches and ten thousand equal times move nothing.
//! * Only an answer without a next page ends a walk. A short page goes on from its last id; an empty one is stepped
//!   over with the remote's own token, for that one step.
//! * The watermark is the remote's time at which the walk began, or the window's end; never a date read from a record.
//! * If ids do not ascend the index cannot be walked: the whole list is read instead.

use super::associations::{AT_ONCE, Answers};
use super::by_id::ById;
use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::events::{Event, Phase};
use crate::model::{Record, RecordId, Timestamp};
use crate::remote::{ChangedPage, ChangedQuery, Remote};
use crate::report::ObjectReport;
use crate::store::{Applied, ObjectStatus, StoreError, Table, Walk};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The least a settled pass is worth a walk for.
const SETTLED_STEP: Duration = Duration::from_secs(300);
/// How often a page whose ids do not ascend is asked for again.
const DISORDER_RETRIES: usize = 2;

/// A stretch of a walk, read and ready to be written.
struct Stretch {
    records: Vec<Record>,
    /// Records that answered for another id, with that id: it was merged away.
    merged: Vec<(RecordId, RecordId)>,
    associations: Answers,
    walk: Walk,
}

/// How the reading of a stretch ended.
enum Pages {
    Read {
        found: Vec<Record>,
        complete: bool,
        walk: Walk,
    },
    /// The index does not keep the order that a walk needs.
    Disordered,
}

impl<R: Remote + 'static> Engine<R> {
    /// Reads what the index shows as changed since the last such pass began.
    pub(super) async fn fast_pass(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let (status, stored) = self
            .store()
            .call({
                let object = object.clone();
                move |store| Ok((store.object_status(&object)?, store.walk(&object, Phase::Fast)?))
            })
            .await?;
        let walk = stored.unwrap_or_else(|| {
            let low = status.watermark.unwrap_or_else(|| Self::reaching_back(server_now));
            Walk { low: Some(low), ..Walk::new(server_now) }
        });
        let began = walk.began;
        self.walk_window(table, Phase::Fast, walk, server_now, report).await?;
        let status = ObjectStatus { watermark: Some(Self::reaching_back(began)), ..status };
        self.store()
            .write(move |write| {
                write.save_status(&object, &status)?;
                write.forget_walk(&object, Phase::Fast)
            })
            .await?;
        Ok(())
    }

    /// Walks what has settled in the index since the last settled pass, if that is long enough ago.
    pub(super) async fn settled_if_due(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let (status, stored) = self
            .store()
            .call({
                let object = object.clone();
                move |store| Ok((store.object_status(&object)?, store.walk(&object, Phase::Settled)?))
            })
            .await?;
        let Some(settled_until) = status.settled_until else { return Ok(()) };
        let high = server_now.minus(self.pull_settings().settle);
        let walk = match stored {
            Some(walk) => walk,
            None if high.since(settled_until) < SETTLED_STEP => return Ok(()),
            None => Walk { low: Some(settled_until), high: Some(high), ..Walk::new(server_now) },
        };
        let high = walk.high;
        self.walk_window(table, Phase::Settled, walk, server_now, report).await?;
        let status = ObjectStatus { settled_until: high, ..status };
        self.store()
            .write(move |write| {
                write.save_status(&object, &status)?;
                write.forget_walk(&object, Phase::Settled)
            })
            .await?;
        Ok(())
    }

    async fn walk_window(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        mut walk: Walk,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        self.say(Event::Started { object: table.object().to_owned(), phase, total: None, done: 0 });
        while !walk.done {
            self.step("window.before_stretch")?;
            let Pages::Read { found, complete, walk: reached } = self.read_pages(table, &walk).await? else {
                self.warn(format!(
                    "the search index of {} does not keep the order of ids; the whole list is read instead",
                    table.object()
                ));
                self.walk_list(table, Phase::Relist, server_now, report).await?;
                // Lists tell nothing about associations: those of this object type are read in full again.
                let object = table.object().to_owned();
                self.store().write(move |write| write.forget_pair_walks(&object)).await?;
                break;
            };
            self.step("window.pages_read")?;
            let stretch = self.read_stretch(table, found, complete, reached).await?;
            self.step("window.records_read")?;
            let records = stretch.records.len();
            walk = stretch.walk.clone();
            let (applied, associations) = self.write_stretch(table, phase, stretch).await?;
            self.step("window.written")?;
            report.applied.add(applied);
            report.associations += associations;
            self.advanced(table.object(), phase, records);
        }
        self.say(Event::Finished { object: table.object().to_owned(), phase });
        let object = table.object().to_owned();
        self.store().write(move |write| write.forget_walk(&object, Phase::Relist)).await?;
        Ok(())
    }

    /// Reads pages of the walk until they hold enough ids for a full call of each kind, or the walk ends.
    async fn read_pages(&self, table: &Table, walk: &Walk) -> Result<Pages, RunError> {
        let mut walk = walk.clone();
        let mut found: Vec<Record> = Vec::new();
        let mut all_complete = true;
        while !walk.done && found.len() < AT_ONCE {
            let Some(page) = self.ordered_page(table, &walk).await? else { return Ok(Pages::Disordered) };
            all_complete &= page.complete || page.records.is_empty();
            walk.done = page.next.is_none();
            match page.records.last() {
                Some(last) => {
                    walk.position = Some(last.id.to_string());
                    walk.step = None;
                }
                None => walk.step = page.next,
            }
            found.extend(page.records);
        }
        Ok(Pages::Read { found, complete: all_complete, walk })
    }

    /// One page whose ids strictly ascend from where the walk stands; `None` when the index never gives one.
    async fn ordered_page(&self, table: &Table, walk: &Walk) -> Result<Option<ChangedPage>, RunError> {
        let query = ChangedQuery {
            from: walk.low.unwrap_or_default(),
            to: walk.high,
            after_id: walk.position.as_deref().map(RecordId::from),
            step: walk.step.clone(),
        };
        for _ in 0..=DISORDER_RETRIES {
            let page = match self.remote().changed(table.object(), &query, &table.fetched).await {
                Ok(page) => page,
                // So many empty pages that the index no longer steps over them.
                Err(error) if query.step.is_some() && error.kind == RemoteErrorKind::Refused => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if ascends(query.after_id.as_ref(), &page.records) {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    /// Reads what the mirror does not have as new, and the associations of those records.
    async fn read_stretch(
        &self,
        table: &Table,
        found: Vec<Record>,
        complete: bool,
        walk: Walk,
    ) -> Result<Stretch, RunError> {
        let seen: Vec<(RecordId, Timestamp)> =
            found.iter().map(|record| (record.id.clone(), record.updated_at)).collect();
        let object = table.object().to_owned();
        let stale = if walk.thorough {
            seen.into_iter().map(|(id, _)| id).collect()
        } else {
            self.store().call(move |store| store.stale(&object, &seen)).await?
        };
        let wanted: HashSet<&RecordId> = stale.iter().collect();
        let ById { records, merged } = if complete {
            let records = found.into_iter().filter(|record| wanted.contains(&record.id)).collect();
            ById { records, merged: Vec::new() }
        } else {
            self.read_by_id(table, &stale).await?
        };
        let changed: Vec<RecordId> = records.iter().map(|record| record.id.clone()).collect();
        let associations = self.associations_of(table, &changed).await?;
        Ok(Stretch { records, merged, associations, walk })
    }

    async fn write_stretch(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        stretch: Stretch,
    ) -> Result<(Applied, u64), StoreError> {
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                let mut applied = write.apply(&table, &stretch.records)?;
                write.step("window.records_applied")?;
                for (id, survivor) in &stretch.merged {
                    applied.add(write.merged_into(&table, id, survivor)?);
                }
                let associations = stretch.associations.apply(write)?;
                write.save_walk(table.object(), phase, &stretch.walk)?;
                Ok((applied, associations))
            })
            .await
    }
}

/// Whether ids strictly ascend, beginning above `after`.
fn ascends(after: Option<&RecordId>, records: &[Record]) -> bool {
    let mut last = after;
    for record in records {
        if last.is_some_and(|last| *last >= record.id) {
            return false;
        }
        last = Some(&record.id);
    }
    true
}
