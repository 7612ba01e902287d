//! Floor 0: bugs that can be planted on purpose, to see that the tests catch them.
//!
//! Here are those alone that nothing around a part can show. What can be seen from outside is planted
//! outside: machines, parsers, sessions and stores that are wrong on purpose are in
//! `testing/properties/faulty.rs`, and beside the schedules. Each kind below says why it is not among them.
//!
//! Only the unit tests of this crate can plant one, each in its own thread. Everywhere else nothing
//! is ever planted, which the compiler knows, so that the places where a bug could be cost nothing.

/// A bug: what goes wrong while it is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    // How the index represents what it holds: the graph alone knows its edges, and in which order its vertices
    // came. Replies stay right, at least for now.
    /// A name that occurs twice in a list counts twice.
    DuplicatesStay,
    /// What an index holds is listed in the order of its vertices.
    HistoryShows,
    /// An edge that is removed is taken for the first into its target.
    EdgesGoAsIfFirst,

    // Between a lock and a wait: anyone who stands outside sees neither.
    /// A batch that leaves the index wakes nobody who waits for it.
    #[cfg(feature = "server")]
    GateWakesNobody,
    /// Anyone who waits for changes to become durable is not told that they are.
    CommitsWakeNobody,
    /// Whether there is a place for one more connection is decided before the place is taken.
    #[cfg(feature = "server")]
    PlacesAreCountedTooEarly,
    /// Anyone who waits for the end of the server is not told that it has begun to stop.
    #[cfg(feature = "server")]
    ClosingWakesNobody,
    /// Anyone who waits for the end of the connections is not told that one has ended.
    #[cfg(feature = "server")]
    LeavingWakesNobody,
    /// A QUERY joins a read of the end of the log that had begun before it.
    JoinsBegunRead,

    // What is decided with the index in hand, where nobody else can put a hand in.
    /// When a commit fails, what has changed since it was begun is not taken back.
    LaterChangesStay,
    /// The copy of an index that is to be written down is not replaced by a later one, but takes its place.
    OldCopyStays,

    // What the core of a replica decides alone: a log can only be asked something else, which the log refuses.
    /// What a writer could not append because the log has forgotten it another appends, without a look at
    /// whether it is there.
    ForgottenIsNew,
    /// What a snapshot may hold already is appended once more.
    SkippedIsRepeated,
    /// What clients were told is withdrawn is appended after all.
    WithdrawnStays,

    // What happens after a failure: to a thread that nobody else has in hand, and by writes that a disk cannot
    // tell from others.
    /// Letting a client go at once panics.
    #[cfg(feature = "server")]
    TurningAwayPanics,
    /// What reads see of a file that was not closed is taken for what is on the disk.
    #[cfg(feature = "store")]
    ReadsAreBelieved,

    // Outside already, in the log and in the disk that tests have.
    /// What a replica appends once more, because it does not know what became of it, is in the log twice.
    #[cfg(any(test, feature = "testing"))]
    RepeatsAreNew,
    /// A disk says to have kept what it was told to, and has not.
    #[cfg(feature = "testing")]
    SyncsAreLost,
}

#[cfg(not(test))]
#[inline]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// Lets a new thread begin with what is planted in this one.
#[cfg(all(not(test), feature = "server"))]
pub(crate) fn carry(work: impl FnOnce()) -> impl FnOnce() {
    work
}

#[cfg(test)]
pub(crate) use planting::{carry, plant, planted};

#[cfg(test)]
mod planting {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Pulls the bug out again when it is dropped.
    #[must_use]
    pub(crate) struct Planted;

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }

    pub(crate) fn plant(bug: Bug) -> Planted {
        assert_eq!(PLANTED.replace(Some(bug)), None, "one at a time");
        Planted
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    pub(crate) fn carry(work: impl FnOnce()) -> impl FnOnce() {
        let planted = PLANTED.get();
        move || {
            PLANTED.set(planted);
            work();
        }
    }
}
