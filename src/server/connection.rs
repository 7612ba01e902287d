//! Moves the bytes of one client between its socket and its session.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use super::Shared;
use super::monitor::Ended;
use super::peer::Peer;
use super::watch::Watch;
use crate::engine::Poisoned;
use crate::session::Session;
use crate::sync::yield_now;

/// Why a connection ended before the client ended it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the client has not read its replies within {within:?}")]
    Unread { within: Duration },
    #[error("the client has sent no complete message for {limit:?}")]
    Idle { limit: Duration },
    #[error(transparent)]
    Engine(#[from] Poisoned),
}

/// Serves one client until it ends its stream, breaks off, uses up its time, or the server stops.
pub(super) fn serve(stream: &TcpStream, client: Peer, shared: &Shared) {
    // These are fields and no span. The store of `tracing-subscriber` has room for the spans of 4,096
    // threads, and panics when more threads have one.
    let Peer { address: peer, connection } = client;
    tracing::debug!(event = "connected", connection, %peer, "connected");
    shared.monitor.connected();
    let mut end = End { shared, how: Ended::Poisoned };
    let mut watch = Watch::new(client, shared);
    end.how = match converse(stream, shared, &mut watch) {
        Ok(ended) => {
            tracing::debug!(event = "disconnected", connection, %peer, "disconnected");
            ended
        }
        Err(Broken::Io(error)) => {
            tracing::debug!(event = "connection_broken", connection, %peer, %error, "connection failed");
            Ended::Broken
        }
        Err(reason @ Broken::Unread { .. }) => {
            tracing::info!(event = "client_cut_off", connection, %peer, %reason, "client cut off");
            Ended::Unread
        }
        Err(reason @ Broken::Idle { .. }) => {
            tracing::info!(event = "client_idle", connection, %peer, %reason, "idle client disconnected");
            Ended::Idle
        }
        Err(Broken::Engine(error)) => {
            tracing::error!(event = "index_poisoned", connection, %peer, %error, "cannot answer clients any more");
            Ended::Poisoned
        }
    };
    watch.say_what_was_left_out();
}

/// Reports how a connection has ended when it is dropped, also by a panic.
struct End<'a> {
    shared: &'a Shared,
    how: Ended,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.shared.monitor.ended(self.how);
    }
}

fn converse(stream: &TcpStream, shared: &Shared, watch: &mut Watch<'_>) -> Result<Ended, Broken> {
    let config = &shared.config;
    bound_buffers(stream)?;
    // Send replies at once: the client may wait for this one before it sends the next message.
    stream.set_nodelay(true)?;
    let quiet = config.idle_timeout.map_or(QUIET, |limit| limit.min(QUIET));
    stream.set_read_timeout(Some(at_least_a_tick(quiet)))?;
    stream.set_write_timeout(Some(at_least_a_tick(config.write_timeout)))?;
    let mut session = Session::new(config.max_line_bytes);
    let (mut busy, mut turn) = (false, Turn::default());
    let mut patience = Patience::new(config.idle_timeout);
    let ended = loop {
        if shared.connections.is_closed() {
            break Ok(Ended::Stopped);
        }
        match read(stream, session.space())? {
            Input::Nothing => {
                // Only once per pause: the buffer for the next read takes its memory again.
                if std::mem::take(&mut busy) {
                    session.shrink();
                }
                shared.connections.wait_for_input(stream, patience.left())?;
            }
            Input::End => break Ok(Ended::ByClient),
            Input::Bytes(count) => {
                if turn.is_ahead(count) {
                    yield_now();
                }
                session.advance(count);
                shared.monitor.received(count);
                busy = true;
            }
        }
        while session.has_more() {
            let replies = session.answer_observed(&*shared.backend, watch)?;
            send(&mut &*stream, replies, config.write_timeout)?;
            if !replies.is_empty() {
                turn.ends(shared.connections.to_a_processor());
                shared.monitor.sent(replies.len());
                patience.renew();
            }
        }
        if session.is_over() {
            break Ok(Ended::Http);
        }
        if let Some(limit) = patience.is_over() {
            break Err(Broken::Idle { limit });
        }
    };
    stream.shutdown(Shutdown::Write)?;
    // A client that keeps sending is cut off. If it was let go or speaks HTTP, that is soon, and otherwise
    // when the grace of the shutdown ends.
    let is_let_go = matches!(ended, Ok(Ended::Http) | Err(_));
    let within = if is_let_go { QUIET } else { Duration::MAX };
    discard_rest(stream, session.space(), within)?;
    ended
}

