//! HubSpot as a [`sync_core::Remote`].
//!
//! * [`http`]: requests, responses, and the seam between them and a network: [`http::Transport`].
//! * [`auth`]: where a token comes from, and that it goes nowhere else.
//! * [`hubspot`]: the endpoints, what their answers mean, and the pace at which they may be asked.
//!
//! The crate knows no SQLite and keeps nothing on disk. It sleeps only on tokio's clock, so that a paused clock makes
//! hours of throttling pass in milliseconds.

pub mod auth;
pub mod http;
pub mod hubspot;

pub use auth::{Token, TokenError};
pub use http::{HttpTransport, Transport, TransportError};
pub use hubspot::{HubSpot, Settings, Usage};
