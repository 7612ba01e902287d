//! Floor 3: a log that replicas share, and that is trusted to put all that is appended in one order.
//!
//! A [`Log`] holds *entries*, each some INDEX and REMOVE messages, and gives each of them a [`Place`].
//! Anyone who applies the entries in the order of their places has the same index as everybody else who
//! has come as far, because the machine is deterministic (state machine replication; Schneider 1990).
//! Agreement is the log's business, and no consensus is written here: the log behind the feature `etcd` is
//! etcd, which has Raft for it. Who appends what, who waits, and what is answered is the engine's business.
//!
//! # Appending exactly once
//!
//! An append may have happened although nobody heard of it, and it may still happen later, when a request
//! was delayed. So every entry is appended by a [`Writer`], one run of one replica, whose entries are
//! numbered, and on the condition that the log has that writer where the writer believes itself to be.
//! The same append can then be repeated until its outcome is known: it happens once. Writers compare
//! nothing but themselves, so that they do not get into each other's way; with one common head to compare,
//! of three replicas two fail each time (measured with three nodes on one machine: half the entries a
//! second).
//!
//! # Snapshots
//!
//! Lest the log grow for ever, a replica writes its state in chunks, [publishes](Log::publish) that as the
//! [`LogSnapshot`], and has the log [forget](Log::forget) what was before. Until it is published nobody finds
//! it, so no reader sees half of it; one that reads an older snapshot finds a chunk missing and starts
//! again.

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

/// The most bytes of messages that one entry may hold. With etcd, whose requests may have 1.5 MiB unless it
/// was told otherwise, there is room for the rest of a request.
pub const MAX_ENTRY_BYTES: usize = 1 << 20;

/// Where an entry stands in a log. Later entries have greater places; the places between them mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place(pub u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One run of one replica, as far as it has appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writer {
    /// Which one it is: no two writers of a log have the same.
    pub id: u64,
    /// How many entries it has appended.
    pub entries: u64,
    /// Where the last of them stands, or where the writer was registered.
    pub place: Place,
}

impl Writer {
    /// The writer after one more entry.
    #[must_use]
    pub fn after(self, place: Place) -> Self {
        Self { entries: self.entries + 1, place, ..self }
    }

    /// What the entry is called that it appends next.
    #[must_use]
    pub fn next(self) -> EntryId {
        EntryId { writer: self.id, number: self.entries + 1 }
    }
}

/// What an entry is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Whose it is.
    pub writer: u64,
    /// Which of that writer's entries, from 1.
    pub number: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.writer, self.number)
    }
}

/// An entry as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// What it is called.
    pub id: EntryId,
    /// INDEX and REMOVE messages, each with its LF; at most [`MAX_ENTRY_BYTES`].
    pub messages: Vec<u8>,
}

/// A state that was written down, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSnapshot {
    /// Which one it is: no two of a log have the same.
    pub id: u64,
    /// The state is that after the entry at this place.
    pub place: Place,
    /// How many bytes all entries up to there held, with what each costs beside its messages.
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
    /// Its space is used up.
    #[error("it has no space left")]
    Full,
    /// This replica is not allowed to write.
    #[error("this replica may not write to it")]
    Denied,
    /// It has found that its own copies differ.
    #[error("its nodes hold different data")]
    Corrupt,
    /// This one entry or chunk is too large. Smaller ones may be taken.
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

/// Why a log does not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// It cannot be reached, or cannot do it now. Whether it has done it, or will, is not known.
    #[error("the log is not there: {}", shown(problem))]
    Unreachable {
        /// What was met.
        problem: String,
    },
    /// It can be reached and refuses this, which has had no effect. It may accept it later.
    #[error("the log refuses it: {problem}")]
    Refused {
        /// What kind of refusal it is.
        refusal: LogRefusal,
        /// What the log says.
        problem: String,
    },
    /// Entries after this place are gone: there is a snapshot to go on from.
    #[error("the entries after {after} are gone")]
    Forgotten {
        /// Behind which they were asked for.
        after: Place,
    },
    /// The log has lost what it had: anyone who restored it went back in time, and others may have gone on
    /// from there.
    #[error(
        "the log, which ends at {head}, no longer is the one that led to {seen}: it was restored"
    )]
    WentBack {
        /// Its end.
        head: Place,
        /// What had been seen of it.
        seen: Place,
    },
    /// What is there is not what a replica wrote.
    #[error("{} is damaged: {}", shown(what), shown(problem))]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The replicas of a log have to be set up alike, and this one is not.
    #[error("the replicas of this log have {}, and this one has {}", shown(theirs), shown(ours))]
    Disagrees {
        /// What is asked for here.
        ours: String,
        /// What the first replica said.
        theirs: String,
    },
    /// Anyone who answers does not take what a replica of this version asks.
    #[error("it is no log that this version can use: {}", shown(problem))]
    Rejected {
        /// What it says.
        problem: String,
    },
    /// Those who should share it are not one cluster.
    #[error("{} and {} do not have one log", shown(one), shown(other))]
    Mixed {
        /// The node that was met first, and its cluster.
        one: String,
        /// Another, or the same one later.
        other: String,
    },
}

