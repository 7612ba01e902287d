//! What several integration tests need: a server of their own, the program as a process, and more in
//! the modules below.

#![allow(dead_code, reason = "each test binary is a crate of its own and uses what it needs")]

#[cfg(target_os = "linux")]
pub(crate) mod certificates;
#[cfg(target_os = "linux")]
pub(crate) mod etcd;
#[cfg(target_os = "linux")]
pub(crate) mod faults;
pub(crate) mod faulty_server;
#[path = "../../examples/histories.rs"]
pub(crate) mod histories;
pub(crate) mod homebrew;
pub(crate) mod kept;
pub(crate) mod optional;
#[cfg(target_os = "linux")]
pub(crate) mod process;
#[cfg(target_os = "linux")]
pub(crate) mod proxy;
#[cfg(target_os = "linux")]
pub(crate) mod replicas;
pub(crate) mod serving;
#[cfg(target_os = "linux")]
pub(crate) mod terminal;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
pub(crate) use serving::Serving;

/// The list of Homebrew's formulae, `name: dependency dependency`.
pub(crate) const BREW: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/brew-dependencies.txt");

/// A server in this process, on a port of its own.
pub(crate) fn serve() -> (Server, SocketAddr, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start([listener], Arc::clone(&engine), Config::default()).unwrap();
    let address = server.addresses()[0];
    (server, address, engine)
}

/// A seed for this run: from `SEED`, or a new one. Printed, so that a failed run can be repeated.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("SEED") {
        Ok(text) => text.parse().expect("SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("SEED={seed}");
    seed
}

/// An address that nobody can listen on, so that a connection to it is always refused.
pub(crate) const NOBODY: &str = "127.0.0.1:0";

/// The program, to be run to its end.
pub(crate) fn indexer(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indexer"));
    command.args(arguments);
    // Anyone who runs the tests may have a server of their own.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"INDEXER_") {
            command.env_remove(name);
        }
    }
    command
}

/// The program, to be run on a directory that keeps an index.
pub(crate) fn indexer_on(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = indexer(arguments);
    command.arg("--data-dir").arg(directory);
    command
}

/// The program, running, with pipes to its input and from its output and errors.
fn piped(arguments: &[&str]) -> Child {
    let mut command = indexer(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs the program with some input and returns its status, output and errors.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Finished {
    let mut child = piped(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that fails early does not read its input.
        let _unread = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.into()
}

/// Checks a server, and returns what the program printed and how it ended.
pub(crate) fn check(address: &str, more: &[&str]) -> Finished {
    run(&[&["check", "--addr", address], more].concat(), b"")
}

/// Checks a server, and returns the exit status with the report.
pub(crate) fn report(address: &str, more: &[&str]) -> (Option<i32>, serde_json::Value) {
    let done = check(address, &[&["--format", "json"], more].concat());
    let report = serde_json::from_str(&done.stdout);
    (done.code, report.unwrap_or_else(|error| panic!("{error}: {done:?}")))
}

/// Runs the program with some input for a reader that is gone before any output comes.
pub(crate) fn run_unread(arguments: &[&str], input: &[u8]) -> Finished {
    let mut child = piped(arguments);
    drop(child.stdout.take());
    let _unread = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// What a program printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A folder of this test's own, removed when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

impl Serving {
    /// Starts the program and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let count = |flag| arguments.iter().filter(|argument| **argument == flag).count();
        Self::spawn(&mut indexer(arguments), count("--listen") + count("--metrics"))
    }

    /// Starts the program on a directory that keeps its index.
    pub(crate) fn start_on(directory: &Path) -> Self {
        Self::spawn(&mut indexer_on(directory, &["serve", "--listen", "127.0.0.1:0"]), 1)
    }

    /// Where it answers over HTTP, if it was started with `--metrics`.
    pub(crate) fn endpoint(&self) -> SocketAddr {
        let page = self.said[0].strip_prefix("metrics on http://").unwrap();
        page.strip_suffix("/metrics").unwrap().parse().unwrap()
    }

    /// What a page there says, head and all.
    pub(crate) fn get(&self, page: &str) -> String {
        let mut stream = TcpStream::connect(self.endpoint()).unwrap();
        stream
            .write_all(format!("GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// Sends messages with the program, and returns the replies.
    pub(crate) fn tell(&self, messages: &str) -> String {
        let address = self.addresses[0].to_string();
        let sent = run(&["send", "--addr", &address], messages.as_bytes());
        assert_eq!(sent.stderr, "");
        sent.stdout
    }

    /// Stops it in good order, and returns what it logged.
    #[cfg(unix)]
    pub(crate) fn stop(self) -> String {
        self.signal("TERM");
        let (status, log) = self.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}
