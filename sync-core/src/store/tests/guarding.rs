//! What people may do to the tables, and what they are told when they may not.

use super::fixture::{CONTACTS, Mirror, record, schema, tables};
use crate::steps::Unstopped;
use crate::store::{Pair, Store, StoreError, Table};
use mappings::Mapping;
use std::sync::Arc;

const COMPANIES: &str = "
object: companies
table: companies
fields:
  name: name
";

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","score":"7"}"#;

async fn with_ann() -> Mirror {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror
}

#[tokio::test]
async fn read_only_columns_refuse_another_value_with_a_sentence_and_accept_the_same() {
    let mirror = with_ann().await;
    let person = mirror.person();
    for (set, sentence) in [
        ("id = '2'", "id is given by the remote"),
        ("created_at = 'x'", "created_at is set by the remote"),
        ("updated_at = 'x'", "updated_at is set by the remote"),
        ("archived_at = 'x'", "to archive a record set archived = 1"),
        ("merged_into = '2'", "merged_into is set when the remote merges"),
        ("state = 'archived'", "state is kept by the engine"),
        ("_row = 99", "_row is the handle"),
        ("_uid = 'mine'", "_uid may be given on INSERT"),
        ("score = 8", "score is read-only"),
        ("archived = 'yes'", "archived is 0 or 1"),
        ("archived = 2", "archived is 0 or 1"),
    ] {
        let error = person.execute(&format!("UPDATE contacts SET {set}"), []).unwrap_err().to_string();
        assert!(error.contains(sentence), "{set}: {error}");
        let column = set.split(' ').next().unwrap();
        person.execute(&format!("UPDATE contacts SET {column} = {column}"), []).unwrap();
    }
}

#[tokio::test]
async fn a_row_with_an_unknown_id_is_refused_and_one_without_gets_a_key_of_its_own() {
    let mirror = with_ann().await;
    let person = mirror.person();
    let error = person.execute("INSERT INTO contacts (id) VALUES ('5')", []).unwrap_err().to_string();
    assert!(error.contains("leave id out to create a record"), "{error}");
    person.execute("INSERT INTO contacts (email) VALUES ('new@x.org')", []).unwrap();
    let key = mirror.one("SELECT _uid FROM contacts WHERE id IS NULL AND state = 'local'");
    assert!(key.starts_with('u') && key.len() == 33, "{key}");
}

#[tokio::test]
async fn an_archived_record_cannot_be_brought_back_and_an_archive_may_be_taken_back_until_it_is_done() {
    let mirror = with_ann().await;
    let person = mirror.person();
    person.execute("UPDATE contacts SET archived = 1", []).unwrap();
    person.execute("UPDATE contacts SET archived = 0", []).unwrap();
    let mut archived = record(1, 5, ANN);
    archived.archived = Some(super::fixture::at(9));
    mirror.apply(vec![archived]).await.unwrap();
    for state in ["archived", "merged", "missing"] {
        person.execute_batch("UPDATE sync_guard SET applying = 1").unwrap();
        person.execute("UPDATE contacts SET archived_at = NULL, state = ?1", [state]).unwrap();
        person.execute_batch("UPDATE sync_guard SET applying = 0").unwrap();
        let error = person.execute("UPDATE contacts SET archived = 0", []).unwrap_err().to_string();
        assert!(error.contains("only on the remote's own pages"), "{state}: {error}");
    }
}

#[tokio::test]
async fn a_new_row_may_not_say_what_only_the_remote_can() {
    let mirror = with_ann().await;
    let person = mirror.person();
    for (column, value, sentence) in [
        ("created_at", "'x'", "created_at is set by the remote"),
        ("updated_at", "'x'", "updated_at is set by the remote"),
        ("archived_at", "'x'", "archived_at is set by the remote"),
        ("merged_into", "'1'", "merged_into is set when the remote merges"),
        ("state", "'active'", "state is kept by the engine"),
        ("score", "8", "score is read-only"),
        ("archived", "1", "a new row has no record yet"),
        ("archived", "'yes'", "archived is 0 or 1"),
        ("_uid", "NULL", "_uid is a key of your own"),
        ("_uid", "'123'", "_uid is a key of your own"),
        ("_uid", "123", "_uid is a key of your own"),
        ("_uid", "''", "_uid is a key of your own"),
        ("_uid", "x'41'", "_uid is a key of your own"),
        ("_uid", "'r77'", "keys like r123 are the engine's"),
    ] {
        let insert = format!("INSERT INTO contacts (email, {column}) VALUES ('new@x.org', {value})");
        let error = person.execute(&insert, []).unwrap_err().to_string();
        assert!(error.contains(sentence), "{column} = {value}: {error}");
    }
    for (column, value) in
        [("state", "'local'"), ("archived", "0"), ("score", "NULL"), ("_uid", "'r7x'"), ("_uid", "'order 7'")]
    {
        person.execute(&format!("INSERT INTO contacts ({column}) VALUES ({value})"), []).unwrap();
    }
}

