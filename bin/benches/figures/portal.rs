//! A simulated portal in a process of its own, and runs of the real program against it, watched from outside.

use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_crmsync");
/// How often a running program is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(2);

/// Whatever went wrong, to be told and nothing else.
pub(crate) type Failed = Box<dyn std::error::Error>;

/// A simulated portal, for as long as this lives.
pub(crate) struct Simulator {
    process: Child,
    variables: Vec<(String, String)>,
    /// Kept open: it may go on writing.
    _told: BufReader<ChildStdout>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Simulator {
    /// Starts one with these flags on a free port.
    pub(crate) fn start(flags: &[String]) -> Result<Self, Failed> {
        let mut command = Command::new(PROGRAM);
        command.args(["simulator", "--port", "0"]).args(flags);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let told = process.stdout.take().ok_or("the simulator has no stdout")?;
        let mut told = BufReader::new(told);
        let mut variables = Vec::new();
        for _ in 0..2 {
            let mut line = String::new();
            told.read_line(&mut line)?;
            let pair = line.trim_end().strip_prefix("export ").and_then(|pair| pair.split_once('='));
            let (name, value) = pair.ok_or("the simulator did not tell its address")?;
            variables.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { process, variables, _told: told })
    }

    /// The address and the token, in this order.
    pub(crate) fn told(&self) -> (&str, &str) {
        (&self.variables[0].1, &self.variables[1].1)
    }

    /// Starts the program in `home`.
    pub(crate) fn begin(&self, home: &Path, words: &[&str]) -> Result<Child, Failed> {
        let child = Command::new(PROGRAM)
            .args(words)
            .args(["--json", "--log-format", "json"])
            .current_dir(home)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(fs::File::create(home.join("stdout"))?)
            .stderr(fs::File::create(home.join("stderr"))?)
            .spawn()?;
        Ok(child)
    }

    /// Runs the program in `home` to its end; it must end well.
    pub(crate) fn run(&self, home: &Path, words: &[&str]) -> Result<Ran, Failed> {
        let began = Instant::now();
        let mut process = self.begin(home, words)?;
        let (mut peak_kib, mut cpu) = (0, 0.0_f64);
        let status = loop {
            // What is read last before it ends is at most a look old.
            peak_kib = peak(process.id()).unwrap_or(0).max(peak_kib);
            cpu = cpu_seconds(process.id()).unwrap_or(0.0).max(cpu);
            if let Some(status) = process.try_wait()? {
                break status;
            }
            std::thread::sleep(LOOK);
        };
        let seconds = began.elapsed().as_secs_f64();
        let told = fs::read_to_string(home.join("stderr"))?;
        if !status.success() {
            return Err(format!("crmsync {} failed:\n{told}", words.join(" ")).into());
        }
        let summary = serde_json::from_slice(&fs::read(home.join("stdout"))?)?;
        Ok(Ran { seconds, cpu, peak_kib, summary, told })
    }
}

/// What a run took and said.
pub(crate) struct Ran {
    /// From its start to its end.
    pub(crate) seconds: f64,
    /// Seconds of processor time.
    pub(crate) cpu: f64,
    /// The most memory that was resident.
    pub(crate) peak_kib: u64,
    /// What it printed.
    pub(crate) summary: Json,
    /// What it logged.
    pub(crate) told: String,
}

impl Ran {
    /// How many records the first object type gained.
    pub(crate) fn new_records(&self) -> Result<u64, Failed> {
        let new = self.summary["objects"][0]["new"].as_u64();
        new.ok_or_else(|| format!("the run told no number of new records: {}", self.summary).into())
    }

    /// A number of the summary.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.summary[name].as_u64().unwrap_or_default()
    }
}

fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time, counted by the kernel in hundredths of a second.
fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / 100.0)
}

/// A configuration with one mapping: an object type, its fields as `property: column`, nothing else fetched.
pub(crate) fn configure(home: &Path, mappings: &[(&str, String)], rest: &str) -> Result<(), Failed> {
    let folder = home.join("mappings");
    fs::create_dir_all(&folder)?;
    for (object, fields) in mappings {
        let text = format!("object: {object}\ntable: {object}\nunmapped: ignore\nfields:\n{fields}");
        fs::write(folder.join(format!("{object}.yaml")), text)?;
    }
    let objects: Vec<String> = mappings.iter().map(|(object, _)| format!("{object:?}")).collect();
    let portal = format!("[portals.bench]\nmappings = \"mappings\"\nobjects = [{}]\n{rest}", objects.join(", "));
    fs::write(home.join("crmsync.toml"), portal)?;
    Ok(())
}
