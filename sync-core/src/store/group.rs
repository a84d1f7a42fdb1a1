//! Work that waits for a transaction. What is handed over while another transaction is open, or in the gap after it, is
//! done together in the next one: fewer transactions, fewer gaps, fewer times that the disk is waited for.
//!
//! * Pieces are done in the order in which they were handed over, for as long as a transaction may take.
//! * One that fails leaves nothing behind and does not keep the others from being committed, unless the transaction as a
//!   whole can go no further: then all of them fail.
//! * Nobody is told anything before the transaction has ended.

use super::{Store, StoreError, Write};
use crate::model::Timestamp;
use crate::steps::Steps;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// For how long pieces are added to a transaction.
const LONG_ENOUGH: Duration = Duration::from_millis(50);

/// Work that waits for a transaction.
pub(super) trait Piece: Send {
    /// Whether it must be on the disk, whatever happens to the power, before anybody is told.
    fn durable(&self) -> bool;
    /// Whether anybody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Does it.
    fn run(&mut self, write: &Write<'_>) -> Result<(), StoreError>;
    /// Tells whoever waits what became of it.
    fn tell(self: Box<Self>, ended: Result<(), StoreError>);
}

/// A job, and who waits for what it returns.
pub(super) struct Job<T, F> {
    pub(super) durable: bool,
    pub(super) job: Option<F>,
    pub(super) value: Option<T>,
    pub(super) answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Piece for Job<T, F>
where
    T: Send,
    F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send,
{
    fn durable(&self) -> bool {
        self.durable
    }

    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, write: &Write<'_>) -> Result<(), StoreError> {
        if let Some(job) = self.job.take() {
            self.value = Some(job(write)?);
        }
        Ok(())
    }

    fn tell(self: Box<Self>, ended: Result<(), StoreError>) {
        let Self { value, answer, .. } = *self;
        // Whoever asked may have gone; then nobody misses the answer.
        drop(answer.send(ended.and_then(|()| value.ok_or(StoreError::Closed))));
    }
}

type Pieces = VecDeque<Box<dyn Piece>>;

/// What waits for the next transaction, in order.
#[derive(Default)]
pub(super) struct Queue(Mutex<Pieces>);

impl Queue {
    pub(super) fn push(&self, piece: Box<dyn Piece>) {
        self.waiting().push_back(piece);
    }

    /// Whether anything of it must be on the disk before it counts.
    pub(super) fn is_durable(&self) -> bool {
        self.waiting().iter().any(|piece| piece.durable())
    }

    /// Everything that waits now, and is wanted; up to what asks for more than this transaction gives.
    fn take(&self, durable: bool) -> Pieces {
        let mut waiting = self.waiting();
        waiting.retain(|piece| piece.is_wanted());
        let fitting = waiting.iter().take_while(|piece| durable || !piece.durable()).count();
        waiting.drain(..fitting).collect()
    }

    /// Puts what there was no time for back where it was.
    fn put_back(&self, pieces: Pieces) {
        let mut waiting = self.waiting();
        pieces.into_iter().rev().for_each(|piece| waiting.push_front(piece));
    }

    fn waiting(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Ended = Vec<(Box<dyn Piece>, Result<(), StoreError>)>;

impl Store {
    /// Does what waits in the transaction that [`Store::begin`] opened, and commits it; rolls back when it fails.
    pub(super) fn finish(&self, now: Timestamp, steps: &dyn Steps, queue: &Queue, durable: bool) {
        let mut pieces = queue.take(durable);
        let mut done = Ended::new();
        let ended = self.guarded(now, steps, |write| self.run_pieces(write, &mut pieces, &mut done));
        let ended = ended.map_err(|error| self.rolled_back(error));
        if ended.is_ok() {
            queue.put_back(pieces);
        } else {
            done.extend(pieces.into_iter().map(|piece| (piece, Ok(()))));
        }
        for (piece, outcome) in done {
            let all = ended.as_ref().map_err(StoreError::again).copied();
            piece.tell(outcome.map_err(|error| self.explain(error)).and(all));
        }
    }

    fn run_pieces(&self, write: &Write<'_>, pieces: &mut Pieces, done: &mut Ended) -> Result<(), StoreError> {
        let began = Instant::now();
        let alone = pieces.len() == 1;
        while let Some(mut piece) = pieces.pop_front() {
            let outcome = if alone { Ok(piece.run(write)) } else { self.apart(write, piece.as_mut()) };
            let (outcome, fatal) = match outcome {
                Ok(outcome) => {
                    let fatal = outcome.as_ref().err().filter(|error| alone || self.is_over(error));
                    let fatal = fatal.map(StoreError::again);
                    (outcome, fatal)
                }
                Err(error) => (Err(error.again()), Some(error)),
            };
            done.push((piece, outcome));
            if let Some(error) = fatal {
                return Err(error);
            }
            if began.elapsed() >= LONG_ENOUGH {
                break;
            }
        }
        Ok(())
    }

    /// Does a piece so that it can be undone without the others. Where even that fails, nothing of the transaction may be
    /// committed.
    fn apart(&self, write: &Write<'_>, piece: &mut dyn Piece) -> Result<Result<(), StoreError>, StoreError> {
        let run = |sql: &str| self.connection.prepare_cached(sql)?.execute([]);
        run("SAVEPOINT piece")?;
        let outcome = piece.run(write);
        if outcome.is_err() && !self.connection.is_autocommit() {
            run("ROLLBACK TO piece")?;
        }
        if !self.connection.is_autocommit() {
            run("RELEASE piece")?;
        }
        Ok(outcome)
    }

    /// Whether nothing more can be done in the transaction in which this went wrong.
    fn is_over(&self, error: &StoreError) -> bool {
        let over = matches!(
            error,
            StoreError::Stopped(_) | StoreError::Full | StoreError::Busy | StoreError::Damaged(_) | StoreError::Closed
        );
        over || self.connection.is_autocommit()
    }

    fn rolled_back(&self, error: StoreError) -> StoreError {
        if !self.connection.is_autocommit() {
            // The first error is the one to tell; a rollback that fails leaves nothing committed either.
            if let Err(error) = self.connection.execute_batch("ROLLBACK") {
                tracing::warn!("the rollback failed too: {error}");
            }
        }
        self.explain(error)
    }
}
