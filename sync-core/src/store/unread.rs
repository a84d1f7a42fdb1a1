//! Which properties are so new that no walk has read them everywhere, and reading an object type anew where a mapping asks for
//! what was not fetched.

use super::cursor::forget;
use super::{StoreError, Write};
use crate::events::Phase;
use mappings::PropertySchema;
use rusqlite::{Connection, params};
use std::collections::HashSet;

/// How a mark in `sync_meta` begins whose property was not known when records were read; the object type and the property
/// follow. Its value is when the last walk over everything began that passed records without it.
const UNREAD: &str = "unread:";

impl Write<'_> {
    /// Notes which of the properties that the remote tells of are new to the mirror, before they are stored: records that
    /// were read before show nothing of them until they are read again. One that had been archived was not read either.
    pub fn note_new_properties(&self, object: &str, told: &[PropertySchema]) -> Result<(), StoreError> {
        let marks = marks(object);
        self.connection
            .prepare_cached(
                "DELETE FROM sync_meta WHERE substr(key, 1, length(?1)) = ?1
                 AND CAST(value AS INTEGER) < (SELECT swept_at FROM sync_objects WHERE object = ?2)",
            )?
            .execute(params![marks, object])?;
        let mut stored =
            self.connection.prepare_cached("SELECT name FROM properties WHERE object = ?1 AND archived = 0")?;
        let known: HashSet<String> = stored.query_map([object], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if known.is_empty() {
            // Told for the first time, or once more because somebody dropped the table.
            return Ok(());
        }
        let mut note = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO sync_meta
             SELECT ?1, max(coalesce(o.swept_at, 0), coalesce((SELECT max(c.began) FROM sync_cursors c
                        WHERE c.object = o.object AND c.phase IN ('backfill', 'sweep')), 0))
             FROM sync_objects o WHERE o.object = ?2",
        )?;
        for property in told.iter().filter(|property| !property.archived && !known.contains(&property.name)) {
            note.execute(params![format!("{marks}{}", property.name), object])?;
        }
        Ok(())
    }
}

/// Whether a property is so new that no sweep has read it since, from its beginning to its end.
pub(super) fn is_unread(connection: &Connection, object: &str, property: &str) -> Result<bool, StoreError> {
    let unread = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sync_meta m JOIN sync_objects o ON o.object = ?2
             WHERE m.key = ?1 AND coalesce(o.swept_at, 0) <= CAST(m.value AS INTEGER))",
        )?
        .query_row(params![format!("{}{property}", marks(object)), object], |row| row.get(0))?;
    Ok(unread)
}

/// Makes the next pull of an object type a full read, with every property that is fetched by then. One that is under way
/// begins anew: it has passed records without them.
pub(super) fn read_anew(connection: &Connection, object: &str) -> Result<(), StoreError> {
    connection.execute("UPDATE sync_objects SET backfilled = 0 WHERE object = ?1", [object])?;
    for phase in [Phase::Backfill, Phase::Archived] {
        forget(connection, object, phase)?;
    }
    connection.execute("DELETE FROM sync_meta WHERE substr(key, 1, length(?1)) = ?1", [marks(object)])?;
    Ok(())
}

fn marks(object: &str) -> String {
    format!("{UNREAD}{object}:")
}
