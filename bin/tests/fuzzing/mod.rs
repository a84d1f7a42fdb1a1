//! The targets under a fixed sequence of inputs: a corpus, and what becomes of it by flips, splices and cuts.
//!
//! `CRMSYNC_FUZZ=100000 cargo test --release --test main fuzz_` tries more inputs of each target.

mod corpus;
mod mutation;
mod targets;

use fastrand::Rng;
use mutation::mutated;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Longer than any input may take, also on a busy machine.
const TOO_LONG: Duration = Duration::from_secs(20);

/// How many inputs the environment asks for instead of `usually`.
fn inputs(usually: usize) -> usize {
    let Ok(asked) = std::env::var("CRMSYNC_FUZZ") else { return usually };
    asked.parse().unwrap_or_else(|_| panic!("CRMSYNC_FUZZ is `{asked}`, expected a whole number"))
}

/// Runs a target on its corpus and on `usually` mutations of it.
fn run(target: impl Fn(&[u8]), corpus: &[&[u8]], words: &[&str], usually: usize) {
    let try_one = |input: &[u8]| {
        let began = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
            panic!("the input was b\"{}\"", input.escape_ascii());
        }
        assert!(began.elapsed() < TOO_LONG, "{:?} for b\"{}\"", began.elapsed(), input.escape_ascii());
    };
    corpus.iter().for_each(|input| try_one(input));
    let mut rng = Rng::with_seed(2026);
    for _ in 0..inputs(usually) {
        try_one(&mutated(&mut rng, corpus, words));
    }
}

#[test]
fn fuzz_p41_pages_of_records() {
    run(targets::records, corpus::RECORDS, corpus::JSON_WORDS, 3_000);
}

#[test]
fn fuzz_s21_mapping_files() {
    run(targets::mapping, corpus::MAPPINGS, corpus::YAML_WORDS, 1_000);
}

#[test]
fn fuzz_s21_configuration_files() {
    run(targets::configuration, corpus::CONFIGURATIONS, corpus::TOML_WORDS, 2_000);
}

#[test]
fn fuzz_p39_p40_numbers_and_times() {
    run(targets::scalars, corpus::SCALARS, corpus::SCALAR_WORDS, 20_000);
}

#[test]
fn fuzz_s14_identifiers() {
    run(targets::identifiers, corpus::IDENTIFIERS, corpus::NAME_WORDS, 150);
}
