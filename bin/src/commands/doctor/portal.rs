//! What HubSpot says: whether it answers, who it is, how much may be asked of it, and what the credential may read.

use super::check::Check;
use crate::commands::Context;
use crate::config::{PortalConfig, TokenSource};
use crate::exit::{CommandError, Exit};
use crate::installation::{remote_of, token_of};
use crate::output::words;
use chrono::Utc;
use connectors::{HttpTransport, HubSpot, Token, Usage};
use std::sync::Arc;
use std::time::Duration;
use sync_core::events::Observer;
use sync_core::remote::{Account, Remote};
use sync_core::{RemoteError, RemoteErrorKind};

/// A doctor does not wait as long as a run does.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clocks that are further apart than this make logs hard to read together.
const APART: Duration = Duration::from_secs(60);

/// Reads the credential, and says where it is.
pub(super) fn credential(portal: &PortalConfig) -> (Check, Option<Token>) {
    match token_of(portal) {
        Ok(token) => (Check::ok("credential", place(portal.credential.as_ref())), Some(token)),
        Err(error) => (Check::of_error("credential", &error), None),
    }
}

fn place(source: Option<&TokenSource>) -> String {
    match source {
        Some(TokenSource::Variable(name)) => format!("in the environment variable {name}"),
        Some(TokenSource::AccessTokenVariable) | None => "in the environment variable HUBSPOT_ACCESS_TOKEN".to_owned(),
        Some(TokenSource::File(path)) => format!("in {}, which only its owner may read", path.display()),
        Some(TokenSource::SystemdCredential(name)) => format!("systemd's credential {name}"),
        Some(TokenSource::OAuth(_)) => "an OAuth app's".to_owned(),
    }
}

/// Asks HubSpot. Without an answer to the first question the others are not put. `bound` is the mirror's portal.
pub(super) fn ask(
    context: &Context,
    portal: &PortalConfig,
    token: Token,
    bound: Option<&str>,
) -> Result<Vec<Check>, CommandError> {
    let mut hasty = portal.clone();
    hasty.pull.give_up_after = hasty.pull.give_up_after.min(PATIENCE);
    let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
    let remote = remote_of(&hasty, token, observer, false)?;
    context.block_on(async {
        let account = match remote.account().await {
            Ok(account) => account,
            Err(error) => {
                let mut check = Check::of_error("HubSpot", &error.into());
                check.found.push_str(" Clock, limits and scopes were not checked.");
                return vec![check];
            }
        };
        let mut checks = vec![who(portal, &account, bound, &remote.usage()), clock(&account)];
        checks.extend(objects(&remote, &portal.objects).await);
        checks
    })
}

fn who(portal: &PortalConfig, account: &Account, bound: Option<&str>, usage: &Usage) -> Check {
    let found = &account.portal_id;
    let configured = portal.portal_id.map(|id| id.to_string());
    for (other, whose) in [(configured.as_deref(), "portal_id says"), (bound, "the mirror is of")] {
        if let Some(other) = other.filter(|other| other != found) {
            return Check::fail(
                "HubSpot",
                Exit::Belt,
                format!("the credential belongs to account {found}, and {whose} {other}."),
                "use that account's own token, or another mirror file.",
            );
        }
    }
    let mut told = format!("account {found}");
    if let Some(window) = usage.window {
        told.push_str(&format!(", {window} calls in 10 s"));
    }
    if let (Some(limit), Some(left)) = (usage.daily_limit, usage.daily_remaining) {
        told.push_str(&format!(", {} of the day's {} calls left", words::count(left), words::count(limit)));
        // A count of calls fits a float's 53 bits many times over.
        if (left as f64) < limit as f64 * portal.limits.daily_reserve {
            let next = format!(
                "the rest is kept for other apps until midnight in the account's time zone; daily_reserve under \
                 [portals.{}.limits] says how much.",
                portal.name
            );
            return Check::warn("HubSpot", format!("{told}."), next);
        }
    }
    Check::ok("HubSpot", told)
}

fn clock(account: &Account) -> Check {
    let ahead = Utc::now().timestamp_millis() - account.server_time.millis();
    let apart = Duration::from_millis(ahead.unsigned_abs());
    let side = if ahead < 0 { "behind" } else { "ahead of" };
    let found = format!("this machine's is {} {side} HubSpot's", words::span(apart));
    if apart < APART {
        return Check::ok("clock", found);
    }
    let next = "set the clock, by NTP at best; records are not harmed, as only HubSpot's times are compared.";
    Check::warn("clock", format!("{found}."), next)
}

/// One search for each object: the cheapest question that needs its read scope.
async fn objects(remote: &HubSpot<HttpTransport>, objects: &[String]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut denied = 0;
    for object in objects {
        checks.push(match remote.count(object).await {
            Ok(count) => Check::ok(object, format!("may be read: {}", words::records(count))),
            Err(error) => {
                denied += usize::from(error.kind == RemoteErrorKind::MissingScope);
                refused(object, error)
            }
        });
    }
    if denied == objects.len() {
        checks.iter_mut().for_each(|check| check.exit = Exit::Authentication);
    }
    checks
}

fn refused(object: &str, error: RemoteError) -> Check {
    let missing = error.kind == RemoteErrorKind::MissingScope;
    let error = CommandError::from(error);
    let exit = if missing { Exit::Attention } else { error.exit };
    Check { exit, ..Check::of_error(object, &error) }
}
