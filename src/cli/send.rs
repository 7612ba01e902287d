//! `indexer send`: messages from files or standard input, replies to standard output.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;

use super::{Answer, Failure, Server, progress};
use crate::client::CHUNK_BYTES;
use crate::command::Reply;

/// Send messages to a server and print its replies
///
/// Reads messages, one a line and as they are, well formed or not, from the files in turn or from
/// standard input, sends them without waiting for replies, and prints the replies in order, one a
/// line. Exits with 1 if any reply was ERROR.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files to read; `-`, or none at all, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let mut input = Input::open(arguments.files)?;
    let mut client = arguments.server.connect()?;
    // A bar would mix with the replies on one terminal.
    let quiet = io::stdout().is_terminal();
    let bar = if quiet { indicatif::ProgressBar::hidden() } else { progress::bar("replies", None) };

    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let mut errors = 0_u64;
    client.pipeline(
        |chunk| input.next_chunk(chunk),
        |reply, more| {
            errors += u64::from(reply == Reply::Error);
            bar.inc(1);
            written = writeln!(output, "{reply}").and_then(|()| {
                // Whoever reads along sees each reply as soon as there is no other to add.
                if more { Ok(()) } else { output.flush() }
            });
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    )?;
    bar.finish_and_clear();
    written.map_err(Failure::Output)?;
    Ok(Answer::yes_if(errors == 0))
}

/// The bytes of several sources as one stream of whole lines.
struct Input {
    sources: VecDeque<Box<dyn Read + Send>>,
    /// Whether the last byte handed out was no LF.
    in_line: bool,
}

impl Input {
    fn open(mut files: Vec<PathBuf>) -> Result<Self, Failure> {
        if files.is_empty() {
            files.push("-".into());
        }
        let sources = files
            .into_iter()
            .map(|path| match path.to_str() {
                Some("-") => Ok(Box::new(io::stdin()) as Box<dyn Read + Send>),
                _ => match File::open(&path) {
                    Ok(file) => Ok(Box::new(file) as _),
                    Err(error) => Err(Failure::Read { path, error }),
                },
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { sources, in_line: false })
    }

    /// Puts what the next read brings into `chunk`. The last line of a source gets an LF if it
    /// has none. Empty at the end.
    fn next_chunk(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        while let Some(source) = self.sources.front_mut() {
            chunk.resize(CHUNK_BYTES, 0);
            let count = match source.read(chunk) {
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
        let sources = ["a\nb", "", "c\n"].map(|text| Box::new(text.as_bytes()) as _);
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
