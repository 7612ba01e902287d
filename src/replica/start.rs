//! How a replica starts: from the snapshot of its log, and all that comes behind it.

use std::sync::Arc;
use std::time::Instant;

use super::snapshots::{IndexAt, RestoreError, restore};
use super::{MOMENT, ReplicaConfig, Replication, State};
use crate::engine::Engine;
use crate::index::Limits;
use crate::log::{Log, LogError, Place};
use crate::sync::{Condvar, Mutex};

impl Engine {
    /// A replica: an engine whose commands are ordered by a log, of which it has applied all that was
    /// there when this was called. `progress` is told of packages as by [`load`](crate::store::load).
    ///
    /// Four duties come with it, each to be done again and again by a thread of its own:
    /// [`append`](Self::append), [`follow`](Self::follow), [`read_head`](Self::read_head),
    /// [`write_snapshot`](Self::write_snapshot).
    ///
    /// # Errors
    /// [`RestoreError`] if the log cannot be read, holds no index, or has replicas with other limits.
    pub fn replicated(
        log: Arc<dyn Log>,
        limits: Limits,
        how: ReplicaConfig,
        progress: impl FnMut(usize),
    ) -> Result<Self, RestoreError> {
        log.agree(&setup(limits))?;
        let head = log.head()?;
        let IndexAt { index, place, log_bytes, .. } = restore(&*log, limits, progress)?;
        let replication = Replication::new(log, how, limits, (place, log_bytes));
        let engine = Self { replication: Some(replication), ..Self::new(index) };
        let (mut reached, mut since) = (place, Instant::now());
        while reached < head {
            // Another try may ask another node.
            let followed = match engine.follow_to(head) {
                Err(error) if error.is_lasting() => return Err(error.into()),
                followed => followed,
            };
            let applied = engine.applied().unwrap_or_default();
            if applied > reached {
                (reached, since) = (applied, Instant::now());
            } else if since.elapsed() > how.patience {
                let problem = format!("it ends at {head}, and shows nothing behind {reached}");
                return Err(followed.err().unwrap_or(LogError::Unreachable { problem }).into());
            } else if followed.is_err() {
                engine.pause(MOMENT);
            }
        }
        Ok(engine)
    }
}

/// What all replicas of a log must have alike, lest one refuses what others apply.
fn setup(limits: Limits) -> String {
    let Limits { max_packages, max_dependencies, max_dependencies_per_package, max_state_bytes } =
        limits;
    format!(
        "format 2, max-packages {max_packages}, max-dependencies {max_dependencies}, \
         max-dependencies-per-package {max_dependencies_per_package}, \
         max-state-bytes {max_state_bytes}"
    )
}

impl Replication {
    fn new(log: Arc<dyn Log>, how: ReplicaConfig, limits: Limits, from: (Place, u64)) -> Self {
        let state = State { applied: from.0, log_bytes: from.1, ..State::default() };
        Self {
            log,
            how,
            limits,
            state: Mutex::new(state),
            reached: Mutex::new(Instant::now()),
            submitted: Condvar::new(),
            moved: Condvar::new(),
            wanted: Condvar::new(),
            copied: Condvar::new(),
        }
    }
}
