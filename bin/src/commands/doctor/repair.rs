//! `crmsync doctor --repair`: what can be repaired without asking HubSpot, done and told.

use crate::commands::Context;
use crate::commands::decide::decide;
use crate::config::PortalConfig;
use crate::exit::CommandError;
use crate::installation::mappings_of;
use crate::output::words::{count, counted};
use serde::Serialize;
use sync_core::Repaired;
use sync_core::store::{Examination, Healed, Rebuilt, Restored, RunLock, Store};

/// Something that was repaired.
#[derive(Debug, Default, Serialize)]
pub(super) struct Repair {
    /// The object type; none where it is the mirror's as a whole.
    object: Option<String>,
    /// What was done, in sentences.
    pub(super) done: Vec<String>,
    /// What the table was made from, where it was made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilt: Option<Rebuilt>,
}

/// Repairs the mirror, if there is one, as a run of its own.
pub(super) fn repair(context: &Context, portal: &PortalConfig) -> Result<Vec<Repair>, CommandError> {
    let mappings = mappings_of(portal)?;
    let Some(before) = Store::examine(&portal.mirror, &mappings)? else { return Ok(Vec::new()) };
    let mut repairs = Vec::new();
    if before.guard_open {
        let lock = RunLock::take(&portal.mirror)?;
        Store::close_guard(&portal.mirror)?;
        drop(lock);
        repairs.push(whole("sync_guard is closed: the triggers work again.".to_owned()));
    }
    let repaired = decide(context, portal, "repair", async |installation| installation.engine.repair(&mappings).await)?;
    let after = Store::examine(&portal.mirror, &mappings)?.unwrap_or_default();
    repairs.extend(told(repaired, &before, &after));
    Ok(repairs)
}

fn whole(done: String) -> Repair {
    Repair { done: vec![done], ..Repair::default() }
}

fn told(repaired: Repaired, before: &Examination, after: &Examination) -> Vec<Repair> {
    let mut repairs = Vec::new();
    for restored in &repaired.restored {
        repairs.push(Repair { done: restored_sentences(restored), ..Repair::default() });
    }
    for (object, rebuilt) in &repaired.rebuilt {
        let (object, done) = (Some(object.clone()), sentences(rebuilt));
        repairs.push(Repair { object, done, rebuilt: Some(rebuilt.clone()) });
    }
    // With a table that was made anew, its triggers and views were.
    let anew = |name: &str| {
        let mut tables = repaired.rebuilt.values().map(|rebuilt| &rebuilt.table);
        tables.any(|table| name.starts_with(&format!("sync_{table}_")) || name.starts_with(&format!("{table}_")))
    };
    let back = before.displaced.iter().filter(|name| !after.displaced.contains(name) && !anew(name));
    let back: Vec<&str> = back.map(String::as_str).collect();
    if !back.is_empty() {
        repairs.push(whole(format!("Put back: {}.", back.join(", "))));
    }
    if !repaired.unguarded.is_empty() {
        let objects = repaired.unguarded.join(", ");
        repairs.push(whole(format!("Triggers were missing, so every row of {objects} was compared with its base.")));
    }
    for (object, Healed { returned, replaced }) in repaired.healed {
        let mut done = Vec::new();
        if returned > 0 {
            let rows = counted(returned, "deleted row", "deleted rows");
            done.push(format!("{rows} of {object} came back: a plain DELETE archives nothing."));
        }
        if replaced > 0 {
            let rows = counted(replaced, "replaced row", "replaced rows");
            done.push(format!("{rows} of {object} made whole again; what was written into them are edits."));
        }
        repairs.push(Repair { object: Some(object), done, rebuilt: None });
    }
    repairs
}

/// What became of a table that every mirror has.
fn restored_sentences(Restored { table, was, kept_as, rows, added }: &Restored) -> Vec<String> {
    let rows = counted(*rows, "row", "rows");
    let mut done = vec![format!("The table {table} was made anew, because {was}: {rows} came back.")];
    if let Some(kept) = kept_as {
        done.push(format!("The other table is kept as {kept}; DROP TABLE {kept} when nobody needs it."));
    }
    if *added > 0 {
        done.push(format!(
            "{} in it that nobody had before are edits: `crmsync plan` shows them.",
            counted(*added, "row", "rows")
        ));
    }
    if table != "associations" {
        done.push("The next run reads it again.".to_owned());
    }
    done
}

/// What became of a table.
fn sentences(rebuilt: &Rebuilt) -> Vec<String> {
    let Rebuilt { table, was, .. } = rebuilt;
    let mut done = vec![format!(
        "The table {table} was made anew, because {was}: {} came back as HubSpot and the mirror last agreed on them.",
        counted(rebuilt.rows, "row", "rows")
    )];
    let lost = rebuilt.touched.saturating_sub(rebuilt.touched_found);
    let Some(kept) = &rebuilt.kept_as else {
        if lost > 0 {
            done.push(format!(
                "{} edited since the last run, as far as the mirror noted it; those edits went with the table.",
                counted(lost, "row had been", "rows had been")
            ));
        }
        return done;
    };
    done.push(format!(
        "The other table is kept as {kept} ({}); DROP TABLE {kept} when nobody needs it.",
        counted(rebuilt.found, "row", "rows")
    ));
    if !rebuilt.has_ids {
        done.push(format!("{kept} has no column id, so nothing of it could be carried over."));
    }
    let mut say = |number: u64, one: &str, many: &str, rest: &str| {
        if number > 0 {
            done.push(format!("{} {rest}", counted(number, one, many)));
        }
    };
    let rows = counted(rebuilt.edited, "row", "rows");
    let edits = format!("in {rows}, edited there, to be pushed: `crmsync plan` shows them.");
    say(rebuilt.values, "value", "values", &edits);
    say(rebuilt.archives, "row asks", "rows ask", "for an archive.");
    say(
        rebuilt.created,
        "row without an id is a new one",
        "rows without an id are new ones",
        "and waits for the next push.",
    );
    say(rebuilt.conflicts, "value", "values", "changed on both sides: see `crmsync conflicts`.");
    let older = "older than the mirror's and left alone: the tool had read them before they changed.";
    say(rebuilt.outdated, "value is", "values are", older);
    let alone = format!("{} only in {kept}.", "and stays");
    say(rebuilt.unknown, "row has", "rows have", &format!("an id that no record of the mirror has, {alone}"));
    say(rebuilt.unreadable, "row has", "rows have", &format!("an id that cannot be read for certain, {alone}"));
    say(rebuilt.repeated, "row shares", "rows share", &format!("an id with another one, {alone}"));
    if lost > 0 {
        done.push(format!(
            "Of {} edited since the last run, as far as the mirror noted it, {} no edit in {kept}.",
            counted(rebuilt.touched, "row", "rows"),
            if lost == 1 { "1 has".to_owned() } else { format!("{} have", count(lost)) }
        ));
    }
    done
}