impl LogError {
    /// Whether trying again is of no use.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::Refused { .. } | Self::Forgotten { .. })
    }

    /// Whether a start that meets it need not be tried again: somebody has to do something before.
    #[must_use]
    pub fn ends_a_start(&self) -> bool {
        self.is_lasting() || self.refusal() == Some(LogRefusal::Denied)
    }

    /// What an operator can do about it, where the error alone says that.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.remedy()),
            Self::Rejected { .. } => Some(
                "give --replicate the addresses of an etcd of version 3, with etcds:// if they speak TLS",
            ),
            Self::Mixed { .. } => Some(
                "give --replicate nodes of one etcd alone, or start this replica again if its etcd was set up \
                 anew",
            ),
            Self::Unreachable { .. }
            | Self::Forgotten { .. }
            | Self::WentBack { .. }
            | Self::Damaged { .. }
            | Self::Disagrees { .. } => None,
        }
    }

    /// What kind of refusal it is; `None` if it is something else.
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
    /// Says how the replicas are set up, which the first one decides. Writes nothing if that is decided, so
    /// that a replica can start while the log is full.
    ///
    /// # Errors
    /// [`LogError::Disagrees`] if another has said something else.
    fn agree(&self, setup: &str) -> Result<(), LogError>;

    /// A writer that nobody else is.
    ///
    /// # Errors
    /// [`LogError`]; then there may be one more that nobody uses.
    fn register(&self) -> Result<Writer, LogError>;

    /// Appends the next entry of a writer, and says where it stands, whether this call has put it there or
    /// an earlier one with the same writer and messages. `None` if the log does not have the writer there
    /// any more: then nothing of that writer can happen from now on, but an earlier attempt may have
    /// happened, and the writer may have been forgotten since.
    ///
    /// # Errors
    /// [`LogError::Unreachable`] when it is not known whether this has been appended, or will be;
    /// [`LogError::Refused`] when this attempt was not and will not be, while an earlier one may be.
    fn append(&self, writer: &Writer, messages: &[u8]) -> Result<Option<Place>, LogError>;

    /// Where the last entry stands, of all that were appended before this was called; the least place if
    /// there is none.
    ///
    /// # Errors
    /// [`LogError`] if that cannot be known.
    fn head(&self) -> Result<Place, LogError>;

    /// Hands over all entries after a place, in order, none left out, until `take` has enough or nothing
    /// has come for a while. To be called again and again, each time with the place of what was handed over
    /// last, or of the snapshot that was read, or the least one.
    ///
    /// # Errors
    /// [`LogError::Forgotten`] if some of them are gone, and [`LogError::WentBack`] if the log no longer is
    /// the one that had an entry at that place.
    fn follow(
        &self,
        after: Place,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LogError>;

    /// The snapshot that was published last.
    ///
    /// # Errors
    /// [`LogError`] if that cannot be known.
    fn snapshot(&self) -> Result<Option<LogSnapshot>, LogError>;

    /// A chunk of a snapshot; `None` if it is gone, because there is a newer one.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read.
    fn chunk(&self, snapshot: &LogSnapshot, number: u32) -> Result<Option<Vec<u8>>, LogError>;

    /// The id of a snapshot that is to be written.
    ///
    /// # Errors
    /// [`LogError`] if there is none to be had.
    fn begin_snapshot(&self) -> Result<u64, LogError>;

    /// Writes a chunk of a snapshot that is not published yet; at most [`MAX_ENTRY_BYTES`].
    ///
    /// # Errors
    /// [`LogError`] if it may not have been written.
    fn write_chunk(&self, id: u64, number: u32, messages: &[u8]) -> Result<(), LogError>;

    /// Makes a snapshot that is complete the one to start from, if `before` still is, and says whether it
    /// is.
    ///
    /// # Errors
    /// [`LogError`] if it is not known whether it is; to be asked again.
    fn publish(
        &self,
        snapshot: &LogSnapshot,
        before: Option<&LogSnapshot>,
    ) -> Result<bool, LogError>;

    /// Forgets what a published snapshot has made dispensable: entries up to it, snapshots before the one
    /// before, which somebody may still read, and writers that have appended nothing since then, which may
    /// come again as others.
    ///
    /// # Errors
    /// [`LogError`] if something may still be there; to be asked again, or the next one sees to it.
    fn forget(&self, snapshot: &LogSnapshot, before: Option<&LogSnapshot>) -> Result<(), LogError>;
}

/// The end of a log is never before what was seen of it.
pub(crate) fn not_before(seen: Place, head: Place) -> Result<Place, LogError> {
    if head < seen { Err(LogError::WentBack { head, seen }) } else { Ok(head) }
}
