//! Which rows the sweep in progress has met, across runs: one bit for each row handle, so that a million rows take
//! 125 kB and a page of records touches few of them.

use super::table::quote;
use super::{Store, StoreError, Table, Write};
use crate::model::{RecordId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Rows to a chunk of bits.
const CHUNK: i64 = 4_096;

impl Store {
    /// Records that the mirror holds as active or archived, that were last changed before `began`, and that the sweep has
    /// not met; of the rows after `row`, about `count` of them. Returns where to go on; `None` at the end.
    pub fn unmet(
        &self,
        object: &str,
        began: Timestamp,
        row: i64,
        count: usize,
    ) -> Result<(Vec<RecordId>, Option<i64>), StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok((Vec::new(), None)) };
        let base = quote(&table.base_name());
        let last: Option<i64> =
            self.connection.query_row(&format!("SELECT max(_row) FROM {base}"), [], |r| r.get(0))?;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT _row, id FROM {base} WHERE _row > ?1 AND _row < ?2 AND state IN ('active', 'archived')
             AND updated_at < ?3 ORDER BY _row"
        ))?;
        let (mut ids, mut row) = (Vec::new(), row);
        while last.is_some_and(|last| row < last) {
            let chunk = (row + 1).div_euclid(CHUNK);
            let bits = read(&self.connection, object, chunk)?;
            let end = (chunk + 1) * CHUNK;
            let mut rows = statement.query(params![row, end, began.millis()])?;
            while let Some(found) = rows.next()? {
                if !is_set(&bits, found.get(0)?) {
                    ids.push(RecordId::from(found.get::<_, String>(1)?));
                }
            }
            row = end - 1;
            if ids.len() >= count {
                return Ok((ids, Some(row)));
            }
        }
        Ok((ids, None))
    }

    /// Those of these records that the mirror holds as active.
    pub fn active_of(&self, object: &str, ids: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(Vec::new()) };
        let base = quote(&table.base_name());
        let sql = format!("SELECT 1 FROM {base} WHERE id = ?1 AND state = 'active'");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut active = Vec::new();
        for id in ids {
            if statement.exists([id.as_str()])? {
                active.push(id.clone());
            }
        }
        Ok(active)
    }

    /// How many rows an object type has in a state.
    pub fn count_in_state(&self, object: &str, state: &str) -> Result<u64, StoreError> {
        let Some(table) = self.tables.get(object) else { return Ok(0) };
        let base = quote(&table.base_name());
        let count: i64 = self
            .connection
            .prepare_cached(&format!("SELECT count(*) FROM {base} WHERE state = ?1"))?
            .query_row([state], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

impl Write<'_> {
    /// A new sweep has met nothing.
    pub fn forget_met(&self, object: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM sync_seen WHERE object = ?1")?.execute([object])?;
        Ok(())
    }

    /// The sweep met these records. Those without a row are passed over.
    pub fn met<'r>(&self, table: &Table, ids: impl Iterator<Item = &'r RecordId>) -> Result<(), StoreError> {
        let base = quote(&table.base_name());
        let mut find = self.connection.prepare_cached(&format!("SELECT _row FROM {base} WHERE id = ?1"))?;
        let mut chunks: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for id in ids {
            let row: Option<i64> = find.query_row([id.as_str()], |row| row.get(0)).optional()?;
            if let Some(row) = row {
                chunks.entry(row.div_euclid(CHUNK)).or_default().push(row);
            }
        }
        let mut store = self.connection.prepare_cached("INSERT OR REPLACE INTO sync_seen VALUES (?1, ?2, ?3)")?;
        for (chunk, rows) in chunks {
            let mut bits = read(self.connection, table.object(), chunk)?;
            for row in rows {
                let (byte, bit) = place(row);
                bits[byte] |= bit;
            }
            store.execute(params![table.object(), chunk, bits])?;
        }
        Ok(())
    }
}

fn read(connection: &Connection, object: &str, chunk: i64) -> Result<Vec<u8>, StoreError> {
    let bits: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bits FROM sync_seen WHERE object = ?1 AND chunk = ?2")?
        .query_row(params![object, chunk], |row| row.get(0))
        .optional()?;
    let mut bits = bits.unwrap_or_default();
    bits.resize(usize::try_from(CHUNK / 8).unwrap_or_default(), 0);
    Ok(bits)
}

/// The byte of a row's bit in its chunk, and the bit.
fn place(row: i64) -> (usize, u8) {
    let within = row.rem_euclid(CHUNK);
    (usize::try_from(within / 8).unwrap_or_default(), 1 << (within % 8))
}

fn is_set(bits: &[u8], row: i64) -> bool {
    let (byte, bit) = place(row);
    bits[byte] & bit != 0
}
