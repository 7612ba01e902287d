//! Sockets that a service manager has opened and passes on (socket activation): clients that come while the
//! server starts again wait there, and are not refused.
//!
//! How they are passed is said in `sd_listen_fds(3)`: as the first file descriptors after standard error.

use std::net::TcpListener;
use std::{env, process};

use super::ServeFailure;

/// How many there are, for which process, and what each is called.
const COUNT: &str = "LISTEN_FDS";
const PROCESS: &str = "LISTEN_PID";
const NAMES: &str = "LISTEN_FDNAMES";

/// What the socket for `/metrics` and so on is called; all others are for clients.
const METRICS: &str = "metrics";

/// What was passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) clients: Vec<TcpListener>,
    pub(super) metrics: Option<TcpListener>,
}

/// Takes what was passed to this process; nothing, if it was started otherwise.
///
/// # Errors
/// If one is no TCP socket that listens, or this build cannot take them.
pub(super) fn take() -> Result<Passed, ServeFailure> {
    let asked = |name| env::var(name).unwrap_or_default();
    let count: usize = asked(COUNT).parse().unwrap_or(0);
    if count == 0 || asked(PROCESS) != process::id().to_string() {
        return Ok(Passed::default());
    }
    sort(take_listeners(count)?, &asked(NAMES))
}

#[cfg(feature = "systemd")]
fn take_listeners(count: usize) -> Result<Vec<TcpListener>, ServeFailure> {
    let mut sockets = listenfd::ListenFd::from_env();
    (0..count)
        .map(|number| match sockets.take_tcp_listener(number) {
            Ok(Some(listener)) => Ok(listener),
            Ok(None) => Err(ServeFailure::NotPassed { number, problem: "it is not there".into() }),
            Err(error) => Err(ServeFailure::NotPassed { number, problem: error.to_string() }),
        })
        .collect()
}

#[cfg(not(feature = "systemd"))]
fn take_listeners(count: usize) -> Result<Vec<TcpListener>, ServeFailure> {
    Err(ServeFailure::CannotBePassed { count })
}

/// Tells the one for metrics from those for clients, by their names, which are written with colons between.
fn sort(listeners: Vec<TcpListener>, names: &str) -> Result<Passed, ServeFailure> {
    let mut passed = Passed::default();
    let names = names.split(':').chain(std::iter::repeat(""));
    for (number, (listener, name)) in listeners.into_iter().zip(names).enumerate() {
        if name != METRICS {
            passed.clients.push(listener);
        } else if passed.metrics.replace(listener).is_some() {
            let problem = format!("another one is called {METRICS} too");
            return Err(ServeFailure::NotPassed { number, problem });
        }
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_that_is_called_metrics_is_not_for_clients() {
        let sorted = |names: &str, count: usize| {
            let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
            let passed = sort(listeners.collect(), names).ok()?;
            Some((passed.clients.len(), passed.metrics.is_some()))
        };
        for (names, count, expected) in [
            ("", 2, Some((2, false))),
            ("clients:metrics", 2, Some((1, true))),
            ("metrics", 3, Some((2, true))),
            ("metrics:metrics", 2, None),
        ] {
            assert_eq!(sorted(names, count), expected, "{names}");
        }
    }
}
