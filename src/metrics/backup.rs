//! A copy of the store while it is in use: the page `/backup`.
//!
//! The copy is the state of one moment, as INDEX messages in the order of names. `indexer import` puts them
//! into an order that can be applied. The copy is sent in chunks (RFC 9112, section 7.1). Only a complete
//! copy has the last chunk, so no client can take a part for the whole.

use std::io;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::time::Duration;

use super::http::Chunks;
use crate::store::Snapshot;

/// How long a client may take to fetch a copy. Meanwhile the store keeps every page that a commit replaces,
/// some tens of KiB each time, and must free all of them afterwards. The copy also ends early if the store
/// has [grown](Snapshot::is_outgrown) too much meanwhile.
const LONGEST: Duration = Duration::from_secs(120);

/// How many bytes are sent at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Sends the head of the response only.
///
/// # Errors
/// If the client does not read it.
pub(super) fn send_head(stream: &TcpStream) -> io::Result<()> {
    Chunks::begin(stream, LONGEST, &|| Ok(())).map(drop)
}

/// Sends every package, without the [`end`], and returns how many there were.
///
/// # Errors
/// If the snapshot cannot be read, or if the client reads too slowly or not at all.
pub(super) fn send(snapshot: &dyn Snapshot, stream: &TcpStream) -> io::Result<u64> {
    send_within(LONGEST, snapshot, stream)
}

fn send_within(time: Duration, snapshot: &dyn Snapshot, stream: &TcpStream) -> io::Result<u64> {
    // The longer a snapshot is held, the more it costs.
    let may_go_on = || outgrown(snapshot);
    let mut chunks = Chunks::begin(stream, time, &may_go_on)?;
    let (mut packages, mut sent) = (0, Ok(()));
    let visited = snapshot.visit(&mut |row| {
        sent = row.map_err(io::Error::other).and_then(|row| {
            row.write_line(chunks.waiting());
            packages += 1;
            chunks.flush_if(CHUNK_BYTES)
        });
        if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    sent?;
    visited.map_err(io::Error::other)?;
    chunks.flush_if(0)?;
    Ok(packages)
}

/// Marks the copy as complete. Call it when the next copy may be fetched.
///
/// # Errors
/// If the client does not read it.
pub(super) fn end(stream: &TcpStream) -> io::Result<()> {
    Chunks::end(stream, LONGEST)
}

fn outgrown(snapshot: &dyn Snapshot) -> io::Result<()> {
    if snapshot.is_outgrown() {
        return Err(io::Error::other("the store grew too much meanwhile"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::store::{StoreError, Visit};
    use crate::wire::Row;

    /// A client, and the server's end of its connection.
    fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    /// An endless snapshot, which is outgrown after this many looks.
    struct Endless(AtomicUsize);

    impl Snapshot for Endless {
        fn package_count(&self) -> Result<u64, StoreError> {
            Ok(u64::MAX)
        }

        fn is_outgrown(&self) -> bool {
            self.0.fetch_sub(1, Ordering::Relaxed) == 1
        }

        fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
            while visit(Row::read(b"vim", b"ncurses")).is_continue() {}
            Ok(())
        }
    }

    #[test]
    fn what_costs_the_store_too_much_is_broken_off() {
        let (mut client, server) = connected();
        // The head is written first, and a chunk in one write or more.
        let endless = Endless(AtomicUsize::new(5));
        let sending = std::thread::spawn(move || send(&endless, &server));
        let mut fetched = String::new();
        client.read_to_string(&mut fetched).unwrap();
        let error = sending.join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the store grew too much meanwhile");
        assert!(fetched.contains("INDEX|vim|ncurses"), "some of it was sent");
        assert!(!fetched.ends_with("\r\n0\r\n\r\n"));
    }

    #[test]
    fn what_is_not_fetched_in_time_is_broken_off() {
        let (_client, server) = connected();
        let endless = Endless(AtomicUsize::new(usize::MAX));
        let error = send_within(Duration::ZERO, &endless, &server).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::TimedOut, "it took too long")
        );
    }

    /// A snapshot that cannot be read past this many packages.
    struct Torn(usize);

    impl Snapshot for Torn {
        fn package_count(&self) -> Result<u64, StoreError> {
            Ok(self.0 as u64 + 1)
        }

        fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
            for _ in 0..self.0 {
                if visit(Row::read(b"vim", b"ncurses")).is_break() {
                    return Ok(());
                }
            }
            Err(StoreError::Closed)
        }
    }

    /// A snapshot with a package, and then a row that is not one.
    struct Malformed;

    impl Snapshot for Malformed {
        fn package_count(&self) -> Result<u64, StoreError> {
            Ok(2)
        }

        fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
            let mut rows = [Row::read(b"lua", b""), Row::read(b"v m", b"lua")].into_iter();
            let _has_enough = rows.try_for_each(visit);
            Ok(())
        }
    }

    #[test]
    fn what_is_no_package_is_not_sent_and_ends_it() {
        let (mut client, server) = connected();
        let sending = std::thread::spawn(move || send(&Malformed, &server));
        let mut fetched = String::new();
        client.read_to_string(&mut fetched).unwrap();
        let error = sending.join().unwrap().unwrap_err().to_string();
        assert!(error.starts_with(r#"package "v m" with the list "lua": "#), "{error}");
        assert!(!fetched.contains("v m") && !fetched.ends_with("\r\n0\r\n\r\n"), "{fetched}");
    }

    #[test]
    fn what_cannot_be_read_to_its_end_is_not_ended() {
        for packages in [0, 1, 20_000] {
            let (mut client, server) = connected();
            let sending = std::thread::spawn(move || send(&Torn(packages), &server));
            let mut fetched = String::new();
            client.read_to_string(&mut fetched).unwrap();
            let error = sending.join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), "the store is closed");
            assert!(!fetched.ends_with("\r\n0\r\n\r\n"), "{packages}");
        }
    }
}
