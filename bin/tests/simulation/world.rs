//! A portal, a mirror, a clock: everything one simulated installation is made of, and one run of the engine on it.

use super::calls::{Calls, Wire};
use connectors::auth::Token;
use connectors::hubspot::{HubSpot, Settings};
use crmsync::rehearsal::Rehearsal;
use mappings::Mapping;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use simulator::Portal;
use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use sync_core::clock::Clock;
use sync_core::error::RunError;
use sync_core::events::Silent;
use sync_core::model::Timestamp;
use sync_core::steps::Steps;
use sync_core::store::{RunLock, RunTotals, Store, StoreError, StoreHandle};
use sync_core::{Engine, Parts, PullSettings, PushSettings, Report};
use tokio::time::Instant;

/// The object types that are mirrored.
pub(super) const OBJECTS: [&str; 4] = ["contacts", "companies", "deals", "tickets"];

/// Runs `work` on a thread of its own time: nothing waits, and every sleep is over at once.
pub(super) fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

pub(super) struct World {
    pub(super) rehearsal: Rehearsal,
    pub(super) folder: tempfile::TempDir,
    /// What is mirrored: the built-in mappings, unless a test chooses others.
    pub(super) mappings: Vec<Mapping>,
    /// How the connector talks to the portal.
    pub(super) connector: Settings,
    /// How the engine pulls.
    pub(super) pulling: PullSettings,
    /// How it pushes.
    pub(super) pushing: PushSettings,
    /// How many pages the mirror may have, if the disk is nearly full.
    pub(super) room: Option<u32>,
    /// Whether nobody puts another file in the mirror's place, so that one connection may be kept for all questions.
    pub(super) stays_in_place: bool,
    reader: OnceCell<Rc<Connection>>,
    wire: Wire,
    steps: Arc<Recorder>,
    clock: Arc<dyn Clock>,
    token: String,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Pull,
    Push,
    Sync,
    /// Undoes this run, with what it created if the second is true.
    Undo(i64, bool),
}

/// The portal's clock also tells the local time: nothing may depend on the difference.
struct Shared(i64, Instant);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0).plus(self.1.elapsed())
    }
}

/// A clock that shows later times than another one.
struct Ahead(Arc<dyn Clock>, i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().millis() + self.1)
    }
}

