//! The engine's parts, put together.

use crate::error::RunError;
use crate::events::{Event, Observer, Phase};
use crate::plan::belts::Belt;
use crate::pull::{Crowd, Lanes};
use crate::push::{PushSettings, Scope};
use crate::remote::Remote;
use crate::steps::Steps;
use crate::store::{Pair, StoreHandle};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// How pulling behaves. All spans are measured on the remote's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct PullSettings {
    /// How far the settled pass trails, because a search index lags.
    pub settle: Duration,
    /// How often the archived list is walked.
    pub archived_every: Duration,
    /// How often everything is swept.
    pub sweep_every: Duration,
    /// How long one run may sweep; the next one goes on.
    pub sweep_slice: Duration,
    /// How long a record that no read returns is kept.
    pub purge_missing: Duration,
    /// How long what runs logged is kept.
    pub keep_log: Duration,
    /// How many records may vanish at once.
    pub max_vanished: Belt,
    /// How many a person lets vanish in this run, whatever the belt says.
    pub allow_vanished: Option<u64>,
    /// How often properties, owners, pipelines and labels are read again.
    pub metadata_every: Duration,
    /// How the first full read is divided.
    pub lanes: Lanes,
}

impl Default for PullSettings {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(3600),
            archived_every: Duration::from_secs(3600),
            sweep_every: Duration::from_secs(24 * 3600),
            sweep_slice: Duration::from_secs(60),
            purge_missing: Duration::from_secs(30 * 24 * 3600),
            keep_log: Duration::from_secs(90 * 24 * 3600),
            max_vanished: Belt { percent: 2.0, at_least: 100 },
            allow_vanished: None,
            metadata_every: Duration::from_secs(24 * 3600),
            lanes: Lanes::default(),
        }
    }
}

/// What an engine is made of.
pub struct Parts<R> {
    /// The CRM.
    pub remote: R,
    /// The mirror.
    pub store: StoreHandle,
    /// Who hears what the engine says.
    pub observer: Arc<dyn Observer>,
    /// Where a test may stop it.
    pub steps: Arc<dyn Steps>,
    /// How pulling behaves.
    pub pull: PullSettings,
    /// How pushing behaves.
    pub push: PushSettings,
}

/// Keeps one portal and one mirror in step.
pub struct Engine<R> {
    parts: Arc<Parts<R>>,
    pairs: Arc<Mutex<PairLocks>>,
    crowd: Crowd,
    scope: Arc<Scope>,
}

/// Who reads and writes the associations of a pair: one object type's task at a time.
type PairLocks = BTreeMap<Pair, Arc<tokio::sync::Mutex<()>>>;

impl<R> Clone for Engine<R> {
    fn clone(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            pairs: Arc::clone(&self.pairs),
            crowd: self.crowd.clone(),
            scope: Arc::clone(&self.scope),
        }
    }
}

impl<R: Remote + 'static> Engine<R> {
    /// Puts the parts together.
    pub fn new(parts: Parts<R>) -> Self {
        Self { parts: Arc::new(parts), pairs: Arc::default(), crowd: Crowd::default(), scope: Arc::default() }
    }

    /// The same engine, whose pushes send nothing but this.
    pub(crate) fn sending_only(&self, scope: Scope) -> Self {
        Self { scope: Arc::new(scope), ..self.clone() }
    }

    /// What a push may send.
    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// The CRM.
    pub fn remote(&self) -> &R {
        &self.parts.remote
    }

    pub(crate) fn store(&self) -> &StoreHandle {
        &self.parts.store
    }

    pub(crate) fn pull_settings(&self) -> &PullSettings {
        &self.parts.pull
    }

    pub(crate) fn push_settings(&self) -> &PushSettings {
        &self.parts.push
    }

    pub(crate) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    pub(crate) fn say(&self, event: Event) {
        self.parts.observer.event(event);
    }

    pub(crate) fn warn(&self, sentence: String) {
        self.say(Event::Warning(sentence));
    }

    pub(crate) fn advanced(&self, object: &str, phase: Phase, records: usize) {
        self.say(Event::Advanced { object: object.to_owned(), phase, records: records as u64 });
    }

    /// Keeps other tasks from reading and writing the associations of these pairs, so that an older answer is never
    /// written over a newer one. Taken in one order everywhere.
    pub(crate) async fn hold_pairs<'p>(&self, pairs: impl Iterator<Item = &'p Pair>) -> Vec<OwnedMutexGuard<()>> {
        let mut wanted: Vec<&Pair> = pairs.collect();
        wanted.sort();
        wanted.dedup();
        let mut held = Vec::with_capacity(wanted.len());
        for pair in wanted {
            let lock = {
                let mut locks = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(locks.entry(pair.clone()).or_default())
            };
            held.push(lock.lock_owned().await);
        }
        held
    }

    /// Passes a named step, at which a test may stop the engine.
    pub(crate) fn step(&self, name: &'static str) -> Result<(), RunError> {
        self.parts.steps.pass(name).map_err(RunError::Stopped)
    }
}
