//! How fast edits get from the mirror into a portal, against one thread that makes the same calls, writes the same rows
//! and does nothing else.

use super::ceiling::Page;
use super::portal::{Failed, LOOK, Ran, Simulator, configure};
use super::{UNLIMITED, fields};
use connectors::http::{HttpTransport, Method, Request, Transport};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sync_core::model::{Properties, Timestamp};

/// Calls of the professional plan in ten seconds.
const WINDOW: f64 = 190.0;
/// What `push.enabled` needs.
const MAY_PUSH: &str = "[portals.bench.push]\nenabled = true\n";

/// A portal, its mirror, and edits of one field of every contact in it that are pending.
struct Pending {
    home: tempfile::TempDir,
    simulator: Simulator,
    /// The records that were edited.
    ids: Vec<String>,
}

impl Pending {
    fn new(flags: &str, limits: &str) -> Result<Self, Failed> {
        let home = tempfile::tempdir()?;
        let flags = format!("--companies 0 --deals 0 --tickets 0 --properties 0 {flags}");
        let simulator = Simulator::start(&flags.split(' ').map(str::to_owned).collect::<Vec<_>>())?;
        configure(home.path(), &[("contacts", fields(20))], &format!("{limits}{MAY_PUSH}"))?;
        simulator.run(home.path(), &["pull"])?;
        let person = Connection::open(home.path().join("bench.db"))?;
        let active = "state = 'active'";
        person.execute(&format!("UPDATE contacts SET of_city = 'Town ' || _row WHERE {active}"), [])?;
        let ids = person
            .prepare(&format!("SELECT id FROM contacts WHERE {active}"))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Self { home, simulator, ids })
    }

    fn mirror(&self) -> PathBuf {
        self.home.path().join("bench.db")
    }

    /// What lets all of them be updated.
    fn allowed(&self) -> String {
        format!("updates={}", self.ids.len())
    }

    /// Pushes all of them.
    fn push(&self) -> Result<Ran, Failed> {
        let ran = self.simulator.run(self.home.path(), &["push", "--allow", &self.allowed()])?;
        let pushed = ran.summary["objects"][0]["updated"].as_u64();
        match pushed {
            Some(pushed) if pushed == self.ids.len() as u64 => Ok(ran),
            pushed => Err(format!("{pushed:?} of {} edits were pushed:\n{}", self.ids.len(), ran.told).into()),
        }
    }
}

/// Edits one field of so many contacts, and pushes them.
pub(crate) fn measure(records: usize) -> Result<(), Failed> {
    let pending = Pending::new(&format!("--tier unlimited --contacts {records}"), UNLIMITED)?;
    let copy = copied(&pending.mirror())?;
    let ran = pending.push()?;
    let ceiling = ceiling(&pending, copy)?;
    let edits = pending.ids.len() as f64;
    let (rate, most) = (edits / ran.seconds, edits / ceiling);
    println!("\n| edits pushed | seconds | records/s | ceiling, s | records/s | of the ceiling | calls | peak, MB |");
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    println!(
        "| {edits} | {:.1} | {rate:.0} | {ceiling:.1} | {most:.0} | {:.2} | {} | {:.0} |",
        ran.seconds,
        rate / most,
        ran.number("requests"),
        super::megabytes(ran.peak_kib)
    );
    Ok(())
}

/// Pushes over answers that take a quarter of a second, within a plan's limits.
pub(crate) fn measure_latency(records: usize) -> Result<(), Failed> {
    let limits = "tier = \"professional\"\n";
    let pending = Pending::new(&format!("--tier professional --latency 250ms --contacts {records}"), limits)?;
    let ran = pending.push()?;
    // Each is read before it is written, a hundred to a call.
    let full = 2.0 * (pending.ids.len() as f64 / 100.0);
    let window = ran.seconds * WINDOW / 10.0;
    println!("\n| tier | edits pushed | seconds | calls | with 100 inputs | of the window's calls | 429 |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    println!(
        "| professional | {} | {:.1} | {} | {full:.0} | {:.2} | {} |",
        pending.ids.len(),
        ran.seconds,
        ran.number("requests"),
        full / window,
        ran.number("throttled")
    );
    Ok(())
}

/// Kills a push in its midst, and measures how long the next one takes until it knows what became of everything.
pub(crate) fn measure_recovery(records: usize) -> Result<(), Failed> {
    let pending = Pending::new(&format!("--tier unlimited --contacts {records}"), UNLIMITED)?;
    let (home, allowed) = (pending.home.path(), pending.allowed());
    let reader = Connection::open(pending.mirror())?;
    let count = |which: &str| -> Result<i64, Failed> {
        Ok(reader.query_row(&format!("SELECT count(*) FROM sync_journal WHERE {which}"), [], |row| row.get(0))?)
    };
    let open = "settled_at IS NULL";
    let mut killed = pending.simulator.begin(home, &["push", "--allow", &allowed])?;
    while count("settled_at IS NOT NULL")? < records as i64 / 3 || count(open)? == 0 {
        if killed.try_wait()?.is_some() {
            return Err("the push ended before it could be killed".into());
        }
        std::thread::sleep(LOOK);
    }
    killed.kill()?;
    killed.wait()?;
    let left = count(open)?;
    // New entries have new numbers.
    let last: i64 = reader.query_row("SELECT max(id) FROM sync_journal", [], |row| row.get(0))?;
    let began = Instant::now();
    let mut next = pending.simulator.begin(home, &["push", "--allow", &allowed])?;
    while count(&format!("{open} AND id <= {last}"))? > 0 {
        if next.try_wait()?.is_some_and(|status| !status.success()) {
            return Err("the recovery failed".into());
        }
        std::thread::sleep(LOOK);
    }
    let seconds = began.elapsed().as_secs_f64();
    if !next.wait()?.success() {
        return Err("the push after the kill failed".into());
    }
    println!("\n| edits | entries open after the kill | until all were settled, s |");
    println!("|--:|--:|--:|");
    println!("| {} | {left} | {seconds:.2} |", pending.ids.len());
    Ok(())
}

