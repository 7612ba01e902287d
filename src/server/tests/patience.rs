//! Tests of the time that a client has to take its replies and to send its next message.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Asserts that a client that comes now is answered.
fn assert_serves(server: &Server) {
    let mut client = Client::connect(server.addresses()[0]).unwrap();
    assert_eq!(client.apply(&Command::query("a").unwrap()).unwrap(), Outcome::Fail);
}

#[test]
fn a_client_that_sends_and_never_reads_is_cut_off() {
    let write_timeout = Duration::from_millis(1);
    let (server, _) = server(Config { write_timeout, ..Config::default() });
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    // Ends only when the server has closed the connection. Until then the server takes some of it, or none.
    while stream.write_all(&b"QUERY|a|\n".repeat(1_000)).is_ok() {}
    wait_until_nobody_is_connected(&server);
    assert_serves(&server);
}

/// Counts the bytes of replies that the system has taken.
#[derive(Default)]
struct Sent(AtomicUsize);

impl Monitor for Sent {
    fn sent(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Rule O3.
#[test]
#[cfg(target_os = "linux")]
fn what_is_kept_for_a_client_that_never_reads_is_bounded() {
    let sent = Arc::new(Sent::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config { write_timeout: Duration::from_millis(1), ..Config::default() };
    let monitor = Arc::clone(&sent) as Arc<dyn Monitor>;
    let server =
        Server::start_monitored([listener], Arc::<Engine>::default(), config, monitor).unwrap();
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    // The least buffer that this side can have.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 1).unwrap();
    while stream.write_all(&b"\n".repeat(10_000)).is_ok() {}
    wait_until_nobody_is_connected(&server);
    let sent = sent.0.load(Ordering::Relaxed);
    assert!(sent <= 512 * 1024 + 64 * 1024, "{sent} bytes");
}

#[test]
fn a_silent_client_is_let_go_and_finds_the_end_of_the_stream() {
    let idle_timeout = Some(Duration::from_millis(1));
    let (server, _) = server(Config { idle_timeout, ..Config::default() });
    let stream = TcpStream::connect(server.addresses()[0]).unwrap();
    assert_eq!(to_the_end(&stream), "");
}

// However often it sends.
#[test]
fn a_client_that_never_ends_its_line_is_let_go() {
    let idle_timeout = Some(Duration::from_millis(1));
    let (server, _) = server(Config { idle_timeout, ..Config::default() });
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    while stream.write_all(b"x").is_ok() {}
    wait_until_nobody_is_connected(&server);
}
