//! The story, step by step. Each claim is compared with the mirror and with the portal before the next step begins.

use super::stage::Stage;
use super::teller::{Rows, Step, Teller, expect, query};
use crate::commands::allowances::AllowArgs;
use crate::commands::summary::{self, Doing};
use crate::commands::undo::{self, UndoArgs};
use crate::commands::{conflicts, plan};
use crate::exit::{CommandError, Exit};
use crate::output::words;
use serde_json::Value;
use std::time::Duration;

/// A contact that the story is about.
struct Person {
    id: u64,
    email: String,
    job: String,
    city: String,
}

const NEWS: &str = "Head of Rehearsals";
const MY_JOB: &str = "Harbour Pilot";
const THEIR_PHONE: &str = "+44 20 7946 0112";
const MY_CITY: &str = "Lisbon";
const THEIR_CITY: &str = "Oslo";
const NEWCOMER: &str = "ada@sea.example";

/// Those whom the story needs have everything that it looks at, and names that fit on a line.
const CAST: &str = "SELECT id, email, job_title, city FROM contacts_active
    WHERE email LIKE '%@mail.example' AND length(email) <= 27 AND phone IS NOT NULL
      AND job_title NOT GLOB '*[^ -~]*' AND city NOT GLOB '*[^ -~]*' AND city NOT IN ('Lisbon', 'Oslo')
    ORDER BY id LIMIT 6";

/// Tells it.
pub(super) fn tell(stage: &Stage, mut teller: Teller) -> Result<Vec<Step>, CommandError> {
    teller.preface(
        "A CRM that lives in this program, and its mirror in crm-demo.db. `$` is a\n\
         command, `sql>` a statement in any SQLite tool, `CRM>` what somebody does there.",
    )?;
    first_read(stage, &mut teller)?;
    let [first, second, third, merged, torn, leaving] = cast(stage)?;
    news(stage, &mut teller, &[first, second, third])?;
    merge(stage, &mut teller, &merged)?;
    conflict(stage, &mut teller, &torn)?;
    new_row(stage, &mut teller)?;
    archive(stage, &mut teller, &leaving)?;
    planned(stage, &mut teller)?;
    sent(stage, &mut teller, &merged, &torn, &leaving)?;
    idle(stage, &mut teller)?;
    undone(stage, &mut teller, &merged)?;
    Ok(teller.end())
}

fn first_read(stage: &Stage, teller: &mut Teller) -> Result<(), CommandError> {
    teller.step("The first run reads everything.")?;
    run(stage, teller, "pull", Doing::Pull(None), &[])?;
    let mut held = Vec::new();
    for mapping in &stage.mappings {
        let rows = query(stage, &format!("SELECT count(*) AS rows FROM {}_active", mapping.table))?;
        let active = stage.active(&mapping.object) as u64;
        expect("the number of rows", rows.first("rows"), &active.into())?;
        held.push(format!("{} {}", words::count(active), mapping.object));
    }
    teller.say(format!("Active on both sides: {}.", held.join(", ")))
}

fn cast(stage: &Stage) -> Result<[Person; 6], CommandError> {
    let rows = query(stage, CAST)?;
    let people = rows.cells.iter().filter_map(|row| match row.as_slice() {
        [Value::String(id), Value::String(email), Value::String(job), Value::String(city)] => {
            let id = id.parse().ok()?;
            Some(Person { id, email: email.clone(), job: job.clone(), city: city.clone() })
        }
        _ => None,
    });
    let people: Vec<Person> = people.collect();
    let found = people.len();
    people.try_into().map_err(|_| CommandError::internal(format!("the demo found {found} of 6 contacts it needs.")))
}

fn news(stage: &Stage, teller: &mut Teller, people: &[Person]) -> Result<(), CommandError> {
    teller.step("Somebody works in the CRM. The next run brings it.")?;
    let mut wanted = Rows::new(["record_id", "before", "after"]);
    for person in people {
        stage.edit(person.id, "jobtitle", NEWS)?;
        wanted.cells.push(vec![person.id.to_string().into(), person.job.as_str().into(), NEWS.into()]);
    }
    teller.crm(format!("three contacts become {NEWS}"))?;
    later(stage);
    run(stage, teller, "pull contacts", Doing::Pull(None), &["contacts"])?;
    let rows = teller.ask(
        stage,
        "SELECT record_id, before, after FROM sync_history\nWHERE property = 'jobtitle' ORDER BY record_id",
    )?;
    expect("the history", &rows, &wanted)
}

