//! The engine: it keeps the records of a CRM and the rows of a SQLite file in step.
//!
//! It knows no CRM by name: whatever it reads or writes goes through the port [`Remote`]. It never sees HTTP, the
//! terminal, the home directory or the environment; what it has to say while it works, it says through [`events`].

pub mod clock;
mod cycle;
mod engine;
pub mod error;
pub mod events;
pub mod model;
pub mod plan;
mod pull;
mod push;
pub mod remote;
mod repair;
mod report;
pub mod steps;
pub mod store;

pub use engine::{Engine, Parts, PullSettings};
pub use error::{RemoteError, RemoteErrorKind, RunError};
pub use plan::belts::Belt;
pub use pull::{Lanes, Verification, Via};
pub use push::{HeldBack, PlannedObject, PushSettings, Pushed, Survey, TakenBack};
pub use remote::Remote;
pub use repair::Repaired;
pub use report::{ObjectReport, Report};
