//! Floor 0: bugs that can be planted on purpose, to see that the properties of `testing` catch them.
//!
//! Only the unit tests of this crate can plant one, each in its own thread. Everywhere else nothing
//! is ever planted, which the compiler knows, so that the places where a bug could be cost nothing.
//! What must catch which bug is said where they are planted, beside the table of properties.

/// A bug: what goes wrong while it is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// What has come of a line is forgotten when the rest has not.
    SplitLineIsForgotten,
    /// A name that occurs twice in a list counts twice.
    DuplicatesStay,
    /// What an index holds is listed in the order of its vertices.
    HistoryShows,
    /// An edge that is removed is taken for the first into its target.
    EdgesGoAsIfFirst,
    /// The commands exported lack those that close cycles.
    CyclesStayOpen,
    /// The installation order begins with what needs all else.
    OrderIsReversed,
    /// The transitive dependencies of a package always include it.
    ClosureHoldsItsStart,
    /// A package is indexed although there are as many as may be.
    LimitIsIgnored,
    /// The replies to the malformed messages of a batch come first.
    ErrorsComeFirst,
    /// What is left behind a full batch is not answered until more comes.
    RestOfABatchWaits,
    /// What steers a terminal is shown as it came.
    ControlsAreShown,
    /// An HTTP request is answered like any other line that is no message, and what follows is read.
    HttpIsRead,
    /// The QUERYs of a batch are answered before the rest of it is applied.
    QueriesGoFirst,
    /// A batch that leaves the index wakes nobody who waits for it.
    #[cfg(feature = "server")]
    GateWakesNobody,
    /// What was only looked at is answered before it is durable.
    ReadsDoNotWait,
    /// Whoever waits for changes to become durable is not told that they are.
    CommitsWakeNobody,
    /// When a commit fails, what has changed since it was begun is not taken back.
    LaterChangesStay,
    /// What a replica could not append for sure it appends once more, as a writer that the log has not seen.
    RepeatsAreNew,
    /// What a writer could not append because the log has forgotten it another appends, without a look at
    /// whether it is there.
    ForgottenIsNew,
    /// What a snapshot may hold already is appended once more.
    SkippedIsRepeated,
    /// A QUERY joins a read of the end of the log that had begun before it.
    JoinsBegunRead,
    /// What clients were told is withdrawn is appended after all.
    WithdrawnStays,
    /// The copy of an index that is to be written down is not replaced by a later one, but takes its place.
    OldCopyStays,
    /// Whether there is a place for one more connection is decided before the place is taken.
    #[cfg(feature = "server")]
    PlacesAreCountedTooEarly,
    /// Whoever waits for the end of the server is not told that it has begun to stop.
    #[cfg(feature = "server")]
    ClosingWakesNobody,
    /// Whoever waits for the end of the connections is not told that one has ended.
    #[cfg(feature = "server")]
    LeavingWakesNobody,
    /// Letting a client go at once panics.
    #[cfg(feature = "server")]
    TurningAwayPanics,
    /// Of replies that are written together, those behind the eighth byte are lost.
    #[cfg(feature = "server")]
    AnswersAreCutOff,
    /// A disk says to have kept what it was told to, and has not.
    #[cfg(feature = "testing")]
    SyncsAreLost,
    /// That a commit failed is not noted for the next start.
    #[cfg(feature = "store")]
    FailuresAreNotNoted,
    /// What reads see of a file that was not closed is taken for what is on the disk.
    #[cfg(feature = "store")]
    ReadsAreBelieved,
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
