//! `indexer order` and `indexer dot`: what `indexer import` would build, as text or as a picture.

use std::io::{self, Write};

use clap::Args;

use super::list::Source;
use super::plan::Plan;
use crate::cli::output::diagnostics;
use crate::cli::{Failure, Fulfilled};
use crate::index::PackageIndex;
use crate::name::Name;

/// Where the packages come from.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Prints the installation order, one step a line.
pub(in crate::cli) fn order(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    render(arguments, |index, output| {
        for step in index.installation_order() {
            let names: Vec<_> = step.packages().iter().map(Name::as_str).collect();
            writeln!(output, "{}", names.join(" "))?;
        }
        Ok(())
    })
}

/// Prints the graph in Graphviz's language.
pub(in crate::cli) fn dot(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    render(arguments, |index, output| write!(output, "{}", index.dot()))
}

/// Prints something of the index that the list comes to, and the report where logs go, if it can be written
/// there.
fn render(
    Arguments { source }: &Arguments,
    print: impl FnOnce(&PackageIndex, &mut dyn Write) -> io::Result<()>,
) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(source)?;
    plan.report(&mut diagnostics()).map_err(Failure::Output)?;
    let index = plan.index().map_err(|error| source.too_large(error))?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    print(&index, &mut output).and_then(|()| output.flush()).map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}
