//! A mapping held against a portal's schema: every name found, every type decided, every misfit told at once.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::error::MappingError;
use crate::field::Field;
use crate::mapping::{AssociationRule, MappedField, Mapping, Source};
use crate::names;
use crate::policy::{Deletes, Direction, Policy, Unmapped};
use crate::schema::{PropertySchema, WireType};
use crate::typing;

/// Changed when the same mapping begins to show the same value differently.
pub(crate) const PROJECTION_VERSION: u32 = 2;

/// A mapping that fits its portal.
#[derive(Clone, Debug)]
pub struct ResolvedMapping {
    /// The object type, as the mapping names it.
    pub object: String,
    /// The table in the mirror.
    pub table: String,
    /// The property by whose value a create looks for a record to adopt. It is among the fields.
    pub key: Option<String>,
    /// The property that makes creates safe to repeat. It need not be among the fields.
    pub unique: Option<String>,
    /// Who wins where a field says nothing else.
    pub conflict: Policy,
    /// What a plain SQL DELETE means.
    pub deletes: Deletes,
    /// What becomes of the other properties.
    pub unmapped: Unmapped,
    /// The associations that this mapping names.
    pub associations: Vec<AssociationRule>,
    /// The fields, in the order of the file.
    pub fields: Vec<Field>,
    /// Properties of a built-in mapping that this portal does not have.
    pub left_out: Vec<String>,
    /// Where it was read.
    pub source: Source,
    by_property: HashMap<String, usize>,
    by_column: HashMap<String, usize>,
}

impl Mapping {
    /// Holds the mapping against the schema of its object. Every misfit is told, in the order of the file. A property
    /// that the portal does not know is a misfit in a person's mapping, and is left out of a built-in one.
    pub fn resolve(&self, schema: &[PropertySchema]) -> Result<ResolvedMapping, Vec<MappingError>> {
        let known: HashMap<&str, &PropertySchema> = schema.iter().map(|p| (p.name.as_str(), p)).collect();
        let lenient = matches!(self.source, Source::BuiltIn(_));
        let mut errors = Vec::new();
        let mut fields = Vec::new();
        let mut left_out = Vec::new();
        for field in &self.fields {
            match known.get(field.property.as_str()) {
                Some(property) => match self.field(field, property) {
                    Ok(field) => fields.push(field),
                    Err(error) => errors.push(*error),
                },
                None if lenient => left_out.push(field.property.clone()),
                None => errors.push(self.unknown_property(field, schema)),
            }
        }
        let kept = |property: &&String| !lenient || known.contains_key(property.as_str());
        let (key, unique) = (self.key.as_ref().filter(kept), self.unique.as_ref().filter(kept));
        errors.extend(self.key_error(key, &known));
        errors.extend(self.unique_error(unique, &known));
        if !errors.is_empty() {
            errors.sort_by_key(|error| (error.line, error.column));
            return Err(errors);
        }
        let resolved = ResolvedMapping {
            object: self.object.clone(),
            table: self.table.clone(),
            key: key.cloned(),
            unique: unique.cloned(),
            conflict: self.conflict,
            deletes: self.deletes,
            unmapped: self.unmapped,
            associations: self.associations.clone(),
            fields: Vec::new(),
            left_out,
            source: self.source.clone(),
            by_property: HashMap::new(),
            by_column: HashMap::new(),
        };
        Ok(resolved.with_fields(fields))
    }

    fn field(&self, stated: &MappedField, property: &PropertySchema) -> Result<Field, Box<MappingError>> {
        let typed = typing::decide(property, stated.column_type, &stated.transform)
            .map_err(|misfit| Box::new(self.field_error(stated, misfit.message, misfit.hint)))?;
        let refused = property.calculated || property.read_only || property.wire_type == WireType::Unknown;
        if refused && stated.direction == Direction::Push {
            let why = if property.calculated { "the remote computes it" } else { "the remote accepts no writes to it" };
            let message = format!("`direction: push` is not possible: {why}");
            return Err(Box::new(self.field_error(stated, message, Some("Use `direction: pull`.".to_owned()))));
        }
        Ok(Field {
            property: stated.property.clone(),
            column: stated.column.clone(),
            column_type: typed.column_type,
            direction: if refused { Direction::Pull } else { stated.direction },
            policy: stated.conflict.unwrap_or(self.conflict),
            is_key: self.key.as_ref() == Some(&stated.property),
            is_unique: self.unique.as_ref() == Some(&stated.property),
            calculated: property.calculated,
            retired: property.archived,
            transform: stated.transform.clone(),
            line: stated.line,
            wire_type: property.wire_type,
            several: typing::is_multiple(property),
            codec: typed.codec,
            options: listed_options(property),
            like: typed.like,
        })
    }

