//! Changes that the remote refused, kept until they are changed, tried again or dropped.

use super::journal::Entry;
use super::{StoreError, Table, Write};
use crate::model::RecordId;
use crate::plan::changes::{Operation, RowChange, Unsendable};
use crate::remote::Refusal;
use rusqlite::params;
use std::collections::BTreeMap;

/// The category of a value that was answered as if it had been taken, and was not.
const PASSED_OVER: &str = "PASSED_OVER";
/// The category of a value that was never sent, because it cannot be.
const UNSENDABLE: &str = "UNSENDABLE";

/// A reject on its way into the table.
struct Reject<'a> {
    object: &'a str,
    id: Option<&'a str>,
    uid: &'a str,
    operation: Operation,
    properties: BTreeMap<&'a str, Option<&'a str>>,
    refusal: &'a Refusal,
}

impl Write<'_> {
    /// Closes an entry that was refused, and keeps what it wanted as a reject. Where the remote named properties, only
    /// they are to blame: the rest is simply pending again. Else nobody knows which value it was, so all wait together.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_refused(&self, table: &Table, entry: &Entry, refusal: &Refusal) -> Result<(), StoreError> {
        let named = |name: &str| refusal.properties.iter().any(|property| property == name);
        let blamed = entry.operation == Operation::Update && entry.properties.keys().any(|name| named(name));
        let properties = entry.properties.iter().filter(|(name, _)| !blamed || named(name));
        let reject = Reject {
            object: table.object(),
            id: entry.id.as_ref().map(RecordId::as_str),
            uid: &entry.uid,
            operation: entry.operation,
            properties: properties.map(|(name, (_, sent))| (name.as_str(), sent.as_deref())).collect(),
            refusal,
        };
        self.close_entry(&entry.trace, "refused", Some(&refusal.message))?;
        self.forget_outdated(entry, &reject)?;
        self.keep_reject(&reject)
    }

    /// Keeps a change that is not sent at all as a reject.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn reject_change(&self, table: &Table, change: &RowChange, refusal: &Refusal) -> Result<(), StoreError> {
        let fields = change.fields.iter();
        self.keep_reject(&Reject {
            object: table.object(),
            id: change.id.as_ref().map(RecordId::as_str),
            uid: &change.uid,
            operation: change.operation,
            properties: fields.map(|field| (field.property.as_str(), field.local.as_deref())).collect(),
            refusal,
        })
    }

    /// Keeps a value that cannot be sent as a reject.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn reject_value(
        &self,
        table: &Table,
        operation: Operation,
        (id, uid): (Option<&str>, &str),
        value: &Unsendable,
    ) -> Result<(), StoreError> {
        let refusal =
            Refusal { category: Some(UNSENDABLE.to_owned()), message: value.why.clone(), ..Refusal::default() };
        let properties = BTreeMap::from([(value.property.as_str(), value.value.as_deref())]);
        self.keep_reject(&Reject { object: table.object(), id, uid, operation, properties, refusal: &refusal })
    }

    /// Keeps an archive that was answered as if it had been done, and was not.
    pub(super) fn note_archive_passed_over(&self, table: &Table, entry: &Entry, id: &str) -> Result<(), StoreError> {
        self.keep_reject(&Reject {
            object: table.object(),
            id: Some(id),
            uid: &entry.uid,
            operation: Operation::Archive,
            properties: BTreeMap::new(),
            refusal: &Refusal {
                category: Some(PASSED_OVER.to_owned()),
                message: "the remote accepted the archive and left the record active all the same".to_owned(),
                ..Refusal::default()
            },
        })
    }

    pub(super) fn note_passed_over(
        &self,
        table: &Table,
        entry: &Entry,
        id: &str,
        (property, sent): (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        let refusal = Refusal {
            category: Some(PASSED_OVER.to_owned()),
            message: format!("the remote accepted the value of {property} and kept the old one all the same"),
            ..Refusal::default()
        };
        self.keep_reject(&Reject {
            object: table.object(),
            id: Some(id),
            uid: &entry.uid,
            operation: Operation::Update,
            properties: BTreeMap::from([(property, sent)]),
            refusal: &refusal,
        })
    }

    /// Forgets what was refused of a record and has been done since: of an update those rejects of which any property
    /// is among `properties`. It was only sent because not all of what was refused with it is still wished. What a
    /// changed mapping left waits until all of it is done; of a new row it is now left of its record.
    pub(super) fn forget_rejects<'n>(
        &self,
        object: &str,
        (id, uid): (&str, &str),
        operation: Operation,
        properties: impl Iterator<Item = &'n String>,
    ) -> Result<(), StoreError> {
        let names = serde_json::to_string(&properties.collect::<Vec<_>>()).unwrap_or_default();
        self.connection
            .prepare_cached(
                "DELETE FROM sync_rejects WHERE id IN (
                     SELECT id FROM sync_rejects WHERE object = ?1 AND record_id = ?2 UNION ALL
                     SELECT id FROM sync_rejects WHERE object = ?1 AND record_id IS NULL AND uid = ?3)
                 AND operation = ?4 AND (operation = 'update' OR category IS NOT 'MAPPING_CHANGED')
                 AND (operation <> 'update' OR CASE category WHEN 'MAPPING_CHANGED' THEN NOT EXISTS (
                     SELECT 1 FROM json_each(properties) WHERE key NOT IN (SELECT value FROM json_each(?5)))
                 ELSE EXISTS (
                     SELECT 1 FROM json_each(properties) WHERE key IN (SELECT value FROM json_each(?5))) END)",
            )?
            .execute(params![object, id, uid, operation.word(), names])?;
        if operation == Operation::Create {
            self.connection
                .prepare_cached(
                    "UPDATE sync_rejects SET record_id = ?2, operation = 'update'
                     WHERE object = ?1 AND record_id IS NULL AND uid = ?3 AND operation = 'create'
                     AND category = 'MAPPING_CHANGED'",
                )?
                .execute(params![object, id, uid])?;
        }
        Ok(())
    }

    /// Forgets what was refused of a record whose row is as both sides agreed: nobody wants it any more. What a mapping
    /// no longer shows is kept, as only a person can tell.
    pub(super) fn forget_unwanted(&self, object: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM sync_rejects WHERE object = ?1 AND record_id = ?2 AND category IS NOT 'MAPPING_CHANGED'
                 AND operation NOT IN ('associate', 'dissociate')",
            )?
            .execute([object, id])?;
        Ok(())
    }

    /// Forgets what was refused of new rows that are gone: nobody wants it any more. Not of a row of which something
    /// was sent and never answered; and what a mapping no longer shows is kept, as only a person can tell.
    pub(super) fn forget_of_gone_rows(&self, table: &Table) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM sync_rejects WHERE object = ?1 AND record_id IS NULL AND category IS NOT 'MAPPING_CHANGED'
             AND NOT EXISTS (SELECT 1 FROM {} t WHERE t._uid = sync_rejects.uid)
             AND NOT EXISTS (SELECT 1 FROM sync_journal j
                             WHERE j.object = ?1 AND j.uid = sync_rejects.uid AND j.settled_at IS NULL)",
            table.quoted()
        );
        self.connection.prepare_cached(&sql)?.execute([table.object()])?;
        Ok(())
    }

    /// Forgets what was refused before of the properties of an update that has been refused now: not all of it was
    /// wished any more, and the new reject tells of what is. One of the same properties stays, to count the attempts.
    fn forget_outdated(&self, entry: &Entry, reject: &Reject<'_>) -> Result<(), StoreError> {
        if entry.operation != Operation::Update {
            return Ok(());
        }
        let names = |names: Vec<&str>| serde_json::to_string(&names).unwrap_or_default();
        let sent = names(entry.properties.keys().map(String::as_str).collect());
        let refused = names(reject.properties.keys().copied().collect());
        self.connection
            .prepare_cached(
                "DELETE FROM sync_rejects WHERE object = ?1 AND record_id = ?2 AND operation = 'update'
                 AND category IS NOT 'MAPPING_CHANGED'
                 AND EXISTS (SELECT 1 FROM json_each(properties) WHERE key IN (SELECT value FROM json_each(?3)))
                 AND (SELECT json_group_array(key) FROM (SELECT key FROM json_each(properties) ORDER BY key)) <> ?4",
            )?
            .execute(params![reject.object, reject.id, sent, refused])?;
        Ok(())
    }

    /// One reject for the same record, operation and properties: another one only counts as a further attempt.
    fn keep_reject(&self, reject: &Reject<'_>) -> Result<(), StoreError> {
        let properties = serde_json::to_string(&reject.properties).unwrap_or_default();
        let refusal = reject.refusal;
        let now = self.now.to_string();
        let names: Vec<&&str> = reject.properties.keys().collect();
        let names = serde_json::to_string(&names).unwrap_or_default();
        let again = self
            .connection
            .prepare_cached(
                "UPDATE sync_rejects SET properties = ?6, status = ?7, category = ?8, message = ?9,
                 correlation_id = ?10, attempts = attempts + 1, last_at = ?11, retry = 0, dropped = NULL
                 WHERE object = ?1 AND record_id IS ?2 AND uid IS ?3 AND operation = ?4
                   AND (SELECT json_group_array(key) FROM (SELECT key FROM json_each(properties) ORDER BY key)) = ?5",
            )?
            .execute(params![
                reject.object,
                reject.id,
                reject.uid,
                reject.operation.word(),
                names,
                properties,
                refusal.status,
                refusal.category,
                refusal.message,
                refusal.correlation_id,
                now
            ])?;
        if again > 0 {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO sync_rejects (object, record_id, uid, operation, properties, status, category, message,
                 correlation_id, attempts, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?10)",
            )?
            .execute(params![
                reject.object,
                reject.id,
                reject.uid,
                reject.operation.word(),
                properties,
                refusal.status,
                refusal.category,
                refusal.message,
                refusal.correlation_id,
                now
            ])?;
        Ok(())
    }
}
