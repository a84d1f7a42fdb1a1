//! A record that is erased takes everything with it that the mirror knows of it, and nothing of any other.

use super::fixture::{Mirror, at, record};
use crate::store::Gone;

/// Five records. The third went into the second and that into the first, which is missing; the fifth went into the
/// fourth.
async fn merged() -> Mirror {
    let mirror = Mirror::new();
    let one = |id: u64| record(id, 5, &format!(r#"{{"email":"{id}@x.org","city":"Oslo"}}"#));
    mirror.apply((1..=5).map(one).collect()).await.unwrap();
    mirror
        .handle
        .write(|write| {
            let table = write.table("contacts")?;
            for (id, survivor) in [("3", "2"), ("2", "1"), ("5", "4")] {
                write.merged_into(&table, &id.into(), &survivor.into())?;
            }
            write.mark_missing(&table, &["1".into()], at(9))
        })
        .await
        .unwrap();
    mirror
}

async fn erase(mirror: &Mirror) -> Gone {
    mirror.handle.write(|write| write.erase_missing(&*write.table("contacts")?, &["1".into()])).await.unwrap()
}

const TALLIES: &str = "SELECT rows || '/' || archived || '/' || missing FROM sync_status";

#[tokio::test]
async fn p20_an_erased_record_takes_with_it_what_was_merged_into_it_and_what_was_sent_of_either() {
    let mirror = merged().await;
    assert_eq!(mirror.one(TALLIES), "5/4/1");
    mirror
        .person()
        .execute_batch(
            "INSERT INTO sync_journal (run_id, object, operation, trace, row_handle, uid, record_id, properties,
                 seen_at, sent_at, settled_at)
             VALUES (1, 'contacts', 'update', 'of the record', 1, 'r1', '1', '{}', 0, 't', 't'),
                    (1, 'contacts', 'update', 'of one merged into it', 3, 'r3', '3', '{}', 0, 't', 't'),
                    (1, 'contacts', 'create', 'of a row without a record yet', 2, 'r2', NULL, '{}', 0, 't', 't'),
                    (1, 'contacts', 'update', 'unanswered', 1, 'r1', '1', '{}', 0, 't', NULL),
                    (1, 'contacts', 'update', 'of another record', 4, 'r4', '4', '{}', 0, 't', 't'),
                    (1, 'companies', 'update', 'of another type', 1, 'r1', '1', '{}', 0, 't', 't');
             INSERT INTO sync_journal_links (run_id, operation, from_object, from_id, to_object, to_id, base, wanted,
                 sent_at, settled_at)
             VALUES (1, 'associate', 'contacts', '2', 'companies', '7', '[]', '[]', 't', 't'),
                    (1, 'associate', 'companies', '7', 'contacts', '3', '[]', '[]', 't', 't'),
                    (1, 'associate', 'contacts', '4', 'companies', '1', '[]', '[]', 't', 't')",
        )
        .unwrap();
    assert_eq!(erase(&mirror).await, Gone { erased: 1, edited: 0 });
    for table in ["contacts", "sync_base_contacts"] {
        assert_eq!(mirror.one(&format!("SELECT group_concat(id) FROM (SELECT id FROM {table} ORDER BY id)")), "4,5");
    }
    assert_eq!(mirror.one(TALLIES), "2/1/0");
    let kept = "SELECT group_concat(trace) FROM (SELECT trace FROM sync_journal ORDER BY id)";
    assert_eq!(mirror.one(kept), "unanswered,of another record,of another type");
    assert_eq!(mirror.one("SELECT group_concat(from_id) FROM sync_journal_links"), "4");
    assert_eq!(mirror.one("SELECT count(*) FROM sync_history WHERE record_id IN ('1', '2', '3')"), "0");
}

#[tokio::test]
async fn p20_an_edit_that_nobody_has_decided_about_keeps_all_that_belongs_together() {
    let mirror = merged().await;
    mirror.person().execute("UPDATE contacts SET city = 'Mine' WHERE id = '3'", []).unwrap();
    assert_eq!(erase(&mirror).await, Gone { erased: 0, edited: 1 });
    assert_eq!(mirror.one(TALLIES), "5/4/1");
    assert_eq!(mirror.one("SELECT count(*) FROM contacts"), "5");
    mirror.person().execute("UPDATE contacts SET city = 'Oslo' WHERE id = '3'", []).unwrap();
    assert_eq!(erase(&mirror).await, Gone { erased: 1, edited: 0 });
    assert_eq!(mirror.one(TALLIES), "2/1/0");
}
