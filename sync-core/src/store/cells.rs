//! Cells on their way into SQLite and back, and the hash that tells whether anybody changed a row.

use super::StoreError;
use mappings::Cell;
use rusqlite::Statement;
use rusqlite::types::{Null, ValueRef};
use std::borrow::Cow;
use twox_hash::XxHash3_64;

/// Binds one cell.
pub(super) fn bind(statement: &mut Statement<'_>, place: usize, cell: &Cell<'_>) -> Result<(), StoreError> {
    match cell {
        Cell::Null => statement.raw_bind_parameter(place, Null)?,
        Cell::Integer(number) => statement.raw_bind_parameter(place, number)?,
        Cell::Real(number) => statement.raw_bind_parameter(place, number)?,
        Cell::Text(text) => statement.raw_bind_parameter(place, text.as_ref())?,
    }
    Ok(())
}

/// Reads one cell. Bytes that are no text are shown as text with replacements; the hash still tells them apart.
pub(super) fn read(value: ValueRef<'_>) -> Cell<'static> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Cell::Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}

/// The hash of a row's mapped cells and its archived flag, in column order. Stored beside the base, so it must stay
/// the same for as long as mirrors exist.
#[derive(Default)]
pub(super) struct RowHasher {
    bytes: Vec<u8>,
}

impl RowHasher {
    pub(super) fn cell(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Null => self.bytes.push(0),
            Cell::Integer(number) => self.tagged(1, &number.to_le_bytes()),
            Cell::Real(number) => self.tagged(2, &number.to_bits().to_le_bytes()),
            Cell::Text(text) => self.sized(3, text.as_bytes()),
        }
    }

    pub(super) fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.bytes.push(0),
            ValueRef::Integer(number) => self.tagged(1, &number.to_le_bytes()),
            ValueRef::Real(number) => self.tagged(2, &number.to_bits().to_le_bytes()),
            ValueRef::Text(bytes) => self.sized(3, bytes),
            ValueRef::Blob(bytes) => self.sized(4, bytes),
        }
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(bytes);
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.tagged(tag, &(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// The hash, as SQLite stores it. The hasher is empty afterwards.
    pub(super) fn finish(&mut self) -> i64 {
        let hash = XxHash3_64::oneshot(&self.bytes);
        self.bytes.clear();
        hash.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::RowHasher;
    use mappings::Cell;
    use rusqlite::types::ValueRef;
    use std::borrow::Cow;

    fn hash(cells: &[Cell<'_>]) -> i64 {
        let mut hasher = RowHasher::default();
        cells.iter().for_each(|cell| hasher.cell(cell));
        hasher.finish()
    }

    #[test]
    fn the_hash_is_fixed_for_ever() {
        let row = [Cell::Null, Cell::Integer(7), Cell::Real(0.5), Cell::Text(Cow::Borrowed("é"))];
        assert_eq!(hash(&row), hash(&row));
        assert_eq!(hash(&row), FIXED, "mirrors hold this hash: changing it makes every row look edited");
    }

    const FIXED: i64 = -6_961_527_647_693_840_972;

    #[test]
    fn neighbouring_cells_and_other_types_do_not_collide() {
        let text = |value| Cell::Text(Cow::Borrowed(value));
        assert_ne!(hash(&[text("ab"), text("c")]), hash(&[text("a"), text("bc")]));
        assert_ne!(hash(&[Cell::Integer(1)]), hash(&[text("1")]));
        assert_ne!(hash(&[Cell::Integer(1)]), hash(&[Cell::Real(1.0)]));
        assert_ne!(hash(&[Cell::Null, text("")]), hash(&[text(""), Cell::Null]));
    }

    #[test]
    fn what_sqlite_gives_back_hashes_like_what_was_written() {
        let mut hasher = RowHasher::default();
        hasher.value(ValueRef::Text("é".as_bytes()));
        hasher.value(ValueRef::Integer(-3));
        assert_eq!(hasher.finish(), hash(&[Cell::Text(Cow::Borrowed("é")), Cell::Integer(-3)]));
    }
}
