//! One seed in which both sides write: people in the CRM, somebody with plain SQL in the mirror, and the engine between
//! them, with faults and kills. Then quiet, and the oracle's verdict on every single value.

use super::ledger::Ledger;
use super::oracle;
use super::people::LocalEdits;
use super::schedule::{self, acceptable};
use super::world::{Command, World, paused};
use fastrand::Rng;
use mappings::Mapping;
use rusqlite::{Connection, OptionalExtension, params};
use simulator::Faults;
use std::time::Duration;
use tokio::time::sleep;

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
        let mut world = World::new(settings);
        world.mappings = mappings(&mut dice);
        world.pushing.allow_updates = Some(u64::MAX);
        world.pushing.allow_archives = Some(u64::MAX);
        world.rehearsal.portal().log_writes(true);
        let mut ledger = Ledger::default();
        for _ in 0..dice.usize(3..8) {
            round(&world, &mut dice, &mut ledger).await?;
            sleep(Duration::from_secs(dice.u64(1..7_200))).await;
        }
        quiet(&mut world).await?;
        judge(&world, &ledger)?;
        idle(&world).await?;
        Ok((world.trace(), world.contents()))
    })
}

fn judge(world: &World, ledger: &Ledger) -> Result<(), String> {
    oracle::mirror_equals_portal(world, &LocalEdits::new())?;
    ledger.local_values_are_accounted_for(world)?;
    ledger.remote_values_are_accounted_for(world)?;
    ledger.new_rows_are_made_once(world)?;
    ledger.nothing_is_invented(world)?;
    let unsettled = world.count("SELECT count(*) FROM sync_journal WHERE settled_at IS NULL");
    if unsettled > 0 {
        return Err(format!("{unsettled} outcomes are still not known"));
    }
    oracle::the_token_is_nowhere(world)
}

fn mappings(dice: &mut Rng) -> Vec<Mapping> {
    let all = OBJECTS.iter().map(|(object, fields)| {
        let fields: String = fields.iter().map(|(property, column)| format!("  {property}: {column}\n")).collect();
        let policy = ["remote_wins", "local_wins", "newest", "hold"][dice.usize(..4)];
        let key = if *object == "contacts" { "key: email\n" } else { "" };
        let email = if *object == "contacts" { "  email: mail\n" } else { "" };
        let text = format!("object: {object}\ntable: {object}\n{key}conflict: {policy}\nfields:\n{email}{fields}");
        Mapping::parse("both.yaml", &text).unwrap()
    });
    all.collect()
}

/// One run while people work on both sides; one in three is killed somewhere.
async fn round(world: &World, dice: &mut Rng, ledger: &mut Ledger) -> Result<(), String> {
    let kill = (dice.u8(..3) == 0).then(|| dice.usize(1..150));
    let command = [Command::Sync, Command::Sync, Command::Push, Command::Pull][dice.usize(..4)];
    analyst(world, dice, ledger);
    let (count, span) = (dice.usize(..25), Duration::from_secs(dice.u64(1..600)));
    let mut theirs = dice.fork();
    let users = crm_users(world, &mut theirs, ledger, count, span);
    let (outcome, ()) = tokio::join!(world.run(command, kill), users);
    analyst(world, dice, ledger);
    match outcome {
        Ok(report) => report.errors().try_for_each(acceptable),
        Err(error) => acceptable(&error),
    }
}

