//! The signals that end a command.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, TERM_SIGNALS};

/// After this call a first SIGINT, SIGTERM or SIGQUIT sets the flag, and a second one ends the process at once. SIGHUP
/// only sets the flag, because a closing terminal sends several.
#[cfg(unix)]
pub(super) fn asked_to_end() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for &signal in TERM_SIGNALS {
        // In this order the first signal only arms the exit, and the second one exits.
        signal_hook::flag::register_conditional_shutdown(signal, 2, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    if !ignores_hang_ups() {
        signal_hook::flag::register(SIGHUP, Arc::clone(&asked))?;
    }
    Ok(asked)
}

/// Whether this process was started to outlive its terminal, as `nohup` does it. Only Linux can tell. On
/// other systems SIGHUP always ends a command.
#[cfg(unix)]
fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored(&status, SIGHUP)
}

/// Whether a process with this status ignores a signal.
#[cfg(unix)]
fn is_ignored(status: &str, signal: i32) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit 0 is signal 1.
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Elsewhere no signal is caught: the system ends the process.
#[cfg(not(unix))]
pub(super) fn asked_to_end() -> io::Result<Arc<AtomicBool>> {
    Ok(Arc::default())
}

/// Waits for one of the signals.
#[cfg(unix)]
pub(super) struct Signals(signal_hook::iterator::Signals);

#[cfg(unix)]
impl Signals {
    /// From here on signals are kept for [`wait`](Self::wait).
    pub(super) fn register() -> io::Result<Self> {
        // Asked before a handler is registered for SIGHUP.
        let hang_up = (!ignores_hang_ups()).then_some(SIGHUP);
        asked_to_end()?;
        let all = TERM_SIGNALS.iter().copied().chain(hang_up);
        signal_hook::iterator::Signals::new(all).map(Self)
    }

    /// Waits for the first signal and returns its name.
    pub(super) fn wait(mut self) -> &'static str {
        let signal = self.0.forever().next();
        signal.and_then(signal_hook::low_level::signal_name).unwrap_or("unknown")
    }
}

/// Elsewhere no signal is caught.
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_process_says_which_signals_it_ignores() {
        let status = |mask: &str| format!("Name:\tindexer\nSigBlk:\t0\nSigIgn:\t{mask}\n");
        assert!(is_ignored(&status("0000000000001001"), SIGHUP));
        assert!(!is_ignored(&status("0000000000001000"), SIGHUP));
        assert!(!is_ignored("", SIGHUP));
    }
}
