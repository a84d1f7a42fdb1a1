//! From a remote value to a cell and back: what a field's type and transform come down to.
//!
//! Over the domain of each codec, `read(write(cell))` is `cell`. Text that passes through is borrowed.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::cell::{Cell, Projection};
use crate::decimal::Decimal;
use crate::equality::{Likeness, is_json, items, read_boolean};
use crate::instant::{Date, Instant};
use crate::policy::ColumnType;
use crate::transform::{Factor, Normaliser};

/// What was expected instead of a value that cannot be sent.
pub(crate) type Expected = Cow<'static, str>;

/// A conversion, chosen once when a mapping is resolved.
#[derive(Clone, Debug)]
pub(crate) enum Codec {
    /// Text as it is.
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
    Datetime,
    Json,
    /// A number times a factor, into a column for whole numbers or for decimals.
    Scale {
        factor: Factor,
        whole: bool,
    },
    Values(Box<ValueTable>),
    Split(String),
    /// An instant or a date, as epoch milliseconds in an INTEGER column.
    EpochInteger {
        days: bool,
    },
    /// Epoch milliseconds, as a datetime in a TEXT column.
    EpochDatetime,
    ConstantPrefix(String),
}

impl Codec {
    /// The cell for a remote value that is not empty.
    #[inline]
    pub(crate) fn read<'a>(&self, like: &Likeness, normaliser: Normaliser, wire: &'a str) -> Projection<'a> {
        let bare = wire.trim();
        let cell = match self {
            Self::Text => return read_text(normaliser, wire),
            Self::Integer => read_integer(bare).map(Cell::Integer),
            Self::Decimal => read_decimal(bare),
            Self::Boolean => read_boolean(bare).map(|value| Cell::Integer(i64::from(value))),
            Self::Date => Date::parse_remote(bare).map(|date| Cell::Text(date.show_like(bare))),
            Self::Datetime => Instant::parse_remote(bare).map(|at| Cell::Text(at.show_like(bare))),
            Self::Json => is_json(bare).then_some(Cell::Text(Cow::Borrowed(bare))),
            Self::Scale { factor, whole } => Decimal::parse(bare)
                .and_then(|number| factor.to_mirror(&number))
                .filter(|cell| !whole || matches!(cell, Cell::Integer(_))),
            Self::Values(table) => return table.read(like, normaliser, wire),
            Self::Split(separator) => return read_items(separator, normaliser, wire),
            Self::EpochInteger { days: true } => Date::parse_remote(bare).map(|date| Cell::Integer(date.epoch_ms())),
            Self::EpochInteger { days: false } => Instant::parse_remote(bare).map(|at| Cell::Integer(at.epoch_ms())),
            Self::EpochDatetime => {
                read_integer(bare).and_then(Instant::from_epoch_ms).map(|at| Cell::Text(Cow::Owned(at.show())))
            }
            Self::ConstantPrefix(prefix) => return read_prefixed(prefix, normaliser, wire),
        };
        Projection::or_outside(cell)
    }

    /// What the remote would be sent for a cell; `Ok(None)` clears the property.
    pub(crate) fn write(
        &self,
        like: &Likeness,
        normaliser: Normaliser,
        cell: &Cell<'_>,
    ) -> Result<Option<String>, Expected> {
        let text = cell.plain();
        if text.is_empty() {
            return Ok(None);
        }
        let trimmed = text.trim();
        let sent = match self {
            Self::Text => return like.send(normaliser, &text).map_err(Cow::Borrowed),
            Self::Integer => whole(trimmed)?.to_string(),
            Self::Decimal => return Likeness::Number.send(Normaliser::default(), trimmed).map_err(Cow::Borrowed),
            Self::Boolean => local_boolean(cell).ok_or("1, 0 or NULL")?.to_string(),
            Self::Date => Date::parse_local(trimmed).ok_or("a date like 2025-01-31")?.show(),
            Self::Datetime => local_instant(trimmed)?.show(),
            Self::Json => is_json(trimmed).then(|| trimmed.to_owned()).ok_or("JSON")?,
            Self::Scale { factor, whole } => write_scaled(factor, *whole, trimmed)?,
            Self::Values(table) => return table.write(normaliser, cell).map(Some),
            Self::Split(separator) => return write_items(separator, normaliser, trimmed),
            Self::EpochInteger { days: true } => {
                Date::from_epoch_ms(whole(trimmed)?).ok_or("epoch milliseconds of a midnight in UTC")?.show()
            }
            Self::EpochInteger { days: false } => {
                Instant::from_epoch_ms(whole(trimmed)?).ok_or("epoch milliseconds of a year before 10000")?.show()
            }
            Self::EpochDatetime => local_instant(trimmed)?.epoch_ms().to_string(),
            Self::ConstantPrefix(prefix) => match normaliser.apply(&text) {
                rest if rest.is_empty() => return Ok(None),
                rest => normaliser.apply(&format!("{prefix}{rest}")).into_owned(),
            },
        };
        Ok(Some(sent))
    }

    /// A description that changes whenever the projection of some value may change.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::Decimal => "decimal".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Datetime => "datetime".to_owned(),
            Self::Json => "json".to_owned(),
            Self::Scale { factor, whole } => format!("scale {} {whole}", factor.as_str()),
            Self::Values(table) => format!("values {:?}", table.pairs),
            Self::Split(separator) => format!("split {separator:?}"),
            Self::EpochInteger { days } => format!("epoch_integer {days}"),
            Self::EpochDatetime => "epoch_datetime".to_owned(),
            Self::ConstantPrefix(prefix) => format!("constant_prefix {prefix:?}"),
        }
    }
}

