//! Tests of the counts and of the endpoint, with hand-written requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use super::*;
use crate::engine::Engine;
use crate::server::{Config, Server};

mod guard;
mod pages;

/// A server with metrics, its endpoint, and its engine.
fn served(config: Config) -> (Server, Endpoint, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    let metrics = Arc::new(Metrics::new().unwrap());
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let monitor = Arc::clone(&metrics) as Arc<dyn Monitor>;
    let server = Server::start_monitored([listen()], Arc::clone(&engine), config, monitor).unwrap();
    let endpoint =
        Endpoint::start(listen(), metrics, Arc::clone(&engine), server.handle()).unwrap();
    (server, endpoint, engine)
}

/// The answer of the server at `address` to `bytes`, up to its end.
fn tell(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

fn get(endpoint: &Endpoint, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    tell(endpoint.address(), request.as_bytes())
}

/// The metrics when no client is connected any more. A client may be gone before its end is counted.
fn metrics_at_rest(endpoint: &Endpoint) -> String {
    metrics_with(endpoint, "indexer_connections_open 0")
}

/// The metrics when they have this line.
fn metrics_with(endpoint: &Endpoint, line: &str) -> String {
    loop {
        let metrics = get(endpoint, "/metrics");
        if metrics.lines().any(|other| other == line) {
            return metrics;
        }
    }
}

#[track_caller]
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|other| other == *line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn each_command_is_counted_with_its_reply() {
    let config = Config { max_line_bytes: 300, ..Config::default() };
    let (server, endpoint, _) = served(config);
    let messages = b"INDEX|a|\nINDEX|bc|a\nINDEX|d|x\nQUERY|a|\nREMOVE|a|\nREMOVE|z|\nbad\n";
    assert_eq!(tell(server.addresses()[0], messages).lines().count(), 7);
    tell(server.addresses()[0], &[b'x'; 300]);
    let metrics = metrics_at_rest(&endpoint);
    assert_lines(
        &metrics,
        &[
            r#"indexer_commands_total{command="INDEX",reply="OK"} 2"#,
            r#"indexer_commands_total{command="INDEX",reply="FAIL"} 1"#,
            r#"indexer_commands_total{command="INDEX",reply="ERROR"} 0"#,
            r#"indexer_commands_total{command="QUERY",reply="OK"} 1"#,
            r#"indexer_commands_total{command="REMOVE",reply="FAIL"} 1"#,
            r#"indexer_commands_total{command="REMOVE",reply="OK"} 1"#,
            "indexer_malformed_total 2",
            "indexer_connections_accepted_total 2",
            r#"indexer_connections_ended_total{how="by_client"} 2"#,
            &format!("indexer_received_bytes_total {}", messages.len() + 300),
            &format!("indexer_sent_bytes_total {}", "OKOKFAILOKFAILOKERRORERROR".len() + 8),
            "indexer_batch_messages_sum 8",
            "indexer_packages 2",
            "indexer_dependencies 1",
            "indexer_state_bytes 116",
        ],
    );
    // How many batches there were depends on the network, but one had commands.
    for name in ["indexer_lock_wait_seconds_count ", "indexer_batch_seconds_count "] {
        let count = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert!(count.parse::<u64>().unwrap() >= 1, "{metrics}");
    }
}

#[test]
fn clients_that_are_turned_away_or_let_go_are_counted() {
    let config = Config { max_connections: 0, ..Config::default() };
    let (server, endpoint, _) = served(config);
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    // Its end is sent before it is counted.
    let line = r#"indexer_connections_turned_away_total{reason="full"} 1"#;
    assert_lines(&metrics_with(&endpoint, line), &["indexer_connections_accepted_total 0"]);

    let idle_timeout = Some(std::time::Duration::from_millis(1));
    let (server, endpoint, _) = served(Config { idle_timeout, ..Config::default() });
    let mut stream = TcpStream::connect(server.addresses()[0]).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    drop(stream);
    let line = r#"indexer_connections_ended_total{how="idle"} 1"#;
    assert_lines(&metrics_at_rest(&endpoint), &[line]);
}

#[test]
fn the_server_is_well_until_it_is_poisoned_or_stops() {
    let (server, endpoint, engine) = served(Config::default());
    assert!(get(&endpoint, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    let panics = || engine.batch(|_| panic!("a bug, on purpose"));
    assert!(std::thread::scope(|scope| scope.spawn(panics).join().is_err()));
    let poisoned = get(&endpoint, "/healthz");
    assert!(poisoned.starts_with("HTTP/1.1 503 "), "{poisoned}");
    assert!(poisoned.contains("restart the server"), "{poisoned}");
    // What was counted is still there.
    assert!(get(&endpoint, "/metrics").starts_with("HTTP/1.1 200 OK\r\n"));
    server.shut_down();
    let stopping = get(&endpoint, "/healthz");
    assert!(stopping.ends_with("\r\n\r\nthe server is shutting down\n"), "{stopping}");
}

#[test]
fn the_endpoint_answers_what_it_can_and_refuses_the_rest() {
    let (_server, endpoint, _) = served(Config::default());
    let status = |request: &[u8]| {
        let response = tell(endpoint.address(), request);
        response.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(status(b"GET /metrics?x=1 HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK");
    assert_eq!(status(b"GET / HTTP/1.0\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(status(b"POST /metrics HTTP/1.0\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(status(b"QUERY|a|\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    // As long as allowed, so that no unread bytes reset the connection.
    let long = [b"GET /".as_slice(), &[b'x'; 8 * 1024 - 5]].concat();
    assert_eq!(status(&long), "HTTP/1.1 431 Request Header Fields Too Large");
    let with_fields = |count| {
        let fields = "X: y\r\n".repeat(count);
        status(format!("GET /healthz HTTP/1.0\r\n{fields}\r\n").as_bytes())
    };
    assert_eq!(with_fields(64), "HTTP/1.1 200 OK");
    assert_eq!(with_fields(65), "HTTP/1.1 431 Request Header Fields Too Large");
    // An incomplete request gets no response.
    assert_eq!(status(b"GET /metrics"), "");
    let head = tell(endpoint.address(), b"HEAD /healthz HTTP/1.0\r\n\r\n");
    assert!(head.contains("Content-Length: 3\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}
