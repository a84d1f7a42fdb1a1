//! One portal and its mirror, opened for a run: the lock, the credential, the mappings, the connector, the engine.

use crate::commands::{Allowances, Context};
use crate::config::{PortalConfig, TokenSource};
use crate::exit::{CommandError, Exit};
use connectors::hubspot::{ApiVersion, HubSpot, Settings, Tier};
use connectors::{HttpTransport, Token, Transport, Usage};
use mappings::{Mapping, MappingError, check_set};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_core::clock::SystemClock;
use sync_core::events::{Event, Observer};
use sync_core::remote::Account;
use sync_core::steps::Unstopped;
use sync_core::store::{RunLock, RunTotals, Store, StoreError, StoreHandle};
use sync_core::{Engine, Lanes, Parts, PullSettings, PushSettings, Remote, RemoteError, Report, RunError, Via};

/// Where `init` puts mappings unless the configuration says otherwise, beside the configuration.
pub(crate) const MAPPINGS_DIRECTORY: &str = "mappings";

/// A portal and its mirror, for as long as one command works on them. Nobody else runs on this mirror meanwhile. The
/// portal is reached over the network, or by whatever else carries requests.
pub struct Installation<T: Transport + 'static = HttpTransport> {
    /// The engine, connected and opened.
    pub engine: Engine<HubSpot<T>>,
    /// The mappings of the configured objects.
    pub mappings: Vec<Mapping>,
    /// Whether a person has switched writing to HubSpot on.
    pub may_push: bool,
    /// The portal that must answer, where the configuration names it.
    pub(crate) portal_id: Option<String>,
    /// The mirror's lock.
    pub(crate) lock: RunLock,
}

impl Installation {
    /// Opens a portal's installation, with what a person allowed for this run. Makes no call yet.
    ///
    /// # Errors
    /// 2 when credential, mappings or mirror are not usable as they are, 75 when another run is at work.
    pub fn open(context: &Context, portal: &PortalConfig, allowed: Allowances) -> Result<Self, CommandError> {
        Self::open_via(context, portal, allowed, Via::Auto)
    }

    /// The same, with a choice of the calls by which a backfill reads records.
    ///
    /// # Errors
    /// As [`Installation::open`].
    pub fn open_via(
        context: &Context,
        portal: &PortalConfig,
        allowed: Allowances,
        via: Via,
    ) -> Result<Self, CommandError> {
        let mappings = mappings_of(portal)?;
        let token = token_of(portal)?;
        let lock = RunLock::take(&portal.mirror)?;
        let store = opened(&portal.mirror).map_err(|error| error.at(&portal.mirror))?;
        let observer: Arc<dyn Observer> = Arc::clone(&context.progress) as _;
        if !portal.lists.is_empty() {
            let sentence = format!("`lists` of portal {} has no effect yet: no list is mirrored.", portal.name);
            observer.event(Event::Warning(sentence));
        }
        let remote = remote_of(portal, token, Arc::clone(&observer), true)?;
        let steps = Arc::new(Unstopped);
        let engine = Engine::new(Parts {
            remote,
            store: StoreHandle::on_thread(store, Arc::new(SystemClock), steps.clone()),
            observer,
            steps,
            pull: pull_settings(portal, allowed, via),
            push: push_settings(portal, allowed),
        });
        let portal_id = portal.portal_id.map(|id| id.to_string());
        Ok(Self { engine, mappings, may_push: portal.push.enabled, portal_id, lock })
    }
}

impl<T: Transport + 'static> Installation<T> {
    /// Opens the run's row, after asking who answers. Where nobody does, or the credential is refused, that is the run.
    ///
    /// # Errors
    /// As the engine's.
    pub async fn begin(&self, command: &'static str) -> Result<(Account, i64), CommandError> {
        match self.engine.begin_run(command, self.portal_id.as_deref(), &self.lock).await {
            Err(RunError::Remote(error)) => Err(self.failed_at_once(command, error).await),
            begun => Ok(begun?),
        }
    }

    /// Leaves the row of a run whose first call failed: else the last run would be the one that went well, be it days ago.
    async fn failed_at_once(&self, command: &'static str, error: RemoteError) -> CommandError {
        let failed = Some(error.to_string());
        let error = CommandError::from(error);
        // Why it failed is worth more than that this could not be written down.
        if let Ok(run_id) = self.begin_local(command).await {
            let report = Report { run_id, failed, ..Report::default() };
            drop(close(&self.engine, &report, error.exit).await);
        }
        error
    }

    /// Opens the row of a run that makes no call.
    ///
    /// # Errors
    /// As the engine's.
    pub async fn begin_local(&self, command: &'static str) -> Result<i64, CommandError> {
        Ok(self.engine.begin_local_run(command, &self.lock).await?)
    }
}

