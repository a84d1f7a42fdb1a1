//! From the layered configuration to [`Settings`]: every key of the contract, its check and its default.

use super::api_base::{self, ApiBase};
use super::closest::closest;
use super::credential;
use super::layers::Surroundings;
use super::section::Section;
use super::settings::{Keep, Limits, PortalConfig, Pull, Push, Settings, Tier};
use crate::exit::CommandError;
use config::Map;
use connectors::hubspot::ApiVersion;
use mappings::Mapping;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use sync_core::Belt;

/// The portal's name where none is configured.
pub(super) const DEFAULT_PORTAL: &str = "default";
/// What is mirrored where nothing else is said.
const DEFAULT_OBJECTS: [&str; 4] = ["contacts", "companies", "deals", "tickets"];
const DEFAULT_API_VERSION: &str = "2026-09";
/// The short way to another base, for every portal that has no variable of its own.
pub(super) const SHORT_API_BASE: &str = "CRMSYNC_API_BASE";

const TOP_KEYS: [&str; 3] = ["portals", "schedule", "keep"];
const PORTAL_KEYS: [&str; 15] = [
    "mirror",
    "mappings",
    "tier",
    "api_limit_increase",
    "objects",
    "api_version",
    "lists",
    "portal_id",
    "api_base",
    "token_env",
    "token_file",
    "oauth",
    "limits",
    "pull",
    "push",
];

/// Reads everything. `file` is the configuration file, if there is one.
pub(super) fn read(
    root: &Section<'_>,
    file: Option<PathBuf>,
    surroundings: &Surroundings,
) -> Result<Settings, CommandError> {
    root.refuse_secrets()?;
    root.only(&TOP_KEYS)?;
    let mut portals = read_portals(root, surroundings)?;
    refuse_shared_mirrors(root, &portals)?;
    let schedule = read_schedule(root, &portals)?;
    let keep = match root.section("keep")? {
        Some(section) => {
            section.only(&["log"])?;
            Keep { log: section.span("log")?.unwrap_or(Keep::default().log) }
        }
        None => Keep::default(),
    };
    portals.values_mut().for_each(|portal| portal.keep = keep);
    Ok(Settings { file, portals, schedule })
}

fn read_portals(root: &Section<'_>, around: &Surroundings) -> Result<BTreeMap<String, PortalConfig>, CommandError> {
    let none = Map::new();
    let section = root.section("portals")?;
    let mut portals = BTreeMap::new();
    let names = section.as_ref().map(Section::keys).unwrap_or_default();
    for name in &names {
        let Some(section) = &section else { continue };
        if !is_portal_name(name) {
            return Err(
                section.problem(name, "expected a portal name of lower-case letters and digits, a letter first")
            );
        }
        let Some(portal) = section.section(name)? else { continue };
        portals.insert((*name).to_owned(), read_portal(&portal, name, names.len() == 1, around)?);
    }
    if portals.is_empty() {
        let empty = Section::root(&none, "");
        portals.insert(DEFAULT_PORTAL.to_owned(), read_portal(&empty, DEFAULT_PORTAL, true, around)?);
    }
    Ok(portals)
}