/// The mirror as it is before the push, without triggers: what one thread does that does nothing else.
fn copied(mirror: &Path) -> Result<Connection, Failed> {
    let copy = mirror.with_file_name("ceiling.db");
    Connection::open(mirror)?.execute("VACUUM INTO ?1", [copy.to_str().ok_or("the folder has no plain name")?])?;
    let connection = Connection::open(copy)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    triggers.iter().try_for_each(|name| connection.execute_batch(&format!("DROP TRIGGER \"{name}\"")))?;
    Ok(connection)
}

/// One thread that makes the same calls in batches of a hundred, one after the other, and writes the same rows: what is
/// to be sent into the journal, on the disk before it leaves; then base, typed row and history, and the entry closed. No
/// comparing, no merging, no gaps. Returns how long it takes.
fn ceiling(pending: &Pending, mut copy: Connection) -> Result<f64, Failed> {
    let fields = super::ceiling::fields(&pending.mirror())?;
    let names: Vec<&str> = fields.iter().map(|field| field.property.as_str()).collect();
    let columns: String = fields.iter().map(|field| format!(", \"{}\" = ?", field.column)).collect();
    let update_row = format!("UPDATE contacts SET updated_at = ?{columns} WHERE id = ?");
    let caller = Caller::new(&pending.simulator)?;
    let began = Instant::now();
    for (batch, some) in pending.ids.chunks(100).enumerate() {
        let inputs: Vec<_> = some.iter().map(|id| json!({ "id": id })).collect();
        let read = caller.call("read", json!({ "properties": names, "inputs": inputs }))?;
        let read: HashMap<&str, Properties> = serde_json::from_slice::<Page<'_>>(&read)?
            .results
            .into_iter()
            .map(|wire| (wire.id, Properties::from_json(wire.properties.get())))
            .collect();
        copy.pragma_update(None, "synchronous", "FULL")?;
        let entering = copy.transaction()?;
        for (place, id) in some.iter().enumerate() {
            entering
                .prepare_cached(
                    "INSERT INTO sync_journal (run_id, object, operation, trace, row_handle, uid, record_id, properties,
                     sent_at, seen_at) VALUES (9, 'contacts', 'update', ?1, ?2, ?3, ?3, ?4, '2026', 0)",
                )?
                .execute((format!("9-{batch}-{place}"), (batch * 100 + place) as i64, id, format!("{{\"city\":[null,{id}]}}")))?;
        }
        entering.commit()?;
        let value = |id: &str| format!("Place {id}");
        let inputs: Vec<_> = some.iter().map(|id| json!({ "id": id, "properties": { "city": value(id) } })).collect();
        let written = caller.call("update", json!({ "inputs": inputs }))?;
        let written = serde_json::from_slice::<Page<'_>>(&written)?.results;
        copy.pragma_update(None, "synchronous", "NORMAL")?;
        let settling = copy.transaction()?;
        for (place, wire) in written.iter().enumerate() {
            let properties = read.get(wire.id).ok_or("a record was not read")?.with("city", &value(wire.id));
            let mut cells = vec![Value::Null; fields.len()];
            properties.for_each(|name, told| {
                if let (Some(place), Some(told)) = (names.iter().position(|own| *own == name), told) {
                    cells[place] = super::ceiling::owned(fields[place].project(Some(&told)).cell);
                }
            })?;
            let at = Timestamp::parse(wire.updated_at).unwrap_or_default();
            let (first, last) = (Value::Text(at.to_string()), Value::Text(wire.id.to_owned()));
            let row = std::iter::once(first).chain(cells).chain(std::iter::once(last));
            settling.prepare_cached(&update_row)?.execute(params_from_iter(row))?;
            settling
                .prepare_cached("UPDATE sync_base_contacts SET updated_at = ?2, properties = ?3 WHERE id = ?1")?
                .execute((wire.id, at.millis(), properties.as_json()))?;
            settling
                .prepare_cached(
                    "INSERT INTO sync_history (run_id, at, object, record_id, property, side, before, after)
                     VALUES (9, ?1, 'contacts', ?2, 'city', 'hubspot', NULL, ?3)",
                )?
                .execute((at.to_string(), wire.id, value(wire.id)))?;
            settling
                .prepare_cached("UPDATE sync_journal SET settled_at = ?2, outcome = 'done' WHERE trace = ?1")?
                .execute((format!("9-{batch}-{place}"), at.to_string()))?;
        }
        settling.commit()?;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Makes the calls.
struct Caller {
    transport: HttpTransport,
    token: String,
    runtime: tokio::runtime::Runtime,
}

impl Caller {
    fn new(simulator: &Simulator) -> Result<Self, Failed> {
        let (base, token) = simulator.told();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { transport: HttpTransport::new(base)?, token: token.to_owned(), runtime })
    }

    fn call(&self, what: &str, body: serde_json::Value) -> Result<Vec<u8>, Failed> {
        let request = Request {
            method: Method::Post,
            path: format!("/crm/objects/2026-09/contacts/batch/{what}"),
            headers: vec![
                ("Authorization".to_owned(), format!("Bearer {}", self.token)),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: Some(body.to_string().into_bytes()),
            timeout: Duration::from_secs(60),
        };
        let answer = self.runtime.block_on(self.transport.send(request))?;
        if answer.status == 200 { Ok(answer.body) } else { Err(format!("{what} answered {}", answer.status).into()) }
    }
}
