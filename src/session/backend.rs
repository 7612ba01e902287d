//! What answers the messages of a session: an engine alone, in memory or with a store, or a replica.

#[cfg(feature = "metrics")]
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::request::{Batch, Settled, settle, settle_in_order};
use super::{MAX_ANSWER_BYTES, MAX_BATCH, MAX_BATCH_NAMES, Observer, PADDED_REPLY_BYTES};
use crate::engine::{Engine, Poisoned, Unavailable};
use crate::index::Digest;
use crate::log::{LogRefusal, Place};
use crate::replica::Replica;
use crate::store::{Snapshot, StoreError};

/// An [`Engine`] or a [`Replica`], as its server sees it.
pub trait Backend: fmt::Debug + Send + Sync {
    /// The engine that has the index.
    fn engine(&self) -> View<'_>;

    /// The best size of a batch.
    fn most(&self) -> Most;

    /// Settles messages of a batch, in order.
    ///
    /// # Errors
    /// [`Poisoned`]: nothing can be answered any more.
    fn settle(
        &self,
        batch: Batch<'_, '_>,
        observer: &mut dyn Observer,
    ) -> Result<Settled, Poisoned>;

    /// Ends the waiting of batches for a log. Returns whether there is one.
    fn let_go(&self) -> bool;

    /// The state of the log. `None` if there is none.
    fn log_state(&self) -> Option<LogState>;

    /// Whether batches are answered now, as far as is known. It does not wait.
    ///
    /// # Errors
    /// Why they are not.
    #[cfg(feature = "metrics")]
    fn health(&self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// The durable state of this moment, for a backup. `None` if there is no store.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is closed.
    fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError>;

    /// The place in the log, if there is one, the number of packages, and their digest, all of one moment.
    ///
    /// # Errors
    /// As [`Engine::read`].
    fn digest(&self) -> Result<(Option<Place>, usize, Digest), Unavailable>;
}

/// An engine that only its owner may change.
#[derive(Debug, Clone, Copy)]
pub struct View<'a>(pub(crate) &'a Engine);

/// The most that is settled at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Messages.
    pub messages: usize,
    /// Names that they list, unless the last of them alone has more.
    pub names: usize,
}

/// The state of a replica's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// The place in it that the index has reached.
    pub applied: Place,
    /// How long ago it did something.
    pub unreached: Duration,
    /// Why it takes no changes. `None` while it does.
    pub refusal: Option<LogRefusal>,
}

impl Backend for Engine {
    fn engine(&self) -> View<'_> {
        View(self)
    }

    fn most(&self) -> Most {
        Most { messages: MAX_BATCH, names: MAX_BATCH_NAMES }
    }

    fn settle(
        &self,
        batch: Batch<'_, '_>,
        observer: &mut dyn Observer,
    ) -> Result<Settled, Poisoned> {
        settle(batch, self, observer)
    }

    fn let_go(&self) -> bool {
        false
    }

    fn log_state(&self) -> Option<LogState> {
        None
    }

    #[cfg(feature = "metrics")]
    fn health(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(Self::health(self)?)
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError> {
        Self::snapshot(self)
    }

    fn digest(&self) -> Result<(Option<Place>, usize, Digest), Unavailable> {
        let (packages, digest) = Self::digest(self)?;
        Ok((None, packages, digest))
    }
}

impl Backend for Replica {
    fn engine(&self) -> View<'_> {
        View(Self::engine(self))
    }

    /// As many messages as have their replies in one answer, because each batch costs a round to the log.
    fn most(&self) -> Most {
        Most { messages: MAX_ANSWER_BYTES / PADDED_REPLY_BYTES - 1, names: usize::MAX }
    }

    fn settle(
        &self,
        batch: Batch<'_, '_>,
        observer: &mut dyn Observer,
    ) -> Result<Settled, Poisoned> {
        settle_in_order(batch, self, observer)
    }

    fn let_go(&self) -> bool {
        self.close();
        true
    }

    fn log_state(&self) -> Option<LogState> {
        Some(LogState {
            applied: self.applied(),
            unreached: self.log_unreached(),
            refusal: self.log_refusal(),
        })
    }

    #[cfg(feature = "metrics")]
    fn health(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(Self::health(self)?)
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError> {
        let (frozen, _) = self.freeze().map_err(|_poisoned| StoreError::Closed)?;
        Ok(Some(Box::new(frozen)))
    }

    fn digest(&self) -> Result<(Option<Place>, usize, Digest), Unavailable> {
        let (place, packages, digest) = Self::digest(self)?;
        Ok((Some(place), packages, digest))
    }
}
