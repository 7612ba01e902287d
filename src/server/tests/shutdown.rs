//! Tests of the shutdown: what it waits for, what it cuts off, and what it leaves.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::index::Limits;
use crate::log::memory::Memory;
use crate::replica::{Replica, ReplicaConfig};

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

// Clients that keep sending lose none either.
#[test]
fn a_shutdown_loses_no_reply_to_an_applied_command() {
    let (server, engine) = server(Config::default());
    let address = server.addresses()[0];
    let clients: Vec<_> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
    // No client reads until all messages below are sent.
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
fn clients_that_never_stop_are_cut_off_when_the_grace_ends() {
    let (server, _) = server(Config { shutdown_grace: Duration::ZERO, ..Config::default() });
    let address = server.addresses()[0];
    let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    thread::scope(|scope| {
        for mut stream in &clients {
            // The server blocks on replies that nobody reads, and then this thread blocks too.
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

#[test]
fn after_a_join_nothing_of_the_server_is_left() {
    for _ in 0..50 {
        let (server, engine) = server(Config::default());
        let address = server.addresses()[0];
        let mut clients = [(); 4].map(|()| Client::connect(address).unwrap());
        for client in &mut clients {
            client.apply(&Command::index("a", []).unwrap()).unwrap();
        }
        server.shut_down();
        drop(clients);
        assert_eq!(server.join(), Stopped { cut_off: 0 });
        assert!(Arc::into_inner(engine).is_some(), "somebody still has the engine");
        assert!(TcpStream::connect(address).is_err(), "somebody still listens");
    }
}

#[test]
fn a_join_waits_for_the_shutdown_to_begin() {
    for listeners in [0, 1] {
        let listeners = (0..listeners).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let server = Server::start(listeners, Arc::<Engine>::default(), Config::default()).unwrap();
        let handle = server.handle();
        let begun = AtomicBool::new(false);
        thread::scope(|scope| {
            let joining = scope.spawn(|| {
                let stopped = server.join();
                assert!(begun.load(Ordering::SeqCst), "there was nothing to wait for yet");
                stopped
            });
            // Gives time to a join that would not wait.
            (0..10_000).for_each(|_| thread::yield_now());
            begun.store(true, Ordering::SeqCst);
            handle.shut_down();
            assert_eq!(joining.join().unwrap(), Stopped { cut_off: 0 });
        });
    }
}

#[test]
fn a_server_is_shut_down_from_anywhere_while_it_is_joined() {
    let (server, _) = server(Config::default());
    let mut client = Client::connect(server.addresses()[0]).unwrap();
    let handle = server.handle();
    thread::scope(|scope| {
        let joining = scope.spawn(|| server.join());
        for _ in 0..1_000 {
            client.apply(&Command::query("a").unwrap()).unwrap();
        }
        let again = handle.clone();
        scope.spawn(move || handle.shut_down());
        assert_eq!(joining.join().unwrap(), Stopped { cut_off: 0 });
        again.shut_down();
    });
}

#[test]
fn an_acceptor_whose_first_wake_got_lost_is_woken_again() {
    let (server, engine) = server(Config::default());
    let address = server.addresses()[0];
    // Like a shutdown that finds no file descriptor to wake anybody with.
    server.handle.connections.close();
    assert_eq!(server.join(), Stopped { cut_off: 0 });
    assert!(Arc::into_inner(engine).is_some());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_shutdown_does_not_wait_for_an_acceptor_that_never_ends() {
    let (server, _) = server(Config { shutdown_grace: Duration::ZERO, ..Config::default() });
    let _stuck = server.shared.connections.accepting();
    server.shut_down();
    assert_eq!(server.join(), Stopped { cut_off: 0 });
}

// It is read and dropped: unread input would reset the connection.
#[test]
fn what_comes_after_a_shutdown_began_takes_no_reply_away() {
    let (server, engine) = server(Config::default());
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    while server.connections() == 0 {
        thread::yield_now();
    }
    // More than the first read takes. The server cannot answer while the index is taken. It finds out that it
    // is to stop before it reads the rest.
    let messages = b"INDEX|a|\n".repeat(5_000);
    engine
        .batch(|_| {
            stream.write_all(&messages).unwrap();
            server.shut_down();
        })
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // Only now: a reset would have come by then and destroyed the replies.
    wait_until_nobody_is_connected(&server);
    let replies = to_the_end(&stream);
    assert_eq!(replies.replace("OK\n", ""), "");
    assert_eq!(server.join(), Stopped { cut_off: 0 });
}

#[test]
fn a_shutdown_also_ends_a_client_that_never_pauses() {
    let (server, engine) = server(Config::default());
    let stream = TcpStream::connect(server.addresses()[0]).unwrap();
    let handle = server.handle();
    let (replies, stopped) = thread::scope(|scope| {
        let joining = scope.spawn(|| server.join());
        scope.spawn(|| while (&stream).write_all(b"INDEX|a|\nREMOVE|a|\n").is_ok() {});
        let mut reply = [0; 3];
        (&stream).read_exact(&mut reply).unwrap();
        handle.shut_down();
        // The replies end although the client goes on, and before the client is cut off.
        let replies = io::copy(&mut &stream, &mut io::sink());
        let _cut_off = stream.shutdown(Shutdown::Both);
        (replies, joining.join().unwrap())
    });
    assert_eq!(stopped, Stopped { cut_off: 0 });
    assert_eq!(replies.unwrap() % 3, 0);
    assert!(Arc::into_inner(engine).is_some());
}

// The log is unreachable, so each is answered `ERROR`.
#[test]
fn clients_that_wait_for_a_log_are_answered_as_the_grace_ends() {
    let how = ReplicaConfig { patience: NEVER, ..ReplicaConfig::default() };
    // No thread does its duties, so nothing is ever appended.
    let replica = Replica::start(Arc::new(Memory::default()), Limits::default(), how, |_| ());
    let config = Config { shutdown_grace: Duration::from_millis(10), ..Config::default() };
    let server = server_of(&Arc::new(replica.unwrap()), config);
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    // The first message is answered at once. So the server has the other when it is told to stop.
    stream.write_all(b"?\nINDEX|a|\n").unwrap();
    let mut reply = [0; 6];
    stream.read_exact(&mut reply).unwrap();
    server.shut_down();
    assert_eq!(to_the_end(&stream), "ERROR\n");
    assert_eq!(server.join(), Stopped { cut_off: 0 });
}
