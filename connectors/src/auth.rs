//! Credentials: where they are read from, and that they are shown nowhere.

mod token;

pub use token::{Token, TokenError};
