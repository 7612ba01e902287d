//! Output beside the work: a report is written as long as it can be, and the work goes on when it cannot.
//! And for whom output is: colours are for people.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Passes on what is written until a write fails, and drops all that comes after. No write to it fails.
///
/// For output beside the work, as a report is; where the output is the work, a failed write is its end.
pub(super) struct Aside<W> {
    output: W,
    failed: Option<io::Error>,
}

impl<W: Write> Aside<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output, failed: None }
    }

    /// Whether all that was written arrived. Whoever left before the end has what they wanted.
    ///
    /// # Errors
    /// The first failed write, unless the reader had gone.
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

/// Standard error, for what is said beside the work: nobody need read it.
pub(super) fn diagnostics() -> impl Write {
    // In pieces of some size: standard error itself is not buffered.
    io::BufWriter::new(Aside::new(io::stderr()))
}

/// Whether bold and colours are for whoever reads standard output.
pub(super) fn is_for_people() -> bool {
    let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = is_set("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && is_set("NO_COLOR").is_none() && !is_dumb
}

/// How long the end of the program waits for its last message to be read.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Writes the last message to standard error. If nobody takes it within a second, the program ends without:
/// the exit status says it too.
pub(super) fn say_at_the_end(message: String) {
    let (done, is_done) = mpsc::channel();
    let write = move || {
        // The status says it too.
        let _unread = io::stderr().write_all(message.as_bytes());
        let _waited_for = done.send(());
    };
    // Without a thread there is no message, and still the status.
    if thread::Builder::new().spawn(write).is_ok() {
        let _done_or_late = is_done.recv_timeout(LAST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, and then fails.
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
