//! The `lipsmith` program.

mod cli;
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
