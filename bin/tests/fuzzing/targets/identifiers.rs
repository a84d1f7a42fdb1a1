//! Names from the portal and from mapping files on their way into SQL: refused, or quoted so that each names what it
//! says and nothing else happens.

use mappings::{Mapping, WireType};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use sync_core::clock::SystemClock;
use sync_core::model::{Properties, Record, RecordId, Timestamp};
use sync_core::steps::Unstopped;
use sync_core::store::{Pair, Store, StoreError, StoreHandle, Table};

/// The lines of the input are, in this order: table, column, property, singular, the other object type, its table, its
/// singular, a value.
pub(crate) fn identifiers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let [table, column, property, singular, other, far_table, far_singular, value] =
        std::array::from_fn(|_| lines.next().unwrap_or_default());
    let near = parsed("contacts", table, &[(property, column), ("email", "email")], Some(other));
    let far = parsed(other, far_table, &[(property, column)], None);
    let (Ok(near), Ok(far)) = (near, far) else { return };
    if mappings::check_set(&[near.clone(), far.clone()]).is_err() {
        return;
    }
    let folder = folder();
    let path = folder.path().join("crm.db");
    let made = make(&path, [(&near, singular), (&far, far_singular)], property);
    let Some(handle) = told(made) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let properties = serde_json::json!({ property: value, "email": "a@b.c" }).to_string();
    let record = record(&properties);
    let applied = handle.write(move |write| write.apply(&*write.table("contacts")?, &[record]));
    runtime.block_on(applied).expect("a record under any name");
    check(&path, &near, column, value);
}

/// A mapping that says this, read from the file that it would be in.
fn parsed(object: &str, table: &str, fields: &[(&str, &str)], other: Option<&str>) -> Result<Mapping, ()> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut yaml = format!("object: {}\ntable: {}\nfields:\n", quoted(object), quoted(table));
    for (property, column) in fields {
        yaml.push_str(&format!("  {}: {}\n", quoted(property), quoted(column)));
    }
    if let Some(other) = other {
        yaml.push_str(&format!("associations:\n  {}: {{}}\n", quoted(other)));
    }
    Mapping::parse("names.yaml", &yaml).map_err(|error| super::check_message(&error.to_string(), "a refused name"))
}

/// In memory where the system has such a place: nothing here is about the disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

fn make(path: &Path, pair: [(&Mapping, &str); 2], property: &str) -> Result<StoreHandle, StoreError> {
    let mut store = Store::open(path)?;
    let schema = [super::property(property, WireType::String), super::property("email", WireType::String)];
    let pairs = Pair::named_by(pair.map(|(mapping, _)| mapping));
    let tables = pair.map(|(mapping, singular)| {
        let resolved = mapping.resolve(&schema).expect("texts fit texts");
        Table::new(resolved, singular, &pairs, vec![property.to_owned()])
    });
    store.prepare(tables.into())?;
    Ok(StoreHandle::inline(store, Arc::new(SystemClock), Arc::new(Unstopped)))
}

/// Tables that are the mirror's own already are refused with a sentence; SQL that does not fit is a defect.
fn told(made: Result<StoreHandle, StoreError>) -> Option<StoreHandle> {
    match made {
        Ok(handle) => Some(handle),
        Err(StoreError::Altered { table, what }) => {
            super::check_message(&what, &table);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn record(properties: &str) -> Record {
    let at = Timestamp::from_millis(1_790_000_000_000);
    let properties = Properties::from_json(properties);
    Record { id: RecordId::from(7), created_at: at, updated_at: at, archived: None, merged_ids: Vec::new(), properties }
}

fn check(path: &Path, near: &Mapping, column: &str, value: &str) {
    let person = Connection::open(path).expect("the mirror");
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let sql = format!("SELECT {} FROM {} WHERE id = '7'", quote(column), quote(&near.table));
    let shown: Option<String> = person.query_row(&sql, [], |row| row.get(0)).expect(&sql);
    assert_eq!(shown.unwrap_or_default(), value);
    // Every view of ours can be read: also the one that the pair's words are in.
    let views = "SELECT name FROM sqlite_master WHERE type = 'view'";
    let mut views = person.prepare(views).expect(views);
    let names: Vec<String> =
        views.query_map([], |row| row.get(0)).expect("names").map(|name| name.expect("a name")).collect();
    for name in names {
        let sql = format!("SELECT * FROM {}", quote(&name));
        let view = person.prepare(&sql).unwrap_or_else(|error| panic!("{name:?} cannot be read: {error}"));
        let mut columns: Vec<String> = view.column_names().map(str::to_lowercase).collect();
        columns.sort();
        assert!(
            columns.iter().all(|name| !name.contains(':')),
            "SQLite had to tell two columns of {name:?} apart: {columns:?}"
        );
    }
    person.execute(&format!("UPDATE {} SET email = 'x' WHERE id = '7'", quote(&near.table)), []).expect("an edit");
    let ok: String = person.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a verdict");
    assert_eq!(ok, "ok");
}
