//! Associations: all of them once, then those of every record that changed, whoever notices that: a pass, or a look at
//! records outside of one, after which no pass would find them changed any more.
//!
//! A pair of object types is stored in one direction. Of a changed record on its `to` side the remote tells who the
//! neighbours are; these are then asked in the stored direction, because kinds have different numbers each way.

use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::events::{Event, Phase};
use crate::model::{Association, Record, RecordId, Timestamp};
use crate::remote::{Remote, SoleLabel};
use crate::report::ObjectReport;
use crate::store::{LinkEntry, Pair, StoreError, Table, Walk, Write};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// Records asked for at once: what one call takes.
pub(super) const AT_ONCE: usize = 1_000;

/// Which walk over a pair it is, and how long it may take.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// The first walk, or a sweep's.
    pub(super) phase: Phase,
    /// The remote's time when it began.
    pub(super) began: Timestamp,
    /// When to stop for this run.
    pub(super) deadline: Option<Instant>,
}

impl Extent {
    /// The first walk over a pair, as long as it takes.
    pub(super) fn first(began: Timestamp) -> Self {
        Self { phase: Phase::Associations, began, deadline: None }
    }
}

/// What the remote told about pairs, for some records. While it lives no other task writes these pairs.
#[derive(Default)]
pub(crate) struct Answers {
    told: Vec<Told>,
    _held: Vec<OwnedMutexGuard<()>>,
}

/// What the remote told about one pair.
struct Told {
    pair: Pair,
    answers: Vec<Association>,
    /// What an earlier run sent of the pair and never heard of again, to be settled by these answers.
    sent: Vec<LinkEntry>,
    sole: Option<SoleLabel>,
}

impl Told {
    fn of(pair: &Pair, answers: Vec<Association>) -> Self {
        Self { pair: pair.clone(), answers, sent: Vec::new(), sole: None }
    }
}

impl Answers {
    /// Writes what was told, in the transaction that applies the records. Returns how many records' associations changed.
    pub(crate) fn apply(&self, write: &Write<'_>) -> Result<u64, StoreError> {
        let mut changed = 0;
        for Told { pair, answers, sent, sole } in &self.told {
            if !sent.is_empty() {
                write.settle_links(pair, sent, answers, false, *sole)?;
            }
            changed += write.apply_associations(pair, answers)?;
        }
        Ok(changed)
    }
}

