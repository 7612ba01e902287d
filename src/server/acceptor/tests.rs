//! Tests of accepting without a listener: what is logged, and where an acceptor is woken.

use std::fmt::Write as _;
use std::net::SocketAddrV6;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;
use crate::engine::Engine;
use crate::server::registry::Registry;
use crate::server::{Config, Shared};

fn shared() -> Arc<Shared> {
    let connections = Arc::new(Registry::new(1));
    Arc::new(Shared { engine: Arc::new(Engine::default()), config: Config::default(), connections })
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
fn a_failing_accept_is_warned_of_once_an_episode_and_its_end_is_told() {
    let shared = shared();
    let mut script = "xxx.xx.".chars();
    let accept = || match script.next() {
        Some('x') => Err(io::Error::other("no file descriptors, it is claimed")),
        Some(_) => {
            // Each client comes from a listener that ends with it.
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let _client = TcpStream::connect(listener.local_addr()?)?;
            listener.accept()
        }
        None => {
            shared.connections.close();
            Err(ErrorKind::Interrupted.into())
        }
    };
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || run(accept, &shared));
    let warning = (Level::WARN, "cannot accept connections; trying on".to_owned());
    let end = (Level::INFO, "accepting connections again".to_owned());
    assert_eq!(*log.0.lock().unwrap(), [warning.clone(), end.clone(), warning, end]);
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
