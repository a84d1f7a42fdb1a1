//! The sweep: everything is looked at once a day, because some changes move no date and show in no search: merges,
//! restores, calculated properties, associations, and records that are simply gone.
//!
//! * It runs in slices, and goes on in the next run where it stopped: the active list, the archived list, then the
//!   associations.
//! * A record that neither list held is asked for by id, active and archived, before anything is concluded from it.
//! * Only then, and only within the belt, is it marked missing. Its values stay for as long as configured; then it is
//!   asked for once more and erased.

use super::associations::{AT_ONCE, Extent};
use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::model::{RecordId, Timestamp};
use crate::remote::{Page, Remote};
use crate::report::ObjectReport;
use crate::store::{Applied, ObjectStatus, StoreError, Table, Walk};
use std::sync::Arc;
use tokio::time::Instant;

impl<R: Remote + 'static> Engine<R> {
    /// Sweeps for one slice if a sweep is due or was left unfinished.
    pub(super) async fn sweep_slice(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let Some(began) = self.sweep_in_progress(table, server_now).await? else { return Ok(()) };
        let deadline = Instant::now() + self.pull_settings().sweep_slice;
        for phase in [Phase::Sweep, Phase::SweepArchived] {
            if !self.sweep_list(table, phase, began, deadline, report).await? {
                return Ok(());
            }
        }
        let extent = Extent { phase: Phase::SweepAssociations, began, deadline: Some(deadline) };
        for pair in table.outgoing() {
            if !self.walk_associations(table, pair, extent, report).await? {
                return Ok(());
            }
        }
        self.tombstone(table, began, report).await?;
        self.end_sweep(table, began, report).await?;
        self.erase_missing(table, began, server_now, report).await
    }

    /// When the sweep in progress began; begins one if the last is long enough ago. One that a belt holds begins anew
    /// when the next is due, so that everything else is looked at again.
    async fn sweep_in_progress(
        &self,
        table: &Arc<Table>,
        server_now: Timestamp,
    ) -> Result<Option<Timestamp>, RunError> {
        let object = table.object().to_owned();
        let (status, active, archived) = self
            .store()
            .call(move |store| {
                let (active, archived) = (Phase::Sweep, Phase::SweepArchived);
                Ok((store.object_status(&object)?, store.walk(&object, active)?, store.walk(&object, archived)?))
            })
            .await?;
        let due = |since: Option<Timestamp>| {
            since.is_none_or(|since| server_now.since(since) >= self.pull_settings().sweep_every)
        };
        let held_back = archived.is_some_and(|walk| walk.done);
        match active {
            Some(walk) if !(held_back && due(Some(walk.began))) => return Ok(Some(walk.began)),
            None if !due(status.swept_at) => return Ok(None),
            Some(_) | None => {}
        }
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                write.forget_sweep(table.object())?;
                write.save_walk(table.object(), Phase::Sweep, &Walk::new(server_now))
            })
            .await?;
        self.step("sweep.begun")?;
        Ok(Some(server_now))
    }

    /// Walks a list until its end or the end of the slice. Says whether it came to its end.
    async fn sweep_list(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        began: Timestamp,
        deadline: Instant,
        report: &mut ObjectReport,
    ) -> Result<bool, RunError> {
        let object = table.object().to_owned();
        let (stored, total) = self
            .store()
            .call({
                let object = object.clone();
                move |store| Ok((store.walk(&object, phase)?, store.row_count(&object)?))
            })
            .await?;
        let mut walk = stored.unwrap_or_else(|| Walk::new(began));
        if walk.done {
            return Ok(true);
        }
        let total = (phase == Phase::Sweep && walk.position.is_none()).then_some(total);
        self.say(Event::Started { object: object.clone(), phase, total, done: 0 });
        let mut page = self.sweep_page(table, phase, walk.position.as_deref()).await?;
        while !walk.done {
            walk.position.clone_from(&page.next);
            walk.done = page.next.is_none();
            let (next, more) = (page.next.clone(), !walk.done && Instant::now() < deadline);
            let records = page.records.len();
            // The next page is on its way while this one is written.
            let write = self.write_swept(table, phase, walk.clone(), page);
            let fetch =
                async { if more { self.sweep_page(table, phase, next.as_deref()).await.map(Some) } else { Ok(None) } };
            let (written, fetched) = tokio::join!(write, fetch);
            report.applied.add(written?);
            self.step("sweep.page_written")?;
            self.advanced(&object, phase, records);
            match fetched? {
                Some(next) => page = next,
                None => break,
            }
        }
        self.say(Event::Finished { object, phase });
        Ok(walk.done)
    }

    async fn sweep_page(&self, table: &Table, phase: Phase, after: Option<&str>) -> Result<Page, RunError> {
        let archived = phase == Phase::SweepArchived;
        let page = self.remote().list(table.object(), archived, after, &table.fetched).await?;
        self.step("sweep.page_read")?;
        Ok(page)
    }

    async fn write_swept(
        &self,
        table: &Arc<Table>,
        phase: Phase,
        walk: Walk,
        page: Page,
    ) -> Result<Applied, StoreError> {
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                let applied = write.apply(&table, &page.records)?;
                write.met(&table, page.records.iter().map(|record| &record.id))?;
                write.save_walk(table.object(), phase, &walk)?;
                Ok(applied)
            })
            .await
    }

    /// Asks by id for every record that neither list held, and marks those that no read returns as missing.
    async fn tombstone(&self, table: &Arc<Table>, began: Timestamp, report: &mut ObjectReport) -> Result<(), RunError> {
        let object = table.object().to_owned();
        let (mut gone, mut gone_active) = (Vec::new(), 0);
        let mut row = Some(0);
        while let Some(from) = row {
            let name = object.clone();
            let (suspects, next) = self.store().call(move |store| store.unmet(&name, began, from, AT_ONCE)).await?;
            row = next;
            let silent = self.ask_by_id(table, suspects, report).await?;
            let (name, ids) = (object.clone(), silent.clone());
            gone_active += self.store().call(move |store| Ok(store.active_of(&name, &ids)?.len() as u64)).await?;
            gone.extend(silent);
            self.hold_back(&object, began, gone_active, row).await?;
        }
        for chunk in gone.chunks(AT_ONCE) {
            let (table, chunk) = (Arc::clone(table), chunk.to_vec());
            let applied = self.store().write(move |write| write.mark_missing(&table, &chunk, began)).await?;
            self.step("sweep.marked_missing")?;
            report.applied.add(applied);
        }
        Ok(())
    }

    /// The belt: stops before anything is marked when more records would vanish than it lets through, or, at the end
    /// (`row` is where the search for suspects goes on), all that were active. An answer that is empty by mistake looks
    /// just like that.
    async fn hold_back(&self, object: &str, began: Timestamp, gone: u64, mut row: Option<i64>) -> Result<(), RunError> {
        let name = object.to_owned();
        let active = self.store().call(move |store| store.count_in_state(&name, "active")).await?;
        let allowed = self.pull_settings().allow_vanished.unwrap_or(0);
        let all = row.is_none() && gone > 0 && gone == active && gone > allowed;
        if gone <= self.may_vanish(active) && !all {
            return Ok(());
        }
        let mut most = gone;
        while let Some(from) = row {
            let name = object.to_owned();
            let (rest, next) = self.store().call(move |store| store.unmet(&name, began, from, AT_ONCE)).await?;
            most += rest.len() as u64;
            row = next;
        }
        let share = if all { "all".to_owned() } else { format!("{most} of") };
        Err(RunError::Belt(format!(
            "no read returns {share} {active} {object} any more; nothing was marked missing. Look whether the credential \
             still sees them. If they are gone, run again with --allow vanished={most}"
        )))
    }

    /// Reads records by id and applies what comes back. Returns those that no read returned.
    async fn ask_by_id(
        &self,
        table: &Arc<Table>,
        ids: Vec<RecordId>,
        report: &mut ObjectReport,
    ) -> Result<Vec<RecordId>, RunError> {
        let mut silent = Vec::new();
        for chunk in ids.chunks(AT_ONCE) {
            let found = self.read_by_id(table, chunk).await?;
            self.step("sweep.asked_by_id")?;
            let answered = found.answered(chunk);
            silent.extend(chunk.iter().filter(|id| !answered.contains(id)).cloned());
            let met: Vec<RecordId> = answered.into_iter().cloned().collect();
            let table = Arc::clone(table);
            let applied = self
                .store()
                .write(move |write| {
                    let mut applied = write.apply(&table, &found.records)?;
                    for (id, survivor) in &found.merged {
                        applied.add(write.merged_into(&table, id, survivor)?);
                    }
                    write.met(&table, met.iter())?;
                    Ok(applied)
                })
                .await?;
            report.applied.add(applied);
        }
        Ok(silent)
    }

    async fn end_sweep(&self, table: &Arc<Table>, began: Timestamp, report: &mut ObjectReport) -> Result<(), RunError> {
        let table = Arc::clone(table);
        self.store()
            .write(move |write| {
                let object = table.object();
                let status = ObjectStatus {
                    swept_at: Some(began),
                    archived_walked_at: Some(began),
                    backfilled: true,
                    ..ObjectStatus::default()
                };
                write.save_status(object, &status)?;
                write.forget_sweep(object)
            })
            .await?;
        report.swept = true;
        self.step("sweep.ended")?;
        Ok(())
    }

    /// Erases records that have been missing for long enough, found so by an earlier sweep than this one, after asking
    /// for them once more.
    async fn erase_missing(
        &self,
        table: &Arc<Table>,
        began: Timestamp,
        server_now: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let since = server_now.minus(self.pull_settings().purge_missing);
        let since = if since < began { since } else { began.minus(std::time::Duration::from_millis(1)) };
        let object = table.object().to_owned();
        let (ids, rows) = self
            .store()
            .call(move |store| Ok((store.missing_since(&object, since)?, store.row_count(&object)?)))
            .await?;
        if ids.is_empty() {
            return Ok(());
        }
        let silent = self.ask_by_id(table, ids, report).await?;
        let (count, limit) = (silent.len() as u64, self.may_vanish(rows));
        if count > limit {
            return Err(RunError::Belt(format!(
                "{count} missing {} have been gone for long enough to be erased, and at most {limit} may vanish at \
                 once; nothing was erased. If it is right that they go, run again with --allow vanished={count}",
                table.object()
            )));
        }
        for chunk in silent.chunks(AT_ONCE) {
            let (table, chunk) = (Arc::clone(table), chunk.to_vec());
            let gone = self.store().write(move |write| write.erase_missing(&table, &chunk)).await?;
            self.step("sweep.erased")?;
            report.applied.erased += gone.erased;
            if gone.edited > 0 {
                self.warn(format!(
                    "{} missing records were not erased, because edits of them wait to be decided about",
                    gone.edited
                ));
            }
        }
        Ok(())
    }

    fn may_vanish(&self, rows: u64) -> u64 {
        let settings = self.pull_settings();
        settings.max_vanished.limit(rows, settings.allow_vanished)
    }
}
