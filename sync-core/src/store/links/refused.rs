//! Associations that cannot be sent or were refused, kept as rejects: the same wish is not tried again until it changes.

use super::ends::Ways;
use super::{LinkChange, kind_json, operation};
use crate::plan::links::Given;
use crate::remote::Refusal;
use crate::store::{StoreError, Write};
use rusqlite::params;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The category of what was never sent, because it cannot be.
const UNSENDABLE: &str = "UNSENDABLE";

/// A wish that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    object: String,
    operation: &'static str,
    properties: String,
    why: String,
}

impl Wish {
    /// A whole pair.
    pub(super) fn of(change: &LinkChange, why: &str) -> Self {
        let properties = properties(change);
        Self { object: change.pair.from.clone(), operation: change.operation(), properties, why: why.to_owned() }
    }

    /// One row.
    pub(super) fn of_row(object: &str, to_object: &str, to: &str, given: &Given, why: &str) -> Self {
        let label = json!({ "category": given.category, "type_id": given.type_id, "label": given.label });
        Self {
            object: object.to_owned(),
            operation: "associate",
            properties: json!({ "to_object": to_object, "to_id": to, "labels": [label] }).to_string(),
            why: why.to_owned(),
        }
    }
}

fn properties(change: &LinkChange) -> String {
    let labels: Vec<Value> = change.local.iter().map(kind_json).collect();
    json!({ "to_object": change.pair.to, "to_id": change.to.as_str(), "labels": labels }).to_string()
}

struct Stored {
    reject: i64,
    object: String,
    operation: String,
    properties: String,
    unsendable: bool,
    retry: bool,
}

/// The rejects that there are, by the record they begin at.
pub(super) struct Rejects(HashMap<String, Vec<Stored>>);

impl Rejects {
    pub(super) fn load(write: &Write<'_>) -> Result<Self, StoreError> {
        let mut statement = write.connection.prepare_cached(
            "SELECT record_id, id, object, operation, properties, category IS ?1, retry FROM sync_rejects
             WHERE operation IN ('associate', 'dissociate')",
        )?;
        let mut rejects: HashMap<String, Vec<Stored>> = HashMap::new();
        let mut rows = statement.query([UNSENDABLE])?;
        while let Some(row) = rows.next()? {
            rejects.entry(row.get(0)?).or_default().push(Stored {
                reject: row.get(1)?,
                object: row.get(2)?,
                operation: row.get(3)?,
                properties: row.get(4)?,
                unsendable: row.get(5)?,
                retry: row.get(6)?,
            });
        }
        Ok(Self(rejects))
    }

    /// Brings the rejects of one record in line with what is wished now. Takes out of `changes` what was refused before
    /// and is still the same. Returns how many wishes are refused now, and how many were, by object type.
    #[expect(clippy::type_complexity, reason = "two counts of the same kind")]
    pub(super) fn settle(
        &mut self,
        write: &Write<'_>,
        from: &str,
        wishes: &[Wish],
        changes: &mut Vec<LinkChange>,
    ) -> Result<(BTreeMap<String, u64>, BTreeMap<String, u64>), StoreError> {
        let (mut refused, mut waiting) = (BTreeMap::new(), BTreeMap::new());
        let stored = self.0.remove(from).unwrap_or_default();
        let is_wish = |stored: &Stored, wish: &Wish| {
            stored.object == wish.object && stored.operation == wish.operation && stored.properties == wish.properties
        };
        let is_change = |stored: &Stored, change: &LinkChange| {
            stored.object == change.pair.from
                && stored.operation == change.operation()
                && stored.properties == properties(change)
        };
        for reject in &stored {
            let wanted = if reject.unsendable {
                wishes.iter().any(|wish| is_wish(reject, wish))
            } else {
                changes.iter().any(|change| is_change(reject, change))
            };
            if !wanted {
                let sql = "DELETE FROM sync_rejects WHERE id = ?1";
                write.connection.prepare_cached(sql)?.execute([reject.reject])?;
            }
        }
        // The same row, written twice, is one wish.
        let again = |place: usize| wishes[..place].contains(&wishes[place]);
        for wish in (0..wishes.len()).filter(|place| !again(*place)).map(|place| &wishes[place]) {
            if stored.iter().any(|reject| reject.unsendable && is_wish(reject, wish)) {
                *waiting.entry(wish.object.clone()).or_default() += 1;
            } else {
                *refused.entry(wish.object.clone()).or_default() += 1;
                let refusal =
                    Refusal { category: Some(UNSENDABLE.to_owned()), message: wish.why.clone(), ..Refusal::default() };
                write.keep_link_reject((&wish.object, from), wish.operation, &wish.properties, &refusal)?;
            }
        }
        changes.retain(|change| {
            let held = stored.iter().any(|reject| !reject.unsendable && !reject.retry && is_change(reject, change));
            if held {
                *waiting.entry(change.pair.from.clone()).or_default() += 1;
            }
            !held
        });
        Ok((refused, waiting))
    }
}

