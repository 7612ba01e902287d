//! Tests of the client against servers that break the protocol.

use std::net::TcpListener;
use std::sync::mpsc::RecvTimeoutError;

use super::*;

/// How long a call that should end may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client, and the server's end of its connection.
fn pair() -> (Client, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn replies_are_read_one_by_one() {
    let mut stream = io::Cursor::new(b"OK\nFAIL\nERROR\n");
    for expected in [Reply::Ok, Reply::Fail, Reply::Error] {
        assert_eq!(read_reply(&mut stream).unwrap(), expected);
    }
    assert!(matches!(read_reply(&mut stream), Err(ClientError::Closed)));
}

#[test]
fn what_is_not_a_reply_is_said_and_not_stored_without_bound() {
    for bytes in [b"YES\n".as_slice(), b"OK", b"OK\r\n", b"ok\n", &[b'x'; 1000]] {
        match read_reply(&mut io::Cursor::new(bytes)) {
            Err(ClientError::NotAReply { line }) => assert!(line.len() <= 7, "{line:?}"),
            other => panic!("{other:?} for {bytes:?}"),
        }
    }
}

#[test]
fn a_late_reply_is_not_taken_for_the_next_one() {
    let (mut client, mut server) = pair();
    client.set_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(matches!(client.exchange(b"QUERY|a|"), Err(ClientError::TimedOut)));
    server.write_all(b"FAIL\nOK\n").unwrap();
    client.set_timeout(None).unwrap();
    assert!(matches!(client.exchange(b"QUERY|b|"), Err(ClientError::Broken)));
    let query = Command::query("b").unwrap();
    assert!(matches!(client.apply(&query), Err(ClientError::Broken)));
    assert!(matches!(client.apply_all([&query], |_| ()), Err(ClientError::Broken)));
}

#[test]
fn what_is_not_a_reply_and_what_ends_the_stream_break_a_client() {
    for bytes in ["YES\nOK\n", ""] {
        let (mut client, mut server) = pair();
        server.write_all(bytes.as_bytes()).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        assert!(!matches!(client.exchange(b""), Ok(_) | Err(ClientError::Broken)));
        assert!(matches!(client.exchange(b""), Err(ClientError::Broken)));
    }
}

#[test]
fn an_exchange_is_one_line_and_a_refusal_breaks_nothing() {
    let (mut client, mut server) = pair();
    assert!(matches!(client.exchange(b"a\nb"), Err(ClientError::NotOneLine { at: 1 })));
    assert!(matches!(client.exchange(b"a\n"), Err(ClientError::NotOneLine { at: 1 })));
    server.write_all(b"ERROR\nOK\n").unwrap();
    let refused = client.apply(&Command::query("a").unwrap());
    assert!(matches!(refused, Err(ClientError::Refused { .. })));
    assert_eq!(client.exchange(b"INDEX|b|").unwrap(), Reply::Ok);
    drop(client);
    let mut sent = String::new();
    server.read_to_string(&mut sent).unwrap();
    assert_eq!(sent, "QUERY|a|\nINDEX|b|\n");
}

#[test]
fn line_ends_are_counted_in_chunks_of_any_size() {
    let (mut client, mut server) = pair();
    server.write_all(b"OK\nFAIL\nERROR\nOK\n").unwrap();
    let mut chunks = ["QUE", "RY|a|\nQUERY|b|\nx", "\n"].into_iter();
    let next_chunk = |chunk: &mut Vec<u8>| {
        chunk.extend_from_slice(chunks.next().unwrap_or_default().as_bytes());
        Ok(())
    };
    let mut replies = Vec::new();
    let on_reply = |reply, _| {
        replies.push(reply);
        ControlFlow::Continue(())
    };
    assert_eq!(client.pipeline(next_chunk, on_reply).unwrap(), 3);
    assert_eq!(replies, [Reply::Ok, Reply::Fail, Reply::Error]);
    assert_eq!(client.exchange(b"INDEX|a|").unwrap(), Reply::Ok);
}

#[test]
fn a_pipeline_that_ends_early_breaks_the_client() {
    for (text, flow) in [("a\nb\n", ControlFlow::Break(())), ("a\nb", ControlFlow::Continue(()))] {
        let (mut client, mut server) = pair();
        server.write_all(b"OK\nOK\n").unwrap();
        let mut text = text.as_bytes();
        let next_chunk = |chunk: &mut Vec<u8>| {
            chunk.extend_from_slice(std::mem::take(&mut text));
            Ok(())
        };
        assert_eq!(client.pipeline(next_chunk, |_, _| flow).unwrap(), 1);
        assert!(matches!(client.exchange(b""), Err(ClientError::Broken)));
    }
}

/// A client sends to a server that never reads, more bytes than any system buffers, so its writer is stuck.
/// The server sends one line. The call must end all the same.
fn with_a_blocked_writer(line: &str, on_reply: impl Fn() -> ControlFlow<()> + Send + 'static) {
    let (mut client, mut server) = pair();
    server.write_all(line.as_bytes()).unwrap();
    let (ended, end) = mpsc::channel::<()>();
    let call = thread::spawn(move || {
        let _ended = ended;
        let mut first = true;
        let next_chunk = |chunk: &mut Vec<u8>| {
            if std::mem::take(&mut first) {
                chunk.push(b'\n');
                chunk.resize(64 << 20, b'x');
            }
            Ok(())
        };
        let result = client.pipeline(next_chunk, |_, _| on_reply());
        (result.is_ok(), matches!(client.exchange(b""), Err(ClientError::Broken)))
    });
    let stuck = end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
    assert!(!stuck, "the writer was not freed");
    match call.join() {
        Ok((fine, broken)) => assert!(broken && fine == (line == "OK\n")),
        Err(panic) => assert_eq!(panic.downcast_ref(), Some(&"on purpose")),
    }
}

#[test]
fn a_panic_at_a_reply_frees_the_writer_and_is_passed_on() {
    with_a_blocked_writer("OK\n", || panic!("on purpose"));
}

#[test]
fn a_break_at_a_reply_frees_the_writer() {
    with_a_blocked_writer("OK\n", || ControlFlow::Break(()));
}

#[test]
fn what_is_not_a_reply_frees_the_writer() {
    with_a_blocked_writer("YES\n", || ControlFlow::Continue(()));
}
