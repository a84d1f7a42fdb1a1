//! What went over the wire: every request in its order, counted the way a budget is counted.

use connectors::http::{Request, Response, Transport, TransportError};
use crmsync::rehearsal::Rehearsal;
use simulator::Millis;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

/// One request, by what a test may want to know of it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// When it left, by the portal's clock.
    pub(super) at: Millis,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// Of a search; of others it only takes up room.
    pub(super) body: String,
}

impl Asked {
    /// Whether it may change anything: everything but reads, some of which are posts.
    pub(super) fn is_write(&self) -> bool {
        let path = self.path.split('?').next().unwrap();
        let reads = ["/search", "/batch/read"].iter().any(|end| path.ends_with(end));
        self.method != "GET" && !reads
    }
}

/// The transport, with everything that passes written down.
#[derive(Clone)]
pub(super) struct Wire {
    rehearsal: Rehearsal,
    trace: Arc<Mutex<DefaultHasher>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Wire {
    pub(super) fn new(rehearsal: Rehearsal) -> Self {
        Self { rehearsal, trace: Arc::new(Mutex::new(DefaultHasher::new())), asked: Arc::default() }
    }

    /// Everything that passed, as one number.
    pub(super) fn trace(&self) -> u64 {
        self.trace.lock().unwrap().finish()
    }

    /// The requests since this was last asked.
    pub(super) fn take(&self) -> Calls {
        Calls(std::mem::take(&mut self.asked.lock().unwrap()))
    }

    fn note(&self, request: &Request) {
        let body = request.body.as_deref().filter(|_| request.path.ends_with("/search")).unwrap_or_default();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let (at, method, path) = (self.rehearsal.now(), request.method.as_str(), request.path.clone());
        self.asked.lock().unwrap().push(Asked { at, method, path, body });
    }
}

impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.note(&request);
        let asked = (request.method.as_str(), request.path.clone(), request.body.clone());
        (asked, self.rehearsal.now()).hash(&mut *self.trace.lock().unwrap());
        let answer = self.rehearsal.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        (status, self.rehearsal.now()).hash(&mut *self.trace.lock().unwrap());
        answer
    }
}

/// Requests, in the order in which they left.
pub(super) struct Calls(pub(super) Vec<Asked>);

impl Calls {
    fn ending(&self, object: &str, end: &str) -> impl Iterator<Item = &Asked> {
        let path = format!("/crm/objects/2026-09/{object}{end}");
        self.0.iter().filter(move |asked| asked.path == path || asked.path.starts_with(&format!("{path}?")))
    }

    /// Pages of a list, active and archived.
    pub(super) fn lists(&self, object: &str) -> usize {
        self.ending(object, "").count()
    }

    /// Searches that walk a window; those that only count are left out.
    pub(super) fn searches(&self, object: &str) -> Vec<&Asked> {
        self.ending(object, "/search").filter(|asked| asked.body.contains("\"sorts\"")).collect()
    }

    pub(super) fn batch_reads(&self, object: &str) -> usize {
        self.ending(object, "/batch/read").count()
    }

    /// Batch reads of associations, by pair of object types.
    pub(super) fn associations(&self) -> BTreeMap<&str, usize> {
        let mut pairs = BTreeMap::new();
        for asked in &self.0 {
            let pair =
                asked.path.strip_prefix("/crm/associations/2026-09/").and_then(|p| p.strip_suffix("/batch/read"));
            if let Some(pair) = pair {
                *pairs.entry(pair).or_default() += 1;
            }
        }
        pairs
    }

    /// The most requests of the app's window that any ten seconds saw.
    pub(super) fn busiest_window(&self) -> usize {
        let windowed = |asked: &&Asked| !asked.path.ends_with("/search") && !asked.path.contains("/associations/");
        let times: Vec<Millis> = self.0.iter().filter(windowed).map(|asked| asked.at).collect();
        let inside = |first: &Millis| times.iter().filter(|at| (*first..first + 10_000).contains(*at)).count();
        times.iter().map(inside).max().unwrap_or(0)
    }
}
