//! A mapping that changed.

use super::fixture::{CONTACTS, Mirror, record};
use crate::steps::{Steps, Unstopped};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","city":"Oslo","score":"7","amount":"10.50","name":"A."}"#;

async fn remap(mirror: &Mirror, mapping: &str) -> Vec<String> {
    mirror.remap(mapping, Arc::new(Unstopped)).await.unwrap()
}

/// Cents instead of an amount, and a name instead of a city.
fn changed() -> String {
    CONTACTS
        .replace("  city: city\n", "  name: nick_name\n")
        .replace("amount: amount", "amount: { column: amount, type: integer, transform: { scale: 100 } }")
}

#[tokio::test]
async fn added_removed_and_retyped_columns_are_shown_from_what_had_been_fetched() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, r#"{"email":"b@x.org"}"#)]).await.unwrap();
    let person = mirror.person();
    person
        .execute_batch(
            "CREATE INDEX mine ON contacts (first_name); CREATE VIEW theirs AS SELECT email, amount FROM contacts;
             CREATE INDEX dear ON contacts (amount) WHERE amount > 5;
             CREATE TABLE log (id); CREATE TRIGGER noted AFTER UPDATE OF amount ON contacts BEGIN
             INSERT INTO log VALUES (new.id); END",
        )
        .unwrap();
    let before = mirror.one("SELECT group_concat(_row || _uid) FROM contacts");
    assert_eq!(remap(&mirror, &changed()).await, Vec::<String>::new());
    assert_eq!(
        mirror.one("SELECT nick_name || '/' || amount || '/' || typeof(amount) FROM contacts WHERE id = '1'"),
        "A./1050/integer"
    );
    assert_eq!(mirror.one("SELECT count(*) FROM pragma_table_info('contacts') WHERE name IN ('city')"), "0");
    assert_eq!(mirror.one("SELECT count(*) FROM pragma_table_info('contacts') WHERE name GLOB '_[no]*_*'"), "0");
    assert_eq!(mirror.one("SELECT group_concat(_row || _uid) FROM contacts"), before);
    assert_eq!(
        mirror.one(
            "SELECT count(*) FROM sqlite_master
             WHERE name IN ('mine', 'theirs', 'dear', 'noted', 'contacts_active', 'contacts_raw')"
        ),
        "6"
    );
    assert_eq!(mirror.one("SELECT count(*) FROM sync_touched"), "0");
    mirror.person().execute_batch("UPDATE contacts SET amount = 7 WHERE id = '1'").unwrap();
    assert_eq!(mirror.one("SELECT count(*) FROM log"), "1", "a person's trigger still fires");
    mirror.person().execute_batch("UPDATE contacts SET amount = 1050 WHERE id = '1'").unwrap();
    // Back again: the second change reads what the first one wrote.
    remap(&mirror, CONTACTS).await;
    assert_eq!(mirror.one("SELECT city || '/' || amount FROM contacts WHERE id = '1'"), "Oslo/10.5");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_rejects"), "0");
}

#[tokio::test]
async fn p14_edits_and_new_rows_are_carried_over_as_the_propertys_values() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    let person = mirror.person();
    person
        .execute_batch(
            "UPDATE contacts SET amount = 12.34, first_name = 'Anna' WHERE id = '1';
             INSERT INTO contacts (email, amount, _uid) VALUES ('new@x.org', 5, 'mine')",
        )
        .unwrap();
    let handles = mirror.one("SELECT group_concat(_row || _uid) FROM contacts");
    remap(&mirror, &changed()).await;
    assert_eq!(mirror.one("SELECT first_name || '/' || amount FROM contacts WHERE id = '1'"), "Anna/1234");
    assert_eq!(mirror.one("SELECT first_name || '/' || amount FROM contacts WHERE id = '2'"), "Ann/1050");
    assert_eq!(mirror.one("SELECT email || '/' || amount FROM contacts WHERE _uid = 'mine'"), "new@x.org/500");
    assert_eq!(mirror.one("SELECT group_concat(_row || _uid) FROM contacts"), handles);
    // They are still edits: the remote's next version of the record does not overwrite them.
    let handle = Mirror::open(&mirror.path(), &[&changed()], Arc::new(Unstopped)).unwrap();
    let later = record(1, 9, &ANN.replace("A.", "B."));
    let applied = handle.write(move |write| write.apply(&*write.table("contacts")?, &[later])).await.unwrap();
    assert_eq!((applied.changed, applied.conflicts), (1, 0));
    assert_eq!(mirror.one("SELECT nick_name || '/' || amount FROM contacts WHERE id = '1'"), "B./1234");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_rejects"), "0");
}

