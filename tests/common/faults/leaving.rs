//! Clients that leave: at once, by halves, with a reset in the midst of a message or a reply.
//!
//! A socket that is closed with input unread resets the connection, as a client does that dies.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use super::{Target, Wrong, connect, connect_all, expect, expect_end};

/// How many messages a client sends before it ends its half of the connection.
const MESSAGES: usize = 500;

/// Each client ends its stream after many messages and half of one more, and still gets a reply
/// to each that was whole, and then the end.
pub(super) fn by_halves(target: &Target, clients: usize) -> Result<(), Wrong> {
    let streams = connect_all(target.address, clients)?;
    let messages = "QUERY|half-closed|\n".repeat(MESSAGES) + "INDEX|half-closed|";
    for mut stream in &streams {
        stream.write_all(messages.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
    }
    for stream in &streams {
        expect(stream, &"FAIL\n".repeat(MESSAGES))?;
        expect_end(stream)?;
    }
    never_indexed(target.address, "half-closed")
}

/// Each client sends a message and half of another, and resets the connection.
pub(super) fn in_mid_message(target: &Target, clients: usize) -> Result<(), Wrong> {
    for _ in 0..clients {
        let mut stream = connect(target.address)?;
        stream.write_all(b"QUERY|reset|\nINDEX|reset|")?;
        wait_for_a_reply(&stream)?;
    }
    never_indexed(target.address, "reset")
}

/// Each client asks for more than it takes, and resets the connection once the first reply is
/// there, while others are on their way or being written.
pub(super) fn in_mid_reply(target: &Target, clients: usize) -> Result<(), Wrong> {
    let messages = [b'\n'; 20_000];
    for _ in 0..clients {
        let mut stream = connect(target.address)?;
        stream.write_all(&messages)?;
        wait_for_a_reply(&stream)?;
    }
    Ok(())
}

/// Waits for a reply and leaves it unread.
fn wait_for_a_reply(stream: &TcpStream) -> Result<(), Wrong> {
    match stream.peek(&mut [0])? {
        0 => Err("the server ended the stream".into()),
        _ => Ok(()),
    }
}

/// A message that was cut off has not been applied.
fn never_indexed(address: SocketAddr, package: &str) -> Result<(), Wrong> {
    let mut stream = connect(address)?;
    writeln!(stream, "QUERY|{package}|")?;
    expect(&stream, "FAIL\n")
}

/// How many threads open connections and drop them.
const OPENERS: usize = 4;

/// Clients come and go at once: in silence, in the midst of a message, or with a reply unread. The
/// last of these wait for it, so that the server keeps up.
pub(super) fn at_once(target: &Target, clients: usize) -> Result<(), Wrong> {
    let open = |opener: usize| {
        for client in (opener..clients).step_by(OPENERS) {
            let mut stream = connect(target.address)?;
            let sent = ["", "INDEX|dropped", "QUERY|dropped|\n"][client % 3];
            stream.write_all(sent.as_bytes())?;
            if sent.ends_with('\n') {
                wait_for_a_reply(&stream)?;
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let openers: Vec<_> =
            (0..OPENERS).map(|opener| scope.spawn(move || open(opener))).collect();
        openers.into_iter().try_for_each(|opener| opener.join().expect("no opener panics"))
    })
}
