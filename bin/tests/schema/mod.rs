//! `crmsync schema`: what the portal has, what of a mapping does not fit, and making what is missing.

mod apply;
mod diff;
mod show;

use crate::sealed::Sealed;
use crate::served::Served;
use simulator::{Lag, Settings, Switches, Tier};

/// A small portal that shows changed records at once.
fn portal() -> Served {
    let start = chrono::Utc::now().timestamp_millis();
    let switches = Switches { lag: Lag::none(), post_create_bump: false, ..Switches::default() };
    Served::of(Settings { start, switches, tier: Tier::Unlimited, ..Settings::sized(2, 2, 2, 1) })
}

/// A directory with a mapping of companies that has these lines.
fn companies(portal: &Served, lines: &str) -> Sealed {
    let text = format!("object: companies\ntable: companies\n{lines}");
    configured(portal.home().file("companies.yaml", &text), false)
}

/// The same, where a person has said whether HubSpot may be written to.
fn configured(home: Sealed, may_push: bool) -> Sealed {
    let text = format!(
        "[portals.acme]\nmappings = \".\"\nobjects = [\"companies\"]\n\n[portals.acme.push]\nenabled = {may_push}\n"
    );
    home.file("crmsync.toml", &text)
}

fn has(home: &Sealed, property: &str) -> bool {
    let asked = home.command(&["schema", "show", "companies", "--json"]).output().unwrap();
    String::from_utf8(asked.stdout).unwrap().contains(&format!("\"name\": \"{property}\""))
}