#[tokio::test]
async fn p14_an_edit_whose_column_is_gone_or_cannot_show_it_becomes_a_reject() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch(
            "UPDATE contacts SET city = 'Bergen', amount = 1.005 WHERE id = '1';
             UPDATE contacts SET first_name = 'Ben' WHERE id = '2'",
        )
        .unwrap();
    let strict = changed().replace("firstname: first_name", "firstname: { column: first_name, direction: pull }");
    remap(&mirror, &strict).await;
    let rejects = "SELECT group_concat(record_id || properties, ' ') FROM (SELECT * FROM sync_rejects ORDER BY id)";
    assert_eq!(mirror.one(rejects), r#"1{"amount":"1.005"} 1{"city":"Bergen"} 2{"firstname":"Ben"}"#);
    assert_eq!(mirror.one("SELECT amount FROM contacts WHERE id = '1'"), "1050", "what both sides agreed on is shown");
    assert_eq!(mirror.one("SELECT first_name FROM contacts WHERE id = '2'"), "Ann");
    assert_eq!(mirror.one("SELECT rejects FROM sync_status"), "3");
}

#[tokio::test]
async fn p14_what_a_changed_mapping_left_of_a_new_row_is_kept_when_the_row_is_made() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("INSERT INTO contacts (_uid, email, city) VALUES ('new', 'n@x', 'Bergen')", []).unwrap();
    remap(&mirror, &changed()).await;
    let rejects = "SELECT group_concat(coalesce(record_id, '-') || operation || properties) FROM sync_rejects";
    assert_eq!(mirror.one(rejects), r#"-create{"city":"Bergen"}"#);
    let handle = Mirror::open(&mirror.path(), &[&changed()], Arc::new(Unstopped)).unwrap();
    let row = mirror.one("SELECT _row FROM contacts WHERE _uid = 'new'").parse::<i64>().unwrap();
    let made = record(7, 6, r#"{"email":"n@x"}"#);
    handle.write(move |write| write.adopt(&*write.table("contacts")?, &[(row, made)])).await.unwrap();
    assert_eq!(mirror.one("SELECT id FROM contacts WHERE _uid = 'new'"), "7");
    assert_eq!(mirror.one(rejects), r#"7update{"city":"Bergen"}"#);
}

#[tokio::test]
async fn a_replaced_row_and_a_deleted_one_lose_nothing() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch("REPLACE INTO contacts (id, amount) VALUES ('1', 3); DELETE FROM contacts WHERE id = '2'")
        .unwrap();
    remap(&mirror, &changed()).await;
    assert_eq!(mirror.one("SELECT count(*) FROM sync_rejects"), "0");
    let handle = Mirror::open(&mirror.path(), &[&changed()], Arc::new(Unstopped)).unwrap();
    handle.write(|write| write.heal(&*write.table("contacts")?, true)).await.unwrap();
    assert_eq!(mirror.one("SELECT email || '/' || amount FROM contacts WHERE id = '1'"), "ann@x.org/300");
    assert_eq!(mirror.one("SELECT nick_name || '/' || amount FROM contacts WHERE id = '2'"), "A./1050");
}

#[tokio::test]
async fn an_edit_made_while_columns_are_filled_is_not_lost() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    let handle = Mirror::open(&mirror.path(), &[&changed()], Arc::new(Unstopped)).unwrap();
    let table = handle.call(|store| store.changed_mappings()).await.unwrap().remove(0);
    let filling = Arc::clone(&table);
    assert_eq!(handle.write(move |write| write.reproject_some(&filling)).await.unwrap(), 2);
    mirror
        .person()
        .execute_batch(
            "UPDATE contacts SET amount = 99, city = 'Bergen' WHERE id = '1'; INSERT INTO contacts (amount) VALUES (1)",
        )
        .unwrap();
    handle.write(move |write| write.swap_columns(&table)).await.unwrap();
    assert_eq!(mirror.one("SELECT group_concat(amount) FROM contacts"), "9900,1050,100");
    assert_eq!(mirror.one("SELECT group_concat(properties) FROM sync_rejects"), r#"{"city":"Bergen"}"#);
}

/// Stops at the n-th step.
struct Countdown(AtomicUsize);

impl Steps for Countdown {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 0 { Err(name) } else { Ok(()) }
    }
}

