//! Copies of the state at one moment: for backups, for digests and for slow readers.

use super::durability::{Durability, Version};
use super::{Engine, Poisoned, UNKNOWN, Unavailable};
use crate::index::{Digest, FrozenIndex};
use crate::store::{Snapshot, StoreError};

impl Engine {
    /// What the store keeps at this moment, which is all that has been answered. `None` without a store.
    /// Waits for a commit that is under way.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is closed.
    pub fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError> {
        self.durability().map(Durability::snapshot).transpose()
    }

    /// What the index holds at this moment, for readers that take longer than others can wait. Holds the
    /// index for as long as [`PackageIndex::freeze`](crate::PackageIndex::freeze) takes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn freeze(&self) -> Result<FrozenIndex, Unavailable> {
        self.freeze_with(|| ()).map(|(frozen, ())| frozen)
    }

    /// Like [`freeze`](Self::freeze), and returns what `meanwhile` saw at the same moment.
    pub(crate) fn freeze_with<R>(
        &self,
        meanwhile: impl FnOnce() -> R,
    ) -> Result<(FrozenIndex, R), Unavailable> {
        let (frozen, result, version) = {
            let _passed = self.gate.pass(UNKNOWN);
            let mut index = self.index.write().map_err(|_poisoned| Poisoned)?;
            let version = self.durability().map_or(Version::default(), Durability::seen);
            (index.freeze(), meanwhile(), version)
        };
        self.wait(version)?;
        Ok((frozen, result))
    }

    /// How many packages are indexed, and their digest, at one moment. Costs [`FrozenIndex::digest`], while
    /// others go on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn digest(&self) -> Result<(usize, Digest), Unavailable> {
        let frozen = self.freeze()?;
        Ok((frozen.len(), frozen.digest()))
    }
}
