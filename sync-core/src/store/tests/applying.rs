//! What reads do to the mirror.

use super::fixture::{CONTACTS, Mirror, at, record};
use crate::model::{Association, AssociationKind, Neighbour, RecordId};
use crate::steps::Unstopped;
use crate::store::{Applied, Pair};
use std::sync::Arc;

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","city":null,"score":"7","amount":"10.50","other":"x"}"#;

#[tokio::test]
async fn a_new_record_is_shown_typed_and_kept_as_it_came() {
    let mirror = Mirror::new();
    let applied = mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    assert_eq!(applied, Applied { inserted: 1, ..Applied::default() });
    assert_eq!(mirror.one("SELECT first_name || '/' || amount || '/' || state FROM contacts"), "Ann/10.5/active");
    assert_eq!(mirror.one("SELECT city FROM contacts"), "NULL");
    assert_eq!(mirror.one("SELECT properties FROM contacts_raw"), ANN);
    assert_eq!(mirror.one("SELECT count(*) FROM sync_history"), "0", "the first load of a record is no history");
    assert_eq!(mirror.one("SELECT rows || '/' || archived || '/' || pending FROM sync_status"), "1/0/0");
}

#[tokio::test]
async fn p6_reading_the_same_record_again_changes_nothing() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    assert_eq!(mirror.apply(vec![record(1, 5, ANN)]).await.unwrap(), Applied::default());
}

#[tokio::test]
async fn p23_an_older_read_never_overwrites_a_newer_one() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, r#"{"firstname":"New"}"#)]).await.unwrap();
    mirror.apply(vec![record(1, 4, r#"{"firstname":"Old"}"#)]).await.unwrap();
    assert_eq!(mirror.one("SELECT first_name FROM contacts"), "New");
}

#[tokio::test]
async fn a_change_is_in_the_history_with_what_was_before() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.apply(vec![record(1, 6, &ANN.replace("\"Ann\"", "\"Anna\""))]).await.unwrap();
    let told = mirror.one("SELECT property || ':' || before || '>' || after || '@' || side FROM sync_history");
    assert_eq!(told, "firstname:Ann>Anna@mirror");
}

#[tokio::test]
async fn p1_an_edit_that_nobody_pushed_survives_a_pull_of_other_fields() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE contacts SET city = 'Oslo' WHERE id = '1'", []).unwrap();
    let applied = mirror.apply(vec![record(1, 6, &ANN.replace("\"Ann\"", "\"Anna\""))]).await.unwrap();
    assert_eq!((applied.changed, applied.conflicts), (1, 0));
    assert_eq!(mirror.one("SELECT first_name || '/' || city FROM contacts"), "Anna/Oslo");
}

#[tokio::test]
async fn p1_an_edit_survives_even_when_its_triggers_are_gone() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    let person = mirror.person();
    person.execute_batch("DROP TRIGGER sync_contacts_update; UPDATE contacts SET city = 'Oslo'").unwrap();
    mirror.apply(vec![record(1, 6, &ANN.replace("\"Ann\"", "\"Anna\""))]).await.unwrap();
    assert_eq!(mirror.one("SELECT city FROM contacts"), "Oslo");
}

#[tokio::test]
async fn p5_where_both_sides_changed_the_policy_decides_and_the_loser_is_kept() {
    for (policy, shown, chosen, open) in [
        ("remote_wins", "Bergen", "remote", "0"),
        ("local_wins", "Oslo", "local", "0"),
        ("newest", "Oslo", "local", "0"),
        ("hold", "Oslo", "held", "1"),
    ] {
        let mapping = format!("{CONTACTS}\nconflict: {policy}");
        let mirror = Mirror::with(&[&mapping], Arc::new(Unstopped));
        mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
        mirror.person().execute("UPDATE contacts SET city = 'Oslo'", []).unwrap();
        let theirs = ANN.replace("\"city\":null", "\"city\":\"Bergen\"");
        assert_eq!(mirror.apply(vec![record(1, 6, &theirs)]).await.unwrap().conflicts, 1);
        assert_eq!(mirror.one("SELECT city FROM contacts"), shown, "{policy}");
        let kept = mirror.one("SELECT property || local || remote || chosen FROM sync_conflicts");
        assert_eq!(kept, format!("cityOsloBergen{chosen}"));
        assert_eq!(mirror.one("SELECT conflicts FROM sync_status"), open, "{policy}");
    }
}