#[tokio::test]
async fn p18_stopped_anywhere_it_goes_on_and_to_whatever_mapping_is_asked_for_then() {
    for wanted in [changed(), CONTACTS.to_owned(), CONTACTS.replace("city: city", "city: town")] {
        for stop in 0..12 {
            let mirror = Mirror::new();
            mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
            mirror.person().execute_batch("UPDATE contacts SET amount = 12.34 WHERE id = '1'").unwrap();
            let stopped = mirror.remap(&changed(), Arc::new(Countdown(AtomicUsize::new(stop)))).await;
            remap(&mirror, &wanted).await;
            let cents = wanted.contains("scale");
            let expected = if cents { "1234,1050" } else { "12.34,10.5" };
            assert_eq!(mirror.one("SELECT group_concat(amount) FROM contacts"), expected, "{stop} {stopped:?}");
            // Hashes are those of this mapping: the row that nobody edited takes the remote's next version.
            let handle = Mirror::open(&mirror.path(), &[&wanted], Arc::new(Unstopped)).unwrap();
            let later = ["1", "2"].map(|id| record(id.parse().unwrap(), 9, &ANN.replace("Ann", "Anne"))).to_vec();
            let applied = handle.write(move |write| write.apply(&*write.table("contacts")?, &later)).await.unwrap();
            assert_eq!((applied.changed, applied.conflicts), (2, 0));
            assert_eq!(mirror.one("SELECT group_concat(amount) FROM contacts"), expected, "{stop} {stopped:?}");
        }
    }
}

#[tokio::test]
async fn what_was_never_fetched_is_read_again() {
    let lean = format!("{CONTACTS}\nunmapped: ignore");
    let mirror = Mirror::with(&[&lean], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE sync_objects SET backfilled = 1", []).unwrap();
    remap(&mirror, &lean.replace("  city: city\n", "")).await;
    assert_eq!(mirror.one("SELECT backfilled FROM sync_status"), "1", "nothing has to be read to leave a column out");
    remap(&mirror, &lean).await;
    assert_eq!(mirror.one("SELECT backfilled FROM sync_status"), "0");
}

#[tokio::test]
async fn what_of_a_persons_own_no_longer_fits_is_named() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch(
            "CREATE INDEX mine ON contacts (city); CREATE INDEX other ON contacts (first_name);
             CREATE VIEW towns AS SELECT city FROM contacts",
        )
        .unwrap();
    let lost = remap(&mirror, &CONTACTS.replace("city: city", "city: town")).await;
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost[0].contains("index mine") && lost[0].contains("CREATE INDEX mine ON contacts (city)"), "{lost:?}");
    assert!(lost[1].contains("view towns no longer works"), "{lost:?}");
    assert_eq!(mirror.one("SELECT town FROM contacts"), "Oslo");
    assert_eq!(mirror.one("SELECT count(*) FROM sqlite_master WHERE name IN ('other', 'towns')"), "2");
}

/// How many triggers and views of these names are there.
fn there(mirror: &Mirror, names: &str) -> String {
    mirror.one(&format!("SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view') AND name IN ({names})"))
}

