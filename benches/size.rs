//! Measures how much memory packages and dependencies take, allocator included, and how much is given back.
//!
//! It compares the resident memory of this process, as the system reports it, after each of three steps.
//! Packages with names of 16 bytes are indexed. Then each gets its dependencies. Then all are removed. Some
//! packages are needed by many: the k-th is drawn in proportion to about 1/k.
//!
//! ```text
//! cargo bench --bench size -- [--dependencies 5] [--seed 64] [packages ...]
//! ```

mod common;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "of what the system says of a process, only the memory counts here")]
#[path = "../tests/common/process.rs"]
mod process;

use std::hint::black_box;

use common::load::Mix;
use common::options::{Arguments, Sizes, Unread};
use common::registry::popular;
use fastrand::Rng;
use package_indexer::{Command, Outcome, PackageIndex};

/// How many packages there are, unless chosen.
const PACKAGES: usize = 5_000_000;

fn main() -> Result<(), Unread> {
    if !cfg!(target_os = "linux") {
        return Err("this bench reads /proc, which only Linux has".into());
    }
    let arguments = Arguments::of_this_process();
    let usual = if arguments.measuring { PACKAGES } else { 1_000 };
    let sizes = Sizes::read(arguments, "--dependencies", 5, &[usual])?;
    let Sizes { seed, number: dependencies, packages } = sizes;
    println!("seed {seed}, {dependencies} dependencies a package\n");
    println!(
        "| packages | bytes a package | bytes a dependency | all, MiB | after all are removed, MiB | goals |"
    );
    println!("|--:|--:|--:|--:|--:|---|");
    for packages in packages {
        println!("{}", measure(packages, dependencies, &mut Rng::with_seed(seed))?);
    }
    Ok(())
}

/// Measures one row, and returns it in the form of the table.
#[allow(clippy::cast_precision_loss, reason = "there are no 2^53 bytes")]
fn measure(packages: usize, dependencies: usize, rng: &mut Rng) -> Result<String, Unread> {
    let mut index = PackageIndex::new();
    let before = resident();
    let since = |bytes: usize| bytes.saturating_sub(before) as f64;
    for number in 0..packages {
        do_as_asked(&mut index, &Command::index(&Mix::name(number), [])?)?;
    }
    let with_packages = resident();
    for number in 0..packages {
        let names: Vec<_> = (0..dependencies).map(|_| Mix::name(popular(packages, rng))).collect();
        let names = names.iter().map(String::as_str);
        do_as_asked(&mut index, &Command::index(&Mix::name(number), names)?)?;
    }
    let (all, count) = (resident(), index.dependency_count());
    for clearing in [true, false] {
        for number in 0..packages {
            let name = Mix::name(number);
            let command =
                if clearing { Command::index(&name, [])? } else { Command::remove(&name)? };
            do_as_asked(&mut index, &command)?;
        }
    }
    let left = resident();
    drop(black_box(index));
    let of_package = since(with_packages) / packages as f64;
    let of_dependency = all.saturating_sub(with_packages) as f64 / count as f64;
    let mib = |bytes| since(bytes) / f64::from(1 << 20);
    Ok(format!(
        "| {packages} | {of_package:.1} | {of_dependency:.1} | {:.1} | {:.1} | {} |",
        mib(all),
        mib(left),
        if packages == PACKAGES { "≤ 80, ≤ 22" } else { "" }
    ))
}

fn do_as_asked(index: &mut PackageIndex, command: &Command) -> Result<(), Unread> {
    match index.apply(command)? {
        Outcome::Ok => Ok(()),
        Outcome::Fail => Err(format!("{command} fails").into()),
    }
}

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    #[cfg(target_os = "linux")]
    return process::Process(std::process::id()).resident_bytes();
    #[cfg(not(target_os = "linux"))]
    0
}
