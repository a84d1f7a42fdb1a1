//! The configuration: `crmsync.toml`, the environment and the built-in defaults, read into plain typed structs.
//!
//! Promises: later layers win (defaults, file, environment, and flags above all); an unknown key, a value of the wrong
//! kind or an unreadable file is an error that names the file or variable, the key and what was expected; a token is
//! refused wherever it is written in the configuration, and never repeated in a message. Reading the configuration
//! touches the file itself and asks whether files exist, nothing else.

mod api_base;
mod closest;
mod credential;
mod layers;
mod portals;
mod section;
mod settings;
#[cfg(test)]
mod tests;
mod units;

pub use api_base::ApiBase;
pub use credential::{OAuthApp, TokenSource};
pub use layers::Surroundings;
pub use settings::{Keep, Limits, PortalConfig, Pull, Push, Settings, Tier};
pub use units::{duration, duration_argument};
