//! Measures how long it takes to index whole package lists over TCP.
//!
//! First the program `indexer import` runs as a user runs it. It reads the list, finds an order, sends the
//! commands and reads the replies. Its time is from its start to its end. Then a client that only writes and
//! counts sends the same commands, made beforehand. It sends them to our server and to the bare one. That
//! shows what the server takes, and what the kernel does.
//!
//! The lists are Homebrew's and a made-up registry. Others are named as the program takes them:
//!
//! ```text
//! cargo bench --bench import -- [--registry 3500000] [--seed 64] [brew=FILE debian=FILE ...]
//! ```

mod common;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::options::{Arguments, Unread};
use common::{bare, registry};
use fastrand::Rng;
use memchr::memchr_iter;
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};

/// How many packages the made-up registry has, as npm's had in 2024, and how many dependencies each has on
/// average.
const REGISTRY: (usize, usize) = (3_500_000, 5);

/// Homebrew's formulae.
const BREW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/brew-dependencies.txt");

/// A list and its format.
struct List {
    name: String,
    format: String,
    file: PathBuf,
}

fn main() -> Result<(), Unread> {
    let mut arguments = Arguments::of_this_process();
    let (mut packages, mut seed) = (if arguments.measuring { REGISTRY.0 } else { 1_000 }, 64);
    let mut lists = vec![List::new("brew", BREW)];
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), argument.split_once('=')) {
            ("--registry", _) => packages = arguments.value(&argument)?,
            ("--seed", _) => seed = arguments.value(&argument)?,
            (_, Some((format, file))) => lists.push(List::new(format, file)),
            _ => {
                let expected = "expected --registry, --seed or FORMAT=FILE";
                return Err(format!("{expected}, got {argument:?}").into());
            }
        }
    }
    let made_up = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry.txt");
    let mut output = BufWriter::new(File::create(&made_up)?);
    registry::write(packages, REGISTRY.1, &mut Rng::with_seed(seed), &mut output)?;
    output.flush()?;
    lists.push(List {
        name: format!("registry of {packages}"),
        format: "brew".into(),
        file: made_up,
    });

    println!("seed {seed}\n");
    println!(
        "| list | commands | MiB | `indexer import`, s | over TCP alone, s | bare, s | ours / bare | goal over TCP |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|---|");
    for list in &lists {
        println!("{}", measure(list)?);
    }
    println!("\n`indexer import` reads the list, and sends while it finds an order.");
    Ok(())
}

impl List {
    fn new(format: &str, file: &str) -> Self {
        Self { name: format.into(), format: format.into(), file: file.into() }
    }

    /// The command `indexer import` for this list.
    fn import(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indexer"));
        command.args(["import", "--format", &self.format]).args(options).arg(&self.file);
        command
    }
}

/// Measures one row, and returns it in the form of the table.
fn measure(list: &List) -> Result<String, Unread> {
    let program = with_server(|ours| {
        let begun = Instant::now();
        let output = list.import(&["--addr", &ours.to_string()]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(begun.elapsed())
    })?;
    let commands = list.import(&["--dry-run"]).output()?.stdout;
    let count = memchr_iter(b'\n', &commands).count();
    let ours = with_server(|ours| send(ours, &commands, count))?;
    let bare = send(bare::start()?, &commands, count)?;
    let mib = commands.len().div_ceil(1 << 20);
    let [program, ours, bare] = [program, ours, bare].map(|time| time.as_secs_f64());
    let ratio = ours / bare;
    let List { name, format, .. } = list;
    let goal = match (format.as_str(), count) {
        ("debian", _) => "< 1 s",
        (_, count) if count == REGISTRY.0 => "< 10 s",
        _ => "",
    };
    Ok(format!(
        "| {name} | {count} | {mib} | {program:.2} | {ours:.3} | {bare:.3} | {ratio:.1} | {goal} |"
    ))
}

/// Does some work with a new server of ours.
fn with_server<T>(work: impl FnOnce(SocketAddr) -> Result<T, Unread>) -> Result<T, Unread> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = Server::start([listener], Arc::new(Engine::default()), Config::default())?;
    work(server.addresses()[0])
}

/// Sends all commands on one connection, and waits for as many replies, each of which must be OK.
fn send(server: SocketAddr, commands: &[u8], count: usize) -> Result<Duration, Unread> {
    let begun = Instant::now();
    let stream = TcpStream::connect(server)?;
    let ok = thread::scope(|scope| -> Result<usize, Unread> {
        let replies = scope.spawn(|| count_ok(&stream));
        (&stream).write_all(commands)?;
        stream.shutdown(Shutdown::Write)?;
        Ok(replies.join().map_err(|_panic| "the thread that reads panicked")??)
    })?;
    if ok != count {
        return Err(format!("{ok} of {count} commands were answered OK").into());
    }
    Ok(begun.elapsed())
}

/// Counts replies by the letter K, which only OK has.
fn count_ok(mut stream: &TcpStream) -> io::Result<usize> {
    let (mut buffer, mut ok) = (vec![0; 65_536], 0);
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(ok),
            count => ok += memchr_iter(b'K', &buffer[..count]).count(),
        }
    }
}