    fn unknown_property(&self, field: &MappedField, schema: &[PropertySchema]) -> MappingError {
        let hint = match (names::meant(&field.property, schema), field.column_type) {
            (Some(meant), None) => format!("Did you mean `{meant}`?"),
            (Some(meant), Some(_)) => format!("Did you mean `{meant}`? If not, `crmsync schema apply` makes it."),
            (None, Some(_)) => "`crmsync schema apply` makes it.".to_owned(),
            (None, None) => format!(
                "`crmsync schema show` lists what {} have; `crmsync schema apply` makes it, if the field states a `type`.",
                self.object
            ),
        };
        let message = format!("the portal's {} have no such property", self.object);
        self.field_error(field, message, Some(hint))
    }

    /// A create adopts the record that its key finds, so the key must find one at most.
    fn key_error(&self, key: Option<&String>, known: &HashMap<&str, &PropertySchema>) -> Option<MappingError> {
        let property = known.get(key?.as_str())?;
        if property.has_unique_value || self.identifies_contacts(&property.name) {
            return None;
        }
        let message = format!("the key `{}` may have one value on several records", property.name);
        let hint = "A key is a property with unique values, or the email of contacts.";
        Some(MappingError { hint: Some(hint.into()), ..self.error(self.places.key, message) })
    }

    /// Contacts' email is unique although the schema may not say so.
    pub(crate) fn identifies_contacts(&self, property: &str) -> bool {
        property == "email" && matches!(self.object.as_str(), "contacts" | "contact" | "0-1")
    }

    fn unique_error(&self, unique: Option<&String>, known: &HashMap<&str, &PropertySchema>) -> Option<MappingError> {
        let unique = unique?;
        let (message, hint) = match known.get(unique.as_str()) {
            Some(property) if property.has_unique_value => return None,
            Some(_) => (
                format!("`unique` names `{unique}`, whose values are not unique in the portal"),
                "Uniqueness can only be given to a property when it is made.",
            ),
            None => (
                format!("`unique` names `{unique}`, which the portal's {} do not have", self.object),
                "`crmsync schema apply` makes it; without it leave the line out.",
            ),
        };
        Some(MappingError { hint: Some(hint.into()), ..self.error(self.places.unique, message) })
    }
}

impl ResolvedMapping {
    /// The same with other fields.
    pub(crate) fn with_fields(&self, fields: Vec<Field>) -> Self {
        let by_property = fields.iter().enumerate().map(|(at, field)| (field.property.clone(), at)).collect();
        let by_column = fields.iter().enumerate().map(|(at, field)| (field.column.to_ascii_lowercase(), at)).collect();
        Self { fields, by_property, by_column, ..self.clone() }
    }

    /// The field of a property.
    #[inline]
    pub fn field_of(&self, property: &str) -> Option<&Field> {
        self.by_property.get(property).and_then(|at| self.fields.get(*at))
    }

    /// The field of a column, in any case.
    pub fn field_of_column(&self, column: &str) -> Option<&Field> {
        self.by_column.get(&column.to_ascii_lowercase()).and_then(|at| self.fields.get(*at))
    }

    /// The properties to ask the remote for, sorted: the mapped ones, and with [`Unmapped::Json`] every other one of
    /// the schema that is not archived.
    pub fn properties_to_fetch(&self, schema: &[PropertySchema]) -> Vec<String> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        wanted.extend(self.fields.iter().filter(|field| !field.retired).map(|field| field.property.as_str()));
        wanted.extend(self.key.as_deref());
        wanted.extend(self.unique.as_deref());
        if self.unmapped == Unmapped::Json {
            wanted.extend(schema.iter().filter(|property| !property.archived).map(|property| property.name.as_str()));
        }
        wanted.into_iter().map(str::to_owned).collect()
    }

    /// A text that changes whenever some value may look different in the mirror: with the table, a column, a type or a
    /// transform; or what is in it may be sent or not. It does not change with policies or comments. It is the same in every run.
    pub fn fingerprint(&self) -> String {
        let mut hash = Fnv::new();
        hash.add(&PROJECTION_VERSION.to_string());
        hash.add(&self.object);
        hash.add(&self.table);
        for field in &self.fields {
            hash.add(&field.property);
            hash.add(&field.column);
            hash.add(field.column_type.word());
            hash.add(&field.codec.describe());
            let normaliser = field.transform.normaliser;
            hash.add(&format!("{} {} {}", normaliser.trim, normaliser.lowercase, field.is_pushed()));
        }
        format!("{:016x}", hash.0)
    }
}

/// What an enumeration lists. Hidden options count: the remote accepts them.
fn listed_options(property: &PropertySchema) -> HashSet<String> {
    match property.wire_type {
        WireType::Enumeration => property.options.iter().map(|option| option.value.clone()).collect(),
        _ => HashSet::new(),
    }
}

/// FNV-1a with 64 bits: small, and the same in every version of Rust, unlike the standard library's hasher.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text and its end, so that "ab", "c" and "a", "bc" differ.
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
