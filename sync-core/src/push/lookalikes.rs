//! Records that might be the one a new row became, when nothing but its values tells.
//!
//! A row without a key is looked for among the records that appeared since it was sent. One that holds all that was sent,
//! or where there is none held it once, is it; of several, none is taken: only a person can tell.

use super::evidence::{Histories, carried_out};
use super::recover::READABLE_AFTER;
use crate::engine::Engine;
use crate::error::RunError;
use crate::model::{Record, RecordId, Timestamp};
use crate::remote::{ChangedQuery, Refusal, Remote};
use crate::store::{Entry, Table};
use std::sync::Arc;

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
    fn of(mut records: Vec<Record>) -> Self {
        match records.len() {
            0 => Self::None,
            1 => Self::One(Box::new(records.remove(0))),
            _ => Self::Several(records.into_iter().map(|record| record.id).collect()),
        }
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
    /// Records that were made since the entry was sent and hold what was sent, or else held it once, by nobody known.
    pub(super) async fn find_by_values(&self, table: &Arc<Table>, entry: &Entry) -> Result<Lookalikes, RunError> {
        let Some(sent) = Timestamp::parse(&entry.sent_at) else { return Ok(Lookalikes::None) };
        let new = self.made_since(table, sent.minus(READABLE_AFTER * 10)).await?;
        let object = table.object().to_owned();
        let unknown = self.store().call(move |store| store.not_made_by_us(&object, new)).await?;
        if unknown.is_empty() {
            return Ok(Lookalikes::None);
        }
        let records = self.remote().read(table.object(), &unknown, false, &table.fetched).await?;
        let holding = |histories: &Histories| -> Vec<Record> {
            let held = records.iter().filter(|record| carried_out(table, entry, record, histories).is_some());
            held.cloned().collect()
        };
        let now = holding(&Histories::default());
        if !now.is_empty() {
            return Ok(Lookalikes::of(now));
        }
        // Somebody may have edited it since.
        let looked: Vec<(&Entry, &Record)> = records.iter().map(|record| (entry, record)).collect();
        Ok(Lookalikes::of(holding(&self.histories_of_missing(table, &looked).await?)))
    }

    async fn made_since(&self, table: &Table, from: Timestamp) -> Result<Vec<RecordId>, RunError> {
        let (mut after, mut step) = (None, None);
        let mut made: Vec<RecordId> = Vec::new();
        loop {
            let query = ChangedQuery { from, to: None, after_id: after.clone(), step: step.take() };
            let page = self.remote().changed(table.object(), &query, &table.fetched).await?;
            let last = page.records.last().map(|record| record.id.clone());
            made.extend(page.records.into_iter().filter(|record| record.created_at >= from).map(|record| record.id));
            // Only a page without a next one is the last; an empty one may have more behind it.
            match (last, page.next) {
                (_, None) => return Ok(made),
                (Some(last), Some(_)) => after = Some(last),
                (None, next) => step = next,
            }
        }
    }
}