impl Write<'_> {
    /// Keeps a pair that the remote refused as a reject.
    pub(super) fn reject_link(&self, change: &LinkChange, refusal: &Refusal) -> Result<(), StoreError> {
        let object = (change.pair.from.as_str(), change.from.as_str());
        self.keep_link_reject(object, operation(&change.local), &properties(change), refusal)
    }

    fn keep_link_reject(
        &self,
        (object, from): (&str, &str),
        operation: &str,
        properties: &str,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        let now = self.now.to_string();
        let again = self
            .connection
            .prepare_cached(
                "UPDATE sync_rejects SET status = ?5, category = ?6, message = ?7, correlation_id = ?8,
                 attempts = attempts + 1, last_at = ?9, retry = 0
                 WHERE object = ?1 AND record_id = ?2 AND operation = ?3 AND properties = ?4",
            )?
            .execute(params![
                object,
                from,
                operation,
                properties,
                refusal.status,
                refusal.category,
                refusal.message,
                refusal.correlation_id,
                now
            ])?;
        if again == 0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO sync_rejects (object, record_id, operation, properties, status, category, message,
                     correlation_id, attempts, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9)",
                )?
                .execute(params![
                    object,
                    from,
                    operation,
                    properties,
                    refusal.status,
                    refusal.category,
                    refusal.message,
                    refusal.correlation_id,
                    now
                ])?;
        }
        Ok(())
    }

    /// Gives up what a reject says of a pair: its rows are again what both sides agreed on, unless somebody wrote others
    /// since. Says whether anything of it was there.
    pub(in crate::store) fn put_links_back(
        &self,
        object: &str,
        record: Option<&str>,
        told: &Value,
    ) -> Result<bool, StoreError> {
        let text = |name: &str| told.get(name).and_then(Value::as_str);
        let (Some(from), Some(to_object), Some(to)) = (record, text("to_object"), text("to_id")) else {
            return Ok(false);
        };
        let refused: BTreeSet<Given> =
            told.get("labels").and_then(Value::as_array).into_iter().flatten().map(given_of).collect();
        let ways = Ways::new(self);
        let ends = (object, from, to_object, to);
        let rows = ways.rows_of_pair(ends)?;
        let there: BTreeSet<Given> = rows.iter().map(|row| row.given().clone()).collect();
        let agreed = ways.agreed_of_pair(ends)?;
        let whole = there == refused;
        let mut changed = false;
        for row in rows.iter().filter(|row| refused.contains(row.given()) && !agreed.contains(row.given())) {
            self.connection.prepare_cached("DELETE FROM associations WHERE rowid = ?1")?.execute([row.handle])?;
            changed = true;
        }
        for kind in agreed.difference(&there).filter(|_| whole) {
            self.connection
                .prepare_cached(
                    "INSERT INTO associations (from_object, from_id, to_object, to_id, category, type_id, label)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![object, from, to_object, to, kind.category, kind.type_id, kind.label])?;
            changed = true;
        }
        self.note_links(&[(None, from.to_owned())])?;
        Ok(changed)
    }
}

fn given_of(label: &Value) -> Given {
    let text = |name: &str| label.get(name).and_then(Value::as_str).map(str::to_owned);
    let type_id = label.get("type_id").and_then(Value::as_i64);
    Given { category: text("category"), type_id, label: text("label") }
}
