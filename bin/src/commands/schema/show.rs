//! `crmsync schema show`: what the portal has.

use crate::commands::Context;
use crate::exit::{CommandError, Exit};
use crate::installation::{mappings_of, remote_of, token_of};
use crate::output::{Align, Table, words};
use clap::Args;
use mappings::{Mapping, PropertySchema};
use serde::Serialize;
use std::sync::Arc;
use sync_core::events::Observer;
use sync_core::{Remote, RemoteErrorKind};

/// Show the properties of each object, and the columns they have in the mirror.
///
/// Asks HubSpot, one call for each object. An object type that is not configured may be named too. Options of a choice are counted; the mirror's table property_options lists
/// them.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync schema show
  crmsync schema show contacts notes
  crmsync schema show deals --json")]
pub struct ShowArgs {
    /// Object types to show [default: all that are configured]
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,
}

#[derive(Serialize)]
struct Document {
    objects: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    object: String,
    table: Option<String>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Property {
    name: String,
    label: String,
    #[serde(rename = "type")]
    type_name: String,
    field_type: String,
    group: String,
    calculated: bool,
    read_only: bool,
    unique: bool,
    hidden: bool,
    archived: bool,
    options: usize,
    column: Option<String>,
}

/// Runs `schema show`.
pub(super) fn run(context: &Context, arguments: &ShowArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let objects = if arguments.objects.is_empty() { &portal.objects } else { &arguments.objects };
    let mut outcome = Exit::Done;
    // Who repairs a mapping needs the schema most: it is shown without columns then.
    let mappings = mappings_of(&portal).unwrap_or_else(|error| {
        context.output.complain(&error);
        outcome = error.exit;
        Vec::new()
    });
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    let remote = remote_of(&portal, token_of(&portal)?, observer, false)?;
    let mut document = Document { objects: Vec::new() };
    context.block_on(async {
        for object in objects {
            let mapping = mappings.iter().find(|mapping| mapping.object == *object);
            match remote.properties(object).await {
                Ok(schema) => document.objects.push(shown(object, mapping, schema)),
                Err(error) if error.kind == RemoteErrorKind::MissingScope => {
                    context.output.complain(&CommandError::from(error));
                    outcome = outcome.and(Exit::Attention);
                }
                // HubSpot has more than one way to say that it knows no such type.
                Err(error) if matches!(error.kind, RemoteErrorKind::NotFound | RemoteErrorKind::Refused) => {
                    let hint = "object types are named like contacts, 0-1, or p123_name for a custom one.";
                    let mut error = CommandError::from(error).hint(hint);
                    error.exit = Exit::Usage;
                    return Err(error);
                }
                Err(error) => return Err(CommandError::from(error)),
            }
        }
        Ok(())
    })??;
    if document.objects.is_empty() {
        outcome = outcome.and(Exit::Authentication);
    }
    context.output.show(&document, |output| {
        for (place, object) in document.objects.iter().enumerate() {
            if place > 0 {
                output.line("")?;
            }
            let count = words::counted(object.properties.len() as u64, "property", "properties");
            let table = object.table.as_deref().map(|table| format!(", mirrored in the table {table}"));
            output.line(format!("{}: {count}{}", object.object, table.unwrap_or_default()))?;
            output.table(&table_of(object))?;
        }
        Ok(())
    })?;
    Ok(outcome)
}

fn shown(object: &str, mapping: Option<&Mapping>, mut schema: Vec<PropertySchema>) -> Shown {
    schema.sort_by(|one, other| one.name.cmp(&other.name));
    let column = |property: &str| {
        let fields = mapping.map(|mapping| mapping.fields.iter()).into_iter().flatten();
        fields.filter(|field| field.property == property).map(|field| field.column.clone()).next()
    };
    Shown {
        object: object.to_owned(),
        table: mapping.map(|mapping| mapping.table.clone()),
        properties: schema
            .into_iter()
            .map(|property| Property {
                column: column(&property.name),
                name: property.name,
                label: property.label,
                type_name: property.type_name,
                field_type: property.field_type,
                group: property.group_name,
                calculated: property.calculated,
                read_only: property.read_only,
                unique: property.has_unique_value,
                hidden: property.hidden,
                archived: property.archived,
                options: property.options.len(),
            })
            .collect(),
    }
}

fn table_of(object: &Shown) -> Table {
    let mut table = Table::new([
        ("property", Align::Left),
        ("label", Align::Left),
        ("type", Align::Left),
        ("options", Align::Right),
        ("column", Align::Left),
        ("", Align::Left),
    ]);
    for property in &object.properties {
        let options = if property.options == 0 { String::new() } else { words::count(property.options as u64) };
        table.row([
            property.name.clone(),
            property.label.clone(),
            property.type_name.clone(),
            options,
            property.column.clone().unwrap_or_else(|| "-".to_owned()),
            marks(property),
        ]);
    }
    table
}

/// What is special about a property; a calculated one is read-only anyhow.
fn marks(property: &Property) -> String {
    let marks = [
        ("calculated", property.calculated),
        ("read-only", property.read_only && !property.calculated),
        ("unique", property.unique),
        ("hidden", property.hidden),
        ("archived", property.archived),
    ];
    marks.into_iter().filter(|(_, is)| *is).map(|(mark, _)| mark).collect::<Vec<_>>().join(", ")
}
