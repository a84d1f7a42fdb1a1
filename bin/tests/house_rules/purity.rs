//! The decisions of the engine are pure: they know the model and the mappings, and nothing that reads, writes or waits.

use super::edges::dependencies;
use super::{files, text};

/// Crates without any behaviour of their own at run time: derives.
const DERIVES: [&str; 2] = ["serde", "thiserror"];

/// The code of a file without comments and without its tests.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or(line)).peekable();
    while let Some(line) = lines.next() {
        let module = lines.peek().is_some_and(|next| next.starts_with("mod "));
        if line != "#[cfg(test)]" || !module {
            code.push_str(line);
            code.push('\n');
        } else if lines.next().is_some_and(|declaration| declaration.ends_with('{')) {
            // The brace that closes a module of a formatted file stands alone at the left.
            lines.by_ref().find(|line| *line == "}");
        }
    }
    code
}

/// The first names after each `prefix`, also inside braces: `crate::{model::X, store}` gives `model` and `store`.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0_usize;
                let mut start = true;
                for (offset, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        letter if start && letter.is_alphabetic() => {
                            names.push(word(&group[offset..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn the_plan_knows_only_the_model_and_the_mappings() {
    let foreign: Vec<String> = dependencies(&text("sync-core/Cargo.toml"), &["dependencies"])
        .into_iter()
        .filter(|name| name != "mappings" && !DERIVES.contains(&name.as_str()))
        .map(|name| name.replace('-', "_"))
        .collect();
    let mut seen = 0;
    for (path, text) in files(&[".rs"]) {
        if path != "sync-core/src/plan.rs" && !path.starts_with("sync-core/src/plan/") {
            continue;
        }
        seen += 1;
        let code = code(&text);
        for name in names_after(&code, "crate::") {
            assert!(["model", "plan"].contains(&name.as_str()), "{path} uses crate::{name}");
        }
        assert!(!code.contains("super::super::super"), "{path} climbs out of plan");
        for name in &foreign {
            assert!(names_after(&code, &format!("{name}::")).is_empty(), "{path} uses {name}");
        }
        for name in ["fs", "net", "env", "process", "thread", "time"] {
            let used = names_after(&code, "std::").contains(&name.to_owned());
            assert!(
                !used || (name == "time" && !code.contains("Instant") && !code.contains("SystemTime")),
                "{path} uses std::{name}"
            );
        }
    }
    assert!(seen > 0, "sync-core has no plan");
}

#[test]
fn the_engine_sees_neither_terminal_nor_home_nor_environment() {
    for (path, text) in files(&[".rs"]) {
        if path.starts_with("sync-core/src/") || path.starts_with("mappings/src/") {
            let code = code(&text);
            for word in ["std::env", "std::process", "home_dir", "io::stdout", "io::stderr"] {
                assert!(!code.contains(word), "{path} uses {word}");
            }
        }
    }
}

#[test]
fn tests_are_not_code_but_what_follows_them_is() {
    let file = "a\n#[cfg(test)]\nmod tests {\n    use crate::store;\n}\nb // c\n#[cfg(test)]\nmod more;\nd\n";
    assert_eq!(code(file), "a\nb \nd\n");
}

#[test]
fn names_are_found_in_every_form_of_import() {
    let code = code("use crate::model::X; // crate::store\nuse crate::{plan::{a, b}, store, pull::Y};\nxcrate::no");
    assert_eq!(names_after(&code, "crate::"), ["model", "plan", "store", "pull"]);
}
