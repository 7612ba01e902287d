//! All of Homebrew's formulae, and clients that insist on a message about each, by brute force.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Barrier;
use std::thread;

use fastrand::Rng;
use package_indexer::Reply;
use package_indexer::client::Client;

use super::BREW;

/// How many messages a client sends before it reads their replies.
const PIPELINE: usize = 64;

/// How often a client goes through its share before something must be wrong. A formula waits for
/// the longest chain of dependencies below it at most, one round a link, plus clients that are slow.
const MAX_ROUNDS: usize = 1_000_000;

/// One message in twenty is one of these.
const MALFORMED: [&str; 12] = [
    "",
    "INDEX",
    "INDEX|zlib",
    "INDEX||",
    "INDEX|zlib||",
    "INDEX|zlib|a,,b",
    "INDEX|zlib|,",
    "BLINDEX|zlib|",
    "query|zlib|",
    "QUERY|emacs elisp|",
    "REMOVE|zlib|a:b",
    "INDEX|\u{e9}lan|",
];

/// A formula, and what it depends on.
pub(crate) type Formula = (String, Vec<String>);

/// The formulae with those of their dependencies that are formulae themselves.
pub(crate) fn formulae() -> Vec<Formula> {
    let text = fs::read_to_string(BREW).unwrap();
    let all: BTreeMap<&str, Vec<&str>> = text
        .lines()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, list)| (name, list.split_whitespace().collect()))
        .collect();
    assert_eq!(all.len(), 3_368);
    all.iter()
        .map(|(name, list)| {
            let known = list.iter().filter(|dependency| all.contains_key(*dependency));
            ((*name).to_owned(), known.map(ToString::to_string).collect())
        })
        .collect()
}

/// Sends each message until its reply is `wanted`; in between, messages that must be answered
/// ERROR.
fn insist(client: &mut Client, rng: &mut Rng, messages: Vec<String>, wanted: Reply) {
    let mut left = messages;
    for round in 0.. {
        if left.is_empty() {
            break;
        }
        assert!(round < MAX_ROUNDS, "never answered {wanted}: {left:?}");
        rng.shuffle(&mut left);
        let mut again = Vec::new();
        for batch in left.chunks(PIPELINE) {
            let mut text = String::new();
            let mut sent = Vec::new();
            for message in batch {
                while rng.u8(..20) == 0 {
                    text += MALFORMED[rng.usize(..MALFORMED.len())];
                    text.push('\n');
                    sent.push(None);
                }
                text += message;
                text.push('\n');
                sent.push(Some(message));
            }
            let mut replies = Vec::new();
            let mut chunks = [text.into_bytes()].into_iter();
            let next_chunk = |chunk: &mut Vec<u8>| {
                *chunk = chunks.next().unwrap_or_default();
                Ok(())
            };
            let on_reply = |reply, _| {
                replies.push(reply);
                ControlFlow::Continue(())
            };
            client.pipeline(next_chunk, on_reply).unwrap();
            assert_eq!(replies.len(), sent.len());
            for (message, reply) in sent.into_iter().zip(replies) {
                match message {
                    None => assert_eq!(reply, Reply::Error),
                    Some(_) if reply == wanted => {}
                    Some(message) => {
                        assert_eq!(reply, Reply::Fail, "{message}");
                        again.push(message.clone());
                    }
                }
            }
        }
        left = again;
    }
}

/// Has `clients` clients of servers of one index, all of them connected before the first one speaks,
/// insist on one message for each formula, each on its own share.
pub(crate) fn by_all(
    clients: usize,
    addresses: &[SocketAddr],
    seed: u64,
    wanted: Reply,
    messages: &(impl Iterator<Item = String> + Clone),
) {
    let connected = Barrier::new(clients);
    thread::scope(|scope| {
        for number in 0..clients {
            let share = messages.clone().skip(number).step_by(clients).collect();
            let connected = &connected;
            let address = addresses[number % addresses.len()];
            scope.spawn(move || {
                let client = Client::connect(address);
                // Anyone who did not get through must not keep the others waiting.
                connected.wait();
                let mut rng = Rng::with_seed(seed.wrapping_add(number as u64));
                insist(&mut client.unwrap(), &mut rng, share, wanted);
            });
        }
    });
}
