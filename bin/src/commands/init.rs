//! `crmsync init`: from a token to a working configuration.

use super::Context;
use crate::config::{PortalConfig, Settings};
use crate::exit::{CommandError, Exit};
use crate::installation::{MAPPINGS_DIRECTORY, mappings_line, readable_mappings, remote_of, token_of};
use crate::output::{Align, Table, words};
use clap::Args;
use connectors::{HttpTransport, HubSpot};
use mappings::{Generate, Mapping, PropertySchema};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_core::events::Observer;
use sync_core::remote::{Account, Remote};
use sync_core::{RemoteError, RemoteErrorKind};

/// Connect to the portal, write crmsync.toml and a mapping for each object type.
///
/// The mappings come from the portal's own schema. Works in an empty directory with nothing but a token in the environment. Run again, it adds the files that are
/// missing and keeps those that are there. With --config FILE, the configuration is written there. It writes nothing to HubSpot, and the token is not stored.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  mkdir acme && cd acme
  HUBSPOT_ACCESS_TOKEN=… crmsync init
  HUBSPOT_ACCESS_TOKEN=… crmsync sync")]
pub struct InitArgs {}

/// What became of a file that was there before.
const KEPT: &str = "kept as it was";

/// Where the files go.
struct Place {
    configuration: PathBuf,
    /// The folder of the configuration, from which it names the others.
    folder: PathBuf,
    mappings: PathBuf,
}

#[derive(Serialize)]
struct Document {
    portal_id: String,
    configuration: Written,
    mappings: Vec<Made>,
    /// What to do next.
    next: String,
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
    let (named, around) = (context.global.config.as_deref(), context.surroundings());
    let settings = Settings::load_or_begin(named, around)?;
    let portal = settings.portal(context.global.portal.as_deref())?;
    let place = Place::of(around.configuration(named), portal);
    // A configuration that is there is not changed, not even to name the mappings.
    let unused = settings.file.is_some() && portal.mappings.is_none();
    let next = if unused { name_the_mappings(&place, portal) } else { sync_command(context) };
    let token = token_of(portal)?;
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    let remote = remote_of(portal, token, observer, false)?;
    let document = context.block_on(connect(&place, portal, &remote, next))??;
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
        output.line(format!("Next: {}", document.next))
    })?;
    let missing = document.mappings.iter().any(|made| made.properties == 0);
    Ok(if missing || unused { Exit::Attention } else { Exit::Done })
}

impl Place {
    fn of(configuration: PathBuf, portal: &PortalConfig) -> Self {
        let folder = configuration.parent().unwrap_or(Path::new("/")).to_owned();
        let mappings = portal.mappings.clone().unwrap_or_else(|| folder.join(MAPPINGS_DIRECTORY));
        Self { configuration, folder, mappings }
    }

    /// A path as the configuration names it: from its own folder, if it lies in there.
    fn named(&self, path: &Path) -> String {
        let named = match path.strip_prefix(&self.folder) {
            Ok(inside) if inside.as_os_str().is_empty() => Path::new("."),
            Ok(inside) => inside,
            Err(_) => path,
        };
        quoted(&named.display().to_string())
    }
}

fn name_the_mappings(place: &Place, portal: &PortalConfig) -> String {
    let (line, file) = (mappings_line(&portal.name), place.configuration.display());
    format!("add {line} to {file}, which uses the built-in mappings until then")
}

/// The command that syncs the same portal of the same configuration.
fn sync_command(context: &Context) -> String {
    let mut command = "crmsync sync".to_owned();
    if let Some(file) = &context.global.config {
        command.push_str(&format!(" --config {}", file.display()));
    }
    if let Some(name) = &context.global.portal {
        command.push_str(&format!(" --portal {name}"));
    }
    command
}

