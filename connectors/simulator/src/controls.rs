//! What a test does to a portal from outside: its token, its scopes, its limits, its faults, its switches.

use crate::calls::CallLog;
use crate::exchange::Millis;
use crate::fault_rates::Faults;
use crate::faults::{FaultKind, When};
use crate::object_types::resolve;
use crate::portal::Portal;
use crate::settings::Settings;

impl Portal {
    /// The bearer token that is good.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Makes the token expire at that instant; `None` makes it good again.
    pub fn expire_token(&mut self, at: Option<Millis>) {
        self.token_expired = at;
    }

    /// Replaces the token, as a rotation does, and returns the new one.
    pub fn rotate_token(&mut self) -> &str {
        self.token = format!("pat-na1-{}", self.dice.uuid());
        self.token_expired = None;
        &self.token
    }

    /// Takes the scope for an object type away; requests for it are 403 from now on.
    pub fn deny(&mut self, object: &str) {
        if let Some(index) = resolve(&self.types, object) {
            self.denied.insert(self.types[index].name.clone());
        }
    }

    /// Grants it again.
    pub fn allow(&mut self, object: &str) {
        if let Some(index) = resolve(&self.types, object) {
            self.denied.remove(&self.types[index].name);
        }
    }

    /// Takes the scope for writing an object type away; reads go on.
    pub fn deny_writes(&mut self, object: &str) {
        if let Some(index) = resolve(&self.types, object) {
            self.write_denied.insert(self.types[index].name.clone());
        }
    }

    /// Grants it again.
    pub fn allow_writes(&mut self, object: &str) {
        if let Some(index) = resolve(&self.types, object) {
            self.write_denied.remove(&self.types[index].name);
        }
    }

    /// Calls that other apps of the account made: the day shrinks for everybody.
    pub fn spend_elsewhere(&mut self, now: Millis, calls: u64) {
        self.advance(now);
        self.limits.spend_elsewhere(self.now, calls);
    }

    pub(crate) fn refuses_silently(&mut self) -> bool {
        self.desk.refuses_silently()
    }

    /// Makes the next matching requests fail in this way.
    pub fn inject(&mut self, kind: FaultKind, when: When) {
        self.desk.inject(kind, when);
    }

    /// Replaces the rates at which things go wrong.
    pub fn set_faults(&mut self, faults: Faults) {
        self.desk.set(faults);
    }

    /// The settings the portal was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Turns switches while the portal runs; lag applies to changes from now on.
    pub fn switches_mut(&mut self) -> &mut crate::switches::Switches {
        &mut self.settings.switches
    }

    /// What clients asked for so far.
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }
}
