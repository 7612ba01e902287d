//! Floor 3: a log that replicas share. It is trusted to put everything that is appended in one order.
//!
//! A [`Log`] holds *entries*, each with some INDEX and REMOVE messages, and gives each entry a [`Place`]. The
//! machine is deterministic. So replicas that apply the entries in the order of their places have the same
//! index after the same entry (state machine replication; Schneider 1990). Agreement is the log's job: there
//! is no consensus code here. The log of the feature `etcd` is etcd, which has Raft for it. Who appends, who
//! waits, and what is answered is decided in the module `replica`.
//!
//! # Appending exactly once
//!
//! An append may have happened although its answer was lost. It may also happen later, when its request was
//! delayed. So every entry is appended by a [`Writer`], which is one run of one replica. A writer's entries
//! are numbered, and an append succeeds only if the log has the same last entry of that writer as the writer
//! itself. The same append can then be repeated until its outcome is known, and it happens once. Writers
//! compare nothing but themselves, so they do not disturb each other. With one common head to compare, two of
//! three replicas fail each time. That halved the entries a second, measured with three nodes on one machine.
//!
//! # Snapshots
//!
//! To keep the log short, a replica writes its state in chunks and [publishes](Log::publish) it as the
//! [`LogSnapshot`]. Then it has the log [forget](Log::forget) what came before. Nobody finds a snapshot
//! before it is published, so no reader sees half of one. A reader of an older snapshot may find a chunk
//! missing, and then starts again.

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod memory;
pub(crate) mod retry;

use std::fmt;
use std::ops::ControlFlow;

use crate::shown::shown;

#[cfg(all(test, feature = "etcd"))]
pub(crate) use etcd::kept;
#[cfg(feature = "etcd")]
pub use etcd::{AddressError, Credentials, Etcd, EtcdAddress, Identity, SetupError};

/// The most bytes of messages in one entry. A request to etcd may have 1.5 MiB by default, so there is room
/// for the rest of the request.
pub const MAX_ENTRY_BYTES: usize = 1 << 20;

/// The place of an entry in a log. Later entries have greater places. The gaps between places mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place(pub u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One run of one replica, with how far it has appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writer {
    /// Its id. No two writers of a log have the same.
    pub id: u64,
    /// How many entries it has appended.
    pub entries: u64,
    /// The place of its last entry, or of its registration.
    pub place: Place,
}

impl Writer {
    /// The writer after one more entry.
    #[must_use]
    pub fn after(self, place: Place) -> Self {
        Self { entries: self.entries + 1, place, ..self }
    }

    /// The id of the next entry that it appends.
    #[must_use]
    pub fn next(self) -> EntryId {
        EntryId { writer: self.id, number: self.entries + 1 }
    }
}

/// The id of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The writer of the entry.
    pub writer: u64,
    /// The number among that writer's entries, from 1.
    pub number: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.writer, self.number)
    }
}

/// An entry in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub place: Place,
    /// Its id.
    pub id: EntryId,
    /// INDEX and REMOVE messages, each with its LF; at most [`MAX_ENTRY_BYTES`].
    pub messages: Vec<u8>,
}

/// A state that was written to the log, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSnapshot {
    /// Its id. No two snapshots of a log have the same.
    pub id: u64,
    /// The state is the one after the entry at this place.
    pub place: Place,
    /// The bytes of all entries up to there, with the cost of each entry beside its messages.
    pub log_bytes: u64,
    /// How many chunks it has.
    pub chunks: u32,
    /// How many packages it has.
    pub packages: u64,
}

/// Why a log that can be reached refuses a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LogRefusal {
    /// It has no space left.
    #[error("it has no space left")]
    Full,
    /// This replica may not write.
    #[error("this replica may not write to it")]
    Denied,
    /// It has found that its own copies differ.
    #[error("its nodes hold different data")]
    Corrupt,
    /// This entry or chunk is too large. Smaller ones may be accepted.
    #[error("it takes no entry as large as this")]
    TooLarge,
}

impl LogRefusal {
    /// What an operator can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Full => {
                "compact etcd and defragment each of its nodes, or raise --quota-backend-bytes; then run \
                 `etcdctl alarm disarm`"
            }
            Self::Denied => {
                "let --etcd-user, with the password in --etcd-password-file, read and write below PREFIX/"
            }
            Self::Corrupt => "replace the damaged node of etcd; then run `etcdctl alarm disarm`",
            Self::TooLarge => "give etcd its default --max-request-bytes (1.5 MiB), or more",
        }
    }
}

