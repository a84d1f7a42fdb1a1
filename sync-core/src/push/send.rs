//! Sends journal entries, and settles each by its own outcome.

use super::Pushed;
use super::breaker::Breaker;
use crate::engine::Engine;
use crate::error::{RemoteError, RemoteErrorKind, RunError};
use crate::model::{Record, RecordId};
use crate::plan::changes::Operation;
use crate::remote::{Outcome, Refusal, Remote, WriteInput, Writing, WrittenRecord};
use crate::store::{Entry, Table};
use std::sync::Arc;

/// Entries of one batch, by what became of them.
#[derive(Default)]
struct Sorted {
    done: Vec<(Entry, Option<Record>, bool)>,
    refused: Vec<(Entry, Refusal)>,
    unknown: Vec<(Entry, String)>,
    /// Their part of the call failed, through no fault of theirs.
    not_done: Vec<(Entry, RemoteError)>,
}

impl<R: Remote + 'static> Engine<R> {
    /// Sends entries that are in the journal already. A batch that is refused as a whole is halved until the inputs to
    /// blame stand alone. Returns refused creates whose record is there already, with its id.
    pub(super) async fn deliver(
        &self,
        table: &Arc<Table>,
        how: Writing<'_>,
        entries: Vec<Entry>,
        breaker: &Breaker,
        pushed: &mut Pushed,
    ) -> Result<Vec<(Entry, RecordId)>, RunError> {
        let (mut parts, mut existing) = (vec![entries], Vec::new());
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if let Err(error) = breaker.check() {
                parts.push(part);
                self.call_off(parts, &error).await?;
                return Err(error);
            }
            self.step("push.before_send")?;
            let inputs: Vec<WriteInput> = part.iter().map(|entry| input(entry, how)).collect();
            let answer = self.remote().write(table.object(), how, &inputs).await;
            self.step("push.answered")?;
            match answer {
                Ok(outcomes) => {
                    let mut sorted = sort(part, outcomes);
                    let not_done = std::mem::take(&mut sorted.not_done);
                    breaker.note(sorted.done.is_empty() && sorted.refused.is_empty());
                    let why =
                        not_done.iter().map(|(_, error)| error).find(|error| error.kind != RemoteErrorKind::Refused);
                    let why = why.cloned();
                    parts.push(not_done.into_iter().map(|(entry, _)| entry).collect());
                    existing.extend(self.settle_or_call_off(table, sorted, &mut parts, pushed).await?);
                    if let Some(error) = why.map(RunError::from) {
                        self.call_off(parts, &error).await?;
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
                    let sorted = Sorted { refused, ..Sorted::default() };
                    existing.extend(self.settle_or_call_off(table, sorted, &mut parts, pushed).await?);
                }
                Err(error) => {
                    breaker.note(true);
                    parts.push(part);
                    let error = RunError::from(error);
                    self.call_off(parts, &error).await?;
                    return Err(error);
                }
            }
        }
        Ok(existing)
    }

    /// Nothing of these entries was carried out: what they wanted is simply pending again.
    async fn call_off(&self, parts: Vec<Vec<Entry>>, why: &RunError) -> Result<(), RunError> {
        let why = why.to_string();
        self.store()
            .write(move |write| parts.iter().flatten().try_for_each(|entry| write.settle_undone(entry, &why)))
            .await?;
        Ok(())
    }

    /// Settles what was answered. Where that fails nothing more is sent, and what is in `parts` is called off: it
    /// never left.
    async fn settle_or_call_off(
        &self,
        table: &Arc<Table>,
        sorted: Sorted,
        parts: &mut Vec<Vec<Entry>>,
        pushed: &mut Pushed,
    ) -> Result<Vec<(Entry, RecordId)>, RunError> {
        let settled = self.settle_sorted(table, sorted, pushed).await;
        if let Err(error) = &settled {
            self.call_off(std::mem::take(parts), error).await?;
        }
        settled
    }

    async fn settle_sorted(
        &self,
        table: &Arc<Table>,
        sorted: Sorted,
        pushed: &mut Pushed,
    ) -> Result<Vec<(Entry, RecordId)>, RunError> {
        let Sorted { done, refused, unknown, .. } = sorted;
        pushed.unknown += unknown.len() as u64;
        let (existing, refused): (Vec<_>, Vec<_>) = refused
            .into_iter()
            .partition(|(entry, refusal)| entry.operation == Operation::Create && refusal.existing.is_some());
        let existing: Vec<(Entry, RecordId)> =
            existing.into_iter().filter_map(|(entry, refusal)| Some((entry, refusal.existing?))).collect();
        pushed.refused += refused.len() as u64;
        for (entry, _, created) in &done {
            match entry.operation {
                Operation::Create if *created => pushed.created += 1,
                Operation::Create => pushed.adopted += 1,
                Operation::Update => pushed.updated += 1,
                Operation::Archive => pushed.archived += 1,
            }
        }
        let done = self.complete(table, done).await?;
        let (settling, found, audited) = (Arc::clone(table), existing.clone(), self.push_settings().verify);
        let settled = self
            .store()
            .write(move |write| {
                write.step("push.settling")?;
                for (entry, refusal) in &refused {
                    write.settle_refused(&settling, entry, refusal)?;
                }
                for (entry, why) in &unknown {
                    write.note_unknown(entry, why)?;
                }
                for (entry, id) in &found {
                    write.settle_undone(entry, &format!("the record {id} is there already"))?;
                }
                let (archived, written): (Vec<_>, Vec<_>) =
                    done.into_iter().partition(|(entry, _)| entry.operation == Operation::Archive);
                archived.iter().try_for_each(|(entry, _)| write.settle_archived(&settling, entry))?;
                let written: Vec<(Entry, Record)> =
                    written.into_iter().filter_map(|(entry, record)| Some((entry, record?))).collect();
                for (entry, record) in
                    written.iter().filter(|(entry, _)| audited && entry.operation == Operation::Update)
                {
                    write.await_audit(entry, record)?;
                }
                write.settle(&settling, &written)
            })
            .await?;
        pushed.refused += settled.passed_over;
        pushed.conflicts += settled.applied.conflicts;
        self.step("push.settled")?;
        Ok(existing)
    }

    /// The records as far as they were told; those of which not everything that was sent was told are read.
    async fn complete(
        &self,
        table: &Arc<Table>,
        done: Vec<(Entry, Option<Record>, bool)>,
    ) -> Result<Vec<(Entry, Option<Record>)>, RunError> {
        let tells = |entry: &Entry, record: &Record| {
            entry.id.as_ref().is_none_or(|id| *id == record.id)
                && entry.properties.keys().all(|name| record.properties.names(name))
        };
        let silent = |(entry, record, _): &&(Entry, Option<Record>, bool)| {
            entry.operation != Operation::Archive && !record.as_ref().is_some_and(|record| tells(entry, record))
        };
        let ids = done.iter().filter(silent);
        let ids: Vec<RecordId> = ids
            .filter_map(|(entry, record, _)| entry.id.clone().or_else(|| Some(record.as_ref()?.id.clone())))
            .collect();
        let mut read = Vec::new();
        if !ids.is_empty() {
            read = self.remote().read(table.object(), &ids, false, &table.fetched).await?;
        }
        let better = |entry: &Entry, record: Option<Record>| match record {
            Some(record) if tells(entry, &record) => Some(record),
            record => {
                let id = entry.id.clone().or_else(|| Some(record.as_ref()?.id.clone()));
                read.iter().find(|read| Some(&read.id) == id.as_ref()).cloned()
            }
        };
        // What can be read nowhere has been archived or merged since: its entry stays open, for the next run to look.
        let complete = done.into_iter().map(|(entry, record, _)| {
            let record = if entry.operation == Operation::Archive { None } else { better(&entry, record) };
            (entry, record)
        });
        Ok(complete.collect())
    }
}