#[tokio::test]
async fn a_persons_triggers_that_no_longer_compile_are_taken_out_and_named_and_the_others_fire() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    let t = "CREATE TRIGGER t AFTER UPDATE ON contacts BEGIN INSERT INTO l VALUES (new.city); END";
    let person = mirror.person();
    person
        .execute_batch(&format!(
            "CREATE TABLE l (x); {t};
             CREATE TRIGGER moved AFTER UPDATE OF city ON contacts BEGIN INSERT INTO l VALUES ('moved'); END;
             CREATE TRIGGER named AFTER UPDATE OF first_name ON contacts BEGIN INSERT INTO l VALUES (new.first_name); END;
             CREATE TRIGGER gone AFTER DELETE ON contacts BEGIN INSERT INTO l VALUES (old.city); END;
             CREATE TRIGGER into_ours AFTER INSERT ON l BEGIN UPDATE contacts SET city = 'x' WHERE id = new.x; END;
             CREATE TRIGGER through INSTEAD OF UPDATE ON contacts_active BEGIN
                 UPDATE contacts SET city = new.city WHERE id = new.id; END;
             CREATE TRIGGER instead INSTEAD OF DELETE ON contacts_active BEGIN SELECT 1; END;
             CREATE TRIGGER theirs AFTER DELETE ON l BEGIN SELECT only_their_program_has_it(old.x); END;"
        ))
        .unwrap();
    let cityless = CONTACTS.replace("  city: city\n", "");
    let lost = remap(&mirror, &cityless).await;
    for name in ["t", "moved", "gone", "into_ours", "through"] {
        let told = format!("the trigger {name} no longer fits and was taken out (no such column: ");
        assert_eq!(lost.iter().filter(|lost| lost.starts_with(&told)).count(), 1, "{name}: {lost:?}");
    }
    assert_eq!(lost.len(), 5, "{lost:?}");
    assert!(lost[0].ends_with(&format!("(no such column: new.city): {t}")), "{lost:?}");
    assert_eq!(there(&mirror, "'named', 'instead', 'theirs'"), "3");
    assert_eq!(there(&mirror, "'t', 'moved', 'gone', 'into_ours', 'through'"), "0");
    // Both sides go on writing.
    let handle = Mirror::open(&mirror.path(), &[&cityless], Arc::new(Unstopped)).unwrap();
    let later = record(1, 9, &ANN.replace("Ann", "Anne"));
    let applied = handle.write(move |write| write.apply(&*write.table("contacts")?, &[later])).await.unwrap();
    assert_eq!((applied.changed, applied.conflicts), (1, 0));
    person.execute_batch("UPDATE contacts SET first_name = 'Anna'; DELETE FROM contacts").unwrap();
    assert_eq!(mirror.one("SELECT count(*) FROM l WHERE x = 'Anna'"), "1");
}

#[tokio::test]
async fn a_persons_trigger_on_a_column_that_has_another_name_is_named_and_does_not_fall_silent() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch(
            "CREATE TABLE l (x);
             CREATE TRIGGER moved AFTER UPDATE OF first_name, \"City\" ON contacts BEGIN INSERT INTO l VALUES (new.id); END",
        )
        .unwrap();
    let lost = remap(&mirror, &CONTACTS.replace("city: city", "city: town")).await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(
        lost[0].starts_with("the trigger moved no longer fits and was taken out (no such column: City)"),
        "{lost:?}"
    );
    mirror.person().execute_batch("UPDATE contacts SET town = 'Bergen'").unwrap();
    assert_eq!(mirror.one("SELECT town || (SELECT count(*) FROM l) FROM contacts"), "Bergen0");
}

#[tokio::test]
async fn a_persons_trigger_that_copies_whole_rows_does_not_keep_a_table_from_being_filled() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch(
            "CREATE TABLE copies AS SELECT * FROM contacts;
             CREATE TRIGGER copied AFTER UPDATE ON contacts BEGIN
             INSERT INTO copies SELECT * FROM contacts WHERE _row = new._row; END",
        )
        .unwrap();
    remap(&mirror, &changed()).await;
    assert_eq!(mirror.one("SELECT nick_name || '/' || amount FROM contacts"), "A./1050");
    assert_eq!(there(&mirror, "'copied'"), "0");
}

#[tokio::test]
async fn p4_what_an_older_program_showed_differently_is_no_edit() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, &ANN.replace("10.50", " 11")), record(2, 5, ANN)]).await.unwrap();
    // As the older program left it: a number among blanks was shown as none. The hash was taken of that.
    let older = mirror.one("SELECT columns_made FROM sync_objects").replace("\"version\":", "\"version\":9");
    mirror
        .person()
        .execute_batch(&format!(
            "UPDATE sync_guard SET applying = 1; UPDATE contacts SET amount = NULL WHERE id = '1';
             UPDATE sync_guard SET applying = 0;
             UPDATE sync_objects SET mapping_fingerprint = 'older', columns_made = '{older}'"
        ))
        .unwrap();
    remap(&mirror, CONTACTS).await;
    assert_eq!(mirror.one("SELECT group_concat(amount) FROM contacts"), "11,10.5");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_rejects"), "0");
    let handle = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).unwrap();
    assert_eq!(handle.call(|store| store.diff("contacts")).await.unwrap(), []);
}