fn merge(stage: &Stage, teller: &mut Teller, person: &Person) -> Result<(), CommandError> {
    teller.step("You and somebody in the CRM edit the same contact: both edits stay.")?;
    let email = &person.email;
    teller.change(stage, format!("UPDATE contacts SET job_title = '{MY_JOB}'\nWHERE email = '{email}'"))?;
    stage.edit(person.id, "phone", THEIR_PHONE)?;
    teller.crm(format!("{email} gets another phone number"))?;
    later(stage);
    run(stage, teller, "pull contacts", Doing::Pull(None), &["contacts"])?;
    let rows = teller.ask(stage, &format!("SELECT job_title, phone FROM contacts\nWHERE email = '{email}'"))?;
    expect("the job title", rows.first("job_title"), &MY_JOB.into())?;
    expect("the phone number", rows.first("phone"), &THEIR_PHONE.into())?;
    expect("the job title in the CRM", &text(stage, person, "jobtitle")?, &person.job)?;
    teller.say("Your job title waits to be sent.")
}

fn conflict(stage: &Stage, teller: &mut Teller, person: &Person) -> Result<(), CommandError> {
    teller.step("Both change the same field: a policy decides, and the loser is kept.")?;
    let email = &person.email;
    teller.change(stage, format!("UPDATE contacts SET city = '{MY_CITY}'\nWHERE email = '{email}'"))?;
    stage.edit(person.id, "city", THEIR_CITY)?;
    teller.crm(format!("{email} moves from {} to {THEIR_CITY}", person.city))?;
    later(stage);
    run(stage, teller, "pull contacts", Doing::Pull(None), &["contacts"])?;
    teller.command("conflicts list --all", |context| {
        conflicts::show_list(&context.output, &stage.sqlite()?, true)?;
        Ok(Exit::Done)
    })?;
    let found = query(stage, "SELECT id, record_id, property, local, remote, chosen FROM sync_conflicts")?;
    let mut wanted = Rows::new(["id", "record_id", "property", "local", "remote", "chosen"]);
    let (id, record) = (found.first("id").clone(), person.id.to_string());
    let row = [record.as_str(), "city", MY_CITY, THEIR_CITY, "remote"].map(Value::from);
    wanted.cells.push([id.clone()].into_iter().chain(row).collect());
    expect("the conflict", &found, &wanted)?;
    let city = query(stage, &format!("SELECT city FROM contacts WHERE email = '{email}'"))?;
    expect("the city", city.first("city"), &THEIR_CITY.into())?;
    teller.say(format!(
        "{THEIR_CITY} won, by `conflict: remote_wins`. To send {MY_CITY} after all:\n\
         `crmsync conflicts resolve {id} --take local`"
    ))
}

fn new_row(stage: &Stage, teller: &mut Teller) -> Result<(), CommandError> {
    teller.step("A new row becomes a record.")?;
    teller.change(
        stage,
        format!("INSERT INTO contacts (_uid, email, first_name)\nVALUES ('ada-1', '{NEWCOMER}', 'Ada')"),
    )?;
    let row = query(stage, "SELECT id, state FROM contacts WHERE _uid = 'ada-1'")?;
    expect("the id", row.first("id"), &Value::Null)?;
    expect("the state", row.first("state"), &"local".into())?;
    teller.say("It has no `id` until it is sent. `_uid` is a key of your own, and optional.")
}

fn archive(stage: &Stage, teller: &mut Teller, person: &Person) -> Result<(), CommandError> {
    teller.step("A row with `archived = 1` archives its record.")?;
    teller.change(stage, format!("UPDATE contacts SET archived = 1\nWHERE email = '{}'", person.email))?;
    expect("the contact in the CRM", &stage.contact(person.id)?.is_active(), &true)
}

fn planned(stage: &Stage, teller: &mut Teller) -> Result<(), CommandError> {
    teller.step("What would be sent? A plan makes no call.")?;
    let before = stage.calls();
    teller.command("plan", |context| {
        let (pending, exit) = plan::show(context, &stage.installation(context)?, &[], false)?;
        expect("the plan", &pending, &true)?;
        Ok(exit)
    })?;
    expect("the calls that a plan makes", &stage.calls(), &before)?;
    let pending = query(
        stage,
        "SELECT operation, count(DISTINCT uid) AS rows FROM sync_pending GROUP BY operation ORDER BY operation",
    )?;
    let mut wanted = Rows::new(["operation", "rows"]);
    wanted.cells.extend(["archive", "create", "update"].map(|operation| vec![operation.into(), 1.into()]));
    expect("what is pending", &pending, &wanted)
}

