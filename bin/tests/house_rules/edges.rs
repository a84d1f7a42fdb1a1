//! Which crate may depend on which: each only on those of the floors below it.

use super::text;
use std::collections::BTreeSet;

/// Folder, crate, and the crates of ours that it may use.
const CRATES: [(&str, &str, &[&str]); 6] = [
    ("mappings", "mappings", &[]),
    ("migrations", "migrations", &[]),
    ("connectors/simulator", "simulator", &[]),
    ("sync-core", "sync-core", &["mappings", "migrations"]),
    ("connectors", "connectors", &["mappings", "sync-core"]),
    ("bin", "crmsync", &["connectors", "mappings", "migrations", "simulator", "sync-core"]),
];

/// Names of the dependencies in the sections of a manifest whose heading ends with one of `sections`.
pub(super) fn dependencies(manifest: &str, sections: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            let heading = heading.trim_end_matches(']');
            // `[dependencies.name]` names one in the heading itself.
            let (parent, last) = heading.rsplit_once('.').unwrap_or(("", heading));
            if sections.contains(&parent) {
                names.insert(last.to_owned());
            }
            inside = sections.contains(&last);
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name: String = line.chars().take_while(|letter| !" .=".contains(*letter)).collect();
            names.insert(name);
        }
    }
    names
}

#[test]
fn every_crate_imports_only_from_the_floors_below() {
    let ours: BTreeSet<&str> = CRATES.iter().map(|(_, name, _)| *name).collect();
    for (folder, name, allowed) in CRATES {
        let manifest = text(&format!("{folder}/Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{folder} is not {name}");
        for dependency in dependencies(&manifest, &["dependencies", "build-dependencies"]) {
            let fine = !ours.contains(dependency.as_str()) || allowed.contains(&dependency.as_str());
            assert!(fine, "{name} must not depend on {dependency}");
        }
        // Tests may look down from above, but nobody depends on the program.
        let tests = dependencies(&manifest, &["dev-dependencies"]);
        assert!(!tests.contains("crmsync"), "{name} must not depend on crmsync");
    }
}

#[test]
fn the_workspace_holds_these_crates_and_no_other() {
    let manifest = text("Cargo.toml");
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(members, CRATES.iter().map(|(folder, ..)| *folder).collect());
}

#[test]
fn the_lint_table_forbids_unsafe_code_everywhere() {
    assert!(text("Cargo.toml").contains("unsafe_code = \"forbid\""));
    for (folder, ..) in CRATES {
        let manifest = text(&format!("{folder}/Cargo.toml"));
        let (_, lints) = manifest.split_once("[lints]").unwrap_or_else(|| panic!("{folder} has no lints"));
        assert!(lints.trim_start().starts_with("workspace = true"), "{folder} has lints of its own");
    }
}
