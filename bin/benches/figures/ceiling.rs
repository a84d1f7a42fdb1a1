//! What one thread can do that does nothing else: it parses the same pages and writes the same base and typed rows, with
//! nothing that makes a mirror safe: no merge, no hash, no trigger, no cursor, no history.

use super::portal::{Failed, Simulator};
use connectors::http::{HttpTransport, Method, Request, Transport};
use mappings::{Cell, Field, Mapping};
use rusqlite::{Connection, params, params_from_iter};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use sync_core::model::{Properties, Timestamp};
use sync_core::store::Store;

/// Pages in one transaction.
const PAGES: usize = 20;

/// What it took.
pub(crate) struct Ceiling {
    pub(crate) seconds: f64,
    pub(crate) records: u64,
}

#[derive(Deserialize)]
pub(crate) struct Page<'a> {
    #[serde(borrow)]
    pub(crate) results: Vec<Wire<'a>>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Next,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire<'a> {
    pub(crate) id: &'a str,
    created_at: &'a str,
    pub(crate) updated_at: &'a str,
    #[serde(borrow)]
    pub(crate) properties: &'a RawValue,
}

/// The pages of the list, with the properties that the mirror at `mirror` was read with.
pub(crate) fn fetch(simulator: &Simulator, mirror: &Path) -> Result<Vec<Vec<u8>>, Failed> {
    let (base, token) = simulator.told();
    let names: Vec<String> = fields(mirror)?.into_iter().map(|field| field.property).collect();
    let transport = HttpTransport::new(base)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let request = Request {
            method: Method::Get,
            path: format!("/crm/objects/2026-09/contacts?limit=100&properties={}{after}", names.join(",")),
            headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
            body: None,
            timeout: Duration::from_secs(60),
        };
        let body = runtime.block_on(transport.send(request))?.body;
        let next = serde_json::from_slice::<Page<'_>>(&body)?.paging.map(|paging| paging.next.after);
        pages.push(body);
        match next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(pages),
        }
    }
}

/// Writes pages into a new file with the tables and indexes of the mirror.
pub(crate) fn write(pages: &[Vec<u8>], mirror: &Path, path: &Path) -> Result<Ceiling, Failed> {
    let fields = fields(mirror)?;
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    copy_schema(mirror, &connection)?;
    let places: HashMap<&str, usize> =
        fields.iter().enumerate().map(|(place, field)| (field.property.as_str(), place)).collect();
    let columns: String = fields.iter().map(|field| format!("\"{}\", ", field.column)).collect();
    let marks = ", ?".repeat(fields.len());
    let insert_row = format!(
        "INSERT INTO contacts (id, _uid, {columns} created_at, updated_at, archived, state)
         VALUES (?, ?{marks}, ?, ?, 0, 'active')"
    );
    let insert_base = "INSERT INTO sync_base_contacts (_row, id, created_at, updated_at, archived, state, row_hash,
                       properties) VALUES (?1, ?2, ?3, ?4, 0, 'active', 0, ?5)";
    let began = Instant::now();
    let mut records = 0;
    for batch in pages.chunks(PAGES) {
        let transaction = connection.transaction()?;
        {
            let (mut row, mut base) =
                (transaction.prepare_cached(&insert_row)?, transaction.prepare_cached(insert_base)?);
            for page in batch {
                for wire in serde_json::from_slice::<Page<'_>>(page)?.results {
                    let properties = Properties::from_json(wire.properties.get());
                    let mut cells = vec![rusqlite::types::Value::Null; fields.len()];
                    properties.for_each(|name, value| {
                        if let (Some(place), Some(value)) = (places.get(name), value) {
                            cells[*place] = owned(fields[*place].project(Some(&value)).cell);
                        }
                    })?;
                    let times =
                        [wire.created_at, wire.updated_at].map(|time| Timestamp::parse(time).unwrap_or_default());
                    let text = |text: String| rusqlite::types::Value::Text(text);
                    let head = [text(wire.id.to_owned()), text(format!("r{}", wire.id))];
                    let tail = times.map(|time| text(time.to_string()));
                    row.execute(params_from_iter(head.into_iter().chain(cells).chain(tail)))?;
                    let handle = transaction.last_insert_rowid();
                    base.execute(params![handle, wire.id, times[0].millis(), times[1].millis(), properties.as_json()])?;
                    records += 1;
                }
            }
        }
        transaction.commit()?;
    }
    Ok(Ceiling { seconds: began.elapsed().as_secs_f64(), records })
}

pub(crate) fn owned(cell: Cell<'_>) -> rusqlite::types::Value {
    match cell {
        Cell::Null => rusqlite::types::Value::Null,
        Cell::Integer(number) => rusqlite::types::Value::Integer(number),
        Cell::Real(number) => rusqlite::types::Value::Real(number),
        Cell::Text(text) => rusqlite::types::Value::Text(text.into_owned()),
    }
}

/// The fields of the mapping beside the mirror, typed by the schema in it.
pub(crate) fn fields(mirror: &Path) -> Result<Vec<Field>, Failed> {
    let file = mirror.with_file_name("mappings").join("contacts.yaml");
    let mapping = Mapping::parse("contacts.yaml", &std::fs::read_to_string(file)?)?;
    let resolved = mapping.resolve(&Store::schema_at(mirror, "contacts")?).map_err(|errors| format!("{errors:?}"))?;
    Ok(resolved.fields)
}

fn copy_schema(mirror: &Path, to: &Connection) -> Result<(), Failed> {
    let from = Connection::open(mirror)?;
    let mut statement = from.prepare(
        "SELECT sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL
         AND tbl_name IN ('contacts', 'sync_base_contacts') ORDER BY type DESC",
    )?;
    let statements: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for sql in statements {
        to.execute_batch(&sql)?;
    }
    Ok(())
}
