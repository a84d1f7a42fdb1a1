//! `crmsync mapping check`: are the mapping files right?

use super::Context;
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{mapping_errors, mappings_of};
use crate::output::{Align, Table, words};
use clap::{Args, Subcommand};
use mappings::proof::{Proof, prove};
use mappings::{Mapping, PropertySchema, ResolvedMapping};
use serde::Serialize;
use sync_core::store::Store;

/// Work with mapping files.
///
/// A mapping says which property of HubSpot is which column of the mirror, and how values translate.
#[derive(Clone, Debug, Args)]
pub struct MappingArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: MappingCommand,
}

/// What to do with mapping files.
#[derive(Clone, Debug, Subcommand)]
#[expect(missing_docs, reason = "words here would take the place of the help that each command brings")]
pub enum MappingCommand {
    Check(CheckArgs),
}

/// Prove that each two-way field survives the way to HubSpot and back.
///
/// Reads every mapping. Needs no token. A mistake is named with its file, line and field, and exits 2.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  crmsync mapping check")]
pub struct CheckArgs {}

#[derive(Serialize)]
struct Document {
    mappings: Vec<Checked>,
}

#[derive(Serialize)]
struct Checked {
    object: String,
    table: String,
    fields: usize,
    /// Whether the portal's own schema was at hand, from an earlier pull.
    with_schema: bool,
    two_way: usize,
    failing: Vec<Failing>,
}

#[derive(Serialize)]
struct Failing {
    property: String,
    column: String,
    reason: String,
    local: Option<String>,
    sent: Option<String>,
    back: Option<String>,
}

/// Runs `mapping`.
pub fn run(context: &Context, arguments: &MappingArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        MappingCommand::Check(_) => check(context),
    }
}

fn check(context: &Context) -> Result<Exit, CommandError> {
    let document = Document::of(&context.portal()?)?;
    let failing = document.failing();
    context.output.show(&document, |output| {
        output.table(&table(&document))?;
        for mapping in &document.mappings {
            for field in &mapping.failing {
                let (object, property, column) = (&mapping.object, &field.property, &field.column);
                output.line(format!("{object}: {property} ({column}) does not come back: {}", field.reason))?;
            }
        }
        if document.mappings.iter().any(|mapping| !mapping.with_schema) {
            output
                .line("The portal's own types are known after the first pull; until then they are guessed as text.")?;
        }
        Ok(())
    })?;
    Ok(if failing == 0 { Exit::Done } else { Exit::Usage })
}

/// How many mappings there are, and how many of their two-way fields lose something.
///
/// # Errors
/// 2, naming every mistake with file and line.
pub(super) fn verdict(portal: &PortalConfig) -> Result<(u64, u64), CommandError> {
    let document = Document::of(portal)?;
    Ok((document.mappings.len() as u64, document.failing() as u64))
}

impl Document {
    fn of(portal: &PortalConfig) -> Result<Self, CommandError> {
        let mut document = Self { mappings: Vec::new() };
        let mut mistakes = Vec::new();
        let mut by_stored_schema = false;
        for mapping in mappings_of(portal)? {
            let (schema, with_schema) = schema_of(portal, &mapping)?;
            match mapping.resolve(&schema) {
                Ok(resolved) => document.mappings.push(checked(&resolved, with_schema)),
                Err(found) => {
                    mistakes.extend(found);
                    by_stored_schema |= with_schema;
                }
            }
        }
        if mistakes.is_empty() {
            return Ok(document);
        }
        let error = mapping_errors(&mistakes);
        Err(if by_stored_schema {
            error.hint("this is by the schema that the last run read; `crmsync schema diff` asks the portal now.")
        } else {
            error
        })
    }

    fn failing(&self) -> usize {
        self.mappings.iter().map(|mapping| mapping.failing.len()).sum()
    }
}

/// The schema to hold a mapping against, and whether it is the portal's own: that is so where an earlier pull stored it;
/// else it is the one that fits the mapping best.
fn schema_of(portal: &PortalConfig, mapping: &Mapping) -> Result<(Vec<PropertySchema>, bool), CommandError> {
    let mut schema = Vec::new();
    if portal.mirror.exists() {
        schema = Store::schema_at(&portal.mirror, &mapping.object)?;
    }
    let known = !schema.is_empty();
    Ok((if known { schema } else { mapping.assumed_schema() }, known))
}

fn checked(mapping: &ResolvedMapping, with_schema: bool) -> Checked {
    let proofs = prove(mapping);
    Checked {
        object: mapping.object.clone(),
        table: mapping.table.clone(),
        fields: mapping.fields.len(),
        with_schema,
        two_way: proofs.len(),
        failing: proofs.into_iter().filter(|proof| !proof.holds).map(failing).collect(),
    }
}

fn failing(proof: Proof) -> Failing {
    let example = proof.counterexample;
    Failing {
        property: proof.field,
        column: proof.column,
        reason: proof.reason,
        local: example.as_ref().map(|example| example.local.clone()),
        sent: example.as_ref().map(|example| example.remote.clone()),
        back: example.map(|example| example.back),
    }
}

fn table(document: &Document) -> Table {
    let mut table = Table::new([
        ("object", Align::Left),
        ("table", Align::Left),
        ("fields", Align::Right),
        ("two-way", Align::Right),
        ("", Align::Left),
    ]);
    for mapping in &document.mappings {
        let verdict = match mapping.failing.len() {
            0 => "every value comes back".to_owned(),
            many => words::counted(many as u64, "field does not come back", "fields do not come back"),
        };
        table.row([
            mapping.object.clone(),
            mapping.table.clone(),
            words::count(mapping.fields as u64),
            words::count(mapping.two_way as u64),
            verdict,
        ]);
    }
    table
}
