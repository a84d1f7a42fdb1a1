//! One seed in which both sides write: people in the CRM, somebody with plain SQL in the mirror, and the engine between
//! them, with faults and kills. Then quiet, and the oracle's verdict on every single value.

mod analyst;
mod bulk;
mod crm;
mod frames;
mod links;
mod races;

use super::ledger::archives::Archives;
use super::ledger::{Ledger, OWN_KEY};
use super::oracle;
use super::people::LocalEdits;
use super::schedule::{self, acceptable};
use super::world::{Command, World, paused};
use bulk::Reader;
use fastrand::Rng;
use mappings::Mapping;
use rusqlite::Connection;
use simulator::{Faults, NewProperty};
use std::cell::RefCell;
use std::time::Duration;
use sync_core::{Belt, Report, RunError};
use tokio::time::sleep;

/// How many records a run may update and archive where nobody lifts the belts.
const BELTS: (u64, u64) = (8, 2);

/// The fields that both sides write, in mappings that show them under other names.
const OBJECTS: [(&str, &[(&str, &str)]); 3] = [
    ("contacts", &[("firstname", "first_name"), ("lastname", "last_name"), ("city", "town"), ("jobtitle", "job")]),
    ("companies", &[("name", "title"), ("city", "town")]),
    ("tickets", &[("subject", "headline"), ("content", "body")]),
];

/// Runs one seed to its end. Returns what it left behind as numbers: the trace, and the mirror's contents.
pub(super) fn run(seed: u64) -> Result<(u64, u64), String> {
    paused(async {
        let mut dice = Rng::with_seed(seed ^ 0x5eed);
        let mut settings = schedule::settings(seed, &mut dice);
        // A value is told by the record that holds it, and one that is cleared while nobody looks tells nothing.
        settings.switches.trims = true;
        settings.switches.first_company_is_primary = dice.bool();
        let mut world = World::new(settings);
        world.stays_in_place = true;
        schedule::sweep_often(seed, &mut world);
        let mut own_keys = Rng::with_seed(seed ^ 0x0171e);
        let unique = own_keys.u8(..3) == 0;
        if unique {
            let now = world.rehearsal.now();
            world.rehearsal.portal().add_property(now, "companies", &NewProperty::unique(OWN_KEY)).unwrap();
        }
        world.pushing.verify = own_keys.u8(..3) == 0;
        world.mappings = mappings(&mut dice, &mut Rng::with_seed(seed ^ 0xde1e7e), unique);
        world.pushing.max_updates = Belt { percent: 1.0, at_least: BELTS.0 };
        world.pushing.max_archives = Belt { percent: 1.0, at_least: BELTS.1 };
        world.rehearsal.portal().log_writes(true);
        let ledger = RefCell::new(Ledger::default());
        let mut frames = Rng::with_seed(seed ^ 0xf4a3e);
        let mut hurry = schedule::in_a_hurry(seed);
        for _ in 0..dice.usize(3..8) {
            frames::work(&world, &mut frames, &ledger).await?;
            round(&mut world, &mut dice, hurry.as_mut(), &ledger).await?;
            ledger.borrow_mut().links.look(&world);
            oracle::what_is_missing_is_gone(&world)?;
            oracle::what_is_current_is_so(&world)?;
            sleep(Duration::from_secs(dice.u64(1..7_200))).await;
        }
        quiet(&mut world).await?;
        judge(&world, &ledger.borrow())?;
        idle(&world).await?;
        Ok((world.trace(), world.contents()))
    })
}

fn judge(world: &World, ledger: &Ledger) -> Result<(), String> {
    oracle::mirror_equals_portal(world, &LocalEdits::new())?;
    oracle::records_have_rows(world)?;
    ledger.local_values_are_accounted_for(world)?;
    ledger.remote_values_are_accounted_for(world)?;
    ledger.new_rows_are_made_once(world)?;
    Ledger::keys_are_made_once(world)?;
    ledger.nothing_is_invented(world)?;
    ledger.nothing_is_sent_again(world)?;
    ledger.links.are_accounted_for(world, &ledger.archives)?;
    ledger.archives.were_asked_for(world)?;
    ledger.archives.are_not_forgotten(world)?;
    Archives::are_done(world)?;
    for journal in ["sync_journal", "sync_journal_links"] {
        let unsettled = world.count(&format!("SELECT count(*) FROM {journal} WHERE settled_at IS NULL"));
        if unsettled > 0 {
            return Err(format!("{unsettled} outcomes in {journal} are still not known"));
        }
    }
    oracle::the_token_is_nowhere(world)
}