fn read_text(normaliser: Normaliser, wire: &str) -> Projection<'_> {
    if normaliser.is_none() {
        return Projection::of(Cell::Text(Cow::Borrowed(wire)));
    }
    match normaliser.apply(wire) {
        text if text.is_empty() => Projection::NULL,
        text => Projection::of(Cell::Text(text)),
    }
}

#[inline]
fn read_integer(wire: &str) -> Option<i64> {
    wire.parse().ok().or_else(|| Decimal::parse(wire)?.to_i64())
}

#[inline]
fn read_decimal(wire: &str) -> Option<Cell<'_>> {
    match wire.parse() {
        Ok(value) => Some(Cell::Integer(value)),
        Err(_) => Some(Decimal::parse(wire)?.cell(wire)),
    }
}

fn read_items<'a>(separator: &str, normaliser: Normaliser, wire: &'a str) -> Projection<'a> {
    let items: Vec<Cow<'_, str>> = items(separator, normaliser, wire).collect();
    if items.is_empty() {
        return Projection::NULL;
    }
    Projection::or_outside(serde_json::to_string(&items).ok().map(|text| Cell::Text(Cow::Owned(text))))
}

fn read_prefixed<'a>(prefix: &str, normaliser: Normaliser, wire: &'a str) -> Projection<'a> {
    let rest = match normaliser.apply(wire) {
        text if text.is_empty() => return Projection::NULL,
        Cow::Borrowed(text) => text.strip_prefix(prefix).map(Cow::Borrowed),
        Cow::Owned(text) => text.strip_prefix(prefix).map(|rest| Cow::Owned(rest.to_owned())),
    };
    // What is left must be what a person would write: the bare prefix, or white space that trimming would eat, is not.
    Projection::or_outside(rest.filter(|rest| !rest.is_empty() && normaliser.keeps(rest)).map(Cell::Text))
}

fn whole(text: &str) -> Result<i64, Expected> {
    read_integer(text).ok_or(Cow::Borrowed("a whole number"))
}

fn local_instant(text: &str) -> Result<Instant, Expected> {
    Instant::parse(text).ok_or(Cow::Borrowed("a time like 2025-01-31T12:00:00.000Z"))
}

/// 0 and 1, in whatever type SQLite kept them, and the words.
fn local_boolean(cell: &Cell<'_>) -> Option<bool> {
    match cell {
        Cell::Null => None,
        Cell::Integer(value) => bit(*value),
        Cell::Real(value) => [false, true].into_iter().find(|bit| f64::from(u8::from(*bit)) == *value),
        Cell::Text(text) => read_boolean(text.trim()).or_else(|| bit(text.trim().parse().ok()?)),
    }
}

fn bit(value: i64) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn write_scaled(factor: &Factor, whole: bool, text: &str) -> Result<String, Expected> {
    let expected = if whole { "a whole number" } else { "a decimal number" };
    Decimal::parse(text)
        .filter(|number| !whole || number.to_i64().is_some())
        .and_then(|number| factor.to_remote(&number))
        // At the far end of what is written out without an exponent, one of two numbers may be too long to come back.
        .filter(|sent| Decimal::parse(sent).and_then(|number| factor.to_mirror(&number)).is_some())
        .ok_or(Cow::Borrowed(expected))
}

fn write_items(separator: &str, normaliser: Normaliser, text: &str) -> Result<Option<String>, Expected> {
    let items: Vec<String> = serde_json::from_str(text).map_err(|_| "a JSON array of texts")?;
    let items: Vec<Cow<'_, str>> = items.iter().map(|item| normaliser.apply(item)).collect();
    if items.iter().any(|item| item.is_empty()) {
        return Err(Cow::Borrowed("a JSON array without empty items"));
    }
    if items.iter().any(|item| item.contains(separator)) {
        return Err(Cow::Owned(format!("a JSON array whose items are free of `{separator}`")));
    }
    let joined = items.join(separator);
    // Neighbours may form the separator together: "a|" joined by "||" would come back cut elsewhere.
    if !joined.split(separator).eq(items.iter().map(AsRef::as_ref)) && !items.is_empty() {
        return Err(Cow::Owned(format!("a JSON array whose items can be joined by `{separator}`")));
    }
    Ok((!items.is_empty()).then_some(joined))
}

