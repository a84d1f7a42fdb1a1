//! Rows that somebody deleted or replaced come back from their base, and of a wish that was taken back nothing is left:
//! no hint, no reject, and no row that says it is to be archived.

use super::audit::OVERWRITTEN;
use super::rows::{Applier, Base};
use super::table::quote;
use super::{StoreError, Table, Write};
use rusqlite::params;

/// What was found wrong with a table's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    /// Rows that had been deleted and came back.
    pub returned: u64,
    /// Rows that had been replaced and are whole again; what was written into them are edits.
    pub replaced: u64,
}

impl Write<'_> {
    /// Looks at the rows that triggers noted, or at all of them if `full`.
    ///
    /// # Errors
    /// When SQLite refuses, or a stored record cannot be read.
    pub fn heal(&self, table: &Table, full: bool) -> Result<Healed, StoreError> {
        let mut applier = Applier::new(self, table)?;
        let mut healed = Healed::default();
        for id in self.suspects(table, full)? {
            let Some(base) = applier.base(&id)? else { continue };
            applier.show_archive_asked(&id, &base)?;
            let local = applier.local_row(&id)?;
            let clean = local.as_ref().is_some_and(|local| local.row == base.row && local.hash == base.row_hash);
            if clean {
                self.forget_hints(table.object(), &id)?;
                continue;
            }
            let gone = local.is_none();
            if applier.heal(&id, &base, local)? {
                if gone {
                    healed.returned += 1;
                    if self.outstanding(table.object(), &id)?.is_empty() {
                        self.forget_hints(table.object(), &id)?;
                    } else {
                        self.hint(table.object(), base.row, Some(&id))?;
                    }
                } else {
                    healed.replaced += 1;
                }
            }
        }
        if full {
            self.forget_of_gone_rows(table)?;
        }
        Ok(healed)
    }

    /// Ids of records whose rows were touched, or are not where their base says.
    fn suspects(&self, table: &Table, full: bool) -> Result<Vec<String>, StoreError> {
        let (name, base) = (table.quoted(), quote(&table.base_name()));
        let elsewhere = if full {
            format!("UNION SELECT b.id FROM {base} b LEFT JOIN {name} r ON r.id = b.id WHERE r._row IS NOT b._row")
        } else {
            String::new()
        };
        let mut statement = self.connection.prepare(&format!(
            "SELECT record_id FROM sync_touched WHERE object = ?1 AND record_id IS NOT NULL {elsewhere}
             ORDER BY 1"
        ))?;
        let ids = statement.query_map([table.object()], |row| row.get(0))?;
        let mut ids: Vec<String> = ids.collect::<Result<_, _>>()?;
        ids.dedup();
        Ok(ids)
    }

    /// Whether somebody touched the row of a record.
    pub(super) fn is_touched(&self, object: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.exists([object, id])?)
    }

    /// Nothing is to be looked for in a row.
    pub(super) fn forget_touched(&self, object: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM sync_touched WHERE object = ?1 AND record_id = ?2")?
            .execute([object, id])?;
        Ok(())
    }

    /// The row is as the engine left it: hints about it lead nowhere, nobody wants what was refused of it any more, and
    /// no conflict of it is open but one about a value that was written over.
    pub(super) fn forget_hints(&self, object: &str, id: &str) -> Result<(), StoreError> {
        self.forget_touched(object, id)?;
        self.forget_unwanted(object, id)?;
        self.connection
            .prepare_cached(
                "UPDATE sync_conflicts SET resolved_at = ?3, chosen = 'remote'
                 WHERE object = ?1 AND record_id = ?2 AND resolved_at IS NULL AND kind <> ?4",
            )?
            .execute(params![object, id, self.now.to_string(), OVERWRITTEN])?;
        Ok(())
    }
}

impl Applier<'_> {
    /// Shows in the row's state whether an archive is asked for: a person may ask for one, and take it back until it is
    /// done.
    pub(super) fn show_archive_asked(&self, id: &str, base: &Base) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE {} SET state = CASE WHEN archived = ?3 THEN ?2 ELSE 'archiving' END
             WHERE id = ?1 AND CASE state WHEN 'archiving' THEN archived = ?3 ELSE state = 'active' AND ?2 = 'active'
                 AND archived <> ?3 END",
            self.table.quoted()
        );
        self.write.connection.prepare_cached(&sql)?.execute(params![id, base.state, base.archived])?;
        Ok(())
    }
}
