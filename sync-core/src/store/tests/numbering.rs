//! The number of a run is noted outside the mirror only when the mirror has it for certain: one that the mirror has
//! forgotten would look like that of a copy from before.

use super::fixture::Mirror;
use crate::engine::{Engine, Parts, PullSettings};
use crate::error::{RemoteError, RemoteErrorKind};
use crate::events::Silent;
use crate::model::{Association, AssociationLabel, ObjectType, Owner, Pipeline, PropertyVersions, Record, RecordId};
use crate::push::PushSettings;
use crate::remote::{
    Account, ChangedPage, ChangedQuery, IdRange, Landmark, Outcome, Pace, Page, PairLabels, Remote, SoleLabel,
    WriteInput, Writing, WrittenRecord,
};
use crate::steps::Unstopped;
use crate::store::RunLock;
use mappings::PropertySchema;
use std::sync::Arc;

/// A CRM that nobody reaches.
struct Away;

type Answer<T> = Result<T, RemoteError>;

fn away<T>() -> Answer<T> {
    Err(RemoteError {
        kind: RemoteErrorKind::Unavailable,
        message: "nobody is there".to_owned(),
        remedy: String::new(),
        correlation_id: None,
        status: None,
    })
}

impl Remote for Away {
    async fn account(&self) -> Answer<Account> {
        away()
    }

    async fn object_types(&self) -> Answer<Vec<ObjectType>> {
        away()
    }

    async fn properties(&self, _: &str) -> Answer<Vec<PropertySchema>> {
        away()
    }

    async fn owners(&self) -> Answer<Vec<Owner>> {
        away()
    }

    async fn pipelines(&self, _: &str) -> Answer<Vec<Pipeline>> {
        away()
    }

    async fn association_labels(&self, _: &str, _: &str) -> Answer<Vec<AssociationLabel>> {
        away()
    }

    fn sole_label(&self, _: &str, _: &str) -> Option<SoleLabel> {
        None
    }

    async fn count(&self, _: &str) -> Answer<u64> {
        away()
    }

    async fn list(&self, _: &str, _: bool, _: Option<&str>, _: &[String]) -> Answer<Page> {
        away()
    }

    fn pace(&self, _: &str, _: &[String]) -> Pace {
        Pace { listed: 1.0, searched: None }
    }

    async fn landmark(&self, _: &str, _: &IdRange, _: u64) -> Answer<Landmark> {
        away()
    }

    async fn within(&self, _: &str, _: &IdRange, _: &[String]) -> Answer<ChangedPage> {
        away()
    }

    async fn changed(&self, _: &str, _: &ChangedQuery, _: &[String]) -> Answer<ChangedPage> {
        away()
    }

    async fn read(&self, _: &str, _: &[RecordId], _: bool, _: &[String]) -> Answer<Vec<Record>> {
        away()
    }

    async fn associations(&self, _: &str, _: &str, _: &[RecordId]) -> Answer<Vec<Association>> {
        away()
    }

    async fn read_by(&self, _: &str, _: &str, _: &[String], _: &[String]) -> Answer<Vec<Record>> {
        away()
    }

    fn batch_size(&self) -> usize {
        1
    }

    async fn write(&self, _: &str, _: Writing<'_>, _: &[WriteInput]) -> Answer<Vec<Outcome<WrittenRecord>>> {
        away()
    }

    async fn relabel(&self, _: &str, _: &str, _: &[PairLabels]) -> Answer<Vec<Outcome<()>>> {
        away()
    }

    async fn unlink(&self, _: &str, _: &str, _: &[(RecordId, RecordId)]) -> Answer<Vec<Outcome<()>>> {
        away()
    }

    async fn versions(&self, _: &str, _: &[RecordId], _: &[String]) -> Answer<Vec<PropertyVersions>> {
        away()
    }
}

/// What SQLite calls a commit that may still be on its way to the disk, and one that is there.
const NORMAL: i64 = 1;
const FULL: i64 = 2;

/// How the last transaction of the engine was committed.
async fn committed(mirror: &Mirror) -> i64 {
    let ask = "PRAGMA synchronous";
    mirror.handle.call(move |store| Ok(store.connection.query_row(ask, [], |row| row.get(0))?)).await.unwrap()
}

#[tokio::test]
async fn p36_the_row_of_a_run_is_on_the_disk_before_its_number_is_noted_outside() {
    let mirror = Mirror::new();
    let lock = RunLock::take(&mirror.path()).unwrap();
    let engine = Engine::new(Parts {
        remote: Away,
        store: mirror.handle.clone(),
        observer: Arc::new(Silent),
        steps: Arc::new(Unstopped),
        pull: PullSettings::default(),
        push: PushSettings::default(),
    });
    mirror.apply(Vec::new()).await.unwrap();
    assert_eq!((lock.last_run(), committed(&mirror).await), (None, NORMAL));
    let run = engine.begin_local_run("test", &lock).await.unwrap();
    assert_eq!((lock.last_run(), committed(&mirror).await), (Some(run), FULL));
}
