//! The order of one run, and its row in `sync_runs`.
//!
//! Object types are worked on side by side. What goes wrong with one does not stop the others.

use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::events::Event;
use crate::model::Timestamp;
use crate::pull::Verification;
use crate::remote::{Account, Remote};
use crate::report::{ObjectReport, Report};
use crate::store::{RunLock, RunTotals, Table};
use mappings::Mapping;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// What was sent and never answered is looked at.
    Recover,
    /// The remote's changes come in.
    Edge,
    /// The mirror's changes go out.
    Push,
    /// What the remote's index shows late, and what no date shows, comes in.
    Behind,
}

/// How many transactions of one run forget what earlier ones logged, and how many rows each of them does.
const LOG_PAGES: usize = 20;
const LOG_ROWS: usize = 1_000;

/// What a person is told, in every run until it is over.
const RESTORED: &str = "the mirror is older than the last run on it, so it was restored from a copy: everything is read \
                        again and compared, and rows that may have been created in the meantime are held";

impl<R: Remote + 'static> Engine<R> {
    /// Pulls: the first time everything, later what changed. `objects` limits it to some of the mapped object types;
    /// empty means all. `server_now` is the remote's time at the run's begin, as [`Engine::begin_run`] told it.
    pub async fn pull(&self, server_now: Timestamp, mappings: &[Mapping], objects: &[String]) -> Report {
        self.cycle(server_now, mappings, objects, &[Stage::Edge, Stage::Behind]).await
    }

    /// Pulls and pushes, in the order that leaves the least to chance: what was sent and never answered, what changed at
    /// the remote, what changed in the mirror, and what the remote's index shows late.
    pub async fn sync(&self, server_now: Timestamp, mappings: &[Mapping], objects: &[String]) -> Report {
        self.cycle(server_now, mappings, objects, &[Stage::Edge, Stage::Push, Stage::Behind]).await
    }

    /// Pushes alone.
    pub async fn push(&self, server_now: Timestamp, mappings: &[Mapping], objects: &[String]) -> Report {
        self.cycle(server_now, mappings, objects, &[Stage::Push]).await
    }

    async fn cycle(&self, server_now: Timestamp, mappings: &[Mapping], objects: &[String], stages: &[Stage]) -> Report {
        let mut report = Report { sends: stages.contains(&Stage::Push), ..Report::default() };
        if let Err(error) = self.pass_stages(&mut report, server_now, mappings, objects, stages).await {
            report.error = Some(error);
        }
        for part in report.objects.values_mut() {
            // Beside another error both are told, and the worse one counts.
            if part.error.is_none() {
                part.error = part.push_stopped.take();
            }
        }
        report
    }

    /// Opens a run: asks who answers, binds the mirror to that portal or refuses, and enters the run's row. `lock` is
    /// the mirror's, and remembers the run: a mirror that does not was restored from an older copy, is marked as such,
    /// and is read in full again.
    ///
    /// # Errors
    /// [`RunError::OtherThanNamed`] when another portal than `expected` answers,
    /// [`crate::store::StoreError::OtherPortal`] when the mirror holds another one; nothing has been written then.
    /// [`RunError::Remote`] when nobody answers; there is no row then.
    pub async fn begin_run(
        &self,
        command: &'static str,
        expected: Option<&str>,
        lock: &RunLock,
    ) -> Result<(Account, i64), RunError> {
        let account = self.remote().account().await?;
        if let Some(expected) = expected.filter(|expected| *expected != account.portal_id) {
            return Err(RunError::OtherThanNamed { named: expected.to_owned(), found: account.portal_id });
        }
        let remote_ahead = account.server_time.millis() - self.store().now().millis();
        let run = self.enter_run(command, Some((account.portal_id.clone(), remote_ahead)), lock).await?;
        Ok((account, run))
    }

    /// Opens a run that makes no call.
    ///
    /// # Errors
    /// When the mirror cannot be written.
    pub async fn begin_local_run(&self, command: &'static str, lock: &RunLock) -> Result<i64, RunError> {
        self.enter_run(command, None, lock).await
    }

    async fn enter_run(
        &self,
        command: &'static str,
        answered: Option<(String, i64)>,
        lock: &RunLock,
    ) -> Result<i64, RunError> {
        let known = lock.last_run();
        // On the disk before its number is noted outside: else power that fails would make it look like a restored copy.
        let (run, restored) = self
            .store()
            .write_durably(move |write| {
                if let Some((portal, remote_ahead)) = answered {
                    write.bind_portal(&portal)?;
                    write.keep_remote_ahead(remote_ahead)?;
                }
                Ok((write.begin_run(command, known)?, write.is_restored()?))
            })
            .await?;
        if let Err(error) = lock.note_run(run) {
            self.warn(format!("the lock file cannot be written, so a restored mirror would not be noticed: {error}"));
        }
        if restored {
            self.warn(RESTORED.to_owned());
        }
        self.store().call(move |store| store.belong_to_run(run)).await?;
        self.step("cycle.run_begun")?;
        Ok(run)
    }

    /// Closes the run's row.
    ///
    /// # Errors
    /// When the mirror cannot be written.
    pub async fn end_run(&self, totals: RunTotals) -> Result<(), RunError> {
        self.store().write(move |write| write.end_run(&totals)).await?;
        Ok(())
    }

    /// Makes the next pull of an object type a full backfill, if the last one was finished, or `always`. An unfinished
    /// one goes on where it was. Rows and edits stay.
    ///
    /// # Errors
    /// When the mirror cannot be written.
    pub async fn start_over(&self, object: &str, always: bool) -> Result<(), RunError> {
        let name = object.to_owned();
        let status = self.store().call(move |store| store.object_status(&name)).await?;
        if status.backfilled || always {
            let name = object.to_owned();
            self.store().write(move |write| write.restart(&name)).await?;
        }
        Ok(())
    }

    /// Compares object types with the mirror, record by record; writes nothing to their tables.
    pub async fn verify(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        objects: &[String],
    ) -> Result<BTreeMap<String, Result<Verification, RunError>>, RunError> {
        let mut prepared = Report::default();
        let tables = self.prepare(server_now, mappings, &mut prepared).await?;
        let mut found = BTreeMap::new();
        for (object, part) in prepared.objects {
            let why = part.error.or_else(|| part.skipped.map(RunError::LeftOut));
            if let Some(why) = why.filter(|_| objects.contains(&object)) {
                found.insert(object, Err(why));
            }
        }
        for table in tables.iter().filter(|table| objects.iter().any(|object| object == table.object())) {
            found.insert(table.object().to_owned(), self.verify_object(table).await);
        }
        Ok(found)
    }

    async fn pass_stages(
        &self,
        report: &mut Report,
        server_now: Timestamp,
        mappings: &[Mapping],
        objects: &[String],
        stages: &[Stage],
    ) -> Result<(), RunError> {
        let mut tables = self.prepare(server_now, mappings, report).await?;
        let asked = |object: &str| objects.is_empty() || objects.iter().any(|name| name == object);
        tables.retain(|table| asked(table.object()));
        report.objects.retain(|object, part| part.error.is_none() || asked(object));
        report.restored = self.store().call(|store| store.is_restored()).await?;
        let full_look = report.daily || report.restored;
        for table in &tables {
            let part = ObjectReport { full_look, ..ObjectReport::default() };
            report.objects.entry(table.object().to_owned()).or_insert(part);
        }
        for stage in [Stage::Recover].iter().chain(stages) {
            match stage {
                Stage::Push => self.push_tables(&tables, stages.contains(&Stage::Edge), report).await?,
                stage => self.side_by_side(*stage, &tables, server_now, report).await?,
            }
        }
        match stages.contains(&Stage::Push) {
            true => self.note_what_is_left(&tables, report).await?,
            false => self.note_what_is_gone(&tables).await?,
        }
        let reads = stages.contains(&Stage::Edge);
        if reads && report.restored {
            let mapped: Vec<String> = mappings.iter().map(|mapping| mapping.object.clone()).collect();
            self.store().write(move |write| write.forget_restored(&mapped)).await?;
        }
        (report.open_conflicts, report.open_rejects) =
            self.store().call(|store| Ok((store.open_conflicts()?, store.open_rejects()?))).await?;
        self.forget_log(server_now).await
    }

    /// Forgets what earlier runs logged too long ago: some of it, if there is much.
    async fn forget_log(&self, server_now: Timestamp) -> Result<(), RunError> {
        let keep = self.pull_settings().keep_log;
        for _ in 0..LOG_PAGES {
            let gone = self.store().write(move |write| write.forget_log(server_now, keep, LOG_ROWS)).await?;
            if gone == 0 {
                break;
            }
            self.step("cycle.log_forgotten")?;
        }
        Ok(())
    }

    /// Takes every table that nothing went wrong with through a stage, all at once.
    async fn side_by_side(
        &self,
        stage: Stage,
        tables: &[Arc<Table>],
        server_now: Timestamp,
        report: &mut Report,
    ) -> Result<(), RunError> {
        let mut tasks = JoinSet::new();
        for table in tables {
            let Some(mut part) = report.objects.remove(table.object()) else { continue };
            let (engine, table) = (self.clone(), Arc::clone(table));
            if part.error.is_some() || part.skipped.is_some() {
                report.objects.insert(table.object().to_owned(), part);
                continue;
            }
            tasks.spawn(async move {
                let ended = engine.pass_stage(stage, &table, server_now, &mut part).await;
                (table.object().to_owned(), part, ended)
            });
        }
        while let Some(task) = tasks.join_next().await {
            let (object, mut part, ended) = task.map_err(|error| RunError::Task(error.to_string()))?;
            if let Err(error) = ended {
                self.settle_error(&object, &mut part, error);
            }
            report.objects.insert(object, part);
        }
        Ok(())
    }

    async fn pass_stage(
        &self,
        stage: Stage,
        table: &Arc<Table>,
        server_now: Timestamp,
        part: &mut ObjectReport,
    ) -> Result<(), RunError> {
        match stage {
            Stage::Recover => {
                part.pushed.add(self.recover(table, server_now).await?);
                part.pushed.overwritten += self.recover_audit(table).await?;
                Ok(())
            }
            Stage::Edge => self.pull_edge(table, server_now, part).await,
            Stage::Behind => self.pull_behind(table, server_now, part).await,
            Stage::Push => Ok(()),
        }
    }

    /// A missing scope takes one object type out of the run; everything else is an error.
    pub(crate) fn settle_error(&self, object: &str, part: &mut ObjectReport, error: RunError) {
        match error {
            RunError::Remote(error) if error.kind == RemoteErrorKind::MissingScope => {
                self.say(Event::Warning(format!("{object} was left out: {error}")));
                part.skipped = Some(error.to_string());
            }
            error => part.error = Some(error),
        }
    }

    /// The same for an error of a push. A belt or too many failures stop the push alone: the mirror must not grow stale for
    /// as long as nobody lifts the belt.
    pub(crate) fn settle_push_error(&self, object: &str, part: &mut ObjectReport, error: RunError) {
        match error {
            RunError::Belt(_) | RunError::Storm(_) => part.push_stopped = Some(error),
            error => self.settle_error(object, part, error),
        }
    }
}