/// Bounds what the system buffers for a client. Otherwise that grows to megabytes in each direction for a
/// client that sends and does not read.
fn bound_buffers(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_recv_buffer_size(stream, SOCKET_BUFFER_BYTES)?;
    Ok(sockopt::set_socket_send_buffer_size(stream, SOCKET_BUFFER_BYTES)?)
}

/// Sends all bytes, or fails if the client does not take them in time. It notices that after `within` at the
/// earliest, and after twice as long at the latest.
fn send(stream: &mut impl Write, mut bytes: &[u8], within: Duration) -> Result<(), Broken> {
    let begun = Instant::now();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(Broken::Unread { within }),
            Err(error) => return Err(error.into()),
        }
        // A client that reads a byte now and then gets here again and again.
        if !bytes.is_empty() && begun.elapsed() >= within {
            return Err(Broken::Unread { within });
        }
    }
    Ok(())
}

/// Reads and drops what the client still sends, until it ends its stream, falls silent, or has sent for
/// `within`. Input to a closed socket would reset the connection, and destroy replies that are still on their
/// way.
fn discard_rest(stream: &TcpStream, buffer: &mut [u8], within: Duration) -> io::Result<()> {
    let begun = Instant::now();
    while let Input::Bytes(_) = read(stream, buffer)? {
        if begun.elapsed() >= within {
            break;
        }
    }
    Ok(())
}

/// The least time that a message costs a processor.
const LEAST_COST: Duration = Duration::from_micros(1);

/// With fewer connections per processor than this, nobody waits long enough for a look at the clock to pay.
const FEW_CONNECTIONS: usize = 10;

/// With more connections per processor than this, their number does not matter: most are silent then.
const MANY_CONNECTIONS: usize = 100;

/// A read that brings more bytes than this comes from a client that sends ahead, and is always back soon.
const FEW_BYTES: usize = 256;

/// Decides whether a client is answered in its turn.
///
/// The system favours a thread that has just slept. It runs as soon as the next message wakes it, while
/// threads that were woken before still wait. So some clients would be answered again and again, and others
/// not for milliseconds. A client that is back before all others can have been answered is ahead of them. Its
/// thread lets theirs go first.
#[derive(Default)]
struct Turn {
    /// Until then a message of this client is too early. `None` where there are few others: no clock is read.
    ahead_until: Option<Instant>,
}

impl Turn {
    /// The client has its replies. `to_a_processor` connections share a processor.
    fn ends(&mut self, to_a_processor: usize) {
        let others = u32::try_from(to_a_processor.min(MANY_CONNECTIONS)).unwrap_or_default();
        let is_worth_it = to_a_processor >= FEW_CONNECTIONS;
        self.ahead_until = is_worth_it.then(|| Instant::now() + LEAST_COST * others);
    }

    /// Whether the client is ahead of others, now that `count` bytes have come.
    fn is_ahead(&self, count: usize) -> bool {
        count <= FEW_BYTES && self.ahead_until.is_some_and(|until| Instant::now() < until)
    }
}

/// How long a read waits before the client counts as silent. Waiting for a silent client takes one more
/// system call, but keeps no memory, and ends as soon as the server begins to stop. A read sees that only
/// afterwards.
const QUIET: Duration = Duration::from_millis(500);

/// What the system may buffer for a client in each direction, in bytes. Linux doubles it, for its own
/// book-keeping. It lets a client with a round trip of 100 ms send 2 MB a second.
const SOCKET_BUFFER_BYTES: usize = 256 * 1024;

