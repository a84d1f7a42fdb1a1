//! `crmsync demo`: the whole cycle on a built-in simulated portal.

use super::Context;
use super::summary;
use crate::exit::{CommandError, Exit};
use crate::installation::close;
use crate::output::progress::Display;
use crate::output::{Align, Progress, Table, words};
use crate::rehearsal::Rehearsal;
use clap::Args;
use connectors::{HubSpot, Settings, Token};
use mappings::Mapping;
use rusqlite::Connection;
use simulator::{DataSize, Portal, Tier};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use sync_core::clock::Clock;
use sync_core::events::Observer;
use sync_core::model::Timestamp;
use sync_core::steps::Unstopped;
use sync_core::store::{RunLock, Store, StoreError, StoreHandle};
use sync_core::{Engine, Parts, PullSettings, PushSettings};

/// See the whole cycle on a built-in simulated portal.
///
/// A first full read, changes on both sides, a sync, and what came of it. Needs no account, no configuration and no network. It leaves crm-demo.db behind, an ordinary SQLite file to look
/// around in, and prints where it is. A file of that name that the demo did not make is never replaced.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync demo
  sqlite3 crm-demo.db 'SELECT first_name, email FROM contacts LIMIT 5'")]
pub struct DemoArgs {
    /// Directory to leave crm-demo.db in [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The simulated account: also the mark by which a mirror is known to be the demo's own.
const ACCOUNT: u64 = 48_213_377;
/// How many contacts change between the two pulls.
const CHANGED: usize = 10;
/// Where the story begins: 2026-10-05T12:00:00Z.
const START: i64 = 1_791_201_600_000;

/// The demo's own time: real seconds, and the hours that it skips.
#[derive(Clone)]
struct MovedClock {
    began: Instant,
    skipped: Arc<AtomicI64>,
}

impl MovedClock {
    fn skip(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.skipped.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + self.skipped.load(Ordering::SeqCst)).plus(self.began.elapsed())
    }
}

/// Everything the demo plays with.
struct Stage {
    rehearsal: Rehearsal,
    clock: MovedClock,
    mirror: PathBuf,
    mappings: Vec<Mapping>,
    token: String,
}

/// Runs the demo.
pub fn run(context: &Context, arguments: &DemoArgs) -> Result<Exit, CommandError> {
    let directory = arguments.dir.clone().unwrap_or_else(|| context.surroundings().directory.clone());
    let mirror = directory.join("crm-demo.db");
    replace_own(&mirror)?;
    let stage = Stage::new(mirror);
    context.block_on(tell(context, &stage))??;
    context.output.line(format!("\nLook around: sqlite3 {}", stage.mirror.display()))?;
    Ok(Exit::Done)
}

async fn tell(context: &Context, stage: &Stage) -> Result<(), CommandError> {
    let say = |text: &str| context.output.line(text);
    say("1. A simulated portal. Its contacts, companies, deals and tickets are read for the first time:")?;
    pull(context, stage).await?;

    say(&format!("\n2. In the CRM somebody gives {CHANGED} contacts a new job. A few minutes later:"))?;
    let ids = stage.give_new_jobs()?;
    stage.clock.skip(Duration::from_mins(10));
    pull(context, stage).await?;

    say("\n3. The mirror, in plain SQL:")?;
    let mirror = Connection::open(&stage.mirror).map_err(StoreError::from)?;
    let query = "SELECT c.first_name, c.last_name, c.job_title, count(cc.company_id) AS companies
FROM contacts_active c LEFT JOIN contacts_companies cc ON cc.contact_id = c.id
WHERE c.job_title = 'Head of Rehearsals' GROUP BY c.id ORDER BY c.last_name LIMIT 5";
    say(&format!("   {}", query.replace('\n', "\n   ")))?;
    show_query(context, &mirror, query, ["first_name", "last_name", "job_title", "companies"])?;

    say("\n4. What changed, from sync_history:")?;
    let query = "SELECT h.record_id, h.property, coalesce(h.before, '-'), h.after FROM sync_history h
WHERE h.property = 'jobtitle' ORDER BY h.record_id LIMIT 3";
    show_query(context, &mirror, query, ["record", "property", "before", "after"])?;
    let found: i64 = mirror
        .query_row("SELECT count(*) FROM contacts WHERE job_title = 'Head of Rehearsals'", [], |row| row.get(0))
        .map_err(StoreError::from)?;
    if usize::try_from(found) == Ok(ids.len()) {
        return Ok(());
    }
    Err(CommandError::internal(format!("the mirror shows {found} of the {} changes.", ids.len())))
}

