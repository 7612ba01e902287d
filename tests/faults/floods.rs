//! Clients that want too much: floods of garbage, lines without end, more connections than there
//! are file descriptors.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::{Target, Wrong, connect, connect_all, expect};

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
/// are under way at once; gets one ERROR for it, and the reply to what comes behind it.
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

/// For how many bytes of a slow client there are no file descriptors.
const SCARCITY: u32 = 10;

/// For a while the server may open a few more files and no more. More clients come meanwhile and
/// ask; when it may again, all have been answered or will be.
pub(super) fn beyond_the_file_descriptors(target: &Target, clients: usize) -> Result<(), Wrong> {
    let process = target.process;
    let before = process.limit_open_files((process.open_files() + FOUND) as u64);
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
        // The time for which there are none is the fault itself: nothing is waited for here.
        thread::sleep(target.pace * SCARCITY);
        process.limit_open_files(before);
        asking.join().expect("no client panics")
    })
}
