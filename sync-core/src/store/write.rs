//! A write transaction: it begins with the lock, tells the triggers whose hand writes, and ends whole or not at all.

use super::{Store, StoreError, Table};
use crate::model::Timestamp;
use crate::steps::Steps;
use rusqlite::Connection;
use std::sync::Arc;

/// An open write transaction. What a closure does with it is committed when the closure returns `Ok`.
pub struct Write<'s> {
    pub(super) connection: &'s Connection,
    pub(super) run_id: i64,
    pub(super) now: Timestamp,
    remote_ahead: i64,
    tables: &'s std::collections::BTreeMap<String, Arc<Table>>,
    steps: &'s dyn Steps,
}

impl Write<'_> {
    /// The tables that mappings gave this mirror, by object type.
    pub(super) fn tables(&self) -> &std::collections::BTreeMap<String, Arc<Table>> {
        self.tables
    }

    /// The table of an object type.
    ///
    /// # Errors
    /// When the object type has none in this mirror.
    pub fn table(&self, object: &str) -> Result<Arc<Table>, StoreError> {
        self.tables.get(object).cloned().ok_or_else(|| {
            StoreError::Unusable(format!("no table has been prepared for {object}; this is a defect of the program"))
        })
    }

    /// A time of our clock by the remote's: what both sides did is never compared by two clocks.
    pub(super) fn there(&self, ours: Timestamp) -> Timestamp {
        Timestamp::from_millis(ours.millis() + self.remote_ahead)
    }

    /// Passes a named step, at which a test may stop the engine.
    pub(crate) fn step(&self, name: &'static str) -> Result<(), StoreError> {
        self.steps.pass(name).map_err(StoreError::Stopped)
    }
}

impl Store {
    /// Begins a write transaction, or says [`StoreError::Busy`] at once when another connection holds the lock. A
    /// durable one is on the disk, whatever happens to the power, when it has been committed; of any other one only a
    /// later one can be there without it.
    pub(super) fn begin(&self, durable: bool) -> Result<(), StoreError> {
        // Inside a transaction it would have no effect.
        self.connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(())
    }

    /// Runs `job` in the transaction that [`Store::begin`] opened, with the triggers told, and commits it.
    pub(super) fn guarded<T>(
        &self,
        now: Timestamp,
        steps: &dyn Steps,
        job: impl FnOnce(&Write<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let write = Write {
            connection: &self.connection,
            run_id: self.run_id,
            now,
            remote_ahead: self.remote_ahead,
            tables: &self.tables,
            steps,
        };
        write.step("store.begun")?;
        self.notice_remade()?;
        self.connection.prepare_cached("UPDATE sync_guard SET applying = 1")?.execute([])?;
        let value = job(&write)?;
        self.connection.prepare_cached("UPDATE sync_guard SET applying = 0")?.execute([])?;
        write.step("store.before_commit")?;
        self.connection.execute_batch("COMMIT")?;
        steps.pass("store.committed").map_err(StoreError::Stopped)?;
        Ok(value)
    }
}
