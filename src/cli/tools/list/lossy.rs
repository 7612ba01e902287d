//! Text that may hold bytes of another encoding: what is not UTF-8 is read as U+FFFD.

use std::io::{self, BufRead, Read};

/// Reads line by line, and holds one line at a time.
pub(super) struct Lossy<R> {
    input: R,
    line: Vec<u8>,
    /// How much of the line has been taken.
    taken: usize,
}

impl<R: BufRead> Lossy<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), taken: 0 }
    }
}

impl<R: BufRead> BufRead for Lossy<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.line.len() {
            self.line.clear();
            self.taken = 0;
            self.input.read_until(b'\n', &mut self.line)?;
            if str::from_utf8(&self.line).is_err() {
                self.line = String::from_utf8_lossy(&self.line).into_owned().into_bytes();
            }
        }
        Ok(&self.line[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken = self.line.len().min(self.taken + count);
    }
}

impl<R: BufRead> Read for Lossy<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_another_encoding_are_replaced() {
        let read = |text: &[u8]| {
            let mut lossy = Lossy::new(text);
            let mut read = String::new();
            lossy.read_to_string(&mut read).map(|_| read)
        };
        assert_eq!(
            read(b"a\n\nM\xfcller \xc3\xbc\nend").unwrap(),
            "a\n\nM\u{fffd}ller \u{fc}\nend"
        );
        assert_eq!(read(b"").unwrap(), "");
    }
}
