//! The interface by which a server reports what it does: to metrics, or to nobody.

use std::time::Duration;

use crate::session::Tally;

/// Receives reports of what a server does, on the thread that does it. A method should be quick, and must not
/// wait for a client. By default every method does nothing.
pub trait Monitor: Send + Sync {
    /// Whether anybody listens. If not, no clock is read for [`batch`](Self::batch).
    fn is_there(&self) -> bool {
        true
    }

    /// A client's connection is served from here on.
    fn connected(&self) {}

    /// A client came and was let go at once, other than by a shutdown.
    fn turned_away(&self, _reason: TurnedAway) {}

    /// A connection that was [`connected`](Self::connected) has ended.
    fn ended(&self, _how: Ended) {}

    /// Accepting a connection failed for want of file descriptors or memory.
    fn accept_failed(&self) {}

    /// A client sent so many bytes.
    fn received(&self, _bytes: usize) {}

    /// A client was sent so many bytes of replies.
    fn sent(&self, _bytes: usize) {}

    /// A batch waited this long for the index, and then held it this long.
    fn batch(&self, _waited: Duration, _held: Duration) {}

    /// The messages of a batch were given these replies.
    fn answered(&self, _tally: &Tally) {}
}

/// A monitor that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Monitor for Nobody {
    fn is_there(&self) -> bool {
        false
    }
}

/// Why a client was let go at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TurnedAway {
    /// The server has as many clients as it may.
    Full,
    /// The system had no thread left.
    NoThread,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The client ended its stream, and has its replies.
    ByClient,
    /// The server stopped.
    Stopped,
    /// The client spoke HTTP, and was told `ERROR`.
    Http,
    /// The connection failed, or the client broke it off.
    Broken,
    /// No complete message came for as long as [`Config::idle_timeout`](super::Config) allows.
    Idle,
    /// Replies were not taken for as long as [`Config::write_timeout`](super::Config) allows.
    Unread,
    /// A batch or the thread of this connection panicked.
    Poisoned,
}

impl TurnedAway {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 2] = [Self::Full, Self::NoThread];

    /// One word for it, as a label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoThread => "no_thread",
        }
    }
}

impl Ended {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 7] = [
        Self::ByClient,
        Self::Stopped,
        Self::Http,
        Self::Broken,
        Self::Idle,
        Self::Unread,
        Self::Poisoned,
    ];

    /// One word for it, as a label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByClient => "by_client",
            Self::Stopped => "stopped",
            Self::Http => "http",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Unread => "unread",
            Self::Poisoned => "poisoned",
        }
    }
}
