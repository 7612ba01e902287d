//! Counts how many instructions a message takes. No other work on the machine changes that, so it shows a
//! regression without a stopwatch.
//!
//! Valgrind's callgrind counts what this program does between two calls. The program is started once for each
//! count. `instructions.txt` has the counts of the last change that meant to move them, with their compiler.
//! A count that is more than a twentieth above its old one is an error. Another compiler has no old counts:
//! the new ones are printed, and that is all.
//!
//! ```text
//! cargo bench --bench instructions -- [--write] [parse-mixed ...]
//! ```

mod common;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{self, ExitCode};
use std::{env, fs};

use common::load::{Messages, Mix};
use common::options::{Arguments, Unread};
use package_indexer::engine::Engine;
use package_indexer::session::Session;
use package_indexer::wire::{self, DEFAULT_MAX_LINE_BYTES};
use package_indexer::{CommandRef, PackageIndex};

/// What is counted.
const COUNTS: [&str; 6] = [
    "parse-mixed",
    "parse-reading",
    "apply-mixed",
    "apply-reading",
    "replies-mixed",
    "replies-reading",
];

/// Where the old counts are.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// How much more than before is a regression, in percent.
const TOLERATED: f64 = 5.0;

/// So many packages, all of them in the cache: misses are not instructions.
const NAMES: usize = 1_000;

/// How many messages are counted.
const MESSAGES: usize = 16_384;

/// How many messages a session gets at once.
const PIPELINE: usize = 64;

/// The argument before the name of the count for which a process is started.
const CHILD: &str = "--count";

fn main() -> Result<ExitCode, Unread> {
    let mut arguments = Arguments::of_this_process();
    let measuring = arguments.measuring;
    let (mut write, mut chosen) = (false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            CHILD => {
                count(&arguments.value::<String>(CHILD)?)?;
                return Ok(ExitCode::SUCCESS);
            }
            "--write" => write = true,
            name if COUNTS.contains(&name) => chosen.push(argument),
            other => {
                return Err(format!("expected --write or one of {COUNTS:?}, got {other:?}").into());
            }
        }
    }
    if !measuring {
        // Each count once, without callgrind.
        return COUNTS.iter().try_for_each(|name| count(name)).map(|()| ExitCode::SUCCESS);
    }
    if write && !chosen.is_empty() {
        return Err("--write keeps all counts, so none can be chosen".into());
    }
    if chosen.is_empty() {
        chosen = COUNTS.map(String::from).to_vec();
    }
    let compiler = compiler()?;
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let mut table = format!("{compiler}\n");
    let (mut worse, mut missing) = (Vec::new(), false);
    println!("{compiler}\n\n| count | instructions a message | committed | difference, % |");
    println!("|---|--:|--:|--:|");
    for name in &chosen {
        let counted = counted(name)?;
        writeln!(table, "{name} {counted:.1}")?;
        let Some(before) = before(&committed, &compiler, name) else {
            println!("| {name} | {counted:.1} | | |");
            missing |= committed.starts_with(&compiler);
            continue;
        };
        let difference = (counted / before - 1.0) * 100.0;
        println!("| {name} | {counted:.1} | {before:.1} | {difference:+.1} |");
        if difference > TOLERATED {
            worse.push(name.as_str());
        }
    }
    if write {
        fs::write(COMMITTED, table)?;
    } else if !worse.is_empty() {
        eprintln!(
            "\nmore than {TOLERATED} % over the committed counts: {}\nIf that is meant: cargo bench --bench instructions -- --write",
            worse.join(", ")
        );
        return Ok(ExitCode::FAILURE);
    } else if missing {
        return Err("a count is not committed: cargo bench --bench instructions -- --write".into());
    } else if !committed.starts_with(&compiler) {
        println!("\nNo counts are committed for this compiler.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prepares and does what is to be counted.
fn count(name: &str) -> Result<(), Unread> {
    let (what, load) = name.split_once('-').ok_or_else(|| format!("no count {name:?}"))?;
    let mix = if load == "mixed" { Mix::USUAL } else { Mix::READING };
    let mix = Mix { names: NAMES, ..mix };
    let messages = Messages::new(mix, 64, PIPELINE)?;
    let lines: Vec<&[u8]> =
        messages.bytes().split_inclusive(|byte| *byte == b'\n').take(MESSAGES).collect();
    let commands = lines.iter().map(|line| wire::parse(line)).collect::<Result<Vec<_>, _>>()?;
    let mut state = mix.full_index()?;
    match what {
        "parse" => measured(|| {
            for line in &lines {
                let _parsed = black_box(wire::parse(black_box(line)));
            }
        }),
        "apply" => measured(|| apply(&mut state, &commands)),
        "replies" => {
            let (engine, mut session) = (Engine::new(state), Session::new(DEFAULT_MAX_LINE_BYTES));
            measured(|| {
                for number in 0..MESSAGES / PIPELINE {
                    session.fill(messages.batch(number));
                    let _answered = black_box(session.answer(&engine, |_| ()));
                }
            });
        }
        _ => return Err(format!("no count {name:?}").into()),
    }
    Ok(())
}

fn apply(index: &mut PackageIndex, commands: &[CommandRef<'_>]) {
    for command in commands {
        let _applied = black_box(index.apply(*command));
    }
}

/// The function that callgrind counts. It knows the function by its name.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}

/// The instructions a message takes, as counted by callgrind.
fn counted(name: &str) -> Result<f64, Unread> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{}", process::id()));
    let output = process::Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args([CHILD, name])
        .output()
        .map_err(|error| {
            format!("valgrind does not start: {error} (Debian: apt-get install valgrind)")
        })?;
    if !output.status.success() {
        return Err(format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u32>().ok())
        .filter(|total| *total > 0)
        .ok_or("callgrind has counted nothing")?;
    Ok(f64::from(total) / f64::from(u32::try_from(MESSAGES)?))
}

/// The count that was committed, if it was for this compiler.
fn before(committed: &str, compiler: &str, name: &str) -> Option<f64> {
    let mut lines = committed.strip_prefix(compiler)?.lines();
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// The compiler and its target, on one line.
fn compiler() -> Result<String, Unread> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = process::Command::new(rustc).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?");
    Ok(format!("rustc {} for {}", of("release: "), of("host: ")))
}
