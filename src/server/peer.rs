//! Whom a connection is to, as the log has it.

use std::net::SocketAddr;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The connection's number: no other of this process has it.
    pub(crate) connection: u64,
}
