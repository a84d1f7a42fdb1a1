//! Pairs of object types that no mapping names any more.

use super::fixture::{CONTACTS, Mirror, at};
use crate::events::Phase;
use crate::model::{Association, AssociationKind, Neighbour, RecordId};
use crate::steps::Unstopped;
use crate::store::{Pair, Walk, Write};
use std::sync::Arc;

const COMPANIES: &str = "
object: companies
table: companies
fields:
  name: name
";

fn pair() -> Pair {
    Pair { from: "contacts".to_owned(), to: "companies".to_owned() }
}

/// Fifty records, each associated with a hundred others.
fn five_thousand() -> Vec<Association> {
    let kind = AssociationKind { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279, label: None };
    let to: Vec<Neighbour> = (1..=100_u64).map(|id| Neighbour { id: RecordId::from(id), kind: kind.clone() }).collect();
    (1..=50_u64).map(|from| Association { from: RecordId::from(from), to: to.clone() }).collect()
}

/// A mirror that has read a pair in full.
async fn associated() -> Mirror {
    let mirror = Mirror::with(&[CONTACTS, COMPANIES], Arc::new(Unstopped));
    let read = mirror.handle.write(|write| {
        write.note_labels_asked(&pair())?;
        write.save_walk(&pair().name(), Phase::Associations, &Walk::new(at(0)))?;
        write.apply_associations(&pair(), &five_thousand())
    });
    assert_eq!(read.await.unwrap(), 50);
    mirror
}

/// The pairs that may be forgotten.
async fn settled(mirror: &Mirror) -> Vec<Pair> {
    mirror.handle.call(|store| store.settled_pairs()).await.unwrap()
}

/// How many rows there are, how many were agreed on, and how many hints.
fn left(mirror: &Mirror) -> [String; 3] {
    ["associations", "sync_association_base", "sync_touched"]
        .map(|table| mirror.one(&format!("SELECT count(*) FROM {table}")))
}

#[tokio::test]
async fn p35_a_long_pair_is_forgotten_in_short_transactions_without_what_people_wrote() {
    let mirror = associated().await;
    let edits = "DELETE FROM associations WHERE from_id = '7' AND to_id = '7';
                 UPDATE associations SET label = 'Mine' WHERE from_id = '8' AND to_id = '8';
                 INSERT INTO associations (from_object, from_id, to_object, to_id) VALUES ('contacts', '9', 'deals', '9')";
    mirror.person().execute_batch(edits).unwrap();
    // An update hints at where the row was and at where it is.
    let hints = left(&mirror)[2].clone();
    assert_eq!(hints, "4");
    let (mut from, mut pages) = (None::<String>, Vec::new());
    loop {
        let forgetting = move |write: &Write<'_>| write.forget_pair(&pair(), from.as_deref());
        let forgotten = mirror.handle.write(forgetting).await.unwrap();
        pages.push((forgotten.rows, forgotten.changed, forgotten.views));
        from = forgotten.next;
        if from.is_none() {
            break;
        }
    }
    let rows: u64 = pages.iter().map(|page| page.0).sum();
    let changed: u64 = pages.iter().map(|page| page.1).sum();
    assert_eq!((pages.len(), rows, changed, pages[0].2), (3, 4_998, 2, 2));
    assert!(pages.iter().all(|page| page.0 + page.1 <= 2_000), "{pages:?}");
    assert_eq!(left(&mirror), ["2".to_owned(), "0".to_owned(), hints], "and nothing of it is a person's edit");
    assert!(settled(&mirror).await.is_empty());
}

#[tokio::test]
async fn p18_a_pair_that_is_half_forgotten_is_found_again_and_would_be_read_in_full() {
    let mirror = associated().await;
    let first = mirror.handle.write(|write| write.forget_pair(&pair(), None)).await.unwrap();
    assert!(first.next.is_some());
    assert_eq!(mirror.one("SELECT count(*) FROM sync_cursors"), "0");
    assert_eq!(settled(&mirror).await, [pair()]);
    let second = mirror.handle.write(|write| write.forget_pair(&pair(), None)).await.unwrap();
    assert_eq!((second.rows, second.views), (2_000, 0));
}

#[tokio::test]
async fn p9_a_pair_of_which_something_was_sent_and_never_answered_is_not_to_be_forgotten() {
    let mirror = associated().await;
    let sent =
        "INSERT INTO sync_journal_links (run_id, operation, from_object, from_id, to_object, to_id, base, wanted,
                sent_at) VALUES (1, 'associate', 'contacts', '1', 'companies', '1', '[]', '[]', '')";
    mirror.person().execute_batch(sent).unwrap();
    assert!(settled(&mirror).await.is_empty());
    mirror.person().execute_batch("UPDATE sync_journal_links SET settled_at = ''").unwrap();
    assert_eq!(settled(&mirror).await, [pair()]);
}
