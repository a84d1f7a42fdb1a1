//! A mapping file as it was written: parsed, and checked as far as that needs no portal.

use std::fmt;

use crate::error::MappingError;
use crate::policy::{ColumnType, Deletes, Direction, Policy, Unmapped};
use crate::transform::Transform;
use crate::yaml::Place;

/// Where a mapping comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, by the name it was given.
    File(String),
    /// Compiled into this program, by the name of its object.
    BuiltIn(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => f.write_str(name),
            Self::BuiltIn(object) => write!(f, "built-in {object}.yaml"),
        }
    }
}

/// A mapping file: one object type, its table, its fields.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The object type: a name, an object type id or a fully qualified name.
    pub object: String,
    /// The table in the mirror.
    pub table: String,
    /// The property by whose value a create looks for a record to adopt.
    pub key: Option<String>,
    /// The property that makes creates safe to repeat.
    pub unique: Option<String>,
    /// Who wins where a field says nothing else.
    pub conflict: Policy,
    /// What a plain SQL DELETE means.
    pub deletes: Deletes,
    /// The fields, in the order of the file.
    pub fields: Vec<MappedField>,
    /// What becomes of the other properties.
    pub unmapped: Unmapped,
    /// The associations that this mapping names.
    pub associations: Vec<AssociationRule>,
    /// Where it was read.
    pub source: Source,
    pub(crate) places: Places,
}

/// Where the parts of a mapping stand that are not fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) object: Option<Place>,
    pub(crate) table: Option<Place>,
    pub(crate) key: Option<Place>,
    pub(crate) unique: Option<Place>,
}

/// One property and its column, as stated.
#[derive(Clone, Debug)]
pub struct MappedField {
    /// The remote's name of the property.
    pub property: String,
    /// The column in the mirror.
    pub column: String,
    /// The direction as stated; what the remote refuses to be sent is read-only all the same.
    pub direction: Direction,
    /// The type as stated; otherwise it comes from the portal's schema.
    pub column_type: Option<ColumnType>,
    /// What lies between the two.
    pub transform: Transform,
    /// The policy as stated; otherwise the mapping's.
    pub conflict: Option<Policy>,
    /// The line of the property's name in the file, counted from 1.
    pub line: u64,
    /// Its column in the file, counted from 1.
    pub column_no: u64,
}

/// An association that a mapping names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationRule {
    /// The other object type.
    pub object: String,
    /// Both ways, or only into the mirror.
    pub direction: Direction,
    /// The line in the file, counted from 1.
    pub line: u64,
}

impl Mapping {
    /// Reads a mapping file. Of several mistakes the first is told; [`Mapping::parse_all`] tells them all.
    pub fn parse(source_name: &str, yaml: &str) -> Result<Self, MappingError> {
        Self::parse_all(source_name, yaml).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Reads a mapping file, or tells every mistake in it, in the order of the file. There is at least one.
    pub fn parse_all(source_name: &str, yaml: &str) -> Result<Self, Vec<MappingError>> {
        crate::file::read(Source::File(source_name.to_owned()), yaml)
    }

    pub(crate) fn error(&self, place: Option<Place>, message: String) -> MappingError {
        MappingError {
            file: self.source.to_string(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            field: None,
            message,
            hint: None,
        }
    }

    pub(crate) fn field_error(&self, field: &MappedField, message: String, hint: Option<String>) -> MappingError {
        let place = Place { line: field.line, column: field.column_no };
        MappingError {
            field: Some(field.property.clone()),
            hint: hint.map(String::into_boxed_str),
            ..self.error(Some(place), message)
        }
    }
}