/// Writes down every step, and stops the engine at the n-th one and at every later one: the process is dead. Calls
/// whoever a test wants to be called at a step.
#[derive(Default)]
struct Recorder(Mutex<(Vec<&'static str>, Option<usize>)>, Mutex<Option<Witness>>);

type Witness = (&'static str, Box<dyn FnMut() + Send>);

impl Recorder {
    fn begin(&self, stop_at: Option<usize>) {
        *self.0.lock().unwrap() = (Vec::new(), stop_at);
    }
}

impl Steps for Recorder {
    fn pass(&self, name: &'static str) -> Result<(), &'static str> {
        if let Some((_, witness)) = self.1.lock().unwrap().as_mut().filter(|(step, _)| *step == name) {
            witness();
        }
        let mut recorded = self.0.lock().unwrap();
        recorded.0.push(name);
        match recorded.1 {
            Some(last) if recorded.0.len() >= last => Err(name),
            _ => Ok(()),
        }
    }
}

impl World {
    pub(super) fn new(settings: simulator::Settings) -> Self {
        let (start, origin, seed) = (settings.start, Instant::now(), settings.seed);
        let portal = Portal::new(settings);
        let token = portal.token().to_owned();
        let since = move || i64::try_from(origin.elapsed().as_millis()).unwrap();
        let rehearsal = Rehearsal::new(portal, move || start + since());
        Self {
            wire: Wire::new(rehearsal.clone()),
            rehearsal,
            folder: tempfile::tempdir().unwrap(),
            mappings: OBJECTS.iter().map(|object| Mapping::built_in(object).unwrap()).collect(),
            connector: Settings { jitter_seed: seed, ..Settings::default() },
            pulling: PullSettings::default(),
            pushing: PushSettings::default(),
            room: None,
            stays_in_place: false,
            reader: OnceCell::new(),
            steps: Arc::default(),
            clock: Arc::new(Shared(start, origin)),
            token,
        }
    }

    /// Mirrors only these object types.
    pub(super) fn mirroring(mut self, objects: &[&str]) -> Self {
        self.mappings.retain(|mapping| objects.contains(&mapping.object.as_str()));
        self
    }

    /// Goes on with a copy of another world's mirror, whose portal must be the same.
    pub(super) fn with_mirror_of(self, other: &Self) -> Self {
        std::fs::copy(other.mirror(), self.mirror()).unwrap();
        self
    }

    /// The clock of the machine is so many milliseconds ahead of the portal's, from now on.
    pub(super) fn runs_ahead(&mut self, millis: i64) {
        self.clock = Arc::new(Ahead(Arc::clone(&self.clock), millis));
    }

    /// Calls `witness` after every commit from now on.
    pub(super) fn at_each_commit(&self, witness: impl FnMut() + Send + 'static) {
        self.at_each("store.committed", witness);
    }

    /// Calls `act` whenever the engine passes a step, from now on.
    pub(super) fn at_each(&self, step: &'static str, act: impl FnMut() + Send + 'static) {
        *self.steps.1.lock().unwrap() = Some((step, Box::new(act)));
    }

    pub(super) fn mirror(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A connection of somebody who uses the mirror.
    pub(super) fn person(&self) -> Connection {
        Connection::open(self.mirror()).unwrap()
    }

    /// A connection that is only read from: opening one costs more than most questions.
    pub(super) fn reader(&self) -> Rc<Connection> {
        match self.stays_in_place {
            true => Rc::clone(self.reader.get_or_init(|| Rc::new(self.person()))),
            false => Rc::new(self.person()),
        }
    }

    /// One value, as an integer.
    pub(super) fn count(&self, sql: &str) -> i64 {
        self.reader().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// One `pull`, as the command does it; killed at its `stop_at`-th step.
    pub(super) async fn pull(&self, stop_at: Option<usize>) -> Result<Report, RunError> {
        self.run(Command::Pull, stop_at).await
    }

    /// One run of a command, killed at its `stop_at`-th step.
    pub(super) async fn run(&self, command: Command, stop_at: Option<usize>) -> Result<Report, RunError> {
        let lock = RunLock::take(&self.mirror()).unwrap();
        self.steps.begin(stop_at);
        let steps: Arc<dyn Steps> = Arc::clone(&self.steps) as _;
        let store = match self.room {
            Some(pages) => Store::open_with_room(&self.mirror(), pages)?,
            None => Store::open(&self.mirror())?,
        };
        let engine = self.engine(StoreHandle::inline(store, Arc::clone(&self.clock), Arc::clone(&steps)), steps);
        let (account, run) = engine.begin_run("run", None, &lock).await?;
        let (now, mappings) = (account.server_time, &self.mappings);
        let mut report = match command {
            Command::Pull => engine.pull(now, mappings, &[]).await,
            Command::Push => engine.push(now, mappings, &[]).await,
            Command::Sync => engine.sync(now, mappings, &[]).await,
            Command::Undo(run, created) => engine.undo(now, mappings, run, created).await.1,
        };
        report.run_id = run;
        if !report.errors().any(stopped) {
            let totals = RunTotals { pulled: report.totals().changed, ..RunTotals::default() };
            engine.end_run(totals).await?;
        }
        Ok(report)
    }

    /// What a person does to the mirror by a command that makes no call.
    pub(super) async fn decide<T>(
        &self,
        work: impl AsyncFnOnce(&Engine<HubSpot<Wire>>, &[Mapping]) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        self.decide_until(None, work).await
    }

    /// The same, killed at its `stop_at`-th step.
    pub(super) async fn decide_until<T>(
        &self,
        stop_at: Option<usize>,
        work: impl AsyncFnOnce(&Engine<HubSpot<Wire>>, &[Mapping]) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let lock = RunLock::take(&self.mirror()).unwrap();
        self.steps.begin(stop_at);
        let steps: Arc<dyn Steps> = Arc::clone(&self.steps) as _;
        let store = Store::open(&self.mirror())?;
        let engine = self.engine(StoreHandle::inline(store, Arc::clone(&self.clock), Arc::clone(&steps)), steps);
        engine.begin_local_run("decide", &lock).await?;
        work(&engine, &self.mappings).await
    }

    fn engine(&self, store: StoreHandle, steps: Arc<dyn Steps>) -> Engine<HubSpot<Wire>> {
        let token = Token::new(self.token.clone(), "the simulated portal").unwrap();
        let (wire, settings) = (self.wire.clone(), self.connector.clone());
        let remote = HubSpot::new(wire, token, settings, Arc::new(Silent)).with_clock(Arc::clone(&self.clock));
        let pull = self.pulling.clone();
        Engine::new(Parts { remote, store, observer: Arc::new(Silent), steps, pull, push: self.pushing.clone() })
    }

    /// A pull that must succeed, with everything in it.
    pub(super) async fn pull_well(&self) -> Result<Report, String> {
        self.run_well(Command::Pull).await
    }

    /// A run that must succeed, with everything in it.
    pub(super) async fn run_well(&self, command: Command) -> Result<Report, String> {
        let report = self.run(command, None).await.map_err(|error| format!("the run failed: {error}"))?;
        if let Some(error) = report.errors().next() {
            return Err(format!("the run failed: {error}"));
        }
        if let Some((object, part)) = report.objects.iter().find(|(_, part)| part.skipped.is_some()) {
            return Err(format!("{object} was skipped: {:?}", part.skipped));
        }
        Ok(report)
    }

    /// Whether every object type was swept by a sweep that began at or after `time`.
    pub(super) fn swept_since(&self, time: i64) -> bool {
        let swept = "SELECT count(*) FROM sync_objects WHERE swept_at >= ?1 / 1000 * 1000";
        let count: i64 = self.reader().query_row(swept, [time], |row| row.get(0)).unwrap();
        usize::try_from(count) == Ok(self.mappings.len())
    }

    /// Everything that went over the wire so far, as one number.
    pub(super) fn trace(&self) -> u64 {
        self.wire.trace()
    }

    /// The calls since this was last asked.
    pub(super) fn calls(&self) -> Calls {
        self.wire.take()
    }

    /// The steps that the last run passed, the one included at which it was killed.
    pub(super) fn steps(&self) -> Vec<&'static str> {
        self.steps.0.lock().unwrap().0.clone()
    }

    /// Every row the engine is responsible for, as one number.
    pub(super) fn contents(&self) -> u64 {
        let person = self.person();
        let mut hasher = DefaultHasher::new();
        let mut names: Vec<String> =
            ["associations", "sync_association_base", "sync_conflicts", "sync_objects", "owners"]
                .map(str::to_owned)
                .to_vec();
        let tables = self.mappings.iter().map(|mapping| &mapping.table);
        names.extend(tables.flat_map(|table| [table.clone(), format!("sync_base_{table}")]));
        for name in names {
            let mut statement = person.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2, 3, 4")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let skipped = name == "sync_objects" && column >= 5;
                    if !skipped {
                        hash_cell(row.get_ref(column).unwrap(), &mut hasher);
                    }
                }
            }
        }
        hasher.finish()
    }
}

/// The kind of a value and its bytes.
fn hash_cell(cell: ValueRef<'_>, hasher: &mut DefaultHasher) {
    std::mem::discriminant(&cell).hash(hasher);
    match cell {
        ValueRef::Null => {}
        ValueRef::Integer(number) => number.hash(hasher),
        ValueRef::Real(number) => number.to_bits().hash(hasher),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(hasher),
    }
}

/// Whether an error is a kill that the test planned.
pub(super) fn stopped(error: &RunError) -> bool {
    matches!(error, RunError::Stopped(_) | RunError::Store(StoreError::Stopped(_)))
}
