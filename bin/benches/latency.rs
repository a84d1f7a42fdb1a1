//! How much of an account's limits a backfill uses when every answer takes a quarter of a second: the real program
//! against the simulator, each in a process of its own.
//!
//! `cargo bench -p crmsync --bench latency` runs everything in about three minutes; `-- free` or `-- one` only the rows
//! that have this word.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_crmsync");
/// Each type with the few properties that leave room in a search, as many as a small mapping would have.
const TYPES: [(&str, &str); 4] = [
    ("contacts", "email,firstname,lastname,phone,city,jobtitle"),
    ("companies", "name,domain,phone,city,industry"),
    ("deals", "dealname,amount,dealstage,closedate"),
    ("tickets", "subject,content,hs_pipeline_stage"),
];

type Failed = Box<dyn std::error::Error>;

/// One row: a plan, how many object types, and how many records in all.
struct Case {
    tier: &'static str,
    window: f64,
    types: usize,
    records: usize,
}

/// What a backfill took.
struct Took {
    seconds: f64,
    records: u64,
    requests: u64,
    throttled: u64,
}

/// A simulated portal, for as long as this lives.
struct Simulator {
    process: Child,
    variables: Vec<(String, String)>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Simulator {
    fn start(case: &Case) -> Result<Self, Failed> {
        let mut command = Command::new(PROGRAM);
        command.args(["simulator", "--port", "0", "--latency", "250ms", "--tier", case.tier]);
        for (n, (object, _)) in TYPES.iter().enumerate() {
            let records = if n < case.types { case.records / case.types } else { 0 };
            command.arg(format!("--{object}")).arg(records.to_string());
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let told = process.stdout.take().ok_or("the simulator has no stdout")?;
        let mut simulator = Self { process, variables: Vec::new() };
        for line in BufReader::new(told).lines().take(2) {
            let line = line?;
            let pair = line.strip_prefix("export ").and_then(|pair| pair.split_once('='));
            let (name, value) = pair.ok_or("the simulator did not tell its address")?;
            simulator.variables.push((name.to_owned(), value.to_owned()));
        }
        Ok(simulator)
    }
}

fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let cases = [
        Case { tier: "professional", window: 190.0, types: 1, records: 40_000 },
        Case { tier: "professional", window: 190.0, types: 4, records: 40_000 },
        Case { tier: "free", window: 100.0, types: 1, records: 24_000 },
        Case { tier: "free", window: 100.0, types: 4, records: 24_000 },
    ];
    println!(
        "| tier | object types | via | records | seconds | records/s | of window × 100 | against list | calls | 429 |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    for case in &cases {
        let types = if case.types == 1 { "one" } else { "four" };
        if !words.iter().all(|word| word == case.tier || word == types) {
            continue;
        }
        let mut alone = None;
        for via in ["list", "auto"] {
            let took = backfill(case, via)?;
            let rate = took.records as f64 / took.seconds;
            let share = rate / (case.window * 10.0);
            let against = rate / *alone.get_or_insert(rate);
            println!(
                "| {} | {types} | {via} | {} | {:.1} | {rate:.0} | {share:.2} | {against:.2} | {} | {} |",
                case.tier, took.records, took.seconds, took.requests, took.throttled
            );
        }
    }
    Ok(())
}

/// Reads a portal of its own into a mirror of its own.
fn backfill(case: &Case, via: &str) -> Result<Took, Failed> {
    let home = tempfile::tempdir()?;
    configure(home.path(), case)?;
    let simulator = Simulator::start(case)?;
    let output = Command::new(PROGRAM)
        .args(["backfill", "--via", via, "--json", "--log-format", "json"])
        .current_dir(home.path())
        .envs(simulator.variables.iter().map(|(name, value)| (name, value)))
        .output()?;
    let told = String::from_utf8(output.stderr)?;
    if !output.status.success() {
        return Err(format!("the backfill failed:\n{told}").into());
    }
    let summary: Json = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| summary[name].as_u64().unwrap_or_default();
    let mut took = Took { seconds: 0.0, records: 0, requests: number("requests"), throttled: number("throttled") };
    for line in told.lines() {
        let Ok(line) = serde_json::from_str::<Json>(line) else { continue };
        let said = if line["fields"].is_object() { &line["fields"] } else { &line };
        if said["phase"] == "backfill" && said["ended"] == true {
            // The types are read side by side: the slowest tells how long the lists took.
            took.seconds = took.seconds.max(said["seconds"].as_f64().unwrap_or_default());
            took.records += said["records"].as_u64().unwrap_or_default();
        }
    }
    if took.seconds <= 0.0 {
        return Err(format!("the backfill did not tell how long it took:\n{told}").into());
    }
    Ok(took)
}

fn configure(home: &Path, case: &Case) -> Result<(), Failed> {
    let mappings = home.join("mappings");
    std::fs::create_dir(&mappings)?;
    let types = &TYPES[..case.types];
    for (object, properties) in types {
        let fields: String = properties.split(',').map(|name| format!("  {name}: {name}\n")).collect();
        let text = format!("object: {object}\ntable: {object}\nunmapped: ignore\nfields:\n{fields}");
        std::fs::write(mappings.join(format!("{object}.yaml")), text)?;
    }
    let objects: Vec<String> = types.iter().map(|(object, _)| format!("{object:?}")).collect();
    let portal = format!(
        "[portals.bench]\nmappings = \"mappings\"\ntier = \"{}\"\nobjects = [{}]\n",
        case.tier,
        objects.join(", ")
    );
    std::fs::write(home.join("crmsync.toml"), portal)?;
    Ok(())
}
