//! A portal, a mirror, a clock: everything one simulated installation is made of, and one run of the engine on it.

use connectors::auth::Token;
use connectors::http::{Request, Response, Transport, TransportError};
use connectors::hubspot::{HubSpot, Settings};
use crmsync::rehearsal::Rehearsal;
use mappings::Mapping;
use simulator::Portal;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use sync_core::clock::Clock;
use sync_core::error::RunError;
use sync_core::events::Silent;
use sync_core::model::Timestamp;
use sync_core::steps::Steps;
use sync_core::store::{RunLock, RunTotals, Store, StoreError, StoreHandle};
use sync_core::{Engine, Parts, PullSettings, Report};
use tokio::time::Instant;

/// The object types that are mirrored.
pub(super) const OBJECTS: [&str; 4] = ["contacts", "companies", "deals", "tickets"];

/// Runs `work` on a thread of its own time: nothing waits, and every sleep is over at once.
pub(super) fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) rehearsal: Rehearsal,
    pub(super) folder: tempfile::TempDir,
    pub(super) mappings: Vec<Mapping>,
    trace: Arc<Mutex<DefaultHasher>>,
    clock: Arc<dyn Clock>,
    token: String,
}

/// The portal's clock also tells the local time: nothing may depend on the difference.
struct Shared(i64, Instant);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0).plus(self.1.elapsed())
    }
}

/// Stops the engine at the n-th step it passes, and at every later one: the process is dead.
struct StopAt(AtomicUsize);

impl Steps for StopAt {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        let left = self.0.load(Ordering::SeqCst);
        if left <= 1 {
            return Err(name);
        }
        self.0.store(left - 1, Ordering::SeqCst);
        Ok(())
    }
}

/// The transport, with everything that passes noted in the trace.
struct Traced {
    rehearsal: Rehearsal,
    trace: Arc<Mutex<DefaultHasher>>,
}

impl Transport for Traced {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let asked = (request.method.as_str(), request.path.clone(), request.body.clone());
        (asked, self.rehearsal.now()).hash(&mut *self.trace.lock().unwrap());
        let answer = self.rehearsal.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        (status, self.rehearsal.now()).hash(&mut *self.trace.lock().unwrap());
        answer
    }
}

impl World {
    pub(super) fn new(settings: simulator::Settings) -> Self {
        let (start, origin, seed) = (settings.start, Instant::now(), settings.seed);
        let portal = Portal::new(settings);
        let token = portal.token().to_owned();
        let since = move || i64::try_from(origin.elapsed().as_millis()).unwrap();
        Self {
            seed,
            rehearsal: Rehearsal::new(portal, move || start + since()),
            folder: tempfile::tempdir().unwrap(),
            mappings: OBJECTS.iter().map(|object| Mapping::built_in(object).unwrap()).collect(),
            trace: Arc::new(Mutex::new(DefaultHasher::new())),
            clock: Arc::new(Shared(start, origin)),
            token,
        }
    }

    pub(super) fn mirror(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A connection of somebody who uses the mirror.
    pub(super) fn person(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.mirror()).unwrap()
    }

    /// One value, as an integer.
    pub(super) fn count(&self, sql: &str) -> i64 {
        self.person().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// One `pull`, as the command does it; killed at its `stop_at`-th step.
    pub(super) async fn pull(&self, stop_at: Option<usize>) -> Result<Report, RunError> {
        let _lock = RunLock::take(&self.mirror()).expect("one run at a time");
        let steps: Arc<dyn Steps> = Arc::new(StopAt(AtomicUsize::new(stop_at.unwrap_or(usize::MAX))));
        let store = Store::open(&self.mirror())?;
        let engine = self.engine(StoreHandle::inline(store, Arc::clone(&self.clock), Arc::clone(&steps)), steps);
        let (account, run) = engine.begin_run("pull", None).await?;
        let mut report = engine.pull(account.server_time, &self.mappings, &[]).await;
        report.run_id = run;
        if !report.errors().any(stopped) {
            let totals = RunTotals { pulled: report.totals().changed, ..RunTotals::default() };
            engine.end_run(totals).await?;
        }
        Ok(report)
    }

    fn engine(&self, store: StoreHandle, steps: Arc<dyn Steps>) -> Engine<HubSpot<Traced>> {
        let transport = Traced { rehearsal: self.rehearsal.clone(), trace: Arc::clone(&self.trace) };
        let settings = Settings { jitter_seed: self.seed, ..Settings::default() };
        let token = Token::new(self.token.clone(), "the simulated portal").unwrap();
        let remote = HubSpot::new(transport, token, settings, Arc::new(Silent)).with_clock(Arc::clone(&self.clock));
        let pull = PullSettings::default();
        Engine::new(Parts { remote, store, observer: Arc::new(Silent), steps, pull })
    }

    /// A pull that must succeed, with everything in it.
    pub(super) async fn pull_well(&self) -> Result<Report, String> {
        let report = self.pull(None).await.map_err(|error| format!("the run failed: {error}"))?;
        if let Some(error) = report.errors().next() {
            return Err(format!("the run failed: {error}"));
        }
        if let Some((object, part)) = report.objects.iter().find(|(_, part)| part.skipped.is_some()) {
            return Err(format!("{object} was skipped: {:?}", part.skipped));
        }
        Ok(report)
    }

    /// Everything that went over the wire so far, as one number.
    pub(super) fn trace(&self) -> u64 {
        self.trace.lock().unwrap().finish()
    }

    /// Every row the engine is responsible for, as one number.
    pub(super) fn contents(&self) -> u64 {
        let person = self.person();
        let mut hasher = DefaultHasher::new();
        let mut names: Vec<String> =
            ["associations", "sync_association_base", "sync_conflicts", "sync_objects", "owners"]
                .map(str::to_owned)
                .to_vec();
        names.extend(OBJECTS.iter().flat_map(|object| [(*object).to_owned(), format!("sync_base_{object}")]));
        for name in names {
            let mut statement = person.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2, 3, 4")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let skipped = name == "sync_objects" && column >= 5;
                    if !skipped {
                        format!("{:?}", row.get_ref(column).unwrap()).hash(&mut hasher);
                    }
                }
            }
        }
        hasher.finish()
    }
}

/// Whether an error is a kill that the test planned.
pub(super) fn stopped(error: &RunError) -> bool {
    matches!(error, RunError::Stopped(_) | RunError::Store(StoreError::Stopped(_)))
}
