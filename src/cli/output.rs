//! Standard output for work that goes on when nobody reads along any more.

use std::io::{self, ErrorKind, Write};

/// Passes on what is written until the reader is gone, and from then on drops it.
///
/// For output beside the work, as a report is; where the output is the work, its end is the end.
pub(super) struct Lenient<W>(Option<W>);

impl<W> Lenient<W> {
    pub(super) fn new(output: W) -> Self {
        Self(Some(output))
    }

    fn until_gone<T>(
        &mut self,
        write: impl FnOnce(&mut W) -> io::Result<T>,
        dropped: T,
    ) -> io::Result<T> {
        match self.0.as_mut().map(write) {
            None => Ok(dropped),
            Some(Err(error)) if error.kind() == ErrorKind::BrokenPipe => {
                self.0 = None;
                Ok(dropped)
            }
            Some(written) => written,
        }
    }
}

impl<W: Write> Write for Lenient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_gone(|output| output.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_gone(W::flush, ())
    }
}