async fn connect(
    place: &Place,
    portal: &PortalConfig,
    remote: &HubSpot<HttpTransport>,
    next: String,
) -> Result<Document, CommandError> {
    let account = remote.account().await?;
    refuse_another_account(portal, &account)?;
    for folder in [&place.folder, &place.mappings] {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    }
    let there = readable_mappings(&place.mappings)?;
    let mut mappings = Vec::new();
    let (mut readable, mut no_scope) = (Vec::new(), false);
    for object in &portal.objects {
        let path = place.mappings.join(format!("{object}.yaml"));
        let made = match remote.properties(object).await {
            Ok(schema) => {
                readable.push(object.clone());
                let file = match there.iter().find(|mapping| mapping.object == *object) {
                    // Under whatever name: a second file for the object would be refused.
                    Some(mapping) => Written { path: mapping.source.to_string(), outcome: KEPT.to_owned() },
                    None => write_new(&path, &Mapping::generate_yaml(object, &schema, &Generate::default()))?,
                };
                Made { object: object.clone(), properties: live(&schema), file }
            }
            Err(error) => {
                no_scope |= error.kind == RemoteErrorKind::MissingScope;
                left_out(object, &path, error)?
            }
        };
        mappings.push(made);
    }
    if readable.is_empty() {
        return Err(nothing_readable(&mappings, no_scope));
    }
    let text = configuration(place, portal, &account, &readable);
    let configuration = write_new(&place.configuration, &text)?;
    Ok(Document { portal_id: account.portal_id, configuration, mappings, next })
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

/// A configuration of no object type would be refused by the next command.
fn nothing_readable(left_out: &[Made], no_scope: bool) -> CommandError {
    let why: Vec<String> = left_out.iter().map(|made| format!("{}: {}", made.object, made.file.outcome)).collect();
    let exit = if no_scope { Exit::Authentication } else { Exit::Usage };
    CommandError::new(exit, format!("no object type can be read, so nothing was written. {}", why.join(" ")))
        .hint("give the credential the scopes of these object types, or name others in `objects`.")
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

/// Writes a file that is not there yet. One that is there belongs to whoever wrote it. Nobody else may write it, whatever
/// the umask: a configuration that others may change is not trusted.
fn write_new(path: &Path, text: &str) -> Result<Written, CommandError> {
    let outcome = match OpenOptions::new().write(true).create_new(true).mode(0o644).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|error| unwritable(path, error))?;
            "written"
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => KEPT,
        Err(error) => return Err(unwritable(path, error)),
    };
    Ok(Written { path: path.display().to_string(), outcome: outcome.to_owned() })
}

/// A full disk is told as everywhere; of all else it helps to know where.
fn unwritable(path: &Path, error: std::io::Error) -> CommandError {
    let mut failed = CommandError::from(error);
    if failed.exit == Exit::Usage {
        failed.message = format!("{} cannot be written: {}", path.display(), failed.message);
        failed = failed.hint("run it in a folder that you may write to, or name a file in one with --config FILE.");
    }
    failed
}

/// Text as TOML reads it: a JSON string is a TOML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn configuration(place: &Place, portal: &PortalConfig, account: &Account, objects: &[String]) -> String {
    let names: Vec<String> = objects.iter().map(|object| quoted(object)).collect();
    format!(
        "# How crmsync keeps HubSpot account {id} and a SQLite file in step.\n\
         [portals.{name}]\n\
         mirror    = {mirror}            # paths are relative to this file\n\
         mappings  = {mappings}          # one YAML file for each object type\n\
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
        mirror = place.named(&portal.mirror),
        mappings = place.named(&place.mappings),
        objects = names.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::write_new;
    use crate::exit::Exit;

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("contacts.yaml");
        let error = write_new(&path, "object: contacts\n").err().unwrap();
        assert!(error.message.starts_with(&format!("{} cannot be written: ", path.display())), "{error}");
        assert_eq!((error.exit, error.hints.len()), (Exit::Usage, 1));
    }
}