fn mappings(dice: &mut Rng, deletes: &mut Rng, unique: bool) -> Vec<Mapping> {
    // A pair is stored in the direction of the mapping that names it, or of the first object's, where both do.
    let sides = [[true, false], [false, true], [true, true]][dice.usize(..3)];
    let all = OBJECTS.iter().map(|(object, fields)| {
        let fields: String = fields.iter().map(|(property, column)| format!("  {property}: {column}\n")).collect();
        let policy = ["remote_wins", "local_wins", "newest", "hold"][dice.usize(..4)];
        let key = match *object {
            "contacts" => "key: email\n".to_owned(),
            "companies" if unique => format!("unique: {OWN_KEY}\n"),
            _ => String::new(),
        };
        let email = if *object == "contacts" { "  email: mail\n" } else { "" };
        let pairs = match *object {
            "contacts" if sides[0] => "associations: { companies: {} }\n",
            "companies" if sides[1] => "associations: { contacts: {} }\n",
            "tickets" => "associations: { contacts: {} }\n",
            _ => "",
        };
        let deletes = if deletes.u8(..3) == 0 { "archive" } else { "ignore" };
        let text = format!(
            "object: {object}\ntable: {object}\n{key}conflict: {policy}\ndeletes: {deletes}\n{pairs}\
             fields:\n{email}{fields}"
        );
        Mapping::parse("both.yaml", &text).unwrap()
    });
    all.collect()
}

/// One run while people work on both sides; one in three is killed somewhere, and in one in three nobody lifts the belts.
async fn round(
    world: &mut World,
    dice: &mut Rng,
    hurry: Option<&mut Rng>,
    ledger: &RefCell<Ledger>,
) -> Result<(), String> {
    let kill = (dice.u8(..3) == 0).then(|| schedule::a_step(dice));
    let command = [Command::Sync, Command::Sync, Command::Push, Command::Pull][dice.usize(..4)];
    let lifted = (dice.u8(..3) > 0).then_some(u64::MAX);
    (world.pushing.allow_updates, world.pushing.allow_archives) = (lifted, lifted);
    analyst::works(world, dice, &mut ledger.borrow_mut());
    if dice.u8(..3) == 0 {
        bulk::works(world, dice, &mut ledger.borrow_mut());
    }
    if dice.u8(..6) == 0 && world.mirror().exists() {
        // It makes rows whole, and looks after nothing; where nothing was read yet it fails.
        drop(world.decide(async |engine, mappings| engine.plan(mappings, &[], false).await).await);
    }
    let reader = if dice.u8(..4) == 0 { Reader::begin(world) } else { None };
    let (count, span) = (dice.usize(..25), Duration::from_secs(dice.u64(1..600)));
    let (mut theirs, mut ours) = (dice.fork(), dice.fork());
    let world = &*world;
    let users = crm::users(world, &mut theirs, ledger, count, span);
    let meanwhile = analyst::meanwhile(world, &mut ours, ledger, count / 3, span);
    let run = async {
        match hurry {
            Some(dice) => races::beside(world.run(command, kill), world, dice, ledger).await,
            None => world.run(command, kill).await,
        }
    };
    ledger.borrow_mut().links.under_way(Some(world.rehearsal.now()));
    let (outcome, (), ()) = tokio::join!(run, users, meanwhile);
    ledger.borrow_mut().links.under_way(None);
    reader.map_or(Ok(()), Reader::end)?;
    analyst::works(world, dice, &mut ledger.borrow_mut());
    match outcome {
        Ok(report) if lifted.is_none() => belts_held(world, &report),
        Ok(report) => report.errors().try_for_each(acceptable),
        Err(error) => acceptable(&error),
    }
}