#[tokio::test]
async fn a_known_record_may_be_written_back_with_all_its_columns() {
    let mirror = with_ann().await;
    let person = mirror.person();
    person
        .execute_batch(
            "CREATE TEMP TABLE frame AS SELECT * FROM contacts;
             UPDATE frame SET city = 'Oslo', score = 8, updated_at = 'x';
             DELETE FROM contacts;
             INSERT INTO contacts SELECT * FROM frame;",
        )
        .unwrap();
    assert_eq!(mirror.one("SELECT city || _uid FROM contacts"), "Oslor1");
    for (set, sentence) in [("_uid = 'r2'", "keys like r123"), ("archived = 'yes'", "archived is 0 or 1")] {
        let attempt = format!("UPDATE frame SET {set}; INSERT OR REPLACE INTO contacts SELECT * FROM frame");
        let error = person.execute_batch(&attempt).unwrap_err().to_string();
        assert!(error.contains(sentence), "{set}: {error}");
        person.execute_batch("DELETE FROM frame; INSERT INTO frame SELECT * FROM contacts").unwrap();
    }
}

#[tokio::test]
async fn touched_rows_are_noted_and_counted_as_pending() {
    let mirror = with_ann().await;
    let person = mirror.person();
    person.execute("UPDATE contacts SET city = 'Oslo'", []).unwrap();
    person.execute("UPDATE contacts SET city = 'Bergen'", []).unwrap();
    person.execute("INSERT INTO contacts (email) VALUES ('new@x.org')", []).unwrap();
    assert_eq!(mirror.one("SELECT pending FROM sync_status"), "2");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_touched WHERE at LIKE '20__-__-__T__:__:__.___Z'"), "3");
}

#[tokio::test]
async fn the_engines_own_writes_touch_nothing() {
    let mirror = with_ann().await;
    mirror.apply(vec![record(1, 6, &ANN.replace("Ann", "Anna"))]).await.unwrap();
    assert_eq!(mirror.one("SELECT count(*) FROM sync_touched"), "0");
}

#[tokio::test]
async fn lost_triggers_are_put_back() {
    let mirror = with_ann().await;
    mirror.person().execute_batch("DROP TRIGGER sync_contacts_update").unwrap();
    drop(Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).unwrap());
    assert!(mirror.person().execute("UPDATE contacts SET score = 8", []).is_err());
}

#[tokio::test]
async fn a_column_that_became_read_only_refuses_and_one_that_ceased_to_be_accepts() {
    let mirror = with_ann().await;
    let pulled = CONTACTS.replace("city: city", "city: { column: city, direction: pull }");
    mirror.remap(&pulled, Arc::new(Unstopped)).await.unwrap();
    let error = mirror.person().execute("UPDATE contacts SET city = 'Oslo'", []).unwrap_err().to_string();
    assert!(error.contains("city is read-only"), "{error}");
    mirror.remap(CONTACTS, Arc::new(Unstopped)).await.unwrap();
    mirror.person().execute("UPDATE contacts SET city = 'Oslo'", []).unwrap();
}

#[tokio::test]
async fn what_is_as_it_should_be_is_not_made_again() {
    let mirror = Mirror::with(&[CONTACTS, COMPANIES], Arc::new(Unstopped));
    let before = mirror.one("PRAGMA schema_version");
    drop(Mirror::open(&mirror.path(), &[CONTACTS, COMPANIES], Arc::new(Unstopped)).unwrap());
    assert_eq!(mirror.one("PRAGMA schema_version"), before);
}

