//! What stdout and stderr are connected to.

use std::io::{IsTerminal, stderr, stdout};

/// Whether results are read by a person right now.
pub fn stdout_is_terminal() -> bool {
    stdout().is_terminal()
}

/// Whether progress can be drawn in place.
pub fn stderr_is_terminal() -> bool {
    stderr().is_terminal() && !is_dumb()
}

/// Whether messages on stderr may have colour.
pub fn stderr_has_colour() -> bool {
    stderr_is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal that results go to; `None` where they go elsewhere and may be of any width.
pub fn stdout_width() -> Option<u16> {
    if !stdout_is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(stdout()).map(|(width, _)| width.0).filter(|width| *width > 0)
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
