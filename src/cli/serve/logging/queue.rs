//! The queue of lines on their way to the log, and the thread that writes them.
//!
//! The disk of the log may be full, and its reader may be gone or stuck. Code that logs must not notice.
//! `tracing-appender` does much of this. But it does not count lines that could not be written. When it ends,
//! it prints to standard output, and panics if that fails.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::shown::without_controls;

/// The most bytes that wait to be written. Further lines are lost.
const MOST_BYTES: usize = 1 << 20;

/// The longest line, in bytes. The rest is left out.
const LONGEST_LINE: usize = 8_192;

/// A queue that takes lines without waiting for the log, and keeps their order.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified when a line has arrived, was written or was lost.
    changed: Condvar,
    /// Called for each line that is lost.
    on_loss: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    /// How many lines were lost that the log does not mention yet.
    untold: u64,
}

impl Queue {
    /// Starts the thread that writes to `output`. `on_loss` is called for each line that is lost, because a
    /// write failed or the queue is full.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub(super) fn start(
        output: impl Write + Send + 'static,
        on_loss: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Arc<Self>> {
        let waiting = Mutex::default();
        let queue = Arc::new(Self { waiting, changed: Condvar::new(), on_loss: Box::new(on_loss) });
        let taken = Arc::clone(&queue);
        let write = move || taken.write_all_that_come(&mut Lines { output, is_torn: false });
        thread::Builder::new().name("log".into()).spawn(write)?;
        Ok(queue)
    }

    /// Waits until all lines are written or lost, for `limit` at most.
    pub(super) fn flush(&self, limit: Duration) {
        let is_busy = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), limit, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn push(&self, line: Vec<u8>) {
        let mut waiting = self.lock();
        if waiting.bytes + line.len() > MOST_BYTES {
            waiting.untold += 1;
            drop(waiting);
            (self.on_loss)();
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.changed.notify_all();
    }

    /// Never returns: the log lasts as long as the process.
    fn write_all_that_come(&self, output: &mut Lines<impl Write>) {
        loop {
            let line = self.next();
            let written = output.write(&line);
            let mut waiting = self.lock();
            waiting.is_writing = false;
            let lost = if written.is_ok() {
                std::mem::take(&mut waiting.untold)
            } else {
                waiting.untold += 1;
                0
            };
            drop(waiting);
            if written.is_err() {
                (self.on_loss)();
            }
            if lost > 0 {
                tracing::warn!(
                    event = "log_lines_lost",
                    lost,
                    "the log lost lines: they could not be written"
                );
            }
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Vec<u8> {
        let mut waiting = self.lock();
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                waiting.is_writing = true;
                return line;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Locks the queue. No code panics halfway through a change, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one line with each call. A write never fails.
impl Write for &Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(as_line(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was logged, as one line that cannot look like two or control a terminal.
fn as_line(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let kept = &text[..text.len().min(LONGEST_LINE)];
    let mut line = without_controls(kept, None);
    if kept.len() < text.len() {
        line += &format!("... ({} bytes in all)", text.len());
    }
    line.push('\n');
    line.into_bytes()
}

/// Writes whole lines, each with one call if the system takes it at once.
struct Lines<W> {
    output: W,
    /// Whether the last line was cut off, so that the next one must start a new line.
    is_torn: bool,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let mended;
        let mut rest = line;
        if self.is_torn {
            mended = [b"\n", line].concat();
            rest = &mended;
        }
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = &rest[count..];
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    /// Reports each write, waits to be told how many bytes to take, and fails if that is none.
    struct Told {
        given: Sender<Vec<u8>>,
        take: Receiver<usize>,
    }

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _nobody_asks = self.given.send(bytes.to_vec());
            match self.take.recv() {
                Ok(0) | Err(_) => Err(ErrorKind::StorageFull.into()),
                Ok(count) => Ok(count.min(bytes.len())),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue with its output, and the count of lines lost.
    fn queue() -> (Arc<Queue>, Receiver<Vec<u8>>, Sender<usize>, Arc<AtomicU64>) {
        let ((given, seen), (takes, take)) = (mpsc::channel(), mpsc::channel());
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        (Queue::start(Told { given, take }, count).unwrap(), seen, takes, lost)
    }

    fn log(queue: &Queue, text: &str) {
        let mut output = queue;
        output.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let (queue, seen, takes, lost) = queue();
        for line in ["one\n", "two\n", "three\n"] {
            log(&queue, line);
            takes.send(usize::MAX).unwrap();
        }
        queue.flush(SOON);
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>(),
            [b"one\n".as_slice(), b"two\n", b"three\n"]
        );
        assert_eq!(lost.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_failed_write_loses_its_line_and_no_other() {
        let (queue, seen, takes, lost) = queue();
        for (line, taken) in [("one\n", [2, 0].as_slice()), ("two\n", &[0]), ("three\n", &[99])] {
            log(&queue, line);
            for count in taken {
                takes.send(*count).unwrap();
            }
            queue.flush(SOON);
        }
        let written: Vec<_> = seen.try_iter().collect();
        // A line that was cut off stays on a line of its own.
        assert_eq!(written, [b"one\n".as_slice(), b"e\n", b"\ntwo\n", b"\nthree\n"]);
        assert_eq!(lost.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_stalled_log_delays_nobody_and_takes_bounded_memory() {
        let (queue, seen, _never_takes, lost) = queue();
        let line = "x".repeat(1_023) + "\n";
        log(&queue, &line);
        seen.recv().unwrap();
        // From here on only the thread of the log waits for the output.
        for _ in 0..2_000 {
            log(&queue, &line);
        }
        assert_eq!(lost.load(Ordering::Relaxed), 2_000 - MOST_BYTES as u64 / 1_024);
        queue.flush(Duration::ZERO);
    }

    #[test]
    fn nothing_that_is_logged_passes_for_a_line_of_its_own() {
        assert_eq!(as_line(b"a\n  INFO forged\x1b[2J\n"), b"a\\n  INFO forged\\u{1b}[2J\n");
        let long = as_line(&[b'x'; 100_000]);
        assert!(long.len() < LONGEST_LINE + 40 && long.ends_with(b"x... (100000 bytes in all)\n"));
    }
}
