//! Floor 0: bugs that can be planted on purpose, to see that the tests catch them.
//!
//! A bug is here only if nothing around a part can show it. Bugs that show from outside are planted outside:
//! wrong machines, parsers, sessions and stores are in `testing/properties/faulty.rs`, and beside the
//! schedules. Each kind below says why it is not among those.
//!
//! Only the unit tests of this crate can plant a bug, each in its own thread. Elsewhere none is ever planted.
//! The compiler knows that, so the places where a bug could be cost nothing.

/// A bug: what goes wrong while it is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    // How the index represents what it holds. The graph alone knows its edges, and the order in which its
    // vertices came. Replies stay right, at least at first.
    /// A name that occurs twice in a list counts twice.
    DuplicatesStay,
    /// What an index holds is listed in the order of its vertices.
    HistoryShows,
    /// An edge that is removed is taken for the first into its target.
    EdgesGoAsIfFirst,

    // Between a lock and a wait, which nothing outside can see.
    /// A batch that leaves the index wakes none of the waiters.
    #[cfg(feature = "server")]
    GateWakesNobody,
    /// Threads that wait for changes to become durable are not woken when they are.
    CommitsWakeNobody,
    /// The place for one more connection is checked before it is taken.
    #[cfg(feature = "server")]
    PlacesAreCountedTooEarly,
    /// Threads that wait for the end of the server are not told that it has begun to stop.
    #[cfg(feature = "server")]
    ClosingWakesNobody,
    /// Threads that wait for the end of the connections are not told that one has ended.
    #[cfg(feature = "server")]
    LeavingWakesNobody,
    /// A QUERY joins a read of the end of the log that began before it.
    JoinsBegunRead,

    // What is decided with the index in hand, where nothing else can interfere.
    /// When a commit fails, changes since its beginning are not taken back.
    LaterChangesStay,
    /// The copy of the index that waits to be written down is taken for the later one.
    OldCopyStays,

    // What the core of a replica decides alone. A log can only be asked something else, which it refuses.
    /// A writer could not append something because the log has forgotten it. Another appends it without a
    /// look at whether it is there.
    ForgottenIsNew,
    /// What a snapshot may already hold is appended once more.
    SkippedIsRepeated,
    /// What clients were told is withdrawn is appended after all.
    WithdrawnStays,

    // What happens after a failure: to a thread that nothing else controls, or by writes that a disk cannot
    // tell from others.
    /// Letting a client go at once panics.
    #[cfg(feature = "server")]
    TurningAwayPanics,
    /// What reads show of a file that was not closed is taken for what is on the disk.
    #[cfg(feature = "store")]
    ReadsAreBelieved,

    // Outside already, in the log and the disk of the tests.
    /// A replica repeats what it does not know the fate of, and the log has it twice.
    #[cfg(any(test, feature = "testing"))]
    RepeatsAreNew,
    /// A disk reports that it has kept what it was told to, and has not.
    #[cfg(feature = "testing")]
    SyncsAreLost,
}

#[cfg(not(test))]
#[inline]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// Lets a new thread begin with the bug that is planted in this one.
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

    /// A planted bug. Its drop pulls it out again.
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
