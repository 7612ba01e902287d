//! What a session has its messages answered by: an engine alone, in memory or with a store, or a replica.

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

/// An [`Engine`] or a [`Replica`], as those see it that serve it.
pub trait Backend: fmt::Debug + Send + Sync {
    /// The engine that has the index.
    fn engine(&self) -> View<'_>;

    /// How much one batch is best.
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

    /// Ends what batches wait for that others decide; whether there was anything of that kind.
    fn let_go(&self) -> bool;

    /// How it stands with the log; `None` if there is none.
    fn log_state(&self) -> Option<LogState>;

    /// Whether batches are answered now, as far as is known. Waits for nothing.
    ///
    /// # Errors
    /// Why they are not.
    #[cfg(feature = "metrics")]
    fn health(&self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// The state at this moment for a backup; `None` if nothing keeps it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is closed.
    fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>, StoreError>;

    /// The place in the log, if there is one, how many packages are indexed, and their digest, all of one
    /// moment.
    ///
    /// # Errors
    /// As [`Engine::read`].
    fn digest(&self) -> Result<(Option<Place>, usize, Digest), Unavailable>;
}

/// An engine that is not to be changed but by its owner.
#[derive(Debug, Clone, Copy)]
pub struct View<'a>(pub(crate) &'a Engine);

/// How much is settled at once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Messages.
    pub messages: usize,
    /// Names that they list, unless the last of them alone has more.
    pub names: usize,
}

/// How it stands with the log of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// How far the index has come in it.
    pub applied: Place,
    /// How long ago it did something.
    pub unreached: Duration,
    /// Why it takes no changes; `None` while it does.
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

    /// As many messages as one answer can have the replies of, because each batch costs a round to the log.
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
