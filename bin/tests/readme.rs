//! The README is under test: each command line in it is one that the program takes.

use crate::house_rules::root;
use clap::error::ErrorKind;
use crmsync::cli::Cli;
use std::ffi::OsString;

/// The command lines of `crmsync` in the fenced blocks of a page, as words, with the line each stands on.
fn command_lines(page: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut carried = String::new();
    for (number, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(start) = line.strip_suffix('\\') {
            carried.push_str(start);
            continue;
        }
        let line = std::mem::take(&mut carried) + line;
        for command in split(&line) {
            if let Some(words) = ours(command) {
                found.push((number + 1, words));
            }
        }
    }
    found
}

/// The words of each command on a line: quotes hold words together, `;`, `&&` and `|` part commands, `#` and `>` end
/// them.
fn split(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.trim().trim_start_matches("$ ").chars().chain([' ']) {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#' | '>') if word.is_none() => break,
            (None, ' ' | ';' | '&' | '|') => {
                if let (Some(word), Some(command)) = (word.take(), commands.last_mut()) {
                    command.push(word);
                }
                if letter != ' ' {
                    commands.push(Vec::new());
                }
            }
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    commands
}

/// The words after `crmsync` or `cargo run … --`, behind variables that are set for it.
fn ours(words: Vec<String>) -> Option<Vec<String>> {
    let mut words = words.into_iter().skip_while(|word| {
        word.split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
    });
    let program = words.next()?;
    if program == "cargo" {
        return (words.next()? == "run").then(|| words.skip_while(|word| word != "--").skip(1).collect());
    }
    (program == "crmsync" || program.ends_with("/crmsync")).then(|| words.collect())
}

#[test]
fn every_command_line_of_the_readme_parses() {
    let page = std::fs::read_to_string(root().join("README.md")).expect("README.md is there");
    let lines = command_lines(&page);
    assert!(!lines.is_empty(), "README.md shows no command line");
    for (number, words) in lines {
        let shown = words.join(" ");
        let words = ["crmsync".to_owned()].into_iter().chain(words).map(OsString::from);
        if let Err(answer) = Cli::read(words) {
            let asked = matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            assert!(asked, "README.md:{number}: crmsync {shown}\n{answer}");
        }
    }
}

#[test]
fn command_lines_are_found_in_all_their_forms() {
    let page = "crmsync not here\n```sh\n$ HUBSPOT_ACCESS_TOKEN=\"a b\" crmsync sync \\\n  contacts # all\n\
                cd x && crmsync status --json | jq .\ncargo run --release -- demo > out\nsqlite3 crm.db 'crmsync; x'\n```\n";
    let found: Vec<String> = command_lines(page).into_iter().map(|(_, words)| words.join(" ")).collect();
    assert_eq!(found, ["sync contacts", "status --json", "demo"]);
}
