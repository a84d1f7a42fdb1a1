//! A tool may have read the table long before it wrote it back: what the engine changed in between is then in the
//! tool's table as it was, and is nobody's edit.

use crate::model::Timestamp;
use crate::store::{StoreError, Write};
use mappings::{Cell, Field};
use rusqlite::params;

/// What the history of a record's property says about a value that differs from the present one.
pub(super) enum Past {
    /// It never changed.
    Still,
    /// It held this very value before.
    Was,
    /// It changed, from something else; this is what it was first.
    Moved(Option<String>),
}

/// Whether a tool's row is of the version of the record that the mirror has. Without a time nobody knows.
pub(super) fn is_current(theirs: Option<&str>, ours: Timestamp) -> bool {
    let Some(theirs) = theirs.map(str::trim) else { return false };
    let zoned = |zone: &str| Timestamp::parse(&(theirs.replacen(' ', "T", 1) + zone));
    zoned("").or_else(|| zoned("Z")).is_some_and(|theirs| theirs == ours)
}

/// Looks a property up in the history.
pub(super) fn past(
    write: &Write<'_>,
    object: &str,
    id: &str,
    field: &Field,
    theirs: &Cell<'_>,
) -> Result<Past, StoreError> {
    let mut statement = write.connection.prepare_cached(
        "SELECT before FROM sync_history WHERE object = ?1 AND record_id = ?2 AND property = ?3 ORDER BY rowid",
    )?;
    let mut rows = statement.query(params![object, id, field.property])?;
    let mut first = None;
    while let Some(row) = rows.next()? {
        let before: Option<String> = row.get(0)?;
        if super::mentioned::same(field, theirs, &field.project(before.as_deref()).cell) {
            return Ok(Past::Was);
        }
        first.get_or_insert(before);
    }
    Ok(first.map_or(Past::Still, Past::Moved))
}

#[cfg(test)]
mod tests {
    use super::is_current;
    use crate::model::Timestamp;

    #[test]
    fn a_time_is_recognised_as_data_frames_print_it() {
        let ours = Timestamp::parse("2026-03-01T08:05:00.120Z").unwrap();
        for theirs in [
            "2026-03-01T08:05:00.120Z",
            "2026-03-01 08:05:00.120000",
            "2026-03-01 08:05:00.120000+00:00",
            "2026-03-01 09:05:00.12+01:00",
        ] {
            assert!(is_current(Some(theirs), ours), "{theirs}");
        }
        for theirs in [None, Some(""), Some("2026-03-01T08:05:00.119Z"), Some("yesterday")] {
            assert!(!is_current(theirs, ours), "{theirs:?}");
        }
    }
}
