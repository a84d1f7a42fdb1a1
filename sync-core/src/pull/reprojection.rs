//! A mapping that changed: its table is shown anew from what had been fetched, before anything else is done with it.

use crate::engine::Engine;
use crate::error::RunError;
use crate::events::{Event, Phase};
use crate::remote::Remote;
use crate::store::Table;
use std::sync::Arc;

impl<R: Remote + 'static> Engine<R> {
    /// Fills the new columns in short transactions, puts them in their places in one, and drops what is left behind.
    pub(super) async fn reproject(&self, table: &Arc<Table>) -> Result<(), RunError> {
        let (object, phase) = (table.object().to_owned(), Phase::Reprojection);
        let name = object.clone();
        let total = self.store().call(move |store| store.row_count(&name)).await?;
        self.say(Event::Started { object: object.clone(), phase, total: Some(total), done: 0 });
        loop {
            let filling = Arc::clone(table);
            let filled = self.store().write(move |write| write.reproject_some(&filling)).await?;
            self.step("reprojection.filled")?;
            if filled == 0 {
                break;
            }
            self.advanced(&object, phase, usize::try_from(filled).unwrap_or(usize::MAX));
        }
        let swapping = Arc::clone(table);
        for lost in self.store().write(move |write| write.swap_columns(&swapping)).await? {
            self.warn(lost);
        }
        self.step("reprojection.swapped")?;
        self.say(Event::Finished { object, phase });
        Ok(())
    }

    /// Drops columns that a changed mapping has left behind, and makes the indexes that new ones need.
    pub(super) async fn tidy(&self, tables: &[Arc<Table>]) -> Result<(), RunError> {
        let untidy = self.store().call(|store| store.untidy()).await?;
        for table in tables.iter().filter(|table| untidy.iter().any(|object| object == table.object())) {
            loop {
                let dropping = Arc::clone(table);
                if !self.store().write(move |write| write.drop_left_column(&dropping)).await? {
                    break;
                }
                self.step("reprojection.column_dropped")?;
            }
        }
        Ok(())
    }
}
