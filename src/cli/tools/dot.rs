//! `indexer dot`: draws a package list, or a part of it, in Graphviz's language.

use std::io::{self, Write};

use clap::Args;

use super::ToolFailure;
use super::list::Source;
use super::picture::{Picture, reduced};
use super::plan::Plan;
use super::selection::{Part, reached};
use crate::cli::output::diagnostics;
use crate::cli::{Failure, Fulfilled};

/// Draw a package list, or a part of it, in Graphviz's language
///
/// An arrow leads from each package to what it needs. The packages that you name are dark. Dashed packages
/// need packages that are not drawn, or are needed by such. Arrows within a cycle are red.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    indexer dot --around git packages.txt | dot -Tsvg -o git.svg\n  \
    indexer dot --around lua --reverse --depth 1 packages.txt | dot -Tpng -o lua.png\n  \
    indexer dot --only git,gettext,xz --reduce packages.txt | dot -Tpdf -o three.pdf")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Draw these packages and all that they need, directly or not
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    around: Vec<String>,
    /// Draw only packages that are at most this many steps from those of --around
    #[arg(long, value_name = "N", requires = "around")]
    depth: Option<usize>,
    /// Draw what needs the packages of --around, instead of what they need
    #[arg(long, requires = "around")]
    reverse: bool,
    /// Draw only these packages
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',', conflicts_with = "around")]
    only: Vec<String>,
    /// Leave out each arrow that a longer path makes unnecessary (transitive reduction)
    #[arg(long)]
    reduce: bool,
    /// Draw even if the drawing is too large to read
    #[arg(long)]
    all: bool,
}

/// The most packages and arrows of a drawing that a person can read and Graphviz can lay out in seconds.
const MOST: [usize; 2] = [400, 2_000];

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let plan = Plan::read(&arguments.source)?;
    let find = |names: &[String]| {
        names.iter().map(|name| plan.find(name)).collect::<Result<Vec<u32>, ToolFailure>>()
    };
    let around = find(&arguments.around)?;
    let only = find(&arguments.only)?;
    let dependents;
    let rows = if arguments.reverse {
        dependents = plan.rows.transposed();
        &dependents
    } else {
        &plan.rows
    };
    let packages = if !around.is_empty() {
        reached(&around, rows, arguments.depth)
    } else if !only.is_empty() {
        reached(&only, rows, Some(0))
    } else {
        plan.report(&plan.steps(), &mut diagnostics()).map_err(Failure::Output)?;
        plan.rows.numbers().collect()
    };
    let mut part = Part::of(packages, &plan.rows);
    // Checked before the reduction too, which would take long for too many packages.
    let is_readable = |part: &Part| {
        part.packages.len() <= MOST[0] && (arguments.reduce || part.rows.number_count() <= MOST[1])
    };
    refuse_unless(arguments.all || is_readable(&part), &part)?;
    if arguments.reduce {
        part.rows = reduced(&part.rows);
    }
    refuse_unless(arguments.all || part.rows.number_count() <= MOST[1], &part)?;
    // Packages beyond the depth, in the direction of the search.
    let goes_on = |package: u32| {
        !around.is_empty()
            && rows.row(package).iter().any(|it| part.packages.binary_search(it).is_err())
    };
    let picture = Picture {
        plan: &plan,
        part: &part,
        centres: &around,
        title: title(&plan, arguments, &around, part.packages.len()),
        goes_on: &goes_on,
    };
    let mut output = io::BufWriter::new(io::stdout().lock());
    picture.write(&mut output).and_then(|()| output.flush()).map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}

/// Refuses a drawing that is too large to read.
fn refuse_unless(is_wanted: bool, part: &Part) -> Result<(), ToolFailure> {
    let (packages, arrows) = (part.packages.len(), part.rows.number_count());
    if is_wanted { Ok(()) } else { Err(ToolFailure::TooLarge { packages, arrows, most: MOST }) }
}

/// The title of the drawing.
fn title(plan: &Plan, arguments: &Arguments, around: &[u32], packages: usize) -> String {
    let mut centres = around.to_vec();
    centres.sort_unstable();
    centres.dedup();
    let others = packages - centres.len();
    let names: Vec<_> = around.iter().map(|&package| plan.name(package).to_string()).collect();
    let counted = match others {
        1 => "the package".to_owned(),
        _ => format!("the {others} packages"),
    };
    let (one, many) = if arguments.reverse { ("needs", "need") } else { ("need", "needs") };
    let title = match (names.as_slice(), others, arguments.reverse) {
        ([], _, _) if packages == 1 => "1 package".to_owned(),
        ([], _, _) => format!("{packages} packages"),
        ([name], 0, false) => format!("{name} needs no package"),
        ([name], 0, true) => format!("no package needs {name}"),
        ([name], 1, true) => format!("{name} and {counted} that {one} it"),
        ([name], _, true) => format!("{name} and {counted} that {many} it"),
        ([name], _, false) => format!("{name} and {counted} that it {many}"),
        (_, 1, true) => format!("{} and {counted} that {one} them", names.join(", ")),
        (_, _, true) => format!("{} and {counted} that {many} them", names.join(", ")),
        (_, _, false) => format!("{} and {counted} that they {one}", names.join(", ")),
    };
    match arguments.depth {
        Some(1) => format!("{title} directly"),
        Some(depth) => format!("{title}, in {depth} steps at most"),
        None => title,
    }
}
