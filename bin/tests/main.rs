//! Tests of the program from outside, and of the repository as a whole, in one binary.

#![expect(clippy::unwrap_used, reason = "what a test relies on must hold, or the test ends there")]

mod api;
mod cli;
mod configuration;
mod decisions;
mod demo;
mod doctor;
mod fuzzing;
mod house_rules;
mod init;
mod installed;
mod mapping_check;
mod readme;
mod schema;
mod sealed;
mod served;
mod several_portals;
mod simulation;
mod snapshot;
mod tools;

/// A test file that nobody declared above would never run, and nobody would notice.
#[test]
fn no_test_file_is_unwired() {
    let here = include_str!("main.rs");
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(here.contains(&format!("mod {module};")), "tests/{name} is not declared in tests/main.rs");
        }
    }
}