#[tokio::test]
async fn altered_views_and_triggers_of_ours_are_put_right_and_a_persons_own_stay() {
    let mirror = Mirror::with(&[CONTACTS, COMPANIES], Arc::new(Unstopped));
    let ours = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master
                WHERE name LIKE 'sync_contacts_%' OR name LIKE 'sync_associations_%' OR name LIKE 'contacts_%'
                ORDER BY name)";
    let wanted = mirror.one(ours);
    mirror
        .person()
        .execute_batch(
            "CREATE TRIGGER mine INSTEAD OF INSERT ON contacts_active BEGIN SELECT 1; END;
             CREATE TRIGGER mine_too AFTER UPDATE ON contacts BEGIN SELECT 1; END;
             DROP VIEW companies_raw; CREATE VIEW companies_raw AS SELECT 'mine' AS id;
             DROP VIEW companies_contacts; CREATE TABLE companies_contacts (mine);
             PRAGMA writable_schema = 1;
             UPDATE sqlite_master SET sql = replace(sql, 'archived = 0', 'archived <> 1')
                 WHERE name IN ('contacts_active', 'contacts_companies');
             UPDATE sqlite_master SET sql = replace(sql, 'properties FROM', 'row_hash AS properties FROM')
                 WHERE name = 'contacts_raw';
             UPDATE sqlite_master SET sql = replace(sql, 'AFTER DELETE', 'BEFORE DELETE')
                 WHERE name IN ('sync_contacts_delete', 'sync_associations_DELETE');
             PRAGMA writable_schema = 0;",
        )
        .unwrap();
    assert_ne!(mirror.one(ours), wanted);
    drop(Mirror::open(&mirror.path(), &[CONTACTS, COMPANIES], Arc::new(Unstopped)).unwrap());
    assert_eq!(mirror.one(ours), wanted);
    assert_eq!(mirror.one("SELECT count(*) FROM sqlite_master WHERE name IN ('mine', 'mine_too')"), "2");
    assert_eq!(mirror.one("SELECT id FROM companies_raw"), "mine");
    assert_eq!(mirror.one("SELECT type FROM sqlite_master WHERE name = 'companies_contacts'"), "table");
}

#[tokio::test]
async fn a_trigger_of_our_name_on_a_table_of_theirs_is_told() {
    let mirror = Mirror::new();
    mirror
        .person()
        .execute_batch(
            "DROP TRIGGER sync_contacts_update; CREATE TABLE theirs (x);
             CREATE TRIGGER sync_contacts_update AFTER UPDATE ON theirs BEGIN SELECT 1; END;",
        )
        .unwrap();
    let error = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).err().unwrap();
    assert!(matches!(&error, StoreError::Altered { table, .. } if table == "theirs"), "{error}");
}

#[tokio::test]
async fn p30_a_table_made_anew_by_a_tool_is_noticed() {
    let mirror = with_ann().await;
    mirror.person().execute_batch("DROP TABLE contacts; CREATE TABLE contacts (id TEXT, email TEXT)").unwrap();
    let error = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).err().unwrap();
    assert!(matches!(error, StoreError::Remade { .. }), "{error}");
}

#[tokio::test]
async fn p30_a_table_with_the_same_columns_but_without_its_keys_is_noticed() {
    let plain = "CREATE TABLE contacts AS SELECT * FROM kept";
    let keyed = |keys: &str| {
        format!(
            "CREATE TABLE contacts (id TEXT, email TEXT, first_name TEXT, city TEXT, score, amount, created_at TEXT,
                 updated_at TEXT, archived INTEGER, archived_at TEXT, merged_into TEXT, state TEXT, _uid TEXT, {keys});"
        )
    };
    let cases = [
        (plain.to_owned(), "_row, id, _uid"),
        (keyed("_row TEXT PRIMARY KEY, UNIQUE (id), UNIQUE (_uid)"), "_row"),
        (keyed("_row INTEGER, UNIQUE (id), UNIQUE (_uid), PRIMARY KEY (_row, id)"), "_row"),
        (keyed("_row INTEGER PRIMARY KEY, UNIQUE (id, _uid)"), "id, _uid"),
        (keyed("_row INTEGER PRIMARY KEY, UNIQUE (id)"), "_uid"),
        (
            keyed("_row INTEGER PRIMARY KEY, UNIQUE (_uid)") + "CREATE UNIQUE INDEX i ON contacts (id) WHERE id > 5",
            "id",
        ),
    ];
    for (remade, key) in cases {
        let mirror = with_ann().await;
        let remake = format!("CREATE TABLE kept AS SELECT * FROM contacts; DROP TABLE contacts; {remade}");
        mirror.person().execute_batch(&remake).unwrap();
        let error = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).err().unwrap();
        assert!(matches!(error, StoreError::Remade { .. }), "{remade}: {error}");
        assert!(error.to_string().contains(&format!("it no longer has the keys {key};")), "{remade}: {error}");
    }
}

