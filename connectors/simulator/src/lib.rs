//! A stand-in HubSpot: a pure state machine with the traps of the real one, faults on demand, and an HTTP skin.
//!
//! Promises:
//! * **Deterministic.** A seed, the settings and the instants handed in fix every byte. No clock, no chance, no thread.
//! * **Independent.** Nothing here knows how a client reads HubSpot; a misunderstanding shows up as a failing test.
//! * **Honest about doubt.** What nobody has proved about HubSpot is a switch in [`Switches`], and a client must live with
//!   either position.
//!
//! [`Portal::exchange`] turns a request into a delivery. The people in the CRM act through [`Portal::edit`],
//! [`Portal::create`], [`Portal::merge`] and their like; the truth for a test's oracle is in [`Portal::records`] and
//! [`Portal::associations`], and what clients wrote, as it was sent and as it was applied, in [`Portal::writes`]. [`http::serve`] puts the same portal on a socket.

mod administrating;
mod api;
mod associating;
mod association_types;
mod calls;
mod catalogue;
mod clock;
mod controls;
mod data;
mod dispatch;
mod exchange;
mod fault_rates;
mod faults;
pub mod http;
mod jobs;
mod json;
mod limits;
mod links;
mod merging;
mod object_types;
mod owners;
mod people;
mod pipelines;
mod portal;
mod problem;
mod record;
mod routes;
mod search;
mod settings;
mod store;
mod switches;
mod truth;
mod value;
mod write_routes;
mod writing;
mod zone;

pub use administrating::NewProperty;
pub use calls::{CallKind, CallLog};
pub use exchange::{Delivery, Exchange, Millis, Request, Response};
pub use fault_rates::{Faults, Storm};
pub use faults::{FaultKind, Policy, When};
pub use links::Category;
pub use people::PortalError;
pub use portal::Portal;
pub use settings::{DataSize, Settings, Tier};
pub use switches::{
    Cleared, DuplicateInputs, Lag, LimitBody, ListAfter, MergeId, MergedRead, NumberForm, OlderDates, OverLimit,
    Switches, TraceEcho, UnknownArchive,
};
pub use truth::{Edge, RecordView};
pub use value::Value;
pub use writing::log::{Executed, Linked, TypeOfLink, Written};
pub use zone::{DaylightRule, Zone};
