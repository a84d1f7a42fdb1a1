//! How a column was made, in a form that can be stored: after its mapping has changed, what stands in it can still be
//! read and sent.

use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::field::Field;
use crate::policy::{ColumnType, Direction, Policy};
use crate::resolve::{PROJECTION_VERSION, ResolvedMapping};
use crate::schema::{PropertySchema, WireType};
use crate::transform::{Factor, Normaliser, Pair, Transform};
use crate::typing;

/// How a column was made. Two columns made alike hold the same cell for every value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The remote's name of the property.
    pub property: String,
    /// The column in the mirror.
    pub column: String,
    /// Whether people may write it.
    pub pushed: bool,
    version: u32,
    column_type: String,
    wire_type: String,
    several: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    trim: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    lowercase: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<StoredPair>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredPair {
    Scale(String),
    Values(Vec<(String, String)>),
    Split(String),
    EpochMs,
    ConstantPrefix(String),
}

/// A stored recipe that this program cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("how the column {0} was made cannot be read: {1}")]
pub struct RecipeError(String, String);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl ResolvedMapping {
    /// The same mapping with the columns that these recipes made, which may be those of an earlier version of it.
    ///
    /// # Errors
    /// When a recipe was stored by a program that knew more than this one.
    pub fn as_made(&self, recipes: &[Recipe]) -> Result<Self, RecipeError> {
        let mut fields = Vec::with_capacity(recipes.len());
        for recipe in recipes {
            let mut field = recipe.field()?;
            if let Some(known) = self.field_of(&recipe.property) {
                (field.policy, field.is_key, field.is_unique) = (known.policy, known.is_key, known.is_unique);
            }
            fields.push(field);
        }
        Ok(self.with_fields(fields))
    }
}

impl Recipe {
    /// How a field makes its column.
    pub(crate) fn of(field: &Field) -> Self {
        let pair = field.transform.pair.as_ref().map(|pair| match pair {
            Pair::Scale(factor) => StoredPair::Scale(factor.as_str().to_owned()),
            Pair::Values(pairs) => StoredPair::Values(pairs.clone()),
            Pair::Split(separator) => StoredPair::Split(separator.clone()),
            Pair::EpochMs => StoredPair::EpochMs,
            Pair::ConstantPrefix(prefix) => StoredPair::ConstantPrefix(prefix.clone()),
        });
        Self {
            property: field.property.clone(),
            column: field.column.clone(),
            pushed: field.is_pushed(),
            version: PROJECTION_VERSION,
            column_type: field.column_type.word().to_owned(),
            wire_type: field.wire_type.name().to_owned(),
            several: field.several,
            trim: field.transform.normaliser.trim,
            lowercase: field.transform.normaliser.lowercase,
            pair,
        }
    }

    /// Whether a program made the column that showed some values differently.
    pub fn is_older(&self) -> bool {
        self.version != PROJECTION_VERSION
    }

    /// The field that made the column, as far as its values go.
    ///
    /// # Errors
    /// When it was stored by a program that knew more than this one.
    pub fn field(&self) -> Result<Field, RecipeError> {
        let fail = |why: String| RecipeError(self.column.clone(), why);
        let column_type = ColumnType::from_word(&self.column_type)
            .ok_or_else(|| fail(format!("no type is called {}", shown(&self.column_type))))?;
        let pair = match &self.pair {
            None => None,
            Some(StoredPair::Scale(factor)) => Some(Pair::Scale(Factor::parse(factor).map_err(fail)?)),
            Some(StoredPair::Values(pairs)) => Some(Pair::Values(pairs.clone())),
            Some(StoredPair::Split(separator)) => Some(Pair::Split(separator.clone())),
            Some(StoredPair::EpochMs) => Some(Pair::EpochMs),
            Some(StoredPair::ConstantPrefix(prefix)) => Some(Pair::ConstantPrefix(prefix.clone())),
        };
        let normaliser = Normaliser { trim: self.trim, lowercase: self.lowercase };
        let transform = Transform { pair, normaliser };
        let wire_type = WireType::named(&self.wire_type);
        let typed = typing::decide(&self.property(wire_type), Some(column_type), &transform)
            .map_err(|misfit| fail(misfit.message))?;
        Ok(Field {
            property: self.property.clone(),
            column: self.column.clone(),
            column_type: typed.column_type,
            direction: if self.pushed { Direction::Both } else { Direction::Pull },
            policy: Policy::RemoteWins,
            is_key: false,
            is_unique: false,
            calculated: false,
            retired: false,
            transform,
            line: 0,
            wire_type,
            several: self.several,
            codec: typed.codec,
            like: typed.like,
            options: std::collections::HashSet::new(),
        })
    }

    /// The property as far as types are decided from it.
    fn property(&self, wire_type: WireType) -> PropertySchema {
        PropertySchema {
            name: self.property.clone(),
            label: String::new(),
            wire_type,
            type_name: self.wire_type.clone(),
            field_type: if self.several { "checkbox".to_owned() } else { String::new() },
            group_name: String::new(),
            calculated: false,
            read_only: false,
            has_unique_value: false,
            hidden: false,
            archived: false,
            options: Vec::new(),
        }
    }
}
