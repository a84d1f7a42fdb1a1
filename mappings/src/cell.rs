//! A value in the mirror, in the types that SQLite knows.

use std::borrow::Cow;

/// A value in the mirror.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A whole number, or a boolean as 0 or 1.
    Integer(i64),
    /// A number that a float holds exactly.
    Real(f64),
    /// Everything else.
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// Text that is borrowed.
    pub fn text(value: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(value))
    }

    /// Whether there is no value. Empty text is a value here; [`Field::to_wire`](crate::Field::to_wire) sends both as a clear.
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Integer(value) => Cell::Integer(value),
            Cell::Real(value) => Cell::Real(value),
            Cell::Text(value) => Cell::Text(Cow::Owned(value.into_owned())),
        }
    }

    /// The value as a person would type it; nothing for NULL.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Cell::Null => Cow::Borrowed(""),
            Cell::Integer(value) => Cow::Owned(value.to_string()),
            // `Display` of a float is its shortest decimal that reads back as the same float, without an exponent.
            Cell::Real(value) if *value == 0.0 => Cow::Borrowed("0"),
            Cell::Real(value) => Cow::Owned(value.to_string()),
            Cell::Text(value) => Cow::Borrowed(value),
        }
    }
}

/// What a remote value looks like in the mirror.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection<'a> {
    /// What the mirror shows.
    pub cell: Cell<'a>,
    /// A remote value that the field's type or transform cannot show: it is NULL in the mirror, is counted, and is
    /// never pushed unless a person writes another one.
    pub outside: bool,
}

impl<'a> Projection<'a> {
    pub(crate) const NULL: Projection<'static> = Projection { cell: Cell::Null, outside: false };
    pub(crate) const OUTSIDE: Projection<'static> = Projection { cell: Cell::Null, outside: true };

    pub(crate) fn of(cell: Cell<'a>) -> Self {
        Projection { cell, outside: false }
    }

    /// The cell, or outside the domain where there is none.
    pub(crate) fn or_outside(cell: Option<Cell<'a>>) -> Self {
        cell.map_or(Projection::OUTSIDE, Projection::of)
    }
}
