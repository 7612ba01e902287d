//! The `indexer` program as a person or a script meets it: serving, and help.

#[cfg(target_os = "linux")]
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::common::{self, Finished, Serving, run};

/// It exits with 0, and the log says so.
#[test]
#[cfg(unix)]
fn a_signal_stops_the_server_after_its_replies() {
    for (signal, arguments) in [
        ("TERM", ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"].as_slice()),
        ("INT", &["serve", "--listen", "127.0.0.1:0", "--log-level", "info"]),
    ] {
        let serving = Serving::start(arguments);
        // Each client has a message refused, which is a line of its own.
        let serving_at = serving.addresses.len();
        let streams: Vec<_> = serving
            .addresses
            .iter()
            .map(|address| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"INDEX|a|\nnonsense\n").unwrap();
                let mut replies = [0; 9];
                stream.read_exact(&mut replies).unwrap();
                assert_eq!(&replies, b"OK\nERROR\n");
                stream
            })
            .collect();
        serving.signal(signal);
        for mut stream in streams {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "");
        }
        let (status, log) = serving.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2 + serving_at, "{log}");
        assert!(lines[0].contains(": serving event=\"serving\" addresses=[127.0.0.1:"), "{log}");
        assert!(
            lines[1 + serving_at]
                .contains(&format!(": stopped event=\"stopped\" signal=\"SIG{signal}\"")),
            "{log}"
        );
    }
}

#[test]
#[cfg(unix)]
fn replies_in_flight_when_the_signal_comes_arrive_whole() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let mut stream = TcpStream::connect(serving.addresses[0]).unwrap();
    let sending = stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        // Several megabytes: neither end of the connection holds all of it. The server may stop
        // before the last of it, and need not take the rest.
        let _cut_off = (&sending).write_all("INDEX|a|\n".repeat(500_000).as_bytes());
    });
    let mut first = [0; 3];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"OK\n");
    serving.signal("TERM");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    writer.join().unwrap();
    assert_eq!(rest.len() % 3, 0, "the last reply is {:?}", rest.last_chunk::<3>());
    assert!(rest.chunks(3).all(|reply| reply == b"OK\n"));
    let (status, log) = serving.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// Upper and lower case do. No other command is changed.
