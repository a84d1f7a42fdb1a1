//! Rows that may have been changed without a note are looked at, whoever finds that out and however many runs that takes.

use super::fixture::{CONTACTS, Mirror, at, record};
use crate::steps::Unstopped;
use crate::store::{Store, StoreHandle};
use std::sync::Arc;

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","city":"Oslo"}"#;

fn opened(mirror: &Mirror, mapping: &str) -> StoreHandle {
    Mirror::open(&mirror.path(), &[mapping], Arc::new(Unstopped)).unwrap()
}

/// What a run that begins now has to look at in full: contacts, associations.
async fn due(mirror: &Mirror, mapping: &str) -> [bool; 2] {
    let begun = opened(mirror, mapping);
    begun.call(|store| Ok(["contacts", "associations"].map(|object| store.was_unguarded(object)))).await.unwrap()
}

async fn look(mirror: &Mirror, object: &'static str) {
    mirror.handle.write(move |write| write.looked_in_full(object)).await.unwrap();
}

/// A mirror in which everything has been looked at.
async fn looked_at() -> Mirror {
    let mirror = Mirror::new();
    mirror.apply(vec![record(1, 5, ANN), record(2, 5, ANN)]).await.unwrap();
    look(&mirror, "associations").await;
    assert_eq!(due(&mirror, CONTACTS).await, [false, false]);
    mirror
}

#[tokio::test]
async fn p30_triggers_that_one_run_puts_back_make_a_later_one_look_at_every_row() {
    let mirror = looked_at().await;
    let harm = "DROP TRIGGER sync_contacts_update; DROP TRIGGER sync_associations_DELETE";
    mirror.person().execute_batch(harm).unwrap();
    let put_back = opened(&mirror, CONTACTS).call(|store| Ok(store.triggers_put_back("contacts"))).await.unwrap();
    assert!(put_back);
    let put_back = opened(&mirror, CONTACTS).call(|store| Ok(store.triggers_put_back("contacts"))).await.unwrap();
    assert!(!put_back, "they are there");
    assert_eq!(due(&mirror, CONTACTS).await, [true, true], "and nobody has looked");
    look(&mirror, "contacts").await;
    assert_eq!(due(&mirror, CONTACTS).await, [false, true]);
    look(&mirror, "associations").await;
    assert_eq!(due(&mirror, CONTACTS).await, [false, false]);
}

#[tokio::test]
async fn p30_a_look_that_falls_due_stays_due_for_each_table_until_it_was_taken() {
    for why in ["a day has passed", "the mirror was restored", "the guard was open"] {
        let mirror = looked_at().await;
        match why {
            "a day has passed" => mirror.handle.write(|write| write.save_metadata_read_at(at(0))).await.unwrap(),
            "the mirror was restored" => {
                let runs =
                    mirror.handle.write(|write| Ok([write.begin_run("a", None)?, write.begin_run("b", Some(9))?]));
                assert_eq!(runs.await.unwrap(), [1, 10]);
            }
            _ => Store::close_guard(&mirror.path()).unwrap(),
        }
        assert_eq!(due(&mirror, CONTACTS).await, [true, true], "{why}");
        look(&mirror, "contacts").await;
        assert_eq!(due(&mirror, CONTACTS).await, [false, true], "{why}");
    }
}

#[tokio::test]
async fn p30_triggers_that_are_gone_while_a_mapping_changes_are_put_back_before_a_column_is_filled() {
    let mirror = looked_at().await;
    let harm = "DROP TRIGGER sync_contacts_update; UPDATE contacts SET city = 'Bergen' WHERE id = '1'";
    mirror.person().execute_batch(harm).unwrap();
    let changed = CONTACTS.replace("firstname: first_name", "firstname: given_name");
    let handle = opened(&mirror, &changed);
    let table = handle.call(|store| store.changed_mappings()).await.unwrap().remove(0);
    let filling = Arc::clone(&table);
    assert_eq!(handle.write(move |write| write.reproject_some(&filling)).await.unwrap(), 2);
    // Somebody goes on in the old columns, whose rows have been carried over already.
    mirror.person().execute("UPDATE contacts SET first_name = 'Ben' WHERE id = '2'", []).unwrap();
    handle.write(move |write| write.swap_columns(&table)).await.unwrap();
    assert_eq!(mirror.one("SELECT given_name FROM contacts WHERE id = '2'"), "Ben");
    assert_eq!(due(&mirror, &changed).await, [true, false], "what was edited before is still to be found");
    let found = opened(&mirror, &changed).call(|store| store.diff("contacts")).await.unwrap();
    let ids: Vec<Option<&str>> = found.iter().map(|row| row.id.as_deref()).collect();
    assert_eq!(ids, [Some("1"), Some("2")]);
}
