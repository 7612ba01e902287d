//! Tests of how the endpoint defends itself: against web pages, and against clients that keep others out.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::endpoint::{MAX_CONNECTIONS, MAX_DIGESTS};
use super::*;

/// The status of the response to a request.
fn status(endpoint: &Endpoint, head: &str) -> String {
    let response = tell(endpoint.address(), format!("{head}\r\n\r\n").as_bytes());
    let status = response.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.unwrap_or_else(|| panic!("{head}: {response}")).to_owned()
}

#[test]
fn only_a_request_that_names_this_machine_is_answered() {
    let (server, endpoint, engine) = served(Config::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = Arc::new(Metrics::new().unwrap());
    let named = ["indexer.example".to_owned()];
    let named = Endpoint::start_as(named, listener, metrics, engine, server.handle()).unwrap();
    let port = endpoint.address().port();
    for page in ["/metrics", "/healthz", "/digest", "/nothing"] {
        let found = if page == "/nothing" { "404" } else { "200" };
        for (host, expected) in [
            (format!("Host: 127.0.0.1:{port}"), found),
            (format!("Host: localhost:{port}"), found),
            ("host:   [::1]  ".into(), found),
            (format!("Host: evil.example:{port}"), "421"),
            ("Host: indexer.example".into(), "421"),
            ("Host:".into(), "421"),
            ("Host: localhost\r\nHost: localhost".into(), "400"),
            ("X: y".into(), "400"),
        ] {
            assert_eq!(
                status(&endpoint, &format!("GET {page} HTTP/1.1\r\n{host}")),
                expected,
                "{host}"
            );
        }
        assert_eq!(
            status(&named, &format!("GET {page} HTTP/1.1\r\nHost: Indexer.example:1")),
            found
        );
        assert_eq!(status(&endpoint, &format!("GET {page} HTTP/1.0")), found);
        // The target counts, not the field.
        let absolute = format!("GET http://evil.example{page} HTTP/1.1\r\nHost: localhost");
        assert_eq!(status(&endpoint, &absolute), "421");
        let absolute = format!("GET http://localhost:{port}{page} HTTP/1.1\r\nHost: evil.example");
        assert_eq!(status(&endpoint, &absolute), found);
    }
}

#[test]
fn a_web_page_gets_neither_the_digest_nor_a_backup() {
    let (_server, endpoint, _) = served(Config::default());
    for (field, is_refused) in [
        ("Origin: http://evil.example", true),
        ("Origin: null", true),
        ("Sec-Fetch-Site: cross-site", true),
        ("sec-fetch-site: same-site", true),
        ("Sec-Fetch-Site: none", false),
        ("Sec-Fetch-Site: same-origin", false),
        ("User-Agent: curl", false),
    ] {
        for (page, found) in [("/digest", "200"), ("/backup", "404"), ("/metrics", "200")] {
            let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\n{field}");
            let expected = if is_refused && page != "/metrics" { "403" } else { found };
            assert_eq!(status(&endpoint, &request), expected, "{page} {field}");
        }
    }
}

#[test]
fn silent_connections_give_way_to_a_probe_the_oldest_first() {
    let (_server, endpoint, _) = served(Config::default());
    let connect = || TcpStream::connect(endpoint.address()).unwrap();
    let mut silent: Vec<_> = (0..MAX_CONNECTIONS + 20).map(|_| connect()).collect();
    for _ in 0..20 {
        assert!(get(&endpoint, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
        silent.push(connect());
    }
    // Half a request counts as none.
    for stream in &mut silent[150..] {
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    }
    assert!(get(&endpoint, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    // The connection that gave way is told so.
    let mut told = String::new();
    silent[0].read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
}

#[test]
fn requests_that_wait_for_the_index_leave_places_for_others() {
    let (_server, endpoint, engine) = served(Config::default());
    let address = endpoint.address();
    let requests = MAX_CONNECTIONS - 1;
    let (answered, answers) = mpsc::channel();
    let next = || answers.recv_timeout(Duration::from_secs(60)).unwrap();
    engine
        .batch(|_| {
            for _ in 0..requests {
                let answered = answered.clone();
                thread::spawn(move || {
                    let request = b"GET /digest HTTP/1.1\r\nHost: localhost\r\n\r\n";
                    answered.send(tell(address, request)).unwrap();
                });
            }
            // All others wait for the index, which is held here.
            for _ in MAX_DIGESTS..requests {
                let refused: String = next();
                assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
                assert!(!refused.contains("longer than"), "{refused}");
            }
            assert_eq!(status(&endpoint, "GET /nothing HTTP/1.0"), "404");
        })
        .unwrap();
    let last: Vec<String> = (0..MAX_DIGESTS).map(|_| next()).collect();
    assert!(last.iter().any(|answer| answer.starts_with("HTTP/1.1 200 ")), "{last:?}");
}
