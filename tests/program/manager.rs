//! A service manager's side of the server: what it is told, and the sockets that it passes.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Finished, Folder, Serving, indexer};

/// How long nothing may come before a test fails instead of waiting for ever.
const NEVER: Duration = Duration::from_secs(60);

/// The next message, as lines.
fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut message = [0; 4_096];
    let length = socket.recv(&mut message).expect("a message comes");
    String::from_utf8_lossy(&message[..length]).lines().map(str::to_owned).collect()
}

/// Follows a server from its start to its end.
fn assert_told(name: &str, socket: &UnixDatagram) {
    socket.set_read_timeout(Some(NEVER)).unwrap();
    let mut program = indexer(&["--listen", "127.0.0.1:0"]);
    program.env("NOTIFY_SOCKET", name).env("WATCHDOG_USEC", "20000").env_remove("WATCHDOG_PID");
    let serving = Serving::spawn(&mut program, 1);
    assert_eq!(told(socket), ["STATUS=loading the index"]);
    // The watchdog runs by then, and may be first.
    let mut messages = vec![told(socket), told(socket), told(socket)];
    messages.sort();
    let ready = ["READY=1".to_owned(), format!("STATUS=serving on {}", serving.addresses[0])];
    assert_eq!(messages, [&ready[..], &["WATCHDOG=1".into()], &["WATCHDOG=1".into()]]);
    serving.signal("TERM");
    let stopping = std::iter::repeat_with(|| told(socket)).find(|it| *it != ["WATCHDOG=1"]);
    assert_eq!(stopping.unwrap()[0], "STOPPING=1");
    let (status, log) = serving.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("manager_not_told"), "{log}");
}

#[test]
fn a_manager_is_told_of_readiness_signs_of_life_and_the_end() {
    let folder = Folder::new("manager");
    let path = folder.0.join("notify");
    // A socket's path is short, and this folder's may not be.
    if let Ok(socket) = UnixDatagram::bind(&path) {
        assert_told(path.to_str().unwrap(), &socket);
    }
    let name = format!("package-indexer-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    assert_told(&format!("@{name}"), &UnixDatagram::bind_addr(&address).unwrap());
}

#[test]
fn a_missing_manager_is_warned_of_and_missed_by_nobody() {
    let mut program = indexer(&["--listen", "127.0.0.1:0"]);
    let serving = Serving::spawn(program.env("NOTIFY_SOCKET", "/nowhere/at/all"), 1);
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    let log = serving.stop();
    assert!(log.contains(" WARN ") && log.contains("manager_not_told"), "{log}");
}

/// The program with standard input passed to it as a manager passes sockets.
fn activated(socket: OwnedFd, name: &str, arguments: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    let script = r#"export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@" 3<&0 </dev/null"#;
    shell.args(["-c", script, env!("CARGO_BIN_EXE_indexer")]).args(arguments);
    shell.env("LISTEN_FDNAMES", name).stdin(Stdio::from(socket));
    shell
}

fn listener() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_socket_that_is_passed_replaces_the_default_address() {
    let (socket, address) = listener();
    // A client that comes before the server is there waits.
    let waiting = std::net::TcpStream::connect(address).unwrap();
    let serving = Serving::spawn(&mut activated(socket.into(), "clients", &[]), 1);
    assert_eq!(serving.addresses, [address]);
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    drop(waiting);
    serving.stop();
}

#[test]
fn an_address_that_is_asked_for_is_served_beside_what_is_passed() {
    let (socket, address) = listener();
    let arguments = ["--listen", "127.0.0.1:0"];
    let serving = Serving::spawn(&mut activated(socket.into(), "", &arguments), 2);
    assert!(serving.addresses.len() == 2 && serving.addresses.contains(&address));
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    serving.stop();
}

#[test]
fn a_socket_called_metrics_is_where_they_are_fetched() {
    let (socket, address) = listener();
    let arguments = ["--listen", "127.0.0.1:0"];
    let serving = Serving::spawn(&mut activated(socket.into(), "metrics", &arguments), 2);
    assert_eq!(serving.endpoint(), address);
    assert!(serving.get("/readyz").starts_with("HTTP/1.1 200 "));
    serving.stop();
}

#[test]
fn what_is_passed_and_is_no_listener_is_refused() {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let refused = Finished::from(activated(one.into(), "", &[]).output().unwrap());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.starts_with("error: the service manager passed socket 0"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("name TCP addresses in the socket unit"), "{refused:?}");
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let mut program = indexer(&["--listen", "127.0.0.1:0"]);
    program.env("LISTEN_PID", "1").env("LISTEN_FDS", "1");
    let serving = Serving::spawn(&mut program, 1);
    assert_eq!(serving.tell("INDEX|a|\n"), "OK\n");
    serving.stop();
}
