//! The protocol in another language: `spec/peer.py`, in a process of its own.
//!
//! One process serves one conversation after the other. It is started when it is first needed, and again
//! after something went wrong. What is compared with it is the business of `properties`.

use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};

use super::generators::LINE_LIMIT;

const PROGRAM: &str = include_str!("../../spec/peer.py");

/// What the peer says to a piece of a client's stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Whether the conversation is over.
    pub(super) is_over: bool,
    /// The replies, in the form of the wire.
    pub(super) replies: Vec<u8>,
}

/// The peer, waiting for a conversation.
struct Peer {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

/// A peer that is started when it is needed.
enum Peers {
    NotStarted,
    Waiting(Peer),
    /// Python is missing, which is found out once: to look for it takes its time.
    Missing,
}

/// What the peer says to each piece of a client's stream, and to its end. `None` where there is no Python,
/// which is said on standard error.
///
/// # Errors
/// The peer cannot be started or breaks off, in words. Python is missing, and `TOOLS_CHECKED` is set.
pub(super) fn converse<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Vec<Answer>>, String> {
    static PEERS: Mutex<Peers> = Mutex::new(Peers::NotStarted);
    PEERS.lock().unwrap_or_else(PoisonError::into_inner).converse("python3", pieces)
}

impl Peers {
    fn converse<'a>(
        &mut self,
        python: &str,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Vec<Answer>>, String> {
        if let Self::NotStarted = self {
            *self = match Peer::start(python) {
                Ok(peer) => Self::Waiting(peer),
                Err(error) if error.kind() == ErrorKind::NotFound => Self::Missing,
                Err(error) => return Err(format!("{python} does not start: {error}")),
            };
        }
        let Self::Waiting(peer) = self else { return is_missing(python).map(|()| None) };
        let answers = peer.converse(pieces);
        if answers.is_err() {
            *self = Self::NotStarted;
        }
        answers.map(Some).map_err(|error| format!("the peer breaks off: {error}"))
    }
}

/// Says once that there is no Python, or fails if that may not be.
fn is_missing(python: &str) -> Result<(), String> {
    static SAID: Once = Once::new();
    if std::env::var_os("TOOLS_CHECKED").is_some() {
        return Err(format!("TOOLS_CHECKED is set, but {python} is not installed"));
    }
    SAID.call_once(|| {
        let said = format!(
            "\nleft out: the peer in Python, for which the model stands in: {python} is not installed\n"
        );
        // `eprintln!` would be captured by libtest.
        let _nobody_reads = io::stderr().lock().write_all(said.as_bytes());
    });
    Ok(())
}

impl Peer {
    fn start(python: &str) -> io::Result<Self> {
        let mut process = Command::new(python)
            .args(["-I", "-c", PROGRAM, "--max-line-bytes", &LINE_LIMIT.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        Ok(Self { process, input, output })
    }

    fn converse<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<Vec<Answer>> {
        let (mut sent, mut count) = (Vec::new(), 0);
        for piece in pieces.chain([b"".as_slice()]) {
            let length = u32::try_from(piece.len()).map_err(|_| ErrorKind::FileTooLarge)?;
            sent.extend_from_slice(&length.to_be_bytes());
            sent.extend_from_slice(piece);
            count += 1;
        }
        // It answers only at the end, so neither waits for the other.
        self.input.write_all(&sent)?;
        (0..count).map(|_| self.hear()).collect()
    }

    fn hear(&mut self) -> io::Result<Answer> {
        let mut head = [0; 5];
        self.output.read_exact(&mut head)?;
        let [is_over, length @ ..] = head;
        let length = u64::from(u32::from_be_bytes(length));
        let mut replies = Vec::new();
        self.output.by_ref().take(length).read_to_end(&mut replies)?;
        Ok(Answer { is_over: is_over != 0, replies })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _it_may_have_ended = self.process.kill();
        let _it_was_killed = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(peers: &mut Peers, python: &str) -> Result<Option<Vec<Answer>>, String> {
        peers.converse(python, [b"QUERY|a|\n".as_slice()].into_iter())
    }

    #[test]
    fn a_peer_that_was_cut_off_is_started_again() {
        let mut peers = Peers::NotStarted;
        let expected = || {
            [b"FAIL\n".as_slice(), b""].map(|it| Answer { is_over: false, replies: it.to_vec() })
        };
        let first = said(&mut peers, "python3");
        let Peers::Waiting(peer) = &mut peers else {
            assert_eq!(first.is_err(), std::env::var_os("TOOLS_CHECKED").is_some());
            return;
        };
        assert_eq!(first.unwrap().unwrap(), expected());
        peer.process.kill().unwrap();
        peer.process.wait().unwrap();
        said(&mut peers, "python3").unwrap_err();
        assert_eq!(said(&mut peers, "python3").unwrap().unwrap(), expected());
    }

    #[test]
    fn without_python_the_peer_is_left_out_unless_it_must_be_there() {
        let mut peers = Peers::NotStarted;
        for _ in 0..2 {
            match said(&mut peers, "no-such-python") {
                Ok(answers) => {
                    assert!(answers.is_none());
                    assert!(std::env::var_os("TOOLS_CHECKED").is_none());
                }
                Err(error) => {
                    assert_eq!(error, "TOOLS_CHECKED is set, but no-such-python is not installed");
                }
            }
            assert!(matches!(peers, Peers::Missing));
        }
    }
}