fn is_portal_name(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

fn read_portal(
    portal: &Section<'_>,
    name: &str,
    only: bool,
    around: &Surroundings,
) -> Result<PortalConfig, CommandError> {
    portal.only(&PORTAL_KEYS)?;
    let mirror = portal.path("mirror")?.unwrap_or_else(|| default_mirror(name));
    let objects = portal.names("objects")?.unwrap_or_else(|| DEFAULT_OBJECTS.map(str::to_owned).to_vec());
    if objects.is_empty() {
        return Err(portal.problem("objects", "expected at least one object type"));
    }
    let api_version = portal.text("api_version")?.unwrap_or_else(|| DEFAULT_API_VERSION.to_owned());
    if api_version.parse::<ApiVersion>().is_err() {
        return Err(portal.wrong("api_version", "\"2026-09\", \"2026-03\" or \"v3\""));
    }
    Ok(PortalConfig {
        name: name.to_owned(),
        mirror: around.resolve(&mirror),
        mappings: portal.path("mappings")?.map(|path| around.resolve(&path)),
        tier: portal.choice("tier", &Tier::NAMES)?.unwrap_or_default(),
        api_limit_increase: portal.flag("api_limit_increase")?.unwrap_or(false),
        objects,
        api_version,
        lists: portal.names("lists")?.unwrap_or_default(),
        portal_id: portal.whole("portal_id", 1)?,
        api_base: read_api_base(portal, name, around)?,
        credential: credential::source(portal, name, only, around)?,
        limits: read_limits(portal)?,
        pull: read_pull(portal)?,
        push: read_push(portal)?,
        keep: Keep::default(),
    })
}

fn default_mirror(name: &str) -> PathBuf {
    if name == DEFAULT_PORTAL { PathBuf::from("crm.db") } else { PathBuf::from(format!("{name}.db")) }
}

/// The portal's own variable, then the short variable, then the file: the order of all layers, with the more exact of
/// two variables winning.
fn read_api_base(portal: &Section<'_>, name: &str, around: &Surroundings) -> Result<ApiBase, CommandError> {
    let own = format!("CRMSYNC_PORTALS__{}__API_BASE", name.to_uppercase());
    if let (Some(text), false) = (around.variables.get(SHORT_API_BASE), around.variables.contains_key(&own)) {
        return ApiBase::parse(text.trim()).ok_or_else(|| {
            CommandError::usage(format!("environment variable {SHORT_API_BASE}: expected {}.", api_base::EXPECTED))
        });
    }
    match portal.text("api_base")? {
        // Not repeated: an address that is refused may hold a credential.
        Some(text) => {
            ApiBase::parse(&text).ok_or_else(|| portal.problem("api_base", &format!("expected {}", api_base::EXPECTED)))
        }
        None => Ok(ApiBase::default()),
    }
}

fn read_limits(portal: &Section<'_>) -> Result<Limits, CommandError> {
    let usual = Limits::default();
    let Some(limits) = portal.section("limits")? else { return Ok(usual) };
    limits.only(&["window_requests", "search_per_second", "daily_requests", "daily_reserve"])?;
    let whole = |key: &str| -> Result<Option<u32>, CommandError> {
        let number = limits.whole(key, 1)?.map(u32::try_from).transpose();
        number.map_err(|_| limits.wrong(key, "a whole number below 4 billion"))
    };
    Ok(Limits {
        window_requests: whole("window_requests")?,
        search_per_second: whole("search_per_second")?,
        daily_requests: limits.whole("daily_requests", 1)?,
        daily_reserve: limits
            .number("daily_reserve", "a share such as 0.10, from 0 to less than 1", |share| {
                (0.0..1.0).contains(&share)
            })?
            .unwrap_or(usual.daily_reserve),
    })
}

fn read_pull(portal: &Section<'_>) -> Result<Pull, CommandError> {
    let usual = Pull::default();
    let Some(pull) = portal.section("pull")? else { return Ok(usual) };
    pull.only(&[
        "settle",
        "archived_every",
        "sweep_every",
        "sweep_slice",
        "purge_missing",
        "give_up_after",
        "max_vanished",
    ])?;
    Ok(Pull {
        settle: pull.span("settle")?.unwrap_or(usual.settle),
        archived_every: pull.span("archived_every")?.unwrap_or(usual.archived_every),
        sweep_every: pull.span("sweep_every")?.unwrap_or(usual.sweep_every),
        sweep_slice: pull.span("sweep_slice")?.unwrap_or(usual.sweep_slice),
        purge_missing: pull.span("purge_missing")?.unwrap_or(usual.purge_missing),
        give_up_after: pull.span("give_up_after")?.unwrap_or(usual.give_up_after),
        max_vanished: read_belt(&pull, "max_vanished", usual.max_vanished)?,
    })
}

fn read_push(portal: &Section<'_>) -> Result<Push, CommandError> {
    let usual = Push::default();
    let Some(push) = portal.section("push")? else { return Ok(usual) };
    push.only(&["enabled", "verify", "max_archives", "max_updates"])?;
    Ok(Push {
        enabled: push.flag("enabled")?.unwrap_or(usual.enabled),
        verify: push.flag("verify")?.unwrap_or(usual.verify),
        max_archives: read_belt(&push, "max_archives", usual.max_archives)?,
        max_updates: read_belt(&push, "max_updates", usual.max_updates)?,
    })
}

fn read_belt(parent: &Section<'_>, key: &str, usual: Belt) -> Result<Belt, CommandError> {
    let Some(belt) = parent.section(key)? else { return Ok(usual) };
    belt.only(&["percent", "at_least"])?;
    Ok(Belt {
        percent: belt
            .number("percent", "a number from 0 to 100", |percent| (0.0..=100.0).contains(&percent))?
            .unwrap_or(usual.percent),
        at_least: belt.whole("at_least", 0)?.unwrap_or(usual.at_least),
    })
}

fn read_schedule(
    root: &Section<'_>,
    portals: &BTreeMap<String, PortalConfig>,
) -> Result<BTreeMap<String, std::time::Duration>, CommandError> {
    let Some(schedule) = root.section("schedule")? else { return Ok(BTreeMap::new()) };
    let names: Vec<&str> = portals.keys().map(String::as_str).collect();
    schedule.only(&names)?;
    let mut intervals = BTreeMap::new();
    for name in schedule.keys() {
        match schedule.span(name)? {
            Some(interval) if interval.is_zero() => return Err(schedule.wrong(name, "an interval longer than nothing")),
            Some(interval) => {
                intervals.insert(name.to_owned(), interval);
            }
            None => {}
        }
    }
    Ok(intervals)
}

/// Two portals in one file would each take the other's records for changes.
fn refuse_shared_mirrors(root: &Section<'_>, portals: &BTreeMap<String, PortalConfig>) -> Result<(), CommandError> {
    let mut seen: Vec<(PathBuf, &str)> = Vec::new();
    for portal in portals.values() {
        let file = real_path(&portal.mirror);
        if let Some((_, other)) = seen.iter().find(|(path, _)| *path == file) {
            let key = format!("portals.{}.mirror", portal.name);
            return Err(root
                .problem(&key, &format!("expected a file of its own, but portal {other} has the same mirror"))
                .hint("give each portal its own mirror."));
        }
        seen.push((file, &portal.name));
    }
    Ok(())
}

/// Refuses what resembles the name of an object type, where only a built-in mapping could know it. Of any other name it
/// is said when mappings are read.
pub(super) fn refuse_mistyped_objects(root: &Section<'_>, settings: &Settings) -> Result<(), CommandError> {
    let Some(portals) = root.section("portals")? else { return Ok(()) };
    for portal in settings.portals.values().filter(|portal| portal.mappings.is_none()) {
        let mistyped = portal.objects.iter().find_map(|object| Some((object, meant(object)?)));
        if let (Some((object, meant)), Some(section)) = (mistyped, portals.section(&portal.name)?) {
            return Err(section
                .problem("objects", &format!("there is no built-in mapping for {object}"))
                .hint(format!("did you mean {meant}?"))
                .hint(
                    "for an object type of your own run `crmsync init`: it writes a mapping from the portal's schema.",
                ));
        }
    }
    Ok(())
}

/// The built-in object type that was meant by a name that is not one: `contact`, `0-1` and `contatcs` mean contacts.
fn meant(object: &str) -> Option<String> {
    if DEFAULT_OBJECTS.contains(&object) {
        return None;
    }
    let by_any_name = Mapping::built_in(object).map(|mapping| mapping.object);
    if let Some(known) = by_any_name {
        return (known != object).then_some(known);
    }
    let known: Vec<String> = Mapping::built_ins().into_iter().map(|mapping| mapping.object).collect();
    closest(object, known.iter().map(String::as_str)).map(str::to_owned)
}

/// A path without links and detours, as far as it exists.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => path.to_owned(),
    }
}