impl<R: Remote + 'static> Engine<R> {
    /// Reads the associations of every active record of a table to another object type, going on where it was.
    /// Says whether it came to the end.
    pub(super) async fn walk_associations(
        &self,
        table: &Arc<Table>,
        pair: &Pair,
        extent: Extent,
        report: &mut ObjectReport,
    ) -> Result<bool, RunError> {
        let phase = extent.phase;
        let name = pair.name();
        let (stored, total) = self
            .store()
            .call({
                let (name, object) = (name.clone(), table.object().to_owned());
                move |store| Ok((store.walk(&name, phase)?, store.row_count(&object)?))
            })
            .await?;
        let mut walk = stored.unwrap_or_else(|| Walk::new(extent.began));
        if walk.done {
            return Ok(true);
        }
        let mut row = walk.position.as_deref().and_then(|row| row.parse().ok()).unwrap_or(0);
        self.say(Event::Started {
            object: name.clone(),
            phase,
            total: Some(total),
            done: u64::try_from(row).unwrap_or(0),
        });
        // However short the time, one step is taken: a walk that never moves would never end.
        let mut first = true;
        let in_time = || extent.deadline.is_none_or(|deadline| Instant::now() < deadline);
        while !walk.done && (std::mem::take(&mut first) || in_time()) {
            let object = table.object().to_owned();
            let (ids, last) = self.store().call(move |store| store.ids_after(&object, row, AT_ONCE)).await?;
            let held = self.hold_pairs(std::iter::once(pair)).await;
            // Left undone: a later run asks again, in case it may then.
            let Some(answers) = self.ask(&pair.from, &pair.to, &ids).await? else { return Ok(true) };
            self.step("associations.read")?;
            row = last;
            walk.position = Some(row.to_string());
            walk.done = ids.len() < AT_ONCE;
            let (cursor, pair, stored) = (name.clone(), pair.clone(), walk.clone());
            report.associations += self
                .store()
                .write(move |write| {
                    write.save_walk(&cursor, phase, &stored)?;
                    write.apply_associations(&pair, &answers)
                })
                .await?;
            drop(held);
            self.step("associations.written")?;
            self.advanced(&name, phase, ids.len());
        }
        self.say(Event::Finished { object: name, phase });
        Ok(walk.done)
    }

    /// Reads the associations of records that changed, in every mirrored pair that they are an end of.
    pub(super) async fn associations_of(&self, table: &Table, changed: &[RecordId]) -> Result<Answers, RunError> {
        if changed.is_empty() {
            return Ok(Answers::default());
        }
        let held = self.hold_pairs(table.pairs.iter()).await;
        let mut told = Vec::new();
        for pair in table.outgoing() {
            if let Some(answers) = self.ask(&pair.from, &pair.to, changed).await? {
                told.push(Told::of(pair, answers));
            }
        }
        for pair in table.incoming() {
            let Some(reverse) = self.ask(&pair.to, &pair.from, changed).await? else { continue };
            let mut neighbours: BTreeSet<RecordId> =
                reverse.into_iter().flat_map(|answer| answer.to).map(|to| to.id).collect();
            let (stored_in, ids) = (pair.clone(), changed.to_vec());
            neighbours.extend(self.store().call(move |store| store.stored_neighbours(&stored_in, &ids)).await?);
            let neighbours: Vec<RecordId> = neighbours.into_iter().collect();
            if let Some(answers) = self.ask(&pair.from, &pair.to, &neighbours).await? {
                told.push(Told::of(pair, answers));
            }
        }
        Ok(Answers { told, _held: held })
    }

    /// The same of records that were looked at outside of the passes, as far as they changed since they were read last; where
    /// none did, no call is made. It is written with the records, or neither is: then they still count as changed.
    pub(crate) async fn associations_of_changed(&self, table: &Table, looked: &[Record]) -> Result<Answers, RunError> {
        if table.pairs.is_empty() {
            return Ok(Answers::default());
        }
        let seen: Vec<(RecordId, Timestamp)> =
            looked.iter().map(|record| (record.id.clone(), record.updated_at)).collect();
        let object = table.object().to_owned();
        let changed = self.store().call(move |store| store.stale(&object, &seen)).await?;
        let mut answers = self.associations_of(table, &changed).await?;
        // A look may come before what was sent of a pair is looked after, and must not take that for what others did.
        for told in &mut answers.told {
            let of = told.pair.clone();
            told.sent = self.store().call(move |store| store.unsettled_links(&of)).await?;
            told.sole = self.remote().sole_label(&told.pair.from, &told.pair.to);
        }
        Ok(answers)
    }

    /// Asks for associations; asks once more for records that the remote said nothing about. What it is silent about
    /// twice stays as it is in the mirror. `None` when the credential may not read this pair, which is told; the rest of
    /// the object type goes on.
    pub(crate) async fn ask(
        &self,
        from: &str,
        to: &str,
        ids: &[RecordId],
    ) -> Result<Option<Vec<Association>>, RunError> {
        let mut answers: Vec<Association> = Vec::with_capacity(ids.len());
        let mut silent: Vec<RecordId> = ids.to_vec();
        for _ in 0..2 {
            for chunk in silent.chunks(AT_ONCE) {
                match self.remote().associations(from, to, chunk).await {
                    Ok(told) => answers.extend(told),
                    Err(error) if matches!(error.kind, RemoteErrorKind::MissingScope | RemoteErrorKind::NotFound) => {
                        self.warn(format!("associations of {from} with {to} were left out: {error}"));
                        return Ok(None);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let told: BTreeSet<&RecordId> = answers.iter().map(|answer| &answer.from).collect();
            silent.retain(|id| !told.contains(id));
        }
        if !silent.is_empty() {
            tracing::debug!("nothing was told about the {to} of {} {from}; they stay as they are", silent.len());
        }
        Ok(Some(answers))
    }
}
