//! Wakes the connections that wait for their client without a time-out when the server begins to stop.
//!
//! Shutting down the input of such a connection would wake it as well. But the kernel answers input that
//! comes after that with a reset, which can destroy replies that are still on their way.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// A bell that rings once. All who wait then or later hear it. It takes two file descriptors.
#[derive(Debug)]
pub(super) struct Bell {
    #[cfg(unix)]
    heard: std::os::unix::net::UnixStream,
    #[cfg(unix)]
    rope: std::os::unix::net::UnixStream,
}

#[cfg(unix)]
impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let (heard, rope) = std::os::unix::net::UnixStream::pair()?;
        Ok(Self { heard, rope })
    }

    pub(super) fn ring(&self) {
        // Any number of threads can see the end of this stream. The call cannot fail: both ends are ours.
        let _both_ends_are_there = self.rope.shutdown(std::net::Shutdown::Both);
    }

    /// Waits for input on a stream, or its end, or for the bell, but no longer than `limit`.
    pub(super) fn wait(&self, stream: &TcpStream, limit: Option<Duration>) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut either =
            [PollFd::new(stream, PollFlags::IN), PollFd::new(&self.heard, PollFlags::IN)];
        match poll(&mut either, limit.as_ref()) {
            // A signal may have woken it, so the caller looks again.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// For systems where nothing waits for two things at once: reads with a short time-out, repeated.
#[cfg(not(unix))]
impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn ring(&self) {}

    pub(super) fn wait(&self, _: &TcpStream, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_wait_ends_with_input_with_the_bell_and_with_its_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let bell = Bell::new().unwrap();
        bell.wait(&stream, Some(Duration::ZERO)).unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| bell.wait(&stream, None));
            client.write_all(b"x").unwrap();
            waits.join().unwrap().unwrap();
        });
        let (silent, _from_here) = {
            let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (listener.accept().unwrap().0, there)
        };
        thread::scope(|scope| {
            let waits = [(); 3].map(|()| scope.spawn(|| bell.wait(&silent, None)));
            bell.ring();
            for wait in waits {
                wait.join().unwrap().unwrap();
            }
        });
        // Those who come later hear it too.
        bell.wait(&silent, None).unwrap();
    }
}
