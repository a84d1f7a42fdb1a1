//! Everything the program shows: results on stdout, all else on stderr.
//!
//! Promises: with `--json`, stdout holds one JSON document and nothing else, also after an error; text from a CRM, a
//! file or a server cannot steer the terminal; colour and progress bars appear only on a terminal, colour not with
//! `NO_COLOR`; a log line never lands in the middle of a progress bar; with `--log-format json`, errors and all else on
//! stderr are records of the log. Nothing else in the program writes to stdout or stderr.

pub mod escape;
pub mod log;
pub mod progress;
mod results;
mod table;
pub mod terminal;
pub mod words;

pub use progress::Progress;
pub use results::Output;
pub use table::{Align, Table};