#[tokio::test]
async fn equal_changes_on_both_sides_are_agreement() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE contacts SET amount = 20.0, city = 'Oslo'", []).unwrap();
    let theirs = ANN.replace("10.50", "20").replace("\"city\":null", "\"city\":\"Oslo\"");
    assert_eq!(mirror.apply(vec![record(1, 6, &theirs)]).await.unwrap().conflicts, 0);
}

#[tokio::test]
async fn p4_a_value_its_column_cannot_show_is_no_edit() {
    let mirror = Mirror::new();
    let odd = r#"{"email":"a\ud800b","amount":"123456789012345678901234567890.10","score":"not a number"}"#;
    let applied = mirror.apply(vec![record(1, 5, odd)]).await.unwrap();
    assert_eq!(applied.outside, 1);
    assert_eq!(
        mirror.one("SELECT email || '/' || amount FROM contacts"),
        "a\u{FFFD}b/123456789012345678901234567890.10"
    );
    assert_eq!(mirror.one("SELECT score FROM contacts"), "NULL");
    assert_eq!(mirror.one("SELECT properties FROM contacts_raw"), odd);
    let applied = mirror.apply(vec![record(1, 6, &odd.replace("not a number", "8"))]).await.unwrap();
    assert_eq!((applied.changed, applied.conflicts), (1, 0));
}

#[tokio::test]
async fn p42_empty_null_and_absent_are_one_value() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, r#"{"firstname":"","city":null}"#)]).await.unwrap();
    mirror.apply(vec![record(1, 6, r#"{"firstname":null}"#)]).await.unwrap();
    assert_eq!(mirror.one("SELECT count(*) FROM contacts WHERE first_name IS NULL AND city IS NULL"), "1");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_history"), "0");
}

#[tokio::test]
async fn p29_a_deleted_row_comes_back_with_the_next_read() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("DELETE FROM contacts", []).unwrap();
    mirror.apply(vec![record(1, 6, ANN)]).await.unwrap();
    assert_eq!(mirror.one("SELECT first_name FROM contacts"), "Ann");
}

#[tokio::test]
async fn a_replaced_rows_nulls_come_back_and_its_values_are_edits() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("INSERT OR REPLACE INTO contacts (id, city) VALUES ('1', 'Oslo')", []).unwrap();
    mirror.apply(vec![record(1, 6, &ANN.replace("\"Ann\"", "\"Anna\""))]).await.unwrap();
    let shown = mirror.one("SELECT first_name || '/' || email || '/' || city FROM contacts");
    assert_eq!(shown, "Anna/ann@x.org/Oslo");
}

#[tokio::test]
async fn p20_archived_restored_and_merged_records_say_so() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    let mut archived = record(1, 5, ANN);
    archived.archived = Some(at(9));
    mirror.apply(vec![archived]).await.unwrap();
    assert_eq!(mirror.one("SELECT state || archived FROM contacts WHERE id = '1'"), "archived1");
    assert_eq!(mirror.one("SELECT archived_at FROM contacts WHERE id = '1'"), at(9).to_string());
    assert_eq!(mirror.one("SELECT rows || '/' || archived FROM sync_status"), "2/1");
    assert_eq!(mirror.one("SELECT count(*) FROM contacts_active"), "1");

    mirror.apply(vec![record(1, 12, ANN)]).await.unwrap();
    assert_eq!(mirror.one("SELECT state FROM contacts WHERE id = '1'"), "active");
    assert_eq!(mirror.one("SELECT archived_at FROM contacts WHERE id = '1'"), "NULL");

    let mut survivor = record(3, 20, ANN);
    survivor.merged_ids = vec![RecordId::from(1), RecordId::from(2), RecordId::from(3), RecordId::from(99)];
    mirror.apply(vec![survivor]).await.unwrap();
    let merged = mirror.one("SELECT group_concat(id || '>' || merged_into || state) FROM contacts WHERE archived");
    assert_eq!(merged, "1>3merged,2>3merged");
    assert_eq!(mirror.one("SELECT rows || '/' || archived FROM sync_status"), "3/2");
}

