//! Listeners at the addresses that a server is given.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV6, TcpListener, ToSocketAddrs};

use rustix::net::{self, AddressFamily, SocketType, ipproto, sockopt};

use super::ServeFailure;

/// The length of the queue of clients that wait to be accepted.
const BACKLOG: i32 = 128;

/// The addresses that a server is given by option.
///
/// `[::]` also takes IPv4 clients, where the system allows it. It does not if another address is IPv4 with
/// the same port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses<'a> {
    pub(super) listen: &'a [String],
    pub(super) metrics: Option<&'a str>,
}

impl<'a> Addresses<'a> {
    fn all(self) -> impl Iterator<Item = &'a str> + Clone {
        self.listen.iter().map(String::as_str).chain(self.metrics)
    }

    /// The listener at the address of `--metrics`, if there is one.
    pub(super) fn bind_metrics(self) -> Result<Option<TcpListener>, ServeFailure> {
        self.metrics.map(|address| self.bind(address, "--metrics", &[])).transpose()
    }

    /// Listeners at the addresses of `--listen`. `others` are addresses where this server already listens.
    pub(super) fn bind_clients(
        self,
        mut others: Vec<SocketAddr>,
    ) -> Result<Vec<TcpListener>, ServeFailure> {
        let bind = |address: &String| {
            let listener = self.bind(address, "--listen", &others)?;
            others.extend(listener.local_addr());
            Ok(listener)
        };
        self.listen.iter().map(bind).collect()
    }

    fn bind(
        self,
        address: &str,
        flag: &'static str,
        others: &[SocketAddr],
    ) -> Result<TcpListener, ServeFailure> {
        let bound = match address.parse() {
            Ok(SocketAddr::V6(every)) if shares_its_port(every, self.all()) => {
                bind_ipv6_alone(every)
            }
            _ => TcpListener::bind(address),
        };
        bound.map_err(|error| {
            let taken_by = match error.kind() {
                ErrorKind::AddrInUse => already_there(address, others),
                _ => None,
            };
            ServeFailure::Listen { address: address.to_owned(), flag, error, taken_by }
        })
    }

    /// Checks that all are addresses of this machine, and that no two are the same. Ports in use are no
    /// error: a server may be running there.
    pub(super) fn check(self) -> Result<(), ServeFailure> {
        let mut others = Vec::new();
        for (number, address) in self.all().enumerate() {
            let flag = if number < self.listen.len() { "--listen" } else { "--metrics" };
            let failure = |error, taken_by| ServeFailure::Listen {
                address: address.to_owned(),
                flag,
                error,
                taken_by,
            };
            let found = address.to_socket_addrs().map_err(|error| failure(error, None))?;
            let mut found = found.map(|it| TcpListener::bind((it.ip(), 0)).map(|_free| it));
            // As when it listens, one usable address of a name is enough.
            let first = found.find(Result::is_ok).or_else(|| found.next());
            let wanted = first.unwrap_or(Err(ErrorKind::AddrNotAvailable.into()));
            let wanted = wanted.map_err(|error| failure(error, None))?;
            let shares = |every| shares_its_port(every, self.all());
            let is_alone = matches!(wanted, SocketAddr::V6(every) if shares(every));
            let taken_by = already_there(address, &others).filter(|_| !is_alone);
            if wanted.port() != 0 && taken_by.is_some() {
                return Err(failure(ErrorKind::AddrInUse.into(), taken_by));
            }
            others.push(wanted);
        }
        Ok(())
    }
}

/// Whether an address is `[::]`, and another one is IPv4 with the same port.
fn shares_its_port<'a>(every: SocketAddrV6, mut all: impl Iterator<Item = &'a str>) -> bool {
    let is_other = |address: SocketAddr| address.is_ipv4() && address.port() == every.port();
    every.ip().is_unspecified()
        && every.port() != 0
        && all.any(|address| address.to_socket_addrs().is_ok_and(|mut found| found.any(is_other)))
}

/// Binds as the standard library does, but for IPv6 clients only.
fn bind_ipv6_alone(address: SocketAddrV6) -> io::Result<TcpListener> {
    let socket = net::socket(AddressFamily::INET6, SocketType::STREAM, Some(ipproto::TCP))?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    // So that a server can start again at once. On Windows it would let two servers share a port.
    #[cfg(not(windows))]
    sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// The address where this server already listens with the port of one that is in use.
fn already_there(address: &str, others: &[SocketAddr]) -> Option<String> {
    let wanted: Vec<SocketAddr> = address.to_socket_addrs().ok()?.collect();
    let overlaps = |own: &SocketAddr, wanted: &SocketAddr| {
        own.port() == wanted.port()
            && (own.ip() == wanted.ip()
                || own.ip().is_unspecified()
                || wanted.ip().is_unspecified())
    };
    let own = others.iter().find(|own| wanted.iter().any(|wanted| overlaps(own, wanted)))?;
    Some(own.to_string())
}
