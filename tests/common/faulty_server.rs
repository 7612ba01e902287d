//! Servers of the protocol that are not linearizable, each in its own way.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use package_indexer::command::Verb;
use package_indexer::{Outcome, PackageIndex, Reply, wire};

/// What a server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// QUERY is answered from a copy, which is renewed after every third change.
    StaleCopy,
    /// Each message of a batch takes the index for itself, the last one first.
    WrongOrder,
    /// Each connection ends after its third batch, without a reply to that.
    Dies,
    /// A message is tried on a copy, which takes the index's place afterwards.
    LostUpdates,
}

#[derive(Default)]
struct Shared {
    index: Mutex<PackageIndex>,
    copy: Mutex<(usize, PackageIndex)>,
}

/// Serves for as long as the test runs.
pub(crate) fn serve(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new(Shared::default());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || converse(&stream.unwrap(), &shared, fault));
        }
    });
    address
}

/// Answers a client, batch by batch, until it has gone.
fn converse(mut stream: &TcpStream, shared: &Shared, fault: Fault) {
    stream.set_nodelay(true).unwrap();
    let mut input = BufReader::new(stream);
    for number in 1.. {
        let mut batch = Vec::new();
        while batch.is_empty() || input.buffer().contains(&b'\n') {
            let mut line = Vec::new();
            if !matches!(input.read_until(b'\n', &mut line), Ok(count) if count > 0) {
                return;
            }
            batch.push(line);
        }
        let mut replies = vec![Reply::Error; batch.len()];
        let mut order: Vec<_> = (0..batch.len()).collect();
        if fault == Fault::WrongOrder {
            order.reverse();
        }
        for place in order {
            replies[place] = shared.answer(&batch[place], fault);
        }
        if fault == Fault::Dies && number == 3 {
            return;
        }
        let replies: Vec<_> = replies.iter().flat_map(|reply| reply.as_line()).copied().collect();
        if stream.write_all(&replies).is_err() {
            return;
        }
    }
}

impl Shared {
    fn answer(&self, line: &[u8], fault: Fault) -> Reply {
        let Ok(command) = wire::parse(line) else { return Reply::Error };
        let verb = command.verb();
        if fault == Fault::StaleCopy && verb == Verb::Query {
            return self.copy.lock().unwrap().1.apply(command).unwrap().into();
        }
        if fault == Fault::LostUpdates {
            let mut copy = self.index.lock().unwrap().clone();
            let outcome = copy.apply(command).unwrap();
            thread::yield_now();
            if outcome == Outcome::Ok {
                *self.index.lock().unwrap() = copy;
            }
            return outcome.into();
        }
        let mut index = self.index.lock().unwrap();
        let outcome = index.apply(command).unwrap();
        let mut copy = self.copy.lock().unwrap();
        copy.0 += usize::from(outcome == Outcome::Ok);
        if copy.0 % 3 == 0 {
            copy.1 = index.clone();
        }
        outcome.into()
    }
}
