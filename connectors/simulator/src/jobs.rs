//! What happens later: the index catches up, a new record is bumped, the recycling bin is emptied, a late request arrives.
//!
//! Nothing runs by itself. Every door into the portal first lets happen what has become due, in order of time.

use std::cmp::Reverse;

use crate::calls::CallKind;
use crate::exchange::{Millis, Request};
use crate::object_types::{DateNames, TypeIndex};
use crate::portal::Portal;
use crate::record::Life;
use crate::routes::parse;
use crate::switches::Lag;

/// Separate sources of chance, so that drawing more of one does not move another.
#[derive(Debug)]
pub(crate) struct Dice {
    pub(crate) ids: fastrand::Rng,
    pub(crate) lag: fastrand::Rng,
    pub(crate) order: fastrand::Rng,
    pub(crate) wire: fastrand::Rng,
    pub(crate) data: fastrand::Rng,
    pub(crate) written: fastrand::Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let stream = |n: u64| fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n));
        Dice { ids: stream(1), lag: stream(2), order: stream(3), wire: stream(4), data: stream(5), written: stream(6) }
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.wire.u64(..), self.wire.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48) & 0x3fff,
            b & 0xffff_ffff_ffff
        )
    }

    /// How long until search sees a change.
    fn lag(&mut self, lag: &Lag) -> Millis {
        let tail = self.lag.f64() < lag.tail_rate;
        let (u, v) = (self.lag.f64(), self.lag.f64());
        if tail {
            return (u * lag.tail_max.as_millis() as f64) as Millis;
        }
        // Box–Muller; the floor under u keeps the logarithm finite.
        let normal = (-2.0 * u.max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (f64::from(lag.median_ms) * (lag.sigma * normal).exp()) as Millis
    }
}

/// Something that will happen, ordered by time and then by the order in which it was arranged.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    at: Millis,
    order: u64,
    job: Job,
}

#[derive(Debug, Clone)]
enum Job {
    Index(TypeIndex, u64),
    Bump(TypeIndex, u64),
    EmptyBin(TypeIndex, u64, Millis),
    Late(Box<Request>),
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// How long archived records stay in the recycling bin.
pub(crate) const BIN: Millis = 90 * crate::clock::DAY;

impl Portal {
    /// Moves the clock and lets happen what is due. The clock never runs backwards.
    pub fn advance(&mut self, now: Millis) {
        while let Some(Reverse(next)) = self.jobs.peek() {
            if next.at > now {
                break;
            }
            let Some(Reverse(due)) = self.jobs.pop() else { break };
            self.now = self.now.max(due.at);
            self.run(due.job);
        }
        self.now = self.now.max(now);
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::Index(kind, id) => self.stores[kind].reindex(id),
            Job::Bump(kind, id) => self.bump(kind, id),
            Job::EmptyBin(kind, id, archived_at) => {
                let record = self.stores[kind].records.get(&id);
                if record.is_some_and(|r| r.life == Life::Archived(archived_at)) {
                    self.erase(kind, id);
                }
            }
            Job::Late(request) => {
                let parsed = parse(&request.method, &request.path);
                // Carried out, but nobody hears the answer; only a write leaves a trace.
                if parsed.kind(&request.method) == CallKind::Write {
                    self.answer(&request, parsed, None);
                }
            }
        }
    }

    fn schedule(&mut self, at: Millis, job: Job) {
        self.jobs_made += 1;
        self.jobs.push(Reverse(Due { at, order: self.jobs_made, job }));
    }

    pub(crate) fn schedule_request(&mut self, at: Millis, request: Request) {
        self.schedule(at, Job::Late(Box::new(request)));
    }

    /// Freezes what the index knows of a record; call before changing it, then `index_later`.
    pub(crate) fn freeze(&mut self, kind: TypeIndex, id: u64) {
        if let Some(record) = self.stores[kind].records.get_mut(&id) {
            record.freeze();
        }
    }

    /// Arranges for the index to see a record's present state.
    pub(crate) fn index_later(&mut self, kind: TypeIndex, id: u64) {
        let lag = self.settings.switches.lag;
        match self.dice.lag(&lag) {
            0 => self.stores[kind].reindex(id),
            wait => self.schedule(self.now + wait, Job::Index(kind, id)),
        }
    }

    /// Arranges the bump that follows every create: HubSpot's own properties settle seconds later.
    pub(crate) fn bump_later(&mut self, kind: TypeIndex, id: u64) {
        if !self.settings.switches.post_create_bump {
            return;
        }
        let wait = match self.types[kind].dates {
            DateNames::Contact => self.dice.lag.i64(1_100..25_100),
            DateNames::Classic | DateNames::Prefixed => self.dice.lag.i64(700..4_800),
        };
        self.schedule(self.now + wait, Job::Bump(kind, id));
    }

    pub(crate) fn empty_bin_later(&mut self, kind: TypeIndex, id: u64, archived_at: Millis) {
        self.schedule(archived_at + BIN, Job::EmptyBin(kind, id, archived_at));
    }

    fn bump(&mut self, kind: TypeIndex, id: u64) {
        let now = self.now;
        let Some(record) = self.stores[kind].records.get_mut(&id).filter(|r| r.is_active()) else { return };
        record.freeze();
        record.updated = record.updated.max(now);
        self.index_later(kind, id);
    }
}
