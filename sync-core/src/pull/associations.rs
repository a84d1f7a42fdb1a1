//! Associations: all of them once, then those of every record that changed.
//!
//! A pair of object types is stored in one direction. Of a changed record on its `to` side the remote tells who the
//! neighbours are; these are then asked in the stored direction, because kinds have different numbers each way.

use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::model::{Association, RecordId, Timestamp};
use crate::remote::Remote;
use crate::report::ObjectReport;
use crate::store::{Pair, Table, Walk};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Records asked for at once: what one call takes.
pub(super) const AT_ONCE: usize = 1_000;

/// What the remote told about one pair, for some records.
pub(super) type Answers = Vec<(Pair, Vec<Association>)>;

impl<R: Remote + 'static> Engine<R> {
    /// Reads the associations of every active record of a table to another object type, going on where it was.
    pub(super) async fn walk_associations(
        &self,
        table: &Arc<Table>,
        pair: &Pair,
        began: Timestamp,
        report: &mut ObjectReport,
    ) -> Result<(), RunError> {
        let phase = Phase::Associations;
        let name = format!("{}→{}", pair.from, pair.to);
        let (stored, total) = self
            .store()
            .call({
                let (name, object) = (name.clone(), table.object().to_owned());
                move |store| Ok((store.walk(&name, phase)?, store.row_count(&object)?))
            })
            .await?;
        let mut walk = stored.unwrap_or_else(|| Walk::new(began));
        if walk.done {
            return Ok(());
        }
        let mut row = walk.position.as_deref().and_then(|row| row.parse().ok()).unwrap_or(0);
        self.say(Event::Started { object: name.clone(), phase, total: Some(total), done: u64::try_from(row).unwrap_or(0) });
        while !walk.done {
            let object = table.object().to_owned();
            let (ids, last) = self.store().call(move |store| store.ids_after(&object, row, AT_ONCE)).await?;
            let answers = self.ask(&pair.from, &pair.to, &ids).await?;
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
            self.step("associations.written")?;
            self.advanced(&name, phase, ids.len());
        }
        self.say(Event::Finished { object: name, phase });
        Ok(())
    }

    /// Reads the associations of records that changed, in every mirrored pair that they are an end of.
    pub(super) async fn associations_of(&self, table: &Table, changed: &[RecordId]) -> Result<Answers, RunError> {
        let mut answers = Answers::new();
        if changed.is_empty() {
            return Ok(answers);
        }
        for pair in table.outgoing() {
            answers.push((pair.clone(), self.ask(&pair.from, &pair.to, changed).await?));
        }
        for pair in table.incoming() {
            let mut neighbours: BTreeSet<RecordId> = BTreeSet::new();
            for answer in self.ask(&pair.to, &pair.from, changed).await? {
                neighbours.extend(answer.to.into_iter().map(|to| to.id));
            }
            let (stored_in, ids) = (pair.clone(), changed.to_vec());
            neighbours.extend(self.store().call(move |store| store.stored_neighbours(&stored_in, &ids)).await?);
            let neighbours: Vec<RecordId> = neighbours.into_iter().collect();
            answers.push((pair.clone(), self.ask(&pair.from, &pair.to, &neighbours).await?));
        }
        Ok(answers)
    }

    /// Asks for associations; asks once more for records that the remote said nothing about. What it is silent about
    /// twice stays as it is in the mirror, and is told.
    async fn ask(&self, from: &str, to: &str, ids: &[RecordId]) -> Result<Vec<Association>, RunError> {
        let mut answers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(AT_ONCE) {
            answers.extend(self.remote().associations(from, to, chunk).await?);
        }
        let silent = |answers: &[Association]| -> Vec<RecordId> {
            let told: BTreeSet<&RecordId> = answers.iter().map(|answer| &answer.from).collect();
            ids.iter().filter(|id| !told.contains(id)).cloned().collect()
        };
        let missing = silent(&answers);
        if !missing.is_empty() {
            for chunk in missing.chunks(AT_ONCE) {
                answers.extend(self.remote().associations(from, to, chunk).await?);
            }
            let left = silent(&answers).len();
            if left > 0 {
                tracing::debug!("nothing was told about the {to} of {left} {from}; they stay as they are");
            }
        }
        Ok(answers)
    }
}
