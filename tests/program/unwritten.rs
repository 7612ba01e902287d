//! Standard error and standard output that cannot be written: a log or a report that is lost changes nothing
//! that the program does or answers; output that was the work is missed.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::common::serving::signal;
use crate::common::{self, Folder, Serving, indexer};

/// How standard error can be lost.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// Nobody reads it any more.
    Gone,
    /// The disk that it goes to is full.
    Full,
    /// It was closed before the start.
    Closed,
}

impl Lost {
    const ALL: [Self; 3] = [Self::Gone, Self::Full, Self::Closed];

    /// The program with standard error lost.
    fn indexer(self, arguments: &[&str]) -> Command {
        let mut command = indexer(arguments);
        match self {
            Self::Gone => command.stderr(io::pipe().unwrap().1),
            Self::Full => command.stderr(full()),
            Self::Closed => {
                let program = env!("CARGO_BIN_EXE_indexer");
                command = Command::new("sh");
                command.args(["-c", r#"exec "$0" "$@" 2>&-"#, program]).args(arguments)
            }
        };
        command
    }
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Runs a command to its end; returns its status and its output.
fn finish(command: &mut Command, input: &str) -> (Option<i32>, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// What a server answers to some bytes, until it ends the connection.
fn ask(address: SocketAddr, messages: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(messages).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

#[test]
fn no_command_does_other_work_when_standard_error_is_lost() {
    let folder = Folder::new("unwritten");
    let list = folder.file("list", "a: b gone\nb: c\nc: b\nd: d\n");
    let (no_list, transcript) =
        (folder.file("none", "no list\n"), folder.file("tried", "> QUERY|a|\n< FAIL\n"));
    let kept = folder.0.join("kept");
    let kept = kept.to_str().unwrap();
    let keeping = Serving::start_on(Path::new(kept));
    keeping.tell("INDEX|a|\nINDEX|b|a\n");
    keeping.stop();
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let address = address.as_str();
    let messages = "INDEX|a|\nno message\nQUERY|a|\n";
    for (arguments, input) in [
        (["order", "--format", "brew", &list].as_slice(), ""),
        (&["dot", "--format", "brew", &list], ""),
        (&["import", "--dry-run", "--format", "brew", &list], ""),
        (&["import", "--addr", address, "--format", "brew", &list], ""),
        (&["order", "--format", "brew", &no_list], ""),
        (&["order", "--format", "brew", "nowhere"], ""),
        (&["send", "--addr", address], messages),
        (&["send", "--addr", common::NOBODY], messages),
        (&["ping", "--addr", address], ""),
        (&["verify", "--data-dir", kept], ""),
        (&["export", "--data-dir", kept], ""),
        (&["export", "--data-dir", "nowhere"], ""),
        (&["replay", "--addr", address, &transcript], ""),
        (&["generate", "completions", "bash"], ""),
        (&["load", "--addr", address, "--from", "nowhere"], ""),
        (&["--help"], ""),
        (&["improt"], ""),
        (&["serve", "--listen", "nowhere"], ""),
    ] {
        let usual = finish(indexer(arguments).stderr(Stdio::null()), input);
        for lost in Lost::ALL {
            assert_eq!(
                finish(&mut lost.indexer(arguments), input),
                usual,
                "{arguments:?}, {lost:?}"
            );
        }
    }
    // These print how long something took.
    for (arguments, line) in [
        (["check", "--addr", address, "--only", "transcript_names"].as_slice(), "transcript_names"),
        (&["load", "--addr", address, "--time", "0.05", "--connections", "1"], "latency"),
    ] {
        let (code, said) = finish(&mut Lost::Gone.indexer(arguments), "");
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        assert!(said.lines().any(|it| it.starts_with(line)), "{arguments:?}: {said}");
    }
}

#[test]
fn a_server_whose_log_is_lost_serves_counts_and_stops_as_usual() {
    for lost in Lost::ALL {
        let arguments =
            ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--max-connections=1"];
        serves_and_stops(&mut lost.indexer(&arguments), |metrics| match lost {
            // What is closed is opened as nothing, which takes all lines.
            Lost::Closed => assert_eq!(metrics, 0),
            Lost::Gone | Lost::Full => assert!(metrics >= 2, "{metrics} lines"),
        });
    }
}

#[test]
fn a_server_whose_log_nobody_reads_serves_and_stops_as_usual() {
    let (_unread, log) = UnixStream::pair().unwrap();
    log.set_nonblocking(true).unwrap();
    loop {
        match (&log).write(&[b'x'; 4_096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    // Anyone who writes to it from here on waits for ever.
    log.set_nonblocking(false).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--max-connections=1"];
    serves_and_stops(indexer(&arguments).stderr(OwnedFd::from(log)), |_| {});
}

/// Starts a server with room for one client, tries what it logs, and stops it; hands over how many lines it says
/// to have lost.
fn serves_and_stops(command: &mut Command, lost: impl FnOnce(u64)) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = io::BufReader::new(child.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        io::BufRead::read_line(&mut said, &mut line).unwrap();
        line.trim_end().to_owned()
    };
    let address = line().strip_prefix("listening on ").unwrap().parse().unwrap();
    let page = line();
    let page = page.strip_prefix("metrics on http://").unwrap().strip_suffix("/metrics").unwrap();
    assert_eq!(ask(address, b"INDEX|a|\nno message\nQUERY|a|\n"), "OK\nERROR\nOK\n");
    for _ in 0..2 {
        // Once the last client has left, one has the only place, and another is let go.
        let mut first = loop {
            let mut first = TcpStream::connect(address).unwrap();
            // One that was let go already may be reset by that.
            let _let_go = first.write_all(b"QUERY|a|\n");
            match first.read_exact(&mut [0; 3]) {
                Ok(()) => break first,
                Err(_) => thread::yield_now(),
            }
        };
        let mut second = TcpStream::connect(address).unwrap();
        assert_eq!(second.read(&mut [0]).unwrap(), 0);
        first.write_all(b"QUERY|b|\n").unwrap();
        first.read_exact(&mut [0; 5]).unwrap();
    }
    let mut stream = TcpStream::connect(page).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {page}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).unwrap();
    let lines = metrics.lines().find_map(|line| line.strip_prefix("indexer_log_lines_lost_total "));
    lost(lines.unwrap().parse().unwrap());
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn output_that_was_the_work_is_missed() {
    let folder = Folder::new("full-output");
    let list = folder.file("list", "a: b\nb:\n");
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    for arguments in [
        ["--help"].as_slice(),
        &["--version"],
        &["import", "--help"],
        &["order", "--format", "brew", &list],
        &["dot", "--format", "brew", &list],
        &["import", "--dry-run", "--format", "brew", &list],
        // The packages are indexed all the same.
        &["import", "--addr", &address, "--format", "brew", &list],
        &["ping", "--addr", &address],
        &["generate", "completions", "bash"],
    ] {
        let run = indexer(arguments).stdout(full()).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("error: cannot write to standard output: "), "{arguments:?}: {said}");
        let gone = indexer(arguments).stdout(io::pipe().unwrap().1).output().unwrap();
        assert_eq!(gone.status.code(), Some(0), "{arguments:?}: {gone:?}");
    }
    assert_eq!(serving.tell("QUERY|a|\nQUERY|b|\n"), "OK\nOK\n");
}
