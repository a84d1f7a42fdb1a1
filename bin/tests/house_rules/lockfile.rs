//! What may be in the tree of dependencies.

use super::text;

/// More than this is no longer a tree that a person can look through.
const MOST_PACKAGES: usize = 340;

fn packages() -> Vec<String> {
    let lock = text("Cargo.lock");
    let mut names = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        names.push(name.trim_matches('"').to_owned());
    }
    names
}

#[test]
fn there_is_one_sqlite() {
    for name in ["rusqlite", "libsqlite3-sys"] {
        assert_eq!(packages().iter().filter(|package| *package == name).count(), 1, "{name}");
    }
}

#[test]
fn nothing_unmaintained_is_in_the_tree() {
    for name in ["backoff", "instant", "serde_yaml", "serde_yml", "yaml-rust", "atty", "evalexpr"] {
        assert!(!packages().iter().any(|package| package == name), "{name} is unmaintained or must not be used");
    }
}

#[test]
fn the_tree_stays_small() {
    let number = packages().len();
    assert!(number <= MOST_PACKAGES, "{number} packages in Cargo.lock");
}
