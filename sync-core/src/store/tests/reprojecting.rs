//! A mapping that changed.

use super::fixture::{CONTACTS, Mirror, record};
use crate::steps::Unstopped;
use crate::store::StoreError;
use std::sync::Arc;

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","city":"Oslo","score":"7","amount":"10.50","name":"A."}"#;

fn reopen(mirror: &Mirror, mapping: &str) -> Result<(), StoreError> {
    Mirror::open(&mirror.path(), &[mapping], Arc::new(Unstopped)).map(drop)
}

#[tokio::test]
async fn added_removed_and_retyped_columns_are_shown_from_what_had_been_fetched() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, r#"{"email":"b@x.org"}"#)]).await.unwrap();
    let person = mirror.person();
    person
        .execute_batch("CREATE INDEX mine ON contacts (first_name); CREATE VIEW theirs AS SELECT email FROM contacts")
        .unwrap();
    let before = mirror.one("SELECT group_concat(_row || _uid) FROM contacts");
    let changed = CONTACTS
        .replace("  city: city\n", "  name: nick_name\n")
        .replace("amount: amount", "amount: { column: amount, type: integer, transform: { scale: 100 } }");
    reopen(&mirror, &changed).unwrap();
    assert_eq!(
        mirror.one("SELECT nick_name || '/' || amount || '/' || typeof(amount) FROM contacts WHERE id = '1'"),
        "A./1050/integer"
    );
    assert_eq!(mirror.one("SELECT count(*) FROM pragma_table_info('contacts') WHERE name = 'city'"), "0");
    assert_eq!(mirror.one("SELECT group_concat(_row || _uid) FROM contacts"), before);
    assert_eq!(
        mirror.one("SELECT count(*) FROM sqlite_master WHERE name IN ('mine', 'theirs', 'contacts_active')"),
        "3"
    );
    assert_eq!(mirror.one("SELECT count(*) FROM sync_touched"), "0");
    // Back again: the second change reads the hashes in the first one's order.
    reopen(&mirror, CONTACTS).unwrap();
    assert_eq!(mirror.one("SELECT city || '/' || amount FROM contacts WHERE id = '1'"), "Oslo/10.5");
}

#[tokio::test]
async fn a_table_with_edits_is_left_as_it_is() {
    for edit in [
        "UPDATE contacts SET city = 'Bergen'",
        "INSERT INTO contacts (email) VALUES ('new@x.org')",
        "DELETE FROM contacts",
    ] {
        let mirror = Mirror::new();
        mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
        mirror.person().execute(edit, []).unwrap();
        let before = mirror.one("SELECT sql FROM sqlite_master WHERE name = 'contacts'");
        let error = reopen(&mirror, &CONTACTS.replace("city: city", "city: town")).unwrap_err();
        assert!(matches!(error, StoreError::MappingChanged { .. }), "{edit}: {error}");
        assert_eq!(mirror.one("SELECT sql FROM sqlite_master WHERE name = 'contacts'"), before);
    }
}

#[tokio::test]
async fn what_was_never_fetched_is_read_again() {
    let lean = format!("{CONTACTS}\nunmapped: ignore");
    let mirror = Mirror::with(&[&lean], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE sync_objects SET backfilled = 1", []).unwrap();
    reopen(&mirror, &lean.replace("  city: city\n", "")).unwrap();
    assert_eq!(mirror.one("SELECT backfilled FROM sync_status"), "1", "nothing has to be read to leave a column out");
    reopen(&mirror, &lean).unwrap();
    assert_eq!(mirror.one("SELECT backfilled FROM sync_status"), "0");
}

#[tokio::test]
async fn a_column_that_something_of_a_persons_needs_is_named() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute_batch("CREATE INDEX mine ON contacts (city)").unwrap();
    let error = reopen(&mirror, &CONTACTS.replace("city: city", "city: town")).unwrap_err().to_string();
    assert!(error.contains("city is in use by something of yours"), "{error}");
    assert_eq!(mirror.one("SELECT city FROM contacts"), "Oslo");
}
