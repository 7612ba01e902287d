//! Clients that pipeline without end. Each always sends as much as its connection takes.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::load::Messages;

/// A client of a flood.
pub(crate) struct Flooding<'a> {
    stream: TcpStream,
    messages: &'a Messages,
    /// The batch that is being sent, and how much of it has been sent.
    batch: usize,
    sent: usize,
}

impl<'a> Flooding<'a> {
    /// Connects so many clients. Each begins at another place of `messages`.
    pub(crate) fn connect(
        server: SocketAddr,
        clients: usize,
        messages: &'a Messages,
    ) -> io::Result<Vec<Self>> {
        (0..clients)
            .map(|client| {
                let stream = TcpStream::connect(server)?;
                stream.set_nonblocking(true)?;
                let batch = client * messages.batches() / clients;
                Ok(Self { stream, messages, batch, sent: 0 })
            })
            .collect()
    }

    /// Serves the clients in rotation until told to stop. Returns how many replies came.
    pub(crate) fn drive(
        clients: &mut [Self],
        stop: &AtomicBool,
    ) -> Result<usize, Box<dyn Error + Send + Sync>> {
        let mut replies = 0;
        while !stop.load(Ordering::Relaxed) {
            for client in &mut *clients {
                client.send()?;
                replies += client.receive()?;
            }
        }
        Ok(replies)
    }

    /// Sends as much as the connection takes now.
    fn send(&mut self) -> io::Result<()> {
        loop {
            let batch = self.messages.batch(self.batch);
            match self.stream.write(&batch[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.sent == batch.len() {
                (self.batch, self.sent) = ((self.batch + 1) % self.messages.batches(), 0);
            }
        }
    }

    /// Takes the replies that are there, and returns how many those are.
    fn receive(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 65_536];
        let mut replies = 0;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => replies += memchr::memchr_iter(b'\n', &buffer[..count]).count(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(replies),
                Err(error) => return Err(error),
            }
        }
    }
}