fn sent(
    stage: &Stage,
    teller: &mut Teller,
    merged: &Person,
    torn: &Person,
    leaving: &Person,
) -> Result<(), CommandError> {
    teller.step("One run in both directions.")?;
    run(stage, teller, "sync", Doing::Sync, &[])?;
    let row = teller.ask(stage, "SELECT id, state FROM contacts WHERE _uid = 'ada-1'")?;
    let id = row.first("id").as_str().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| CommandError::internal("the new row has no id."))?;
    let newcomer = Person { id, email: NEWCOMER.to_owned(), job: String::new(), city: String::new() };

    let mut held = Rows::new(["contact", "property", "value"]);
    for (person, property, wanted) in [
        (merged, "jobtitle", MY_JOB),
        (merged, "phone", THEIR_PHONE),
        (torn, "city", THEIR_CITY),
        (&newcomer, "firstname", "Ada"),
    ] {
        let value = text(stage, person, property)?;
        expect(property, &value.as_str(), &wanted)?;
        held.cells.push(vec![person.email.as_str().into(), property.into(), value.into()]);
    }
    let there = if stage.contact(leaving.id)?.archived_at.is_some() { "archived" } else { "active" };
    expect("the archived contact", &there, &"archived")?;
    held.cells.push(vec![leaving.email.as_str().into(), "(the record)".into(), there.into()]);
    teller.portal(&held)?;
    let row = query(stage, &format!("SELECT state FROM contacts WHERE id = '{}'", leaving.id))?;
    expect("the archived row", row.first("state"), &"archived".into())
}

fn idle(stage: &Stage, teller: &mut Teller) -> Result<(), CommandError> {
    teller.step("The next run reads back what was sent; the one after it has nothing to do.")?;
    let before = stage.calls();
    for _ in 0..2 {
        later(stage);
        run(stage, teller, "sync contacts", Doing::Sync, &["contacts"])?;
    }
    let calls = stage.calls();
    expect("the writing calls", &calls.writes, &before.writes)?;
    let last = query(stage, "SELECT pulled, pushed, conflicts, requests FROM sync_runs ORDER BY id DESC LIMIT 1")?;
    for column in ["pulled", "pushed", "conflicts"] {
        expect(column, last.first(column), &0.into())?;
    }
    let asked = last.first("requests").as_u64().unwrap_or_default();
    teller.say(format!("Nothing sent, no row changed: {}.", words::counted(asked, "call", "calls")))
}

fn undone(stage: &Stage, teller: &mut Teller, person: &Person) -> Result<(), CommandError> {
    teller.step("A run can be taken back.")?;
    let runs = teller.ask(stage, "SELECT id, command, pushed FROM sync_runs WHERE pushed > 0")?;
    expect("the number of runs that sent anything", &runs.cells.len(), &1)?;
    let run = runs.first("id").as_i64().unwrap_or_default();
    teller.command(&format!("undo {run}"), |context| {
        let arguments = UndoArgs { run, archive_created: false, dry_run: false, allow: AllowArgs::default() };
        undo::undo(context, &stage.installation(context)?, &arguments)
    })?;
    let mut held = Rows::new(["contact", "property", "value"]);
    for (property, wanted) in [("jobtitle", person.job.as_str()), ("phone", THEIR_PHONE)] {
        let value = text(stage, person, property)?;
        expect(property, &value.as_str(), &wanted)?;
        held.cells.push(vec![person.email.as_str().into(), property.into(), value.into()]);
    }
    teller.portal(&held)?;
    let row = query(stage, &format!("SELECT job_title FROM contacts WHERE id = '{}'", person.id))?;
    expect("the job title", row.first("job_title"), &person.job.as_str().into())?;
    teller.say("Your job title is taken back, the phone number of the CRM stays.")
}

/// A run as its command does it, with the command's own summary.
fn run(stage: &Stage, teller: &mut Teller, words: &str, doing: Doing, objects: &[&str]) -> Result<(), CommandError> {
    let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
    teller.command(words, |context| {
        let installation = stage.installation(context)?;
        context.block_on(summary::run(context, &installation, doing, "demo", &objects))?
    })
}

/// Some minutes pass, in which the CRM's index learns of what was changed.
fn later(stage: &Stage) {
    stage.wait(Duration::from_mins(5));
}

fn text(stage: &Stage, person: &Person, property: &str) -> Result<String, CommandError> {
    Ok(stage.contact(person.id)?.text(property).unwrap_or_default())
}