#[tokio::test]
async fn p30_a_table_of_other_types_is_noticed_and_one_made_exactly_alike_is_taken() {
    let whole = "CREATE TABLE contacts (id TEXT UNIQUE, email TEXT, first_name TEXT, city TEXT, score, amount,
        created_at TEXT, updated_at TEXT, archived INTEGER NOT NULL DEFAULT 0, archived_at TEXT, merged_into TEXT,
        state TEXT NOT NULL DEFAULT 'local', _row INTEGER PRIMARY KEY AUTOINCREMENT,
        _uid TEXT NOT NULL UNIQUE DEFAULT 'x', mine TEXT)";
    for (from, to, what) in [
        ("score, amount", "score, amount", ""),
        ("city TEXT", "city TEXT NOT NULL DEFAULT ''", "its columns city"),
        ("amount,", "amount REAL,", "its columns amount"),
        ("id TEXT", "id INTEGER", "its columns id"),
        ("UNIQUE DEFAULT 'x'", "UNIQUE", "its columns _uid"),
        (" AUTOINCREMENT", "", "might be given twice"),
    ] {
        let mirror = with_ann().await;
        mirror.person().execute_batch(&format!("DROP TABLE contacts; {}", whole.replacen(from, to, 1))).unwrap();
        match Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)) {
            Ok(handle) => {
                assert_eq!(what, "", "{to}");
                let healed = handle.write(|write| write.heal(&*write.table("contacts")?, true)).await.unwrap();
                assert_eq!(healed.returned, 1);
            }
            Err(error) => assert!(!what.is_empty() && error.to_string().contains(what), "{to}: {error}"),
        }
    }
}

#[tokio::test]
async fn s15_a_trigger_that_reaches_into_the_engines_own_tables_is_refused_and_a_persons_own_is_not() {
    let mirror = with_ann().await;
    let person = mirror.person();
    let reopen = || Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).err().map(|error| error.to_string());
    person
        .execute_batch("CREATE TABLE log (x); CREATE TRIGGER mine AFTER UPDATE ON contacts BEGIN INSERT INTO log SELECT max(id) FROM sync_runs; END")
        .unwrap();
    assert_eq!(reopen(), None);
    for (on, body) in [
        ("contacts", "UPDATE sync_guard SET applying = 1"),
        ("log", "DELETE FROM sync_base_contacts"),
        ("sync_journal", "SELECT 1"),
        ("contacts", "INSERT INTO \"sync_journal\" (object) VALUES (1)"),
    ] {
        person.execute_batch(&format!("CREATE TRIGGER planted AFTER INSERT ON {on} BEGIN {body}; END")).unwrap();
        let error = reopen().unwrap();
        assert!(
            error.contains("its trigger planted reaches into") && error.contains("DROP TRIGGER"),
            "{body}: {error}"
        );
        person.execute_batch("DROP TRIGGER planted").unwrap();
    }
}

#[tokio::test]
async fn what_a_persons_index_or_trigger_refuses_is_told_with_its_name() {
    for (made, name) in [
        ("CREATE UNIQUE INDEX once ON contacts (city)", "the unique index once on contacts"),
        (
            "CREATE TRIGGER never BEFORE INSERT ON contacts WHEN new.city = 'Oslo' BEGIN SELECT RAISE(ABORT, 'no'); END",
            "the trigger never on contacts",
        ),
    ] {
        let mirror = Mirror::new();
        mirror.person().execute_batch(made).unwrap();
        let oslo = r#"{"city":"Oslo"}"#;
        let error = mirror.apply(vec![record(1, 5, oslo), record(2, 5, oslo)]).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)) && error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_table_that_was_there_before_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    let mut store = Store::open(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE Contacts (x)").unwrap();
    let error = store.prepare(tables(&[CONTACTS])).unwrap_err().to_string();
    assert!(error.contains("was there before"), "{error}");
}

#[test]
fn a_pair_that_the_portal_calls_by_one_word_or_none_has_two_columns_all_the_same() {
    for singular in ["Thing", ""] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("crm.db")).unwrap();
        let mappings = [CONTACTS, COMPANIES].map(|yaml| Mapping::parse("test.yaml", yaml).unwrap());
        let pairs = Pair::named_by(&mappings);
        let table = |mapping: &Mapping| Table::new(mapping.resolve(&schema()).unwrap(), singular, &pairs, Vec::new());
        store.prepare(mappings.iter().map(table).collect()).unwrap();
        let person = rusqlite::Connection::open(folder.path().join("crm.db")).unwrap();
        person.prepare("SELECT contacts_id, companies_id FROM contacts_companies").map(drop).unwrap_or_else(|error| {
            let view = person.prepare("SELECT * FROM contacts_companies").unwrap();
            panic!("{singular:?}: {error}: {:?}", view.column_names().collect::<Vec<_>>())
        });
    }
}
