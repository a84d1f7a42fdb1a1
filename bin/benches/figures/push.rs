//! How fast edits get from the mirror into a portal, against a program that does nothing but make the same calls.

use super::portal::{Failed, Simulator, configure};
use super::{UNLIMITED, fields};
use connectors::http::{HttpTransport, Method, Request, Transport};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// What `push.enabled` needs.
const MAY_PUSH: &str = "[portals.bench.push]\nenabled = true\n";

/// Edits one field of so many contacts, and pushes them.
pub(crate) fn measure(records: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let simulator = super::simulator(records, 20)?;
    configure(home.path(), &[("contacts", fields(20))], &format!("{UNLIMITED}{MAY_PUSH}"))?;
    simulator.run(home.path(), &["pull"])?;
    let person = rusqlite::Connection::open(home.path().join("bench.db"))?;
    let active = "state = 'active'";
    let edited = person.execute(&format!("UPDATE contacts SET of_city = 'Town ' || _row WHERE {active}"), [])?;
    let ids: Vec<String> = person
        .prepare(&format!("SELECT id FROM contacts WHERE {active}"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    drop(person);
    let ran = simulator.run(home.path(), &["push", "--allow", &format!("updates={edited}")])?;
    let pushed = ran.summary["objects"][0]["updated"].as_u64().ok_or("the run told no number of updates")?;
    if pushed != edited as u64 {
        return Err(format!("{pushed} of {edited} edits were pushed:\n{}", ran.told).into());
    }
    let ceiling = ceiling(&simulator, &ids, home.path())?;
    let (rate, most) = (pushed as f64 / ran.seconds, ids.len() as f64 / ceiling);
    println!("\n| edits pushed | seconds | records/s | ceiling, s | records/s | of the ceiling | calls | peak, MB |");
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    println!(
        "| {pushed} | {:.1} | {rate:.0} | {ceiling:.1} | {most:.0} | {:.2} | {} | {:.0} |",
        ran.seconds,
        rate / most,
        ran.number("requests"),
        super::megabytes(ran.peak_kib)
    );
    Ok(())
}

/// One thread that reads and writes the same records in batches of a hundred, one call after the other. Returns how long
/// it takes.
fn ceiling(simulator: &Simulator, ids: &[String], mirror: &Path) -> Result<f64, Failed> {
    let (base, token) = simulator.told();
    let transport = HttpTransport::new(base)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = std::fs::read_to_string(mirror.join("mappings/contacts.yaml"))?;
    let mapping = mappings::Mapping::parse("contacts.yaml", &text)?;
    let names: Vec<&str> = mapping.fields.iter().map(|field| field.property.as_str()).collect();
    let call = |what: &str, body: serde_json::Value| -> Result<(), Failed> {
        let request = Request {
            method: Method::Post,
            path: format!("/crm/objects/2026-09/contacts/batch/{what}"),
            headers: vec![
                ("Authorization".to_owned(), format!("Bearer {token}")),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: Some(body.to_string().into_bytes()),
            timeout: Duration::from_secs(60),
        };
        let answer = runtime.block_on(transport.send(request))?;
        // Some values hold half a surrogate pair: the text is walked through, not turned into values.
        serde_json::from_slice::<&serde_json::value::RawValue>(&answer.body)?;
        if answer.status == 200 { Ok(()) } else { Err(format!("{what} answered {}", answer.status).into()) }
    };
    let began = Instant::now();
    for some in ids.chunks(100) {
        let inputs: Vec<_> = some.iter().map(|id| json!({ "id": id })).collect();
        call("read", json!({ "properties": names, "inputs": inputs }))?;
        let inputs: Vec<_> =
            some.iter().map(|id| json!({ "id": id, "properties": { "city": format!("Place {id}") } })).collect();
        call("update", json!({ "inputs": inputs }))?;
    }
    Ok(began.elapsed().as_secs_f64())
}
