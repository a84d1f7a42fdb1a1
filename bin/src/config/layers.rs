//! Finding the configuration file and laying the environment over it.

use super::portals::{self, SHORT_API_BASE};
use super::section::{Section, shown};
use super::settings::Settings;
use crate::exit::CommandError;
use config::{Config, Environment, File, FileFormat, Map};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// The file that is read where none is named.
const FILE_NAME: &str = "crmsync.toml";
/// A configuration is a page of text; whatever is larger is something else.
const LARGEST_FILE: u64 = 1 << 20;
/// Variables with our prefix that steer the test suite, not the program.
const NOT_SETTINGS: [&str; 5] = [SHORT_API_BASE, "CRMSYNC_SEED", "CRMSYNC_SEEDS", "CRMSYNC_CASES", "CRMSYNC_FUZZ"];

/// What the process was started with, as far as the configuration depends on it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The directory relative paths start from: the configuration file's, or the working directory.
    pub directory: PathBuf,
    /// The environment.
    pub variables: BTreeMap<String, String>,
}

impl Surroundings {
    /// Those of this process. A variable that is not UTF-8 cannot be one of ours and is left out.
    pub fn of_process() -> Result<Self, CommandError> {
        let directory = std::env::current_dir()
            .map_err(|error| CommandError::usage(format!("cannot find the working directory: {error}.")))?;
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { directory, variables })
    }

    /// The configuration file: the one `named` on the command line, else the usual one. It need not be there.
    pub fn configuration(&self, named: Option<&Path>) -> PathBuf {
        self.resolve(named.unwrap_or(Path::new(FILE_NAME)))
    }

    /// A path of the configuration, made absolute and without `.` and `..`.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        let mut resolved = PathBuf::new();
        for part in self.directory.join(path).components() {
            match part {
                Component::CurDir => {}
                // Before a link, `..` is not the same as one step less; the file system has to decide there.
                Component::ParentDir if !resolved.is_symlink() => {
                    resolved.pop();
                }
                part => resolved.push(part),
            }
        }
        resolved
    }
}

impl Settings {
    /// Reads the configuration: the file `named` on the command line, else `crmsync.toml` in the working directory if
    /// there is one, and the environment over it.
    pub fn load(named: Option<&Path>, around: &Surroundings) -> Result<Self, CommandError> {
        Self::load_for(named, around, false)
    }

    /// As [`Settings::load`], for whoever writes what is not there yet: the file that is `named`, and mappings.
    pub fn load_or_begin(named: Option<&Path>, around: &Surroundings) -> Result<Self, CommandError> {
        Self::load_for(named, around, true)
    }

    fn load_for(named: Option<&Path>, around: &Surroundings, beginning: bool) -> Result<Self, CommandError> {
        let may_lack = beginning || named.is_none();
        let path = around.configuration(named);
        let label = shown(named.unwrap_or(Path::new(FILE_NAME)));
        let text = match read_file(&path) {
            Err(error) if may_lack && error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&label, &error)),
            Ok(text) => Some(text),
        };
        let layered = layer(text.as_deref(), &label, around)?;
        let empty = Map::new();
        let root = match &layered.cache.kind {
            config::ValueKind::Table(table) => Section::root(table, &label),
            _ => Section::root(&empty, &label),
        };
        let directory = path.parent().unwrap_or(&around.directory).to_owned();
        let file = text.is_some().then_some(path);
        let settings = portals::read(&root, file, &Surroundings { directory, ..around.clone() })?;
        if !beginning {
            portals::refuse_mistyped_objects(&root, &settings)?;
        }
        Ok(settings)
    }
}

/// The file was named, or is there, and cannot be used.
fn unreadable(label: &str, error: &std::io::Error) -> CommandError {
    match error.kind() {
        ErrorKind::NotFound => CommandError::usage(format!("{label}: there is no such file."))
            .hint("--config names the configuration file; without it, crmsync.toml in the working directory is used."),
        // Our own objections are whole sentences already.
        ErrorKind::Other => CommandError::usage(format!("{label}: {error}.")),
        ErrorKind::InvalidData => {
            CommandError::usage(format!("{label}: expected TOML, found bytes that are not UTF-8."))
        }
        _ => CommandError::usage(format!("{label}: cannot be read: {error}.")),
    }
}

fn layer(text: Option<&str>, label: &str, around: &Surroundings) -> Result<Config, CommandError> {
    let settings: Map<String, String> = around
        .variables
        .iter()
        .filter(|(name, _)| name.starts_with("CRMSYNC_") && !NOT_SETTINGS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut builder = Config::builder();
    if let Some(text) = text {
        builder = builder.add_source(File::from_str(text, FileFormat::Toml));
    }
    builder
        .add_source(Environment::with_prefix("CRMSYNC").prefix_separator("_").separator("__").source(Some(settings)))
        .build()
        .map_err(|error| CommandError::usage(format!("{label}: {}", without_source(&error.to_string()))))
}

/// A parser's message without the line it quotes, which may be the one with a token in it.
fn without_source(message: &str) -> String {
    let kept: Vec<&str> = message
        .lines()
        .map(str::trim_end)
        .filter(|line| {
            !line.is_empty()
                && !line.trim_start_matches(|letter: char| letter == ' ' || letter.is_ascii_digit()).starts_with('|')
        })
        .collect();
    format!("{}.", kept.join(": "))
}

/// Reads the file if only its owner can have written it: whoever can write it can send the token elsewhere.
fn read_file(path: &Path) -> std::io::Result<String> {
    let file = std::fs::File::open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(std::io::Error::other("expected a file, found something else"));
    }
    if writable_by_others(&facts) {
        return Err(std::io::Error::other("expected a file that only its owner may write; run `chmod go-w` on it"));
    }
    let mut text = String::new();
    file.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other("expected at most 1 MiB of configuration"));
    }
    Ok(text)
}

#[cfg(unix)]
fn writable_by_others(facts: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    trusts_others(facts.mode(), facts.uid(), facts.gid())
}

#[cfg(not(unix))]
fn writable_by_others(_facts: &std::fs::Metadata) -> bool {
    false
}

/// Write permission for everybody, or for a group that is not the owner's own. Where each user has a group of the same
/// number, files are group-writable by default and that group has one member.
#[cfg(unix)]
fn trusts_others(mode: u32, owner: u32, group: u32) -> bool {
    mode & 0o002 != 0 || (mode & 0o020 != 0 && owner != group)
}

#[cfg(all(test, unix))]
mod tests {
    use super::{trusts_others, without_source};

    #[test]
    fn only_the_owner_may_write_the_configuration() {
        assert!(!trusts_others(0o100_644, 1000, 100));
        assert!(!trusts_others(0o100_664, 1000, 1000));
        assert!(trusts_others(0o100_664, 1000, 100));
        assert!(trusts_others(0o100_646, 1000, 1000));
    }

    #[test]
    fn a_parse_error_does_not_quote_the_line() {
        let message = "TOML parse error at line 12, column 9\n   |\n12 | token = pat-na1-x\n   |         ^\nstring values must be quoted\n";
        assert_eq!(without_source(message), "TOML parse error at line 12, column 9: string values must be quoted.");
    }
}
