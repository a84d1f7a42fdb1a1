//! Pushing: what people changed in the mirror goes to the remote, once, and never over what somebody changed there.
//!
//! * Only what differs from the base is sent. Right before, its records are read again, and what changed there meanwhile
//!   is merged as a pull would: a remote has no compare-and-swap, so this is as near as one can get.
//! * What is about to be sent is in the journal, on the disk, before the first byte leaves. An answer that never came
//!   leaves its entry open: the next run looks at the record before anything else of it is sent.
//! * Creates come first, then updates, then associations, whose ends have records by then, then archives. A belt stops an
//!   object type before anything of it is sent.

mod archives;
mod audit;
mod breaker;
mod creates;
mod decisions;
mod evidence;
mod extent;
mod intend;
mod links;
mod look;
mod lookalikes;
mod recover;
mod scope;
mod send;
mod survey;
mod undo;
mod updates;

pub use extent::HeldBack;
pub(crate) use scope::Scope;
pub use survey::{PlannedObject, Survey};
pub use undo::TakenBack;

use crate::engine::Engine;
use crate::error::RunError;
use crate::plan::belts::Belt;
use crate::plan::changes::Operation;
use crate::remote::Remote;
use crate::report::Report;
use crate::store::{Suspect, Table};
use breaker::Breaker;
use std::collections::BTreeMap;
use std::sync::Arc;
use survey::Due;
use tokio::task::JoinSet;

/// How pushing behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct PushSettings {
    /// How many records may be archived at once.
    pub max_archives: Belt,
    /// How many a person lets be archived in this run, whatever the belt says.
    pub allow_archives: Option<u64>,
    /// How many records may be updated at once.
    pub max_updates: Belt,
    /// How many a person lets be updated in this run, whatever the belt says.
    pub allow_updates: Option<u64>,
    /// Whether the history of what was updated is read afterwards, to find what was written over unseen.
    pub verify: bool,
    /// How many batches of one object type are on their way at once.
    pub batches: usize,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            max_archives: Belt { percent: 1.0, at_least: 20 },
            allow_archives: None,
            max_updates: Belt { percent: 20.0, at_least: 500 },
            allow_updates: None,
            verify: false,
            batches: 8,
        }
    }
}

/// What a push did to one object type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Records that were made.
    pub created: u64,
    /// New rows whose records were there already.
    pub adopted: u64,
    /// Records that were changed.
    pub updated: u64,
    /// Records that were archived.
    pub archived: u64,
    /// Pairs of records whose associations were written.
    pub linked: u64,
    /// Pairs of records that were taken apart.
    pub unlinked: u64,
    /// Changes that were refused, or that cannot be sent as they are.
    pub refused: u64,
    /// Changes whose outcome nobody knows yet.
    pub unknown: u64,
    /// New rows that nothing but their values tells, and that are sent again because no record like them is found: look
    /// for a second one.
    pub sent_again: u64,
    /// Rows with changes that wait for a person.
    pub waiting: u64,
    /// Changes that the next push sends: made meanwhile, or beside something that was refused.
    pub left: u64,
    /// Fields that others had changed too, seen when their records were read right before the write.
    pub conflicts: u64,
    /// Values of others that were written over in the moment between look and write; each is a conflict.
    pub overwritten: u64,
}

impl Pushed {
    /// Adds what another batch did.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.adopted += other.adopted;
        self.updated += other.updated;
        self.archived += other.archived;
        self.linked += other.linked;
        self.unlinked += other.unlinked;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.sent_again += other.sent_again;
        self.waiting += other.waiting;
        self.left += other.left;
        self.conflicts += other.conflicts;
        self.overwritten += other.overwritten;
    }

    /// Records that changed at the remote.
    pub fn written(&self) -> u64 {
        self.created + self.updated + self.archived
    }
}

const ORDER: [Operation; 3] = [Operation::Create, Operation::Update, Operation::Archive];