/// The time, or a millisecond if it is shorter: a socket takes zero for no time-out.
fn at_least_a_tick(time: Duration) -> Duration {
    time.max(Duration::from_millis(1))
}

/// How long a client may still go without a complete message. Without a limit no clock is read.
struct Patience {
    limit: Option<Duration>,
    since: Option<Instant>,
}

impl Patience {
    fn new(limit: Option<Duration>) -> Self {
        Self { limit, since: limit.map(|_| Instant::now()) }
    }

    fn renew(&mut self) {
        self.since = self.limit.map(|_| Instant::now());
    }

    /// The time that is left, or `None` without a limit.
    fn left(&self) -> Option<Duration> {
        let (limit, since) = self.limit.zip(self.since)?;
        Some(limit.saturating_sub(since.elapsed()))
    }

    /// The limit, if it has passed.
    fn is_over(&self) -> Option<Duration> {
        self.limit.filter(|_| self.left() == Some(Duration::ZERO))
    }
}

/// What a read brought.
enum Input {
    Bytes(usize),
    /// Nothing came in time.
    Nothing,
    /// The client has ended its stream.
    End,
}

fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Input> {
    match stream.read(buffer) {
        Ok(0) => Ok(Input::End),
        Ok(count) => Ok(Input::Bytes(count)),
        Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {
            Ok(Input::Nothing)
        }
        Err(error) => Err(error),
    }
}

/// Whether an error is a time-out. Which of the two kinds it has depends on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend(bytes.first());
            Ok(bytes.len().min(1))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // No more than one that reads nothing.
    #[test]
    fn a_client_that_reads_byte_by_byte_gets_no_more_time() {
        let mut slow = Slow(Vec::new());
        send(&mut slow, b"OK\nFAIL\n", Duration::MAX).unwrap();
        assert_eq!(slow.0, b"OK\nFAIL\n");
        let refused = send(&mut slow, b"OK\n", Duration::ZERO);
        assert!(matches!(refused, Err(Broken::Unread { within: Duration::ZERO })));
        // The last byte is not waited for.
        send(&mut slow, b"\n", Duration::ZERO).unwrap();
    }

    #[test]
    fn patience_ends_with_its_limit_and_never_without_one() {
        assert_eq!(Patience::new(None).is_over(), None);
        assert_eq!(Patience::new(Some(Duration::MAX)).is_over(), None);
        let mut patience = Patience::new(Some(Duration::from_secs(1)));
        let second_ago = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        patience.since = Some(second_ago);
        assert_eq!(patience.is_over(), Some(Duration::from_secs(1)));
        patience.renew();
        assert!(patience.since > Some(second_ago));
    }

    #[test]
    fn a_client_is_ahead_that_is_back_before_all_others_can_be() {
        let mut turn = Turn::default();
        assert!(!turn.is_ahead(1), "nothing has been answered");
        turn.ends(FEW_CONNECTIONS - 1);
        assert_eq!(turn.ahead_until, None, "nobody waits");
        // The more there are, the longer that takes, up to a point.
        let rounds = [FEW_CONNECTIONS, MANY_CONNECTIONS, 10_000].map(|to_a_processor| {
            let before = Instant::now();
            turn.ends(to_a_processor);
            let after = Instant::now();
            let until = turn.ahead_until.unwrap();
            (until - after.min(until), until - before)
        });
        for ((least, most), micros) in rounds.into_iter().zip([10, 100, 100]) {
            assert!(
                least <= Duration::from_micros(micros) && Duration::from_micros(micros) <= most
            );
        }
        turn.ahead_until = Some(Instant::now() + Duration::from_secs(60));
        assert!(turn.is_ahead(FEW_BYTES));
        assert!(!turn.is_ahead(FEW_BYTES + 1), "it sends ahead");
        turn.ahead_until = Some(Instant::now());
        assert!(!turn.is_ahead(1), "it had to wait as well");
    }
}
