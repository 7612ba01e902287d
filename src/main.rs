//! The `indexer` program. All it does is in the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    package_indexer::cli::main()
}
