//! Records that might be the ones that new rows became, when nothing but their values tells.
//!
//! Rows without a key are looked for among the records that appeared since they were sent, all of them in one walk. A
//! record that holds all that was sent of a row, or where there is none held it once, is the row's; of several, none is
//! taken: only a person can tell.

use super::evidence::{Histories, carried_out, changed_names};
use super::recover::READABLE_AFTER;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{Record, RecordId, Timestamp};
use crate::remote::{ChangedQuery, Refusal, Remote};
use crate::store::{Entry, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many records are compared at a time: others may have made any number of them.
const CHUNK: usize = 500;
/// The category of a new row whose answer was lost, with several records that may be it.
const AMBIGUOUS: &str = "AMBIGUOUS";
/// How many of those records the reject names.
const NAMED: usize = 5;

/// What was found to be like a new row.
pub(super) enum Lookalikes {
    None,
    One(Box<Record>),
    Several(Vec<RecordId>),
}

impl Lookalikes {
    fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    fn add(&mut self, record: &Record) {
        match self {
            Self::None => *self = Self::One(Box::new(record.clone())),
            // It answers for those that were merged into it, too.
            Self::One(first) if first.id == record.id => {}
            Self::One(first) => *self = Self::Several(vec![first.id.clone(), record.id.clone()]),
            Self::Several(ids) => ids.push(record.id.clone()),
        }
    }
}

/// A new row that is looked for.
struct Sought<'e> {
    entry: &'e Entry,
    /// Its record was not made before this.
    from: Timestamp,
    alike: Lookalikes,
}

impl<'e> Sought<'e> {
    /// `None` where nobody knows when it was sent.
    fn new(entry: &'e Entry) -> Option<Self> {
        let sent = Timestamp::parse(&entry.sent_at)?;
        Some(Self { entry, from: sent.minus(READABLE_AFTER * 10), alike: Lookalikes::None })
    }
}

/// Why a row with several lookalikes is neither sent again nor taken for one of them.
pub(super) fn ambiguous(alike: &[RecordId]) -> Refusal {
    let named: Vec<&str> = alike.iter().take(NAMED).map(RecordId::as_str).collect();
    let more = if alike.len() > NAMED { ", …" } else { "" };
    Refusal {
        category: Some(AMBIGUOUS.to_owned()),
        message: format!(
            "the answer to this row's create was lost, and {} records hold the same values ({}{more}): if one of them \
             is it, delete the row; if none is, `retry` has it made",
            alike.len(),
            named.join(", ")
        ),
        ..Refusal::default()
    }
}

impl<R: Remote + 'static> Engine<R> {
    /// For each of these new rows, by its handle, the records that were made since it was sent, by nobody known, and hold
    /// what was sent, or else held it once.
    pub(super) async fn find_by_values(
        &self,
        table: &Arc<Table>,
        entries: &[&Entry],
    ) -> Result<Vec<(i64, Lookalikes)>, RunError> {
        let mut sought: Vec<Sought<'_>> = entries.iter().copied().filter_map(Sought::new).collect();
        let Some(from) = sought.iter().map(|sought| sought.from).min() else { return Ok(Vec::new()) };
        let made = self.made_since(table, from).await?;
        let (object, ids) = (table.object().to_owned(), made.keys().cloned().collect::<Vec<RecordId>>());
        let unknown = self.store().call(move |store| store.not_made_by_us(&object, ids)).await?;
        // Histories are read only for rows that no record stands for as it is: somebody may have edited theirs since.
        for by_history in [false, true] {
            let open: Vec<&mut Sought<'_>> = sought.iter_mut().filter(|sought| sought.alike.is_none()).collect();
            self.look_among(table, open, &made, &unknown, by_history).await?;
        }
        Ok(sought.into_iter().map(|sought| (sought.entry.row, sought.alike)).collect())
    }

    /// Gives each row those of the unknown records that are like it, as they are or by their histories.
    async fn look_among(
        &self,
        table: &Arc<Table>,
        mut open: Vec<&mut Sought<'_>>,
        made: &BTreeMap<RecordId, Timestamp>,
        unknown: &[RecordId],
        by_history: bool,
    ) -> Result<(), RunError> {
        let Some(from) = open.iter().map(|sought| sought.from).min() else { return Ok(()) };
        let young: Vec<RecordId> = unknown.iter().filter(|id| made.get(*id) >= Some(&from)).cloned().collect();
        for chunk in young.chunks(CHUNK) {
            let records = self.remote().read(table.object(), chunk, false, &table.fetched).await?;
            let mut histories = Histories::default();
            if by_history {
                let ids = records.iter().map(|record| record.id.clone()).collect();
                let properties = open.iter().flat_map(|sought| changed_names(table, sought.entry)).collect();
                histories = self.histories(table, ids, properties).await?;
            }
            for record in &records {
                let made_at = made.get(&record.id);
                for sought in &mut open {
                    let in_time = made_at.is_none_or(|at| *at >= sought.from);
                    if in_time && carried_out(table, sought.entry, record, &histories).is_some() {
                        sought.alike.add(record);
                    }
                }
            }
        }
        Ok(())
    }

    /// The records that were made at `from` or later, with the times at which they were.
    async fn made_since(&self, table: &Table, from: Timestamp) -> Result<BTreeMap<RecordId, Timestamp>, RunError> {
        let (mut after, mut step) = (None, None);
        let mut made = BTreeMap::new();
        loop {
            let query = ChangedQuery { from, to: None, after_id: after.clone(), step: step.take() };
            // What they hold is read by id.
            let page = self.remote().changed(table.object(), &query, &[]).await?;
            let last = page.records.last().map(|record| record.id.clone());
            let new = page.records.into_iter().filter(|record| record.created_at >= from);
            made.extend(new.map(|record| (record.id, record.created_at)));
            // Only a page without a next one is the last; an empty one may have more behind it.
            match (last, page.next) {
                (_, None) => return Ok(made),
                (Some(last), Some(_)) => after = Some(last),
                (None, next) => step = next,
            }
        }
    }
}