/// Why a log did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log is unreachable, or cannot do it now. Whether it has done it, or will, is unknown.
    #[error("the log is unreachable: {}", shown(problem))]
    Unreachable {
        /// What happened.
        problem: String,
    },
    /// The log can be reached and refuses this. It had no effect. The log may accept it later.
    #[error("the log refuses it: {problem}")]
    Refused {
        /// The kind of refusal.
        refusal: LogRefusal,
        /// What the log says.
        problem: String,
    },
    /// The entries after this place are gone. There is a snapshot to start from.
    #[error("the entries after {after} are gone")]
    Forgotten {
        /// The place after which they were asked for.
        after: Place,
    },
    /// The log has lost entries, because it was restored to an earlier state. Other replicas may have
    /// appended since then.
    #[error("the log ends at {head} and is no longer the one that led to {seen}: it was restored")]
    WentBack {
        /// Its end.
        head: Place,
        /// The place that was seen before.
        seen: Place,
    },
    /// What is in the log was not written by a replica.
    #[error("{} is damaged: {}", shown(what), shown(problem))]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// All replicas of a log need the same settings, and this one has others.
    #[error("the replicas of this log have {}, and this one has {}", shown(theirs), shown(ours))]
    Disagrees {
        /// The settings of this replica.
        ours: String,
        /// The settings of the first replica.
        theirs: String,
    },
    /// The server at this address does not accept the requests of this version.
    #[error("this version cannot use it as a log: {}", shown(problem))]
    Rejected {
        /// What it says.
        problem: String,
    },
    /// The nodes do not belong to one cluster.
    #[error("{} and {} are not nodes of one cluster", shown(one), shown(other))]
    Mixed {
        /// The first node, and its cluster.
        one: String,
        /// Another node, or the first one later.
        other: String,
    },
}

impl LogError {
    /// Whether a retry cannot help.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::Refused { .. } | Self::Forgotten { .. })
    }

    /// Whether a start that meets it need not be retried, because somebody has to act first.
    #[must_use]
    pub fn ends_a_start(&self) -> bool {
        self.is_lasting() || self.refusal() == Some(LogRefusal::Denied)
    }

    /// What an operator can do about it, if the error alone tells.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.remedy()),
            Self::Rejected { .. } => Some(
                "give --replicate the addresses of an etcd of version 3, with etcds:// if they use TLS",
            ),
            Self::Mixed { .. } => Some(
                "give --replicate nodes of one etcd alone, or start this replica again if its etcd was set up \
                 again",
            ),
            Self::Unreachable { .. }
            | Self::Forgotten { .. }
            | Self::WentBack { .. }
            | Self::Damaged { .. }
            | Self::Disagrees { .. } => None,
        }
    }

    /// The kind of refusal, or `None` for any other error.
    #[must_use]
    pub fn refusal(&self) -> Option<LogRefusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            Self::Unreachable { .. }
            | Self::Forgotten { .. }
            | Self::WentBack { .. }
            | Self::Damaged { .. }
            | Self::Disagrees { .. }
            | Self::Rejected { .. }
            | Self::Mixed { .. } => None,
        }
    }
}

/// A log that replicas share. Every call returns within a bounded time.
pub trait Log: Send + Sync {
    /// Announces this replica's settings. The first replica decides them. Once they are decided it writes
    /// nothing, so that a replica can start while the log is full.
    ///
    /// # Errors
    /// [`LogError::Disagrees`] if another replica has announced other settings.
    fn agree(&self, setup: &str) -> Result<(), LogError>;

    /// Registers a new writer.
    ///
    /// # Errors
    /// [`LogError`]. There may then be one more writer, which nobody uses.
    fn register(&self) -> Result<Writer, LogError>;

    /// Appends the next entry of a writer, and returns its place. An earlier call with the same writer and
    /// messages may have appended it. `None` if the log has another last entry of that writer, or none.
    /// Nothing of that writer can happen from then on. But an earlier attempt may have happened, and the
    /// writer may have been forgotten since.
    ///
    /// # Errors
    /// [`LogError::Unreachable`] if it is unknown whether this attempt was appended, or will be.
    /// [`LogError::Refused`] if this attempt was not and will not be, though an earlier one may be.
    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError>;

    /// The place of the last entry that was appended before this call, or the least place if there is none.
    ///
    /// # Errors
    /// [`LogError`] if the log cannot tell.
    fn head(&self) -> Result<Place, LogError>;

    /// Passes on all entries after a place, in order and without gaps, until `take` has enough or nothing has
    /// come for a while. Call it again and again, each time with the place of the last entry, or of the
    /// snapshot that was read, or the least place.
    ///
    /// # Errors
    /// [`LogError::Forgotten`] if some of them are gone. [`LogError::WentBack`] if the log is no longer the
    /// one that had an entry at that place.
    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError>;

    /// The last snapshot that was published.
    ///
    /// # Errors
    /// [`LogError`] if the log cannot tell.
    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError>;

    /// A chunk of a snapshot. `None` if it is gone, because there is a newer snapshot.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read.
    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError>;

    /// The id of a snapshot that will be written.
    ///
    /// # Errors
    /// [`LogError`] if the log gives none.
    fn begin_snapshot(&self) -> Result<u64, LogError>;

    /// Writes a chunk of a snapshot that is not published yet; at most [`MAX_ENTRY_BYTES`].
    ///
    /// # Errors
    /// [`LogError`] if it may not have been written.
    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError>;

    /// Publishes a complete snapshot as the one to start from, if `before` still is that. Returns whether it
    /// did.
    ///
    /// # Errors
    /// [`LogError`] if the outcome is unknown. Ask again.
    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError>;

    /// Deletes what a published snapshot makes unnecessary: entries up to it, and snapshots except the one
    /// before, which a reader may still need. It also deletes writers that have appended nothing since then.
    /// Their replicas can register new ones.
    ///
    /// # Errors
    /// [`LogError`] if something may be left. Ask again, or leave it to the next call.
    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError>;
}

/// Checks that the end of a log is not before the place that was seen.
pub(crate) fn not_before(seen: Place, head: Place) -> Result<Place, LogError> {
    if head < seen { Err(LogError::WentBack { head, seen }) } else { Ok(head) }
}
