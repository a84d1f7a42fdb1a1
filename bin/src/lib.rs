//! The program `crmsync`: arguments, configuration, commands and output. What it does, the crates below it do.
//!
//! [`main_with`] reads the command line, runs one command and turns its outcome into an exit code. Whatever happens, a
//! documented exit code comes out: a panic is 70, a reader of our output who has gone changes nothing.

pub mod cli;
pub mod commands;
pub mod config;
pub mod exit;
pub mod installation;
pub mod output;
pub mod rehearsal;
mod run;

pub use run::main_with;
