//! What the mirror itself says: whether it is whole, ours, and as the engine left it.

use super::check::Check;
use super::place::barred;
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::output::words;
use mappings::Mapping;
use sync_core::store::{Examination, Store, StoreError, TableFinding};

/// Examines the mirror. Also returns the portal that it is bound to.
pub(super) fn examine(portal: &PortalConfig, mappings: &[Mapping]) -> (Vec<Check>, Option<String>) {
    match Store::examine(&portal.mirror, mappings) {
        Ok(Some(found)) => {
            let mut checks = vec![whole(&found)];
            if found.damage.is_empty() {
                checks.extend([tables(&found), rows(&found.tables)]);
            }
            (checks, found.portal)
        }
        Ok(None) => {
            let none = format!("none yet at {}; `crmsync sync` makes it", portal.mirror.display());
            (vec![Check::ok("mirror", none)], None)
        }
        // What is in the way has been told.
        Err(StoreError::Barred(_)) if !barred(&portal.mirror).is_empty() => (Vec::new(), None),
        Err(error) => (vec![Check::of_error("mirror", &CommandError::from(error))], None),
    }
}

fn whole(found: &Examination) -> Check {
    let (version, newest) = found.version;
    if !found.damage.is_empty() {
        return Check::of_error("mirror", &StoreError::Damaged(found.damage.join("; ")).into());
    }
    if version > newest {
        return Check::fail(
            "mirror",
            Exit::Usage,
            format!(
                "a newer crmsync has worked on the file: its schema is version {version}, this program's {newest}."
            ),
            "use the newest crmsync that has worked on this file.",
        );
    }
    if let Some(run) = found.behind {
        return Check::warn(
            "mirror",
            format!("whole, but it does not know of run {run}, the last one here: it was put back from an older copy."),
            "the next `crmsync sync` reads everything again, and holds new rows that may have been created meanwhile.",
        );
    }
    let account = found.portal.as_deref().unwrap_or("not known yet");
    Check::ok("mirror", format!("whole; HubSpot account {account}, schema version {version}"))
}

fn tables(found: &Examination) -> Check {
    if found.guard_open {
        return Check::fail(
            "tables",
            Exit::Belt,
            "sync_guard says that the engine is writing, outside any run: the triggers are asleep.",
            "run `crmsync doctor --repair`, or close it: UPDATE sync_guard SET applying = 0",
        );
    }
    if let Some(meddler) = &found.meddler {
        return Check::fail("tables", Exit::Belt, format!("{meddler}."), "until then no run touches the mirror.");
    }
    let standing = found.standing.iter().map(|(table, what)| format!("{table}: {what}"));
    let typed = found.tables.iter().filter_map(|table| Some(format!("{}: {}", table.table, table.altered.as_ref()?)));
    let altered: Vec<String> = standing.chain(typed).collect();
    if !altered.is_empty() {
        let next = "run `crmsync doctor --repair`: it makes the table anew and carries edits over; until then nothing of its \
                    object is sent or overwritten.";
        return Check::fail("tables", Exit::Belt, format!("{}.", altered.join("; ")), next);
    }
    if !found.displaced.is_empty() {
        let what = words::counted(found.displaced.len() as u64, "trigger or view is", "triggers or views are");
        let names = found.displaced.join(", ");
        let next = "the next run makes them anew; edits made meanwhile are found by a full look at the tables.";
        return Check::warn("tables", format!("{what} missing or changed: {names}."), next);
    }
    let remapped: Vec<&str> =
        found.tables.iter().filter(|table| table.remapped).map(|table| table.object.as_str()).collect();
    let count = words::counted(found.tables.len() as u64, "table", "tables");
    Check::ok(
        "tables",
        match remapped.is_empty() {
            true => format!("{count}, with their triggers and views"),
            false => {
                format!("{count}; the mapping of {} has changed, and the next run follows it", remapped.join(", "))
            }
        },
    )
}

fn rows(tables: &[TableFinding]) -> Check {
    let sum = |count: fn(&TableFinding) -> u64| -> (u64, Vec<&str>) {
        let some = tables.iter().filter(|table| count(table) > 0);
        (tables.iter().map(count).sum(), some.map(|table| table.object.as_str()).collect())
    };
    let (orphans, of) = sum(|table| table.rows_without_base);
    if orphans > 0 {
        let found = format!(
            "{} of {} with an id that the engine knows nothing of.",
            words::counted(orphans, "row", "rows"),
            of.join(", ")
        );
        return Check::fail("rows", Exit::Attention, found, format!("run `crmsync backfill {}`.", of.join(" ")));
    }
    let (gone, of) = sum(|table| table.bases_without_row);
    if gone > 0 {
        let found = format!(
            "{} of {} deleted or replaced in the mirror.",
            words::counted(gone, "record", "records"),
            of.join(", ")
        );
        let next = "the next run puts them back; to ask HubSpot for an archive, set archived = 1 instead.";
        return Check::warn("rows", found, next);
    }
    Check::ok("rows", "each has its base, and each base its row")
}
