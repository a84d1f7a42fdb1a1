//! What the commands share by which a person decides something in the mirror: they take the run lock and have a row in
//! `sync_runs`, and make no call.

use super::{Allowances, Context};
use crate::config::PortalConfig;
use crate::exit::{CommandError, Exit};
use crate::installation::{Installation, close};
use rusqlite::Connection;
use sync_core::store::Store;
use sync_core::{Report, RunError};

/// Does `work` as a run of its own.
pub(super) fn decide<T>(
    context: &Context,
    portal: &PortalConfig,
    command: &'static str,
    work: impl AsyncFnOnce(&Installation) -> Result<T, RunError>,
) -> Result<T, CommandError> {
    let installation = Installation::open(context, portal, Allowances::default())?;
    context.block_on(async {
        let run_id = installation.begin_local(command).await?;
        let done = work(&installation).await.map_err(CommandError::from);
        let exit = done.as_ref().map_or_else(|error| error.exit, |_| Exit::Done);
        let failed = done.as_ref().err().map(ToString::to_string);
        let report = Report { run_id, failed, ..Report::default() };
        close(&installation.engine, &report, exit).await?;
        done
    })?
}

/// The mirror, to be looked at.
pub(super) fn mirror_of(portal: &PortalConfig) -> Result<Connection, CommandError> {
    Store::open_to_read(&portal.mirror)?.ok_or_else(|| {
        CommandError::usage(format!("there is no mirror yet at {}.", portal.mirror.display()))
            .hint("run `crmsync pull` first.")
    })
}

/// Reads an argument that is a number in a list; `shown` says what shows the numbers.
pub(super) fn number(shown: &'static str) -> impl Fn(&str) -> Result<i64, String> + Clone + Send + Sync + 'static {
    move |text: &str| text.parse::<i64>().map_err(|_| format!("expected a number, as {shown} shows them"))
}

/// A value for people: its beginning where it is long, `-` where there is none. Empty is none.
pub(super) fn brief(value: Option<&str>) -> String {
    shortened(value.filter(|value| !value.is_empty()).unwrap_or("-"), 40)
}

/// A text, or its beginning where it has more letters than `most`.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{start}…")
}

/// A stored time for people, to the minute.
pub(super) fn minute(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}
