//! `crmsync schema diff`: what of each mapping does not fit the portal as it is now.

use crate::commands::Context;
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{mappings_of, remote_of, token_of};
use crate::output::{Align, Output, Table, words};
use clap::Args;
use connectors::{HttpTransport, HubSpot};
use mappings::{Difference, Fit, Mapping};
use serde::Serialize;
use std::sync::Arc;
use sync_core::events::Observer;
use sync_core::{Remote, RemoteErrorKind};

/// Tell what of each mapping does not fit the portal.
///
/// Asks HubSpot, two calls for each object, and changes nothing. Names the properties that the portal does not have or has
/// archived, types that do not fit, fields that it accepts no writes to, a `key` or `unique` without unique values, and
/// options that `values` and the portal do not share; and for each what `crmsync schema apply` would do about it, or what you
/// can do. Properties that no field names are counted; they are no difference. Exits 1 if there are differences.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync schema diff
  crmsync schema diff deals --json")]
pub struct DiffArgs {
    /// Object types to look at [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
}

#[derive(Serialize)]
struct Document {
    differences: usize,
    objects: Vec<Compared>,
}

#[derive(Serialize)]
struct Compared {
    object: String,
    table: String,
    mapping: String,
    differences: Vec<Told>,
    unmapped: usize,
    left_out: Vec<String>,
}

/// A difference as programs read it.
#[derive(Serialize)]
pub(super) struct Told {
    object: String,
    property: String,
    column: Option<String>,
    line: Option<u64>,
    kind: &'static str,
    message: String,
    /// What `schema apply` does about it: `make` or `restore`.
    apply: Option<&'static str>,
    advice: String,
}

impl Told {
    pub(super) fn of(object: &str, difference: &Difference) -> Self {
        Self {
            object: object.to_owned(),
            property: difference.property.clone(),
            column: difference.column.clone(),
            line: difference.line,
            kind: difference.kind.word(),
            message: difference.message.clone(),
            apply: difference.wanted.as_ref().map(|wanted| if wanted.restores { "restore" } else { "make" }),
            advice: difference.advice.clone(),
        }
    }

    /// What to do next, as people read it.
    fn next(&self) -> String {
        match self.apply {
            Some("restore") => format!("`crmsync schema apply` restores it; or {}", self.advice),
            Some(_) => format!("`crmsync schema apply` makes it; or {}", self.advice),
            None => self.advice.clone(),
        }
    }
}

/// The mapping of an object and what it and the portal have against each other.
pub(super) struct Held {
    pub(super) mapping: Mapping,
    pub(super) fit: Fit,
}

/// Runs `schema diff`.
pub(super) fn run(context: &Context, arguments: &DiffArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    let mappings = chosen(&portal, &objects)?;
    let remote = connect(context, &portal)?;
    let (held, mut outcome) = context.block_on(hold(context, &remote, mappings))??;
    let objects: Vec<Compared> = held.into_iter().map(compared).collect();
    let document = Document { differences: objects.iter().map(|part| part.differences.len()).sum(), objects };
    context.output.show(&document, |output| show(output, &document))?;
    if document.differences > 0 {
        outcome = outcome.and(Exit::Attention);
    }
    Ok(outcome)
}

/// The mappings of these object types.
pub(super) fn chosen(portal: &PortalConfig, objects: &[String]) -> Result<Vec<Mapping>, CommandError> {
    let mut mappings = mappings_of(portal)?;
    mappings.retain(|mapping| objects.contains(&mapping.object));
    Ok(mappings)
}

pub(super) fn connect(context: &Context, portal: &PortalConfig) -> Result<HubSpot<HttpTransport>, CommandError> {
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    remote_of(portal, token_of(portal)?, observer, false)
}

/// Reads the schemas and holds the mappings against them. An object type that the credential may not see is told and left
/// out; if none is left, that is the outcome.
pub(super) async fn hold(
    context: &Context,
    remote: &HubSpot<HttpTransport>,
    mappings: Vec<Mapping>,
) -> Result<(Vec<Held>, Exit), CommandError> {
    let mut held = Vec::new();
    let mut outcome = Exit::Done;
    for mapping in mappings {
        match remote.properties(&mapping.object).await {
            Ok(schema) => held.push(Held { fit: mapping.fit(&schema), mapping }),
            Err(error) if error.kind == RemoteErrorKind::MissingScope => {
                context.output.complain(&CommandError::from(error));
                outcome = outcome.and(Exit::Attention);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if held.is_empty() {
        outcome = outcome.and(Exit::Authentication);
    }
    Ok((held, outcome))
}

fn compared(Held { mapping, fit }: Held) -> Compared {
    Compared {
        differences: fit.differences.iter().map(|difference| Told::of(&mapping.object, difference)).collect(),
        mapping: mapping.source.to_string(),
        object: mapping.object,
        table: mapping.table,
        unmapped: fit.unmapped,
        left_out: fit.left_out,
    }
}

fn show(output: &Output, document: &Document) -> Result<(), CommandError> {
    let differences: Vec<&Told> = document.objects.iter().flat_map(|part| &part.differences).collect();
    if !differences.is_empty() {
        output.table(&table(differences.iter().copied()))?;
    }
    for part in &document.objects {
        let count = words::counted(part.differences.len() as u64, "difference", "differences");
        let unmapped = words::counted(part.unmapped as u64, "property", "properties");
        output.line(format!("{}: {count}; {unmapped} more in the portal", part.object))?;
        if !part.left_out.is_empty() {
            output.line(format!("  the built-in mapping does without {}", part.left_out.join(", ")))?;
        }
    }
    match differences.iter().filter(|difference| difference.apply.is_some()).count() {
        0 => Ok(()),
        some => {
            let what = words::counted(some as u64, "property", "properties");
            output.line(format!("`crmsync schema apply` makes {what}; with --dry-run it shows them first."))
        }
    }
}

/// Differences, a line each.
pub(super) fn table<'a>(differences: impl IntoIterator<Item = &'a Told>) -> Table {
    let mut table = Table::new([
        ("object", Align::Left),
        ("property", Align::Left),
        ("column", Align::Left),
        ("difference", Align::Left),
        ("next", Align::Left),
    ]);
    for told in differences {
        let column = told.column.clone().unwrap_or_else(|| "-".to_owned());
        table.row([told.object.clone(), told.property.clone(), column, told.message.clone(), told.next()]);
    }
    table
}
