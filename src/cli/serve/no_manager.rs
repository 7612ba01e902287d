//! Stand-in for the service manager on systems other than Linux.

use std::io;
use std::net::SocketAddr;

pub(super) struct Manager;

pub(super) struct Watchdog;

impl Manager {
    pub(super) fn find() -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn loading(&self) {}

    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn ready(&self, _: &[SocketAddr]) {}

    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn stopping(&self) {}

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Linux")]
    pub(super) fn watch(
        &self,
        _: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Option<Watchdog>> {
        Ok(None)
    }
}
