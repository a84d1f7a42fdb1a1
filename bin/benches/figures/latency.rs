//! How much of an account's limits a backfill uses when every answer takes a quarter of a second.

use super::portal::{Failed, Simulator, configure};
use serde_json::Value as Json;

/// Each type with the few properties that leave room in a search, as many as a small mapping would have.
const TYPES: [(&str, &str); 4] = [
    ("contacts", "email,firstname,lastname,phone,city,jobtitle"),
    ("companies", "name,domain,phone,city,industry"),
    ("deals", "dealname,amount,dealstage,closedate"),
    ("tickets", "subject,content,hs_pipeline_stage"),
];

/// One row: a plan, how many object types, and how many records in all.
struct Case {
    tier: &'static str,
    window: f64,
    types: usize,
    records: usize,
}

/// What the walks over the lists took.
struct Took {
    seconds: f64,
    records: u64,
    requests: u64,
    throttled: u64,
}

/// Prints a row for each plan, number of object types and choice of calls.
pub(crate) fn measure() -> Result<(), Failed> {
    let cases = [
        Case { tier: "professional", window: 190.0, types: 1, records: 100_000 },
        Case { tier: "professional", window: 190.0, types: 4, records: 100_000 },
        Case { tier: "free", window: 100.0, types: 1, records: 60_000 },
        Case { tier: "free", window: 100.0, types: 4, records: 60_000 },
    ];
    println!(
        "\n| tier | object types | via | records | seconds | records/s | of window × 100 | against list | calls | 429 |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    for case in &cases {
        let mut alone = None;
        for via in ["list", "auto"] {
            let took = backfill(case, via)?;
            let rate = took.records as f64 / took.seconds;
            let share = rate / (case.window * 10.0);
            let against = rate / *alone.get_or_insert(rate);
            println!(
                "| {} | {} | {via} | {} | {:.1} | {rate:.0} | {share:.2} | {against:.2} | {} | {} |",
                case.tier, case.types, took.records, took.seconds, took.requests, took.throttled
            );
        }
    }
    Ok(())
}

/// Reads a portal of its own into a mirror of its own.
fn backfill(case: &Case, via: &str) -> Result<Took, Failed> {
    let home = tempfile::tempdir()?;
    let types = &TYPES[..case.types];
    let mappings = types.iter().map(|(object, properties)| {
        (*object, properties.split(',').map(|name| format!("  {name}: {name}\n")).collect::<String>())
    });
    configure(home.path(), &mappings.collect::<Vec<_>>(), &format!("tier = \"{}\"\n", case.tier))?;
    let mut flags = vec!["--latency".to_owned(), "250ms".to_owned(), "--tier".to_owned(), case.tier.to_owned()];
    for (n, (object, _)) in TYPES.iter().enumerate() {
        let records = if n < case.types { case.records / case.types } else { 0 };
        flags.extend([format!("--{object}"), records.to_string()]);
    }
    let simulator = Simulator::start(&flags)?;
    let ran = simulator.run(home.path(), &["backfill", "--via", via])?;
    let mut took =
        Took { seconds: 0.0, records: 0, requests: ran.number("requests"), throttled: ran.number("throttled") };
    for line in ran.told.lines() {
        let Ok(line) = serde_json::from_str::<Json>(line) else { continue };
        let said = if line["fields"].is_object() { &line["fields"] } else { &line };
        if said["phase"] == "backfill" && said["ended"] == true {
            // The types are read side by side: the slowest tells how long the lists took.
            took.seconds = took.seconds.max(said["seconds"].as_f64().unwrap_or_default());
            took.records += said["records"].as_u64().unwrap_or_default();
        }
    }
    if took.seconds > 0.0 { Ok(took) } else { Err(format!("no backfill was told of:\n{}", ran.told).into()) }
}
