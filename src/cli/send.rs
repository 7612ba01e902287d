//! `indexer send`: sends messages from files or standard input, and prints the replies.
//!
//! Messages that a person types at a terminal are in `typed`: one at a time, with an explanation if one gets
//! `ERROR`.

#[cfg(feature = "terminal")]
mod refused;
#[cfg(feature = "terminal")]
mod typed;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use clap::Args;

use super::arguments::Server;
use super::output::is_for_people;
use super::progress::Progress;
use super::{Failure, Fulfilled};
use crate::client::{CHUNK_BYTES, Client, ClientError};
use crate::command::Reply;

/// How many bytes of replies are printed at once, if that many have arrived.
const PRINTED_BYTES: usize = 8_192;

/// Send messages to a server and print its replies
///
/// Reads messages from the files in turn, or from standard input: one a line, unchanged, well formed or not. Sends
/// them without waiting for replies, and prints the replies in order, one a line. Exits with 1 if any reply was
/// ERROR.
///
#[cfg_attr(
    feature = "terminal",
    doc = "At a terminal it asks for one message after the other. You can edit them, and bring earlier ones back \
           with the arrow keys. If a message gets ERROR, it says what is wrong with the message. What you type is \
           kept in indexer/history below $XDG_STATE_HOME (~/.local/state), or in the file that INDEXER_HISTORY \
           names. Set INDEXER_HISTORY to nothing to keep nothing."
)]
#[derive(Debug, Args)]
#[command(
    after_help = "Example: printf 'INDEX|lua|\\nINDEX|vim|lua\\n' | indexer send --addr 127.0.0.1"
)]
pub(super) struct Arguments {
    /// Files to read; `-`, or no file, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: Server,
    /// Print no replies and no prompt; the exit status says whether any reply was ERROR
    #[arg(long, short)]
    quiet: bool,
}

impl Arguments {
    /// Whether a person types all messages and reads the replies.
    #[cfg(feature = "terminal")]
    fn is_typed(&self) -> bool {
        let nothing_else = self.files.iter().all(|file| file == Path::new("-"));
        nothing_else && !self.quiet && io::stdin().is_terminal() && io::stdout().is_terminal()
    }
}

pub(super) fn run(arguments: Arguments) -> Result<Fulfilled, Failure> {
    #[cfg(feature = "terminal")]
    if arguments.is_typed() {
        return typed::converse(&arguments.server);
    }
    let input = Input::open(arguments.files)?;
    let client = arguments.server.connect()?;
    let printing = if arguments.quiet { Printing::Nothing } else { Printing::wanted() };
    let server = arguments.server;
    let (end, ended) = mpsc::channel();
    // In a thread, because a read of standard input cannot be cancelled. If nobody reads the replies any
    // more, the program ends without waiting for the next message.
    let conversation = thread::spawn(move || converse(input, client, &server, printing, &end));
    match ended.recv() {
        Ok(answer) => answer,
        Err(mpsc::RecvError) => match conversation.join() {
            Err(bug) => panic::resume_unwind(bug),
            Ok(()) => unreachable!("invariant: a conversation reports how it ended"),
        },
    }
}

/// Sends all messages, prints all replies, and reports once how that ended.
fn converse(
    mut input: Input,
    mut client: Client,
    server: &Server,
    printing: Printing,
    end: &mpsc::Sender<Result<Fulfilled, Failure>>,
) {
    let progress = if printing == Printing::Nothing { None } else { input.progress() };
    let say = |answer| {
        if let Some(progress) = &progress {
            progress.finish();
        }
        // Only the first report is read.
        let _answered_already = end.send(answer);
    };
    let mut printed = Vec::new();
    let mut errors = 0_u64;
    let on_reply = |reply: Reply, more| {
        errors += u64::from(reply == Reply::Error);
        printed.extend_from_slice(printing.line(reply));
        // Flushed when no other reply has arrived, so that a person sees each reply at once.
        if printed.is_empty() || (more && printed.len() < PRINTED_BYTES) {
            return ControlFlow::Continue(());
        }
        let written = print(&printed, progress.as_ref());
        printed.clear();
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                let enough = error.kind() == io::ErrorKind::BrokenPipe;
                let answer = Fulfilled::yes_if(errors == 0);
                say(if enough { Ok(answer) } else { Err(Failure::Output(error)) });
                ControlFlow::Break(())
            }
        }
    };
    let next_chunk = |chunk: &mut Vec<u8>| {
        input.next_chunk(chunk)?;
        if let Some(progress) = &progress {
            progress.advance(chunk.len());
        }
        Ok(())
    };
    say(match client.pipeline(next_chunk, on_reply) {
        Ok(_) => Ok(Fulfilled::yes_if(errors == 0)),
        Err(ClientError::Messages(error)) => Err(Failure::Read { path: input.path(), error }),
        Err(error) => Err(server.failed(error)),
    });
}

