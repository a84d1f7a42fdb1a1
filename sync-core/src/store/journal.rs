//! What was sent to the remote. An entry is on the disk before the first byte leaves, and stays open until its outcome is
//! known: nothing else of the same row is sent until then.

use super::table::quote;
use super::{Store, StoreError, Table, Write};
use crate::model::{RecordId, Timestamp};
use crate::plan::changes::{Operation, RowChange};
use crate::remote::WriteInput;
use rusqlite::{OptionalExtension, Row, params};
use std::collections::{BTreeMap, BTreeSet};

/// What both sides had agreed on, and what was sent.
pub type Sent = (Option<String>, Option<String>);

/// An entry of the journal whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names it at the remote.
    pub trace: String,
    /// The run that sent it.
    pub run: i64,
    /// What for.
    pub operation: Operation,
    /// The row.
    pub row: i64,
    /// The row's key.
    pub uid: String,
    /// The record; `None` where it was to be made.
    pub id: Option<RecordId>,
    /// Each property with what both sides had agreed on and what was sent.
    pub properties: BTreeMap<String, Sent>,
    /// When the record had been changed last, by the remote's clock, as it was read right before.
    pub seen_at: Timestamp,
    /// When it was entered, by the remote's clock.
    pub sent_at: String,
    /// Whether a create turned out to have found its record there. Told by the answer, not kept.
    pub adopted: bool,
}

impl Entry {
    /// The entry as the remote is sent it. `key` names the record: its id, or the value of an upsert.
    pub fn input(&self, key: &str) -> WriteInput {
        let value = |(_, sent): &Sent| sent.clone().unwrap_or_default();
        let properties = self.properties.iter().map(|(name, sent)| (name.clone(), value(sent))).collect();
        WriteInput { trace: self.trace.clone(), key: key.to_owned(), properties }
    }
}

impl Store {
    /// The entries of an object type whose outcome is not known, oldest first.
    pub fn unsettled(&self, object: &str) -> Result<Vec<Entry>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT trace, operation, row_handle, uid, record_id, properties, sent_at, seen_at, run_id FROM sync_journal
             WHERE object = ?1 AND settled_at IS NULL ORDER BY id",
        )?;
        let entries = statement.query_map([object], |row| Ok(entry(row)))?;
        entries.map(|entry| entry?).collect()
    }

    /// The object types of which a run sent something whose outcome is not known, of records or of their associations.
    pub fn unknown_of(&self, run: i64) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT object FROM sync_journal WHERE run_id = ?1 AND settled_at IS NULL
             UNION SELECT from_object FROM sync_journal_links WHERE run_id = ?1 AND settled_at IS NULL",
        )?;
        let objects = statement.query_map([run], |row| row.get::<_, String>(0))?;
        Ok(objects.collect::<Result<_, _>>()?)
    }
}

impl Store {
    /// Those of these records that no settled create of ours made.
    pub fn not_made_by_us(&self, object: &str, ids: Vec<RecordId>) -> Result<Vec<RecordId>, StoreError> {
        let mut made = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sync_journal WHERE object = ?1 AND operation = 'create' AND record_id = ?2)",
        )?;
        let mut others = Vec::new();
        for id in ids {
            if !made.query_row([object, id.as_str()], |row| row.get(0))? {
                others.push(id);
            }
        }
        Ok(others)
    }
}

