//! Messages that a person types at a terminal: each is sent, its reply is printed, and the message is kept.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;

use super::{Printing, refused};
use crate::cli::arguments::Server;
use crate::cli::output::diagnostics;
use crate::cli::{Failure, Fulfilled};
use crate::command::Reply;
use crate::shown::{shown, shown_path};

/// How many messages are kept.
const KEPT: usize = 1_000;

/// Asks for messages until there are no more, and prints the reply to each.
pub(super) fn converse(server: &Server) -> Result<Fulfilled, Failure> {
    let mut client = server.connect()?;
    let mut lines = Lines::open().map_err(cannot_read)?;
    let printing = Printing::wanted();
    let mut said = io::stdout();
    writeln!(
        said,
        "connected to {}: type INDEX|package|dependencies, QUERY|package| or REMOVE|package|; Ctrl-D ends",
        shown(&server.address)
    )
    .map_err(Failure::Output)?;
    let mut errors = 0_u64;
    while let Some(typed) = lines.next("> ").map_err(cannot_read)? {
        // Pasted text may have several lines. An empty line is a slip, not a message.
        for line in typed.lines().filter(|line| !line.is_empty()) {
            let reply = client.exchange(line.as_bytes()).map_err(|error| server.failed(error))?;
            let mut text = printing.line(reply).to_owned();
            if reply == Reply::Error {
                errors += 1;
                text.extend_from_slice(refused::reason(line.as_bytes()).as_bytes());
            }
            said.write_all(&text).map_err(Failure::Output)?;
        }
    }
    Ok(Fulfilled::yes_if(errors == 0))
}

fn cannot_read(error: ReadlineError) -> Failure {
    let error = match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    };
    Failure::Read { path: "-".into(), error }
}

/// Typed lines, and the history of earlier ones.
struct Lines {
    editor: rustyline::Editor<(), FileHistory>,
    /// The file that keeps them, if there is one.
    kept: Option<PathBuf>,
}

impl Lines {
    fn open() -> Result<Self, ReadlineError> {
        let config = Config::builder().max_history_size(KEPT)?.build();
        let mut editor = rustyline::Editor::with_config(config)?;
        let mut kept = history_file();
        if let Some(path) = &kept {
            let opened = path.parent().map_or(Ok(()), fs::create_dir_all).map_err(Into::into);
            match opened.and_then(|()| editor.load_history(path)) {
                Err(error) if !is_new(&error) => {
                    is_not_kept(path, &error);
                    kept = None;
                }
                _ => {}
            }
        }
        Ok(Self { editor, kept })
    }

    /// The next line. `None` if there are no more. Ctrl-C drops a line, and a second Ctrl-C ends.
    fn next(&mut self, prompt: &str) -> Result<Option<String>, ReadlineError> {
        for _ in 0..2 {
            match self.editor.readline(prompt) {
                Ok(line) => {
                    self.keep(&line)?;
                    return Ok(Some(line));
                }
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Keeps a line at once, because the conversation may end in any way.
    fn keep(&mut self, line: &str) -> Result<(), ReadlineError> {
        let is_new = self.editor.add_history_entry(line)?;
        let Some(path) = self.kept.take_if(|_| is_new) else { return Ok(()) };
        match self.editor.append_history(&path) {
            Ok(()) => self.kept = Some(path),
            Err(error) => is_not_kept(&path, &error),
        }
        Ok(())
    }
}

/// Whether there is no history yet.
fn is_new(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Says once that typed messages are not kept. The conversation goes on.
fn is_not_kept(path: &Path, error: &ReadlineError) {
    // A failed write does not matter.
    let _unread =
        writeln!(diagnostics(), "cannot keep what you type in {}: {error}", shown_path(path));
}

/// The file that keeps typed messages: `INDEXER_HISTORY`, or one where programs keep their state.
fn history_file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    if let Some(chosen) = variable("INDEXER_HISTORY") {
        return Some(chosen).filter(|path| !path.as_os_str().is_empty());
    }
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    let state = state.or_else(home).or_else(|| variable("LOCALAPPDATA"));
    Some(state?.join("indexer/history"))
}
