//! Edits of records that cannot be written to: archived, missing, or merged into a record that the mirror does not have.
//!
//! The record stays what it is, and each field that was edited is a conflict that waits for a person. The row keeps its
//! values and is no suspect any more; once the record can be written to again, its edits are free.

use super::rows::{Applier, Base, LocalRow, shown};
use super::runs::Conflict;
use super::{StoreError, Write};
use crate::plan::merge::Winner;
use rusqlite::params;

/// What a conflict is where a person edited a record that is not active.
pub(super) const EDIT_VS_ARCHIVE: &str = "edit_vs_archive";

impl Applier<'_> {
    /// Keeps every edit of a row as a conflict that waits.
    pub(super) fn park(&mut self, id: &str, base: &Base, local: &LocalRow) -> Result<(), StoreError> {
        let (table, write) = (self.table, self.write);
        let object = table.object();
        let wires = table.wires(&base.properties)?;
        let agreed = self.project(&wires, false);
        let remote_at = base.archived_at.unwrap_or(base.updated_at);
        for (place, field) in table.mapping.fields.iter().enumerate() {
            let (mine, property) = (&local.cells[place], field.property.as_str());
            if !field.is_pushed() || field.same_cell(mine, &agreed[place]) {
                write.close_conflict(object, id, property)?;
                continue;
            }
            let theirs = wires[place].as_deref();
            let wire = field.to_wire(mine).ok().flatten().or_else(|| shown(mine));
            if write.has_open_conflict(object, id, property)? {
                write.keep_held(object, id, property, wire.as_deref())?;
            } else {
                let conflict = Conflict { object, id, property, remote_at, kind: EDIT_VS_ARCHIVE };
                write.note_conflict(&conflict, [theirs, wire.as_deref(), theirs], Winner::Held)?;
            }
        }
        write.forget_touched(object, id)
    }
}

impl Write<'_> {
    /// A record may be written to again, or has gone elsewhere: its edits are looked at anew. When they were made is not
    /// known any more.
    pub(super) fn free_parked(&self, object: &str, id: &str, row: i64) -> Result<(), StoreError> {
        let freed = self
            .connection
            .prepare_cached(
                "UPDATE sync_conflicts SET resolved_at = ?3, chosen = 'local'
                 WHERE object = ?1 AND record_id = ?2 AND kind = ?4 AND resolved_at IS NULL",
            )?
            .execute(params![object, id, self.now.to_string(), EDIT_VS_ARCHIVE])?;
        if freed > 0 {
            self.connection
                .prepare_cached("INSERT INTO sync_touched (object, row_handle, record_id, at) VALUES (?1, ?2, ?3, '')")?
                .execute(params![object, row, id])?;
        }
        Ok(())
    }
}
