//! Associations on their way: read again, merged, entered, sent, and read once more.
//!
//! * A remote sets all labels of a pair at once, so what it holds is read right before, and what somebody added there
//!   stays.
//! * It adds kinds of its own accord (the unlabeled one, a primary one), so what was written is read right after.
//! * An entry stays open until then: a stop at any place is looked at by the next run, which reads the pair.

use super::Pushed;
use super::breaker::Breaker;
use super::extent::{HeldBack, loses, losing};
use super::look::fresh;
use super::send::refusal_of;
use crate::engine::Engine;
use crate::error::{RemoteErrorKind, RunError};
use crate::model::RecordId;
use crate::remote::{Once, Outcome, PairLabels, Refusal, Remote, SoleLabel};
use crate::report::{ObjectReport, Report};
use crate::store::{LinkChange, LinkEntry, LinkLook, LinkSuspect, Pair, SettledLinks, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Records that are read and written at once: what one call reads.
const AT_ONCE: usize = 1_000;

impl<R: Remote + 'static> Engine<R> {
    /// Pushes the associations between these tables and others.
    pub(super) async fn push_links(
        &self,
        tables: &[Arc<Table>],
        breaker: &Breaker,
        report: &mut Report,
    ) -> Result<(), RunError> {
        let LinkLook { changes, refused, waiting, .. } = self.survey_links(false).await?;
        for (object, count) in refused {
            pushed_of(report, &object).refused += count;
        }
        for (object, count) in waiting {
            pushed_of(report, &object).waiting += count;
        }
        let mut wanted: BTreeMap<Pair, BTreeSet<String>> = BTreeMap::new();
        let mut ends: BTreeMap<Pair, Vec<RecordId>> = BTreeMap::new();
        for change in changes.into_iter().filter(|change| self.scope().holds(change)) {
            if self.sole_label_given(&change).is_some_and(|sole| sole.once == Once::To) {
                ends.entry(change.pair.clone()).or_default().push(change.to.clone());
            }
            wanted.entry(change.pair).or_default().insert(change.from.as_str().to_owned());
        }
        let open = |object: &str| tables.iter().any(|table| table.object() == object);
        for (pair, from) in wanted {
            let failed = |object: &String| report.objects.get(object).is_some_and(ObjectReport::is_out);
            if !(open(&pair.from) || open(&pair.to)) || failed(&pair.from) || failed(&pair.to) {
                continue;
            }
            let mut from: BTreeSet<RecordId> = from.into_iter().map(RecordId::from).collect();
            // What one of them gains another one loses, which is then told of it: so that one is read before, too.
            let ends = ends.remove(&pair).unwrap_or_default();
            from.extend(self.neighbours_there(&pair, &ends).await?);
            let (_, mut room) = self.link_belt(&pair).await?;
            for some in Vec::from_iter(from).chunks(AT_ONCE) {
                let mut pushed = Pushed::default();
                let ended = self.push_pair(&pair, some, &mut room, breaker, &mut pushed).await;
                pushed_of(report, &pair.from).add(pushed);
                if let Err(error) = ended {
                    let name = part_name(report, &pair.from);
                    let part = report.objects.entry(name).or_default();
                    self.settle_push_error(&pair.from, part, error);
                    break;
                }
            }
        }
        self.step("push.linked")
    }

    /// Looks whether the belts let everything through that is to be taken apart between these tables and others, before
    /// anything is sent. Those that do not are added to `held`, by object type.
    pub(super) async fn links_within_belts(
        &self,
        tables: &[Arc<Table>],
        full: bool,
        held: &mut BTreeMap<String, HeldBack>,
        report: &mut Report,
    ) -> Result<(), RunError> {
        let look = self.survey_links(full).await?;
        for (object, count) in look.refused {
            pushed_of(report, &object).refused += count;
        }
        let due: Vec<LinkChange> = look.changes.into_iter().filter(|change| self.scope().holds(change)).collect();
        for (pair, losing) in losing(&due) {
            let ends = [&pair.from, &pair.to];
            let is_out = |object: &&String| report.objects.get(*object).is_some_and(ObjectReport::is_out);
            let is_open = |object: &&String| tables.iter().any(|table| table.object() == **object);
            // Of an end that is held back already nothing is sent, so no other one is held back for it.
            let stopped = ends.into_iter().find(|end| held.contains_key(*end));
            let Some(object) = stopped.or_else(|| ends.into_iter().find(is_open)) else { continue };
            if ends.iter().any(is_out) {
                continue;
            }
            if let Some(more) = self.links_held_back(&pair, losing).await? {
                held.entry(object.clone()).or_default().and(more);
            }
        }
        Ok(())
    }

    /// The belt of updates, where it holds back that so many pairs of records lose labels: a tool that empties the table
    /// of associations must not take a portal apart.
    pub(super) async fn links_held_back(&self, pair: &Pair, losing: u64) -> Result<Option<HeldBack>, RunError> {
        let (known, most) = self.link_belt(pair).await?;
        Ok((losing > most).then(|| {
            let why = format!(
                "{losing} of {known} associations of {} and {} were taken away and {most} may be at once",
                pair.from, pair.to
            );
            HeldBack::updates(why, losing)
        }))
    }

    /// How many pairs of records are associated, and how many of them may lose labels in one run.
    async fn link_belt(&self, pair: &Pair) -> Result<(u64, u64), RunError> {
        let of = pair.clone();
        let known = self.store().call(move |store| store.linked_pairs(&of)).await?;
        let settings = self.push_settings();
        Ok((known, settings.max_updates.limit(known, settings.allow_updates)))
    }

    /// What is to be pushed of associations; what cannot be becomes a reject.
    pub(super) async fn survey_links(&self, full: bool) -> Result<LinkLook, RunError> {
        let unguarded = self.store().call(|store| Ok(store.was_unguarded("associations"))).await?;
        if full || unguarded {
            let changed = self.store().call(|store| store.diff_links()).await?;
            for some in changed.chunks(AT_ONCE) {
                let some = some.to_vec();
                self.store().write(move |write| write.note_links(&some)).await?;
            }
            self.store().write(|write| write.looked_in_full("associations")).await?;
        }
        let suspects = self.store().call(|store| store.link_suspects()).await?;
        let mut look = LinkLook::default();
        for some in suspects.chunks(AT_ONCE) {
            let some = some.to_vec();
            look.add(self.store().write(move |write| write.look_at_links(&some)).await?);
            self.step("push.links_compared")?;
        }
        Ok(look)
    }

    /// Finds out what became of writes of pairs that were never answered: each pair is read, and what it does not hold is
    /// pending again. Returns how many are still not known.
    pub(super) async fn recover_links(&self, table: &Table) -> Result<u64, RunError> {
        let mut open = 0;
        for pair in table.outgoing() {
            let of = pair.clone();
            let entries = self.store().call(move |store| store.unsettled_links(&of)).await?;
            for some in entries.chunks(AT_ONCE) {
                let _held = self.hold_pairs(std::iter::once(pair)).await;
                open += self.settle_by_reading(pair, some.to_vec(), false).await?.open;
            }
        }
        Ok(open)
    }

    /// Pushes the pairs of these records. No more than `room` of them lose labels: what somebody takes apart after the
    /// belts were looked at is the next run's, and its belts'.
    async fn push_pair(
        &self,
        pair: &Pair,
        from: &[RecordId],
        room: &mut u64,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        breaker.check()?;
        let _held = self.hold_pairs(std::iter::once(pair)).await;
        let Some(answers) = fresh(|| self.ask(&pair.from, &pair.to, from)).await? else { return Ok(()) };
        self.step("push.links_read")?;
        let suspect = |id: &str| LinkSuspect { id: id.to_owned(), rows: Vec::new() };
        let suspects: Vec<LinkSuspect> = answers.iter().map(|answer| suspect(answer.from.as_str())).collect();
        let (of, scope, left) = (pair.clone(), Arc::clone(self.scope()), *room);
        let (entries, refused) = self
            .store()
            .write_durably(move |write| {
                // What changed there meanwhile is merged first: what is then still wished is sent.
                write.apply_associations(&of, &answers)?;
                let look = write.look_at_links(&suspects)?;
                let mut due = look.changes;
                due.retain(|change| change.pair == of && scope.holds(change));
                if due.iter().filter(|change| loses(change)).count() as u64 > left {
                    due.retain(|change| !loses(change));
                }
                let entries = due.into_iter().map(|change| write.intend_link(change)).collect::<Result<Vec<_>, _>>()?;
                write.step("push.links_intending")?;
                Ok((entries, look.refused.values().sum::<u64>()))
            })
            .await?;
        pushed.refused += refused;
        *room -= entries.iter().filter(|entry| loses(&entry.change)).count() as u64;
        self.step("push.links_intended")?;
        let suspects: Vec<LinkSuspect> = entries.iter().map(|entry| suspect(entry.change.from.as_str())).collect();
        self.deliver_links(pair, entries, breaker, pushed).await?;
        // What is as both sides agreed by now needs no hint any more.
        self.store().write(move |write| write.look_at_links(&suspects)).await?;
        Ok(())
    }

    /// Sends entries that are in the journal already: first what is added, then what is taken apart. A label that only one
    /// pair of a record can have is given after other pairs were set: one that still had it would take it back. A batch
    /// that is refused as a whole is halved until the pairs to blame stand alone.
    async fn deliver_links(
        &self,
        pair: &Pair,
        entries: Vec<LinkEntry>,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<(), RunError> {
        let (apart, together): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.change.local.is_empty());
        let (given, kept): (Vec<_>, Vec<_>) =
            together.into_iter().partition(|entry| self.sole_label_given(&entry.change).is_some());
        let mut parts = vec![apart, given, kept];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if let Err(error) = breaker.check() {
                parts.push(part);
                self.call_links_off(parts, &error).await?;
                return Err(error);
            }
            self.step("push.before_links_sent")?;
            let answer = self.send_links(pair, &part).await;
            self.step("push.links_answered")?;
            match answer {
                Ok(outcomes) => {
                    let mut sorted = Sorted::of(part, outcomes);
                    let not_done = std::mem::take(&mut sorted.not_done);
                    breaker.note(sorted.done.is_empty() && sorted.refused.is_empty());
                    let mut why = not_done.iter().map(|(_, error)| error);
                    let why = why.find(|error| error.kind != RemoteErrorKind::Refused).cloned();
                    parts.push(not_done.into_iter().map(|(entry, _)| entry).collect());
                    if let Some(error) = why.map(RunError::from) {
                        self.call_links_off(parts, &error).await?;
                        self.settle_sorted_links(pair, sorted, pushed).await?;
                        return Err(error);
                    }
                    if let Err(error) = self.settle_sorted_links(pair, sorted, pushed).await {
                        self.call_links_off(parts, &error).await?;
                        return Err(error);
                    }
                }
                Err(error) if error.kind == RemoteErrorKind::Refused && part.len() > 1 => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
                Err(error) if error.kind == RemoteErrorKind::Refused => {
                    let refusal = refusal_of(&error);
                    let refused = part.into_iter().map(|entry| (entry, refusal.clone())).collect();
                    self.settle_sorted_links(pair, Sorted { refused, ..Sorted::default() }, pushed).await?;
                }
                Err(error) => {
                    breaker.note(true);
                    parts.push(part);
                    let error = RunError::from(error);
                    self.call_links_off(parts, &error).await?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn send_links(&self, pair: &Pair, part: &[LinkEntry]) -> Result<Vec<Outcome<()>>, crate::error::RemoteError> {
        let apart = part.first().is_some_and(|entry| entry.change.local.is_empty());
        if apart {
            let ends = part.iter().map(|entry| (entry.change.from.clone(), entry.change.to.clone()));
            return self.remote().unlink(&pair.from, &pair.to, &ends.collect::<Vec<_>>()).await;
        }
        let labels = |LinkEntry { change, .. }: &LinkEntry| PairLabels {
            from: change.from.clone(),
            to: change.to.clone(),
            types: change
                .local
                .iter()
                .filter_map(|kind| Some((kind.category.clone(), u64::try_from(kind.type_id).ok()?)))
                .collect(),
        };
        let pairs: Vec<PairLabels> = part.iter().map(labels).collect();
        self.remote().relabel(&pair.from, &pair.to, &pairs).await
    }

    /// The label that only one pair of a record can have, where the change gives it to a pair.
    fn sole_label_given(&self, change: &LinkChange) -> Option<SoleLabel> {
        let sole = self.remote().sole_label(&change.pair.from, &change.pair.to)?;
        change.gives(sole.label).then_some(sole)
    }

    /// The records that the remote tells as neighbours of these, which stand on the `to` side of the pair, as far as the
    /// mirror has them.
    pub(super) async fn neighbours_there(
        &self,
        pair: &Pair,
        ends: &[RecordId],
    ) -> Result<BTreeSet<RecordId>, RunError> {
        let mut neighbours = BTreeSet::new();
        for some in ends.chunks(AT_ONCE) {
            let answers = self.ask(&pair.to, &pair.from, some).await?.unwrap_or_default();
            let told = answers.into_iter().flat_map(|answer| answer.to).map(|neighbour| neighbour.id);
            let (told, object) = (told.collect::<Vec<_>>(), pair.from.clone());
            neighbours.extend(self.store().call(move |store| store.active_of(&object, &told)).await?);
        }
        Ok(neighbours)
    }

    /// Nothing of these entries was carried out: what they wanted is simply pending again.
    async fn call_links_off(&self, parts: Vec<Vec<LinkEntry>>, why: &RunError) -> Result<(), RunError> {
        let why = why.to_string();
        self.store()
            .write(move |write| parts.iter().flatten().try_for_each(|entry| write.settle_link_undone(entry, &why)))
            .await?;
        Ok(())
    }

    async fn settle_sorted_links(&self, pair: &Pair, sorted: Sorted, pushed: &mut Pushed) -> Result<(), RunError> {
        let Sorted { done, refused, unknown, .. } = sorted;
        pushed.refused += refused.len() as u64;
        pushed.unknown += unknown.len() as u64;
        if !refused.is_empty() || !unknown.is_empty() {
            self.store()
                .write(move |write| {
                    refused.iter().try_for_each(|(entry, refusal)| write.settle_link_refused(entry, refusal))?;
                    unknown.iter().try_for_each(|(entry, why)| write.note_unknown_link(entry, why))
                })
                .await?;
        }
        let settled = self.settle_by_reading(pair, done, true).await?;
        pushed.linked += settled.linked;
        pushed.unlinked += settled.unlinked;
        pushed.refused += settled.refused;
        pushed.unknown += settled.open;
        self.step("push.links_settled")
    }

    /// Reads the pairs of these entries, and whatever else the remote may have changed with them.
    async fn settle_by_reading(
        &self,
        pair: &Pair,
        entries: Vec<LinkEntry>,
        done: bool,
    ) -> Result<SettledLinks, RunError> {
        if entries.is_empty() {
            return Ok(SettledLinks::default());
        }
        let mut ids: BTreeSet<RecordId> = entries.iter().map(|entry| entry.change.from.clone()).collect();
        if pair.from == pair.to {
            ids.extend(entries.iter().map(|entry| entry.change.to.clone()));
        }
        // Given to one pair, it was taken from another one of the same record.
        let sole = self.remote().sole_label(&pair.from, &pair.to);
        if let Some(sole) = sole.filter(|sole| sole.once == Once::To) {
            let given = entries.iter().filter(|entry| entry.change.gives(sole.label));
            let (of, ends) = (pair.clone(), given.map(|entry| entry.change.to.clone()).collect::<Vec<_>>());
            ids.extend(self.store().call(move |store| store.stored_neighbours(&of, &ends)).await?);
        }
        let ids = Vec::from_iter(ids);
        let answers = match self.ask(&pair.from, &pair.to, &ids).await? {
            Some(answers) => answers,
            // They may not be read, which has been told: what was sent earlier stays open, and nothing is waited for.
            None if !done => return Ok(SettledLinks::default()),
            None => Vec::new(),
        };
        self.step("push.links_read_again")?;
        let of = pair.clone();
        Ok(self.store().write(move |write| write.settle_links(&of, &entries, &answers, done, sole)).await?)
    }
}

/// Entries of one batch, by what became of them.
#[derive(Default)]
struct Sorted {
    done: Vec<LinkEntry>,
    refused: Vec<(LinkEntry, Refusal)>,
    unknown: Vec<(LinkEntry, String)>,
    not_done: Vec<(LinkEntry, crate::error::RemoteError)>,
}

impl Sorted {
    fn of(entries: Vec<LinkEntry>, outcomes: Vec<Outcome<()>>) -> Self {
        let mut sorted = Self::default();
        let mut outcomes = outcomes.into_iter();
        for entry in entries {
            match outcomes.next() {
                Some(Outcome::Done(())) => sorted.done.push(entry),
                Some(Outcome::Refused(refusal)) => sorted.refused.push((entry, refusal)),
                Some(Outcome::Unknown(why)) => sorted.unknown.push((entry, why)),
                Some(Outcome::NotDone(error)) => sorted.not_done.push((entry, error)),
                None => sorted.unknown.push((entry, "the connector gave no outcome".to_owned())),
            }
        }
        sorted
    }
}

/// The object type in the report that answers for another one: itself, where the run is about it.
fn part_name(report: &Report, object: &str) -> String {
    let known = report.objects.contains_key(object);
    let first = report.objects.keys().next().filter(|_| !known);
    first.cloned().unwrap_or_else(|| object.to_owned())
}

fn pushed_of<'r>(report: &'r mut Report, object: &str) -> &'r mut Pushed {
    let name = part_name(report, object);
    &mut report.objects.entry(name).or_default().pushed
}
