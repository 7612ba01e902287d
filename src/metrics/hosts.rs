//! The host names that a request may use for the endpoint.
//!
//! A web page can make its own name resolve to this machine's address (DNS rebinding). Its browser then takes
//! the endpoint for a part of that page. But it still sends the page's name.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The accepted names besides IP addresses and `localhost`, without ports.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether a request for this `host [ ":" port ]` is meant for this server. The port is ignored: a page
    /// can use only the one that its own address has.
    pub(super) fn includes(&self, authority: &[u8]) -> bool {
        let Ok(authority) = str::from_utf8(authority) else { return false };
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        if let Some((address, port)) = authority.strip_prefix('[').and_then(|it| it.split_once(']'))
        {
            let port = if port.is_empty() { Some("") } else { port.strip_prefix(':') };
            return address.parse::<Ipv6Addr>().is_ok() && port.is_some_and(is_port);
        }
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        let is_called = |name: &str| without_dot(name).eq_ignore_ascii_case(without_dot(host));
        is_port(port)
            && (host.parse::<Ipv4Addr>().is_ok()
                || is_called("localhost")
                || self.0.iter().any(|name| is_called(name)))
    }
}

/// A name without the dot that may end it.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_localhost_and_given_names_are_answered() {
        let hosts = Hosts::new(["indexer.example".to_owned()]);
        for host in [
            "127.0.0.1",
            "127.0.0.1:9090",
            "10.1.2.3:",
            "[::1]",
            "[::1]:9090",
            "[fe80::1]:1",
            "localhost",
            "LocalHost:80",
            "localhost.",
            "indexer.example",
            "INDEXER.example.:9090",
        ] {
            assert!(hosts.includes(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:80:80",
            "127.0.0.1:x",
            "127.1",
            "2130706433",
            "::1",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "user@127.0.0.1",
            "127.0.0.1 ",
            "indexer.example.evil",
            "xindexer.example",
            "localhost..",
        ] {
            assert!(!hosts.includes(host.as_bytes()), "{host}");
        }
        assert!(!hosts.includes(b"\xff"));
        assert!(!Hosts::default().includes(b"indexer.example"));
    }
}
