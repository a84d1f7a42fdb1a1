//! Edits of a record that was merged away go to the record it was merged into.
//!
//! What the survivor holds counts as the remote's side of an ordinary merge: where it holds another value than the record
//! that went into it, the field's policy decides, and the loser is kept.

use super::apply::BOTH_CHANGED;
use super::cells;
use super::rows::{Applier, Base, LocalRow, shown};
use super::runs::Conflict;
use super::table::quote;
use super::{StoreError, Write};
use crate::plan::merge::{Decision, Sides, Winner, decide};
use mappings::{Cell, Policy};
use rusqlite::params;

/// Merges are followed this far; nobody merges in circles.
const LONGEST: usize = 100;

/// Moves the edits of a merged-away record. Says whether they are gone from its row, as they are unless the survivor is
/// not known or not active.
pub(super) fn follow(applier: &mut Applier<'_>, id: &str, base: &Base, local: &LocalRow) -> Result<bool, StoreError> {
    let Some((survivor, kept, row)) = survivor_of(applier, base)? else { return Ok(false) };
    let table = applier.table;
    let (old, new) = (table.wires(&base.properties)?, table.wires(&kept.properties)?);
    let (agreed, theirs) = (applier.project(&old, false), applier.project(&new, false));
    let (object, write) = (table.object(), applier.write);
    for (place, field) in table.mapping.fields.iter().enumerate() {
        let mine = &local.cells[place];
        if !field.is_pushed() || field.same_cell(mine, &agreed[place]) {
            continue;
        }
        // Somebody edited the survivor too: that is an edit of the same side, and it stands.
        let own = !field.same_cell(&row.cells[place], &theirs[place]);
        let facts = Sides {
            local_changed: true,
            remote_changed: own || !field.same_wire(old[place].as_deref(), new[place].as_deref()),
            same: field.same_cell(mine, &row.cells[place]),
        };
        let policy = if own { Policy::RemoteWins } else { field.policy };
        let later = if policy == Policy::Newest { write.later(object, id, kept.updated_at)? } else { None };
        let decision = match decide(facts, policy, later) {
            // Nobody has decided yet whose value counts.
            Decision::Local if write.is_held(object, id, &field.property)? => Decision::Conflict(Winner::Held),
            decision => decision,
        };
        if let Decision::Conflict(winner) = decision {
            let wire = |cell: &Cell<'_>| field.to_wire(cell).ok().flatten().or_else(|| shown(cell));
            let (mine, held) = (wire(mine), wire(&row.cells[place]));
            let remote_at = kept.updated_at;
            let conflict = Conflict { object, id: &survivor, property: &field.property, remote_at, kind: BOTH_CHANGED };
            write.note_conflict(&conflict, [old[place].as_deref(), mine.as_deref(), held.as_deref()], winner)?;
        }
        if matches!(decision, Decision::Local | Decision::Conflict(Winner::Local | Winner::Held)) {
            set(write, &table.quoted(), &field.column, row.row, mine)?;
        }
        set(write, &table.quoted(), &field.column, local.row, &agreed[place])?;
    }
    hand_over(write, object, id, (&survivor, row.row))?;
    Ok(true)
}

/// The record into which another one went in the end, if it is active and has a row.
fn survivor_of(applier: &mut Applier<'_>, base: &Base) -> Result<Option<(String, Base, LocalRow)>, StoreError> {
    let mut next = base.merged_into.clone();
    for _ in 0..LONGEST {
        let Some(id) = next else { return Ok(None) };
        let Some(found) = applier.base(&id)? else { return Ok(None) };
        if found.state != "merged" {
            let row = applier.local_row(&id)?.filter(|row| row.row == found.row && !found.archived);
            return Ok(row.map(|row| (id, found, row)));
        }
        next = found.merged_into;
    }
    Ok(None)
}

/// Writes one cell of one row.
pub(super) fn set(write: &Write<'_>, table: &str, column: &str, row: i64, cell: &Cell<'_>) -> Result<(), StoreError> {
    let sql = format!("UPDATE {table} SET {} = ?1 WHERE _row = ?2", quote(column));
    let mut statement = write.connection.prepare_cached(&sql)?;
    cells::bind(&mut statement, 1, cell)?;
    statement.raw_bind_parameter(2, row)?;
    statement.raw_execute()?;
    Ok(())
}

impl Write<'_> {
    /// Whether a conflict of a field waits for a person.
    fn is_held(&self, object: &str, id: &str, property: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sync_conflicts WHERE object = ?1 AND record_id = ?2 AND property = ?3
                   AND resolved_at IS NULL AND chosen = 'held'";
        Ok(self.connection.prepare_cached(sql)?.exists([object, id, property])?)
    }
}

/// The hints of the one record are the other one's, with the time of the edit.
fn hand_over(write: &Write<'_>, object: &str, from: &str, (to, row): (&str, i64)) -> Result<(), StoreError> {
    write
        .connection
        .prepare_cached("UPDATE sync_touched SET record_id = ?3, row_handle = ?4 WHERE object = ?1 AND record_id = ?2")?
        .execute(params![object, from, to, row])?;
    Ok(())
}
