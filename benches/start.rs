//! Measures how long a server takes to start with what it has kept, in comparison with just reading the file.
//!
//! Packages are indexed, each with some dependencies on others that many need. They are kept in a directory,
//! as changes, in the way of a server. Then three things take turns:
//!
//! - The file is read from its beginning to its end.
//! - It is opened, with every checksum, and loaded, with every name and list checked, as at each start.
//! - It is opened after a server that did not close it, which writes all of it again.
//!
//! The file lies in the system's cache. A disk adds the same to all of them.
//!
//! ```text
//! cargo bench --bench start -- [--dependencies 5] [--seed 64] [packages ...]
//! ```

mod common;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use common::load::Mix;
use common::options::{Arguments, Sizes, Unread};
use common::registry::popular;
use common::{printed, spread};
use fastrand::Rng;
use package_indexer::engine::Engine;
use package_indexer::index::Limits;
use package_indexer::store::{Disk, Store as _, load};
use package_indexer::{Command, PackageIndex};

/// How many packages there are, unless chosen.
const PACKAGES: usize = 5_000_000;

/// How many commands are made durable together.
const TOGETHER: usize = 10_000;

/// How many times each is measured.
const ROUNDS: usize = 3;

fn main() -> Result<(), Unread> {
    let arguments = Arguments::of_this_process();
    let usual = if arguments.measuring { PACKAGES } else { 1_000 };
    let sizes = Sizes::read(arguments, "--dependencies", 5, &[usual])?;
    let Sizes { seed, number: dependencies, packages } = sizes;
    println!("seed {seed}, {dependencies} dependencies a package, {ROUNDS} rounds\n");
    println!(
        "| packages | file, MiB | s to keep them | s to read the file | s to open it | s to load it | s to open it, not closed | start / read |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    for packages in packages {
        println!("{}", measure(packages, dependencies, &mut Rng::with_seed(seed))?);
    }
    Ok(())
}

/// Measures one row, and returns it in the form of the table.
#[allow(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
fn measure(packages: usize, dependencies: usize, rng: &mut Rng) -> Result<String, Unread> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("start");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let begun = Instant::now();
    keep(&directory, packages, dependencies, rng)?;
    let kept = begun.elapsed().as_secs_f64();
    let file = directory.join("index.redb");
    // Once without measuring, so that all of it is in the system's cache.
    read(&file)?;
    let mut rows = [(); 5].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        read(&file)?;
        let reading = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let disk = Disk::open(&directory)?;
        let opening = begun.elapsed().as_secs_f64();
        let index = load(&disk, Limits::default(), |_| ())?;
        let starting = begun.elapsed().as_secs_f64();
        if index.len() != packages {
            return Err(format!("{} of {packages} packages were loaded", index.len()).into());
        }
        // As if the server had been killed.
        drop(disk);
        let begun = Instant::now();
        let disk = Disk::open(&directory)?;
        let anew = begun.elapsed().as_secs_f64();
        Box::new(disk).close()?;
        let figures = [reading, opening, starting - opening, anew, starting / reading];
        rows.iter_mut().zip(figures).for_each(|(row, figure)| row.push(figure));
    }
    let mebibytes = fs::metadata(&file)?.len() as f64 / f64::from(1 << 20);
    fs::remove_dir_all(directory)?;
    let ratios = printed(spread(&mut rows[4]));
    let [reading, opening, loading, anew] =
        [0, 1, 2, 3].map(|row: usize| spread(&mut rows[row])[1]);
    Ok(format!(
        "| {packages} | {mebibytes:.0} | {kept:.1} | {reading:.2} | {opening:.2} | {loading:.2} | {anew:.2} | {ratios} |"
    ))
}

/// Makes a directory that keeps so many packages.
fn keep(
    directory: &Path,
    packages: usize,
    dependencies: usize,
    rng: &mut Rng,
) -> Result<(), Unread> {
    let engine = Engine::durable(PackageIndex::new(), Box::new(Disk::create(directory)?));
    let bare = (0..packages).map(|number| Command::index(&Mix::name(number), []));
    let listed = (0..packages).map(|number| {
        let names: Vec<_> = (0..dependencies).map(|_| Mix::name(popular(packages, rng))).collect();
        Command::index(&Mix::name(number), names.iter().map(String::as_str))
    });
    let mut commands = bare.chain(listed);
    loop {
        let batch = commands.by_ref().take(TOGETHER).collect::<Result<Vec<_>, _>>()?;
        if batch.is_empty() {
            break;
        }
        engine.batch(|index| batch.iter().try_for_each(|c| index.apply(c).map(drop)))??;
    }
    Ok(engine.close()?)
}

/// Reads a file to its end.
fn read(path: &Path) -> Result<(), Unread> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 1 << 20]);
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
