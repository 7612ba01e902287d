//! `indexer why`: prints a chain of dependencies from one package to another.

use std::io::{self, Write};

use clap::Args;

use super::list::Source;
use super::plan::Plan;
use super::selection::chain;
use crate::cli::output::diagnostics;
use crate::cli::{Failure, Fulfilled};
use crate::name::NameRef;

/// Say why a package needs another: print a shortest chain between them
///
/// Each package of the chain depends on the next one. If the first package does not need the other, directly
/// or not, standard error says so and the program exits with 1.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  \
    brew deps --installed | indexer why - git libunistring\n  \
    git -> gettext -> libunistring")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The package that needs the other
    #[arg(value_name = "PACKAGE")]
    package: String,
    /// The package that is needed
    #[arg(value_name = "DEPENDENCY")]
    dependency: String,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(&arguments.source)?;
    let [package, dependency] = [plan.find(&arguments.package)?, plan.find(&arguments.dependency)?];
    let names = |chain: &[u32]| {
        let names: Vec<_> = chain.iter().map(|&it| NameRef::as_str(plan.name(it))).collect();
        names.join(" -> ")
    };
    if let Some(chain) = chain(package, dependency, &plan.rows) {
        writeln!(io::stdout(), "{}", names(&chain)).map_err(Failure::Output)?;
        return Ok(Fulfilled::Yes);
    }
    let [package, dependency] = [package, dependency].map(|it| plan.name(it));
    writeln!(diagnostics(), "{package} does not need {dependency}, directly or not")
        .map_err(Failure::Output)?;
    Ok(Fulfilled::No)
}
