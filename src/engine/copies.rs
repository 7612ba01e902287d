//! Copies of the state at one moment: for backups, for digests and for readers that take long.

use super::durability::{Durability, Version};
use super::{Engine, Poisoned, UNKNOWN, Unavailable};
use crate::index::{Digest, FrozenIndex};
use crate::log::Place;
use crate::store::{Snapshot, StoreError};

impl Engine {
    /// What the store keeps at this moment, which is all that has been answered; `None` without a store.
    /// Waits for the commit that is going on, if there is one. Of a replica, what it has applied.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is closed.
    pub fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError> {
        if self.is_replicated() {
            let (frozen, _) = self.freeze().map_err(|_poisoned| StoreError::Closed)?;
            return Ok(Some(Box::new(frozen)));
        }
        self.durability.as_ref().map(Durability::snapshot).transpose()
    }

    /// What the index holds at this moment, for readers that take longer than others can wait; and, of a
    /// replica, its place in the log. Has the index for as long as [`PackageIndex::freeze`](crate::PackageIndex::freeze)
    /// takes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn freeze(&self) -> Result<(FrozenIndex, Option<Place>), Unavailable> {
        let (frozen, place, version) = {
            let _passed = self.gate.pass(UNKNOWN);
            let mut index = self.index.write().map_err(|_poisoned| Poisoned)?;
            let version = self.durability.as_ref().map_or(Version::default(), Durability::seen);
            (index.freeze(), self.applied(), version)
        };
        self.wait(version)?;
        Ok((frozen, place))
    }

    /// The place of a replica in its log, how many packages are indexed, and their digest, all of one
    /// moment. Costs [`FrozenIndex::digest`], while others go on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn digest(&self) -> Result<(Option<Place>, usize, Digest), Unavailable> {
        let (frozen, place) = self.freeze()?;
        Ok((place, frozen.len(), frozen.digest()))
    }
}
