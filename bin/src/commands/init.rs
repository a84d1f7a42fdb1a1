//! `crmsync init`: from a token to a working configuration.

use super::Context;
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{remote_of, token_of};
use crate::output::{Align, Table, words};
use clap::Args;
use connectors::{HttpTransport, HubSpot};
use mappings::{Generate, Mapping, PropertySchema};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use sync_core::events::Observer;
use sync_core::remote::{Account, Remote};
use sync_core::{RemoteError, RemoteErrorKind};

/// Connect to the portal, write crmsync.toml and a mapping for each object type.
///
/// The mappings come from the portal's own schema. Works in an empty directory with nothing but a token in the environment. Run again, it adds the files that are
/// missing and keeps those that are there. It writes nothing to HubSpot, and the token is not stored.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  mkdir acme && cd acme
  HUBSPOT_ACCESS_TOKEN=… crmsync init
  HUBSPOT_ACCESS_TOKEN=… crmsync sync")]
pub struct InitArgs {}

/// Where mappings go unless the configuration says otherwise.
const DIRECTORY: &str = "mappings";

#[derive(Serialize)]
struct Document {
    portal_id: String,
    configuration: Written,
    mappings: Vec<Made>,
}

#[derive(Serialize)]
struct Made {
    object: String,
    properties: usize,
    file: Written,
}

#[derive(Serialize)]
struct Written {
    path: String,
    /// `written`, `kept` (it was there before), or why not.
    outcome: String,
}

/// Runs `init`.
pub fn run(context: &Context, _arguments: &InitArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let token = token_of(&portal)?;
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    let remote = remote_of(&portal, token, observer, false)?;
    let document = context.block_on(connect(context, &portal, &remote))??;
    context.output.show(&document, |output| {
        output.line(format!("connected to HubSpot account {}", document.portal_id))?;
        let mut table = Table::new([("", Align::Left), ("properties", Align::Right), ("", Align::Left)]);
        let settings = &document.configuration;
        table.row([settings.path.clone(), String::new(), settings.outcome.clone()]);
        for made in &document.mappings {
            let properties = words::count(made.properties as u64);
            table.row([made.file.path.clone(), properties, made.file.outcome.clone()]);
        }
        output.table(&table)?;
        output.line("Next: crmsync sync")
    })?;
    let missing = document.mappings.iter().any(|made| made.properties == 0);
    Ok(if missing { Exit::Attention } else { Exit::Done })
}

async fn connect(
    context: &Context,
    portal: &PortalConfig,
    remote: &HubSpot<HttpTransport>,
) -> Result<Document, CommandError> {
    let account = remote.account().await?;
    refuse_another_account(portal, &account)?;
    let here = context.surroundings().directory.clone();
    let directory = portal.mappings.clone().unwrap_or_else(|| here.join(DIRECTORY));
    std::fs::create_dir_all(&directory)?;
    let mut mappings = Vec::new();
    let mut readable = Vec::new();
    for object in &portal.objects {
        let path = directory.join(format!("{object}.yaml"));
        let made = match remote.properties(object).await {
            Ok(schema) => {
                readable.push(object.clone());
                let text = Mapping::generate_yaml(object, &schema, &Generate::default());
                Made { object: object.clone(), properties: live(&schema), file: write_new(&path, &text)? }
            }
            Err(error) => left_out(object, &path, error)?,
        };
        mappings.push(made);
    }
    let configuration = write_new(&here.join("crmsync.toml"), &configuration(portal, &account, &readable))?;
    Ok(Document { portal_id: account.portal_id, configuration, mappings })
}

fn refuse_another_account(portal: &PortalConfig, account: &Account) -> Result<(), CommandError> {
    match portal.portal_id {
        Some(expected) if expected.to_string() != account.portal_id => Err(CommandError::new(
            Exit::Belt,
            format!("the credential belongs to account {}, not to {expected}.", account.portal_id),
        )
        .hint("nothing was written; use that account's own token, or correct portal_id.")),
        _ => Ok(()),
    }
}

fn live(schema: &[PropertySchema]) -> usize {
    schema.iter().filter(|property| !property.archived).count()
}

/// An object type that the credential may not see, or that the account does not have, is left out; the rest goes on.
fn left_out(object: &str, path: &Path, error: RemoteError) -> Result<Made, CommandError> {
    match error.kind {
        RemoteErrorKind::MissingScope | RemoteErrorKind::NotFound => Ok(Made {
            object: object.to_owned(),
            properties: 0,
            file: Written { path: path.display().to_string(), outcome: format!("left out: {error}") },
        }),
        _ => Err(error.into()),
    }
}

/// Writes a file that is not there yet. One that is there belongs to whoever wrote it.
fn write_new(path: &Path, text: &str) -> Result<Written, CommandError> {
    let outcome = match std::fs::File::create_new(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            "written"
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => "kept as it was",
        Err(error) => return Err(error.into()),
    };
    Ok(Written { path: path.display().to_string(), outcome: outcome.to_owned() })
}

fn configuration(portal: &PortalConfig, account: &Account, objects: &[String]) -> String {
    let names: Vec<String> = objects.iter().map(|object| format!("\"{object}\"")).collect();
    let mirror = portal.mirror.file_name().map_or_else(|| "crm.db".into(), |name| name.to_string_lossy());
    format!(
        "# How crmsync keeps HubSpot account {id} and a SQLite file in step.\n\
         [portals.{name}]\n\
         mirror    = \"{mirror}\"            # relative to this file\n\
         mappings  = \"{DIRECTORY}\"          # one YAML file for each object type\n\
         objects   = [{objects}]\n\
         portal_id = {id}           # a token of another account is refused\n\
         tier      = \"auto\"              # or free | starter | professional | enterprise | oauth_public\n\
         # The token is not written here. It comes from HUBSPOT_ACCESS_TOKEN, or from one of:\n\
         # token_env  = \"NAME\"\n\
         # token_file = \"path\"             # mode 0600\n\
         \n\
         [portals.{name}.push]\n\
         enabled = false                 # writing to HubSpot is switched on here, by a person\n",
        id = account.portal_id,
        name = portal.name,
        objects = names.join(", "),
    )
}
