//! A mirror in a temporary folder with one or two tables, and a person with a connection of their own.

use crate::clock::Clock;
use crate::model::{Properties, Record, RecordId, Timestamp};
use crate::steps::{Steps, Unstopped};
use crate::store::{Applied, Pair, Store, StoreError, StoreHandle, Table};
use mappings::{Mapping, PropertySchema, WireType};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const CONTACTS: &str = "
object: contacts
table: contacts
key: email
fields:
  email: email
  firstname: first_name
  city: city
  score: { column: score, direction: pull }
  amount: amount
associations:
  companies: {}
";

pub(super) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        at(12 * 3_600_000)
    }
}

/// A moment of the test's day.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + millis)
}

pub(super) fn schema() -> Vec<PropertySchema> {
    [
        ("email", WireType::String, "string"),
        ("firstname", WireType::String, "string"),
        ("city", WireType::String, "string"),
        ("score", WireType::Number, "number"),
        ("amount", WireType::Number, "number"),
        ("name", WireType::String, "string"),
    ]
    .map(|(name, wire_type, type_name)| PropertySchema {
        name: name.to_owned(),
        label: name.to_owned(),
        wire_type,
        type_name: type_name.to_owned(),
        field_type: "text".to_owned(),
        group_name: "g".to_owned(),
        calculated: false,
        read_only: false,
        has_unique_value: false,
        hidden: false,
        archived: false,
        options: Vec::new(),
    })
    .to_vec()
}

/// A record as the remote would send it, changed at `updated` milliseconds of the test's day.
pub(super) fn record(id: u64, updated: i64, properties: &str) -> Record {
    Record {
        id: RecordId::from(id),
        created_at: at(0),
        updated_at: at(updated),
        archived: None,
        merged_ids: Vec::new(),
        properties: Properties::from_json(properties),
    }
}

pub(super) struct Mirror {
    pub(super) folder: tempfile::TempDir,
    pub(super) handle: StoreHandle,
}

impl Mirror {
    pub(super) fn new() -> Self {
        Self::with(&[CONTACTS], Arc::new(Unstopped))
    }

    pub(super) fn with(mappings: &[&str], steps: Arc<dyn Steps>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let handle = Self::open(&folder.path().join("crm.db"), mappings, steps).unwrap();
        Self { folder, handle }
    }

    pub(super) fn open(
        path: &std::path::Path,
        mappings: &[&str],
        steps: Arc<dyn Steps>,
    ) -> Result<StoreHandle, StoreError> {
        let mut store = Store::open(path)?;
        store.prepare(tables(mappings))?;
        Ok(StoreHandle::inline(store, Arc::new(Noon), steps))
    }

    /// Opens the mirror with another mapping, and brings its table in line as a run does. Returns what was lost.
    pub(super) async fn remap(&self, mapping: &str, steps: Arc<dyn Steps>) -> Result<Vec<String>, StoreError> {
        let handle = Self::open(&self.path(), &[mapping], steps)?;
        let mut lost = Vec::new();
        for table in handle.call(|store| store.changed_mappings()).await? {
            let (filling, swapping) = (Arc::clone(&table), Arc::clone(&table));
            let fill = async || {
                handle
                    .write({
                        let table = Arc::clone(&filling);
                        move |w| w.reproject_some(&table)
                    })
                    .await
            };
            while fill().await? > 0 {}
            lost.extend(handle.write(move |write| write.swap_columns(&swapping)).await?);
            let drop_one = async || {
                handle
                    .write({
                        let table = Arc::clone(&table);
                        move |w| w.drop_left_column(&table)
                    })
                    .await
            };
            while drop_one().await? {}
        }
        Ok(lost)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    /// The connection of somebody who has never heard of us.
    pub(super) fn person(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        connection
    }

    pub(super) async fn apply(&self, records: Vec<Record>) -> Result<Applied, StoreError> {
        self.handle
            .write(move |write| {
                let table = write.table("contacts")?;
                write.apply(&table, &records)
            })
            .await
    }

    /// The portal archives a property.
    pub(super) async fn retire(&self, property: &str) {
        let mut schema = schema();
        schema.iter_mut().filter(|known| known.name == property).for_each(|known| known.archived = true);
        let mapping = Mapping::parse("test.yaml", CONTACTS).unwrap().resolve(&schema).unwrap();
        let fetched = mapping.properties_to_fetch(&schema);
        let table = Table::new(mapping, "contact", &[], fetched);
        self.handle.call(move |store| store.prepare(vec![table])).await.unwrap();
    }

    /// One value, as text.
    pub(super) fn one(&self, sql: &str) -> String {
        let value: rusqlite::types::Value = self.person().query_row(sql, [], |row| row.get(0)).unwrap();
        match value {
            rusqlite::types::Value::Null => "NULL".to_owned(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Real(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(bytes) => format!("{bytes:?}"),
        }
    }
}

pub(super) fn tables(mappings: &[&str]) -> Vec<Table> {
    let mappings: Vec<Mapping> = mappings.iter().map(|yaml| Mapping::parse("test.yaml", yaml).unwrap()).collect();
    let pairs = Pair::named_by(&mappings);
    mappings
        .iter()
        .map(|mapping| mapping.resolve(&schema()).unwrap())
        .map(|mapping| {
            let singular = mapping.object.trim_end_matches('s').replace("companie", "company");
            let fetched = mapping.properties_to_fetch(&schema());
            Table::new(mapping, &singular, &pairs, fetched)
        })
        .collect()
}