/// O7: what a belt stopped was not even entered, and a run updates and archives no more than it may.
fn belts_held(world: &World, report: &Report) -> Result<(), String> {
    for (object, part) in &report.objects {
        let entered = |journal: &str, which: &str| {
            world.count(&format!("SELECT count(*) FROM {journal} WHERE run_id = {} AND {which}", report.run_id))
        };
        let archived = entered("sync_journal", &format!("object = '{object}' AND operation = 'archive'"));
        if archived > i64::try_from(BELTS.1).unwrap() {
            return Err(format!("{archived} {object} were archived, and {} may be", BELTS.1));
        }
        let updated = world.count(&format!(
            "SELECT count(DISTINCT record_id) FROM sync_journal WHERE run_id = {} AND object = '{object}'
             AND operation = 'update'",
            report.run_id
        ));
        // A new row whose record was there already becomes an edit of it, and no more than these are edited besides.
        if updated > i64::try_from(BELTS.0 + part.pushed.adopted).unwrap() {
            return Err(format!("{updated} {object} were updated, and {} may be", BELTS.0));
        }
        let sent = match &part.error {
            Some(RunError::Belt(why)) if why.contains("associations of") => {
                entered("sync_journal_links", &format!("from_object = '{object}'"))
            }
            Some(RunError::Belt(why)) if !why.starts_with("no read returns all") => {
                entered("sync_journal", &format!("object = '{object}'"))
            }
            Some(error) => {
                acceptable(error)?;
                0
            }
            None => 0,
        };
        if sent > 0 {
            return Err(format!("{sent} changes of {object} were sent, and a belt had stopped it: {:?}", part.error));
        }
    }
    report.error.as_ref().map_or(Ok(()), acceptable)
}

/// The values that rows show in these columns.
fn shown(person: &Connection, object: &str, columns: &[&str], which: &str) -> Vec<String> {
    let read = |column: &&str| {
        let sql = format!("SELECT {column} FROM {object} WHERE {which} AND {column} IS NOT NULL");
        let mut statement = person.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect::<Vec<String>>()
    };
    columns.iter().flat_map(read).collect()
}

/// All columns of an object type that both sides write.
fn columns(object: &str) -> Vec<&'static str> {
    let fields = OBJECTS.iter().find(|(name, _)| *name == object).map_or(&[][..], |(_, fields)| *fields);
    fields.iter().map(|(_, column)| *column).collect()
}

/// Whether a table is there yet.
fn is_ready(person: &Connection, table: &str) -> bool {
    let mut known = person.prepare_cached("SELECT 1 FROM sqlite_master WHERE name = ?1 AND type = 'table'").unwrap();
    known.exists([table]).unwrap()
}

/// Faults end, the index settles, and the engine runs until it has seen and sent everything.
async fn quiet(world: &mut World) -> Result<(), String> {
    world.rehearsal.portal().set_faults(Faults::none());
    world.pulling.allow_vanished = Some(u64::MAX);
    (world.pushing.allow_updates, world.pushing.allow_archives) = (Some(u64::MAX), Some(u64::MAX));
    crm::bring_back(world);
    for _ in 0..3 {
        sleep(Duration::from_secs(26 * 3_600)).await;
        let due = world.rehearsal.now();
        for _ in 0..200 {
            world.run_well(Command::Sync).await?;
            if world.swept_since(due) {
                break;
            }
            sleep(schedule::BETWEEN_QUIET_RUNS).await;
        }
        if !world.swept_since(due) {
            return Err("two hundred runs did not end a sweep".to_owned());
        }
    }
    Ok(())
}

/// Two more runs, with nothing going on: nothing is sent, and no row changes.
async fn idle(world: &World) -> Result<(), String> {
    let before = world.contents();
    world.calls();
    for _ in 0..2 {
        sleep(Duration::from_secs(4 * 3_600)).await;
        let report = world.run_well(Command::Sync).await?;
        let writes = world.calls().0.iter().filter(|asked| asked.is_write()).count();
        if writes > 0 || world.contents() != before {
            return Err(format!("an idle run made {writes} writes: {:?}", report.totals()));
        }
    }
    Ok(())
}
