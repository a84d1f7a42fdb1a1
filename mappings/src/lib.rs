//! Mapping files and what they mean: which property is which column, and what a value of one is in the other.
//!
//! Pure: no file is opened, no clock is read. A [`Mapping`] is a file as it was written. Held against a portal's schema
//! it becomes a [`ResolvedMapping`], whose [`Field`]s convert and compare values.
//!
//! What holds for every field, and is tested under the names of the promises:
//!
//! * a value that nobody edited never looks edited (P4): comparison is by meaning, not by spelling;
//! * a local value that is sent and read again is the same value ([`proof`]);
//! * a remote value that the column cannot show exactly is NULL and counted, never rounded;
//! * no number passes through a float on its way to the remote (P40), no date through a time zone (P39).

mod assumed;
mod built_in;
mod cell;
mod codec;
mod decimal;
mod equality;
mod error;
mod field;
mod file;
mod file_field;
mod fit;
mod generate;
mod instant;
mod mapping;
mod names;
mod policy;
pub mod proof;
mod recipe;
mod resolve;
mod schema;
mod set;
mod transform;
mod typing;
mod wanted;
mod yaml;

pub use cell::{Cell, Projection};
pub use error::{MappingError, ValueError};
pub use field::Field;
pub use fit::{Difference, Fit, Misfit};
pub use generate::Generate;
pub use mapping::{AssociationRule, MappedField, Mapping, Source};
pub use policy::{ColumnType, Deletes, Direction, Policy, Unmapped};
pub use recipe::{Recipe, RecipeError};
pub use resolve::ResolvedMapping;
pub use schema::{PropertyOption, PropertySchema, WireType};
pub use set::check_set;
pub use transform::{Factor, Normaliser, Pair, Transform};
pub use wanted::Wanted;
