//! Many clients at once, and clients that break off.

use crate::common;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use package_indexer::client::Client;
use package_indexer::{Command, Outcome};

/// Rules C2, C5.
#[test]
fn a_hundred_clients_are_open_and_answered_at_once() {
    let (_server, address, _) = common::serve();
    let mut clients: Vec<_> = (0..100).map(|_| Client::connect(address).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let package = format!("p{number}");
        assert_eq!(client.apply(&Command::index(&package, []).unwrap()).unwrap(), Outcome::Ok);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let other = format!("p{}", (number + 37) % 100);
        assert_eq!(client.apply(&Command::query(&other).unwrap()).unwrap(), Outcome::Ok);
    }
}

/// It undoes nothing that was answered.
/// Rules C4, L9.
#[test]
fn a_client_that_breaks_off_at_any_byte_disturbs_no_other() {
    let (server, address, engine) = common::serve();
    let mut witness = Client::connect(address).unwrap();
    let ask = |witness: &mut Client, package: &str| {
        witness.apply(&Command::query(package).unwrap()).unwrap()
    };
    for cut in 0..b"INDEX|cut-off|answered\n".len() {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"INDEX|answered|\n").unwrap();
        let mut reply = String::new();
        BufReader::new(&stream).read_line(&mut reply).unwrap();
        assert_eq!(reply, "OK\n");
        stream.write_all(&b"INDEX|cut-off|answered\n"[..cut]).unwrap();
        drop(stream);
        assert_eq!(ask(&mut witness, "answered"), Outcome::Ok, "cut at {cut}");
        assert_eq!(ask(&mut witness, "cut-off"), Outcome::Fail, "cut at {cut}");
    }
    drop(server);
    engine.batch(|index| assert_eq!(index.check_invariants(), Ok(()))).unwrap();
}
