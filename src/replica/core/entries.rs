//! What an entry of the log means to a replica.

use super::{Core, Request};
use crate::log::{Entry, LogError, Place};
use crate::replica::{ENTRY_COST, Unanswered};
use crate::wire::rows::lines;

impl<T> Core<T> {
    /// Notes that the log shows an entry. If this replica appended it, returns its requests. They are applied
    /// in place of the entry's messages, so they have to be what all others read.
    ///
    /// # Errors
    /// [`LogError::Damaged`]: no entry can stand there, or the entry is not what was appended.
    pub(in crate::replica) fn shown(
        &mut self,
        entry: &Entry,
    ) -> Result<Option<Vec<Request<T>>>, LogError> {
        if entry.place <= self.applied {
            return Err(damaged(entry, format!("it comes after that at {}", self.applied)));
        }
        let own = self.in_flight.iter().position(|group| group.id == Some(entry.id));
        let Some(own) = own else { return Ok(None) };
        if !changing(&self.in_flight[own].requests).eq(lines(&entry.messages)) {
            return Err(damaged(entry, "it does not hold what was appended here".into()));
        }
        Ok(Some(self.in_flight.remove(own).requests))
    }

    /// Notes that an entry has been applied. Returns whether a snapshot is due.
    pub(in crate::replica) fn advanced(&mut self, entry: &Entry) -> bool {
        let before = self.log_bytes / self.snapshot_every;
        self.applied = entry.place;
        self.log_bytes += entry.messages.len() as u64 + ENTRY_COST;
        self.log_bytes / self.snapshot_every > before
    }

    /// Notes that the index has moved on to a snapshot. It has not seen the entries before that, and some may
    /// be this replica's.
    pub(in crate::replica) fn skipped_to(&mut self, place: Place, log_bytes: u64) {
        (self.applied, self.log_bytes) = (place, log_bytes);
        for group in &mut self.in_flight {
            group.skipped = true;
        }
        let skipped = self.without(|group| group.place.is_some_and(|at| at <= place));
        self.dismiss(skipped, Unanswered::Skipped);
    }
}

/// The messages of these requests that may change something.
pub(super) fn changing<T>(requests: &[Request<T>]) -> impl Iterator<Item = &[u8]> {
    let lines = requests.iter().flat_map(|request| lines(&request.messages));
    lines.filter(|line| !line.starts_with(b"QUERY"))
}

pub(in crate::replica) fn damaged(entry: &Entry, problem: String) -> LogError {
    LogError::Damaged { what: format!("entry {} at {}", entry.id, entry.place), problem }
}
