//! Clients that want too much: floods of garbage, lines without end, more connections than there
//! are file descriptors.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Instant;

use super::{PATIENCE, Process, Target, Wrong, connect, connect_all, expect};

/// How much garbage a client sends, in bytes.
const GARBAGE_BYTES: usize = 1 << 20;

/// Each client sends random bytes as fast as it can, and gets an ERROR for each LF among them.
pub(super) fn garbage(target: &Target, clients: usize) -> Result<(), Wrong> {
    let flood = |client: usize| {
        let mut garbage = vec![0; GARBAGE_BYTES];
        fastrand::Rng::with_seed(client as u64).fill(&mut garbage);
        let lines = memchr::memchr_iter(b'\n', &garbage).count();
        let stream = connect(target.address)?;
        let replies = thread::scope(|scope| {
            scope.spawn(|| send_and_end(&stream, &garbage));
            let mut replies = Vec::new();
            (&stream).read_to_end(&mut replies).map(|_| replies)
        })?;
        if replies == b"ERROR\n".repeat(lines) {
            return Ok(());
        }
        Err(format!("{} reply bytes to {lines} lines of garbage", replies.len()).into())
    };
    thread::scope(|scope| {
        let floods: Vec<_> =
            (0..clients).map(|client| scope.spawn(move || flood(client))).collect();
        floods.into_iter().try_for_each(|flood| flood.join().expect("no flood panics"))
    })
}

fn send_and_end(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)
}

/// How much of a giant line is sent at once, in bytes.
const PIECE_BYTES: usize = 65_536;

/// How often that is sent.
const PIECES: usize = 17;

/// Each client sends more than a mebibyte without an LF, all clients by turns, so that all lines
/// are under way at once; gets one ERROR for it, and the reply to what comes after it.
pub(super) fn giant_lines(target: &Target, clients: usize) -> Result<(), Wrong> {
    let streams = connect_all(target.address, clients)?;
    let piece = [b'x'; PIECE_BYTES];
    for _ in 0..PIECES {
        for mut stream in &streams {
            stream.write_all(&piece)?;
        }
    }
    for stream in &streams {
        expect(stream, "ERROR\n")?;
    }
    for mut stream in &streams {
        stream.write_all(b"\nQUERY|giant|\n")?;
    }
    streams.iter().try_for_each(|stream| expect(stream, "FAIL\n"))
}

/// How many of the clients find a file descriptor.
const FOUND: usize = 8;

/// How many messages of one who is in are answered while there are no file descriptors.
const MEANWHILE: usize = 2_000;

/// For a while the server may open a few more files and no more. More clients come meanwhile and
/// ask; one who is in is served on; when it may again, all have been answered or will be.
pub(super) fn beyond_the_file_descriptors(target: &Target, clients: usize) -> Result<(), Wrong> {
    let process = target.process;
    let mut inside = connect(target.address)?;
    inside.write_all(b"QUERY|inside|\n")?;
    expect(&inside, "FAIL\n")?;
    let most = process.open_files() + FOUND;
    let before = process.limit_open_files(most as u64);
    let ask = || {
        let mut streams = Vec::new();
        for _ in 0..clients {
            let mut stream = connect(target.address)?;
            stream.write_all(b"QUERY|beyond|\n")?;
            streams.push(stream);
        }
        streams.iter().try_for_each(|stream| expect(stream, "FAIL\n"))
    };
    thread::scope(|scope| {
        let asking = scope.spawn(ask);
        let meanwhile = wait_for_files(process, most).and_then(|()| {
            (0..MEANWHILE).try_for_each(|_| {
                inside.write_all(b"QUERY|inside|\n")?;
                expect(&inside, "FAIL\n")
            })
        });
        process.limit_open_files(before);
        asking.join().expect("no client panics").and(meanwhile)
    })
}

/// Waits until the server has so many files open.
fn wait_for_files(process: Process, files: usize) -> Result<(), Wrong> {
    let start = Instant::now();
    while process.open_files() < files {
        if start.elapsed() > PATIENCE {
            return Err(format!("{} of {files} files are open", process.open_files()).into());
        }
        thread::yield_now();
    }
    Ok(())
}
