//! How a run begins and ends, whatever its first call is answered.

use super::{Installation, close};
use crate::exit::Exit;
use crate::rehearsal::Rehearsal;
use connectors::{HubSpot, Settings, Token};
use rusqlite::Connection;
use simulator::Portal;
use std::path::PathBuf;
use std::sync::Arc;
use sync_core::clock::SystemClock;
use sync_core::events::Silent;
use sync_core::steps::Unstopped;
use sync_core::store::{Applied, RunLock, Store, StoreHandle};
use sync_core::{Engine, ObjectReport, Parts, PullSettings, PushSettings, Report};

struct Installed {
    installation: Installation<Rehearsal>,
    rehearsal: Rehearsal,
    mirror: PathBuf,
    _folder: tempfile::TempDir,
}

impl Installed {
    /// An installation whose configuration names this portal, or none.
    fn naming(portal_id: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("crm.db");
        let settings = simulator::Settings { portal_id: 1, ..simulator::Settings::sized(1, 0, 0, 0) };
        let (start, portal) = (settings.start, Portal::new(settings));
        let token = Token::new(portal.token().to_owned(), "the simulated portal").unwrap();
        let rehearsal = Rehearsal::new(portal, move || start);
        let steps = Arc::new(Unstopped);
        let engine = Engine::new(Parts {
            remote: HubSpot::new(rehearsal.clone(), token, Settings::default(), Arc::new(Silent)),
            store: StoreHandle::inline(Store::open(&mirror).unwrap(), Arc::new(SystemClock), steps.clone()),
            observer: Arc::new(Silent),
            steps,
            pull: PullSettings::default(),
            push: PushSettings::default(),
        });
        let lock = RunLock::take(&mirror).unwrap();
        let portal_id = portal_id.map(str::to_owned);
        let installation = Installation { engine, mappings: Vec::new(), may_push: false, portal_id, lock };
        Self { installation, rehearsal, mirror, _folder: folder }
    }

    fn one(&self, sql: &str) -> String {
        Connection::open(&self.mirror).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_first_call_fails_is_the_last_run_all_the_same() {
    let installed = Installed::naming(None);
    assert_eq!(installed.installation.begin("pull").await.unwrap().1, 1);
    installed.rehearsal.portal().expire_token(Some(0));
    let error = installed.installation.begin("sync").await.unwrap_err();
    assert_eq!(error.exit, Exit::Authentication, "{error}");
    let last = "SELECT id || ' ' || command || ' ' || exit_code || ' ' || (finished_at IS NOT NULL) || ' ' || error
                FROM sync_runs ORDER BY id DESC LIMIT 1";
    assert_eq!(installed.one(last), format!("2 sync 4 1 {error}"));
    assert_eq!(installed.installation.lock.last_run(), Some(2));
    installed.rehearsal.portal().expire_token(None);
    assert_eq!(installed.installation.begin("sync").await.unwrap().1, 3);
}

#[tokio::test(start_paused = true)]
async fn p28_a_portal_that_only_the_configuration_names_is_told_as_such_and_nothing_is_written() {
    let installed = Installed::naming(Some("999"));
    let error = installed.installation.begin("pull").await.unwrap_err();
    let told = "the configuration names portal 999 (portal_id), and the credential belongs to portal 1.";
    assert_eq!((error.exit, error.message.as_str()), (Exit::Belt, told));
    assert_eq!(installed.one("SELECT count(*) || '' FROM sync_runs"), "0");
}

#[tokio::test(start_paused = true)]
async fn records_that_became_missing_or_were_erased_are_among_those_that_changed() {
    let installed = Installed::naming(None);
    let (_, run_id) = installed.installation.begin("pull").await.unwrap();
    let applied = Applied { inserted: 1, changed: 2, missing: 3, erased: 4, ..Applied::default() };
    let part = ObjectReport { applied, ..ObjectReport::default() };
    let report = Report { run_id, objects: [("contacts".to_owned(), part)].into(), ..Report::default() };
    close(&installed.installation.engine, &report, Exit::Done).await.unwrap();
    assert_eq!(installed.one("SELECT pulled || '' FROM sync_runs"), "10");
}
