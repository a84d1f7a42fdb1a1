//! `crmsync doctor`: what is wrong with this installation, and what to do.

mod check;
mod mirror;
mod place;
mod portal;
mod repair;

use super::{Context, mapping};
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::mappings_of;
use crate::output::{Align, Table, words};
use check::{Check, Verdict, closing};
use clap::Args;
use repair::Repair;
use serde::Serialize;
use std::error::Error;
use std::path::PathBuf;
use sync_core::store::StoreError;

/// Find out what is wrong with this installation, and what to do.
///
/// Looks at the configuration, the mappings, the credential, the mirror and where it lies, and asks HubSpot a few questions; without a network it goes on with the rest. Changes
/// nothing and makes no mirror, unless asked to repair. Of a large mirror, reading every page takes a while.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync doctor
  crmsync doctor --json
  crmsync doctor --repair")]
pub struct DoctorArgs {
    /// First repair the mirror: a table that was dropped or replaced is made anew, with what was edited in it
    #[arg(long)]
    pub repair: bool,
}

#[derive(Serialize)]
struct Document {
    portal: String,
    mirror: String,
    /// What was repaired, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    repairs: Option<Vec<Repair>>,
    checks: Vec<Check>,
}

/// Runs `doctor`.
pub fn run(context: &Context, arguments: &DoctorArgs) -> Result<Exit, CommandError> {
    let settings = context.settings()?;
    let portal = settings.portal(context.global.portal.as_deref())?;
    let repairs = if arguments.repair { Some(repair::repair(context, portal)?) } else { None };
    let configuration = settings.file.as_deref();
    let mut checks = vec![Check::ok(
        "configuration",
        match configuration {
            Some(file) => format!("{}, portal {}", file.display(), portal.name),
            None => format!("no file: built-in defaults and the environment, portal {}", portal.name),
        },
    )];
    checks.push(mappings(portal));
    let (credential, token) = portal::credential(portal);
    checks.push(credential);
    checks.extend(place::look(&portal.mirror, configuration));
    let (examined, bound) = mirror::examine(portal, &mappings_of(portal).unwrap_or_default());
    checks.extend(examined);
    if let Some(token) = token {
        checks.extend(portal::ask(context, portal, token, bound.as_deref())?);
    }
    let mirror = portal.mirror.display().to_string();
    let document = Document { portal: portal.name.clone(), mirror, repairs, checks };
    context.output.show(&document, |output| {
        if let Some(repairs) = &document.repairs {
            for sentence in repairs.iter().flat_map(|repair| &repair.done) {
                output.line(sentence)?;
            }
            if repairs.is_empty() {
                output.line("Nothing had to be repaired.")?;
            }
            output.line("")?;
        }
        output.table(&table(&document.checks))?;
        output.line("")?;
        for check in document.checks.iter().filter(|check| check.verdict != Verdict::Ok) {
            if let Some(next) = &check.next {
                output.line(format!("{}: {next}", check.check))?;
            }
        }
        output.line(closing(&document.checks))
    })?;
    Ok(Exit::of_all(document.checks.iter().map(|check| check.exit)))
}

fn mappings(portal: &PortalConfig) -> Check {
    let next = "`crmsync mapping check` shows a value that does not come back.";
    let of_the_mirror = |error: &CommandError| error.source().is_some_and(<dyn Error>::is::<StoreError>);
    let verdict = match mapping::verdict(portal) {
        // What is wrong with the mirror is told there. The mappings are looked at as before the first pull.
        Err(error) if of_the_mirror(&error) => {
            mapping::verdict(&PortalConfig { mirror: PathBuf::new(), ..portal.clone() })
        }
        verdict => verdict,
    };
    match verdict {
        Ok((count, 0)) => {
            Check::ok("mappings", format!("{}, every value comes back", words::counted(count, "mapping", "mappings")))
        }
        Ok((_, failing)) => {
            let fields = words::counted(failing, "two-way field does", "two-way fields do");
            Check::fail("mappings", Exit::Usage, format!("{fields} not survive the way to HubSpot and back."), next)
        }
        Err(error) => Check::of_error("mappings", &error),
    }
}

fn table(checks: &[Check]) -> Table {
    let mut table = Table::new([("check", Align::Left), ("", Align::Left), ("found", Align::Left)]);
    for check in checks {
        table.row([&check.check, check.verdict.word(), &check.found]);
    }
    table
}
