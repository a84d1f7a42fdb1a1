//! Repairing a mirror by itself, without a call: tables that a tool dropped or made anew are rebuilt, triggers, views and
//! indexes are put back, and every row is looked at.

use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::pull::{Stored, not_read_yet};
use crate::remote::Remote;
use crate::store::{Healed, Rebuilt, Restored, StoreError};
use mappings::{Mapping, ResolvedMapping};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a table is begun anew because somebody replaces it again meanwhile.
const TRIES: usize = 5;

/// What was repaired.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Tables of every mirror that were made anew.
    pub restored: Vec<Restored>,
    /// The tables that were rebuilt, by object type.
    pub rebuilt: BTreeMap<String, Rebuilt>,
    /// Object types whose triggers had to be put back.
    pub unguarded: Vec<String>,
    /// Rows that came back or are whole again, by object type; those of rebuilt tables are not among them.
    pub healed: BTreeMap<String, Healed>,
}

impl<R: Remote + 'static> Engine<R> {
    /// Repairs what can be repaired without a call. What it is stopped at goes on in the next one.
    ///
    /// # Errors
    /// When a table cannot be rebuilt, or the mirror cannot be written.
    pub async fn repair(&self, mappings: &[Mapping]) -> Result<Repaired, RunError> {
        let mut repaired = Repaired::default();
        for (table, was) in self.store().call(|store| store.altered_standing()).await? {
            let (restored, lost) = self.store().write(move |write| write.restore_standing(&table, &was)).await?;
            self.step("repair.restored")?;
            lost.into_iter().for_each(|lost| self.warn(lost));
            repaired.restored.push(restored);
        }
        let mut altered = self.store().call(|store| store.altered()).await?;
        let (resolved, unread) = self.stored_mappings(mappings).await?;
        for (mapping, _) in resolved {
            if let Some(StoreError::Remade { what, .. }) = altered.remove(&mapping.object) {
                let rebuilt = self.rebuild(&mapping, &what).await?;
                repaired.rebuilt.insert(mapping.object.clone(), rebuilt);
            }
        }
        for (object, error) in altered {
            let why = match unread.contains(&object) {
                true => not_read_yet(&object),
                false => format!("{object} is not among the configured objects"),
            };
            self.warn(format!("{error}. It stays so: {why}"));
        }
        for object in unread {
            self.warn(format!("{object} was left out: {}", not_read_yet(&object)));
        }
        let Stored { tables, altered, .. } = self.stored_tables(mappings).await?;
        if let Some(error) = altered.into_values().next() {
            return Err(error.into());
        }
        for table in tables {
            let object = table.object().to_owned();
            let name = object.clone();
            if self.store().call(move |store| Ok(store.triggers_put_back(&name))).await? {
                repaired.unguarded.push(object.clone());
            }
            let healed = self.heal(&table, true).await?;
            if healed != Healed::default() {
                repaired.healed.insert(object, healed);
            }
        }
        Ok(repaired)
    }

    /// Rebuilds one table in short transactions.
    async fn rebuild(&self, mapping: &ResolvedMapping, was: &str) -> Result<Rebuilt, RunError> {
        let (object, phase) = (mapping.object.clone(), Phase::Rebuild);
        let (of, name) = (mapping.clone(), object.clone());
        let (table, total) =
            self.store().call(move |store| Ok((Arc::new(store.as_made(&of)?), store.row_count(&name)?))).await?;
        self.say(Event::Started { object: object.clone(), phase, total: Some(total), done: 0 });
        for _ in 0..TRIES {
            let (beginning, was) = (Arc::clone(&table), was.to_owned());
            self.store().write(move |write| write.begin_rebuild(&beginning, &was)).await?;
            self.step("repair.begun")?;
            let looking = Arc::clone(&table);
            let repeated = Arc::new(self.store().call(move |store| store.repeated_ids(&looking)).await?);
            loop {
                let (filling, repeated) = (Arc::clone(&table), Arc::clone(&repeated));
                let read = self.store().write(move |write| write.rebuild_some(&filling, &repeated)).await?;
                self.step("repair.filled")?;
                let Some(read) = read else { break };
                self.advanced(&object, phase, usize::try_from(read).unwrap_or(usize::MAX));
            }
            let swapping = Arc::clone(&table);
            let Some((rebuilt, lost)) = self.store().write(move |write| write.finish_rebuild(&swapping)).await? else {
                continue;
            };
            self.step("repair.swapped")?;
            lost.into_iter().for_each(|lost| self.warn(lost));
            self.say(Event::Finished { object, phase });
            return Ok(rebuilt);
        }
        Err(RunError::Belt(format!(
            "{} was changed by another program each time it was about to be rebuilt; stop that program, and run this again",
            table.mapping.table
        )))
    }
}
