//! A data directory: loaded for a server, checked by `indexer verify`, or printed by `indexer export`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::ServeFailure;
use super::access::{Use, open_to_others};
use crate::cli::progress::Progress;
use crate::cli::{Failure, Fulfilled};
use crate::engine::Engine;
use crate::index::{Limits, PackageIndex};
use crate::shown::shown_path;
use crate::store::{self, Disk, LoadError, Store as _, StoreError};

/// The state to read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The directory in which a server kept its state; no server may be using it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// Makes an engine that keeps its state in a directory, and loads what is there.
pub(super) fn engine(directory: &Path, limits: Limits) -> Result<Engine, Failure> {
    let disk = Disk::create(directory).map_err(ServeFailure::Store)?;
    warn_of_others(directory, disk.path());
    let index = load(&disk, limits).map_err(|error| refused(directory, error))?;
    tracing::info!(
        event = "loaded",
        data_dir = %shown_path(directory),
        packages = index.len(),
        dependencies = index.dependency_count(),
        "loaded"
    );
    Ok(Engine::durable(index, Box::new(disk)))
}

/// Warns in the log if other users may change or read the state. The store makes files and directories
/// private. But the directory may have existed before, or a file may belong to someone else.
fn warn_of_others(directory: &Path, file: &Path) {
    if let Some(mode) = open_to_others(directory, Use::Write) {
        let mode = format_args!("{mode:04o}");
        let advice = format_args!("run chmod go-w {}", shown_path(directory));
        tracing::warn!(
            event = "data_dir_open_to_others",
            %mode, %advice, "other users can write to the data directory and replace its files"
        );
    }
    if let Some(mode) = open_to_others(file, Use::Read).or(open_to_others(file, Use::Write)) {
        let mode = format_args!("{mode:04o}");
        let advice = format_args!("run chmod 600 {}", shown_path(file));
        tracing::warn!(
            event = "data_file_open_to_others",
            %mode, %advice, "other users can read or write the kept state"
        );
    }
}

/// `indexer verify`: prints whether the state in a directory is sound.
pub(in crate::cli) fn verify(Arguments { data_dir }: &Arguments) -> Result<Fulfilled, Failure> {
    let disk = match Disk::open(data_dir) {
        Err(error @ StoreError::Damaged { .. }) => return unsound(data_dir, error.into()),
        other => other.map_err(unreadable)?,
    };
    match load(&disk, Limits::default()) {
        Ok(index) => {
            let (packages, dependencies) = (index.len(), index.dependency_count());
            let mut output = io::stdout();
            writeln!(output, "sound\npackages: {packages}, dependencies: {dependencies}")
                .map_err(Failure::Output)?;
            writeln!(output, "digest: {}", index.digest()).map_err(Failure::Output)?;
            Box::new(disk).close().map_err(ServeFailure::Store)?;
            Ok(Fulfilled::Yes)
        }
        Err(LoadError::Store(error)) if !matches!(error, StoreError::Damaged { .. }) => {
            Err(ServeFailure::Store(error).into())
        }
        Err(error) => unsound(data_dir, error),
    }
}

fn unsound(data_dir: &Path, error: LoadError) -> Result<Fulfilled, Failure> {
    writeln!(io::stdout(), "not sound: {}", refused(data_dir, error)).map_err(Failure::Output)?;
    Ok(Fulfilled::No)
}

/// `indexer export`: prints the state in a directory as commands.
pub(in crate::cli) fn export(Arguments { data_dir }: &Arguments) -> Result<Fulfilled, Failure> {
    let disk = Disk::open(data_dir).map_err(unreadable)?;
    let index = load(&disk, Limits::default()).map_err(|error| refused(data_dir, error))?;
    Box::new(disk).close().map_err(ServeFailure::Store)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    for command in index.to_commands() {
        writeln!(output, "{command}").map_err(Failure::Output)?;
    }
    output.flush().map_err(Failure::Output)?;
    Ok(Fulfilled::Yes)
}

fn load(disk: &Disk, limits: Limits) -> Result<PackageIndex, LoadError> {
    let packages = disk.snapshot()?.package_count()?;
    let steps = usize::try_from(packages).unwrap_or(usize::MAX);
    let progress = Progress::of_steps("loading", steps);
    let index = store::load(disk, limits, |packages| progress.advance(packages));
    progress.finish();
    index
}

/// Why there is nothing to read in a directory.
fn unreadable(error: StoreError) -> ServeFailure {
    match error {
        StoreError::Directory { path, error } if error.kind() == io::ErrorKind::NotFound => {
            ServeFailure::NoState { path }
        }
        error => ServeFailure::Store(error),
    }
}

fn refused(directory: &Path, error: LoadError) -> ServeFailure {
    match error {
        LoadError::Store(error) => ServeFailure::Store(error),
        error => ServeFailure::State { path: directory.to_owned(), error },
    }
}
