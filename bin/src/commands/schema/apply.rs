//! `crmsync schema apply`: makes in the portal what the mappings name and it does not have.

use super::diff::{Held, Told, chosen, connect, hold, table};
use crate::commands::Context;
use crate::commands::push::refuse_unless_enabled;
use crate::exit::{CommandError, Exit};
use crate::installation::refuse_another_account;
use crate::output::{Align, Output, Table, words};
use clap::Args;
use connectors::{HttpTransport, HubSpot};
use mappings::{Difference, Misfit, Wanted};
use serde::Serialize;
use sync_core::RemoteErrorKind;

/// Make the properties that the mappings need and the portal does not have.
///
/// Makes the property that `unique` names, in which each record keeps the key of the row it was made from, so that no row is
/// ever made twice; and each property of a field that states a `type`. What is there is left as it is, so it may be run again
/// at any time. An archived property of the same name is restored as it was. What cannot be made, or is for you to decide, is
/// listed, and the exit code is 1. Needs push.enabled = true for the portal, and the scope to write schemas
/// (crm.schemas.contacts.write and so on).
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync schema apply --dry-run     what would be made; changes nothing
  crmsync schema apply companies

With `unique: crmsync_uid` in mappings/companies.yaml, it makes crmsync_uid for companies.")]
pub struct ApplyArgs {
    /// Object types to work on [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
    /// Show what would be made, and make nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Default, Serialize)]
struct Document {
    dry_run: bool,
    made: Vec<Line>,
    left: Vec<Told>,
}

#[derive(Serialize)]
struct Line {
    object: String,
    property: String,
    #[serde(rename = "type")]
    type_name: String,
    unique: bool,
    group: String,
    /// `would_make`, `would_restore`, `made`, `restored`, or `there` if somebody else was faster.
    outcome: &'static str,
}

impl Line {
    fn of(object: &str, wanted: &Wanted, outcome: &'static str) -> Self {
        let property = &wanted.property;
        Self {
            object: object.to_owned(),
            property: property.name.clone(),
            type_name: property.type_name.clone(),
            unique: property.has_unique_value,
            group: property.group_name.clone(),
            outcome,
        }
    }
}

/// Runs `schema apply`.
pub(super) fn run(context: &Context, arguments: &ApplyArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = portal.selected_objects(&arguments.objects)?;
    if !arguments.dry_run {
        refuse_unless_enabled(&portal, "`crmsync schema apply --dry-run` shows what would be made")?;
    }
    let mappings = chosen(&portal, &objects)?;
    let remote = connect(context, &portal)?;
    let mut document = Document { dry_run: arguments.dry_run, ..Document::default() };
    let outcome = context.block_on(async {
        if !arguments.dry_run {
            refuse_another_account(&portal, &remote).await?;
        }
        let (held, mut outcome) = hold(context, &remote, mappings).await?;
        for part in held {
            outcome = outcome.and(apply(context, &remote, &part, &mut document).await);
        }
        Ok::<_, CommandError>(outcome)
    })??;
    context.output.show(&document, |output| show(output, &document))?;
    Ok(outcome)
}

/// Makes what one mapping wants. What fails is told, and the rest goes on.
async fn apply(context: &Context, remote: &HubSpot<HttpTransport>, held: &Held, document: &mut Document) -> Exit {
    let object = held.mapping.object.as_str();
    let mut outcome = Exit::Done;
    for difference in &held.fit.differences {
        let done = match &difference.wanted {
            Some(wanted) if document.dry_run => {
                Ok(Line::of(object, wanted, if wanted.restores { "would_restore" } else { "would_make" }))
            }
            Some(wanted) => make(remote, object, wanted).await,
            None => Err(unmakeable(object, difference)),
        };
        match done {
            Ok(line) => document.made.push(line),
            Err(error) => {
                document.left.push(Told::of(object, difference));
                outcome = outcome.and(error.as_ref().map_or(Exit::Attention, |error| error.exit));
                if let Some(error) = error {
                    context.output.complain(&error);
                }
            }
        }
    }
    outcome
}

async fn make(remote: &HubSpot<HttpTransport>, object: &str, wanted: &Wanted) -> Result<Line, Option<CommandError>> {
    let name = &wanted.property.name;
    let made = remote.make_property(object, wanted).await.map_err(|error| {
        let lacks_scope = error.kind == RemoteErrorKind::MissingScope;
        let mut error = CommandError::from(error);
        error.message = format!("{object}: {name} was not made: {}", error.message);
        if lacks_scope {
            // The rest of the command may well be permitted.
            error.exit = Exit::Attention;
        }
        error
    })?;
    if wanted.property.has_unique_value && !made.property.has_unique_value {
        return Err(Some(not_unique(object, name)));
    }
    Ok(Line::of(
        object,
        wanted,
        match (made.new, wanted.restores) {
            (false, _) => "there",
            (true, false) => "made",
            (true, true) => "restored",
        },
    ))
}

/// What is said about a difference that nothing can be made for, if more than the list of them says.
fn unmakeable(object: &str, difference: &Difference) -> Option<CommandError> {
    (difference.kind == Misfit::NotUnique).then(|| not_unique(object, &difference.property))
}

fn not_unique(object: &str, property: &str) -> CommandError {
    CommandError::usage(format!("the portal's {object} have {property} already, and without unique values."))
        .hint("HubSpot gives uniqueness to a property only when it is made: name another property in the mapping.")
}

fn show(output: &Output, document: &Document) -> Result<(), CommandError> {
    if document.made.is_empty() && document.left.is_empty() {
        return output.line("The portal has all that the mappings name.");
    }
    if !document.made.is_empty() {
        let mut made = Table::new([
            ("object", Align::Left),
            ("property", Align::Left),
            ("type", Align::Left),
            ("group", Align::Left),
            ("", Align::Left),
        ]);
        for line in &document.made {
            let unique = if line.unique { format!("{}, unique", line.type_name) } else { line.type_name.clone() };
            made.row([&line.object, &line.property, &unique, &line.group, &said(line.outcome).to_owned()]);
        }
        output.table(&made)?;
    }
    if !document.left.is_empty() {
        output.line(format!(
            "Left for you: {}",
            words::counted(document.left.len() as u64, "difference", "differences")
        ))?;
        output.table(&table(&document.left))?;
    }
    Ok(())
}

fn said(outcome: &str) -> &str {
    match outcome {
        "would_make" => "would be made",
        "would_restore" => "would be restored",
        "there" => "there already",
        other => other,
    }
}
