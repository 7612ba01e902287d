//! Tries every command in every state of a few packages, on the index and on the reference model: `cargo run
//! --release --example explore -- 5`.
//!
//! One state stands for all that differ from it by names alone. The number of these is calculated separately,
//! and has to be the number found.

use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use package_indexer::testing::explore;
use package_indexer::testing::scope::{MAX_PACKAGES, Scope, SmallState};
use package_indexer::{Model, PackageIndex};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let packages = if arguments.is_empty() { "4".to_owned() } else { arguments.join(" ") };
    let Some(scope) = packages.parse().ok().and_then(Scope::new) else {
        eprintln!("error: {packages:?} is no number of packages from 0 to {MAX_PACKAGES}");
        eprintln!("usage: explore [PACKAGES]");
        eprintln!("Exit status: 0 index and model agree, 1 they do not, 2 it could not be tried.");
        return ExitCode::from(2);
    };

    let begun = Instant::now();
    let classes = scope.class_count();
    let transitions = classes * scope.command_count();
    // Shown on a terminal only. It counts commands, because states are found before they are explored.
    let progress = ProgressBar::new(transitions as u64).with_style(
        ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} commands, {eta} left")
            .expect("the template is one"),
    );
    let mut named = 0;
    let explored = explore::run_by_key(
        &scope.commands(),
        (PackageIndex::new(), Model::default()),
        // An index that is not sound counts as different from the model, and is reported with its trace.
        (
            |index: &PackageIndex| (SmallState::of_index(index), index.check_invariants()),
            |model: &Model| (SmallState::of_model(model), Ok(())),
        ),
        |_, (state, _sound)| {
            progress.inc(1);
            scope.canonical(state)
        },
        |state| named += scope.orbit(*state),
    );
    progress.finish_and_clear();

    let explored = match explored {
        Ok(explored) => explored,
        Err(divergence) => {
            eprintln!("{divergence}");
            return ExitCode::FAILURE;
        }
    };
    println!("states modulo renaming: {} (calculated: {classes})", explored.states);
    println!("states: {named} (calculated: {})", scope.state_count());
    println!("commands applied: {} (calculated: {transitions})", explored.transitions);
    println!("seconds: {:.1}", begun.elapsed().as_secs_f64());
    let as_calculated = (explored.states, named, explored.transitions)
        == (classes, scope.state_count(), transitions);
    ExitCode::from(u8::from(!as_calculated))
}
