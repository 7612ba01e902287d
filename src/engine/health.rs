//! What probes ask of an engine. A probe waits neither for the index, nor for a batch, nor for the disk, and
//! nothing waits for a probe.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Engine, NotDurable, Poisoned, Unavailable};
use crate::index::PackageIndex;

/// How much an index holds. Each number is right by itself, but they are read beside batches that change
/// them.
#[derive(Debug, Default)]
pub(crate) struct Held {
    packages: AtomicUsize,
    dependencies: AtomicUsize,
    state_bytes: AtomicUsize,
}

impl Held {
    pub(super) fn of(index: &PackageIndex) -> Self {
        let held = Self::default();
        held.note(index);
        held
    }

    /// Notes what an index holds after a batch, before the next batch has the index. O(1).
    pub(super) fn note(&self, index: &PackageIndex) {
        self.packages.store(index.len(), Ordering::Relaxed);
        self.dependencies.store(index.dependency_count(), Ordering::Relaxed);
        self.state_bytes.store(index.state_bytes(), Ordering::Relaxed);
    }

    pub(crate) fn packages(&self) -> usize {
        self.packages.load(Ordering::Relaxed)
    }

    pub(crate) fn dependencies(&self) -> usize {
        self.dependencies.load(Ordering::Relaxed)
    }

    pub(crate) fn state_bytes(&self) -> usize {
        self.state_bytes.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// Whether batches are answered now, as far as is known. It takes no lock that a batch or the disk holds.
    ///
    /// # Errors
    /// The reason why they are not answered.
    pub fn health(&self) -> Result<(), Unavailable> {
        if self.index.is_poisoned() {
            return Err(Poisoned.into());
        }
        if self.store_failure().is_some() {
            return Err(NotDurable.into());
        }
        Ok(())
    }

    /// How much the index holds after the last batch, which may not be durable yet. After a panic, it is what
    /// the index held before.
    pub(crate) fn held(&self) -> &Held {
        &self.held
    }
}
