//! Which conversion a field needs: from the property's type, the stated type and the transform, or why they do not
//! fit together.

use crate::codec::{Codec, ValueTable};
use crate::equality::Likeness;
use crate::policy::ColumnType;
use crate::schema::{PropertySchema, WireType};
use crate::transform::{Factor, Pair, Transform};

/// What a field comes down to.
pub(crate) struct Typed {
    pub(crate) column_type: ColumnType,
    pub(crate) codec: Codec,
    pub(crate) like: Likeness,
}

/// Why a type or a transform does not fit.
pub(crate) struct Misfit {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Misfit {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Several options at once, joined by `;`.
pub(crate) fn is_multiple(property: &PropertySchema) -> bool {
    property.wire_type == WireType::Enumeration && property.field_type == "checkbox"
}

/// Decides how a field converts.
pub(crate) fn decide(
    property: &PropertySchema,
    stated: Option<ColumnType>,
    transform: &Transform,
) -> Result<Typed, Misfit> {
    let typed = match &transform.pair {
        None => plain(property, stated)?,
        Some(Pair::Scale(factor)) => scale(property, stated, factor)?,
        Some(Pair::Values(pairs)) => values(property, stated, pairs, transform)?,
        Some(Pair::Split(separator)) => split(property, stated, separator)?,
        Some(Pair::EpochMs) => epoch_ms(property, stated)?,
        Some(Pair::ConstantPrefix(prefix)) => constant_prefix(property, stated, prefix, transform)?,
    };
    check_normaliser(property, transform, &typed)?;
    Ok(typed)
}

fn default_type(wire: WireType) -> ColumnType {
    match wire {
        WireType::String | WireType::Enumeration | WireType::PhoneNumber | WireType::Unknown => ColumnType::Text,
        WireType::Number => ColumnType::Decimal,
        WireType::Bool => ColumnType::Boolean,
        WireType::Date => ColumnType::Date,
        WireType::DateTime => ColumnType::Datetime,
        WireType::Json => ColumnType::Json,
    }
}

/// How the property's own texts are compared, before a stated type says more about them.
fn likeness(property: &PropertySchema) -> Likeness {
    match property.wire_type {
        WireType::Number => Likeness::Number,
        WireType::Bool => Likeness::Boolean,
        WireType::Date => Likeness::Date,
        WireType::DateTime => Likeness::Instant,
        WireType::Json => Likeness::Json,
        _ if is_multiple(property) => Likeness::Set(";".to_owned()),
        WireType::String | WireType::Enumeration | WireType::PhoneNumber | WireType::Unknown => Likeness::Text,
    }
}

fn plain(property: &PropertySchema, stated: Option<ColumnType>) -> Result<Typed, Misfit> {
    let column_type = stated.unwrap_or(default_type(property.wire_type));
    let own = likeness(property);
    let is_text = property.wire_type == WireType::String;
    let is_word = is_text || property.wire_type == WireType::Enumeration && own == Likeness::Text;
    let (fits, codec, like) = match column_type {
        ColumnType::Text => (true, Codec::Text, own.clone()),
        ColumnType::Integer => (is_word || own == Likeness::Number, Codec::Integer, Likeness::Number),
        ColumnType::Decimal => (is_word || own == Likeness::Number, Codec::Decimal, Likeness::Number),
        ColumnType::Boolean => (is_word || own == Likeness::Boolean, Codec::Boolean, Likeness::Boolean),
        ColumnType::Date => (is_text || own == Likeness::Date, Codec::Date, Likeness::Date),
        ColumnType::Datetime => (is_text || own == Likeness::Instant, Codec::Datetime, Likeness::Instant),
        ColumnType::Json => (is_text || own == Likeness::Json, Codec::Json, Likeness::Json),
    };
    if fits { Ok(Typed { column_type, codec, like }) } else { Err(misfit(property, column_type, &own)) }
}

/// What the remote calls the property's type.
fn type_name(property: &PropertySchema) -> &str {
    if property.type_name.is_empty() { "unknown" } else { &property.type_name }
}

fn misfit(property: &PropertySchema, column_type: ColumnType, own: &Likeness) -> Misfit {
    let misfit =
        Misfit::new(format!("the type `{column_type}` does not fit a property of type `{}`", type_name(property)));
    match (own, column_type) {
        (Likeness::Instant | Likeness::Date, ColumnType::Integer) => {
            misfit.hint("Add `transform: { epoch_ms: true }`.")
        }
        (Likeness::Number, ColumnType::Datetime) => misfit.hint("Add `transform: { epoch_ms: true }`."),
        (Likeness::Instant, ColumnType::Date) => misfit
            .hint("On which day an instant falls depends on the time zone: keep the datetime, and cut it in a query."),
        (Likeness::Set(_), ColumnType::Json) => misfit.hint("Add `transform: { split: \";\" }`."),
        (Likeness::Boolean, ColumnType::Integer) => misfit.hint("A `boolean` column holds 0 and 1 already."),
        _ => misfit.hint(format!("Leave the type out for `{}`.", default_type(property.wire_type))),
    }
}

/// The column's type under a pair: as stated if the pair allows that, else the pair's own choice.
fn pair_type(stated: Option<ColumnType>, word: &str, allowed: &[ColumnType]) -> Result<ColumnType, Misfit> {
    let Some(first) = allowed.first() else { return Err(Misfit::new(format!("`{word}` fits no column"))) };
    match stated {
        None => Ok(*first),
        Some(stated) if allowed.contains(&stated) => Ok(stated),
        Some(stated) => {
            let allowed: Vec<String> = allowed.iter().map(|t| format!("`{t}`")).collect();
            Err(Misfit::new(format!("`{word}` does not fit a column of type `{stated}`"))
                .hint(format!("The type may be {}.", allowed.join(" or "))))
        }
    }
}

fn wrong_property(property: &PropertySchema, word: &str, needs: &str) -> Misfit {
    Misfit::new(format!("`{word}` does not fit a property of type `{}`", type_name(property)))
        .hint(format!("It is for {needs}."))
}

fn scale(property: &PropertySchema, stated: Option<ColumnType>, factor: &Factor) -> Result<Typed, Misfit> {
    if !matches!(property.wire_type, WireType::Number | WireType::String) {
        return Err(wrong_property(property, "scale", "numbers"));
    }
    let column_type = pair_type(stated, "scale", &[ColumnType::Decimal, ColumnType::Integer])?;
    let codec = Codec::Scale { factor: factor.clone(), whole: column_type == ColumnType::Integer };
    Ok(Typed { column_type, codec, like: Likeness::Number })
}

fn values(
    property: &PropertySchema,
    stated: Option<ColumnType>,
    pairs: &[(String, String)],
    transform: &Transform,
) -> Result<Typed, Misfit> {
    let like = likeness(property);
    if !matches!(like, Likeness::Text | Likeness::Number | Likeness::Boolean) || property.wire_type == WireType::Unknown
    {
        return Err(wrong_property(property, "values", "texts, numbers, booleans and single options"));
    }
    let allowed = [ColumnType::Text, ColumnType::Integer, ColumnType::Decimal, ColumnType::Boolean];
    let column_type = pair_type(stated, "values", &allowed)?;
    let table = ValueTable::new(pairs, column_type, &like, transform.normaliser).map_err(Misfit::new)?;
    Ok(Typed { column_type, codec: Codec::Values(Box::new(table)), like })
}

fn split(property: &PropertySchema, stated: Option<ColumnType>, separator: &str) -> Result<Typed, Misfit> {
    if !matches!(property.wire_type, WireType::Enumeration | WireType::String) {
        return Err(wrong_property(property, "split", "texts and options"));
    }
    if property.wire_type == WireType::Enumeration && separator != ";" {
        return Err(Misfit::new(format!("options are separated by `;`, not by `{separator}`")));
    }
    let column_type = pair_type(stated, "split", &[ColumnType::Json])?;
    let separator = separator.to_owned();
    Ok(Typed { column_type, codec: Codec::Split(separator.clone()), like: Likeness::Set(separator) })
}

fn epoch_ms(property: &PropertySchema, stated: Option<ColumnType>) -> Result<Typed, Misfit> {
    let (column_type, codec, like) = match property.wire_type {
        WireType::DateTime => (ColumnType::Integer, Codec::EpochInteger { days: false }, Likeness::Instant),
        WireType::Date => (ColumnType::Integer, Codec::EpochInteger { days: true }, Likeness::Date),
        WireType::Number | WireType::String => (ColumnType::Datetime, Codec::EpochDatetime, Likeness::Number),
        _ => return Err(wrong_property(property, "epoch_ms", "dates, datetimes, numbers and texts")),
    };
    let column_type = pair_type(stated, "epoch_ms", &[column_type])?;
    Ok(Typed { column_type, codec, like })
}

fn constant_prefix(
    property: &PropertySchema,
    stated: Option<ColumnType>,
    prefix: &str,
    transform: &Transform,
) -> Result<Typed, Misfit> {
    let like = likeness(property);
    if like != Likeness::Text || property.wire_type == WireType::Unknown {
        return Err(wrong_property(property, "constant_prefix", "texts and single options"));
    }
    // A blank at the end of the prefix is inside the text and survives trimming; one at its beginning does not.
    let normal = transform.normaliser.apply(&format!("{prefix}x")).into_owned();
    if normal != format!("{prefix}x") {
        return Err(Misfit::new(format!("the prefix `{prefix}` can never occur after the normalisers")));
    }
    let column_type = pair_type(stated, "constant_prefix", &[ColumnType::Text])?;
    Ok(Typed { column_type, codec: Codec::ConstantPrefix(prefix.to_owned()), like })
}

fn check_normaliser(property: &PropertySchema, transform: &Transform, typed: &Typed) -> Result<(), Misfit> {
    let normaliser = transform.normaliser;
    if normaliser.is_none() {
        return Ok(());
    }
    if !matches!(typed.like, Likeness::Text | Likeness::Set(_)) {
        let word = if normaliser.trim { "trim" } else { "lowercase" };
        return Err(Misfit::new(format!(
            "`{word}` is for text, and this property is compared as `{}`",
            type_name(property)
        )));
    }
    // Options are case sensitive: sending a changed one would be refused.
    let changed = property.options.iter().find(|option| !normaliser.keeps(&option.value));
    match changed {
        Some(option) if property.wire_type == WireType::Enumeration => Err(Misfit::new(format!(
            "the normalisers would change the option `{}`, and the portal has no such option as `{}`",
            option.value,
            normaliser.apply(&option.value)
        ))),
        _ => Ok(()),
    }
}
