//! What the demo plays on: a simulated portal, a clock that the demo moves, and the mirror's file.

use crate::commands::Context;
use crate::exit::CommandError;
use crate::installation::Installation;
use crate::rehearsal::Rehearsal;
use connectors::{HubSpot, Settings, Token};
use mappings::Mapping;
use rusqlite::Connection;
use simulator::{CallLog, DataSize, Lag, Portal, RecordView, Switches, Tier};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use sync_core::clock::Clock;
use sync_core::events::Observer;
use sync_core::model::Timestamp;
use sync_core::steps::Unstopped;
use sync_core::store::{RunLock, Store, StoreError, StoreHandle};
use sync_core::{Engine, Parts, PullSettings, PushSettings};

/// The demo's account, and no other simulator's: the mark by which a mirror is known to be the demo's own.
pub(super) const ACCOUNT: u64 = 20_261_005;
/// Where the story begins: 2026-10-05T12:00:00Z.
const START: i64 = 1_791_201_600_000;

/// The demo's own time: real seconds, and the minutes that it skips.
#[derive(Clone)]
pub(super) struct MovedClock {
    began: Instant,
    skipped: Arc<AtomicI64>,
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + self.skipped.load(Ordering::SeqCst)).plus(self.began.elapsed())
    }
}

/// Everything the demo plays with.
pub(super) struct Stage {
    pub(super) clock: MovedClock,
    pub(super) mirror: PathBuf,
    pub(super) mappings: Vec<Mapping>,
    rehearsal: Rehearsal,
    token: String,
}

impl Stage {
    /// A portal full of data, and no mirror yet.
    pub(super) fn new(mirror: PathBuf) -> Self {
        let clock = MovedClock { began: Instant::now(), skipped: Arc::default() };
        let portal = Portal::new(simulator::Settings {
            portal_id: ACCOUNT,
            start: START,
            tier: Tier::Unlimited,
            latency: Duration::ZERO,
            data: DataSize::default(),
            // Minutes later search shows every change; what it shows an hour late would make a longer story.
            switches: Switches { lag: Lag { tail_rate: 0.0, ..Lag::default() }, ..Switches::default() },
            ..simulator::Settings::default()
        });
        let token = portal.token().to_owned();
        let time = clock.clone();
        Self {
            rehearsal: Rehearsal::new(portal, move || time.now().millis()),
            clock,
            mirror,
            mappings: Mapping::main_built_ins(),
            token,
        }
    }

    /// Opens mirror and portal for one command, as an installation with writing switched on.
    pub(super) fn installation(&self, context: &Context) -> Result<Installation<Rehearsal>, CommandError> {
        let lock = RunLock::take(&self.mirror)?;
        let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
        let token = Token::new(self.token.clone(), "the simulated portal")
            .map_err(|error| CommandError::internal(error.to_string()))?;
        // A portal without limits is not to be rationed.
        let settings =
            Settings { window_requests: Some(1_000_000), search_per_second: Some(10_000), ..Settings::default() };
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let remote =
            HubSpot::new(self.rehearsal.clone(), token, settings, Arc::clone(&observer)).with_clock(Arc::clone(&clock));
        let steps = Arc::new(Unstopped);
        let store = StoreHandle::on_thread(Store::open(&self.mirror)?, clock, steps.clone());
        let engine = Engine::new(Parts {
            remote,
            store,
            observer,
            steps,
            pull: PullSettings::default(),
            push: PushSettings::default(),
        });
        let mappings = self.mappings.clone();
        Ok(Installation { engine, mappings, may_push: true, portal_id: None, lock })
    }

    /// The mirror, as any program opens it.
    pub(super) fn sqlite(&self) -> Result<Connection, CommandError> {
        let connection = Connection::open(&self.mirror).map_err(StoreError::from)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(StoreError::from)?;
        Ok(connection)
    }

    /// Time passes.
    pub(super) fn wait(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.clock.skipped.fetch_add(millis, Ordering::SeqCst);
    }

    /// Somebody edits a contact in the CRM.
    pub(super) fn edit(&self, id: u64, property: &str, value: &str) -> Result<(), CommandError> {
        let now = self.rehearsal.now();
        self.rehearsal
            .portal()
            .edit(now, "contacts", id, &[(property, value)])
            .map_err(|error| CommandError::internal(format!("the simulated portal refused an edit: {error}.")))
    }

    /// A contact as it is in the CRM, without asking by a call.
    pub(super) fn contact(&self, id: u64) -> Result<RecordView, CommandError> {
        let found = self.rehearsal.portal().record("contacts", id);
        found.ok_or_else(|| CommandError::internal(format!("the simulated portal has no contact {id}.")))
    }

    /// How many records of a type the CRM shows.
    pub(super) fn active(&self, object: &str) -> usize {
        self.rehearsal.portal().active_ids(object).len()
    }

    /// The calls that the CRM has heard so far.
    pub(super) fn calls(&self) -> CallLog {
        self.rehearsal.portal().calls().clone()
    }
}
