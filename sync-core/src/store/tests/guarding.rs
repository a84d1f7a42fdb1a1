//! What people may do to the tables, and what they are told when they may not.

use super::fixture::{CONTACTS, Mirror, record, tables};
use crate::steps::Unstopped;
use crate::store::{Store, StoreError};
use std::sync::Arc;

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
    let error = person.execute("UPDATE contacts SET archived = 0", []).unwrap_err().to_string();
    assert!(error.contains("only on the remote's own pages"), "{error}");
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
async fn p30_a_table_made_anew_by_a_tool_is_noticed() {
    let mirror = with_ann().await;
    mirror.person().execute_batch("DROP TABLE contacts; CREATE TABLE contacts (id TEXT, email TEXT)").unwrap();
    let error = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).err().unwrap();
    assert!(matches!(error, StoreError::Altered { .. }), "{error}");
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