/// Faults end, the index settles, and the engine runs until it has seen and sent everything.
async fn quiet(world: &mut World) -> Result<(), String> {
    world.rehearsal.portal().set_faults(Faults::none());
    world.pulling.allow_vanished = Some(u64::MAX);
    for _ in 0..3 {
        sleep(Duration::from_secs(26 * 3_600)).await;
        let due = world.rehearsal.now();
        for _ in 0..200 {
            world.run_well(Command::Sync).await?;
            if world.swept_since(due) {
                break;
            }
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

async fn crm_users(world: &World, dice: &mut Rng, ledger: &mut Ledger, count: usize, span: Duration) {
    for _ in 0..count {
        let pause = span.mul_f64(dice.f64() * 2.0) / u32::try_from(count).unwrap();
        sleep(pause).await;
        act(world, dice, ledger);
    }
}

/// One thing that a CRM user does. What the portal refuses is simply not done.
fn act(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    let now = world.rehearsal.now();
    let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
    let property = fields[dice.usize(..fields.len())].0;
    let mut portal = world.rehearsal.portal();
    let active = portal.active_ids(object);
    if active.is_empty() {
        return;
    }
    let id = active[dice.usize(..active.len())];
    let token = ledger.token('R');
    match dice.u32(..100) {
        0..60 => {
            if portal.edit(now, object, id, &[(property, token.as_str())]).is_ok() {
                ledger.wrote_there(now, object, id, property, token);
            }
        }
        60..75 => {
            if let Ok(id) = portal.create(now, object, &[(property, token.as_str())]) {
                ledger.wrote_there(now, object, id, property, token);
            }
        }
        75..83 => drop(portal.archive(now, object, id)),
        83..88 => {
            let archived: Vec<u64> =
                portal.records(object).filter(|record| record.archived_at.is_some()).map(|record| record.id).collect();
            if !archived.is_empty() {
                drop(portal.restore(now, object, archived[dice.usize(..archived.len())]));
            }
        }
        88..91 => {
            let other = active[dice.usize(..active.len())];
            if other != id {
                drop(portal.merge(now, object, id, other));
            }
        }
        _ => drop(portal.edit(now, object, id, &[(property, "")])),
    }
}

/// Somebody with plain SQL, between two runs.
fn analyst(world: &World, dice: &mut Rng, ledger: &mut Ledger) {
    if !world.mirror().exists() {
        return;
    }
    let person = world.person();
    for _ in 0..dice.usize(..6) {
        let (object, fields) = OBJECTS[dice.usize(..OBJECTS.len())];
        let field = fields[dice.usize(..fields.len())];
        let ready: Option<i64> = person
            .query_row("SELECT 1 FROM sqlite_master WHERE name = ?1 AND type = 'table'", [object], |row| row.get(0))
            .optional()
            .unwrap();
        if ready.is_some() {
            write(world, &person, dice, ledger, object, field);
        }
    }
}

fn write(
    world: &World,
    person: &Connection,
    dice: &mut Rng,
    ledger: &mut Ledger,
    object: &str,
    (property, column): (&str, &str),
) {
    let token = ledger.token('L');
    let some_row = "SELECT _row, _uid, id FROM {} WHERE state IN ('active', 'local', 'archiving') ORDER BY _row LIMIT 1
                    OFFSET ?1 % (SELECT max(1, count(*)) FROM {} WHERE state IN ('active', 'local', 'archiving'))";
    let found: Option<(i64, String, Option<String>)> = person
        .query_row(&some_row.replace("{}", object), [dice.u32(..)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .unwrap();
    let what = dice.u32(..100);
    if what < 15 {
        insert(world, person, dice, ledger, object, (property, column), token);
        return;
    }
    let Some((row, uid, id)) = found else { return };
    let key = (uid.as_str(), id.as_deref());
    match what {
        15..70 => {
            let sql = format!("UPDATE {object} SET {column} = ?2 WHERE _row = ?1");
            person.execute(&sql, params![row, token]).unwrap();
            ledger.wrote_here(object, key, property, Some(token));
        }
        70..78 => {
            person.execute(&format!("UPDATE {object} SET {column} = NULL WHERE _row = ?1"), [row]).unwrap();
            ledger.wrote_here(object, key, property, None);
        }
        78..86 if id.is_some() => {
            // Whole rows are written back by tools that know no UPDATE. The key is given here, because the one that
            // SQLite would make is another one every time.
            let uid = format!("again-{token}");
            let sql = format!("INSERT OR REPLACE INTO {object} (id, _uid, {column}) VALUES (?1, ?2, ?3)");
            person.execute(&sql, params![id, uid, token]).unwrap();
            ledger.take_back(object, key, |_| true);
            ledger.wrote_here(object, (&uid, id.as_deref()), property, Some(token));
        }
        86..93 => {
            person.execute(&format!("DELETE FROM {object} WHERE _row = ?1"), [row]).unwrap();
            ledger.take_back(object, key, |_| true);
        }
        _ if id.is_some() => {
            person.execute(&format!("UPDATE {object} SET archived = 1 WHERE _row = ?1"), [row]).unwrap();
        }
        _ => {}
    }
}

fn insert(
    world: &World,
    person: &Connection,
    dice: &mut Rng,
    ledger: &mut Ledger,
    object: &str,
    (property, column): (&str, &str),
    token: String,
) {
    let uid = format!("own-{token}");
    let mail = match dice.u8(..5) {
        _ if object != "contacts" => None,
        // Somebody's address: the new row is that person's.
        0 => {
            world.rehearsal.portal().records("contacts").filter_map(|record| record.text("email")).nth(dice.usize(..9))
        }
        1 | 2 => Some(format!("{}@mail.example", token.to_lowercase())),
        _ => None,
    };
    let mail = mail.filter(|mail| !mail.is_empty());
    match &mail {
        Some(mail) => {
            let sql = format!("INSERT INTO {object} (_uid, mail, {column}) VALUES (?1, ?2, ?3)");
            person.execute(&sql, params![uid, mail, token]).unwrap();
            ledger.made(object, mail, usize::MAX);
        }
        None => {
            let sql = format!("INSERT INTO {object} (_uid, {column}) VALUES (?1, ?2)");
            person.execute(&sql, params![uid, token]).unwrap();
        }
    }
    ledger.made(object, &token, if mail.is_some() { 1 } else { 2 });
    ledger.wrote_here(object, (&uid, None), property, Some(token));
}
