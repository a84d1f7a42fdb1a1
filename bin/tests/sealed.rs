//! The real program in a sealed home: an empty directory, an empty environment, no terminal.

use assert_cmd::Command;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// An empty directory to run the program in.
pub(crate) struct Sealed {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl Sealed {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// Sets a variable for the runs that follow.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a file into the directory.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path().join(name), text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The program with nothing but these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crmsync"));
        command.env_clear().current_dir(self.path()).args(words);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Any program, in the same directory and with the same environment.
    pub(crate) fn process(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env_clear().current_dir(self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Exit code and stderr of a run whose stdout nobody reads.
    pub(crate) fn unread(&self, words: &[&str]) -> (i32, String) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = self.process(env!("CARGO_BIN_EXE_crmsync")).args(words).stdout(writer).output().unwrap();
        (run.status.code().unwrap(), String::from_utf8(run.stderr).unwrap())
    }

    /// Everything that a run shows, as one text: exit code, stdout, stderr. The directory's name and times of day are
    /// replaced.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        let mut text = format!("exit {}\n", output.status.code().unwrap());
        for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            if !bytes.is_empty() {
                write!(text, "--- {name}\n{}", String::from_utf8(bytes).unwrap()).unwrap();
            }
        }
        let directory = self.path().display().to_string();
        text.replace(&directory, "DIR").split('\n').map(without_time).collect::<Vec<_>>().join("\n")
    }
}

/// A log line without the time it begins with.
fn without_time(line: &str) -> String {
    let is_time = line.get(..20).is_some_and(|start| start.ends_with('Z') && start.get(10..11) == Some("T"));
    if is_time { format!("TIME{}", &line[20..]) } else { line.to_owned() }
}
