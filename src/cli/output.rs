//! Output that must not stop the work: reports, diagnostics and the last message.
//!
//! A failed write of these is kept for the end, and the work goes on. Whether output may have colours is
//! decided here too.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A writer that drops everything after the first failed write. No write to it fails.
///
/// It is for output beside the work, such as a report. Where the output is the work, a failed write ends it.
pub(super) struct Aside<W> {
    output: W,
    failed: Option<io::Error>,
}

impl<W: Write> Aside<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output, failed: None }
    }

    /// Ends the output. A reader that left early, as `head -1` does, has all it wanted.
    ///
    /// # Errors
    /// The first failed write, unless the reader closed the pipe.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.keep(W::flush);
        match self.failed {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.output).err();
        }
    }
}

impl<W: Write> Write for Aside<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keep(|output| output.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.keep(W::flush);
        Ok(())
    }
}

/// Standard error, for what a person may read or not. A failed write to it is ignored.
pub(super) fn diagnostics() -> impl Write {
    // Buffered, because standard error is not.
    io::BufWriter::new(Aside::new(io::stderr()))
}

/// Whether standard output may have bold text and colours: it is a terminal, and `NO_COLOR` is not set.
pub(super) fn is_for_people() -> bool {
    let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = is_set("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && is_set("NO_COLOR").is_none() && !is_dumb
}

/// How long the program waits at its end for its last message to be written.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Writes the last message to standard error. After a second without success the program ends anyway: its
/// exit status says the same.
pub(super) fn say_at_the_end(message: String) {
    let (done, is_done) = mpsc::channel();
    let write = move || {
        // The exit status says the same.
        let _unread = io::stderr().write_all(message.as_bytes());
        let _waited_for = done.send(());
    };
    // If no thread can be started, only the exit status is left.
    if thread::Builder::new().spawn(write).is_ok() {
        let _done_or_late = is_done.recv_timeout(LAST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes this many bytes, and then fails.
    struct Failing(usize, ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            if count > 0 { Ok(count) } else { Err(self.1.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_write_aside_fails_and_the_end_says_what_did() {
        for (kind, ends_well) in [(ErrorKind::StorageFull, false), (ErrorKind::BrokenPipe, true)] {
            let mut aside = Aside::new(Failing(3, kind));
            for _ in 0..3 {
                aside.write_all(b"report\n").unwrap();
            }
            assert_eq!(aside.end().is_ok(), ends_well);
        }
        assert!(Aside::new(Failing(0, ErrorKind::StorageFull)).end().is_ok());
    }
}
