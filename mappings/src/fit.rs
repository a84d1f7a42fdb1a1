//! What does not fit between a mapping and a portal's schema, and what could be made in the portal to make it fit.
//!
//! [`Mapping::resolve`] refuses what it cannot work with; this tells all of it, also what it can live with: a field that
//! is silently read-only, a list of values that has fallen behind.

use std::collections::{HashMap, HashSet};

use crate::mapping::{MappedField, Mapping, Source};
use crate::names;
use crate::policy::Direction;
use crate::schema::{PropertySchema, WireType};
use crate::transform::Pair;
use crate::typing;
use crate::wanted::Wanted;

/// What a mapping and a portal's schema have against each other.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// What does not fit, in the order of the file; what concerns no field comes first.
    pub differences: Vec<Difference>,
    /// How many properties the portal has that no field names. That is no difference.
    pub unmapped: usize,
    /// Properties of a built-in mapping that the portal does not have. The mapping does without them.
    pub left_out: Vec<String>,
}

/// One thing that does not fit.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The property.
    pub property: String,
    /// Its column, if it is a field's.
    pub column: Option<String>,
    /// The line in the mapping file, counted from 1.
    pub line: Option<u64>,
    /// What it is.
    pub kind: Misfit,
    /// What it is, in a few words without a full stop.
    pub message: String,
    /// What a person can do about it, in a few words without a full stop.
    pub advice: String,
    /// What could be made in the portal to end the difference.
    pub wanted: Option<Wanted>,
}

/// The kinds of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The portal has no such property.
    Unknown,
    /// The property is archived: its column stays, edits of it cannot be sent.
    Archived,
    /// The stated type or the transform does not fit the portal's type.
    Type,
    /// The mapping would send what the portal accepts no writes to.
    ReadOnly,
    /// `key` or `unique` names a property whose values are not unique.
    NotUnique,
    /// The transform translates options that the portal does not list.
    OptionsGone,
    /// The portal lists options that the transform does not translate.
    OptionsNew,
}

impl Misfit {
    /// The kind as one word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Archived => "archived",
            Self::Type => "type",
            Self::ReadOnly => "read_only",
            Self::NotUnique => "not_unique",
            Self::OptionsGone => "options_gone",
            Self::OptionsNew => "options_new",
        }
    }
}

type Known<'a> = HashMap<&'a str, &'a PropertySchema>;

impl Mapping {
    /// Holds the mapping against the portal's schema and tells all that does not fit.
    pub fn fit(&self, schema: &[PropertySchema]) -> Fit {
        let known: Known<'_> = schema.iter().map(|property| (property.name.as_str(), property)).collect();
        let built_in = matches!(self.source, Source::BuiltIn(_));
        let mut fit = Fit::default();
        fit.differences.extend(self.unique_difference(&known, schema));
        fit.differences.extend(self.key_difference(&known));
        for field in &self.fields {
            match known.get(field.property.as_str()) {
                Some(property) => fit.differences.extend(self.field_differences(field, property, built_in)),
                None if self.unique.as_ref() == Some(&field.property) => {}
                None if built_in => fit.left_out.push(field.property.clone()),
                None => fit.differences.push(self.unknown_field(field, schema)),
            }
        }
        fit.differences.sort_by_key(|difference| difference.line);
        let named: HashSet<&str> =
            self.fields.iter().map(|field| field.property.as_str()).chain(self.unique.as_deref()).collect();
        fit.unmapped = schema.iter().filter(|p| !p.archived && !named.contains(p.name.as_str())).count();
        fit
    }

    /// The property that makes creates safe to repeat: there, not archived, and unique.
    fn unique_difference(&self, known: &Known<'_>, schema: &[PropertySchema]) -> Option<Difference> {
        let name = self.unique.as_deref()?;
        let line = self.places.unique.map(|place| place.line);
        let field = self.fields.iter().find(|field| field.property == name);
        let of = |kind, message: &str, advice: &str, wanted| Difference {
            property: name.to_owned(),
            column: field.map(|field| field.column.clone()),
            line,
            kind,
            message: message.to_owned(),
            advice: advice.to_owned(),
            wanted,
        };
        match known.get(name) {
            None => {
                let wanted = Wanted::row_key(self, name, schema);
                Some(of(Misfit::Unknown, "`unique` names what the portal does not have", NO_UNIQUE, Some(wanted)))
            }
            Some(property) if !property.has_unique_value => {
                Some(of(Misfit::NotUnique, "`unique` names a property without unique values", OTHER_NAME, None))
            }
            Some(property) if property.archived => {
                let wanted = Some(Wanted::restored(property));
                Some(of(Misfit::Archived, "`unique` names an archived property", NO_UNIQUE, wanted))
            }
            Some(_) => None,
        }
    }

