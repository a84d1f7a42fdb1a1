//! The configuration as a whole: what is accepted, and each error as a person sees it.

use super::{PortalConfig, Settings, Surroundings, Tier, TokenSource};
use crate::exit::{CommandError, Exit};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use sync_core::Belt;
use tempfile::TempDir;

/// A directory with a configuration file in it, and an environment.
struct Place {
    directory: TempDir,
    variables: BTreeMap<String, String>,
}

impl Place {
    fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), variables: BTreeMap::new() }
    }

    fn with(text: &str) -> Self {
        let place = Self::empty();
        fs::write(place.directory.path().join("crmsync.toml"), text).unwrap();
        place
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Settings, CommandError> {
        let around = Surroundings { directory: self.path().to_owned(), variables: self.variables.clone() };
        Settings::load(None, &around)
    }

    fn portal(&self, name: &str) -> PortalConfig {
        self.load().unwrap().portals[name].clone()
    }

    /// Message and hints of the error, with the directory's name taken out.
    fn error(&self) -> String {
        let error = self.load().unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        let mut text = error.message.clone();
        for hint in &error.hints {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text.replace(&self.path().display().to_string(), "DIR")
    }
}

/// The error of one setting in `[portals.acme]`.
fn acme(setting: &str) -> String {
    Place::with(&format!("[portals.acme]\n{setting}\n")).error()
}

#[test]
fn without_a_file_there_is_one_portal() {
    let place = Place::empty().and("HUBSPOT_ACCESS_TOKEN", "x");
    let settings = place.load().unwrap();
    assert_eq!(settings.file, None);
    let portal = settings.portal(None).unwrap();
    assert_eq!(portal.keep.log, Duration::from_hours(90 * 24));
    assert_eq!(portal.name, "default");
    assert_eq!(portal.mirror, place.path().join("crm.db"));
    assert_eq!(portal.mappings, None);
    assert_eq!(portal.objects, ["contacts", "companies", "deals", "tickets"]);
    assert_eq!(portal.api_base.as_str(), "https://api.hubapi.com");
    assert_eq!(portal.api_version, "2026-09");
    assert_eq!(portal.tier, Tier::Auto);
    assert_eq!(portal.credential, Some(TokenSource::AccessTokenVariable));
    assert!(!portal.push.enabled);
    assert_eq!(portal.pull.settle, Duration::from_hours(1));
    assert_eq!(portal.pull.max_vanished, Belt { percent: 2.0, at_least: 100 });
}

#[test]
fn every_key_is_read() {
    let place = Place::with(
        r#"
[portals.acme]
mirror = "data/acme.db"
mappings = "../mappings"
tier = "oauth_public"
api_limit_increase = true
objects = ["contacts", "p123_cars"]
api_version = "2026-03"
lists = ["Customers", 42]
portal_id = 12345678
api_base = "http://127.0.0.1:8808/"
token_file = "token"

[portals.acme.limits]
window_requests = 190
search_per_second = 5
daily_requests = 625000
daily_reserve = 0.25

[portals.acme.pull]
settle = "30m"
archived_every = "2h"
sweep_every = "12h"
sweep_slice = "90s"
purge_missing = "7d"
give_up_after = "5m"
max_vanished = { percent = 2.5 }

[portals.acme.push]
enabled = true
verify = true
max_archives = { percent = 0, at_least = 0 }
max_updates = { at_least = 9 }

[schedule]
acme = "5m"

[keep]
log = "10d"
"#,
    );
    let settings = place.load().unwrap();
    assert_eq!(settings.file, Some(place.path().join("crmsync.toml")));
    let portal = settings.portal(Some("acme")).unwrap();
    assert_eq!(portal.mirror, place.path().join("data/acme.db"));
    assert_eq!(portal.mappings, Some(place.path().parent().unwrap().join("mappings")));
    assert_eq!((portal.tier, portal.api_limit_increase), (Tier::OauthPublic, true));
    assert_eq!(portal.objects, ["contacts", "p123_cars"]);
    assert_eq!(portal.lists, ["Customers", "42"]);
    assert_eq!(portal.portal_id, Some(12_345_678));
    assert_eq!(portal.api_base.as_str(), "http://127.0.0.1:8808");
    assert_eq!(portal.credential, Some(TokenSource::File(place.path().join("token"))));
    assert_eq!((portal.limits.window_requests, portal.limits.search_per_second), (Some(190), Some(5)));
    assert_eq!((portal.limits.daily_requests, portal.limits.daily_reserve), (Some(625_000), 0.25));
    assert_eq!(portal.pull.sweep_slice, Duration::from_secs(90));
    assert_eq!(portal.pull.max_vanished, Belt { percent: 2.5, at_least: 100 });
    assert_eq!(portal.push.max_archives, Belt { percent: 0.0, at_least: 0 });
    assert_eq!(portal.push.max_updates, Belt { percent: 20.0, at_least: 9 });
    assert!(crate::installation::push_settings(portal, crate::commands::Allowances::default()).verify);
    assert_eq!(settings.schedule["acme"], Duration::from_mins(5));
    assert_eq!(portal.keep.log, Duration::from_hours(240));
}

#[test]
fn the_environment_wins_over_the_file() {
    let place = Place::with("[portals.acme]\nobjects = [\"contacts\"]\n[portals.acme.push]\nenabled = false\n")
        .and("CRMSYNC_PORTALS__ACME__OBJECTS", "deals, tickets")
        .and("CRMSYNC_PORTALS__ACME__PUSH__ENABLED", "true")
        .and("CRMSYNC_PORTALS__ACME__PORTAL_ID", "77")
        .and("CRMSYNC_PORTALS__ACME__MIRROR", "123.db")
        .and("CRMSYNC_PORTALS__ACME__PULL__SETTLE", "5m")
        .and("CRMSYNC_PORTALS__ACME__PULL__MAX_VANISHED__PERCENT", "7")
        .and("CRMSYNC_KEEP__LOG", "1d")
        .and("CRMSYNC_SEED", "9");
    let portal = place.portal("acme");
    assert_eq!(portal.objects, ["deals", "tickets"]);
    assert!(portal.push.enabled);
    assert_eq!(portal.portal_id, Some(77));
    assert_eq!(portal.mirror, place.path().join("123.db"));
    assert_eq!(portal.pull.settle, Duration::from_mins(5));
    assert_eq!(portal.pull.max_vanished, Belt { percent: 7.0, at_least: 100 });
}

#[test]
fn the_environment_alone_can_configure_a_portal() {
    let place = Place::empty().and("CRMSYNC_PORTALS__ACME__LISTS", "");
    let portal = place.portal("acme");
    assert_eq!(portal.mirror, place.path().join("acme.db"));
    assert!(portal.lists.is_empty());
}

#[test]
fn the_short_variable_leads_every_portal_elsewhere_unless_it_has_its_own() {
    let place = Place::with("[portals.a]\napi_base = \"https://example.com\"\n[portals.b]\n")
        .and("CRMSYNC_API_BASE", "http://127.0.0.1:8808")
        .and("CRMSYNC_PORTALS__B__API_BASE", "http://127.0.0.1:9999");
    assert_eq!(place.portal("a").api_base.as_str(), "http://127.0.0.1:8808");
    assert_eq!(place.portal("b").api_base.as_str(), "http://127.0.0.1:9999");
    let place = Place::empty().and("CRMSYNC_API_BASE", "http://example.com");
    insta::assert_snapshot!(place.error(), @r#"environment variable CRMSYNC_API_BASE: expected an address such as "https://api.hubapi.com"; plain http only to 127.0.0.1, [::1] or localhost."#);
}

#[test]
fn credentials_are_looked_for_in_order() {
    let token = ("HUBSPOT_ACCESS_TOKEN", "x");
    let named = Place::with("[portals.a]\ntoken_env = \"MY_TOKEN\"\n").and(token.0, token.1);
    assert_eq!(named.portal("a").credential, Some(TokenSource::Variable("MY_TOKEN".to_owned())));

    let systemd = Place::with("[portals.a]\n").and(token.0, token.1);
    fs::write(systemd.path().join("hubspot-token-a"), "x").unwrap();
    let directory = systemd.path().display().to_string();
    let systemd = systemd.and("CREDENTIALS_DIRECTORY", &directory);
    assert_eq!(systemd.portal("a").credential, Some(TokenSource::SystemdCredential("hubspot-token-a".to_owned())));

    let two = Place::with("[portals.a]\n[portals.b]\n").and(token.0, token.1);
    assert_eq!(two.portal("a").credential, None);
    let blank = Place::empty().and(token.0, " ");
    assert_eq!(blank.portal("default").credential().unwrap_err().exit, Exit::Authentication);

    let oauth = Place::with("[portals.a.oauth]\nclient_id = \"1\"\nclient_secret_env = \"S\"\n").and(token.0, token.1);
    assert!(matches!(oauth.portal("a").credential, Some(TokenSource::OAuth(_))));
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    insta::assert_snapshot!(acme("token = \"pat-na1-0123456789\""), @r"
    crmsync.toml: portals.acme.token: a token or secret must not be written in the configuration.
    hint: put it into an environment variable and name that with token_env (client_secret_env for an app's secret), or into a file of mode 0600 and name that with token_file.
    ");
    for setting in [
        "token_file = \"pat-na1-0123456789\"",
        "token_env = \"pat-na1-0123456789\"",
        "token_env = \"abc def 0123456789\"",
        "mirror = \"pat-na1-0123456789\"",
        "tier = \"Bearer pat-na1-0123456789\"",
        "objects = [\"pat-na1-0123456789\"]",
        "pat-na1-0123456789 = 1",
        "oauth = { client_id = \"1\", client_secret = \"0123456789\" }",
        "oauth = { client_id = \"1\", client_secret_env = \"0123456789\" }",
        "api_base = \"https://user:0123456789@example.com\"",
        "access_token = 123456789",
        "token = pat-na1-0123456789",
    ] {
        let error = acme(setting);
        assert!(!error.contains("123456789"), "{error}");
    }
    let place = Place::empty().and("CRMSYNC_PORTALS__ACME__TOKEN", "pat-na1-0123456789");
    assert!(place.error().starts_with("environment variable CRMSYNC_PORTALS__ACME__TOKEN: a token"));
}

#[test]
fn an_unknown_key_is_named_with_the_likeliest_one() {
    insta::assert_snapshot!(acme("pull = { settel = \"1h\" }"), @r"
    crmsync.toml: portals.acme.pull.settel: unknown key, expected one of settle, archived_every, sweep_every, sweep_slice, purge_missing, give_up_after, max_vanished.
    hint: did you mean settle?
    ");
    insta::assert_snapshot!(Place::with("[portal.acme]\n").error(), @r"
    crmsync.toml: portal: unknown key, expected one of portals, schedule, keep.
    hint: did you mean portals?
    ");
    insta::assert_snapshot!(Place::empty().and("CRMSYNC_KEEP__LOGS", "1d").error(), @r"
    environment variable CRMSYNC_KEEP__LOGS: unknown key, expected one of log.
    hint: did you mean log?
    ");
    insta::assert_snapshot!(Place::empty().and("CRMSYNC_DEBUG", "1").error(), @"environment variable CRMSYNC_DEBUG: unknown key, expected one of portals, schedule, keep.");
    insta::assert_snapshot!(Place::with("[portals.acme]\n[schedule]\nacne = \"5m\"\n").error(), @r"
    crmsync.toml: schedule.acne: unknown key, expected one of acme.
    hint: did you mean acme?
    ");
}

#[test]
fn a_bad_value_is_named_with_what_was_expected() {
    let errors = [
        "tier = \"gold\"",
        "objects = []",
        "objects = \"contacts\"",
        "objects = [\"contacts\", \"contacts\"]",
        "objects = [\"\"]",
        "api_version = \"2026-13\"",
        "portal_id = 0",
        "portal_id = \"12\"",
        "mirror = \"\"",
        "mirror = 5",
        "api_base = \"http://api.hubapi.com\"",
        "api_limit_increase = \"yes\"",
        "limits = { window_requests = 0 }",
        "limits = { window_requests = 5000000000 }",
        "limits = { search_per_second = 0 }",
        "limits = { daily_reserve = 1.0 }",
        "pull = { settle = 60 }",
        "pull = { settle = \"soon\" }",
        "pull = { max_vanished = 5 }",
        "pull = { max_vanished = { percent = 200 } }",
        "push = { enabled = 1 }",
        "push = \"on\"",
        "token_env = \"A\"\ntoken_file = \"b\"",
        "oauth = { client_id = \"1\" }",
    ]
    .map(acme)
    .join("\n");
    insta::assert_snapshot!(errors, @r#"
    crmsync.toml: portals.acme.tier: expected one of auto, free, starter, professional, enterprise, oauth_public, found "gold".
    crmsync.toml: portals.acme.objects: expected at least one object type.
    crmsync.toml: portals.acme.objects: expected a list of names, such as ["contacts", "deals"], found "contacts".
    crmsync.toml: portals.acme.objects: expected each name once, found contacts twice.
    crmsync.toml: portals.acme.objects: expected a list without empty names, found a list.
    crmsync.toml: portals.acme.api_version: expected "2026-09", "2026-03" or "v3", found "2026-13".
    crmsync.toml: portals.acme.portal_id: expected a whole number, 1 or more, found 0.
    crmsync.toml: portals.acme.portal_id: expected a whole number, 1 or more, found "12".
    crmsync.toml: portals.acme.mirror: expected text that is not empty, found "".
    crmsync.toml: portals.acme.mirror: expected text in quotes, found 5.
    crmsync.toml: portals.acme.api_base: expected an address such as "https://api.hubapi.com"; plain http only to 127.0.0.1, [::1] or localhost.
    crmsync.toml: portals.acme.api_limit_increase: expected true or false, found "yes".
    crmsync.toml: portals.acme.limits.window_requests: expected a whole number, 1 or more, found 0.
    crmsync.toml: portals.acme.limits.window_requests: expected a whole number below 4 billion, found 5000000000.
    crmsync.toml: portals.acme.limits.search_per_second: expected a whole number, 1 or more, found 0.
    crmsync.toml: portals.acme.limits.daily_reserve: expected a share such as 0.10, from 0 to less than 1, found 1.
    crmsync.toml: portals.acme.pull.settle: expected a duration such as "60s", "5m", "1h30m" or "30d", found 60.
    crmsync.toml: portals.acme.pull.settle: expected a duration such as "60s", "5m", "1h30m" or "30d", found "soon".
    crmsync.toml: portals.acme.pull.max_vanished: expected a table, found 5.
    crmsync.toml: portals.acme.pull.max_vanished.percent: expected a number from 0 to 100, found 200.
    crmsync.toml: portals.acme.push.enabled: expected true or false, found 1.
    crmsync.toml: portals.acme.push: expected a table, found "on".
    crmsync.toml: portals.acme.token_file: expected one credential, but token_env names one too.
    crmsync.toml: portals.acme.oauth.client_secret_env: missing, expected the name of an environment variable.
    "#);
}

#[test]
fn a_portal_needs_a_plain_name() {
    insta::assert_snapshot!(Place::with("[portals.Acme]\n").error(), @"crmsync.toml: portals.Acme: expected a portal name of lower-case letters and digits, a letter first.");
    insta::assert_snapshot!(Place::with("[portals.acme-eu]\n").error(), @"crmsync.toml: portals.acme-eu: expected a portal name of lower-case letters and digits, a letter first.");
    insta::assert_snapshot!(Place::with("[portals]\nacme = 1\n").error(), @"crmsync.toml: portals.acme: expected a table, found 1.");
    insta::assert_snapshot!(Place::with("[portals.acme]\n[schedule]\nacme = \"0s\"\n").error(), @r#"crmsync.toml: schedule.acme: expected an interval longer than nothing, found "0s"."#);
}

#[test]
fn a_bad_value_in_the_environment_names_the_variable() {
    let place = Place::with("[portals.acme]\n").and("CRMSYNC_PORTALS__ACME__PUSH__ENABLED", "yes");
    insta::assert_snapshot!(place.error(), @r#"environment variable CRMSYNC_PORTALS__ACME__PUSH__ENABLED: expected true or false, found "yes"."#);
    let error = Place::empty().and("CRMSYNC_PORTALS__ACME__OBJECTS", "deals,dealz").error();
    assert!(error.starts_with("environment variable CRMSYNC_PORTALS__ACME__OBJECTS: there is no built-in"), "{error}");
}

#[test]
fn two_portals_cannot_share_a_mirror() {
    let place = Place::with("[portals.a]\nmirror = \"x.db\"\n[portals.b]\nmirror = \"./data/../x.db\"\n");
    insta::assert_snapshot!(place.error(), @r"
    crmsync.toml: portals.b.mirror: expected a file of its own, but portal a has the same mirror.
    hint: give each portal its own mirror.
    ");
}

#[cfg(unix)]
#[test]
fn two_ways_to_one_file_are_one_mirror() {
    let place = Place::with("[portals.a]\nmirror = \"real/x.db\"\n[portals.b]\nmirror = \"link/x.db\"\n");
    fs::create_dir(place.path().join("real")).unwrap();
    std::os::unix::fs::symlink(place.path().join("real"), place.path().join("link")).unwrap();
    assert!(place.error().contains("portals.b.mirror"));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_only_if_it_was_named_or_is_there() {
    let latin = Place::empty();
    fs::write(latin.path().join("crmsync.toml"), b"# caf\xe9").unwrap();
    insta::assert_snapshot!(latin.error(), @"crmsync.toml: expected TOML, found bytes that are not UTF-8.");
    let directory = Place::empty();
    fs::create_dir(directory.path().join("crmsync.toml")).unwrap();
    insta::assert_snapshot!(directory.error(), @"crmsync.toml: expected a file, found something else.");
    insta::assert_snapshot!(Place::with("[portals.acme\n").error(), @"crmsync.toml: TOML parse error at line 1, column 14: unclosed table, expected `]`.");
    insta::assert_snapshot!(Place::with(&"#".repeat((1 << 20) + 1)).error(), @"crmsync.toml: expected at most 1 MiB of configuration.");
    let place = Place::empty();
    let around = Surroundings { directory: place.path().to_owned(), variables: BTreeMap::new() };
    let error = Settings::load(Some(Path::new("other.toml")), &around).unwrap_err();
    insta::assert_snapshot!(error, @"other.toml: there is no such file.");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with("");
    fs::set_permissions(place.path().join("crmsync.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    insta::assert_snapshot!(place.error(), @"crmsync.toml: expected a file that only its owner may write; run `chmod go-w` on it.");
}

#[test]
fn a_command_works_on_the_portal_that_is_meant() {
    let settings = Place::with("[portals.acme]\n[portals.beta]\n").load().unwrap();
    assert_eq!(settings.portal(Some("beta")).unwrap().name, "beta");
    assert_eq!(settings.portals(true, None).unwrap().len(), 2);
    insta::assert_snapshot!(settings.portal(None).unwrap_err(), @"several portals are configured: acme, beta.");
    let error = settings.portal(Some("acmee")).unwrap_err();
    insta::assert_snapshot!(error, @"there is no portal named acmee; configured: acme, beta.");
    assert_eq!(error.hints, ["did you mean --portal acme?"]);
}

#[test]
fn a_command_works_on_the_objects_that_are_named() {
    let portal = Place::empty().portal("default");
    let select =
        |names: &[&str]| portal.selected_objects(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    assert_eq!(select(&[]).unwrap().len(), 4);
    assert_eq!(select(&["deals", "contacts", "deals"]).unwrap(), ["contacts", "deals"]);
    let error = select(&["contact"]).unwrap_err();
    assert_eq!((error.exit, error.hints), (Exit::Usage, vec!["did you mean contacts?".to_owned()]));
}
