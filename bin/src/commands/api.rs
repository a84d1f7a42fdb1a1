//! `crmsync api`: one raw call.

use super::Context;
use crate::exit::{CommandError, Exit};
use crate::installation::{refuse_another_account, remote_of, token_of};
use crate::output::escape::escape_lines;
use crate::output::terminal;
use clap::Args;
use connectors::http::{Effect, Method, Response};
use connectors::hubspot::{effect_of, is_api_path};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::Read;
use std::sync::Arc;
use sync_core::events::Observer;

/// Make one raw API call, under the same credential, limits and retries.
///
/// The answer's body goes to stdout as it came; a refusal (4xx) too, with exit 1. While push.enabled is false, nothing but GET, the searches and the batch reads is sent.
/// A write is sent once, and again only where it certainly had not arrived.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  crmsync api GET /account-info/2026-09/details
  crmsync api GET '/crm/objects/2026-09/contacts?limit=2&properties=email'
  crmsync api POST /crm/objects/2026-09/deals/search --data '{\"limit\": 1}'
  crmsync api POST /crm/objects/2026-09/deals/batch/read --data @ids.json --json")]
pub struct ApiArgs {
    /// GET, POST, PUT, PATCH or DELETE
    #[arg(value_name = "METHOD", value_parser = method)]
    pub method: Method,
    /// Path and query, beginning with a slash
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Body to send: JSON, @FILE, or @- for stdin
    #[arg(long, value_name = "JSON|@FILE")]
    pub data: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    status: u16,
    body: &'a RawValue,
}

fn method(word: &str) -> Result<Method, String> {
    let known = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let found = known.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word));
    found.ok_or_else(|| "expected GET, POST, PUT, PATCH or DELETE".to_owned())
}

/// Runs `api`.
pub fn run(context: &Context, arguments: &ApiArgs) -> Result<Exit, CommandError> {
    let portal = context.portal()?;
    let (method, path) = (arguments.method, arguments.path.as_str());
    if !is_api_path(path) {
        return Err(no_path(path));
    }
    let body = body(context, arguments)?;
    let writes = effect_of(method, path) == Effect::Write;
    if writes && !portal.push.enabled {
        return Err(CommandError::new(
            Exit::Belt,
            format!("{method} {path} may change something in HubSpot, and writing is switched off; nothing was sent."),
        )
        .hint(format!("to switch it on, set `enabled = true` under [portals.{}.push] in crmsync.toml.", portal.name)));
    }
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    let remote = remote_of(&portal, token_of(&portal)?, observer, false)?;
    let answer = context.block_on(async {
        if writes {
            refuse_another_account(&portal, &remote).await?;
        }
        Ok::<_, CommandError>(remote.api(method, path, body).await?)
    })??;
    show(context, &answer)?;
    Ok(if answer.status < 300 { Exit::Done } else { Exit::Attention })
}

/// What keeps it from being a path, and how that is written.
fn no_path(path: &str) -> CommandError {
    if !path.starts_with('/') || path.starts_with("//") {
        return CommandError::usage("this is no path of the API.").hint(
            "a path begins with one slash, as in /crm/objects/2026-09/contacts; the address is the configuration's.",
        );
    }
    let query = path.find('?').unwrap_or(path.len());
    let foreign = path.char_indices().find(|(at, letter)| match *letter {
        '#' => true,
        // Before the query it is not taken in any spelling.
        '\\' => *at > query,
        letter => !letter.is_ascii_graphic(),
    });
    let Some((_, letter)) = foreign else {
        return CommandError::usage("this is no path of the API.")
            .hint("no part of it may be `.` or `..`, and before the `?` \\, %2F and %5C are not taken.");
    };
    let name = if letter == ' ' { "a space".to_owned() } else { format!("`{letter}`") };
    let written: String = letter.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    CommandError::usage(format!("this is no path of the API: {name} cannot stand in it."))
        .hint(format!("write {written} in its place."))
}

fn body(context: &Context, arguments: &ApiArgs) -> Result<Option<Vec<u8>>, CommandError> {
    let Some(data) = &arguments.data else { return Ok(None) };
    if arguments.method == Method::Get {
        return Err(CommandError::usage("a GET has no body.").hint("leave --data out, or use POST."));
    }
    let (text, origin) = match data.strip_prefix('@') {
        None => (data.clone(), "--data".to_owned()),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            (text, "stdin".to_owned())
        }
        Some(file) => {
            let path = context.surroundings().directory.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| CommandError::usage(format!("{file} cannot be read: {error}.")).caused_by(error))?;
            (text, file.to_owned())
        }
    };
    // Sent as it is, number for number; only its form is looked at.
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => Ok(Some(text.into_bytes())),
        Err(error) => Err(CommandError::usage(format!("{origin} is no JSON: {error}."))),
    }
}

fn show(context: &Context, answer: &Response) -> Result<(), CommandError> {
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.trim_end();
    if context.output.is_json() {
        // A body that is no JSON is shown as a string; none at all, as null.
        let quoted;
        let body = match serde_json::from_str::<&RawValue>(text) {
            Ok(body) => body,
            Err(_) => {
                let shown = if text.is_empty() { None } else { Some(text) };
                quoted = serde_json::value::to_raw_value(&shown)
                    .map_err(|error| CommandError::internal(format!("the body cannot be shown: {error}.")))?;
                &*quoted
            }
        };
        return context.output.document(&Document { status: answer.status, body });
    }
    if text.is_empty() {
        return Ok(());
    }
    // A file or a program gets the bytes; a terminal must not be steered by them.
    let shown = if terminal::stdout_is_terminal() { escape_lines(text) } else { text.into() };
    context.output.verbatim(&format!("{shown}\n"))
}

#[cfg(test)]
mod tests {
    use super::no_path;

    #[test]
    fn what_keeps_a_path_from_being_one_is_named_with_its_spelling() {
        for (path, what, hint) in [
            ("/crm/v3/objects/contacts?properties=first name", "a space cannot stand in it.", "write %20 in"),
            ("/crm/v3/objects/contacts#x", "`#` cannot stand in it.", "write %23 in"),
            ("/crm/v3/objects/contacts?q=Zoë", "`ë` cannot stand in it.", "write %C3%AB in"),
            ("/crm/v3/objects/contacts?q=a\\b", "`\\` cannot stand in it.", "write %5C in"),
            ("/crm\\objects", "no path of the API.", "no part of it"),
            ("/crm/../x", "no path of the API.", "no part of it"),
            ("crm/objects", "no path of the API.", "a path begins with one slash"),
            ("//evil.example/a b", "no path of the API.", "a path begins with one slash"),
        ] {
            let error = no_path(path);
            assert!(error.message.ends_with(what) && error.hints[0].starts_with(hint), "{path}: {error:?}");
        }
    }
}
