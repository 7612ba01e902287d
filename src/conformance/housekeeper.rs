//! The client at each address that asks for names before a conversation and removes them after it. It
//! judges nothing.

use std::cell::{Cell, RefCell};
use std::io;

use super::namespace::RawName;
use crate::client::{Client, ClientError};
use crate::command::Reply;

/// The most bytes of messages that are sent ahead of their replies. The buffers of both sides have
/// room for these and for their replies, so neither side waits for the other.
const MOST_AHEAD: usize = 4_096;

/// The client that keeps one address tidy.
#[derive(Debug, Default)]
pub(super) struct Housekeeper {
    /// The connection, if there is one.
    client: RefCell<Option<Client>>,
    /// Whether it sends messages ahead of their replies.
    asks_ahead: Cell<bool>,
}

impl Housekeeper {
    /// Replaces the connection by a new one.
    pub(super) fn take(&self, client: Client) {
        *self.client.borrow_mut() = Some(client);
    }

    /// Sets whether the server may be sent messages ahead of their replies.
    pub(super) fn ask_ahead(&self, asks_ahead: bool) {
        self.asks_ahead.set(asks_ahead);
    }

    /// Asks one thing about one package, well formed or not, and waits for the reply. If the
    /// connection has ended since its last use, `connect` gives a new one.
    pub(super) fn ask(
        &self,
        verb: &str,
        name: &[u8],
        connect: impl FnOnce() -> io::Result<Client>,
    ) -> Result<Reply, ClientError> {
        let line = [verb.as_bytes(), b"|", name, b"|"].concat();
        let mut kept = self.client.borrow_mut();
        if let Some(mut client) = kept.take() {
            match client.exchange(&line) {
                Ok(reply) => {
                    *kept = Some(client);
                    return Ok(reply);
                }
                // A new connection would wait just as long.
                Err(ClientError::TimedOut) => return Err(ClientError::TimedOut),
                Err(_) => {}
            }
        }
        let mut client = connect()?;
        let reply = client.exchange(&line)?;
        *kept = Some(client);
        Ok(reply)
    }

    /// Asks about the first of these packages, as many as may be asked at once, and gives their
    /// replies. Empty if they have to be asked about one by one.
    pub(super) fn ask_some(&self, verb: &str, names: &[&RawName]) -> Vec<Reply> {
        let mut kept = self.client.borrow_mut();
        let Some(mut client) = kept.take_if(|_| self.asks_ahead.get()) else { return Vec::new() };
        let (mut lines, mut count) = (Vec::new(), 0);
        for name in names {
            if lines.len() + verb.len() + name.len() + 3 > MOST_AHEAD || name.contains(&b'\n') {
                break;
            }
            lines.extend([verb.as_bytes(), b"|", name, b"|\n"].concat());
            count += 1;
        }
        // After an error the connection is useless. Each package is then asked about on another one.
        let Ok(replies) = client.exchange_all(&lines, count) else { return Vec::new() };
        *kept = Some(client);
        replies
    }
}
