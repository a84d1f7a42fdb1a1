//! How fast records get from a portal's pages into the mirror, against what one thread can do that does nothing else; how
//! much memory that takes; what an idle pull and a full diff cost; and how much of an account's limits a backfill uses.
//!
//! `cargo bench -p crmsync --bench figures` runs everything; `-- pull`, `-- memory`, `-- idle`, `-- diff`,
//! `-- push`, `-- latency` one part.
//! But for the last one limits are off: what is measured is the program, over loopback, with the simulator in a process of its own.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod ceiling;
mod latency;
mod portal;
mod push;

use portal::{Failed, Simulator, configure};
use std::time::Instant;
use sync_core::model::{Properties, Record, RecordId, Timestamp};
use sync_core::steps::Unstopped;
use sync_core::store::{Store, StoreHandle, Table};

const UNLIMITED: &str = "[portals.bench.limits]\nwindow_requests = 1000000\nsearch_per_second = 1000\n";

const TWENTY: [&str; 20] = [
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "jobtitle",
    "company",
    "website",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "lifecyclestage",
    "hs_lead_status",
    "hs_language",
    "annualrevenue",
    "numemployees",
    "num_notes",
    "closedate",
];

fn main() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let asked = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if asked("pull") {
        println!("| properties | records | pull, s | records/s | ceiling, s | records/s | of the ceiling | peak, MB |");
        println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
        pull(20, 200_000)?;
        pull(320, 40_000)?;
    }
    if asked("memory") {
        println!("\n| records | pull, s | records/s | peak, MB |");
        println!("|--:|--:|--:|--:|");
        for records in [100_000, 1_000_000] {
            memory(records)?;
        }
    }
    if asked("idle") {
        idle(1_000_000)?;
    }
    if asked("diff") {
        diff(500_000)?;
    }
    if asked("push") {
        push::measure(100_000)?;
        push::measure_latency(50_000)?;
        push::measure_recovery(30_000)?;
    }
    if asked("latency") {
        latency::measure()?;
    }
    Ok(())
}

/// So many properties as mapping fields: well-known ones, then ones of the portal's own.
fn fields(count: usize) -> String {
    let own = (0..count.saturating_sub(TWENTY.len())).map(|n| format!("custom_{n:04}"));
    let names = TWENTY.iter().take(count).map(|name| (*name).to_owned()).chain(own);
    names.map(|name| format!("  {name}: of_{name}\n")).collect()
}

fn simulator(records: usize, properties: usize) -> Result<Simulator, Failed> {
    let own = properties.saturating_sub(TWENTY.len());
    let flags = format!("--tier unlimited --contacts {records} --companies 0 --deals 0 --tickets 0 --properties {own}");
    Simulator::start(&flags.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

fn pull(properties: usize, records: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let simulator = simulator(records, properties)?;
    configure(home.path(), &[("contacts", fields(properties))], UNLIMITED)?;
    let ran = simulator.run(home.path(), &["pull"])?;
    let rows = ran.new_records()?;
    let pages = ceiling::fetch(&simulator, &home.path().join("bench.db"))?;
    let ceiling = ceiling::write(&pages, &home.path().join("bench.db"), &home.path().join("ceiling.db"))?;
    let (rate, most) = (rows as f64 / ran.seconds, ceiling.records as f64 / ceiling.seconds);
    println!(
        "| {properties} | {rows} | {:.1} | {rate:.0} | {:.1} | {most:.0} | {:.2} | {:.0} |",
        ran.seconds,
        ceiling.seconds,
        rate / most,
        megabytes(ran.peak_kib)
    );
    Ok(())
}

fn memory(records: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let simulator = simulator(records, 20)?;
    configure(home.path(), &[("contacts", fields(20))], UNLIMITED)?;
    let ran = simulator.run(home.path(), &["pull"])?;
    let rows = ran.new_records()?;
    println!("| {rows} | {:.1} | {:.0} | {:.1} |", ran.seconds, rows as f64 / ran.seconds, megabytes(ran.peak_kib));
    Ok(())
}

fn idle(records: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let simulator = simulator(records, 20)?;
    configure(home.path(), &[("contacts", fields(20))], UNLIMITED)?;
    simulator.run(home.path(), &["pull"])?;
    println!("\n| idle pull over | calls | processor, s | seconds |");
    println!("|--:|--:|--:|--:|");
    for _ in 0..3 {
        let ran = simulator.run(home.path(), &["pull"])?;
        println!("| {records} | {} | {:.2} | {:.2} |", ran.number("requests"), ran.cpu, ran.seconds);
    }
    Ok(())
}

/// A table of so many rows and thirty columns, compared with its base in full.
fn diff(rows: u64) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("diff.db");
    let fields: String = (0..30).map(|n| format!("  p{n}: c{n}\n")).collect();
    let mapping = mappings::Mapping::parse("diff.yaml", &format!("object: things\nfields:\n{fields}"))?;
    let schema = mapping.assumed_schema();
    let resolved = mapping.resolve(&schema).map_err(|errors| format!("{errors:?}"))?;
    let mut store = Store::open(&path)?;
    store.prepare(vec![Table::new(resolved, "thing", &[], Vec::new())])?;
    let clock = std::sync::Arc::new(sync_core::clock::SystemClock);
    let handle = StoreHandle::inline(store, clock, std::sync::Arc::new(Unstopped));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        for first in (0..rows).step_by(10_000) {
            let records: Vec<Record> = (first..first + 10_000).map(thing).collect();
            handle.write(move |write| write.apply(&*write.table("things")?, &records)).await?;
        }
        println!("\n| full diff of | columns | edited | seconds |");
        println!("|--:|--:|--:|--:|");
        for edited in [0, 5_000] {
            let person = rusqlite::Connection::open(&path)?;
            person.execute("UPDATE things SET c7 = 'edited' WHERE _row <= ?1", [edited])?;
            let began = Instant::now();
            let found = handle.call(|store| store.diff("things")).await?.len();
            println!("| {rows} | 30 | {found} | {:.2} |", began.elapsed().as_secs_f64());
        }
        Ok(())
    })
}

fn thing(n: u64) -> Record {
    let properties: Vec<String> = (0..30).map(|p| format!("\"p{p}\":\"value {} of {n}\"", n % (p + 7))).collect();
    Record {
        id: RecordId::from(n + 1),
        created_at: Timestamp::from_millis(1_790_000_000_000),
        updated_at: Timestamp::from_millis(1_790_000_000_000),
        archived: None,
        merged_ids: Vec::new(),
        properties: Properties::from_json(format!("{{{}}}", properties.join(","))),
    }
}
