//! How a replica starts: from the snapshot of its log, and the entries that come after it.

use std::sync::Arc;
use std::time::Instant;

use super::core::Core;
use super::reads::Rounds;
use super::snapshots::{IndexAt, RestoreError, restore};
use super::{Guarded, Replica, ReplicaConfig, Share};
use crate::engine::Engine;
use crate::index::Limits;
use crate::log::retry::Retry;
use crate::log::{Log, LogError, Place};
use crate::sync::{Condvar, Mutex};

impl Replica {
    /// A replica that has applied all that was in its log when this was called. `progress` counts packages as
    /// in [`load`](crate::store::load).
    ///
    /// # Errors
    /// [`RestoreError`] if the log cannot be read, holds no index, or has replicas with other limits.
    pub fn start(
        log: Arc<dyn Log>,
        limits: Limits,
        how: ReplicaConfig,
        progress: impl FnMut(usize),
    ) -> Result<Self, RestoreError> {
        log.agree(&setup(limits))?;
        let head = log.head()?;
        let IndexAt { index, place, log_bytes, .. } = restore(&*log, limits, progress)?;
        let share = Share::new(log, how, limits, (place, log_bytes));
        let replica = Self { engine: Engine::new(index), share };
        let (mut reached, mut retry) = (place, Retry::default());
        while reached < head {
            // Another try may reach another node.
            let followed = match replica.follow_to(head) {
                Err(error) if error.ends_a_start() => return Err(error.into()),
                followed => followed,
            };
            let applied = replica.applied();
            if applied > reached {
                reached = applied;
                retry.done();
                continue;
            }
            if retry.failing_for() > how.patience {
                let problem = format!("it ends at {head}, but shows nothing after {reached}");
                return Err(followed.err().unwrap_or(LogError::Unreachable { problem }).into());
            }
            let pause = retry.failed();
            if followed.is_err() {
                replica.pause(pause);
            }
        }
        Ok(replica)
    }
}

/// What all replicas of a log must have in common. Otherwise one would refuse what others apply.
fn setup(limits: Limits) -> String {
    let Limits { max_packages, max_dependencies, max_dependencies_per_package, max_state_bytes } =
        limits;
    format!(
        "format 2, max-packages {max_packages}, max-dependencies {max_dependencies}, \
         max-dependencies-per-package {max_dependencies_per_package}, \
         max-state-bytes {max_state_bytes}"
    )
}

impl Share {
    fn new(log: Arc<dyn Log>, how: ReplicaConfig, limits: Limits, from: (Place, u64)) -> Self {
        let core = Core::new(from.0, from.1, how.snapshot_every);
        let state = Guarded { core, reads: Rounds::default(), copy: None, published: None };
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
