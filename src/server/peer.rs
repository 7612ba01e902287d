//! The other end of a connection, as the log names it.

use std::net::SocketAddr;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The connection's number, unique in this process.
    pub(crate) connection: u64,
}
