//! Every fault of the test suite in turn, over and over, on one server at full load:
//! `cargo run --release --example soak -- --minutes 30`.
//!
//! The server is a process of its own, so that its memory is its own. Prints a line a minute, and
//! exits with 0 when every reply was right and in time and the memory stayed flat, with 1 when not,
//! and with 2 when it could not be done.

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

/// The program again, as the server: `soak serve ...` takes the options of `indexer serve`.
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
