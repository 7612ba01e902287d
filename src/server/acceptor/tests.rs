//! Tests of accepting without a listener: what is logged, and where an acceptor is woken.

use std::fmt::Write as _;
use std::net::SocketAddrV6;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;
/// A service that has room for nobody and counts the clients that it turns away.
struct Full {
    connections: Arc<Registry>,
    turned_away: AtomicUsize,
}

impl Service for Full {
    fn connections(&self) -> &Arc<Registry> {
        &self.connections
    }

    fn serve(&self, _: &TcpStream, _: Peer) {
        unreachable!("there is room for nobody");
    }

    fn turned_away(&self, reason: TurnedAway) {
        assert_eq!(reason, TurnedAway::Full);
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }
}

fn full() -> Arc<Full> {
    let connections = Arc::new(Registry::new(0).unwrap());
    Arc::new(Full { connections, turned_away: AtomicUsize::new(0) })
}

/// A connection, from a listener that ends when this returns.
fn accepted() -> io::Result<(TcpStream, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let _client = TcpStream::connect(listener.local_addr()?)?;
    listener.accept()
}

/// Collects what is logged above the level `debug`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() < Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    write!(self.0, "{value:?}").unwrap();
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push((*event.metadata().level(), message.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_failing_accept_is_reported_once_and_so_is_its_end() {
    let service = full();
    let mut script = "xxx.xx.".chars();
    let accept = || match script.next() {
        Some('x') => Err(io::Error::other("no file descriptors, it is claimed")),
        Some(_) => accepted(),
        None => {
            service.connections.close();
            Err(ErrorKind::Interrupted.into())
        }
    };
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || run(accept, &service));
    let warning = (Level::WARN, "cannot accept connections; retrying".to_owned());
    let end = (Level::INFO, "accepting connections again".to_owned());
    let turned_away = (Level::WARN, "client disconnected at once".to_owned());
    assert_eq!(*log.0.lock().unwrap(), [warning.clone(), end.clone(), turned_away, warning, end]);
}

#[test]
fn all_who_are_turned_away_are_counted_and_few_are_logged() {
    let service = full();
    let mut left = 1_000;
    let accept = || {
        if left == 0 {
            service.connections.close();
            return Err(ErrorKind::Interrupted.into());
        }
        left -= 1;
        accepted()
    };
    let log = Log::default();
    let begun = Instant::now();
    tracing::subscriber::with_default(log.clone(), || run(accept, &service));
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert_eq!(service.turned_away.load(Ordering::Relaxed), 1_000);
    let lines = log.0.lock().unwrap().len();
    assert!((1..=seconds + 1).contains(&lines), "{lines} lines in {seconds} seconds");
}

#[test]
fn an_acceptor_is_woken_where_it_listens_scope_included() {
    let link_local = SocketAddrV6::new("fe80::1".parse().unwrap(), 8080, 0, 7);
    for address in [link_local.into(), "[::1]:80".parse().unwrap(), "10.1.2.3:4".parse().unwrap()] {
        assert_eq!(reachable(address), address);
    }
    for (unspecified, loopback) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80")] {
        assert_eq!(reachable(unspecified.parse().unwrap()), loopback.parse().unwrap());
    }
}