/// Another word for each remote value, both ways.
#[derive(Clone, Debug)]
pub(crate) struct ValueTable {
    /// As stated, with the local word in the type of its column.
    pub(crate) pairs: Vec<(String, Cell<'static>)>,
    column_type: ColumnType,
    by_remote: HashMap<String, usize>,
    by_local: HashMap<String, usize>,
}

impl ValueTable {
    /// Builds both directions, or says which word stands twice or does not fit its column.
    pub(crate) fn new(
        stated: &[(String, String)],
        column_type: ColumnType,
        like: &Likeness,
        normaliser: Normaliser,
    ) -> Result<Self, String> {
        let mut table = Self { pairs: Vec::new(), column_type, by_remote: HashMap::new(), by_local: HashMap::new() };
        for (at, (remote, local)) in stated.iter().enumerate() {
            let cell = typed(column_type, local)
                .ok_or_else(|| format!("the value `{local}` does not fit a column of type `{column_type}`"))?;
            let local_key = table
                .local_key(normaliser, &cell)
                .ok_or_else(|| format!("the value `{local}` does not fit a column of type `{column_type}`"))?;
            if let Some(other) = table.by_local.insert(local_key, at) {
                return Err(format!(
                    "`{}` and `{remote}` both become `{local}`, so it could not be sent back",
                    stated[other].0
                ));
            }
            let key = remote_key(like, normaliser, remote).into_owned();
            if !normaliser.keeps(remote) {
                return Err(format!("`{remote}` can never occur after the normalisers, which make it `{key}`"));
            }
            if let Some(other) = table.by_remote.insert(key, at) {
                return Err(format!("`{}` and `{remote}` are the same remote value", stated[other].0));
            }
            table.pairs.push((remote.clone(), cell));
        }
        Ok(table)
    }

    fn read<'a>(&self, like: &Likeness, normaliser: Normaliser, wire: &'a str) -> Projection<'a> {
        let key = remote_key(like, normaliser, wire);
        if key.is_empty() {
            return Projection::NULL;
        }
        let found = self.by_remote.get(key.as_ref()).and_then(|at| self.pairs.get(*at));
        Projection::or_outside(found.map(|(_, cell)| cell.clone()))
    }

    fn write(&self, normaliser: Normaliser, cell: &Cell<'_>) -> Result<String, Expected> {
        let key = self.local_key(normaliser, cell);
        let found = key.and_then(|key| self.by_local.get(&key)).and_then(|at| self.pairs.get(*at));
        found.map(|(remote, _)| remote.clone()).ok_or_else(|| {
            let known: Vec<_> = self.pairs.iter().take(12).map(|(_, cell)| format!("`{}`", cell.plain())).collect();
            let more = if self.pairs.len() > known.len() { ", …" } else { "" };
            Cow::Owned(format!("one of {}{more}", known.join(", ")))
        })
    }

    /// What a cell is looked up by: equal cells have equal keys, however SQLite kept them.
    fn local_key(&self, normaliser: Normaliser, cell: &Cell<'_>) -> Option<String> {
        let text = cell.plain();
        let trimmed = text.trim();
        match self.column_type {
            ColumnType::Boolean => Some(local_boolean(cell)?.to_string()),
            ColumnType::Integer => Some(read_integer(trimmed)?.to_string()),
            ColumnType::Decimal => Decimal::parse(trimmed)?.plain(),
            _ => Some(normaliser.apply(&text).into_owned()).filter(|text| !text.is_empty()),
        }
    }
}

/// A word of a mapping file, as a cell of its column.
fn typed(column_type: ColumnType, word: &str) -> Option<Cell<'static>> {
    match column_type {
        ColumnType::Boolean => local_boolean(&Cell::text(word)).map(|value| Cell::Integer(i64::from(value))),
        ColumnType::Integer => read_integer(word).map(Cell::Integer),
        ColumnType::Decimal => Some(read_decimal(word)?.into_owned()),
        _ => (!word.is_empty()).then(|| Cell::Text(Cow::Owned(word.to_owned()))),
    }
}

fn remote_key<'a>(like: &Likeness, normaliser: Normaliser, wire: &'a str) -> Cow<'a, str> {
    match like {
        Likeness::Number => match Decimal::parse(wire.trim()).and_then(|number| number.plain()) {
            Some(plain) => Cow::Owned(plain),
            None => Cow::Borrowed(wire),
        },
        Likeness::Boolean => match read_boolean(wire.trim()) {
            Some(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            None => Cow::Borrowed(wire),
        },
        _ => normaliser.apply(wire),
    }
}
