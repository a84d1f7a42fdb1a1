//! The connector below its port: against a scripted transport under tokio's paused clock, and against a loopback
//! socket where the network itself is the subject.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounting;
mod decoding;
mod labels;
mod lookups;
mod making;
mod metadata;
mod network;
mod pace;
mod reads;
mod retries;
mod script;
mod secrets;
mod sizes;
mod writes;
