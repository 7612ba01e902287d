//! What the service manager is told, in the way of `sd_notify(3)`: that the server is ready, that it stops, and
//! again and again that it lives.
//!
//! A message is a datagram to the socket that the manager has named. No such message waits, and one that is lost
//! costs nothing but what the manager does then.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, process};

/// Names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// After how many microseconds without a sign of life the manager ends the server.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// The process that the watchdog is for, if it is not for all.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// The service manager; there may be none.
#[derive(Clone)]
pub(super) struct Manager(Option<Arc<UnixDatagram>>);

impl Manager {
    /// The one that the environment names.
    pub(super) fn find() -> Self {
        let Some(name) = env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
            return Self(None);
        };
        match connect(name.as_encoded_bytes()) {
            Ok(socket) => Self(Some(Arc::new(socket))),
            Err(error) => {
                tracing::warn!(
                    event = "manager_not_told",
                    %error, "cannot reach the service manager that {SOCKET} names"
                );
                Self(None)
            }
        }
    }

    /// Tells it that the index is being loaded.
    pub(super) fn loading(&self) {
        self.say("STATUS=loading the index");
    }

    /// Tells it that clients are served.
    pub(super) fn ready(&self, addresses: &[std::net::SocketAddr]) {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        self.say(&format!("READY=1\nSTATUS=serving on {}", addresses.join(", ")));
    }

    /// Tells it that the server ends.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=letting clients take their replies");
    }

    /// Shows it signs of life for as long as `is_alive`, if it has asked for them. A check that does not return is
    /// none.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn watch(
        &self,
        is_alive: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Option<Watchdog>> {
        let asked = |name| env::var(name).ok();
        let Some(every) = interval(asked(WATCHDOG), asked(WATCHDOG_PROCESS), process::id()) else {
            return Ok(None);
        };
        self.watch_every(every, is_alive).map(Some)
    }

    fn watch_every(
        &self,
        every: Duration,
        is_alive: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Watchdog> {
        let (end, ended) = mpsc::channel();
        let manager = self.clone();
        let watch = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                if is_alive() {
                    manager.say("WATCHDOG=1");
                }
            }
        };
        let thread = thread::Builder::new().name("watchdog".into()).spawn(watch)?;
        Ok(Watchdog { end: Some(end), thread: Some(thread) })
    }

    fn say(&self, message: &str) {
        let Some(socket) = &self.0 else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::warn!(event = "manager_not_told", %error, "cannot tell the service manager: {message}");
        }
    }
}

/// Shows signs of life until it is dropped.
pub(super) struct Watchdog {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.end = None;
        // It has said so if it panicked.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

/// A socket to the manager, by its path, or by an abstract name that is written with an `@` before it.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = if let Some(name) = name.strip_prefix(b"@") {
        SocketAddr::from_abstract_name(name)?
    } else {
        SocketAddr::from_pathname(str::from_utf8(name).map_err(io::Error::other)?)?
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// How often this process is to show that it lives: twice as often as it has to.
fn interval(microseconds: Option<String>, process: Option<String>, own: u32) -> Option<Duration> {
    let is_other = process.is_some_and(|process| process != own.to_string());
    let microseconds: u64 = microseconds?.parse().ok()?;
    (!is_other && microseconds > 0).then(|| Duration::from_micros(microseconds).div_f64(2.0))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_server_that_does_not_live_shows_no_sign_of_life() {
        let (socket, manager) = UnixDatagram::pair().unwrap();
        let looks = Arc::new(AtomicUsize::new(0));
        let looked = Arc::clone(&looks);
        // Dead at first, and alive from the third look on.
        let is_alive = move || looked.fetch_add(1, Ordering::SeqCst) >= 2;
        let told = Manager(Some(Arc::new(socket)));
        let watchdog = told.watch_every(Duration::from_millis(1), is_alive).unwrap();
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        assert_eq!(&message[..length], b"WATCHDOG=1");
        assert!(looks.load(Ordering::SeqCst) >= 3);
        drop(watchdog);
    }

    #[test]
    fn a_watchdog_is_fed_twice_as_often_as_it_asks() {
        let interval = |time: &str, process: Option<&str>| {
            interval(Some(time.into()), process.map(Into::into), 7)
        };
        assert_eq!(interval("30000000", None), Some(Duration::from_secs(15)));
        assert_eq!(interval("30000000", Some("7")), Some(Duration::from_secs(15)));
        assert_eq!(interval("30000000", Some("8")), None, "it is for another process");
        for none in ["0", "", "x", "-1"] {
            assert_eq!(interval(none, None), None, "{none}");
        }
    }
}
