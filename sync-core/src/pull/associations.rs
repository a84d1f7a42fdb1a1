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
use mappings::Mapping;
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

fn is_configured(mappings: &[Mapping], object: &str) -> bool {
    mappings.iter().any(|mapping| mapping.object == object)
}

/// Whether a pair is mirrored, in either direction. One whose object type is configured and could not be prepared may be
/// again in the next run.
fn is_kept(pair: &Pair, mappings: &[Mapping], tables: &[Arc<Table>]) -> bool {
    let ends = [pair.from.as_str(), pair.to.as_str()];
    let turned = Pair { from: pair.to.clone(), to: pair.from.clone() };
    let named = Pair::named_by(mappings).iter().any(|named| *named == *pair || *named == turned);
    let is_left_out =
        |object: &str| is_configured(mappings, object) && !tables.iter().any(|table| table.object() == object);
    named && ends.into_iter().all(|object| is_configured(mappings, object)) || ends.into_iter().any(is_left_out)
}

/// What is told of a pair that is mirrored no more.
fn no_longer_mirrored(pair: &Pair, mappings: &[Mapping], rows: u64, changed: u64) -> String {
    let absent = [&pair.from, &pair.to].into_iter().find(|object| !is_configured(mappings, object));
    let why = match absent {
        Some(object) => format!("{object} is not among the configured objects"),
        None => "no mapping names them".to_owned(),
    };
    let rows = match rows {
        1 => "1 row was removed".to_owned(),
        rows => format!("{rows} rows were removed"),
    };
    // What was taken away leaves nothing behind that could be refused later.
    let lost = match changed {
        0 => String::new(),
        changed => format!(", and what people had changed or taken away of {changed} more is not sent"),
    };
    format!("associations of {} with {} are no longer mirrored: {why}; {rows}{lost}", pair.from, pair.to)
}

impl<R: Remote + 'static> Engine<R> {
    /// Forgets what both sides agreed on of pairs that are mirrored no more: nobody reads them, so it would grow stale. What
    /// counts is all that is configured, not what a run is limited to.
    pub(super) async fn forget_unmapped_pairs(
        &self,
        mappings: &[Mapping],
        tables: &[Arc<Table>],
    ) -> Result<(), RunError> {
        let pairs = self.store().call(|store| store.settled_pairs()).await?;
        for pair in pairs.into_iter().filter(|pair| !is_kept(pair, mappings, tables)) {
            let (mut rows, mut changed, mut views) = (0, 0, 0);
            let mut from: Option<String> = None;
            loop {
                let forgetting = pair.clone();
                let forgotten =
                    self.store().write(move |write| write.forget_pair(&forgetting, from.as_deref())).await?;
                self.step("associations.forgotten")?;
                rows += forgotten.rows;
                changed += forgotten.changed;
                views += forgotten.views;
                from = forgotten.next;
                if from.is_none() {
                    break;
                }
            }
            if rows + changed + views > 0 {
                self.warn(no_longer_mirrored(&pair, mappings, rows, changed));
            }
        }
        Ok(())
    }

    /// Tells of associations with an object type that neither is configured nor known to the portal, where another name
    /// was probably meant.
    pub(super) async fn tell_misnamed_pairs(&self, mappings: &[Mapping]) -> Result<(), RunError> {
        let types = self.store().call(|store| store.object_types()).await?;
        let is_known = |name: &str| {
            types.iter().any(|known| {
                known.name == name
                    || known.object_type_id == name
                    || known.fully_qualified_name.as_deref() == Some(name)
            })
        };
        for mapping in mappings {
            for (name, meant) in mapping.misnamed_associations(mappings) {
                if !is_known(&name) {
                    self.warn(format!(
                        "{}: associations with {name} are not mirrored: {name} is not among the configured objects (did \
                         you mean {meant}?)",
                        mapping.object
                    ));
                }
            }
        }
        Ok(())
    }

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