    /// A key that several records may share; that it is missing is its field's difference.
    fn key_difference(&self, known: &Known<'_>) -> Option<Difference> {
        let name = self.key.as_deref()?;
        let property = known.get(name)?;
        if property.has_unique_value || self.identifies_contacts(name) || self.unique.as_deref() == Some(name) {
            return None;
        }
        Some(Difference {
            property: name.to_owned(),
            column: self.fields.iter().find(|field| field.property == name).map(|field| field.column.clone()),
            line: self.places.key.map(|place| place.line),
            kind: Misfit::NotUnique,
            message: "`key` names a property without unique values".to_owned(),
            advice: OTHER_NAME.to_owned(),
            wanted: None,
        })
    }

    fn unknown_field(&self, field: &MappedField, schema: &[PropertySchema]) -> Difference {
        let wanted = Wanted::of_field(self, field, schema);
        let (message, advice) = match (names::meant(&field.property, schema), &wanted) {
            (Some(meant), _) => (format!("the portal has no such property, but `{meant}`"), "name that one"),
            (None, Some(_)) => (UNKNOWN.to_owned(), "take the field out"),
            (None, None) => (UNKNOWN.to_owned(), "state a `type` that fits, and it can be made; or take the field out"),
        };
        difference(field, Misfit::Unknown, message, advice.to_owned(), wanted)
    }

    fn field_differences(&self, field: &MappedField, property: &PropertySchema, built_in: bool) -> Vec<Difference> {
        if property.archived {
            // The row's own key has been told already.
            if self.unique.as_ref() == Some(&field.property) {
                return Vec::new();
            }
            let wanted = field.column_type.filter(|_| !property.calculated).map(|_| Wanted::restored(property));
            let message = "archived in the portal: edits of it become rejects".to_owned();
            let advice = "restore it in the portal, or take the field out".to_owned();
            return vec![difference(field, Misfit::Archived, message, advice, wanted)];
        }
        if let Err(misfit) = typing::decide(property, field.column_type, &field.transform) {
            let advice =
                misfit.hint.as_deref().map_or_else(|| "change the type or the transform".to_owned(), as_clause);
            return vec![difference(field, Misfit::Type, misfit.message, advice, None)];
        }
        let refused = property.calculated || property.read_only || property.wire_type == WireType::Unknown;
        let mut differences = Vec::new();
        // A built-in mapping is for every portal; what one of them refuses is simply not sent.
        if refused && field.direction != Direction::Pull && !built_in {
            let why = if property.calculated { "calculated by the portal" } else { "read-only in the portal" };
            let message = format!("{why}, and `direction` is {}", field.direction);
            differences.push(difference(field, Misfit::ReadOnly, message, "say `direction: pull`".to_owned(), None));
        }
        differences.extend(option_differences(field, property));
        differences
    }
}

const UNKNOWN: &str = "the portal has no such property";
const NO_UNIQUE: &str = "leave the line out: creates are then looked for by their key or their values";
const OTHER_NAME: &str = "name another one: uniqueness can only be given to a property when it is made";

/// A sentence as a part of another one.
fn as_clause(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn difference(
    field: &MappedField,
    kind: Misfit,
    message: String,
    advice: String,
    wanted: Option<Wanted>,
) -> Difference {
    let (property, column) = (field.property.clone(), Some(field.column.clone()));
    Difference { property, column, line: Some(field.line), kind, message, advice, wanted }
}

/// A list of values beside the options that the portal lists: what either has alone.
fn option_differences(field: &MappedField, property: &PropertySchema) -> Vec<Difference> {
    let Some(Pair::Values(pairs)) = &field.transform.pair else { return Vec::new() };
    if property.wire_type != WireType::Enumeration || property.options.is_empty() {
        return Vec::new();
    }
    let normal = |text: &str| field.transform.normaliser.apply(text).into_owned();
    let listed: HashSet<String> = property.options.iter().map(|option| normal(&option.value)).collect();
    let translated: HashSet<String> = pairs.iter().map(|(remote, _)| normal(remote)).collect();
    let quoted = |values: Vec<&str>| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let gone: Vec<&str> =
        pairs.iter().map(|(remote, _)| remote.as_str()).filter(|v| !listed.contains(&normal(v))).collect();
    let new: Vec<&str> =
        property.options.iter().map(|o| o.value.as_str()).filter(|v| !translated.contains(&normal(v))).collect();
    let mut differences = Vec::new();
    // What is only read may still be there: records keep the values of options that are gone.
    if !gone.is_empty() && field.direction != Direction::Pull {
        let message = format!("`values` translates {}, which the portal does not list", quoted(gone));
        let advice = "take it out, or add the option in the portal".to_owned();
        differences.push(difference(field, Misfit::OptionsGone, message, advice, None));
    }
    if !new.is_empty() && field.direction != Direction::Push {
        let message = format!("the portal lists {}, which `values` does not translate: shown as NULL", quoted(new));
        differences.push(difference(field, Misfit::OptionsNew, message, "add it to `values`".to_owned(), None));
    }
    differences
}
