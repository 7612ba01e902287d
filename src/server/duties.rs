//! The threads of a replica: one appends, one follows, one reads where the log ends, one writes snapshots.
//!
//! The steps of each duty belong to the replica. This file repeats them, waits while the log is unreachable,
//! and says so in the server's log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, mem};

use crate::bug;
use crate::log::retry::Retry;
use crate::log::{LogError, LogRefusal};
use crate::replica::Replica;

/// Runs the duties of a [`Replica`] until it is dropped.
///
/// A drop closes the replica and waits for the calls that are under way. That takes about a second for a
/// watch, more if nodes of etcd are unreachable, and as long as a snapshot takes to write or load.
#[derive(Debug)]
pub struct Duties {
    replica: Arc<Replica>,
    threads: Vec<JoinHandle<()>>,
}

impl Duties {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(replica: &Arc<Replica>) -> io::Result<Self> {
        let mut duties = Self { replica: Arc::clone(replica), threads: Vec::new() };
        duties.spawn("append", |replica| replica.append_when_due().map(drop))?;
        duties.spawn("read", Replica::read_head_when_due)?;
        duties.spawn("follow", Replica::follow)?;
        duties.spawn("snapshot", |replica| {
            if let Some(snapshot) = replica.write_snapshot_when_due()? {
                let (place, packages) = (snapshot.place.0, snapshot.packages);
                tracing::info!(
                    event = "snapshot_written",
                    place,
                    packages,
                    chunks = snapshot.chunks,
                    "wrote a snapshot"
                );
            }
            Ok(())
        })?;
        Ok(duties)
    }

    fn spawn(
        &mut self,
        name: &'static str,
        duty: impl FnMut(&Replica) -> Result<(), LogError> + Send + 'static,
    ) -> io::Result<()> {
        let replica = Arc::clone(&self.replica);
        let work = bug::carry(move || {
            let work = AssertUnwindSafe(|| repeat(name, &replica, duty));
            if catch_unwind(work).is_err() {
                // First: the logger may be what panicked.
                replica.abandon();
                tracing::error!(
                    event = "duty_panicked",
                    duty = name,
                    "a thread of the replica panicked: the replica has failed"
                );
            }
        });
        self.threads.push(thread::Builder::new().name(name.into()).spawn(work)?);
        Ok(())
    }
}

/// Repeats a duty until the replica is closed or has failed.
fn repeat(
    name: &'static str,
    replica: &Replica,
    mut duty: impl FnMut(&Replica) -> Result<(), LogError>,
) {
    let mut retry = Retry::default();
    let mut said = Said::default();
    while !replica.is_over() {
        match duty(replica) {
            Ok(()) => {
                if let Some(what) = said.done() {
                    tracing::info!(event = "log_back", duty = name, "the log {what} again");
                }
                retry.done();
            }
            Err(error) if error.is_lasting() => {
                let remedy = error.remedy();
                tracing::error!(
                    event = "replica_failed",
                    duty = name, %error, remedy, "the replica has failed"
                );
            }
            Err(error) => {
                if said.failed(error.refusal()) {
                    let remedy = error.remedy();
                    tracing::warn!(
                        event = "log_failing",
                        duty = name, %error, remedy, "the log failed; retrying"
                    );
                }
                replica.pause(retry.failed());
            }
        }
    }
}

/// What has been logged of a failure that lasts, so that it is logged once.
#[derive(Debug, Default)]
struct Said {
    last: Last,
    /// Whether the log has refused something and taken nothing since. Failures of other kinds may have
    /// followed.
    was_refused: bool,
}

/// The last failure.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Last {
    #[default]
    None,
    /// The log was unreachable.
    Away,
    Refused(LogRefusal),
}

impl Said {
    /// Notes that the duty has failed. Returns whether to say so.
    fn failed(&mut self, refusal: Option<LogRefusal>) -> bool {
        self.was_refused |= refusal.is_some();
        let failure = refusal.map_or(Last::Away, Last::Refused);
        mem::replace(&mut self.last, failure) != failure
    }

    /// Notes that the duty is done. Returns what to say of the log, if it had failed.
    fn done(&mut self) -> Option<&'static str> {
        let Self { last, was_refused } = mem::take(self);
        (last != Last::None).then_some(if was_refused { "takes changes" } else { "is reachable" })
    }
}

impl Drop for Duties {
    fn drop(&mut self) {
        self.replica.close();
        for thread in self.threads.drain(..) {
            // If the thread panicked, it has said so.
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Option<LogRefusal> = Some(LogRefusal::Full);

    #[test]
    fn a_failure_is_said_once_and_so_is_its_end() {
        let mut said = Said::default();
        assert_eq!(said.done(), None);
        assert_eq!([said.failed(None), said.failed(None), said.failed(FULL)], [true, false, true]);
        assert_eq!([said.done(), said.done()], [Some("takes changes"), None]);
        assert!(said.failed(None));
        assert_eq!(said.done(), Some("is reachable"));
    }

    #[test]
    fn a_log_that_was_full_then_unreachable_takes_changes_again() {
        let mut said = Said::default();
        assert!(said.failed(FULL) && said.failed(None));
        assert_eq!(said.done(), Some("takes changes"));
    }
}