/// The form in which replies are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printing {
    Nothing,
    /// Unchanged.
    Plain,
    Coloured,
}

impl Printing {
    /// Colours are for people only.
    fn wanted() -> Self {
        if is_for_people() { Self::Coloured } else { Self::Plain }
    }

    /// The printed form of a reply, with its LF.
    fn line(self, reply: Reply) -> &'static [u8] {
        match (self, reply) {
            (Self::Nothing, _) => b"",
            (Self::Plain, reply) => reply.as_line(),
            (Self::Coloured, Reply::Ok) => b"\x1b[32mOK\x1b[0m\n",
            (Self::Coloured, Reply::Fail) => b"\x1b[33mFAIL\x1b[0m\n",
            (Self::Coloured, Reply::Error) => b"\x1b[1;31mERROR\x1b[0m\n",
        }
    }
}

/// Prints replies. The progress bar steps aside if both go to the terminal.
fn print(replies: &[u8], progress: Option<&Progress>) -> io::Result<()> {
    let mut output = io::stdout();
    let mut write = || output.write_all(replies).and_then(|()| output.flush());
    match progress {
        Some(progress) if io::stdout().is_terminal() => progress.suspend(write),
        _ => write(),
    }
}

/// The bytes of several sources as one stream of complete lines.
struct Input {
    sources: VecDeque<Source>,
    /// Whether the last byte handed out was not LF.
    in_line: bool,
}

/// A file or standard input.
struct Source {
    path: PathBuf,
    /// Its length in bytes, if that is known.
    bytes: Option<u64>,
    reader: Box<dyn Read + Send>,
}

impl Source {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { path, bytes: None, reader: Box::new(io::stdin()) });
        }
        let open = || {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            Ok((file, metadata.is_file().then_some(metadata.len())))
        };
        match open() {
            Ok((file, bytes)) => Ok(Self { path, bytes, reader: Box::new(file) }),
            Err(error) => Err(Failure::Read { path, error }),
        }
    }
}

impl Input {
    fn open(mut files: Vec<PathBuf>) -> Result<Self, Failure> {
        if files.is_empty() {
            files.push("-".into());
        }
        let sources = files.into_iter().map(Source::open).collect::<Result<_, _>>()?;
        Ok(Self { sources, in_line: false })
    }

    /// The progress of reading. It is not shown to a person who types the messages.
    fn progress(&self) -> Option<Progress> {
        let typed = |source: &Source| source.path == Path::new("-") && io::stdin().is_terminal();
        if self.sources.iter().any(typed) {
            return None;
        }
        let total = self.sources.iter().map(|source| source.bytes).sum();
        Some(Progress::of_bytes("sending", total))
    }

    /// The source that is being read.
    fn path(&self) -> PathBuf {
        self.sources.front().map(|source| source.path.clone()).unwrap_or_default()
    }

    /// Puts the bytes of the next read into `chunk`. A last line without LF gets one. Empty at the end.
    fn next_chunk(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        while let Some(source) = self.sources.front_mut() {
            chunk.resize(CHUNK_BYTES, 0);
            let count = match source.reader.read(chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            chunk.truncate(count);
            if count == 0 {
                self.sources.pop_front();
                if std::mem::take(&mut self.in_line) {
                    chunk.push(b'\n');
                }
            }
            if let Some(last) = chunk.last() {
                self.in_line = *last != b'\n';
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_each_source_is_ended() {
        let sources = ["a\nb", "", "c\n"].map(|text| Source {
            path: "-".into(),
            bytes: None,
            reader: Box::new(text.as_bytes()),
        });
        let mut input = Input { sources: sources.into(), in_line: false };
        let mut chunk = Vec::new();
        let mut all = Vec::new();
        loop {
            chunk.clear();
            input.next_chunk(&mut chunk).unwrap();
            if chunk.is_empty() {
                break;
            }
            all.extend_from_slice(&chunk);
        }
        assert_eq!(all, b"a\nb\nc\n");
    }
}
