//! `--allow`: how far a person lets one run go beyond its safety belts.

use clap::Args;
use std::str::FromStr;

/// The flag, for commands that have belts.
#[derive(Clone, Debug, Default, Args)]
pub struct AllowArgs {
    /// Let this run exceed a safety belt: archives=N, updates=N, vanished=N, separated by commas
    #[arg(long, value_name = "KIND=N,…", value_delimiter = ',')]
    allow: Vec<Allowance>,
}

/// How many records one run may touch where a belt would stop it; `None` leaves the belt as it is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Records that may be archived in HubSpot.
    pub archives: Option<u64>,
    /// Records that may be updated in HubSpot.
    pub updates: Option<u64>,
    /// Records that may vanish from the mirror.
    pub vanished: Option<u64>,
}

impl AllowArgs {
    /// What was allowed; of two numbers for one kind the later counts.
    pub fn allowances(&self) -> Allowances {
        let mut allowances = Allowances::default();
        for allowance in &self.allow {
            let number = Some(allowance.number);
            match allowance.kind {
                Kind::Archives => allowances.archives = number,
                Kind::Updates => allowances.updates = number,
                Kind::Vanished => allowances.vanished = number,
            }
        }
        allowances
    }
}

#[derive(Clone, Copy, Debug)]
struct Allowance {
    kind: Kind,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Archives,
    Updates,
    Vanished,
}

impl FromStr for Allowance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected archives=N, updates=N or vanished=N, N being a whole number".to_owned();
        let (kind, number) = text.split_once('=').ok_or_else(expected)?;
        let kind = match kind.trim() {
            "archives" => Kind::Archives,
            "updates" => Kind::Updates,
            "vanished" => Kind::Vanished,
            _ => return Err(expected()),
        };
        Ok(Self { kind, number: number.trim().parse().map_err(|_| expected())? })
    }
}
