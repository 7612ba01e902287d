//! The addresses that a server is told to listen on, as listeners.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV6, TcpListener, ToSocketAddrs};

use rustix::net::{self, AddressFamily, SocketType, ipproto, sockopt};

use super::ServeFailure;

/// How many clients may wait to be accepted until the server asks for more.
const BACKLOG: i32 = 128;

/// Listeners at the addresses of `--listen`, and at that of `--metrics`.
///
/// `[::]` also takes IPv4 clients, where the system lets it, unless one of the others is an IPv4 address with the
/// same port.
pub(super) fn bind(
    listen: &[String],
    metrics: Option<&str>,
) -> Result<(Vec<TcpListener>, Option<TcpListener>), ServeFailure> {
    let all: Vec<&str> = listen.iter().map(String::as_str).chain(metrics).collect();
    let mut listeners = Vec::<TcpListener>::new();
    for (number, &address) in all.iter().enumerate() {
        let bound = match address.parse() {
            Ok(SocketAddr::V6(every)) if shares_its_port(every, &all) => bind_ipv6_alone(every),
            _ => TcpListener::bind(address),
        };
        let flag = if number < listen.len() { "--listen" } else { "--metrics" };
        listeners.push(bound.map_err(|error| {
            let taken_by = match error.kind() {
                ErrorKind::AddrInUse => already_there(address, &listeners),
                _ => None,
            };
            ServeFailure::Listen { address: address.to_owned(), flag, error, taken_by }
        })?);
    }
    let endpoint = metrics.and_then(|_| listeners.pop());
    Ok((listeners, endpoint))
}

/// Whether an address stands for all of IPv6, and another one of these is an IPv4 address with its port.
fn shares_its_port(every: SocketAddrV6, all: &[&str]) -> bool {
    let is_other = |address: SocketAddr| address.is_ipv4() && address.port() == every.port();
    every.ip().is_unspecified()
        && every.port() != 0
        && all.iter().filter_map(|address| address.to_socket_addrs().ok()).flatten().any(is_other)
}

/// As the standard library binds, but for IPv6 clients only.
fn bind_ipv6_alone(address: SocketAddrV6) -> io::Result<TcpListener> {
    let socket = net::socket(AddressFamily::INET6, SocketType::STREAM, Some(ipproto::TCP))?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    // So that a server can be started again at once. On Windows it would let two servers share a port.
    #[cfg(not(windows))]
    sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Which of our own listeners has the port of an address that is in use.
fn already_there(address: &str, listeners: &[TcpListener]) -> Option<String> {
    let wanted: Vec<SocketAddr> = address.to_socket_addrs().ok()?.collect();
    let mut bound = listeners.iter().filter_map(|listener| listener.local_addr().ok());
    let overlaps = |own: &SocketAddr, wanted: &SocketAddr| {
        own.port() == wanted.port()
            && (own.ip() == wanted.ip()
                || own.ip().is_unspecified()
                || wanted.ip().is_unspecified())
    };
    let own = bound.find(|own| wanted.iter().any(|wanted| overlaps(own, wanted)))?;
    Some(own.to_string())
}
