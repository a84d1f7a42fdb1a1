//! The full diff: every row compared with its base by hash, whatever the triggers noted. The truth of what people
//! changed; the triggers' notes only say where to look first.

use super::cells::RowHasher;
use super::table::quote;
use super::{Store, StoreError, Table, Write};
use rusqlite::params;

/// A row that is not as the engine left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRow {
    /// Its handle.
    pub row: i64,
    /// Its record; `None` where it is not created yet.
    pub id: Option<String>,
}

impl Store {
    /// The rows of an object type that somebody edited, made or replaced. Reads every row once and no base but its hash.
    pub fn diff(&self, object: &str) -> Result<Vec<ChangedRow>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let (name, base) = (table.quoted(), quote(&table.base_name()));
        let columns: String =
            table.mapping.fields.iter().map(|field| format!("r.{}, ", quote(&field.column))).collect();
        let count = table.mapping.fields.len();
        // Both are walked by their handles, side by side.
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {columns} r.archived, b.row_hash, r._row, r.id, b.id FROM {name} r
             LEFT JOIN {base} b ON b._row = r._row"
        ))?;
        let mut hasher = RowHasher::default();
        let mut changed = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for place in 0..=count {
                hasher.value(row.get_ref(place)?);
            }
            let as_left = row.get::<_, Option<i64>>(count + 1)? == Some(hasher.finish());
            if !as_left || row.get_ref(count + 3)? != row.get_ref(count + 4)? {
                changed.push(ChangedRow { row: row.get(count + 2)?, id: row.get(count + 3)? });
            }
        }
        Ok(changed)
    }
}

impl Write<'_> {
    /// Notes rows that were found changed and that no trigger noted. Nobody knows when they were changed, so no time is
    /// noted with them. Returns how many were new.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_changed(&self, table: &Table, rows: &[ChangedRow]) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO sync_touched (object, row_handle, record_id, at) SELECT ?1, ?2, ?3, ''
             WHERE NOT EXISTS (SELECT 1 FROM sync_touched WHERE object = ?1 AND record_id IS ?3 AND row_handle = ?2)",
        )?;
        let mut noted = 0;
        for row in rows {
            noted += statement.execute(params![table.object(), row.row, row.id])? as u64;
        }
        Ok(noted)
    }
}