const COMPANIES: &str = "
object: companies
table: companies
fields:
  name: name
";

#[tokio::test]
async fn associations_are_merged_as_sets_and_shown_from_either_side() {
    let mirror = Mirror::with(&[CONTACTS, COMPANIES], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    let pair = Pair { from: "contacts".to_owned(), to: "companies".to_owned() };
    let kind = |type_id, label: Option<&str>| AssociationKind {
        category: "HUBSPOT_DEFINED".to_owned(),
        type_id,
        label: label.map(str::to_owned),
    };
    let neighbour = |id: u64, kind| Neighbour { id: RecordId::from(id), kind };
    let told = |to| vec![Association { from: RecordId::from(1), to }];
    let apply = async |answers: Vec<Association>| {
        let pair = pair.clone();
        mirror.handle.write(move |write| write.apply_associations(&pair, &answers)).await.unwrap()
    };
    let both =
        vec![neighbour(7, kind(1, Some("Primary"))), neighbour(7, kind(279, None)), neighbour(8, kind(279, None))];
    assert_eq!(apply(told(both.clone())).await, 1);
    assert_eq!(apply(told(both)).await, 0, "the same answer again changes nothing");
    let seen = mirror.one(
        "SELECT group_concat(company_id || labels || is_primary, ' ') FROM
         (SELECT * FROM contacts_companies WHERE contact_id = '1' ORDER BY company_id)",
    );
    assert_eq!(seen, r#"7["Primary"]1 8[]0"#);
    assert_eq!(mirror.one("SELECT contact_id FROM companies_contacts WHERE company_id = '8'"), "1");

    // A person adds one and removes one; the remote drops another: all three hold.
    let person = mirror.person();
    person
        .execute_batch(
            "INSERT INTO associations VALUES ('contacts', '1', 'companies', '9', NULL, NULL, NULL);
         DELETE FROM associations WHERE to_id = '8';",
        )
        .unwrap();
    let fewer = vec![neighbour(7, kind(279, None)), neighbour(8, kind(279, None))];
    assert_eq!(apply(told(fewer)).await, 1);
    let left = mirror
        .one("SELECT group_concat(to_id || coalesce(type_id, '')) FROM (SELECT * FROM associations ORDER BY to_id)");
    assert_eq!(left, "7279,9");
}

async fn heal(mirror: &Mirror, full: bool) -> crate::store::Healed {
    mirror
        .handle
        .write(move |write| {
            let table = write.table("contacts")?;
            write.heal(&table, full)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn p29_deleted_and_replaced_rows_are_healed_without_any_change_at_the_remote() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN), record(3, 5, ANN)]).await.unwrap();
    let handle = mirror.one("SELECT _row FROM contacts WHERE id = '1'");
    let person = mirror.person();
    person.execute("DELETE FROM contacts WHERE id = '1'", []).unwrap();
    person.execute("INSERT OR REPLACE INTO contacts (id, city) VALUES ('2', 'Oslo')", []).unwrap();
    let healed = heal(&mirror, false).await;
    assert_eq!((healed.returned, healed.replaced), (1, 1));
    assert_eq!(mirror.one("SELECT first_name || _row FROM contacts WHERE id = '1'"), format!("Ann{handle}"));
    assert_eq!(mirror.one("SELECT first_name || city || state FROM contacts WHERE id = '2'"), "AnnOsloactive");
    assert_eq!(mirror.one("SELECT pending FROM sync_status"), "1", "the replaced row's city waits to be pushed");
    assert_eq!(heal(&mirror, true).await, crate::store::Healed::default());
}

#[tokio::test]
async fn p29_a_row_that_is_replaced_by_one_that_asks_for_an_archive_still_asks_for_it_when_it_is_whole_again() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    let person = mirror.person();
    person.execute("INSERT OR REPLACE INTO contacts (id, archived) VALUES ('1', 1)", []).unwrap();
    // Asked for before, and replaced by a row that does not ask: taken back.
    person.execute("UPDATE contacts SET archived = 1 WHERE id = '2'", []).unwrap();
    person.execute("INSERT OR REPLACE INTO contacts (id, city) VALUES ('2', 'Oslo')", []).unwrap();
    assert_eq!(heal(&mirror, false).await.replaced, 2);
    let shown = "SELECT group_concat(id || first_name || state || archived, ' ') FROM contacts";
    assert_eq!(mirror.one(shown), "1Annarchiving1 2Annactive0");
    assert_eq!(mirror.one("SELECT count(*) FROM contacts WHERE archived_at IS NOT NULL"), "0");
}

