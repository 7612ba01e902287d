//! The signals that end a command which would go on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// From here on a first signal sets this, and a second one ends the process at once, for whoever
/// cannot wait for what the first one asks.
#[cfg(unix)]
pub(super) fn asked_to_end() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for &signal in signal_hook::consts::TERM_SIGNALS {
        // In this order the first signal only arms the exit, and the second one takes it.
        signal_hook::flag::register_conditional_shutdown(signal, 2, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    Ok(asked)
}

/// Elsewhere the process ends the way the system ends it.
#[cfg(not(unix))]
pub(super) fn asked_to_end() -> io::Result<Arc<AtomicBool>> {
    Ok(Arc::default())
}

/// What waits for one of them.
#[cfg(unix)]
pub(super) struct Signals(signal_hook::iterator::Signals);

#[cfg(unix)]
impl Signals {
    /// From here on they are kept for [`wait`](Self::wait).
    pub(super) fn register() -> io::Result<Self> {
        asked_to_end()?;
        signal_hook::iterator::Signals::new(signal_hook::consts::TERM_SIGNALS).map(Self)
    }

    /// Waits for the first signal and returns its name.
    pub(super) fn wait(mut self) -> &'static str {
        let signal = self.0.forever().next();
        signal.and_then(signal_hook::low_level::signal_name).unwrap_or("unknown")
    }
}

/// Elsewhere none comes.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn register() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn wait(self) -> &'static str {
        loop {
            std::thread::park();
        }
    }
}
