//! The whole engine in one process: the real connector and the real engine against the simulated portal, on a paused
//! clock, with faults, kills at named steps and people on both sides. A seed fixes everything.
//!
//! `CRMSYNC_SEEDS=1000 cargo test --workspace simulation_` runs a thousand seeds, from `CRMSYNC_FIRST_SEED` on if that is
//! set; `CRMSYNC_SEED=7` replays one. With `CRMSYNC_UNTIL_FAILURE=1` the first seed that fails is the last.

mod both_sides;
mod calls;
mod ledger;
mod oracle;
mod people;
mod scenarios;
mod schedule;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds in the ordinary test run.
const SEEDS: u64 = 50;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, expected a whole number")))
}

/// Runs `work` on every seed that the environment asks for, on two threads, and reports the seeds that failed.
fn for_each_seed(work: impl Fn(u64) -> Result<(), String> + Sync) {
    let first = number("CRMSYNC_FIRST_SEED").unwrap_or(1);
    let (first, last) = match number("CRMSYNC_SEED") {
        Some(seed) => (seed, seed),
        None => (first, first + number("CRMSYNC_SEEDS").unwrap_or(SEEDS) - 1),
    };
    let until_failure = std::env::var_os("CRMSYNC_UNTIL_FAILURE").is_some();
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > last || (until_failure && !failed.lock().unwrap().is_empty()) {
                        return;
                    }
                    let ended = catch_unwind(AssertUnwindSafe(|| work(seed)));
                    if let Err(what) = ended.unwrap_or_else(|_| Err("it panicked".to_owned())) {
                        failed.lock().unwrap().push((seed, what));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    if let Some((seed, what)) = failed.first() {
        let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
        let others: String = failed.iter().map(|(seed, what)| format!("\n{seed}: {what}")).collect();
        panic!("seeds {seeds:?} failed; CRMSYNC_SEED={seed} replays the first:\n{what}\nall of them:{others}");
    }
}

#[test]
fn simulation_nothing_is_lost_whatever_goes_wrong() {
    for_each_seed(|seed| schedule::run(seed).map(|_| ()));
}

#[test]
fn simulation_nothing_is_lost_or_sent_twice_when_both_sides_write() {
    for_each_seed(|seed| both_sides::run(seed).map(|_| ()));
}

#[test]
fn simulation_one_seed_run_twice_leaves_the_same_trace() {
    for seed in 1..=3 {
        let (once, again) = (schedule::run(seed).unwrap(), schedule::run(seed).unwrap());
        assert_eq!(once, again, "seed {seed} is not deterministic");
        let (once, again) = (both_sides::run(seed).unwrap(), both_sides::run(seed).unwrap());
        assert_eq!(once, again, "seed {seed}, both sides writing, is not deterministic");
    }
}