/// Opens a mirror that is to be written.
fn opened(mirror: &Path) -> Result<Store, StoreError> {
    let store = Store::open(mirror)?;
    store.refuse_read_only()?;
    Ok(store)
}

/// Closes a run's row with what its report tells.
pub(crate) async fn close<T: Transport + 'static>(
    engine: &Engine<HubSpot<T>>,
    report: &Report,
    exit: Exit,
) -> Result<Usage, CommandError> {
    let usage = engine.remote().usage();
    let (totals, pushed) = (report.totals(), report.pushed());
    let ended = engine
        .end_run(RunTotals {
            pulled: totals.inserted + totals.changed + totals.missing + totals.erased,
            pushed: pushed.written(),
            archived: totals.archived + pushed.archived,
            conflicts: totals.conflicts + pushed.conflicts + pushed.overwritten,
            rejects: pushed.refused,
            requests: usage.requests,
            daily_limit: usage.daily_limit,
            daily_remaining: usage.daily_remaining,
            exit_code: i64::from(exit.code()),
            error: report.failed.clone().or_else(|| report.objects.values().find_map(|part| part.failed.clone())),
        })
        .await;
    match (ended, exit) {
        (Ok(()), _) => Ok(usage),
        // The run's own error is worth more than that its row could not be closed.
        (Err(_), exit) if exit != Exit::Done => Ok(usage),
        (Err(error), _) => Err(error.into()),
    }
}

/// The connector of a portal, over the network. Without the run's lock it is not `exclusive` and goes slowly.
pub(crate) fn remote_of(
    portal: &PortalConfig,
    token: Token,
    observer: Arc<dyn Observer>,
    exclusive: bool,
) -> Result<HubSpot<HttpTransport>, CommandError> {
    let transport = HttpTransport::new(portal.api_base.as_str())
        .map_err(|error| CommandError::usage(format!("{error}.")).caused_by(error))?;
    Ok(HubSpot::new(transport, token, Settings { exclusive, ..settings_of(portal)? }, observer))
}

fn settings_of(portal: &PortalConfig) -> Result<Settings, CommandError> {
    let api_version: ApiVersion =
        portal.api_version.parse().map_err(|error| CommandError::usage(format!("portal {}: {error}.", portal.name)))?;
    Ok(Settings {
        api_version,
        tier: match portal.tier {
            crate::config::Tier::Auto => Tier::Auto,
            crate::config::Tier::Free => Tier::Free,
            crate::config::Tier::Starter => Tier::Starter,
            crate::config::Tier::Professional => Tier::Professional,
            crate::config::Tier::Enterprise => Tier::Enterprise,
            crate::config::Tier::OauthPublic => Tier::OauthPublic,
        },
        api_limit_increase: portal.api_limit_increase,
        window_requests: portal.limits.window_requests,
        search_per_second: portal.limits.search_per_second,
        daily_requests: portal.limits.daily_requests,
        daily_reserve: portal.limits.daily_reserve,
        give_up_after: portal.pull.give_up_after,
        jitter_seed: u64::from(std::process::id()),
        ..Settings::default()
    })
}

fn pull_settings(portal: &PortalConfig, allowed: Allowances, via: Via) -> PullSettings {
    PullSettings {
        settle: portal.pull.settle,
        archived_every: portal.pull.archived_every,
        sweep_every: portal.pull.sweep_every,
        sweep_slice: portal.pull.sweep_slice,
        purge_missing: portal.pull.purge_missing,
        keep_log: portal.keep.log,
        max_vanished: portal.pull.max_vanished,
        allow_vanished: allowed.vanished,
        metadata_every: portal.pull.sweep_every,
        lanes: Lanes { via, ..Lanes::default() },
    }
}

pub(crate) fn push_settings(portal: &PortalConfig, allowed: Allowances) -> PushSettings {
    PushSettings {
        max_archives: portal.push.max_archives,
        allow_archives: allowed.archives,
        max_updates: portal.push.max_updates,
        allow_updates: allowed.updates,
        verify: portal.push.verify,
        ..PushSettings::default()
    }
}

