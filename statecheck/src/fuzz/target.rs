//! What all fuzz targets have in common. libFuzzer gives a property bytes. Without libFuzzer, the same target
//! replays files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Once;
use std::{env, fs, io, panic, process};

use super::shown;
use crate::property::Property;

/// The whole of a fuzz target, from an expression that makes its property. It has the functions that libFuzzer
/// calls: one tries the property, two [change](crate::fuzz::mutate) inputs element by element. Where cargo-fuzz does not build, it has a `main` that [replays](crate::fuzz::replay) files. The
/// crate of the target has to depend on `libfuzzer-sys`, and to begin with `#![cfg_attr(fuzzing, no_main)]`.
/// [`FuzzFolder`](crate::fuzz::FuzzFolder) writes such crates.
#[macro_export]
macro_rules! fuzz_target {
    ($property:expr) => {
        #[cfg(fuzzing)]
        thread_local! {
            static PROPERTY: $crate::property::Property = $property;
        }

        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            PROPERTY.with(|property| $crate::fuzz::check(property, bytes))
        });

        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8],
                                        length: usize,
                                        most: usize,
                                        seed: u32| {
            let usual = ::libfuzzer_sys::fuzzer_mutate;
            PROPERTY
                .with(|property| $crate::fuzz::mutate(property, bytes, length, most, seed, usual))
        });

        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            PROPERTY.with(|property| $crate::fuzz::cross_over(property, one, other, out, seed))
        });

        #[cfg(not(fuzzing))]
        fn main() -> ::std::process::ExitCode {
            $crate::fuzz::replay(&$property)
        }
    };
}

/// Tries a property on the bytes that libFuzzer chose. Ends the process if it does not hold there.
pub fn check(property: &Property, bytes: &[u8]) {
    /// Replaces libFuzzer's hook once, which would end the process before a panic is shrunk. A panic is a
    /// violation like any other.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| panic::set_hook(Box::new(|_| {})));
    if let Err(violation) = property.replay(bytes) {
        eprintln!(
            "{violation}# `tests/regressions/{}.txt` keeps it with this line:",
            property.name
        );
        eprintln!("{}", violation.kept_line());
        if let Some(test) = violation.to_test() {
            eprintln!("# The same as a test of its own:\n\n{test}");
        }
        process::abort();
    }
}

/// Tries a property on every file that the command line names, itself or by its folder. Fails if the property
/// does not hold on a file or cannot be tried on it, or if no file is named.
#[must_use]
pub fn replay(property: &Property) -> ExitCode {
    let mut ahead: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (mut replayed, mut failed) = (0, 0);
    while let Some(path) = ahead.pop() {
        match bytes_or_paths(&path) {
            Ok(Input::Folder(paths)) => ahead.extend(paths),
            Ok(Input::File(bytes)) => {
                replayed += 1;
                if let Err(violation) = property.replay(&bytes) {
                    failed += 1;
                    eprintln!("{}:\n{violation}", shown(&path));
                }
            }
            Err(error) => {
                failed += 1;
                eprintln!("error: cannot read {}: {error}", shown(&path));
            }
        }
    }
    println!("{}: {replayed} inputs replayed, {failed} failed", property.name);
    if replayed == 0 {
        eprintln!("error: name files, or folders of files, to replay");
    }
    ExitCode::from(u8::from(failed > 0 || replayed == 0))
}

enum Input {
    Folder(Vec<PathBuf>),
    File(Vec<u8>),
}

fn bytes_or_paths(path: &PathBuf) -> io::Result<Input> {
    if fs::metadata(path)?.is_dir() {
        let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        return entries.collect::<io::Result<_>>().map(Input::Folder);
    }
    fs::read(path).map(Input::File)
}