#[test]
#[cfg(unix)]
fn the_environment_sets_the_level_of_serve_if_no_flag_does() {
    for (value, arguments, lines) in [
        ("OFF", ["--listen", "127.0.0.1:0"].as_slice(), 0),
        ("", &["--listen", "127.0.0.1:0"], 2),
        ("nonsense", &["--listen", "127.0.0.1:0", "--log-level", "Info"], 2),
    ] {
        let mut command = common::indexer(arguments);
        let serving = Serving::spawn(command.env("INDEXER_LOG", value), 1);
        serving.signal("TERM");
        let (status, log) = serving.wait();
        assert_eq!((status.code(), log.lines().count()), (Some(0), lines), "{value:?}: {log}");
    }
    let mut serve = common::indexer(&["--listen", "127.0.0.1:0"]);
    let refused = Finished::from(serve.env("INDEXER_LOG", "nonsense").output().unwrap());
    assert_eq!(
        refused.stderr,
        "error: invalid value 'nonsense' for '--log-level <FILTER> (from INDEXER_LOG)': \"nonsense\" is not a \
         level: choose off, error, warn, info, debug or trace\n\n\
         For more information, try '--help'.\n"
    );
    assert_eq!(refused.code, Some(2));
    let mut order = common::indexer(&["order", "--format", "brew", common::BREW]);
    assert_eq!(order.env("INDEXER_LOG", "nonsense").output().unwrap().status.code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_hang_up_is_an_orderly_stop() {
    // The tests themselves may run under `nohup`, and an ignored signal is inherited.
    let mut unignored = std::process::Command::new("env");
    unignored.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_indexer")]);
    let serving = Serving::spawn(unignored.args(["--listen", "127.0.0.1:0"]), 1);
    let mut client = TcpStream::connect(serving.addresses[0]).unwrap();
    client.write_all(b"INDEX|a|\n").unwrap();
    client.read_exact(&mut [0; 3]).unwrap();
    serving.signal("HUP");
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let (status, log) = serving.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains(" signal=\"SIGHUP\" cut_off=0"), "{log}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_hang_up_that_was_ignored_at_the_start_stays_ignored() {
    let mut nohup = std::process::Command::new("sh");
    nohup.args(["-c", r#"trap "" HUP; exec "$0" --listen 127.0.0.1:0"#]);
    let serving = Serving::spawn(nohup.arg(env!("CARGO_BIN_EXE_indexer")), 1);
    serving.signal("HUP");
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    assert!(serving.stop().contains(" signal=\"SIGTERM\""));
}

/// Tries something with a port that was free a moment ago, until nobody else has taken it.
fn with_a_free_port<T>(mut try_with: impl FnMut(u16) -> Option<T>) -> T {
    let free = || TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    (0..20).find_map(|_| try_with(free())).expect("one of twenty ports is free")
}

#[test]
#[cfg(target_os = "linux")]
fn all_addresses_of_both_families_are_served_on_one_port() {
    if TcpListener::bind("[::1]:0").is_err() {
        return common::optional::say("left out: both families on one port: no IPv6 here");
    }
    let serving = with_a_free_port(|port| {
        let [four, six] = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
        let serve = || Serving::start(&["--listen", &four, "--listen", &six]);
        std::panic::catch_unwind(serve).ok()
    });
    let port = serving.addresses[0].port();
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        assert_eq!(run(&["ping", "--addr", &address], b"").code, Some(0), "{address}");
    }
    assert!(serving.stop().contains("cut_off=0"));
    // Alone, it takes both, as the system is set up to.
    if fs::read_to_string("/proc/sys/net/ipv6/bindv6only").is_ok_and(|only| only.trim() == "0") {
        let serving = Serving::start(&["--listen", "[::]:0"]);
        let address = format!("127.0.0.1:{}", serving.addresses[0].port());
        assert_eq!(run(&["ping", "--addr", &address], b"").code, Some(0));
        serving.stop();
    }
}

#[test]
fn an_address_of_the_server_itself_is_not_blamed_on_another() {
    with_a_free_port(|port| {
        let [one, all] = [format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}")];
        let refused = run(&["--listen", &one, "--listen", &all], b"");
        assert_eq!(refused.code, Some(2));
        let hint = format!("  this server also listens on {one}; give --listen another address");
        refused.stderr.contains(&hint).then_some(())
    });
}

#[test]
fn an_address_in_use_is_said_with_what_to_do() {
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let address = serving.addresses[0].to_string();
    let second = run(&["--listen", &address], b"");
    assert_eq!(second.code, Some(2));
    assert!(
        second.stderr.starts_with(&format!("error: cannot listen on {address}: Address already")),
        "{second:?}"
    );
    assert!(second.stderr.contains("give --listen another address"), "{second:?}");
}

#[test]
fn limits_given_as_flags_hold() {
    let serving = Serving::start(&[
        "--listen",
        "127.0.0.1:0",
        "--max-line-bytes",
        "300",
        "--max-connections",
        "1",
    ]);
    let address = serving.addresses[0];
    let mut only = TcpStream::connect(address).unwrap();
    let long = format!("QUERY|p|{}\n{}\nQUERY|p|\n", "a,".repeat(145), "x".repeat(300));
    only.write_all(long.as_bytes()).unwrap();
    let mut replies = BufReader::new(only.try_clone().unwrap()).lines();
    for expected in ["FAIL", "ERROR", "FAIL"] {
        assert_eq!(replies.next().unwrap().unwrap(), expected);
    }
    let mut refused = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut refused).unwrap();
    assert_eq!(refused, "");
    let too_short = run(&["--max-line-bytes", "100"], b"");
    assert_eq!(too_short.code, Some(2));
    assert!(too_short.stderr.contains("give 264 or more"), "{too_short:?}");
    for (flag, value) in [("--max-connections", "0"), ("--max-packages", "2147483648")] {
        // Were the value taken, the address would stop the program.
        let refused = run(&["--listen", "nowhere", flag, value], b"");
        assert_eq!(refused.code, Some(2));
        let expected = format!("error: invalid value '{value}' for '{flag} <N>'");
        assert!(refused.stderr.starts_with(&expected), "{refused:?}");
    }
}

#[test]
fn a_full_index_answers_error_and_stays_as_it_was() {
    let serving = Serving::start(&[
        "--listen",
        "127.0.0.1:0",
        "--max-packages",
        "3",
        "--max-dependencies",
        "2",
    ]);
    let address = serving.addresses[0].to_string();
    let conversation = [
        ("INDEX|a|", "OK"),
        ("INDEX|b|a", "OK"),
        ("INDEX|c|a", "OK"),
        ("INDEX|d|", "ERROR"),
        ("QUERY|d|", "FAIL"),
        // What does not hold is said first, as by an index with room.
        ("INDEX|e|d", "FAIL"),
        ("INDEX|c|a,b", "ERROR"),
        // Had the list been replaced, `b` would be needed now.
        ("REMOVE|b|", "OK"),
        ("INDEX|c|a,c", "OK"),
    ];
    let messages: String = conversation.iter().map(|(message, _)| format!("{message}\n")).collect();
    let replies: String = conversation.iter().map(|(_, reply)| format!("{reply}\n")).collect();
    let sent = run(&["send", "--addr", &address], messages.as_bytes());
    assert_eq!((sent.code, sent.stdout), (Some(1), replies));
}

#[test]
fn help_and_usage_errors_teach() {
    let help = run(&["--help"], b"");
    assert_eq!(help.code, Some(0));
    for word in [
        "serve",
        "send",
        "import",
        "order",
        "why",
        "dot",
        "ping",
        "generate",
        "--listen",
        "Exit status",
        "INDEXER_LISTEN",
    ] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
    let wrong = run(&["improt"], b"");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("a similar subcommand exists: 'import'"), "{wrong:?}");
    for arguments in [["--addr", "127.0.0.1:1"].as_slice(), &["serve", "--addr=127.0.0.1:1"]] {
        let wrong = run(arguments, b"");
        assert_eq!(wrong.code, Some(2));
        let tip = "  tip: use --listen to say where a server listens; --addr is for commands that connect to a server";
        assert!(wrong.stderr.contains(tip), "{wrong:?}");
    }
    // What other commands know is none of a server's business.
    let wrong = run(&["order", "--addr", "127.0.0.1:1"], b"");
    assert!(wrong.code == Some(2) && !wrong.stderr.contains("--listen"), "{wrong:?}");
}

#[test]
#[cfg(not(feature = "etcd"))]
fn a_build_without_replicas_says_how_to_get_them() {
    let wrong = run(&["serve", "--replicate", "etcd://127.0.0.1:2379/packages"], b"");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("cargo install --path . --features etcd"), "{wrong:?}");
    // Served from memory alone, it would lose what others are to keep.
    let mut set = common::indexer(&["--listen", "nowhere"]);
    let set = set.env("INDEXER_REPLICATE", "etcd://127.0.0.1:2379/packages").output().unwrap();
    let set = Finished::from(set);
    assert_eq!(set.code, Some(2));
    let error = "error: INDEXER_REPLICATE is set, and this build has no replicas\n";
    assert!(set.stderr.starts_with(error), "{set:?}");
}

/// The log says so once.
#[test]
#[cfg(unix)]
fn a_web_page_can_neither_write_nor_read() {
    let listen = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let serving = Serving::start(&[&listen[..], &["--metrics-host", "indexer.example"]].concat());
    assert_eq!(serving.tell("INDEX|victim|\n"), "OK\n");
    let ask = |address, request: &str| {
        let mut stream = TcpStream::connect::<std::net::SocketAddr>(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let post = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n\
                Content-Length: 27\r\n\r\nREMOVE|victim|\nINDEX|evil|\n";
    assert_eq!(ask(serving.addresses[0], post), "ERROR\n");
    assert_eq!(serving.tell("QUERY|victim|\nQUERY|evil|\n"), "OK\nFAIL\n");
    for (host, status) in
        [("indexer.example", "200"), ("localhost", "200"), ("evil.example", "421")]
    {
        let page =
            ask(serving.endpoint(), &format!("GET /digest HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {page}");
    }
    let log = serving.stop();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("speaks HTTP")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("WARN") && !log.contains("evil"), "{log}");
}
