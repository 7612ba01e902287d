//! Tests of clients that speak HTTP (rule C7): they see an error and the end, and neither gets lost.

use super::*;

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 26\r\n\r\n\
    REMOVE|victim|\nINDEX|evil|\n";

#[test]
fn a_browser_that_posts_messages_gets_one_error_and_the_end() {
    let (server, engine) = server(Config::default());
    engine.apply(&Command::index("victim", []).unwrap()).unwrap();
    // One client waits for the end, and the other has ended its stream itself.
    for half_closes in [false, true] {
        let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
        stream.write_all(REQUEST).unwrap();
        if half_closes {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        assert_eq!(to_the_end(&stream), "ERROR\n");
    }
    assert_eq!(engine.apply(&Command::query("victim").unwrap()), Ok(Outcome::Ok));
    assert_eq!(engine.apply(&Command::query("evil").unwrap()), Ok(Outcome::Fail));
    wait_until_nobody_is_connected(&server);
}

#[test]
fn a_large_body_sent_with_a_request_does_not_cost_the_error() {
    let (server, engine) = server(Config::default());
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    // More than the server reads at once, and less than the system buffers.
    stream.write_all(&[REQUEST, &b"INDEX|evil|\n".repeat(10_000)].concat()).unwrap();
    stream.set_read_timeout(Some(NEVER)).unwrap();
    stream.peek(&mut [0]).unwrap();
    // The server is done with the client: a reset would have come by now.
    wait_until_nobody_is_connected(&server);
    assert_eq!(to_the_end(&stream), "ERROR\n");
    assert_eq!(engine.apply(&Command::query("evil").unwrap()), Ok(Outcome::Fail));
}
