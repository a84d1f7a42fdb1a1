//! Hands work to the store: to a thread that owns it in production, inline where everything must be deterministic.
//!
//! Waiting happens here, on the runtime's clock: for other programs' write locks, and between our own transactions.

use super::group::{Job, Queue};
use super::{PATIENCE, Store, StoreError, Write};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::steps::Steps;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Time between two of our transactions, in which others get the write lock.
const GAP: Duration = Duration::from_millis(5);
/// How often a held write lock is tried again.
const RETRY: Duration = Duration::from_millis(20);

type Order = Box<dyn FnOnce(&mut Store) + Send>;

enum Executor {
    Thread(Worker),
    Inline(Mutex<Store>),
}

/// The thread that owns the store. It ends with the last handle, which waits for it: the mirror is closed then, its log
/// moved into it, before anybody else gets the run lock or the process ends.
struct Worker {
    jobs: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn new(mut store: Store) -> Self {
        let (jobs, queue) = mpsc::channel::<Order>();
        let thread = std::thread::spawn(move || {
            for job in queue {
                job(&mut store);
            }
        });
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    fn send(&self, job: Order) -> Result<(), StoreError> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(StoreError::Closed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // A panic there has been told to whoever waited for an answer.
            let _ = thread.join();
        }
    }
}

/// A shared handle to the store. Work is done one piece at a time, in the order in which it was handed over.
#[derive(Clone)]
pub struct StoreHandle {
    inner: Arc<Inner>,
}

struct Inner {
    executor: Executor,
    clock: Arc<dyn Clock>,
    steps: Arc<dyn Steps>,
    /// When the last transaction ended; holding it is a writer's turn.
    turn: tokio::sync::Mutex<Option<Instant>>,
    queue: Queue,
}

impl StoreHandle {
    /// Gives the store a thread of its own.
    pub fn on_thread(store: Store, clock: Arc<dyn Clock>, steps: Arc<dyn Steps>) -> Self {
        Self::new(Executor::Thread(Worker::new(store)), clock, steps)
    }

    /// Does all work on the caller's thread, at once.
    pub fn inline(store: Store, clock: Arc<dyn Clock>, steps: Arc<dyn Steps>) -> Self {
        Self::new(Executor::Inline(Mutex::new(store)), clock, steps)
    }

    fn new(executor: Executor, clock: Arc<dyn Clock>, steps: Arc<dyn Steps>) -> Self {
        let (turn, queue) = (tokio::sync::Mutex::new(None), Queue::default());
        Self { inner: Arc::new(Inner { executor, clock, steps, turn, queue }) }
    }

    /// The time by our clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Runs `job` on the store, outside any transaction.
    ///
    /// # Errors
    /// What `job` returns, or [`StoreError::Closed`].
    pub async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.inner.executor {
            Executor::Inline(store) => explained(&mut store.lock().unwrap_or_else(PoisonError::into_inner), job),
            Executor::Thread(worker) => {
                let (answer, answered) = oneshot::channel();
                let work: Order = Box::new(move |store| {
                    // Whoever asked may have gone; then nobody misses the answer.
                    drop(answer.send(explained(store, job)));
                });
                worker.send(work)?;
                answered.await.map_err(|_| StoreError::Closed)?
            }
        }
    }

    /// Runs `job` in a write transaction, waiting for the lock for up to a minute.
    ///
    /// # Errors
    /// What `job` returns, after a rollback; [`StoreError::Busy`] when the lock never came free.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.transact(false, job).await
    }

    /// As [`StoreHandle::write`], and once it returns nothing of it is forgotten, whatever happens to the power.
    ///
    /// # Errors
    /// As [`StoreHandle::write`].
    pub async fn write_durably<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.transact(true, job).await
    }

    async fn transact<T, F>(&self, durable: bool, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        self.inner.queue.push(Box::new(Job { durable, job: Some(job), value: None, answer }));
        let asked = Instant::now();
        loop {
            // Whoever has the turn does what waits, others' work as well.
            let mut turn = tokio::select! {
                biased;
                told = &mut answered => return told.map_err(|_| StoreError::Closed)?,
                turn = self.inner.turn.lock() => turn,
            };
            if let Ok(told) = answered.try_recv() {
                return told;
            }
            self.take_turn(&mut turn, asked).await?;
        }
    }

    /// Does what waits in one transaction, some time after the last one.
    async fn take_turn(&self, last: &mut Option<Instant>, asked: Instant) -> Result<(), StoreError> {
        if let Some(ended) = *last {
            tokio::time::sleep_until(ended + GAP).await;
        }
        loop {
            let inner = Arc::clone(&self.inner);
            let begun = self
                .call(move |store| {
                    let durable = inner.queue.is_durable();
                    match store.begin(durable) {
                        Err(StoreError::Busy) => Ok(false),
                        Err(error) => Err(error),
                        Ok(()) => {
                            store.finish(inner.clock.now(), &*inner.steps, &inner.queue, durable);
                            Ok(true)
                        }
                    }
                })
                .await;
            *last = Some(Instant::now());
            if begun? {
                return Ok(());
            }
            if asked.elapsed() >= PATIENCE {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

fn explained<T>(store: &mut Store, job: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
    job(store).map_err(|error| store.explain(error))
}

#[cfg(test)]
mod tests {
    use super::StoreHandle;
    use crate::clock::SystemClock;
    use crate::steps::Unstopped;
    use crate::store::Store;
    use std::sync::Arc;

    #[tokio::test]
    async fn the_last_handle_closes_the_mirror_so_that_its_file_alone_is_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        for portal in ["1", "1", "1"] {
            let store = Store::open(&path).unwrap();
            let handle = StoreHandle::on_thread(store, Arc::new(SystemClock), Arc::new(Unstopped));
            let another = handle.clone();
            handle.write(move |write| write.bind_portal(portal)).await.unwrap();
            drop(handle);
            assert!(path.with_extension("db-wal").exists());
            drop(another);
            assert!(!path.with_extension("db-wal").exists());
        }
    }
}
