//! Tests of the server as a library type, each on a port of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::*;
use crate::client::Client;
use crate::command::{Command, Outcome};
use crate::machine::StateMachine;

fn server(config: Config) -> (Server, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (Server::start([listener], Arc::clone(&engine), config).unwrap(), engine)
}

fn to_the_end(mut stream: &TcpStream) -> String {
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
fn clients_past_the_limit_are_let_go_and_make_room_when_they_leave() {
    let (server, _) = server(Config { max_connections: 1, ..Config::default() });
    let query = Command::query("a").unwrap();
    let mut first = Client::connect(server.addresses()[0]).unwrap();
    first.apply(&query).unwrap();
    let second = TcpStream::connect(server.addresses()[0]).unwrap();
    assert_eq!(to_the_end(&second), "");
    drop(first);
    assert!(server.shared.connections.wait_until_empty(Duration::from_secs(30)));
    let mut third = Client::connect(server.addresses()[0]).unwrap();
    assert_eq!(third.apply(&query).unwrap(), Outcome::Fail);
}

#[test]
fn a_shutdown_lets_idle_clients_find_the_end_of_the_stream() {
    let (server, _) = server(Config::default());
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    stream.write_all(b"INDEX|a|\n").unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).unwrap();
    server.shut_down();
    assert_eq!(to_the_end(&stream), "");
    assert_eq!(server.join(), Stopped { cut_off: 0 });
}

#[test]
fn a_shutdown_loses_no_reply_to_an_applied_command_even_for_clients_that_send_on() {
    let (server, engine) = server(Config::default());
    let address = server.addresses()[0];
    let clients: Vec<_> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
    // No client reads until all that follows is sent.
    let send = |from: usize, to: usize| {
        for (client, mut stream) in clients.iter().enumerate() {
            let messages: String =
                (from..to).map(|number| format!("INDEX|c{client}-{number}|\n")).collect();
            // After the shutdown there may be nobody left to send to.
            let sent = stream.write_all(messages.as_bytes());
            assert!(sent.is_ok() || from > 0);
        }
    };
    send(0, 5_000);
    while engine.batch(|index| index.len()).unwrap() < 20_000 {
        thread::yield_now();
    }
    server.shut_down();
    for step in 5..20 {
        send(step * 1_000, (step + 1) * 1_000);
    }
    let answered: usize = clients
        .iter()
        .map(|stream| {
            stream.shutdown(Shutdown::Write).unwrap();
            to_the_end(stream)
                .strip_suffix('\n')
                .unwrap()
                .split('\n')
                .map(|reply| {
                    assert_eq!(reply, "OK");
                })
                .count()
        })
        .sum();
    assert_eq!(server.join(), Stopped { cut_off: 0 });
    assert_eq!(engine.batch(|index| index.len()), Ok(answered));
}

#[test]
fn a_shutdown_under_load_loses_no_reply_to_an_applied_command() {
    let (server, engine) = server(Config::default());
    let address = server.addresses()[0];
    let (clients, answered_by_each) = (4, 1_000);
    let started = std::sync::Barrier::new(clients + 1);
    let answered: usize = thread::scope(|scope| {
        let talk = |client: usize| {
            let stream = TcpStream::connect(address).unwrap();
            let started = &started;
            let writer = stream.try_clone().unwrap();
            scope.spawn(move || {
                for number in 0.. {
                    let message = format!("INDEX|c{client}-{number}|\n");
                    if (&writer).write_all(message.as_bytes()).is_err() {
                        break;
                    }
                }
            });
            scope.spawn(move || {
                let mut answered = 0;
                let mut bytes = [0; 3];
                while (&stream).read_exact(&mut bytes).is_ok() {
                    assert_eq!(&bytes, b"OK\n");
                    answered += 1;
                    if answered == answered_by_each {
                        started.wait();
                    }
                }
                let _already_gone = stream.shutdown(Shutdown::Both);
                answered
            })
        };
        let clients: Vec<_> = (0..clients).map(talk).collect();
        started.wait();
        server.shut_down();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(server.join(), Stopped { cut_off: 0 });
    assert!(answered >= clients * answered_by_each);
    assert_eq!(engine.batch(|index| index.len()), Ok(answered));
}

#[test]
fn clients_that_neither_read_nor_stop_are_cut_off_when_the_grace_ends() {
    let (server, _) = server(Config { shutdown_grace: Duration::ZERO, ..Config::default() });
    let address = server.addresses()[0];
    let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    thread::scope(|scope| {
        for mut stream in &clients {
            // The server gets stuck with replies that nobody reads, and then so does this.
            scope.spawn(move || while stream.write_all(&[b'\n'; 16_384]).is_ok() {});
        }
        while server.connections() < clients.len() {
            thread::yield_now();
        }
        server.shut_down();
        assert_eq!(server.join(), Stopped { cut_off: clients.len() });
        for stream in &clients {
            let _already_gone = stream.shutdown(Shutdown::Both);
        }
    });
}

#[test]
fn dropping_a_server_frees_its_port() {
    let (server, _) = server(Config::default());
    let address = server.addresses()[0];
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}
