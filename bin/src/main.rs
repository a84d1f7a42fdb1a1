//! The program: everything it does is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    crmsync::main_with(std::env::args_os())
}