impl<R: Remote + 'static> Engine<R> {
    /// Pushes what changed in these tables. What goes wrong with one does not stop the others; what is wrong with the
    /// remote as a whole stops them all.
    ///
    /// `looked` says that the run has compared everything already that is due to be compared in full.
    pub(crate) async fn push_tables(
        &self,
        tables: &[Arc<Table>],
        looked: bool,
        report: &mut Report,
    ) -> Result<(), RunError> {
        let (mut open, mut due): (Vec<Arc<Table>>, BTreeMap<String, Due>) = Default::default();
        let mut held = BTreeMap::new();
        for table in tables {
            let part = report.objects.entry(table.object().to_owned()).or_default();
            if part.error.is_some() || part.skipped.is_some() {
                continue;
            }
            match self.admit(table, part.full_look, looked).await {
                Ok(None) => {}
                Ok(Some((found, back))) => {
                    part.pushed.refused += found.unsendable;
                    held.extend(back.map(|back| (table.object().to_owned(), back)));
                    due.insert(table.object().to_owned(), found);
                    open.push(Arc::clone(table));
                }
                Err(error) => self.settle_push_error(table.object(), part, error),
            }
        }
        let full = report.daily || report.restored;
        if !open.is_empty() {
            self.links_within_belts(&open, full, &mut held, report).await?;
        }
        for (object, held) in held {
            open.retain(|table| table.object() != object);
            report.objects.entry(object).or_default().push_stopped = Some(held.into());
        }
        let breaker = Arc::new(Breaker::default());
        for operation in ORDER {
            if operation == Operation::Archive && !open.is_empty() {
                self.push_links(&open, &breaker, report).await?;
            }
            let mut tasks = JoinSet::new();
            for table in &open {
                let work = due.get_mut(table.object()).map(|due| due.take(operation)).unwrap_or_default();
                let adopted = report.objects.get(table.object()).map_or(0, |part| part.pushed.adopted);
                let (engine, table, breaker) = (self.clone(), Arc::clone(table), Arc::clone(&breaker));
                tasks.spawn(async move {
                    let mut pushed = Pushed::default();
                    let ended = engine.push_operation(&table, operation, work, adopted, &breaker, &mut pushed).await;
                    (table.object().to_owned(), pushed, ended)
                });
            }
            self.gather(tasks, &mut open, report).await?;
        }
        Ok(())
    }

    /// What may be sent of a table's changes, and what belts hold it back: nothing before it was read in full.
    async fn admit(
        &self,
        table: &Arc<Table>,
        full_look: bool,
        looked: bool,
    ) -> Result<Option<(Due, Option<HeldBack>)>, RunError> {
        let object = table.object().to_owned();
        let (status, unguarded) =
            self.store().call(move |store| Ok((store.object_status(&object)?, store.was_unguarded(&object)))).await?;
        if !status.backfilled {
            self.warn(format!("edits of {} are sent once it has been read in full", table.object()));
            return Ok(None);
        }
        if !looked && (full_look || unguarded) {
            self.heal(table, true).await?;
        }
        self.look_what_is_due(table).await.map(Some)
    }

    async fn gather(
        &self,
        mut tasks: JoinSet<(String, Pushed, Result<(), RunError>)>,
        open: &mut Vec<Arc<Table>>,
        report: &mut Report,
    ) -> Result<(), RunError> {
        while let Some(task) = tasks.join_next().await {
            let (object, pushed, ended) = task.map_err(|error| RunError::Task(error.to_string()))?;
            let part = report.objects.entry(object.clone()).or_default();
            part.pushed.add(pushed);
            if let Err(error) = ended {
                open.retain(|table| table.object() != object);
                self.settle_push_error(&object, part, error);
            }
        }
        Ok(())
    }

    async fn push_operation(
        &self,
        table: &Arc<Table>,
        operation: Operation,
        mut suspects: Vec<Suspect>,
        adopted: u64,
        breaker: &Arc<Breaker>,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        if operation == Operation::Update {
            let since = self.edited_since(table, &suspects, adopted).await?;
            suspects.extend(since);
        }
        let size = self.remote().batch_size().max(1);
        let mut batches = suspects.chunks(size).map(<[_]>::to_vec);
        let mut tasks = JoinSet::new();
        let mut failed = None;
        loop {
            while failed.is_none() && tasks.len() < self.push_settings().batches.max(1) {
                let Some(batch) = batches.next() else { break };
                let (engine, table, breaker) = (self.clone(), Arc::clone(table), Arc::clone(breaker));
                tasks.spawn(async move {
                    let mut pushed = Pushed::default();
                    let ended = match operation {
                        Operation::Create => engine.push_creates(&table, batch, &breaker, &mut pushed).await,
                        Operation::Update => engine.push_updates(&table, batch, &breaker, &mut pushed).await,
                        Operation::Archive => engine.push_archives(&table, batch, &breaker, &mut pushed).await,
                    };
                    (pushed, ended)
                });
            }
            let Some(task) = tasks.join_next().await else { break };
            let (done, ended) = task.map_err(|error| RunError::Task(error.to_string()))?;
            pushed.add(done);
            if let Err(error) = ended {
                // What is on its way comes to its end: its answers are worth having.
                failed.get_or_insert(error);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if operation == Operation::Update {
            pushed.overwritten += self.audit(table).await?;
        }
        Ok(())
    }
}
