//! The command line as its users see it: stdout, stderr and exit code.

use crate::sealed::Sealed;
use serde_json::Value;

#[test]
fn short_help_lists_every_command() {
    insta::assert_snapshot!(Sealed::new().run(&["-h"]), @r"
    exit 0
    --- stdout
    Keeps a HubSpot portal and a SQLite file in step, both ways

    Usage: crmsync [OPTIONS] <COMMAND>

    Commands:
      demo         See the whole cycle on a built-in simulated portal
      init         Connect to the portal, write crmsync.toml and a mapping for each object type
      sync         Pull, then push: what cron and systemd run
      pull         Bring HubSpot's changes into the mirror
      backfill     Read every record, from the start or from where the last backfill stopped
      plan         Show what a push would send, field by field
      push         Send local changes to HubSpot
      status       Show how things stand with each object
      conflicts    Look at conflicts, and decide them
      rejects      Look at what HubSpot refused, try it again or give it up
      undo         Take back what a run wrote to HubSpot
      verify       Compare the mirror with the portal, record by record
      schema       Work with the portal's schema
      mapping      Work with mapping files
      api          Make one raw API call, under the same credential, limits and retries
      snapshot     Make a consistent copy of the mirror
      doctor       Find out what is wrong with this installation, and what to do
      simulator    Run a local stand-in for HubSpot, for trying mappings and for tests
      completions  Print a completion script for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Flags of every command:
          --config <FILE>        Configuration file [default: crmsync.toml in the working directory, if
                                 there is one]
          --portal <NAME>        Portal to work on; needed only where several are configured
          --json                 Print the result as one JSON document
      -v, --verbose...           Log more: -v what is done, -vv why
      -q, --quiet                No progress; log errors only
          --log-format <FORMAT>  Form of the log on stderr [default: text] [possible values: text, json]

    `crmsync --help` also explains exit codes and credentials; `crmsync COMMAND --help` shows examples.
    ");
}

#[test]
fn long_help_explains_exit_codes_and_credentials() {
    let help = Sealed::new().run(&["--help"]);
    let (_, tail) = help.split_once("Exit codes").unwrap();
    insta::assert_snapshot!(tail, @r#"
    , the first that applies:
      70  internal error: please report it
       4  the credential is not accepted, or no configured object may be read
       3  a safety belt stopped something; the message names the number to pass to --allow
       2  usage, configuration or mapping error
      75  try again later: another run is busy, the day's calls are used up, HubSpot is unavailable
       1  done, and something waits for a person: conflicts, rejects, differences
       0  done

    Credentials:
      A token is the token of a private app or a service key. For portal NAME it is read from the
      first of these:
        token_env = "VARIABLE" or token_file = "PATH" (mode 0600) under [portals.NAME] in crmsync.toml
        the systemd credential hubspot-token-NAME
        HUBSPOT_ACCESS_TOKEN, where one portal is configured and nothing else names a credential
      It is never taken from the command line, and refused if it is written in crmsync.toml.

    Configuration, later wins:
      built-in defaults
      crmsync.toml in the working directory, or --config FILE
      environment variables CRMSYNC_…, with `__` between levels and commas in lists, as in
        CRMSYNC_PORTALS__ACME__PUSH__ENABLED=true; CRMSYNC_API_BASE is the short way to another
        API address, as `crmsync simulator` prints it
      flags
      NO_COLOR is honoured.
    "#);
}

#[test]
fn every_command_teaches_with_a_paragraph_and_an_example() {
    for words in [
        &["demo"][..],
        &["init"],
        &["sync"],
        &["pull"],
        &["backfill"],
        &["plan"],
        &["push"],
        &["status"],
        &["conflicts"],
        &["conflicts", "list"],
        &["conflicts", "show"],
        &["conflicts", "resolve"],
        &["rejects"],
        &["rejects", "list"],
        &["rejects", "show"],
        &["rejects", "retry"],
        &["rejects", "drop"],
        &["undo"],
        &["verify"],
        &["schema", "show"],
        &["schema", "diff"],
        &["schema", "apply"],
        &["mapping", "check"],
        &["api"],
        &["snapshot"],
        &["doctor"],
        &["simulator"],
        &["completions"],
    ] {
        let help = Sealed::new().run(&[words, &["--help"]].concat());
        assert!(help.starts_with("exit 0\n--- stdout\n"), "{help}");
        let (about, rest) = help.split_once("Usage: crmsync").unwrap();
        assert!(about.trim().split("\n\n").count() >= 2, "{words:?} has no paragraph: {help}");
        let (_, examples) = rest.split_once("\nExample").unwrap_or_else(|| panic!("{words:?} has no example: {help}"));
        assert!(examples.contains(&format!("crmsync {}", words.join(" "))), "{help}");
    }
}

#[test]
fn help_is_a_command_too() {
    let sealed = Sealed::new();
    let all = sealed.run(&["help"]);
    assert!(all.starts_with("exit 0\n--- stdout\n") && all.contains("Exit codes, the first that applies:"), "{all}");
    for words in [&["pull"][..], &["conflicts", "resolve"], &["mapping", "check"]] {
        let help = sealed.run(&[&["help"][..], words].concat());
        assert!(help.contains(&format!("Usage: crmsync {}", words.join(" "))) && help.contains("\nExample"), "{help}");
    }
}

#[test]
fn version_is_an_answer() {
    let version = Sealed::new().run(&["--version"]);
    assert_eq!(version, format!("exit 0\n--- stdout\ncrmsync {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_exits_2() {
    let sealed = Sealed::new();
    insta::assert_snapshot!(sealed.run(&["snyc"]), @r"
    exit 2
    --- stderr
    error: unrecognized subcommand 'snyc'

      tip: a similar subcommand exists: 'sync'

    Usage: crmsync [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sealed.run(&["sync", "--allow", "deletes=5"]), @r"
    exit 2
    --- stderr
    error: invalid value 'deletes=5' for '--allow <KIND=N,…>': expected archives=N, updates=N or vanished=N, N being a whole number

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sealed.run(&["simulator", "--latency", "fast"]), @r#"
    exit 2
    --- stderr
    error: invalid value 'fast' for '--latency <DURATION>': expected a duration such as "60s", "5m", "1h30m" or "30d"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(sealed.run(&["sync", "--all", "--portal", "acme"]), @r"
    exit 2
    --- stderr
    error: --all and --portal contradict each other.
    hint: give one of the two.
    ");
    for words in [
        &[][..],
        &["help", "pulls"],
        &["plan", "--now"],
        &["conflicts", "resolve", "1"],
        &["conflicts", "resolve", "1", "--take", "theirs"],
        &["conflicts", "resolve", "1", "--take", "local", "--value", "x"],
        &["rejects", "drop", "1"],
        &["rejects", "drop", "1", "--reason", ""],
        &["undo"],
        &["undo", "last"],
        &["mapping"],
        &["schema"],
        &["schema", "alter"],
        &["api", "GET"],
        &["api", "FETCH", "/crm"],
        &["snapshot"],
        &["doctor", "--mend"],
        &["sync", "--frobnicate"],
        &["sync", "-v", "-q"],
        &["-q", "sync", "-v"],
        &["-vv", "sync", "--quiet"],
        &["sync", "--log-format", "xml"],
        &["completions"],
        &["completions", "cobol"],
        &["simulator", "--port", "70000"],
        &["simulator", "--tier", "gold"],
        &["status", "contacts"],
        &["demo", "--token", "x"],
    ] {
        let seen = sealed.run(words);
        assert!(seen.starts_with("exit 2\n--- stderr\n"), "{words:?}: {seen}");
    }
}

#[test]
fn wrong_usage_is_a_document_too_where_json_was_asked_for() {
    let sealed = Sealed::new();
    insta::assert_snapshot!(sealed.run(&["conflicts", "resolve", "x", "--take", "local", "--json"]), @r#"
    exit 2
    --- stdout
    {
      "error": {
        "exit_code": 2,
        "message": "invalid value 'x' for '<ID>': expected a number, as `crmsync conflicts` shows them",
        "hints": [
          "For more information, try '--help'."
        ]
      }
    }
    --- stderr
    error: invalid value 'x' for '<ID>': expected a number, as `crmsync conflicts` shows them

    For more information, try '--help'.
    "#);
    for (words, wrong) in [
        (&["--json", "snyc"][..], "unrecognized subcommand 'snyc'"),
        (&["--json", "mapping"], ""),
        (&["rejects", "retry", "x", "--json"], "expected a number, as `crmsync rejects` shows them"),
        (&["undo", "last", "--json"], "expected a number, as sync_runs shows them"),
    ] {
        let output = sealed.command(words).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), document["error"]["exit_code"].as_u64()), (Some(2), Some(2)), "{words:?}");
        assert!(document["error"]["message"].as_str().unwrap().contains(wrong), "{document}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn global_flags_are_taken_before_and_after_the_command() {
    let sealed = Sealed::new();
    let before = sealed.run(&["--config", "none.toml", "--json", "status"]);
    assert_eq!(before, sealed.run(&["status", "--json", "--config", "none.toml"]));
    insta::assert_snapshot!(before, @r#"
    exit 2
    --- stdout
    {
      "error": {
        "exit_code": 2,
        "message": "none.toml: there is no such file.",
        "hints": [
          "--config names the configuration file; without it, crmsync.toml in the working directory is used."
        ]
      }
    }
    --- stderr
    error: none.toml: there is no such file.
    hint: --config names the configuration file; without it, crmsync.toml in the working directory is used.
    "#);
}

#[test]
fn without_a_credential_a_command_says_how_to_give_one() {
    insta::assert_snapshot!(Sealed::new().run(&["sync"]), @r"
    exit 4
    --- stderr
    error: no credential is configured.
    hint: set HUBSPOT_ACCESS_TOKEN to the token of a private app or to a service key.
    hint: to try crmsync without a portal, run `crmsync demo`.
    ");
    let sealed = Sealed::new().file("crmsync.toml", "[portals.acme]\n[portals.beta]\n");
    insta::assert_snapshot!(sealed.run(&["pull", "--portal", "beta"]), @r#"
    exit 4
    --- stderr
    error: no credential is configured.
    hint: name one under [portals.beta]: token_env = "VARIABLE" or token_file = "PATH".
    hint: to try crmsync without a portal, run `crmsync demo`.
    "#);
    insta::assert_snapshot!(sealed.run(&["sync", "--all"]), @r#"
    exit 4
    --- stderr
    error: portal acme: no credential is configured.
    hint: name one under [portals.acme]: token_env = "VARIABLE" or token_file = "PATH".
    hint: to try crmsync without a portal, run `crmsync demo`.
    error: portal beta: no credential is configured.
    hint: name one under [portals.beta]: token_env = "VARIABLE" or token_file = "PATH".
    hint: to try crmsync without a portal, run `crmsync demo`.
    "#);
}

#[test]
fn an_object_that_is_not_configured_is_a_usage_error() {
    let sealed = Sealed::new().variable("HUBSPOT_ACCESS_TOKEN", "x");
    insta::assert_snapshot!(sealed.run(&["pull", "contact"]), @r"
    exit 2
    --- stderr
    error: contact is not among the objects of portal default: contacts, companies, deals, tickets.
    hint: did you mean contacts?
    ");
    let sealed = sealed.file("crmsync.toml", "[portals.acme]\nobjects = [\"contact\"]\n");
    insta::assert_snapshot!(sealed.run(&["pull"]), @r"
    exit 2
    --- stderr
    error: crmsync.toml: portals.acme.objects: there is no built-in mapping for contact.
    hint: did you mean contacts?
    hint: for an object type of your own run `crmsync init`: it writes a mapping from the portal's schema.
    ");
}

#[test]
fn a_broken_configuration_does_not_stop_what_needs_none() {
    let sealed = Sealed::new().file("crmsync.toml", "nonsense");
    assert!(sealed.run(&["completions", "fish"]).starts_with("exit 0\n"));
    assert!(sealed.run(&["status"]).starts_with("exit 2\n"));
}

#[test]
fn completions_know_the_commands_of_each_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Sealed::new().run(&["completions", shell]);
        assert!(script.starts_with("exit 0\n--- stdout\n") && !script.contains("--- stderr"), "{script}");
        assert!(script.contains("backfill") && script.contains("log-format"), "{shell}: {script}");
    }
}

#[test]
fn the_log_has_both_forms_and_obeys_the_flags() {
    let sealed = Sealed::new();
    assert_eq!(sealed.run(&["status", "--portal", "x"]), sealed.run(&["status", "--portal", "x", "-v"]));
    insta::assert_snapshot!(sealed.run(&["status", "--portal", "x", "-vv"]), @r#"
    exit 2
    --- stderr
    TIME DEBUG starting command="status" version="0.1.0"
    error: there is no portal named x; configured: default.
    TIME DEBUG done exit=2
    "#);
    let output = sealed.command(&["status", "--portal", "x", "-vv", "--log-format", "json"]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&records[0]["level"], &records[0]["fields"]["command"]), (&"DEBUG".into(), &"status".into()));
    assert_eq!(records[1]["level"], "ERROR");
    let fields = serde_json::json!({ "message": "there is no portal named x; configured: default." });
    assert_eq!(records[1]["fields"], fields);
}

#[test]
fn an_error_is_a_record_where_the_log_is_in_json_whatever_the_flags() {
    let sealed = Sealed::new().file("crmsync.toml", "[portals.acme]\n[portals.beta]\n");
    for (words, message, hint) in [
        (&["status", "-q", "--log-format", "json"][..], "several portals are configured: acme, beta.", "--portal NAME"),
        (&["pull", "--portal", "bta", "--log-format=json"], "there is no portal named bta", "--portal beta?"),
        (&["--log-format", "json", "snyc"], "unrecognized subcommand 'snyc'", "a similar subcommand exists: 'sync'\n"),
    ] {
        let output = sealed.command(words).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        let record: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        let said = |field: &str| record["fields"][field].as_str().unwrap().to_owned();
        assert_eq!(record["level"], "ERROR", "{words:?}");
        assert!(said("message").starts_with(message) && said("hint").contains(hint), "{words:?}: {log}");
        assert!(output.stdout.is_empty() && log.lines().all(|line| line.starts_with('{')), "{words:?}: {log}");
    }
}

#[test]
fn every_built_in_mapping_can_be_named_in_the_configuration_and_is_proved() {
    let sealed = Sealed::new().file(
        "crmsync.toml",
        "[portals.acme]\nobjects = [\"contacts\", \"companies\", \"deals\", \"tickets\", \"products\", \"line_items\", \"quotes\", \"notes\", \
         \"tasks\", \"calls\", \"meetings\", \"emails\"]\n",
    );
    insta::assert_snapshot!(sealed.run(&["mapping", "check"]), @r"
    exit 0
    --- stdout
    object      table       fields  two-way
    contacts    contacts        26       19  every value comes back
    companies   companies       27       21  every value comes back
    deals       deals           22       13  every value comes back
    tickets     tickets         14        9  every value comes back
    products    products        14       13  every value comes back
    line_items  line_items      19       15  every value comes back
    quotes      quotes          15       11  every value comes back
    notes       notes            6        4  every value comes back
    tasks       tasks           12        8  every value comes back
    calls       calls           14       12  every value comes back
    meetings    meetings        13       11  every value comes back
    emails      emails          14        9  every value comes back
    The portal's own types are known after the first pull; until then they are guessed as text.
    ");
}
