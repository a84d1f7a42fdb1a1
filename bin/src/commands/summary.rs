//! What a run did, as a table or a document, and the exit code that follows from it.

use super::Context;
use super::outcome::{Outcome, outcome};
use crate::exit::{CommandError, Exit};
use crate::installation::{Installation, close};
use crate::output::words;
use crate::output::{Align, Table};
use connectors::{Transport, Usage};
use mappings::Mapping;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;
use sync_core::{ObjectReport, Report};
use tokio::time::Instant;

#[derive(Serialize)]
struct RunDocument<'a> {
    run: i64,
    portal: &'a str,
    objects: Vec<ObjectDocument<'a>>,
    requests: u64,
    searches: u64,
    retries: u64,
    throttled: u64,
    seconds: f64,
    /// Whether the mirror had been put back from an older copy, and was read anew.
    restored: bool,
    exit_code: u8,
}

#[derive(Serialize)]
struct ObjectDocument<'a> {
    object: &'a str,
    new: u64,
    changed: u64,
    archived: u64,
    associations: u64,
    conflicts: u64,
    missing: u64,
    erased: u64,
    /// Values that their columns cannot show.
    outside: u64,
    created: u64,
    adopted: u64,
    updated: u64,
    archived_there: u64,
    linked: u64,
    unlinked: u64,
    rejects: u64,
    unknown: u64,
    sent_again: u64,
    waiting: u64,
    left: u64,
    backfilled: bool,
    swept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Whether a backfill begins anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StartOver {
    /// Only one that was finished.
    Finished,
    /// Whatever became of the last one.
    Always,
}

/// What a run is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Bring changes in, perhaps all over again.
    Pull(Option<StartOver>),
    /// Send changes.
    Push,
    /// Both.
    Sync,
}

impl Doing {
    /// The command, as it is recorded.
    fn name(self) -> &'static str {
        match self {
            Self::Pull(None) => "pull",
            Self::Pull(Some(_)) => "backfill",
            Self::Push => "push",
            Self::Sync => "sync",
        }
    }
}

/// One run of an installation, from its row in `sync_runs` to its summary on the screen. A sync of a portal that may not
/// be written to only pulls.
pub(super) async fn run<T: Transport + 'static>(
    context: &Context,
    installation: &Installation<T>,
    doing: Doing,
    portal: &str,
    objects: &[String],
) -> Result<Exit, CommandError> {
    let began = Instant::now();
    let engine = &installation.engine;
    let (account, run_id) = installation.begin(doing.name()).await?;
    if let Doing::Pull(Some(start_over)) = doing {
        for object in objects {
            engine.start_over(object, start_over == StartOver::Always).await?;
        }
    }
    let (now, mappings) = (account.server_time, &installation.mappings);
    let mut report = match doing {
        Doing::Sync if installation.may_push => engine.sync(now, mappings, objects).await,
        Doing::Push => engine.push(now, mappings, objects).await,
        Doing::Pull(_) | Doing::Sync => engine.pull(now, mappings, objects).await,
    };
    report.run_id = run_id;
    let outcome = outcome(&mut report);
    let usage = close(engine, &report, outcome.exit).await?;
    // First of all, so that it is told whatever becomes of the result.
    for complaint in &outcome.complaints {
        context.output.complain(complaint);
    }
    show(context, portal, &report, &usage, began.elapsed(), &outcome, &remarks(&report, mappings))?;
    Ok(outcome.exit)
}

