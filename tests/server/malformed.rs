//! A client may send any bytes: each message is answered exactly once and the connection stays
//! in step; the rules are those of `spec/protocol.md`.

use crate::common;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

/// The bytes that may stand in a name, written out once more (rule N1).
const NAME_BYTES: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._@/";

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `pieces` one by one, ends the stream, and returns all replies.
fn converse<'a>(address: SocketAddr, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut stream = connect(address);
    for piece in pieces {
        stream.write_all(piece).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

/// Rules M1, M6, M8, M9, N1, N4, D1 to D3, L1, L6, L7.
#[test]
fn every_byte_in_every_field_is_judged_by_the_grammar() {
    let (_server, address, _) = common::serve();
    converse(address, [b"INDEX|probe|\n".as_slice()]);
    // Where the byte goes, and what is said to a byte of a name and to anything else.
    let fields: [(&str, &str, &str, &str); 8] = [
        ("", "QUERY|a|", "ERROR", "ERROR"),
        ("QUE", "RY|a|", "ERROR", "ERROR"),
        ("QUERY", "|a|", "ERROR", "ERROR"),
        ("QUERY|", "a|", "FAIL", "ERROR"),
        ("QUERY|a", "a|", "FAIL", "ERROR"),
        ("QUERY|probe|", "", "OK", "ERROR"),
        ("QUERY|probe|a", "b", "OK", "ERROR"),
        ("QUERY|probe|a,b", "", "OK", "ERROR"),
    ];
    for (field, (before, after, to_name_byte, to_other)) in fields.into_iter().enumerate() {
        for byte in 0..=u8::MAX {
            let expected = match (field, byte) {
                // LF makes two messages of one.
                (5 | 7, b'\n') => "OK\nERROR",
                (6, b'\n') => "OK\nERROR",
                (0, b'\n') => "ERROR\nFAIL",
                (_, b'\n') => "ERROR\nERROR",
                // CR before LF is dropped; commas stand between names and may trail.
                (5 | 7, b'\r') | (6 | 7, b',') => "OK",
                (_, byte) if NAME_BYTES.contains(&byte) => to_name_byte,
                _ => to_other,
            };
            let mut message = before.as_bytes().to_vec();
            message.push(byte);
            message.extend_from_slice(after.as_bytes());
            message.extend_from_slice(b"\nQUERY|probe|\n");
            let replies = converse(address, [message.as_slice()]);
            assert_eq!(replies, format!("{expected}\nOK\n"), "{}", message.escape_ascii());
        }
    }
}

/// Rule L8.
#[test]
fn a_conversation_split_at_every_byte_reads_as_if_unsplit() {
    let conversation = b"INDEX|a|\r\nINDEX|b|a,a,\n\nnonsense\nREMOVE|a|x\nREMOVE|b|\nQUERY|b|\n";
    let expected = "OK\nOK\nERROR\nERROR\nFAIL\nOK\nFAIL\n";
    let (_server, address, _) = common::serve();
    for at in 0..=conversation.len() {
        let (one, other) = conversation.split_at(at);
        // Each conversation starts as the last one ended but for `a`, which stays indexed.
        assert_eq!(converse(address, [one, other]), expected, "split at {at}");
    }
    assert_eq!(converse(address, conversation.chunks(1)), expected, "byte by byte");
}

/// Rules O1, O2, O3, C3.
#[test]
fn a_hundred_thousand_messages_sent_ahead_are_answered_in_order() {
    let (_server, address, _) = common::serve();
    let mut stream = connect(address);
    let reader = BufReader::new(stream.try_clone().unwrap());
    // What is answered to each: so that a reply out of place shows, no two neighbours that could
    // be swapped unnoticed are alike for long.
    let kinds = [("INDEX|p|\n", "OK"), ("QUERY|q|\n", "FAIL"), ("QUERY|q\n", "ERROR")];
    let kind = |number: usize| kinds[(number * number + number / 7) % 3];
    let count = 100_000;
    let replies = thread::spawn(move || reader.lines().map(Result::unwrap).collect::<Vec<_>>());
    let messages: String = (0..count).map(|number| kind(number).0).collect();
    stream.write_all(messages.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let replies = replies.join().unwrap();
    assert_eq!(replies.len(), count);
    for (number, reply) in replies.iter().enumerate() {
        assert_eq!(reply, kind(number).1, "message {number}");
    }
}

/// 65,536 bytes of line limit, and room for what the process touches for the first time: the
/// stack of a thread, the allocator's arena of that thread.
#[cfg(target_os = "linux")]
const A_LINE_AND_A_THREAD: usize = 65_536 + 512 * 1024;

/// They cost no more memory than a line.
/// Rules L3, L4, L5.
#[test]
#[cfg(target_os = "linux")]
fn ten_megabytes_without_lf_cost_one_error() {
    let serving = common::Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0];
    assert_eq!(converse(address, [b"INDEX|a|\n".as_slice()]), "OK\n");
    let process = common::process::Process(serving.pid());
    let before = process.resident_bytes();
    let mut stream = connect(address);
    let mut replies = BufReader::new(stream.try_clone().unwrap()).lines();
    for _ in 0..160 {
        stream.write_all(&[b'x'; 65_536]).unwrap();
    }
    // The reply is there although the line has not ended, and it is the only one: the next
    // message has the next.
    assert_eq!(replies.next().unwrap().unwrap(), "ERROR");
    stream.write_all(b"\nQUERY|a|\n").unwrap();
    assert_eq!(replies.next().unwrap().unwrap(), "OK");
    let grown = process.resident_bytes().saturating_sub(before);
    println!("10,485,760 bytes in one line: resident memory grew by {grown} bytes");
    assert!(grown <= A_LINE_AND_A_THREAD, "{grown} bytes");
}
