//! Sockets that a service manager opens and passes on (socket activation). Clients that connect while the
//! server restarts wait in them and are not refused.
//!
//! They arrive as the first file descriptors after standard error, as `sd_listen_fds(3)` says.

use std::net::TcpListener;
use std::{env, process};

use super::ServeFailure;

/// The variables with how many sockets there are, for which process, and their names.
const COUNT: &str = "LISTEN_FDS";
const PROCESS: &str = "LISTEN_PID";
const NAMES: &str = "LISTEN_FDNAMES";

/// The name of the socket for `/metrics` and so on. All others are for clients.
const METRICS: &str = "metrics";

/// The sockets that were passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) clients: Vec<TcpListener>,
    pub(super) metrics: Option<TcpListener>,
}

/// Takes the sockets that were passed to this process. Empty if none were.
///
/// # Errors
/// If one is not a listening TCP socket, or if this build cannot use sockets that are passed.
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
            Ok(None) => {
                Err(ServeFailure::NotPassed { number, problem: "it does not exist".into() })
            }
            Err(error) => Err(ServeFailure::NotPassed { number, problem: error.to_string() }),
        })
        .collect()
}

#[cfg(not(feature = "systemd"))]
fn take_listeners(count: usize) -> Result<Vec<TcpListener>, ServeFailure> {
    Err(ServeFailure::CannotBePassed { count })
}

/// Splits off the socket for metrics by the names, which have colons between.
fn sort(listeners: Vec<TcpListener>, names: &str) -> Result<Passed, ServeFailure> {
    let mut passed = Passed::default();
    let names = names.split(':').chain(std::iter::repeat(""));
    for (number, (listener, name)) in listeners.into_iter().zip(names).enumerate() {
        if name != METRICS {
            passed.clients.push(listener);
        } else if passed.metrics.replace(listener).is_some() {
            let problem = format!("another socket is called {METRICS} too");
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