#[tokio::test]
async fn rows_that_vanished_without_a_trace_are_found_by_the_full_look() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute_batch("DROP TRIGGER sync_contacts_delete; DELETE FROM contacts").unwrap();
    assert_eq!(heal(&mirror, false).await.returned, 0);
    assert_eq!(heal(&mirror, true).await.returned, 1);
}

#[tokio::test]
async fn an_edit_taken_back_is_no_longer_pending_and_closes_its_conflict() {
    let mirror = Mirror::with(&[&format!("{CONTACTS}\nconflict: hold")], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    let person = mirror.person();
    person.execute("UPDATE contacts SET city = 'Oslo'", []).unwrap();
    mirror.apply(vec![record(1, 6, &ANN.replace("\"city\":null", "\"city\":\"Bergen\""))]).await.unwrap();
    assert_eq!(mirror.one("SELECT pending || conflicts FROM sync_status"), "11");
    person.execute("UPDATE contacts SET city = 'Bergen'", []).unwrap();
    heal(&mirror, false).await;
    assert_eq!(mirror.one("SELECT pending || conflicts FROM sync_status"), "00");
}

#[tokio::test]
async fn newest_takes_the_side_that_changed_last_by_more_than_a_breath() {
    for (remote_at, city) in [(9_000_000_000_000, "Bergen"), (6, "Oslo")] {
        let mirror = Mirror::with(&[&format!("{CONTACTS}\nconflict: newest")], Arc::new(Unstopped));
        mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
        mirror.person().execute("UPDATE contacts SET city = 'Oslo'", []).unwrap();
        let person = mirror.person();
        // The trigger's own clock is the machine's: the edit is dated by hand, to the day of the test.
        person.execute("UPDATE sync_touched SET at = ?1", [at(3_600_000).to_string()]).unwrap();
        let theirs = record(1, remote_at, &ANN.replace("\"city\":null", "\"city\":\"Bergen\""));
        mirror.apply(vec![theirs]).await.unwrap();
        assert_eq!(mirror.one("SELECT city FROM contacts"), city);
    }
}

#[tokio::test]
async fn newest_takes_no_later_edit_of_another_field_for_one_of_this() {
    let mirror = Mirror::with(&[&format!("{CONTACTS}\nconflict: newest")], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    let person = mirror.person();
    for (edit, when) in [("city = 'Oslo'", 3_600_000), ("first_name = 'Anna'", 10_800_000)] {
        person.execute(&format!("UPDATE contacts SET {edit}"), []).unwrap();
        let newest = "UPDATE sync_touched SET at = ?1 WHERE seq = (SELECT max(seq) FROM sync_touched)";
        person.execute(newest, [at(when).to_string()]).unwrap();
    }
    let theirs = record(1, 7_200_000, &ANN.replace("\"city\":null", "\"city\":\"Bergen\""));
    assert_eq!(mirror.apply(vec![theirs]).await.unwrap().conflicts, 1);
    assert_eq!(mirror.one("SELECT city || ' ' || first_name FROM contacts"), "Bergen Anna");
    assert_eq!(mirror.one("SELECT local FROM sync_conflicts"), "Oslo", "the loser is kept");
}

#[tokio::test]
async fn a_read_only_column_never_counts_as_edited() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("INSERT OR REPLACE INTO contacts (id, score) VALUES ('1', 99)", []).unwrap();
    let applied = mirror.apply(vec![record(1, 6, &ANN.replace("\"7\"", "\"8\""))]).await.unwrap();
    assert_eq!(applied.conflicts, 0);
    assert_eq!(mirror.one("SELECT score FROM contacts"), "8");
}

#[tokio::test]
async fn p44_a_property_that_the_portal_has_no_more_keeps_its_values() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.retire("firstname").await;
    mirror.apply(vec![record(1, 6, r#"{"email":"ann@x.org","city":"Oslo"}"#)]).await.unwrap();
    assert_eq!(mirror.one("SELECT first_name || '/' || city FROM contacts"), "Ann/Oslo");
    assert!(mirror.one("SELECT properties FROM contacts_raw").contains(r#""firstname":"Ann""#));
    assert_eq!(mirror.one("SELECT count(*) FROM sync_history WHERE property = 'firstname'"), "0");
}

#[tokio::test]
async fn p30_rows_that_changed_while_no_trigger_watched_are_found_by_the_full_diff() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN), record(3, 5, ANN)]).await.unwrap();
    mirror
        .person()
        .execute_batch(
            "DROP TRIGGER sync_contacts_update; DROP TRIGGER sync_contacts_insert;
             UPDATE contacts SET city = 'Bergen' WHERE id = '2'; INSERT INTO contacts (email) VALUES ('new@x.org')",
        )
        .unwrap();
    assert_eq!(mirror.one("SELECT pending FROM sync_status"), "0");
    let handle = Mirror::open(&mirror.path(), &[CONTACTS], Arc::new(Unstopped)).unwrap();
    assert!(handle.call(|store| Ok(store.was_unguarded("contacts"))).await.unwrap());
    for noted in [2, 0] {
        let changed = handle.call(|store| store.diff("contacts")).await.unwrap();
        let ids: Vec<Option<&str>> = changed.iter().map(|row| row.id.as_deref()).collect();
        assert_eq!(ids, [Some("2"), None]);
        let new = handle.write(move |write| write.note_changed(&*write.table("contacts")?, &changed)).await.unwrap();
        assert_eq!(new, noted);
    }
    assert_eq!(mirror.one("SELECT pending FROM sync_status"), "2");
}

#[tokio::test]
async fn p20_a_missing_record_that_is_read_again_is_what_it_was() {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE contacts SET city = 'Mine' WHERE id = '1'", []).unwrap();
    let marked = mirror
        .handle
        .write(|write| write.mark_missing(&*write.table("contacts")?, &["1".into(), "2".into()], at(9)))
        .await
        .unwrap();
    assert_eq!(marked.missing, 2);
    assert_eq!(mirror.one("SELECT archived || '/' || missing FROM sync_status"), "2/2");
    assert_eq!(
        mirror.one("SELECT group_concat(state || archived || coalesce(city, '-')) FROM contacts"),
        "missing1Mine,missing1-"
    );
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    assert_eq!(mirror.one("SELECT archived || '/' || missing FROM sync_status"), "0/0");
    assert_eq!(
        mirror.one("SELECT group_concat(state || archived || coalesce(city, '-')) FROM contacts"),
        "active0Mine,active0-"
    );
    assert_eq!(mirror.one("SELECT count(*) FROM sync_base_contacts WHERE missing_since IS NOT NULL"), "0");
}
