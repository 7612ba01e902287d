//! `indexer order`: prints an order in which the packages of a list can be installed.

use std::io::{self, Write};

use clap::Args;

use super::list::Source;
use super::plan::Plan;
use super::selection::{Part, reached};
use crate::cli::output::diagnostics;
use crate::cli::progress::Progress;
use crate::cli::{Failure, Fulfilled};
use crate::index::Steps;

/// Print an order in which a package list can be installed
///
/// Prints one step a line. Packages that need each other share a line. Standard error says which dependencies
/// are not in the list.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    brew deps --installed | indexer order -\n  \
    indexer order --of git,vim packages.txt")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Only these packages and all that they need, directly or not
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    of: Vec<String>,
}

/// How many steps are printed between two updates of the progress.
const STEPS: usize = 4_096;

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(&arguments.source)?;
    if arguments.of.is_empty() {
        let steps = plan.steps();
        plan.report(&steps, &mut diagnostics()).map_err(Failure::Output)?;
        print(&plan, steps, |number| number).map_err(Failure::Output)?;
        return Ok(Fulfilled::Yes);
    }
    let of: Vec<u32> = arguments.of.iter().map(|name| plan.find(name)).collect::<Result<_, _>>()?;
    let part = Part::of(reached(&of, &plan.rows, None), &plan.rows);
    // With --of, the rest of the list is not reported on.
    let package = |number: u32| part.packages[number as usize];
    print(&plan, part.rows.steps(), package).map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}

/// Prints all steps. `number` turns a number in a step into the number of a package.
fn print(plan: &Plan, mut steps: Steps, package: impl Fn(u32) -> u32) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let progress = Progress::of_steps("printing", steps.left());
    let (mut text, mut done) = (Vec::new(), 0);
    while let Some(step) = steps.take_step() {
        for (position, &number) in step.iter().enumerate() {
            text.extend_from_slice(if position > 0 { b" " } else { b"" });
            text.extend_from_slice(plan.name(package(number)).as_bytes());
        }
        text.push(b'\n');
        done += step.len();
        if done >= STEPS {
            output.write_all(&text)?;
            text.clear();
            progress.advance(std::mem::take(&mut done));
        }
    }
    progress.finish();
    output.write_all(&text)?;
    output.flush()
}
