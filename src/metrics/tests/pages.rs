//! Tests of the pages, while the index is loaded and after, and of the requests for them.

use super::super::Opening;
use super::*;

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {response}")).1
}

#[test]
fn before_the_index_is_loaded_the_server_lives_and_is_not_ready() {
    let (server, _, engine) = served(Config::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let opening = Opening::start([], listener, Arc::new(Metrics::new().unwrap())).unwrap();
    let get = |page: &str| tell(address, format!("GET {page} HTTP/1.0\r\n\r\n").as_bytes());
    assert!(get("/healthz").starts_with("HTTP/1.1 200 "));
    for page in ["/readyz", "/digest"] {
        let response = get(page);
        assert!(response.starts_with("HTTP/1.1 503 "), "{page}: {response}");
        assert_eq!(body(&response), "the index is being loaded\n", "{page}");
    }
    let backup = tell(address, b"GET /backup HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(backup.starts_with("HTTP/1.1 503 "), "{backup}");
    let metrics = get("/metrics");
    assert_lines(&metrics, &["indexer_ready 0", "indexer_packages 0"]);

    let _endpoint = opening.open(engine, server.handle());
    for page in ["/healthz", "/readyz", "/digest"] {
        assert!(get(page).starts_with("HTTP/1.1 200 "), "{page}");
    }
    assert_lines(&get("/metrics"), &["indexer_ready 1"]);
    server.shut_down();
    assert_eq!(body(&get("/readyz")), "the server is shutting down\n");
    assert_lines(&get("/metrics"), &["indexer_ready 0"]);
}

#[test]
fn what_has_failed_is_not_ready() {
    let (_server, endpoint, engine) = served(Config::default());
    assert!(get(&endpoint, "/readyz").starts_with("HTTP/1.1 200 "));
    let panics = || engine.batch(|_| panic!("a bug, on purpose"));
    assert!(std::thread::scope(|scope| scope.spawn(panics).join().is_err()));
    assert!(get(&endpoint, "/readyz").starts_with("HTTP/1.1 503 "));
}

#[test]
fn a_request_may_end_its_lines_with_lf_alone() {
    let (_server, endpoint, _) = served(Config::default());
    for request in [
        "GET /healthz HTTP/1.1\nHost: localhost\n\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\n\r\n",
        "GET /healthz HTTP/1.1\nHost: localhost\r\n\n",
        // Empty lines before a request are not part of it (RFC 9112, section 2.2).
        "\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\n\nGET /healthz HTTP/1.0\n\n",
    ] {
        let response = tell(endpoint.address(), request.as_bytes());
        assert!(response.starts_with("HTTP/1.1 200 "), "{request:?}: {response}");
    }
    // Neither request is complete.
    for request in ["GET /healthz HTTP/1.0\n", "\n\n", "GET /healthz HTTP/1.0\n\r"] {
        assert_eq!(tell(endpoint.address(), request.as_bytes()), "", "{request:?}");
    }
}

#[test]
fn a_page_is_found_with_a_slash_after_it_or_a_query() {
    let (_server, endpoint, _) = served(Config::default());
    for page in [
        "/metrics",
        "/metrics/",
        "/metrics?x=/",
        "/metrics/?x",
        "/healthz/",
        "/readyz/",
        "/digest/",
    ] {
        assert!(get(&endpoint, page).starts_with("HTTP/1.1 200 "), "{page}");
    }
    for page in ["/", "//", "/metrics//", "/metricsx", "/metrics/x", "metrics"] {
        assert!(!get(&endpoint, page).starts_with("HTTP/1.1 200 "), "{page}");
    }
    let page = "GET /digest/ HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n";
    assert!(tell(endpoint.address(), page.as_bytes()).starts_with("HTTP/1.1 403 "));
}

#[test]
fn open_metrics_are_sent_on_request_with_their_end() {
    let (server, endpoint, _) = served(Config::default());
    tell(server.addresses()[0], b"INDEX|a|\n");
    metrics_with(&endpoint, "indexer_connections_open 0");
    let asked = |accept: &str| {
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
        tell(endpoint.address(), request.as_bytes())
    };
    let open = asked("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    let kind = "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(open.contains(kind) && open.ends_with("\n# EOF\n"), "{open}");
    assert!(open.contains("\r\nVary: Accept\r\n"), "{open}");
    let written = |line: &str| body(&open).lines().any(|other| other == line);
    for line in [
        "# TYPE indexer_commands counter",
        r#"indexer_commands_total{command="INDEX",reply="OK"} 1"#,
        r#"indexer_batch_seconds_bucket{le="1e-06"} 0"#,
        "# TYPE indexer_batch_messages histogram",
        r#"indexer_batch_messages_bucket{le="1.0"} 1"#,
        r#"indexer_batch_messages_bucket{le="+Inf"} 1"#,
        "indexer_batch_messages_count 1",
        "# TYPE indexer_packages gauge",
    ] {
        assert!(written(line), "{line:?} is not in\n{open}");
    }
    // Both formats have the same metrics.
    let names = |page: &str| -> std::collections::BTreeSet<String> {
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
    };
    let text = asked("text/plain");
    assert!(
        text.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{text}"
    );
    assert_eq!(names(body(&text)), names(body(&open)));
}

#[test]
#[cfg(target_os = "linux")]
fn the_build_and_the_process_are_among_the_metrics() {
    let (_server, endpoint, _) = served(Config::default());
    let metrics = get(&endpoint, "/metrics");
    let version = env!("CARGO_PKG_VERSION");
    assert_lines(&metrics, &[&format!("indexer_build_info{{version=\"{version}\"}} 1")]);
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().unwrap()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let started = value("process_start_time_seconds");
    // A test binary has not run for a day, nor does it start in a minute.
    assert!(
        (now.as_secs_f64() - 86_400.0..now.as_secs_f64() + 60.0).contains(&started),
        "{started}"
    );
    assert!(value("process_cpu_seconds_total") >= 0.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!((3.0..=value("process_max_fds")).contains(&value("process_open_fds")));
    // The thread of this test, and those that accept.
    assert!(value("process_threads") >= 3.0);
}
