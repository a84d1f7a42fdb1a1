//! How files look: their length, their names, and what must not be in them.

use super::{files, text};

/// A file should say one thing, which takes at most this many lines.
const SHOULD: usize = 400;
/// A file longer than this is not let through.
const MUST: usize = 700;

#[test]
fn files_say_one_thing_each() {
    let mut too_long = Vec::new();
    for (path, text) in files(&[".rs"]) {
        let lines = text.lines().count();
        if lines > SHOULD {
            println!("{path} has {lines} lines, more than {SHOULD}");
        }
        if lines > MUST {
            too_long.push(path);
        }
    }
    assert!(too_long.is_empty(), "more than {MUST} lines: {too_long:?}");
}

#[test]
fn files_are_named_after_what_they_are_about() {
    for (path, text) in files(&[".rs"]) {
        for name in ["utils", "common", "helpers"] {
            let named = path.split('/').any(|part| part == name || part.strip_suffix(".rs") == Some(name));
            assert!(!named, "{path}: {name} says nothing");
            assert!(!text.lines().any(|line| declares(line, name)), "{path} has a module named {name}");
        }
    }
}

fn declares(line: &str, name: &str) -> bool {
    let line = line.trim();
    let declaration = line.strip_prefix("mod ").or_else(|| line.split_once(" mod ").map(|(_, rest)| rest));
    declaration.is_some_and(|rest| rest.split([' ', ';', '{']).next() == Some(name))
}

#[test]
fn every_module_says_what_it_is_about() {
    for (path, text) in files(&[".rs"]) {
        // The parts of a test binary are explained by its main file.
        assert!(path.contains("/tests/") || text.starts_with("//!"), "{path} does not begin with //!");
    }
}

#[test]
fn nothing_points_outside_the_repository() {
    // Written in pieces, so that this file does not find itself.
    let foreign = [concat!("/wo", "rk/"), concat!("../sh", "ared")];
    for (path, text) in files(&[".rs", ".toml", ".sql", ".yaml", ".yml", ".md", ".sh", ".py", ".service", ".timer"]) {
        for (number, line) in text.lines().enumerate() {
            let found = foreign.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "{path}:{}: {}", number + 1, found.unwrap());
        }
    }
}

#[test]
fn the_papers_of_the_repository_are_there() {
    for name in
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE", "deny.toml"]
    {
        assert!(!text(name).trim().is_empty(), "{name} is empty");
    }
}
