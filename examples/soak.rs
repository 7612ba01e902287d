//! Runs every fault of the test suite in turn, over and over, on one server at full load: `cargo run
//! --release --example soak -- --minutes 30`.
//!
//! The server is a process of its own, so that its memory is its own. Prints a line a minute. The exit code
//! is 0 if every reply was right and in time and the memory stayed flat. It is 1 if not, and 2 if the soak
//! could not be run.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[path = "../tests/common/faults/mod.rs"]
mod faults;
#[cfg(target_os = "linux")]
#[path = "../tests/common/process.rs"]
mod process;
#[cfg(target_os = "linux")]
#[path = "soak/run.rs"]
mod run;
#[cfg(target_os = "linux")]
#[path = "../tests/common/serving.rs"]
mod serving;

/// Runs the soak. With `soak serve ...`, runs the server, with the options of `indexer serve`.
fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|argument| argument == "serve") {
        return package_indexer::cli::main();
    }
    #[cfg(target_os = "linux")]
    return run::main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("error: the soak reads /proc, which only Linux has");
        ExitCode::from(2)
    }
}
