//! Rejects as the mirror keeps them, and what each of them is about: values of a record, or the labels of a pair of
//! records.

use super::said::in_short;
use crate::commands::decide::brief;
use crate::output::{Align, Table};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

const COLUMNS: &str = "id, object, record_id, uid, operation, coalesce(properties, '{}'), status, category, message, \
                       correlation_id, attempts, first_at, last_at, retry, dropped";

/// A reject.
#[derive(Serialize)]
pub(super) struct Reject {
    pub(super) id: i64,
    pub(super) object: String,
    pub(super) record_id: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) operation: String,
    #[serde(flatten)]
    pub(super) refused: Refused,
    pub(super) status: Option<i64>,
    pub(super) category: Option<String>,
    pub(super) message: String,
    pub(super) correlation_id: Option<String>,
    pub(super) attempts: i64,
    pub(super) first_at: String,
    pub(super) last_at: String,
    /// Whether the next push tries it again.
    pub(super) retry: bool,
    /// Why it was given up.
    pub(super) dropped: Option<String>,
}

/// What was refused.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Refused {
    /// Values of a record.
    Values { properties: BTreeMap<String, Option<String>> },
    /// The labels of a pair of records, as they are kept.
    Labels { association: Value },
    /// Something that cannot be read.
    Unreadable { unreadable: String },
}

impl Reject {
    /// The rejects of a mirror; with `all` also those that were given up.
    pub(super) fn list(mirror: &Connection, all: bool) -> rusqlite::Result<Vec<Self>> {
        let sql =
            format!("SELECT {COLUMNS} FROM sync_rejects WHERE ?1 OR dropped IS NULL ORDER BY dropped IS NOT NULL, id");
        let mut statement = mirror.prepare(&sql)?;
        let rejects = statement.query_map([all], Self::read)?;
        rejects.collect()
    }

    /// The reject with this number.
    pub(super) fn find(mirror: &Connection, id: i64) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM sync_rejects WHERE id = ?1");
        mirror.query_row(&sql, [id], Self::read).optional()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let operation: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            object: row.get(1)?,
            record_id: row.get(2)?,
            uid: row.get(3)?,
            refused: Refused::read(&operation, row.get(5)?),
            operation,
            status: row.get(6)?,
            category: row.get(7)?,
            message: row.get(8)?,
            correlation_id: row.get(9)?,
            attempts: row.get(10)?,
            first_at: row.get(11)?,
            last_at: row.get(12)?,
            retry: row.get(13)?,
            dropped: row.get(14)?,
        })
    }

    /// What it is about: the record, or the key of a row without one.
    pub(super) fn row(&self) -> &str {
        self.record_id.as_deref().or(self.uid.as_deref()).unwrap_or("-")
    }

    /// Whether nobody has decided about it.
    pub(super) fn waits(&self) -> bool {
        self.dropped.is_none() && !self.retry
    }
}

impl Refused {
    fn read(operation: &str, kept: String) -> Self {
        let read = match operation {
            "associate" | "dissociate" => serde_json::from_str(&kept).map(|association| Self::Labels { association }),
            _ => serde_json::from_str(&kept).map(|properties| Self::Values { properties }),
        };
        read.unwrap_or(Self::Unreadable { unreadable: kept })
    }

    /// In a few words.
    fn briefly(&self) -> String {
        match self {
            Self::Values { properties } => {
                let values = properties.iter();
                let values = values.map(|(property, value)| format!("{property} = {}", brief(value.as_deref())));
                values.collect::<Vec<_>>().join(", ")
            }
            Self::Labels { association } => match labels(association).as_str() {
                "" => other_end(association),
                labels => format!("{}: {}", other_end(association), brief(Some(labels))),
            },
            Self::Unreadable { unreadable } => brief(Some(unreadable)),
        }
    }

    /// In full.
    pub(super) fn table(&self) -> Table {
        let columns = |names: [&'static str; 2]| Table::new(names.map(|name| (name, Align::Left)));
        match self {
            Self::Values { properties } => {
                let mut table = columns(["property", "value"]);
                for (property, value) in properties {
                    let value = value.as_deref().filter(|value| !value.is_empty());
                    table.row([property.as_str(), value.unwrap_or("-")]);
                }
                table
            }
            Self::Labels { association } => {
                let mut table = columns(["with", "labels"]);
                let labels = Some(labels(association)).filter(|labels| !labels.is_empty());
                table.row([other_end(association), labels.unwrap_or_else(|| "-".to_owned())]);
                table
            }
            Self::Unreadable { unreadable } => {
                let mut table = Table::new([("unreadable", Align::Left)]);
                table.row([unreadable]);
                table
            }
        }
    }
}

/// The other record of a pair.
pub(super) fn other_end(association: &Value) -> String {
    let text = |name: &str| association.get(name).and_then(Value::as_str).unwrap_or("?");
    format!("{} {}", text("to_object"), text("to_id"))
}

/// The labels that the pair was to have; none where it was to be taken apart.
fn labels(association: &Value) -> String {
    let labels = association.get("labels").and_then(Value::as_array).into_iter().flatten();
    let names = labels.map(|label| label.get("label").and_then(Value::as_str).unwrap_or("(unlabeled)"));
    names.collect::<Vec<_>>().join(", ")
}

/// Rejects as a table for people.
pub(super) fn table<'r>(rejects: impl Iterator<Item = &'r Reject>) -> Table {
    let mut table = Table::new([
        ("id", Align::Right),
        ("object", Align::Left),
        ("row", Align::Left),
        ("operation", Align::Left),
        ("properties", Align::Left),
        ("why", Align::Left),
        ("", Align::Left),
    ]);
    for reject in rejects {
        let standing = match (&reject.dropped, reject.retry) {
            (Some(_), _) => "given up",
            (None, true) => "tried again by the next push",
            (None, false) => "waits",
        };
        table.row([
            &reject.id.to_string(),
            &reject.object,
            reject.row(),
            &reject.operation,
            &reject.refused.briefly(),
            &in_short(&reject.message),
            standing,
        ]);
    }
    table
}
