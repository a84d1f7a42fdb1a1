//! One property and its column, ready to convert values both ways.
//!
//! Promises: a value that nobody edited never looks edited; what cannot be shown is NULL and counted, never guessed;
//! numbers never pass through a float on their way to the remote.

use std::collections::HashSet;

use crate::cell::{Cell, Projection};
use crate::codec::Codec;
use crate::equality::{Likeness, items};
use crate::error::{ValueError, shown};
use crate::policy::{ColumnType, Direction, Policy};
use crate::recipe::Recipe;
use crate::schema::WireType;
use crate::transform::{Normaliser, Transform};

/// One property and its column, with everything about them decided.
#[derive(Clone, Debug)]
pub struct Field {
    /// The remote's name of the property.
    pub property: String,
    /// The column in the mirror.
    pub column: String,
    /// The column's type.
    pub column_type: ColumnType,
    /// The direction that holds: what the remote refuses to be sent is [`Direction::Pull`], whatever the file says.
    pub direction: Direction,
    /// Who wins a conflict.
    pub policy: Policy,
    /// Whether this is the mapping's key.
    pub is_key: bool,
    /// Whether this is the property that makes creates safe to repeat.
    pub is_unique: bool,
    /// Whether the remote computes the value.
    pub calculated: bool,
    /// Whether the property is archived on the remote's side: its column stays, edits of it cannot be sent.
    pub retired: bool,
    /// The transform as stated.
    pub transform: Transform,
    /// The line of the field in its file, counted from 1.
    pub line: u64,
    /// The type of the property.
    pub(crate) wire_type: WireType,
    /// Whether the property may hold several options.
    pub(crate) several: bool,
    pub(crate) codec: Codec,
    pub(crate) like: Likeness,
    /// The options that the schema lists; empty where it lists none.
    pub(crate) options: HashSet<String>,
}

impl Field {
    /// How the column is made, to be stored.
    pub fn recipe(&self) -> Recipe {
        Recipe::of(self)
    }

    /// Whether edits of the column may be sent.
    pub fn is_pushed(&self) -> bool {
        self.direction != Direction::Pull
    }

    /// Whether values of the remote are shown.
    pub fn is_pulled(&self) -> bool {
        self.direction != Direction::Push
    }

    /// What a raw remote value looks like in the mirror. Absent, empty and null are all NULL. Text that needs no
    /// change is borrowed.
    #[inline]
    pub fn project<'a>(&self, wire: Option<&'a str>) -> Projection<'a> {
        match wire {
            None | Some("") => Projection::NULL,
            Some(wire) => self.codec.read(&self.like, self.transform.normaliser, wire),
        }
    }

    /// What the remote would be sent for a value of the mirror; `Ok(None)` clears the property.
    pub fn to_wire(&self, cell: &Cell<'_>) -> Result<Option<String>, ValueError> {
        self.codec.write(&self.like, self.transform.normaliser, cell).map_err(|expected| ValueError {
            column: self.column.clone(),
            property: self.property.clone(),
            value: shown(&cell.plain()),
            expected,
        })
    }

    /// Whether the schema lists what is about to be sent, option by option. True for everything that is not an
    /// enumeration, and for one whose options live elsewhere (owners, say). A remote refuses an unlisted option; a
    /// schema may be older than the option, so ask again with a fresh one before giving up.
    pub fn is_listed(&self, wire: &str) -> bool {
        let listed = |item: &str| self.options.contains(item);
        self.options.is_empty()
            || match &self.like {
                Likeness::Set(separator) => items(separator, Normaliser::default(), wire).all(|item| listed(&item)),
                _ => wire.is_empty() || listed(wire),
            }
    }

    /// Whether two raw remote values are the same: numbers by value, several options as a set, times by instant, JSON
    /// by structure; absent, empty and null are one value.
    pub fn same_wire(&self, a: Option<&str>, b: Option<&str>) -> bool {
        self.like.same(self.transform.normaliser, a, b)
    }

    /// Whether two values of the mirror are the same as far as the remote is concerned.
    pub fn same_cell(&self, a: &Cell<'_>, b: &Cell<'_>) -> bool {
        if a == b {
            return true;
        }
        match (self.to_wire(a), self.to_wire(b)) {
            (Ok(a), Ok(b)) => self.same_wire(a.as_deref(), b.as_deref()),
            _ => false,
        }
    }
}
