//! Records what many clients see that contend for a few packages at one server. Checks that one order of all
//! their commands explains it: `cargo run --release --example histories -- record --histories 2200`.
//!
//! A history that cannot be explained is saved, whole and shortened. The shortened one is also drawn as a
//! page for a browser. `histories check FILE` judges it again.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
use package_indexer::testing::contention::{self, Contention};
use package_indexer::testing::history::{DEFAULT_STEPS, History, Verdict};
use package_indexer::{Command, Reply};

/// Is there one order of all commands that explains what every client saw?
#[derive(Debug, Parser)]
#[command(after_help = "Exit status: 0 there is, for every history that could be decided; \
    1 for one there is none; 2 it could not be tried, or none be decided.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Record histories of clients at a server, and check them
    Record(Record),
    /// Check a history that was saved
    Check(Saved),
    /// Print a short part of a saved history that shows what is wrong with it
    Minimise(Saved),
}

#[derive(Debug, Args)]
struct Record {
    /// The server to try, instead of one of our own; it need not be empty, but must not reach its limits
    address: Option<String>,
    /// How many histories
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = number(1, 10_000_000))]
    histories: usize,
    /// How many commands in each
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = number(1, 2_000))]
    operations: usize,
    /// How many clients at once, in turn
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "8,16,32,64",
        value_parser = number(1, 1_000))]
    clients: Vec<usize>,
    /// How many packages, in turn
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "2,3,4,5,6",
        value_parser = clap::value_parser!(u8).range(1..=8))]
    packages: Vec<u8>,
    /// How many commands a client sends at most before it waits, in turn; each further one makes the check
    /// longer
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1",
        value_parser = clap::value_parser!(u8).range(1..))]
    burst: Vec<u8>,
    /// Where to save what cannot be explained; if it is given, also what could not be decided
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// The seed of what the clients send
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    effort: Effort,
}

#[derive(Debug, Args)]
struct Saved {
    /// The history: a line `CLIENT> command` for each call, and `CLIENT< reply` for each reply, after
    /// `@MICROSECONDS` if its time is known
    file: PathBuf,
    #[command(flatten)]
    effort: Effort,
}

#[derive(Debug, Args)]
struct Effort {
    /// How many steps the search for an order may take
    #[arg(long, value_name = "N", default_value_t = DEFAULT_STEPS)]
    steps: u64,
}

/// A number from `least` to `most`.
fn number(least: u64, most: u64) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => {
            usize::try_from(number).map_err(|error| error.to_string())
        }
        Ok(_) => Err(format!("choose from {least} to {most}")),
        Err(error) => Err(error.to_string()),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    run(Arguments::parse())
}

pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let tried = match arguments.what {
        What::Record(record) => record_all(&record),
        What::Check(saved) => check(&saved),
        What::Minimise(saved) => minimise(&saved),
    };
    match tried {
        Ok(Verdict::Linearizable) => ExitCode::SUCCESS,
        Ok(Verdict::NotLinearizable) => ExitCode::from(1),
        Ok(Verdict::Undecided) => {
            eprintln!("not decided within these steps: try more with --steps");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn read(saved: &Saved) -> Result<History<Command, Reply>, Failure> {
    let name = saved.file.display();
    let text = fs::read_to_string(&saved.file).map_err(|error| format!("{name}: {error}"))?;
    Ok(text.parse().map_err(|error| format!("{name}: {error}"))?)
}

fn check(saved: &Saved) -> Result<Verdict, Failure> {
    let verdict = contention::checker().steps(saved.effort.steps).check(&read(saved)?);
    println!("{}", in_words(verdict));
    Ok(verdict)
}

fn in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Linearizable => "linearizable",
        Verdict::NotLinearizable => "not linearizable",
        Verdict::Undecided => "undecided",
    }
}

fn minimise(saved: &Saved) -> Result<Verdict, Failure> {
    let history = read(saved)?;
    let checker = contention::checker().steps(saved.effort.steps);
    if let Some(short) = checker.minimise(&history) {
        print!("{short}");
        return Ok(Verdict::NotLinearizable);
    }
    let verdict = checker.check(&history);
    eprintln!("{}: nothing to shorten", in_words(verdict));
    Ok(verdict)
}

