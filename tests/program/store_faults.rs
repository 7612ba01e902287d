//! A disk that is full: anyone who was answered OK loses nothing, nobody is answered OK any more for what
//! cannot be kept, and the server says so at each place where it is asked.
//!
//! What is full is not the disk but the server, which may let no file grow any more: to it that is the
//! same, and it harms nobody else.

use crate::common::kept;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::common::{Finished, Folder, Serving, indexer_on};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

const CLIENTS: usize = 8;

/// The program, served from a shell's command line. A file that may not grow is an error to it, and not
/// the end, which it would be if the signal were not ignored.
fn limited(before: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before} trap '' XFSZ; exec \"$0\" \"$@\"")]);
    let program = indexer_on(directory, &["serve", "--listen", "127.0.0.1:0"]);
    command.arg(program.get_program()).args(program.get_args()).env_remove("INDEXER_LOG");
    command
}

/// Lets a server write to no file beyond this many bytes.
fn limit_files(serving: &Serving, bytes: u64) {
    let pid = Pid::from_raw(serving.pid().try_into().unwrap());
    let limit = Rlimit { current: Some(bytes), ..getrlimit(Resource::Fsize) };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

/// The line of a client's package: long, so that few of them are much, and with a list of the two before.
fn line(client: usize, number: usize) -> String {
    let name = |number: usize| format!("client-{client}-{number}-{}", "x".repeat(200));
    let list: Vec<String> = (number.saturating_sub(2)..number).map(name).collect();
    format!("INDEX|{}|{}", name(number), list.join(","))
}

/// The messages about these packages, one a line.
fn messages(verb: &str, lines: &[String]) -> String {
    lines.iter().map(|line| format!("{verb}|{}|\n", line.split('|').nth(1).unwrap())).collect()
}

/// Indexes one package after the other until one is answered ERROR; returns those that were answered OK,
/// and that one.
fn index_until_error(server: SocketAddr, client: usize) -> (Vec<String>, String) {
    let stream = TcpStream::connect(server).unwrap();
    let mut replies = BufReader::new(&stream).lines();
    let mut indexed = Vec::new();
    loop {
        let line = line(client, indexed.len());
        (&stream).write_all(format!("{line}\n").as_bytes()).unwrap();
        match replies.next().unwrap().unwrap().as_str() {
            "OK" => indexed.push(line),
            reply => {
                assert_eq!(reply, "ERROR");
                return (indexed, line);
            }
        }
        assert!(indexed.len() < 10_000, "the limit is none");
    }
}

fn assert_counted(serving: &Serving, lines: &[&str]) {
    let counts = serving.get("/metrics");
    for line in lines {
        assert!(counts.lines().any(|counted| counted == *line), "{line} is not in\n{counts}");
    }
}

/// The server says that the disk is full.
#[test]
fn a_disk_that_fills_up_takes_back_no_answer() {
    let folder = Folder::new("filled-up");
    let file = kept::file(&folder.0);
    let mut program = limited("", &folder.0);
    let serving = Serving::spawn(program.args(["--metrics", "127.0.0.1:0"]), 2);
    assert_eq!(serving.tell("INDEX|before|\n"), "OK\n");
    assert!(serving.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    assert_counted(&serving, &["indexer_read_only 0", "indexer_not_durable_total 0"]);

    limit_files(&serving, fs::metadata(&file).unwrap().len());
    let server = serving.addresses[0];
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| thread::spawn(move || index_until_error(server, client)))
        .collect();
    let (indexed, failed): (Vec<_>, Vec<_>) =
        clients.into_iter().map(|client| client.join().unwrap()).unzip();
    let indexed = indexed.concat();
    assert!(indexed.len() > CLIENTS, "there was room for some");

    assert_eq!(serving.tell(&messages("QUERY", &indexed)), "OK\n".repeat(indexed.len()));
    assert_eq!(serving.tell(&messages("QUERY", &failed)), "FAIL\n".repeat(CLIENTS));
    assert_eq!(serving.tell("INDEX|after|\nREMOVE|before|\n"), "ERROR\nERROR\n");
    assert_eq!(serving.tell("QUERY|after|\nQUERY|before|\n"), "FAIL\nOK\n");

    let reason = "nothing can be changed: the store has failed; the server's log says why";
    let health = serving.get("/healthz");
    assert!(health.starts_with("HTTP/1.1 503 "), "{health}");
    assert!(health.ends_with(&format!("\r\n\r\n{reason}\n")), "{health}");
    assert_counted(
        &serving,
        &[
            "indexer_read_only 1",
            &format!("indexer_not_durable_total {}", CLIENTS + 2),
            &format!("indexer_packages {}", indexed.len() + 1),
        ],
    );

    serving.signal("TERM");
    let (status, log) = serving.wait();
    let cause = format!("cannot write {}: I/O error: File too large (os error 27)", file.display());
    let logged = |line: &&str| {
        line.contains(" ERROR ")
            && line.contains(&format!(": answered ERROR: {reason} "))
            && line.contains(&format!(" reason={cause} "))
    };
    assert_eq!(log.lines().filter(logged).count(), CLIENTS + 1, "{log}");
    let last = format!(
        "error: the index could not be kept any more: {cause}\n  \
         every change that got OK is kept; make room or repair the disk, then start the server again\n"
    );
    assert!(log.ends_with(&last), "{log}");
    assert_eq!(status.code(), Some(2));

    // While there is still no room, for what a start has to write: it is refused, and can be repeated.
    let blocks = fs::metadata(&file).unwrap().len().div_ceil(512);
    for _ in 0..2 {
        let refused = limited(&format!("ulimit -f {blocks};"), &folder.0).output().unwrap();
        let refused = Finished::from(refused);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        assert_eq!(refused.stderr, format!("error: {cause}\n"), "{refused:?}");
    }
    is_kept(&folder.0, &indexed, &failed);
}

/// With room again, all is there that was answered OK, nothing that was answered ERROR, and more can be
/// indexed.
fn is_kept(directory: &Path, indexed: &[String], failed: &[String]) {
    let exported = Finished::from(indexer_on(directory, &["export"]).output().unwrap());
    assert_eq!(exported.code, Some(0), "{exported:?}");
    let kept: BTreeSet<&str> = exported.stdout.lines().collect();
    let answered: BTreeSet<&str> =
        indexed.iter().map(String::as_str).chain(["INDEX|before|"]).collect();
    let missing: Vec<_> = answered.difference(&kept).collect();
    assert!(missing.is_empty(), "{missing:?} were answered OK");
    let more: Vec<_> = kept.difference(&answered).collect();
    assert!(more.is_empty(), "{more:?} were answered ERROR");

    let serving = Serving::start_on(directory);
    assert_eq!(serving.tell(&messages("QUERY", indexed)), "OK\n".repeat(indexed.len()));
    assert_eq!(serving.tell(&messages("QUERY", failed)), "FAIL\n".repeat(failed.len()));
    let again: String = failed.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(serving.tell(&again), "OK\n".repeat(failed.len()));
    serving.stop();
}

/// Nothing is left that stands in the way of the next start.
#[test]
fn a_disk_that_is_full_at_the_first_start_is_reported() {
    let folder = Folder::new("full");
    for _ in 0..2 {
        let refused = Finished::from(limited("ulimit -f 0;", &folder.0).output().unwrap());
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        let file = format!("{}.new", kept::file(&folder.0).display());
        assert!(
            refused.stderr.starts_with(&format!("error: cannot create {file}: ")),
            "{refused:?}"
        );
        assert!(refused.stderr.contains("File too large (os error 27)"), "{refused:?}");
    }
    let serving = Serving::start_on(&folder.0);
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    serving.stop();
}

#[test]
fn a_disk_that_takes_nothing_is_reported_and_loses_nothing() {
    let folder = Folder::new("takes-nothing");
    kept::with_packages(&folder.0, &[(b"vim", b"ncurses"), (b"ncurses", b"")]);
    let before = fs::read(kept::file(&folder.0)).unwrap();
    let refused = Finished::from(limited("ulimit -f 0;", &folder.0).output().unwrap());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    let start = format!("error: cannot write {}: ", folder.0.join("rollback").display());
    assert!(refused.stderr.starts_with(&start), "{refused:?}");
    assert_eq!(fs::read(kept::file(&folder.0)).unwrap(), before);
    assert!(refused.stderr.contains("File too large (os error 27)"), "{refused:?}");
    let exported = Finished::from(indexer_on(&folder.0, &["export"]).output().unwrap());
    assert_eq!(exported.stdout, "INDEX|ncurses|\nINDEX|vim|ncurses\n");
}
