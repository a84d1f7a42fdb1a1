//! Configuration errors as the program shows them.

use crate::sealed::Sealed;

#[test]
fn an_error_names_file_key_and_what_was_expected() {
    let sealed = Sealed::new().file("crmsync.toml", "[portals.acme.pull]\nsettle = \"soon\"\n");
    insta::assert_snapshot!(sealed.run(&["status"]), @r#"
    exit 2
    --- stderr
    error: crmsync.toml: portals.acme.pull.settle: expected a duration such as "60s", "5m", "1h30m" or "30d", found "soon".
    "#);
}

#[test]
fn an_error_of_the_environment_names_the_variable() {
    let sealed = Sealed::new().variable("CRMSYNC_PORTALS__ACME__PUSH__ENABLE", "true");
    insta::assert_snapshot!(sealed.run(&["sync"]), @r"
    exit 2
    --- stderr
    error: environment variable CRMSYNC_PORTALS__ACME__PUSH__ENABLE: unknown key, expected one of enabled, verify, max_archives, max_updates.
    hint: did you mean enabled?
    ");
}

#[test]
fn a_named_file_must_be_there_and_counts_instead_of_the_usual_one() {
    let sealed = Sealed::new().file("crmsync.toml", "[portals.a]\n").file("other.toml", "[portals.b]\nmirror = 1\n");
    insta::assert_snapshot!(sealed.run(&["status", "--config", "other.toml"]), @r"
    exit 2
    --- stderr
    error: other.toml: portals.b.mirror: expected text in quotes, found 1.
    ");
    insta::assert_snapshot!(sealed.run(&["status", "--config", "third.toml"]), @r"
    exit 2
    --- stderr
    error: third.toml: there is no such file.
    hint: --config names the configuration file; without it, crmsync.toml in the working directory is used.
    ");
}

#[test]
fn several_portals_need_a_name() {
    let sealed = Sealed::new().file("crmsync.toml", "[portals.acme]\n[portals.beta]\n");
    insta::assert_snapshot!(sealed.run(&["status"]), @r"
    exit 2
    --- stderr
    error: several portals are configured: acme, beta.
    hint: say which one with --portal NAME.
    ");
    insta::assert_snapshot!(sealed.run(&["status", "--portal", "bta"]), @r"
    exit 2
    --- stderr
    error: there is no portal named bta; configured: acme, beta.
    hint: did you mean --portal beta?
    ");
}

#[test]
fn what_a_file_holds_cannot_steer_the_terminal() {
    let sealed = Sealed::new().file("crmsync.toml", "[portals.acme]\ntier = \"\\u001B[2Jgold\"\n\"\\u001B[2J\" = 1\n");
    let seen = sealed.run(&["status"]);
    assert!(seen.starts_with("exit 2\n") && !seen.contains('\u{1b}'), "{seen}");
}