/// The histories recorded with so many clients.
#[derive(Debug, Default)]
struct Row {
    histories: usize,
    operations: usize,
    undecided: usize,
    recording: Duration,
    checking: Duration,
}

/// How many histories are kept until they are checked.
const AT_ONCE: usize = 64;

fn record_all(record: &Record) -> Result<Verdict, Failure> {
    let server;
    let address = if let Some(address) = &record.address {
        address.clone()
    } else {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        server = Server::start([listener], Arc::new(Engine::default()), Config::default())?;
        server.addresses()[0].to_string()
    };
    let seed = record.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    // Shown on a terminal only.
    let progress =
        ProgressBar::new(record.histories as u64).with_style(ProgressStyle::with_template(
            "{wide_bar} {human_pos} of {human_len} histories, {eta} left",
        )?);
    let begun = Instant::now();
    let run = Run { record, address, seed, nonce: fastrand::u32(..) };
    let mut rows: Vec<Row> = record.clients.iter().map(|_| Row::default()).collect();
    let numbers: Vec<usize> = (0..record.histories).collect();
    let mut cut_off = None;
    for numbers in numbers.chunks(AT_ONCE) {
        let mut histories = Vec::new();
        for &number in numbers {
            let row = &mut rows[number % record.clients.len()];
            let begun = Instant::now();
            let (history, ended) = match run.one(number) {
                Ok(recorded) => recorded,
                Err(error) => (History::default(), Some(error)),
            };
            row.recording += begun.elapsed();
            row.histories += 1;
            row.operations += history.operations().len();
            histories.push((number, history));
            cut_off = ended;
            if cut_off.is_some() {
                break;
            }
        }
        for (number, history, verdict, took) in verdicts(&histories, record.effort.steps, &progress)
        {
            let row = &mut rows[number % record.clients.len()];
            row.checking += took;
            row.undecided += usize::from(verdict == Verdict::Undecided);
            let name = format!("history-{seed}-{number}");
            match (verdict, &record.save) {
                (Verdict::NotLinearizable, folder) => {
                    progress.finish_and_clear();
                    let folder = folder.as_deref().unwrap_or(Path::new("."));
                    print!("{}", save(folder, &name, history, record.effort.steps));
                    return Ok(verdict);
                }
                (Verdict::Undecided, Some(folder)) => {
                    write(folder, &format!("{name}-undecided.txt"), &history.to_string())?;
                }
                (Verdict::Undecided, None) | (Verdict::Linearizable, _) => {}
            }
        }
        if let Some(error) = cut_off {
            progress.finish_and_clear();
            return Err(format!(
                "{error}\n  no fault was found in what had been answered until then"
            )
            .into());
        }
    }
    progress.finish_and_clear();
    print!("{}", table(&record.clients, &rows));
    let histories: usize = rows.iter().map(|row| row.histories - row.undecided).sum();
    println!(
        "{} operations in {histories} histories explained, {} histories undecided, {:.0} seconds",
        histories * record.operations,
        record.histories - histories,
        begun.elapsed().as_secs_f64()
    );
    let most = histories * 2 > record.histories;
    Ok(if most { Verdict::Linearizable } else { Verdict::Undecided })
}

fn table(clients: &[usize], rows: &[Row]) -> String {
    let mut text = "| clients | histories | operations | undecided | recorded in, s | checked in, s of a core |\n\
                    |--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (clients, row) in clients.iter().zip(rows) {
        let Row { histories, operations, undecided, recording, checking } = row;
        let (recording, checking) = (recording.as_secs_f64(), checking.as_secs_f64());
        let _never_fails = writeln!(
            text,
            "| {clients} | {histories} | {operations} | {undecided} | {recording:.1} | {checking:.1} |"
        );
    }
    text
}

/// A history with its number, its verdict, and how long that took.
type Judged<'a> = (usize, &'a History<Command, Reply>, Verdict, Duration);