impl Stage {
    fn new(mirror: PathBuf) -> Self {
        let clock = MovedClock { began: Instant::now(), skipped: Arc::default() };
        let portal = Portal::new(simulator::Settings {
            portal_id: ACCOUNT,
            start: START,
            tier: Tier::Unlimited,
            latency: Duration::ZERO,
            data: DataSize::default(),
            ..simulator::Settings::default()
        });
        let token = portal.token().to_owned();
        let time = clock.clone();
        Self {
            rehearsal: Rehearsal::new(portal, move || time.now().millis()),
            clock,
            mirror,
            mappings: Mapping::main_built_ins(),
            token,
        }
    }

    /// CRM users edit contacts. Returns whose.
    fn give_new_jobs(&self) -> Result<Vec<u64>, CommandError> {
        let now = self.rehearsal.now();
        let mut portal = self.rehearsal.portal();
        let ids: Vec<u64> = portal.active_ids("contacts").into_iter().step_by(150).take(CHANGED).collect();
        for id in &ids {
            portal
                .edit(now, "contacts", *id, &[("jobtitle", "Head of Rehearsals")])
                .map_err(|error| CommandError::internal(format!("the simulated portal refused an edit: {error}.")))?;
        }
        Ok(ids)
    }
}

async fn pull(context: &Context, stage: &Stage) -> Result<(), CommandError> {
    let began = Instant::now();
    let lock = RunLock::take(&stage.mirror)?;
    let display = Display::choose(context.global.quiet || context.output.is_json(), context.global.log_format);
    let progress = Progress::with_clock(display, &context.screen, Arc::new(stage.clock.clone()));
    let observer: Arc<dyn Observer> = Arc::new(progress);
    let token = Token::new(stage.token.clone(), "the simulated portal")
        .map_err(|error| CommandError::internal(error.to_string()))?;
    // A portal without limits is not to be rationed.
    let settings =
        Settings { window_requests: Some(1_000_000), search_per_second: Some(10_000), ..Settings::default() };
    let clock: Arc<dyn Clock> = Arc::new(stage.clock.clone());
    let remote =
        HubSpot::new(stage.rehearsal.clone(), token, settings, Arc::clone(&observer)).with_clock(Arc::clone(&clock));
    let steps = Arc::new(Unstopped);
    let store = StoreHandle::on_thread(Store::open(&stage.mirror)?, clock, steps.clone());
    let engine = Engine::new(Parts {
        remote,
        store,
        observer,
        steps,
        pull: PullSettings::default(),
        push: PushSettings::default(),
    });
    let (account, run_id) = engine.begin_run("pull", None, &lock).await?;
    let mut report = engine.pull(account.server_time, &stage.mappings, &[]).await;
    report.run_id = run_id;
    let (exit, complaints) = summary::outcome(&mut report);
    let usage = close(&engine, &report, exit).await?;
    if let Some(complaint) = complaints.into_iter().next() {
        return Err(complaint);
    }
    context.output.table(&summary::table(&report))?;
    let totals = report.totals();
    context.output.line(format!(
        "   {} in {}, {}",
        words::records(totals.inserted + totals.changed),
        words::span(began.elapsed()),
        words::counted(usage.requests, "call", "calls"),
    ))
}

/// Removes the mirror of an earlier demo. A file that the demo did not make stays, and the command ends.
fn replace_own(mirror: &Path) -> Result<(), CommandError> {
    if !mirror.exists() {
        return Ok(());
    }
    let foreign = || {
        CommandError::usage(format!("{} is there already, and the demo did not make it.", mirror.display()))
            .hint("move it away, or give another directory with --dir.")
    };
    let own = Store::open_to_read(mirror).map_err(|_| foreign())?.is_some_and(|connection| {
        let bound = connection.query_row("SELECT value FROM sync_meta WHERE key = 'portal_id'", [], |row| row.get(0));
        bound.is_ok_and(|bound: String| bound == ACCOUNT.to_string())
    });
    if !own {
        return Err(foreign());
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = mirror.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn show_query<const N: usize>(
    context: &Context,
    mirror: &Connection,
    query: &str,
    columns: [&str; N],
) -> Result<(), CommandError> {
    let mut table = Table::new(columns.map(|column| (column, Align::Left)));
    let mut statement = mirror.prepare(query).map_err(StoreError::from)?;
    let mut rows = statement.query([]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let mut cells = Vec::with_capacity(N);
        for place in 0..N {
            let value: rusqlite::types::Value = row.get(place).map_err(StoreError::from)?;
            cells.push(match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Real(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Null | rusqlite::types::Value::Blob(_) => "-".to_owned(),
            });
        }
        table.row(cells);
    }
    context.output.table(&table)
}
