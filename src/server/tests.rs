//! Tests of the server as a library type, each on a port of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

mod http;
mod patience;
mod shutdown;

use super::*;
use crate::bug::{self, Bug};
use crate::client::Client;
use crate::command::{Command, Outcome};
use crate::engine::Engine;

fn server(config: Config) -> (Server, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    (server_of(&engine, config), engine)
}

fn server_of(backend: &Arc<impl Backend + 'static>, config: Config) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Server::start([listener], Arc::clone(backend), config).unwrap()
}

fn wait_until_nobody_is_connected(server: &Server) {
    while server.connections() > 0 {
        thread::yield_now();
    }
}

/// How long to wait for something that should come. Then the test fails instead of waiting for ever.
const NEVER: Duration = Duration::from_secs(20);

fn to_the_end(mut stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(NEVER)).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

#[test]
fn one_engine_is_served_on_every_listener() {
    let engine = Arc::new(Engine::default());
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let server = Server::start(listeners, engine, Config::default()).unwrap();
    let index = Command::index("a", []).unwrap();
    Client::connect(server.addresses()[0]).unwrap().apply(&index).unwrap();
    for address in server.addresses() {
        let found = Client::connect(address).unwrap().apply(&Command::query("a").unwrap());
        assert_eq!(found.unwrap(), Outcome::Ok);
    }
}

#[test]
fn a_client_that_half_closes_gets_its_replies_and_then_the_end() {
    let (server, _) = server(Config::default());
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    stream.write_all(b"INDEX|a|\nQUERY|a|\nQUERY|b|\nQUERY|cut off").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_the_end(&stream), "OK\nOK\nFAIL\n");
}

#[test]
fn clients_past_the_limit_are_let_go_until_others_leave() {
    let (server, _) = server(Config { max_connections: 1, ..Config::default() });
    let query = Command::query("a").unwrap();
    let mut first = Client::connect(server.addresses()[0]).unwrap();
    first.apply(&query).unwrap();
    let second = TcpStream::connect(server.addresses()[0]).unwrap();
    assert_eq!(to_the_end(&second), "");
    drop(first);
    wait_until_nobody_is_connected(&server);
    let mut third = Client::connect(server.addresses()[0]).unwrap();
    assert_eq!(third.apply(&query).unwrap(), Outcome::Fail);
}

#[test]
fn a_panic_while_accepting_ends_one_connection_and_no_service() {
    let planted = bug::plant(Bug::TurningAwayPanics);
    let (server, _) = server(Config { max_connections: 1, ..Config::default() });
    drop(planted);
    let query = Command::query("a").unwrap();
    for _ in 0..3 {
        let mut first = Client::connect(server.addresses()[0]).unwrap();
        first.apply(&query).unwrap();
        let second = TcpStream::connect(server.addresses()[0]).unwrap();
        assert_eq!(to_the_end(&second), "");
        drop(first);
        wait_until_nobody_is_connected(&server);
    }
    server.shut_down();
    assert_eq!(server.join(), Stopped { cut_off: 0 });
}

#[test]
fn a_listener_that_did_not_block_is_made_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let same = listener.try_clone().unwrap();
    let server = Server::start([listener], Arc::<Engine>::default(), Config::default()).unwrap();
    thread::scope(|scope| {
        let accepted = scope.spawn(|| same.accept().map(drop));
        // Each goes to one of the two acceptors.
        while !accepted.is_finished() {
            TcpStream::connect(server.addresses()[0]).unwrap();
        }
        accepted.join().unwrap().unwrap();
    });
}

#[test]
#[cfg(unix)]
fn nobody_is_served_when_one_listener_cannot_be() {
    let engine = Arc::new(Engine::default());
    for _ in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"INDEX|a|\n").unwrap();
        let listeners = std::iter::once(listener).chain(std::iter::from_fn({
            let mut first = true;
            move || {
                // Gives time to an acceptor that might have been started on the first already.
                (0..1_000).for_each(|_| thread::yield_now());
                let file = std::fs::File::open("/dev/null").unwrap();
                std::mem::take(&mut first).then(|| std::os::fd::OwnedFd::from(file).into())
            }
        }));
        Server::start(listeners, Arc::clone(&engine), Config::default()).unwrap_err();
        assert_eq!(engine.batch(|index| index.len()), Ok(0));
    }
}

#[test]
fn debug_says_where_and_how_many_and_not_what() {
    let (server, engine) = server(Config::default());
    engine.apply(&Command::index("vim", []).unwrap()).unwrap();
    let text = format!("{server:?} {:?}", server.handle());
    assert!(text.contains(&server.addresses()[0].to_string()), "{text}");
    assert!(text.contains("connections: 0") && !text.contains("vim"), "{text}");
}
