//! Notifications to the service manager, as `sd_notify(3)` describes: that the server is ready, stops, and is
//! alive.
//!
//! Each message is one datagram to the socket that the manager names. Sending never waits. If one is lost,
//! the manager acts as if it had not been sent.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, process};

/// The variable with the socket's path.
const SOCKET: &str = "NOTIFY_SOCKET";

/// The variable with the microseconds without a sign of life after which the manager ends the server.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// The variable with the process that the watchdog is for. Without it, the watchdog is for any process.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// The service manager, if there is one.
#[derive(Clone)]
pub(super) struct Manager(Option<Arc<UnixDatagram>>);

impl Manager {
    /// The manager that the environment names.
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

    /// Says that the index is being loaded.
    pub(super) fn loading(&self) {
        self.say("STATUS=loading the index");
    }

    /// Says that clients are served.
    pub(super) fn ready(&self, addresses: &[std::net::SocketAddr]) {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        self.say(&format!("READY=1\nSTATUS=serving on {}", addresses.join(", ")));
    }

    /// Says that the server is stopping.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=waiting for clients to read their replies");
    }

    /// Sends signs of life while `is_alive` returns true, if the manager asked for them. A check that does
    /// not return sends none.
    ///
    /// # Errors
    /// If the system cannot start another thread.
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

/// Sends signs of life until it is dropped.
pub(super) struct Watchdog {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.end = None;
        // If it panicked, the panic was logged.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

/// A socket to the manager: a path, or an abstract name that is written with `@` first.
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

/// The time between two signs of life: half of what the manager allows.
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
        // Not alive at first, and alive from the third check on.
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
