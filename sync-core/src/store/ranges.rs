//! What is left of a list that is walked as several ranges of ids at once: a row for each range, moved in the
//! transaction that writes the records it has passed. Together the rows always cover everything that is not yet in the
//! mirror.

use super::cursor::name;
use super::{Store, StoreError, Write};
use crate::events::Phase;
use crate::model::Timestamp;
use rusqlite::params;

/// What is left of one range of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Which range it is: a number above 0.
    pub part: u32,
    /// The mirror has every record below this id.
    pub next: u64,
    /// Where the range ends: the first id that belongs to another one. `None` for the end of the list.
    pub until: Option<u64>,
}

impl Store {
    /// What is left of a list, range by range; empty where it is not walked in ranges.
    pub fn ranges(&self, object: &str, phase: Phase) -> Result<Vec<Range>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT part, position, until FROM sync_cursors WHERE object = ?1 AND phase = ?2 AND part > 0 ORDER BY part",
        )?;
        let rows = statement.query_map(params![object, name(phase)], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
        })?;
        let mut ranges = Vec::new();
        for row in rows {
            let (part, next, until) = row?;
            let until = until.map(|until| id(&until)).transpose()?;
            ranges.push(Range { part, next: id(&next)?, until });
        }
        Ok(ranges)
    }
}

fn id(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| {
        StoreError::Unusable(format!(
            "sync_cursors holds `{text}` where an id belongs: somebody wrote to it; `crmsync backfill --restart` begins \
             anew"
        ))
    })
}

impl Write<'_> {
    /// Stores what is left of a list, range by range, in place of what was stored before.
    pub fn save_ranges(
        &self,
        object: &str,
        phase: Phase,
        began: Timestamp,
        ranges: &[Range],
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM sync_cursors WHERE object = ?1 AND phase = ?2 AND part > 0")?
            .execute(params![object, name(phase)])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO sync_cursors (object, phase, part, began, position, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for range in ranges {
            let (next, until) = (range.next.to_string(), range.until.map(|until| until.to_string()));
            insert.execute(params![object, name(phase), range.part, began.millis(), next, until])?;
        }
        Ok(())
    }
}
