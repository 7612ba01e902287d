//! The threads of a replica: one appends, one follows, one reads where the log ends, one writes snapshots.
//!
//! What each of them does is the replica's business; that it does so again and again, that it waits when the
//! log is not there, and that the log of the server says so, is this file's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, mem};

use crate::bug;
use crate::log::retry::Retry;
use crate::log::{LogError, LogRefusal};
use crate::replica::Replica;

/// Does the duties of a [`Replica`] until it is dropped, which closes the replica and takes as long as what is
/// under way: about a second for a watch, some more where nodes of etcd are not there, and until a snapshot is
/// written or loaded.
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
                // First: what panicked may be what logs.
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

/// Does a duty until there is nothing to do any more.
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

/// What has been said of a failure that lasts, so that it is said once.
#[derive(Debug, Default)]
struct Said {
    last: Last,
    /// Whether there was a refusal, since which nothing was taken: others of another kind may have followed.
    was_refused: bool,
}

/// The last failure.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Last {
    #[default]
    None,
    /// The log was not there.
    Away,
    Refused(LogRefusal),
}

impl Said {
    /// The duty has failed. Whether that is to be said.
    fn failed(&mut self, refusal: Option<LogRefusal>) -> bool {
        self.was_refused |= refusal.is_some();
        let failure = refusal.map_or(Last::Away, Last::Refused);
        mem::replace(&mut self.last, failure) != failure
    }

    /// The duty is done. What is to be said of the log, if it had failed.
    fn done(&mut self) -> Option<&'static str> {
        let Self { last, was_refused } = mem::take(self);
        (last != Last::None).then_some(if was_refused { "takes changes" } else { "is reachable" })
    }
}

impl Drop for Duties {
    fn drop(&mut self) {
        self.replica.close();
        for thread in self.threads.drain(..) {
            // It has said so if it panicked.
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
    fn a_log_that_had_no_space_and_then_was_not_there_takes_changes_again() {
        let mut said = Said::default();
        assert!(said.failed(FULL) && said.failed(None));
        assert_eq!(said.done(), Some("takes changes"));
    }
}
