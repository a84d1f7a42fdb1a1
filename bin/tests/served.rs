//! A simulated portal behind HTTP, and the real program run against it.

use crate::sealed::Sealed;
use rusqlite::Connection;
use simulator::http::{SharedPortal, serve, share};
use simulator::{Portal, Settings, Tier};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// A portal behind HTTP, for as long as this lives.
pub(crate) struct Served {
    pub(crate) portal: SharedPortal,
    pub(crate) address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    pub(crate) fn new(contacts: usize, latency: Duration, portal_id: u64) -> Self {
        Self::of(Settings { tier: Tier::Unlimited, latency, portal_id, ..Settings::sized(contacts, 20, 20, 10) })
    }

    /// A portal with these settings; its time begins at their start.
    pub(crate) fn of(settings: Settings) -> Self {
        let start = settings.start;
        let portal = share(Portal::new(settings));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let began = std::time::Instant::now();
        let clock = move || start + i64::try_from(began.elapsed().as_millis()).unwrap();
        let served = Arc::clone(&portal);
        runtime.spawn(async move {
            serve(listener, served, clock, std::future::pending()).await.unwrap();
        });
        Self { portal, address, _runtime: runtime }
    }

    pub(crate) fn token(&self) -> String {
        self.lock().token().to_owned()
    }

    pub(crate) fn active(&self, object: &str) -> usize {
        self.lock().active_ids(object).len()
    }

    /// The portal, to be changed or looked at.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Portal> {
        self.portal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A directory whose environment leads here.
    pub(crate) fn home(&self) -> Sealed {
        Sealed::new().variable("CRMSYNC_API_BASE", &self.address).variable("HUBSPOT_ACCESS_TOKEN", &self.token())
    }
}

pub(crate) fn exit(home: &Sealed, words: &[&str]) -> (i32, String) {
    let output = home.command(words).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

pub(crate) fn count(mirror: &Path, sql: &str) -> i64 {
    let connection = Connection::open(mirror).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}
