//! What clients do to a server by mistake, by malice and by dying: each fault is one function that
//! does it with many clients at once and says whether each was treated as the protocol promises.
//! Beside all of them stands a crowd of well-behaved clients that must not notice.

#![allow(
    dead_code,
    reason = "the soak and the tests are crates of their own and use what they need"
)]

pub(crate) mod crowd;
mod floods;
mod leaving;
mod reading;
mod slow;
pub(crate) mod stage;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::process::Process;

/// What a client was promised and did not get, or could not do at all.
pub(crate) type Wrong = Box<dyn Error + Send + Sync>;

/// Something that clients do to a server.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// What they do.
    pub(crate) name: &'static str,
    /// How many do it.
    pub(crate) clients: usize,
    /// Has so many clients do it; when it returns, all of them are gone.
    inflict: fn(&Target, usize) -> Result<(), Wrong>,
}

/// The server that it is done to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// How long a slow client takes for a byte.
    pub(crate) pace: Duration,
}

impl Fault {
    pub(crate) fn inflict(&self, target: &Target) -> Result<(), Wrong> {
        (self.inflict)(target, self.clients)
            .map_err(|wrong| format!("{}: {wrong}", self.name).into())
    }
}

/// All that can be done to a server that is already there, each as it is tried alone.
pub(crate) const ALL: [Fault; 9] = [
    Fault { name: "slowloris", clients: 1_000, inflict: slow::one_byte_at_a_time },
    Fault { name: "never reading", clients: 64, inflict: reading::never },
    Fault { name: "half-closed", clients: 100, inflict: leaving::by_halves },
    Fault { name: "reset in mid-message", clients: 200, inflict: leaving::in_mid_message },
    Fault { name: "reset in mid-reply", clients: 200, inflict: leaving::in_mid_reply },
    Fault { name: "opened and dropped", clients: 10_000, inflict: leaving::at_once },
    Fault { name: "garbage floods", clients: 16, inflict: floods::garbage },
    Fault { name: "giant lines", clients: 200, inflict: floods::giant_lines },
    Fault {
        name: "no file descriptors",
        clients: 64,
        inflict: floods::beyond_the_file_descriptors,
    },
];

/// The fault of this name.
pub(crate) fn named(name: &str) -> Fault {
    *ALL.iter().find(|fault| fault.name == name).expect("the name of a fault")
}

/// How long any of these clients waits for the server before that counts as no answer: far longer
/// than a well-behaved client may have to, because some of these clients wait in a queue that
/// others have filled.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which nothing waits for ever.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// How many connect before the server has taken them all: no more than the system's queue has place
/// for. Anyone who finds it full tries again, but only after a second.
const GROUP: usize = 100;

/// So many connections, all open at once, each taken by the server.
pub(crate) fn connect_all(address: SocketAddr, clients: usize) -> Result<Vec<TcpStream>, Wrong> {
    let mut streams = Vec::with_capacity(clients);
    while streams.len() < clients {
        let group = streams.len()..clients.min(streams.len() + GROUP);
        for _ in group.clone() {
            let mut stream = connect(address)?;
            stream.write_all(b"QUERY|connected|\n")?;
            streams.push(stream);
        }
        streams[group].iter().try_for_each(|stream| expect(stream, "FAIL\n"))?;
    }
    Ok(streams)
}

/// Reads exactly these replies.
pub(crate) fn expect(mut stream: &TcpStream, replies: &str) -> Result<(), Wrong> {
    let mut read = vec![0; replies.len()];
    stream.read_exact(&mut read)?;
    if read == replies.as_bytes() {
        return Ok(());
    }
    Err(format!("expected {replies:?}, got {:?}", String::from_utf8_lossy(&read)).into())
}

/// Reads the end of the stream, as a server makes it that has answered all there was.
fn expect_end(mut stream: &TcpStream) -> Result<(), Wrong> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest)?;
    if rest.is_empty() {
        return Ok(());
    }
    Err(format!("expected the end, got {:?}", String::from_utf8_lossy(&rest)).into())
}
