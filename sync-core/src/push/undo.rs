//! Undoing a run: what it wrote is read again, becomes edits in the mirror where it is still what the run wrote, and goes
//! out by an ordinary push, under its belts, which sends nothing else.

use super::scope::Scope;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{RecordId, Timestamp};
use crate::remote::{Once, Remote};
use crate::report::Report;
use crate::store::{GivenLabel, LinkChange, LinkUndoing, Pair, Table, Undoing, Wrote};
use mappings::Mapping;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many records are looked at in one transaction where nothing is read, and how many records' associations at once.
const RECORDS: usize = 1_000;

/// What becomes of everything that a run wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Of records.
    pub records: Vec<Undoing>,
    /// Of pairs of records.
    pub links: Vec<LinkUndoing>,
}

impl<R: Remote + 'static> Engine<R> {
    /// What undoing a run would do, by what the mirror knows; makes no call and changes nothing.
    ///
    /// # Errors
    /// When the mirror cannot be read, or does not know an object type yet.
    pub async fn plan_undo(
        &self,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
    ) -> Result<TakenBack, RunError> {
        let (mut written, links) = self.written_by(run).await?;
        if !self.unknown_of(run).await?.is_empty() {
            self.warn(format!("what became of some of what run {run} sent is not known yet: the next run finds out"));
        }
        let mut taken = TakenBack::default();
        let stored = self.stored_tables(mappings).await?.about(|object| written.contains_key(object));
        for table in stored.whole()? {
            let Some(wrote) = written.remove(table.object()) else { continue };
            for some in wrote.chunks(RECORDS) {
                let (table, some) = (Arc::clone(&table), some.to_vec());
                let fates = self.store().write(move |write| write.take_back(&table, &some, archive_created, true));
                taken.records.extend(fates.await?);
            }
        }
        self.tell_unmapped(&written);
        for (pair, wrote) in links {
            let given = self.label_given(&pair, &wrote);
            for some in wrote.chunks(RECORDS) {
                let (some, given) = (some.to_vec(), given.clone());
                let fates = self.store().write(move |write| write.take_back_links(&some, given.as_ref(), true));
                taken.links.extend(fates.await?);
            }
        }
        Ok(taken)
    }

    /// Undoes what a run wrote to the remote; other edits wait for the next push. An undo that is stopped on the way may
    /// simply be made again.
    pub async fn undo(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
    ) -> (TakenBack, Report) {
        let mut taken = TakenBack::default();
        let mut again = BTreeMap::new();
        let prepared = self.prepare_undo(server_now, mappings, run, archive_created, (&mut taken, &mut again)).await;
        let mut report = match prepared {
            // Nothing of it is mapped: a push of no object would be one of all.
            Ok(objects) if objects.is_empty() => Report::default(),
            Ok(objects) => {
                let narrowed = self.sending_only(Scope::of(&taken));
                narrowed.push(server_now, mappings, &Vec::from_iter(objects)).await
            }
            Err(error) => Report { error: Some(error), ..Report::default() },
        };
        for (object, sent_again) in again {
            report.objects.entry(object).or_default().pushed.sent_again += sent_again;
        }
        (taken, report)
    }

    /// Returns the object types that the run wrote to. What it sent and never heard of again is looked after first: it
    /// may have been carried out.
    async fn prepare_undo(
        &self,
        server_now: Timestamp,
        mappings: &[Mapping],
        run: i64,
        archive_created: bool,
        (taken, again): (&mut TakenBack, &mut BTreeMap<String, u64>),
    ) -> Result<BTreeSet<String>, RunError> {
        let mut prepared = Report::default();
        let tables = self.prepare(server_now, mappings, &mut prepared).await?;
        let (unknown, mut objects) = (self.unknown_of(run).await?, BTreeSet::new());
        for table in tables.iter().filter(|table| unknown.contains(table.object())) {
            let recovered = self.recover(table, server_now).await?;
            again.insert(table.object().to_owned(), recovered.sent_again);
            objects.insert(table.object().to_owned());
        }
        let (mut written, links) = self.written_by(run).await?;
        let concerned = |object: &str| written.contains_key(object) || unknown.contains(object);
        let failed = prepared.objects.into_iter().filter(|(object, _)| concerned(object));
        if let Some(error) = failed.filter_map(|(_, part)| part.error).next() {
            return Err(error);
        }
        for table in &tables {
            let Some(wrote) = written.remove(table.object()) else { continue };
            objects.insert(table.object().to_owned());
            for some in wrote.chunks(self.remote().batch_size().max(1)) {
                taken.records.extend(self.take_back(table, some.to_vec(), archive_created).await?);
            }
        }
        self.tell_unmapped(&written);
        for (pair, wrote) in links {
            let known = tables.iter().any(|table| table.outgoing().any(|known| *known == pair));
            if known {
                objects.insert(pair.from.clone());
            }
            let given = self.label_given(&pair, &wrote);
            for some in wrote.chunks(RECORDS) {
                taken.links.extend(self.take_back_links(&pair, some.to_vec(), given.clone(), known).await?);
            }
        }
        Ok(objects)
    }

    /// The object types of which the run sent something whose outcome is not known.
    async fn unknown_of(&self, run: i64) -> Result<BTreeSet<String>, RunError> {
        Ok(self.store().call(move |store| store.unknown_of(run)).await?)
    }

    async fn written_by(
        &self,
        run: i64,
    ) -> Result<(BTreeMap<String, Vec<Wrote>>, BTreeMap<Pair, Vec<LinkChange>>), RunError> {
        let (records, links) =
            self.store().call(move |store| Ok((store.written_by(run)?, store.links_written_by(run)?))).await?;
        let mut by_pair: BTreeMap<Pair, Vec<LinkChange>> = BTreeMap::new();
        for wrote in links {
            by_pair.entry(wrote.pair.clone()).or_default().push(wrote);
        }
        Ok((records, by_pair))
    }

    async fn take_back(
        &self,
        table: &Arc<Table>,
        some: Vec<Wrote>,
        archive_created: bool,
    ) -> Result<Vec<Undoing>, RunError> {
        let ids: Vec<RecordId> = some.iter().map(|wrote| RecordId::from(wrote.id.as_str())).collect();
        let records = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
        let associations = self.associations_of_changed(table, &records).await?;
        self.step("undo.read")?;
        let table = Arc::clone(table);
        let undoing = self
            .store()
            .write(move |write| {
                // What changed there meanwhile comes in first: whether a value is still the run's is told by its base.
                write.apply(&table, &records)?;
                associations.apply(write)?;
                write.take_back(&table, &some, archive_created, false)
            })
            .await?;
        self.step("undo.taken_back")?;
        Ok(undoing)
    }

    /// The same for pairs of records; one that is not mirrored is only told.
    async fn take_back_links(
        &self,
        pair: &Pair,
        some: Vec<LinkChange>,
        given: Option<GivenLabel>,
        known: bool,
    ) -> Result<Vec<LinkUndoing>, RunError> {
        let _held = self.hold_pairs(std::iter::once(pair)).await;
        let mut from: BTreeSet<RecordId> = some.iter().map(|wrote| wrote.from.clone()).collect();
        if let Some(sole) = self.remote().sole_label(&pair.from, &pair.to).filter(|sole| sole.once == Once::To) {
            // Somebody may have given the label to another pair of the record since.
            let lost = some.iter().filter(|wrote| wrote.takes(sole.label)).map(|wrote| wrote.to.clone());
            from.extend(self.neighbours_there(pair, &lost.collect::<Vec<_>>()).await?);
        }
        let from = Vec::from_iter(from);
        let answers = match known {
            true => self.ask(&pair.from, &pair.to, &from).await?.unwrap_or_default(),
            false => Vec::new(),
        };
        self.step("undo.links_read")?;
        let of = pair.clone();
        let undoing = self
            .store()
            .write(move |write| {
                write.apply_associations(&of, &answers)?;
                write.take_back_links(&some, given.as_ref(), false)
            })
            .await?;
        self.step("undo.links_taken_back")?;
        Ok(undoing)
    }

    /// The label that only one pair of a record can have, and the pairs that the run gave it to.
    fn label_given(&self, pair: &Pair, wrote: &[LinkChange]) -> Option<GivenLabel> {
        self.remote().sole_label(&pair.from, &pair.to).map(|sole| GivenLabel::by(sole, wrote))
    }

    fn tell_unmapped(&self, written: &BTreeMap<String, Vec<Wrote>>) {
        for object in written.keys() {
            self.warn(format!("what the run wrote to {object} is not undone: no mapping of it is configured any more"));
        }
    }
}