/// Judges histories on all cores.
fn verdicts<'a>(
    histories: &'a [(usize, History<Command, Reply>)],
    steps: u64,
    progress: &ProgressBar,
) -> Vec<Judged<'a>> {
    let next = AtomicUsize::new(0);
    let judge = || {
        let mut judged = Vec::new();
        while let Some((number, history)) = histories.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let verdict = contention::checker().steps(steps).check(history);
            judged.push((*number, history, verdict, begun.elapsed()));
            progress.inc(1);
        }
        judged
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let judges: Vec<_> = (0..cores).map(|_| scope.spawn(judge)).collect();
        let judged = judges.into_iter().map(|judge| judge.join().expect("a check does not panic"));
        judged.flatten().collect()
    })
}

/// The recording of histories at one server.
struct Run<'a> {
    record: &'a Record,
    address: String,
    seed: u64,
    /// Makes the names new, although somebody may have used this seed before.
    nonce: u32,
}

/// What clients saw, and why it ended early, if it did.
type Recorded = (History<Command, Reply>, Option<Failure>);

impl Run<'_> {
    /// Records the history with this number, which chooses the clients, packages and bursts.
    fn one(&self, number: usize) -> Result<Recorded, Failure> {
        fn turn<T: Copy>(choices: &[T], turn: usize) -> T {
            choices[turn % choices.len()]
        }
        let Record { clients, packages, burst, operations, .. } = self.record;
        let by_clients = number / clients.len();
        let contention = Contention {
            clients: turn(clients, number),
            operations: *operations,
            burst: turn(burst, by_clients / packages.len()),
        };
        let prefix = format!("{:x}-{number}-", self.nonce);
        let packages = contention::packages(&prefix, turn(packages, by_clients).into())?;
        let mut bytes = vec![0; contention.bytes()];
        fastrand::Rng::with_seed(self.seed.wrapping_add(number as u64)).fill(&mut bytes);
        let address = &self.address;
        let recording = contention::record_at(address, contention.scripts(&bytes, &packages)?)
            .map_err(|error| format!("cannot connect to {address}: {error}"))?;
        let cut_off = recording.cut_off.into_iter().next();
        let ended = |(client, error)| format!("client {client} was cut off: {error}").into();
        Ok((recording.history, cut_off.map(ended)))
    }
}

/// Saves a history that no order explains: as it is, shortened, and drawn. Returns what to say about it:
/// where the files are, or the history itself if it could not be saved.
pub(crate) fn save(
    folder: &Path,
    name: &str,
    history: &History<Command, Reply>,
    steps: u64,
) -> String {
    let checker = contention::checker().steps(steps);
    let short = checker.minimise(history);
    let mut told = String::new();
    let mut tell = |name: String, what: &str, history: &History<Command, Reply>| {
        told += &match write(folder, &name, &history.to_string()) {
            Ok(path) => format!(
                "{what}: {path}\n  check it again: \
                 cargo run --release --example histories -- check {path}\n"
            ),
            Err(error) => format!("{what}, {error}:\n{history}"),
        };
    };
    tell(format!("{name}.txt"), "not linearizable", history);
    if let Some(short) = short {
        let what = format!("shortened to {} commands", short.operations().len());
        tell(format!("{name}-short.txt"), &what, &short);
        told += &short.to_string();
        let page = short.to_html(&format!("{name}: {what}"), checker.first_unexplained(&short));
        told += &match write(folder, &format!("{name}-short.html"), &page) {
            Ok(path) => format!("drawn: {path}\n"),
            Err(error) => format!("not drawn, {error}\n"),
        };
    }
    let mut answers = history.operations().iter().filter_map(|operation| operation.answer);
    if answers.any(|answer| answer.reply == Reply::Error) {
        told += "one reply was ERROR, to a well-formed command: does the server have a limit?\n";
    }
    told
}

/// Writes a file, makes its folder if necessary, and returns its path.
fn write(folder: &Path, name: &str, text: &str) -> Result<String, Failure> {
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .map(|()| path.display().to_string())
        .map_err(|error| format!("cannot save {}: {error}", path.display()).into())
}
