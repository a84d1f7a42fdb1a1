//! Pages on their way from those who read them to the one who writes.
//!
//! Only a fixed amount is on its way at any time, counted in pages and in bytes, so that memory stays flat however long
//! the list, however many its readers and however large its records. What has arrived is written in one transaction, as
//! far as that stays short: each transaction has a price of its own, and a gap after it in which others write.

use crate::model::Record;
use crate::store::{Applied, StoreError, Table, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

/// How many pages are on their way at most. A kill repeats no more than these and one in each reader's hand.
const MOST: u32 = 20;
/// A page of more than this counts as several.
const ROOM_OF_ONE: usize = 128 * 1024;
/// How long one transaction may write before it commits and the rest waits for the next.
const LONGEST_WRITE: Duration = Duration::from_millis(100);

/// What a page holds.
pub(super) trait Records {
    fn records(&self) -> &[Record];
}

/// A page that takes up room until it is dropped.
pub(super) struct Waiting<P> {
    page: P,
    _room: Option<OwnedSemaphorePermit>,
}

impl<P> Waiting<P> {
    /// A page that was read before the walk began.
    pub(super) fn early(page: P) -> Self {
        Self { page, _room: None }
    }
}

/// Where a reader puts its pages.
pub(super) struct Sender<P> {
    room: Arc<Semaphore>,
    pages: mpsc::UnboundedSender<Waiting<P>>,
}

impl<P> Clone for Sender<P> {
    fn clone(&self) -> Self {
        Self { room: Arc::clone(&self.room), pages: self.pages.clone() }
    }
}

/// Where the writer finds them.
pub(super) struct Receiver<P> {
    /// Those that are to be written first.
    waiting: Vec<Waiting<P>>,
    arriving: mpsc::UnboundedReceiver<Waiting<P>>,
}

/// A way for pages, with `early` on it already.
pub(super) fn queue<P>(early: Vec<P>) -> (Sender<P>, Receiver<P>) {
    let (pages, arriving) = mpsc::unbounded_channel();
    let sender = Sender { room: Arc::new(Semaphore::new(MOST as usize)), pages };
    (sender, Receiver { waiting: early.into_iter().map(Waiting::early).collect(), arriving })
}

impl<P: Records> Sender<P> {
    /// Hands a page over as soon as there is room. `false` when the writer is gone: it has its own error to tell.
    pub(super) async fn send(&self, page: P) -> bool {
        let bytes: usize = page.records().iter().map(|record| record.properties.as_json().len()).sum();
        let room = u32::try_from(bytes.div_ceil(ROOM_OF_ONE)).unwrap_or(MOST).clamp(1, MOST);
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(room).await else { return false };
        self.pages.send(Waiting { page, _room: Some(room) }).is_ok()
    }
}

impl<P> Receiver<P> {
    /// Every page that is there, waiting for the first; `None` when no more can come.
    pub(super) async fn next(&mut self) -> Option<Vec<Waiting<P>>> {
        let mut pages = std::mem::take(&mut self.waiting);
        if pages.is_empty() {
            pages.push(self.arriving.recv().await?);
        }
        while let Ok(page) = self.arriving.try_recv() {
            pages.push(page);
        }
        Some(pages)
    }

    /// Gives back what a transaction had no time for; it comes first next time.
    pub(super) fn put_back(&mut self, rest: Vec<Waiting<P>>) {
        self.waiting = rest;
    }
}

/// What one transaction did with pages.
pub(super) struct Written<P> {
    pub(super) applied: Applied,
    pub(super) records: usize,
    /// Pages that it had no time for.
    pub(super) rest: Vec<Waiting<P>>,
}

/// Applies pages to the mirror until the transaction has lasted long enough, the first one in any case. `each` is given
/// every page that was applied; `step` is passed after each.
pub(super) fn write<P: Records>(
    write: &Write<'_>,
    table: &Table,
    pages: Vec<Waiting<P>>,
    step: &'static str,
    mut each: impl FnMut(P),
) -> Result<Written<P>, StoreError> {
    let began = Instant::now();
    let mut written = Written { applied: Applied::default(), records: 0, rest: Vec::new() };
    let mut pages = pages.into_iter();
    for Waiting { page, .. } in pages.by_ref() {
        written.applied.add(write.apply(table, page.records())?);
        write.step(step)?;
        written.records += page.records().len();
        each(page);
        if began.elapsed() >= LONGEST_WRITE {
            break;
        }
    }
    written.rest = pages.collect();
    Ok(written)
}
