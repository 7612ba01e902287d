//! The measurements of one connection, or of all.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Failure, LoadFailure};
use crate::command::Reply;

/// Significant decimal digits of the latencies.
const DIGITS: u8 = 3;

/// The measurements of one connection, or of all together.
pub(super) struct Measured {
    /// Time from message to reply, in microseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) ok: u64,
    pub(super) fail: u64,
    pub(super) error: u64,
    /// How many replies arrived before the time was over.
    pub(super) in_time: u64,
    /// How many messages were due by then but not sent, because the window was full. Their latencies count
    /// until then.
    pub(super) unsent: u64,
    /// How long messages were sent.
    pub(super) time: Duration,
    /// Whether that is less than was asked for.
    pub(super) is_interrupted: bool,
    /// From the first message to the last reply.
    pub(super) elapsed: Duration,
    /// The processor time of this process during the load, if the system reports it.
    pub(super) processor: Option<Duration>,
}

impl Measured {
    pub(super) fn new() -> Result<Self, Failure> {
        let latencies = Histogram::new(DIGITS).map_err(LoadFailure::Latencies)?;
        let (time, elapsed, processor) = (Duration::ZERO, Duration::ZERO, None);
        let (ok, fail, error, in_time, unsent) = (0, 0, 0, 0, 0);
        let counts = Self {
            latencies,
            ok,
            fail,
            error,
            in_time,
            unsent,
            time,
            is_interrupted: false,
            elapsed,
            processor,
        };
        Ok(counts)
    }

    pub(super) fn count(&mut self, reply: Reply) {
        *match reply {
            Reply::Ok => &mut self.ok,
            Reply::Fail => &mut self.fail,
            Reply::Error => &mut self.error,
        } += 1;
    }

    /// Records that messages were answered, or given up, this long after they were sent or due.
    pub(super) fn took(&mut self, latency: Duration, messages: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        // The histogram grows as needed. A value above its limit counts as the greatest that it can hold.
        if self.latencies.record_n(micros, messages).is_err() {
            self.latencies.saturating_record_n(micros, messages);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        // It has the same digits and grows as needed.
        let added = self.latencies.add(&other.latencies);
        debug_assert!(added.is_ok(), "{added:?}");
        self.ok += other.ok;
        self.fail += other.fail;
        self.error += other.error;
        self.in_time += other.in_time;
        self.unsent += other.unsent;
    }
}
