//! The soak itself: the server, the load, the faults in turn, the line a minute and the verdict.

use std::env;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::faults::stage::{FLAGS, Stage};
use crate::faults::{ALL, Wrong};
use crate::process::raise_open_files;

/// How long a slow client takes for a byte.
const PACE: Duration = Duration::from_secs(1);

/// How many minutes the memory has to reach its level.
const SETTLING: usize = 3;

/// How much the memory of any two minutes may differ after that, in bytes. It is less than a thousandth of
/// what all the clients of one round send.
const FLAT_BYTES: usize = 16 << 20;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn main() -> ExitCode {
    let Some(minutes) = minutes() else {
        eprintln!("usage: soak [--minutes N]\n  N is a whole number, at least 1; 30 unless given");
        return ExitCode::from(2);
    };
    match soak(minutes) {
        Ok(Ok(())) => {
            println!("passed");
            ExitCode::SUCCESS
        }
        Ok(Err(wrong)) => {
            println!("failed: {wrong}");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::from(2)
        }
    }
}

fn minutes() -> Option<usize> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Some(30),
        ["--minutes", minutes] => minutes.parse().ok().filter(|minutes| *minutes > 0),
        _ => None,
    }
}

/// Runs for so many minutes, and returns what went wrong. Fails if nothing could be tried.
fn soak(minutes: usize) -> Result<Result<(), Wrong>, Wrong> {
    raise_open_files();
    let mut program = Command::new(env::current_exe()?);
    program.arg("serve").args(FLAGS).args(["--log-level", "warn"]).env_remove("INDEXER_LOG");
    let stage = Stage::set(&mut program, PACE)?;
    Ok(run(stage, minutes))
}

fn run(stage: Stage, minutes: usize) -> Result<(), Wrong> {
    let settled = watch(&stage, minutes)?;
    let (seen, _) = stage.end()?;
    seen.is_well()?;
    let flat = settled.get(SETTLING.min(settled.len().saturating_sub(1))..).unwrap_or_default();
    let (least, most) = (flat.iter().min(), flat.iter().max());
    let apart = most.zip(least).map_or(0, |(most, least)| most - least);
    println!(
        "{} replies; after {SETTLING} minutes, or in the last, resident memory within {} KiB",
        seen.replies,
        apart >> 10
    );
    if apart > FLAT_BYTES {
        return Err(format!("the memory is not flat: {settled:?} bytes, minute by minute").into());
    }
    Ok(())
}

/// Runs the faults in turn and prints a line a minute. Returns the resident memory of each minute, in bytes,
/// after the last fault that ended in it.
fn watch(stage: &Stage, minutes: usize) -> Result<Vec<usize>, Wrong> {
    println!(
        "| minute | resident, MiB | between faults, MiB | faults | clients | replies | wrong | latest, ms |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    let process = stage.target.process;
    let over = AtomicBool::new(false);
    let last = Mutex::new((0, process.resident_bytes()));
    let (failed, failure) = mpsc::channel();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let inflict = || {
                for fault in ALL.iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                    stage.inflict(&[*fault])?;
                    let mut last = last.lock().expect("nobody panics");
                    *last = (last.0 + 1, process.resident_bytes());
                }
                Ok(())
            };
            failed.send(inflict())
        });
        let mut settled = Vec::new();
        for minute in 1..=minutes {
            let left =
                (start + MINUTE * u32::try_from(minute)?).saturating_duration_since(Instant::now());
            if let Ok(Err(wrong)) = failure.recv_timeout(left) {
                return Err(wrong);
            }
            let (faults, between) = *last.lock().expect("nobody panics");
            let seen = stage.seen();
            settled.push(between);
            println!(
                "| {minute} | {} | {} | {faults} | {} | {} | {} | {} |",
                process.resident_bytes() >> 20,
                between >> 20,
                stage.strangers(),
                seen.replies,
                seen.wrong.len(),
                seen.latest.as_millis()
            );
            seen.is_well().inspect_err(|_| over.store(true, Ordering::Relaxed))?;
        }
        over.store(true, Ordering::Relaxed);
        match failure.recv_timeout(MINUTE) {
            Ok(ended) => ended.map(|()| settled),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err("a fault does not end".into())
            }
        }
    })
}
