//! The threads of a replica: one appends, one follows, one reads where the log ends, one writes snapshots.
//!
//! What each of them does is the replica's business; that it does so again and again, that it waits when the
//! log is not there, and that the log of the server says so, is this file's.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::bug;
use crate::log::retry::Retry;
use crate::log::{LogError, LogRefusal};
use crate::replica::Replica;

/// Does the duties of a [`Replica`] until it is dropped, which closes the replica and takes as long as what is under way: about a second for a watch, some more where nodes of etcd are not there,
/// and until a snapshot is written or loaded.
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
                tracing::info!(place, packages, chunks = snapshot.chunks, "wrote a snapshot");
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
                tracing::error!(duty = name, "a duty of the replica panicked: it has failed");
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
    // What has been said of a failure that lasts, so that it is said once: whether it is a refusal.
    let mut said: Option<Option<LogRefusal>> = None;
    while !replica.is_over() {
        match duty(replica) {
            Ok(()) => {
                if let Some(refusal) = said.take() {
                    let what = if refusal.is_some() { "takes changes" } else { "is there" };
                    tracing::info!(duty = name, "the log {what} again");
                }
                retry.done();
            }
            Err(error) if error.is_lasting() => {
                let remedy = error.remedy();
                tracing::error!(duty = name, %error, remedy, "the replica has failed");
            }
            Err(error) => {
                let refusal = error.refusal();
                if said.replace(refusal) != Some(refusal) {
                    let remedy = error.remedy();
                    tracing::warn!(duty = name, %error, remedy, "trying again");
                }
                replica.pause(retry.failed());
            }
        }
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