impl Write<'_> {
    /// Enters a change that is about to be sent.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn intend(&self, table: &Table, change: &RowChange) -> Result<Entry, StoreError> {
        let fields = change.fields.iter();
        let properties: BTreeMap<String, Sent> =
            fields.map(|field| (field.property.clone(), (field.base.clone(), field.local.clone()))).collect();
        let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'sync_journal'), 0)";
        let last: i64 = self.connection.prepare_cached(last)?.query_row([], |row| row.get(0))?;
        // A run's number is never given twice, not even by a mirror that was restored from a copy.
        let trace = format!("{}-{}", self.run_id, last + 1);
        let entry = Entry {
            trace,
            run: self.run_id,
            operation: change.operation,
            row: change.row,
            uid: change.uid.clone(),
            id: change.id.clone(),
            properties,
            seen_at: self.seen_at(table, change.id.as_ref())?,
            sent_at: self.there(self.now).to_string(),
            adopted: false,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO sync_journal (run_id, object, operation, trace, row_handle, uid, record_id, properties,
                 sent_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                entry.run,
                table.object(),
                entry.operation.word(),
                entry.trace,
                entry.row,
                entry.uid,
                entry.id.as_ref().map(RecordId::as_str),
                serde_json::to_string(&entry.properties).unwrap_or_default(),
                entry.sent_at,
                entry.seen_at.millis()
            ])?;
        Ok(entry)
    }

    /// What was sent of a record's row and has no known outcome yet.
    pub(super) fn outstanding(&self, object: &str, id: &str) -> Result<BTreeMap<String, Sent>, StoreError> {
        let sent: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT properties FROM sync_journal WHERE object = ?1 AND record_id = ?2 AND operation = 'update'
                 AND settled_at IS NULL ORDER BY id DESC LIMIT 1",
            )?
            .query_row([object, id], |row| row.get(0))
            .optional()?;
        sent.map_or_else(|| Ok(BTreeMap::new()), |sent| serde_json::from_str(&sent).map_err(|_| unreadable()))
    }

    /// When a record had been changed last, as it was read last.
    fn seen_at(&self, table: &Table, id: Option<&RecordId>) -> Result<Timestamp, StoreError> {
        let Some(id) = id else { return Ok(Timestamp::default()) };
        let sql = format!("SELECT updated_at FROM {} WHERE id = ?1", quote(&table.base_name()));
        let seen = self.connection.prepare_cached(&sql)?.query_row([id.as_str()], |row| row.get(0));
        Ok(Timestamp::from_millis(seen.optional()?.unwrap_or_default()))
    }

    /// Closes an entry: its outcome is known. Where another run sent it, this one found it out.
    pub(super) fn close_entry(&self, trace: &str, outcome: &str, message: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE sync_journal SET settled_at = ?2, outcome = ?3, message = ?4, recovered_in = nullif(?5, run_id)
                 WHERE trace = ?1 AND settled_at IS NULL",
            )?
            .execute(params![trace, self.now.to_string(), outcome, message, self.run_id])?;
        Ok(())
    }

    /// Whether an entry was settled as carried out.
    pub(super) fn is_done(&self, trace: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sync_journal WHERE trace = ?1 AND outcome = 'done'";
        Ok(self.connection.prepare_cached(sql)?.exists([trace])?)
    }

    /// Notes which record a create made.
    pub(super) fn note_made_record(&self, trace: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE sync_journal SET record_id = ?2 WHERE trace = ?1")?
            .execute(params![trace, id])?;
        Ok(())
    }

    /// Notes why the outcome of an entry is not known; it stays open.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_unknown(&self, entry: &Entry, why: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE sync_journal SET message = ?2 WHERE trace = ?1 AND settled_at IS NULL")?
            .execute(params![entry.trace, why])?;
        Ok(())
    }

    /// Closes an entry of which it is certain that nothing was carried out: its change is simply pending again.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_undone(&self, entry: &Entry, why: &str) -> Result<(), StoreError> {
        self.close_entry(&entry.trace, "undone", Some(why))
    }
}

fn unreadable() -> StoreError {
    StoreError::Altered { table: "sync_journal".to_owned(), what: "an entry in it cannot be read".to_owned() }
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let operation: String = row.get(1)?;
    let properties: String = row.get(5)?;
    Ok(Entry {
        trace: row.get(0)?,
        run: row.get(8)?,
        operation: Operation::of_word(&operation).ok_or_else(unreadable)?,
        row: row.get(2)?,
        uid: row.get(3)?,
        id: row.get::<_, Option<String>>(4)?.map(RecordId::from),
        properties: serde_json::from_str(&properties).map_err(|_| unreadable())?,
        sent_at: row.get(6)?,
        seen_at: Timestamp::from_millis(row.get(7)?),
        adopted: false,
    })
}
