//! A configuration file and an environment: refused with one sentence that repeats no secret, or read into settings
//! within their bounds.

use crmsync::config::{Settings, Surroundings};
use crmsync::exit::Exit;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads what stands before the first NUL as the file, and each `NAME=value` after it as a variable.
pub(crate) fn configuration(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let file = parts.next().unwrap_or_default();
    let variables: BTreeMap<String, String> = parts
        .filter_map(|part| {
            let (name, value) = std::str::from_utf8(part).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    let directory = FOLDER.with(|folder| folder.path().to_owned());
    std::fs::write(directory.join("crmsync.toml"), file).expect("a file");
    let around = Surroundings { directory, variables };
    match Settings::load(None, &around) {
        Ok(settings) => check(&settings),
        Err(error) => {
            assert_eq!(error.exit, Exit::Usage, "{error}");
            for text in std::iter::once(&error.message).chain(&error.hints) {
                assert!(!text.contains("pat-na1-0f8e2c41"), "a token is repeated: {text}");
                assert!(text.chars().count() < 20_000, "{} characters", text.len());
            }
        }
    }
}

fn check(settings: &Settings) {
    assert!(!settings.portals.is_empty());
    let mut mirrors = Vec::new();
    for (name, portal) in &settings.portals {
        assert_eq!(*name, portal.name);
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        assert!(portal.mirror.is_absolute() && !portal.objects.is_empty());
        for span in [portal.pull.settle, portal.pull.archived_every, portal.pull.sweep_every, portal.pull.give_up_after]
        {
            assert!(span <= Duration::from_secs(100 * 366 * 86_400), "{span:?}");
        }
        assert!((0.0..=1.0).contains(&portal.limits.daily_reserve), "{}", portal.limits.daily_reserve);
        mirrors.push(portal.mirror.clone());
    }
    mirrors.sort();
    mirrors.dedup();
    assert_eq!(mirrors.len(), settings.portals.len(), "two portals share a mirror");
}