fn show(
    context: &Context,
    portal: &str,
    report: &Report,
    usage: &Usage,
    took: Duration,
    outcome: &Outcome,
    remarks: &[String],
) -> Result<(), CommandError> {
    let objects = report.objects.iter().map(|(object, part)| document(object, part)).collect();
    let document = RunDocument {
        run: report.run_id,
        portal,
        objects,
        requests: usage.requests,
        searches: usage.search,
        retries: usage.retries,
        throttled: usage.throttled,
        seconds: (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
        restored: report.restored,
        exit_code: outcome.exit.code(),
    };
    context.output.show(&document, |output| {
        if !report.objects.is_empty() {
            output.table(&table(report, &outcome.belted))?;
        }
        remarks.iter().try_for_each(|remark| output.line(remark))?;
        let retried = if usage.retries == 0 { String::new() } else { format!(", {} repeated", usage.retries) };
        output.line(format!(
            "run {}: {} in {} ({}{retried})",
            report.run_id,
            words::counted(usage.requests, "call", "calls"),
            words::span(took),
            words::counted(usage.search, "search", "searches"),
        ))
    })
}

/// What stands below the table: what concerns all of the run, each with the next step.
fn remarks(report: &Report, mappings: &[Mapping]) -> Vec<String> {
    let mut remarks = Vec::new();
    let outside = |object: &str| report.objects.get(object).is_some_and(|part| part.applied.outside > 0);
    let views = mappings.iter().filter(|mapping| outside(&mapping.object));
    let views: Vec<String> = views.map(|mapping| format!("`{}_raw`", mapping.table)).collect();
    if !views.is_empty() {
        let null = "A value that its column cannot show is NULL there: see it as HubSpot sent it in";
        remarks.push(format!("{null} {}.", views.join(", ")));
    }
    if report.restored {
        let restored = "The mirror had been restored from an older copy";
        remarks.push(format!("{restored}: all of it is read again before anything is sent."));
    }
    if report.open_conflicts > 0 {
        let waiting = words::counted(report.open_conflicts, "conflict waits", "conflicts wait");
        remarks.push(format!("{waiting} for a person: see `crmsync conflicts`."));
    }
    if report.open_rejects > 0 {
        let waiting = words::counted(report.open_rejects, "reject waits", "rejects wait");
        remarks.push(format!("{waiting} for a person: see `crmsync rejects`."));
    }
    remarks
}

/// The report as a table for people.
fn table(report: &Report, belted: &BTreeSet<String>) -> Table {
    let mut table = Table::new([
        ("object", Align::Left),
        ("new", Align::Right),
        ("changed", Align::Right),
        ("archived", Align::Right),
        ("associations", Align::Right),
        ("conflicts", Align::Right),
        ("", Align::Left),
    ]);
    for (object, part) in &report.objects {
        table.row([
            object.clone(),
            words::count(part.applied.inserted),
            words::count(part.applied.changed),
            words::count(part.applied.archived),
            words::count(part.associations),
            words::count(conflicts(part)),
            note(part, belted.contains(object)),
        ]);
    }
    table
}

/// How the object's part ended, and what no column of it shows.
fn note(part: &ObjectReport, belted: bool) -> String {
    let early = |how: &str| {
        let notes = notes(part);
        if notes.is_empty() { how.to_owned() } else { format!("{how}, {notes}") }
    };
    let ended = match (&part.skipped, &part.failed) {
        (Some(_), _) => "left out".to_owned(),
        (_, Some(_)) if belted => early("stopped by a belt"),
        (_, Some(_)) => early("ended early"),
        _ if part.backfilled => "read in full".to_owned(),
        _ => notes(part),
    };
    if part.applied.outside == 0 {
        return ended;
    }
    let (one, many) = ("value that its column cannot show", "values that their columns cannot show");
    let comma = if ended.is_empty() { "" } else { ", " };
    format!("{ended}{comma}{}", words::counted(part.applied.outside, one, many))
}

/// Fields that both sides changed: found when changes came in, right before they went out, and right after.
fn conflicts(part: &ObjectReport) -> u64 {
    part.applied.conflicts + part.pushed.conflicts + part.pushed.overwritten
}

/// What was sent and what a sweep found, in a few words.
fn notes(part: &ObjectReport) -> String {
    let mut notes = Vec::new();
    let pushed = part.pushed;
    let sent = [
        (pushed.created, "created in HubSpot"),
        (pushed.adopted, "adopted"),
        (pushed.updated, "updated in HubSpot"),
        (pushed.archived, "archived in HubSpot"),
        (pushed.linked, "associated in HubSpot"),
        (pushed.unlinked, "dissociated in HubSpot"),
        (pushed.refused, "refused"),
        (pushed.unknown, "unanswered"),
        (pushed.sent_again, "sent again, perhaps twice"),
        (pushed.waiting, "waiting for a person"),
        (pushed.left, "left for the next push"),
    ];
    let sent = sent.iter().filter(|(count, _)| *count > 0);
    notes.extend(sent.map(|(count, what)| format!("{} {what}", words::count(*count))));
    if part.swept {
        notes.push("swept".to_owned());
    }
    if part.applied.missing > 0 {
        notes.push(format!("{} missing", words::count(part.applied.missing)));
    }
    if part.applied.erased > 0 {
        notes.push(format!("{} erased", words::count(part.applied.erased)));
    }
    notes.join(", ")
}

fn document<'a>(object: &'a str, part: &'a ObjectReport) -> ObjectDocument<'a> {
    ObjectDocument {
        object,
        new: part.applied.inserted,
        changed: part.applied.changed,
        archived: part.applied.archived,
        associations: part.associations,
        conflicts: conflicts(part),
        missing: part.applied.missing,
        erased: part.applied.erased,
        outside: part.applied.outside,
        created: part.pushed.created,
        adopted: part.pushed.adopted,
        updated: part.pushed.updated,
        archived_there: part.pushed.archived,
        linked: part.pushed.linked,
        unlinked: part.pushed.unlinked,
        rejects: part.pushed.refused,
        unknown: part.pushed.unknown,
        sent_again: part.pushed.sent_again,
        waiting: part.pushed.waiting,
        left: part.pushed.left,
        backfilled: part.backfilled,
        swept: part.swept,
        skipped: part.skipped.as_deref(),
        error: part.failed.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{document, remarks, table};
    use crate::commands::outcome::outcome;
    use crate::exit::Exit;
    use mappings::Mapping;
    use std::collections::BTreeSet;
    use sync_core::{ObjectReport, Pushed, Report, RunError};

    #[test]
    fn an_object_that_a_belt_stopped_says_so() {
        let belt = RunError::Belt("12 contacts were edited".to_owned());
        let mut report = Report::default();
        for (object, error) in [("contacts", belt), ("deals", RunError::Storm("too much failed".to_owned()))] {
            report.objects.insert(object.to_owned(), ObjectReport { error: Some(error), ..ObjectReport::default() });
        }
        let outcome = outcome(&mut report);
        assert_eq!((outcome.exit, outcome.complaints.len()), (Exit::Belt, 2));
        let shown = table(&report, &outcome.belted).render(None);
        let note = |object: &str| shown.lines().find(|line| line.starts_with(object)).unwrap().to_owned();
        assert!(note("contacts").ends_with("stopped by a belt"), "{shown}");
        assert!(note("deals").ends_with("ended early"), "{shown}");
    }

    #[test]
    fn conflicts_are_counted_wherever_they_were_found() {
        let pushed = Pushed { conflicts: 2, overwritten: 1, ..Pushed::default() };
        let mut part = ObjectReport { pushed, ..ObjectReport::default() };
        part.applied.conflicts = 4;
        assert_eq!(document("contacts", &part).conflicts, 7);
    }

    #[test]
    fn values_that_no_column_shows_are_counted_and_their_view_is_named() {
        let mut report = Report::default();
        for (object, outside) in [("contacts", 1_850), ("deals", 0), ("tickets", 1)] {
            let mut part = ObjectReport { backfilled: object == "contacts", ..ObjectReport::default() };
            part.applied.outside = outside;
            assert_eq!(document(object, &part).outside, outside);
            report.objects.insert(object.to_owned(), part);
        }
        let shown = table(&report, &BTreeSet::new()).render(None);
        assert!(shown.contains("  read in full, 1,850 values that their columns cannot show\n"), "{shown}");
        assert!(shown.ends_with("  1 value that its column cannot show\n"), "{shown}");
        let said = remarks(&report, &Mapping::main_built_ins());
        let view = "A value that its column cannot show is NULL there: see it as HubSpot sent it in `contacts_raw`, \
                    `tickets_raw`.";
        assert_eq!(said, [view]);
    }
}
