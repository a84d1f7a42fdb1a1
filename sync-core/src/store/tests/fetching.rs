//! What was never fetched is read as soon as a mapping asks for it.

use super::fixture::{CONTACTS, Mirror, at, record};
use crate::events::Phase;
use crate::steps::Unstopped;
use crate::store::{Range, Walk};
use std::sync::Arc;

const ANN: &str = r#"{"email":"ann@x.org","firstname":"Ann","city":"Oslo"}"#;

/// The mapping without a column for the city.
fn cityless() -> String {
    CONTACTS.replace("  city: city\n", "")
}

/// A mapping by which nothing is fetched but what it names.
fn lean(mapping: &str) -> String {
    format!("{mapping}\nunmapped: ignore")
}

async fn remap(mirror: &Mirror, mapping: &str) {
    mirror.remap(mapping, Arc::new(Unstopped)).await.unwrap();
}

/// A mirror that was made by a mapping and has been read in full.
async fn read_by(mapping: &str) -> Mirror {
    let mirror = Mirror::with(&[mapping], Arc::new(Unstopped));
    mirror.apply(vec![record(1, 5, ANN)]).await.unwrap();
    mirror.person().execute("UPDATE sync_objects SET backfilled = 1", []).unwrap();
    mirror
}

/// Whether the next pull is no full read.
fn is_read(mirror: &Mirror) -> bool {
    mirror.one("SELECT backfilled FROM sync_status") == "1"
}

#[tokio::test]
async fn p44_a_mapping_that_has_ceased_to_fetch_all_reads_again_when_it_names_one_property_more() {
    let mirror = read_by(&cityless()).await;
    // No column changes by that, but from now on less is fetched.
    drop(Mirror::open(&mirror.path(), &[&lean(&cityless())], Arc::new(Unstopped)).unwrap());
    assert!(is_read(&mirror));
    remap(&mirror, &lean(CONTACTS)).await;
    assert!(!is_read(&mirror));
}

#[tokio::test]
async fn p44_what_had_been_fetched_until_the_mapping_changed_is_not_read_again() {
    let mirror = read_by(&cityless()).await;
    remap(&mirror, &lean(CONTACTS)).await;
    assert_eq!(mirror.one("SELECT city FROM contacts"), "Oslo");
    assert!(is_read(&mirror));
}

#[tokio::test]
async fn p44_a_mapping_that_begins_to_fetch_all_has_everything_read_again_once() {
    let mirror = read_by(&lean(CONTACTS)).await;
    remap(&mirror, &cityless()).await;
    assert!(!is_read(&mirror), "the raw view lacks what was left out before");
    mirror.person().execute("UPDATE sync_objects SET backfilled = 1", []).unwrap();
    remap(&mirror, CONTACTS).await;
    assert!(is_read(&mirror), "what is named now has been fetched since");
}

#[tokio::test]
async fn p44_a_full_read_under_way_begins_anew_when_a_property_is_named_that_it_did_not_fetch() {
    let mirror = read_by(&lean(&cityless())).await;
    mirror
        .handle
        .write(|write| {
            let walk = Walk { position: Some("7".to_owned()), ..Walk::new(at(0)) };
            for phase in [Phase::Backfill, Phase::Archived, Phase::Fast] {
                write.save_walk("contacts", phase, &walk)?;
            }
            let left = [Range { part: 1, next: 7, until: None }];
            write.save_ranges("contacts", Phase::Backfill, walk.began, &left)
        })
        .await
        .unwrap();
    remap(&mirror, &lean(&cityless().replace("email: email", "email: mail"))).await;
    assert_eq!(mirror.one("SELECT count(*) FROM sync_cursors"), "4", "what has another name was fetched");
    remap(&mirror, &lean(CONTACTS)).await;
    assert_eq!(mirror.one("SELECT group_concat(phase) FROM sync_cursors"), "fast");
}
