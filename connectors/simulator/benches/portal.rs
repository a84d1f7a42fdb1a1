//! How long a large portal takes to make, how much memory it holds, and how fast it answers on one core.
//!
//! `cargo bench -p simulator -- 1000000` for a million contacts; 100,000 without a number.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::time::{Duration, Instant};

use simulator::{DataSize, Delivery, Portal, Request, Settings, Tier, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() {
    let contacts = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(100_000);
    let data = DataSize { contacts, companies: contacts / 5, deals: contacts / 10, ..DataSize::default() };
    let before = memory();
    let begun = Instant::now();
    let mut portal =
        Portal::new(Settings { data, tier: Tier::Unlimited, latency: Duration::ZERO, ..Settings::default() });
    let (made, held) = (begun.elapsed().as_secs_f64(), memory() - before);
    println!("{contacts} contacts with a fifth companies, a tenth deals: {made:.1} s, {held} MB resident");

    let few = "firstname,lastname,email,phone,jobtitle,lifecyclestage,company,city,country,lastmodifieddate";
    rate("list, 100 a page, 10 properties", || list(&mut portal, few));
    let all = portal.property_names("contacts").join(",");
    rate("list, 100 a page, all properties", || list(&mut portal, &all));
    rate("batch read, 100 a call, 10 properties", || batch_read(&mut portal, few));
    rate("search by id, 200 a page, everything", || search(&mut portal, "1000", 20));
    let recent = (portal.settings().start - 86_400_000).to_string();
    rate("search by id, 200 a page, the last day", || search(&mut portal, &recent, 20));
    match over_http(portal, few) {
        Ok(seconds) => println!("list over HTTP, one connection: {:.0} records/s", 20_000.0 / seconds),
        Err(error) => println!("list over HTTP failed: {error}"),
    }
}

/// Seconds for two hundred pages of a list over one connection, server and client on one thread.
fn over_http(portal: Portal, properties: &str) -> std::io::Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (token, now) = (portal.token().to_owned(), portal.settings().start);
    let path = format!("/crm/objects/2026-09/contacts?limit=100&properties={properties}");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut stream = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
        tokio::spawn(http::serve(listener, http::share(portal), move || now, std::future::pending()));
        let begun = Instant::now();
        let mut buffer = vec![0; 1 << 20];
        for _ in 0..200 {
            let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let (mut got, mut whole) = (0, usize::MAX);
            while got < whole {
                got += stream.read(&mut buffer[got..]).await?;
                whole = length(&buffer[..got]).unwrap_or(usize::MAX);
            }
        }
        Ok(begun.elapsed().as_secs_f64())
    })
}

/// How long a whole answer is, once its head has arrived.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    let body: usize = text.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    Some(head + 4 + body)
}

/// Prints how many records a second `work` gets through; it returns how many there were.
fn rate(what: &str, work: impl FnOnce() -> usize) {
    let begun = Instant::now();
    let records = work();
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what}: {:.0} records/s ({records} in {seconds:.2} s)", records as f64 / seconds);
}

fn send(portal: &mut Portal, request: &Request) -> serde_json::Value {
    let now = portal.settings().start;
    match portal.exchange(now, request).delivery {
        Delivery::Answer(response) => serde_json::from_slice(&response.body).unwrap_or_default(),
        _ => serde_json::Value::Null,
    }
}

/// Walks the list without parsing it: the cursor is read off the end of the text.
fn list(portal: &mut Portal, properties: &str) -> usize {
    let (mut pages, mut after) = (0, String::from("0"));
    let (token, now) = (portal.token().to_owned(), portal.settings().start);
    while pages < 2_000 {
        let path = format!("/crm/objects/2026-09/contacts?limit=100&after={after}&properties={properties}");
        let Delivery::Answer(response) = portal.exchange(now, &Request::get(path, &token)).delivery else { break };
        pages += 1;
        let text = String::from_utf8_lossy(&response.body[response.body.len().saturating_sub(200)..]).into_owned();
        let Some((_, rest)) = text.split_once("\"after\":\"") else { break };
        after = rest.split('"').next().unwrap_or_default().to_owned();
    }
    pages * 100
}

fn batch_read(portal: &mut Portal, properties: &str) -> usize {
    let (token, now) = (portal.token().to_owned(), portal.settings().start);
    let properties: Vec<&str> = properties.split(',').collect();
    let ids = portal.active_ids("contacts");
    let mut records = 0;
    for chunk in ids.chunks(100).take(500) {
        let inputs: Vec<_> = chunk.iter().map(|id| serde_json::json!({"id": id.to_string()})).collect();
        let body = serde_json::json!({"inputs": inputs, "properties": properties}).to_string();
        portal.exchange(now, &Request::post("/crm/objects/2026-09/contacts/batch/read", &token, body));
        records += chunk.len();
    }
    records
}

fn search(portal: &mut Portal, since: &str, pages: usize) -> usize {
    let token = portal.token().to_owned();
    let (mut last, mut records) = (String::from("0"), 0);
    for _ in 0..pages {
        let body = serde_json::json!({"limit": 200, "sorts": [{"propertyName": "hs_object_id"}],
            "properties": ["email"],
            "filterGroups": [{"filters": [
                {"propertyName": "lastmodifieddate", "operator": "GTE", "value": since},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last}]}]});
        let request = Request::post("/crm/objects/2026-09/contacts/search", &token, body.to_string());
        let page = send(portal, &request);
        let rows = page["results"].as_array().map_or(0, Vec::len);
        records += rows;
        let id = rows.checked_sub(1).and_then(|n| page["results"][n]["id"].as_str());
        let Some(id) = id else { break };
        id.clone_into(&mut last);
    }
    records
}

/// Resident megabytes, where the system tells.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).map_or(0, |kb| kb / 1_024)
}