/// A write outside a run must not reach an account that this mirror is not of.
///
/// # Errors
/// 3 when the credential belongs to another one.
pub(crate) async fn refuse_another_account(
    portal: &PortalConfig,
    remote: &HubSpot<HttpTransport>,
) -> Result<(), CommandError> {
    let bound = match portal.portal_id {
        Some(id) => Some(id.to_string()),
        None => Store::portal_at(&portal.mirror)?,
    };
    let Some(bound) = bound else { return Ok(()) };
    let found = remote.account().await?.portal_id;
    if found == bound {
        return Ok(());
    }
    Err(CommandError::new(Exit::Belt, format!("the credential belongs to account {found}, not to {bound}."))
        .hint("nothing was sent; use that account's own token, or another portal."))
}

/// Reads the credential from where the configuration says it is.
///
/// # Errors
/// 4 when there is none, 2 when its place is not fit to hold one.
pub fn token_of(portal: &PortalConfig) -> Result<Token, CommandError> {
    let token = match portal.credential()? {
        TokenSource::Variable(name) => Token::from_env(name),
        TokenSource::AccessTokenVariable => Token::from_env("HUBSPOT_ACCESS_TOKEN"),
        TokenSource::File(path) => Token::from_file(path),
        TokenSource::SystemdCredential(name) => Token::from_systemd_credential(name),
        TokenSource::OAuth(_) => {
            return Err(CommandError::usage(format!("portal {}: OAuth is not part of this version.", portal.name))
                .hint("use the token of a private app or a service key: token_env or token_file."));
        }
    };
    token.map_err(|error| CommandError::usage(error.to_string()).caused_by(error))
}

/// The mappings of the configured objects: from the portal's directory, else the built-in ones.
///
/// # Errors
/// 2, naming every mistake with file and line.
pub fn mappings_of(portal: &PortalConfig) -> Result<Vec<Mapping>, CommandError> {
    let available = match &portal.mappings {
        Some(directory) => read_directory(directory)?,
        None => Mapping::built_ins(),
    };
    // All of them, not only those that are configured: which of two files for one object counts is a person's to say.
    check_set(&available).map_err(|errors| mapping_errors(&errors))?;
    let mut chosen = Vec::with_capacity(portal.objects.len());
    for object in &portal.objects {
        let found = available.iter().find(|mapping| mapping.object == *object);
        chosen.push(found.cloned().ok_or_else(|| no_mapping(portal, object))?);
    }
    Ok(chosen)
}

/// The mappings that a directory holds, as far as they can be read: for whoever must not make a second one.
///
/// # Errors
/// When the directory or a file in it is unreadable.
pub(crate) fn readable_mappings(directory: &Path) -> Result<Vec<Mapping>, CommandError> {
    Ok(parse_directory(directory)?.into_iter().filter_map(Result::ok).collect())
}

fn read_directory(directory: &Path) -> Result<Vec<Mapping>, CommandError> {
    let mut mappings = Vec::new();
    let mut mistakes = Vec::new();
    for parsed in parse_directory(directory)? {
        match parsed {
            Ok(mapping) => mappings.push(mapping),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(mappings) } else { Err(mapping_errors(&mistakes)) }
}

/// A mapping file, or its mistakes.
type Parsed = Result<Mapping, Vec<MappingError>>;

/// What each YAML file of a directory says, in the order of their names.
fn parse_directory(directory: &Path) -> Result<Vec<Parsed>, CommandError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        CommandError::usage(format!("{} cannot be read: {error}.", path.display()))
            .hint("`mappings` names a directory of YAML files; `crmsync init` writes one.")
            .caused_by(error)
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| unreadable(directory, error))? {
        let path = entry.map_err(|error| unreadable(directory, error))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
    paths.sort();
    let parse = |path: PathBuf| -> Result<Parsed, CommandError> {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        Ok(Mapping::parse_all(&path.display().to_string(), &text))
    };
    paths.into_iter().map(parse).collect()
}

fn no_mapping(portal: &PortalConfig, object: &str) -> CommandError {
    match &portal.mappings {
        Some(directory) => CommandError::usage(format!("{} has no mapping for {object}.", directory.display()))
            .hint(format!("run `crmsync init` to write one, or take {object} out of `objects`.")),
        None => CommandError::usage(format!("there is no built-in mapping for {object}.")).hint(format!(
            "run `crmsync init` to write one from the portal's own schema. A configuration that is there already then \
             needs {}.",
            mappings_line(&portal.name)
        )),
    }
}

/// The line that makes a configuration use the mappings of `init`, and where it goes.
pub(crate) fn mappings_line(portal: &str) -> String {
    format!("the line `mappings = \"{MAPPINGS_DIRECTORY}\"` under [portals.{portal}]")
}

/// Mistakes in mapping files, a line each.
pub(crate) fn mapping_errors(errors: &[MappingError]) -> CommandError {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    CommandError::usage(lines.join("\n"))
}

#[cfg(test)]
mod tests;