fn input(entry: &Entry, how: Writing<'_>) -> WriteInput {
    match how {
        Writing::Create => entry.input(""),
        Writing::Upsert(_) => entry.input(&entry.uid),
        Writing::Update | Writing::Archive => entry.input(entry.id.as_ref().map_or("", RecordId::as_str)),
    }
}

fn sort(entries: Vec<Entry>, outcomes: Vec<Outcome<WrittenRecord>>) -> Sorted {
    let mut sorted = Sorted::default();
    let mut outcomes = outcomes.into_iter();
    for mut entry in entries {
        match outcomes.next() {
            Some(Outcome::Done(written)) => {
                entry.adopted = entry.operation == Operation::Create && !written.created;
                sorted.done.push((entry, written.record, written.created));
            }
            Some(Outcome::Refused(refusal)) => sorted.refused.push((entry, refusal)),
            Some(Outcome::Unknown(why)) => sorted.unknown.push((entry, why)),
            Some(Outcome::NotDone(error)) => sorted.not_done.push((entry, error)),
            None => sorted.unknown.push((entry, "the connector gave no outcome".to_owned())),
        }
    }
    sorted
}

pub(super) fn refusal_of(error: &RemoteError) -> Refusal {
    Refusal {
        status: error.status,
        message: error.message.clone(),
        correlation_id: error.correlation_id.clone(),
        ..Refusal::default()
    }
}
