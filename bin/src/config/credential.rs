//! Where a portal's credential comes from. Only where: reading it is the connector's business, at the last moment.

use super::layers::Surroundings;
use super::section::Section;
use crate::exit::CommandError;
use std::path::{Path, PathBuf};

/// The variable that serves where one portal is configured and nothing else names a credential.
const ACCESS_TOKEN: &str = "HUBSPOT_ACCESS_TOKEN";
/// Set by systemd for a unit with credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The place a credential is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The environment variable of this name.
    Variable(String),
    /// This file, which nobody but its owner may read.
    File(PathBuf),
    /// The credential of this name, handed over by systemd.
    SystemdCredential(String),
    /// `HUBSPOT_ACCESS_TOKEN`, because nothing names another and one portal is configured.
    AccessTokenVariable,
    /// What `crmsync auth login` stored for this app.
    OAuth(OAuthApp),
}

/// An OAuth app. Its secret is named, not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthApp {
    /// The app's public id.
    pub client_id: String,
    /// The environment variable that holds the app's secret.
    pub client_secret_env: String,
}

/// Decides for one portal: what the configuration names, else the systemd credential, else the common variable if this
/// is the `only` portal.
pub(super) fn source(
    portal: &Section<'_>,
    name: &str,
    only: bool,
    surroundings: &Surroundings,
) -> Result<Option<TokenSource>, CommandError> {
    let variable = variable_name(portal, "token_env")?;
    let file = portal.path("token_file")?;
    let oauth = match portal.section("oauth")? {
        Some(section) => Some(app(&section)?),
        None => None,
    };
    let named = [
        ("token_env", variable.map(TokenSource::Variable)),
        ("token_file", file.map(|path| TokenSource::File(surroundings.resolve(&path)))),
        ("oauth", oauth.map(TokenSource::OAuth)),
    ];
    let mut named = named.into_iter().filter_map(|(key, source)| Some((key, source?)));
    match (named.next(), named.next()) {
        (Some((_, source)), None) => return Ok(Some(source)),
        (Some((first, _)), Some((second, _))) => {
            return Err(portal.problem(second, &format!("expected one credential, but {first} names one too")));
        }
        _ => {}
    }
    if let Some(credential) = systemd_credential(name, surroundings) {
        return Ok(Some(TokenSource::SystemdCredential(credential)));
    }
    let given = surroundings.variables.get(ACCESS_TOKEN).is_some_and(|token| !token.trim().is_empty());
    Ok((only && given).then_some(TokenSource::AccessTokenVariable))
}

fn systemd_credential(portal: &str, surroundings: &Surroundings) -> Option<String> {
    let directory = surroundings.variables.get(CREDENTIALS_DIRECTORY)?;
    let credential = format!("hubspot-token-{portal}");
    Path::new(directory).join(&credential).is_file().then_some(credential)
}

fn app(section: &Section<'_>) -> Result<OAuthApp, CommandError> {
    section.only(&["client_id", "client_secret_env"])?;
    let missing = |key: &str, expected: &str| section.problem(key, &format!("missing, expected {expected}"));
    Ok(OAuthApp {
        client_id: section.text("client_id")?.ok_or_else(|| missing("client_id", "the app's client id"))?,
        client_secret_env: variable_name(section, "client_secret_env")?
            .ok_or_else(|| missing("client_secret_env", "the name of an environment variable"))?,
    })
}

/// A key that names an environment variable. Whoever writes the secret itself there must not see it again in an error.
fn variable_name(section: &Section<'_>, key: &str) -> Result<Option<String>, CommandError> {
    let Some(name) = section.text(key)? else { return Ok(None) };
    let fits = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if fits {
        return Ok(Some(name));
    }
    Err(section.problem(key, "expected the name of an environment variable, not a secret"))
}
