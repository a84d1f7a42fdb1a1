//! What a configuration says, as plain values, with the built-in defaults.

use super::api_base::ApiBase;
use super::closest::closest;
use super::credential::TokenSource;
use crate::exit::{CommandError, Exit};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use sync_core::Belt;

/// The whole configuration of one invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file it was read from; `None` where there is none.
    pub file: Option<PathBuf>,
    /// The portals by name; at least one.
    pub portals: BTreeMap<String, PortalConfig>,
    /// How often the daemon syncs each portal.
    pub schedule: BTreeMap<String, Duration>,
}

/// One portal and the mirror it is kept in step with.
#[derive(Clone, Debug, PartialEq)]
pub struct PortalConfig {
    /// Its name on the command line.
    pub name: String,
    /// The SQLite file, as an absolute path.
    pub mirror: PathBuf,
    /// The directory of mapping files, as an absolute path; `None` for the built-in ones.
    pub mappings: Option<PathBuf>,
    /// What HubSpot's plan allows.
    pub tier: Tier,
    /// Whether the portal has bought the add-on that raises its limits.
    pub api_limit_increase: bool,
    /// The object types to mirror, each once.
    pub objects: Vec<String>,
    /// The date-based version of HubSpot's API.
    pub api_version: String,
    /// Names or ids of the lists whose memberships are mirrored.
    pub lists: Vec<String>,
    /// The account that the credential must belong to; `None`: the first answer decides.
    pub portal_id: Option<u64>,
    /// Where the API is.
    pub api_base: ApiBase,
    /// Where the credential comes from; `None` where nothing names one.
    pub credential: Option<TokenSource>,
    /// Overrides of what the tier allows.
    pub limits: Limits,
    /// How changes are brought in.
    pub pull: Pull,
    /// Whether and how changes are sent.
    pub push: Push,
    /// How long records of the past are kept: the same for every portal.
    pub keep: Keep,
}

/// HubSpot's plans, as far as their limits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tier {
    /// Starts careful and learns from HubSpot's headers.
    #[default]
    Auto,
    /// Free tools.
    Free,
    /// Starter.
    Starter,
    /// Professional.
    Professional,
    /// Enterprise.
    Enterprise,
    /// An app installed by OAuth, whatever the portal's plan.
    OauthPublic,
}

impl Tier {
    /// Every tier with its name in the configuration.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("free", Self::Free),
        ("starter", Self::Starter),
        ("professional", Self::Professional),
        ("enterprise", Self::Enterprise),
        ("oauth_public", Self::OauthPublic),
    ];
}

/// Overrides of the limits that the tier gives; `None` leaves the tier's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests in any rolling ten seconds.
    pub window_requests: Option<u32>,
    /// Searches a second.
    pub search_per_second: Option<u32>,
    /// Calls a day.
    pub daily_requests: Option<u64>,
    /// Share of the day's calls left to other apps, from 0 to 1.
    pub daily_reserve: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window_requests: None, search_per_second: None, daily_requests: None, daily_reserve: 0.10 }
    }
}

/// How changes are brought in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pull {
    /// How far the settled pass trails behind the present.
    pub settle: Duration,
    /// How often the archived list is walked.
    pub archived_every: Duration,
    /// How often all ids are swept.
    pub sweep_every: Duration,
    /// The longest piece of a sweep in one run.
    pub sweep_slice: Duration,
    /// How long a record that no read returns is kept.
    pub purge_missing: Duration,
    /// How long HubSpot may fail to answer before the run gives up.
    pub give_up_after: Duration,
    /// How many records may vanish at once.
    pub max_vanished: Belt,
}

impl Default for Pull {
    fn default() -> Self {
        Self {
            settle: Duration::from_mins(60),
            archived_every: Duration::from_hours(1),
            sweep_every: Duration::from_hours(24),
            sweep_slice: Duration::from_secs(60),
            purge_missing: Duration::from_hours(30 * 24),
            give_up_after: Duration::from_mins(10),
            max_vanished: Belt { percent: 2.0, at_least: 100 },
        }
    }
}

/// Whether and how changes are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Push {
    /// Whether anything may be written to HubSpot at all.
    pub enabled: bool,
    /// Whether property history is read back after writing.
    pub verify: bool,
    /// How many records one run may archive.
    pub max_archives: Belt,
    /// How many records one run may update.
    pub max_updates: Belt,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            enabled: false,
            verify: false,
            max_archives: Belt { percent: 1.0, at_least: 20 },
            max_updates: Belt { percent: 20.0, at_least: 500 },
        }
    }
}

/// How long records of the past are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// History, runs, resolved conflicts, settled journal entries.
    pub log: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self { log: Duration::from_hours(90 * 24) }
    }
}

impl Settings {
    /// The portal a command works on: the one named, or the only one.
    pub fn portal(&self, named: Option<&str>) -> Result<&PortalConfig, CommandError> {
        let names = || self.portals.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let Some(name) = named else {
            let mut portals = self.portals.values();
            return match (portals.next(), portals.next()) {
                (Some(portal), None) => Ok(portal),
                _ => Err(CommandError::usage(format!("several portals are configured: {}.", names()))
                    .hint("say which one with --portal NAME.")),
            };
        };
        self.portals.get(name).ok_or_else(|| {
            let near = closest(name, self.portals.keys().map(String::as_str));
            let error = CommandError::usage(format!("there is no portal named {name}; configured: {}.", names()));
            match near {
                Some(near) => error.hint(format!("did you mean --portal {near}?")),
                None => error,
            }
        })
    }

    /// The portals a command works on: all of them, or as [`Settings::portal`] says.
    pub fn portals(&self, all: bool, named: Option<&str>) -> Result<Vec<&PortalConfig>, CommandError> {
        if all { Ok(self.portals.values().collect()) } else { Ok(vec![self.portal(named)?]) }
    }
}

impl PortalConfig {
    /// Where to read the credential; without one, an error that says how to give one.
    pub fn credential(&self) -> Result<&TokenSource, CommandError> {
        self.credential.as_ref().ok_or_else(|| {
            let mut error = CommandError::new(Exit::Authentication, "no credential is configured.");
            error = if self.name == super::portals::DEFAULT_PORTAL {
                error.hint("set HUBSPOT_ACCESS_TOKEN to the token of a private app or to a service key.")
            } else {
                error.hint(format!(
                    "name one under [portals.{}]: token_env = \"VARIABLE\" or token_file = \"PATH\".",
                    self.name
                ))
            };
            error.hint("to try crmsync without a portal, run `crmsync demo`.")
        })
    }

    /// The object types a command works on: those named, which must be configured, or all configured ones.
    pub fn selected_objects(&self, named: &[String]) -> Result<Vec<String>, CommandError> {
        if named.is_empty() {
            return Ok(self.objects.clone());
        }
        if let Some(unknown) = named.iter().find(|name| !self.objects.contains(name)) {
            let near = closest(unknown, self.objects.iter().map(String::as_str));
            let error = CommandError::usage(format!(
                "{unknown} is not among the objects of portal {}: {}.",
                self.name,
                self.objects.join(", ")
            ));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("add it to objects under [portals.{}].", self.name)),
            });
        }
        // In the configured order, each once, whatever the order of the arguments.
        Ok(self.objects.iter().filter(|object| named.contains(object)).cloned().collect())
    }
}
