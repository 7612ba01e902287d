//! A server with a crowd of well-behaved clients, on which faults are inflicted, and what is
//! claimed of it then.

use std::fmt;
use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::super::serving::Serving;
use super::crowd::{Crowd, LATEST, SIXTEEN, Seen};
use super::{Fault, Process, Target, Wrong, connect, expect};

/// What the program is told to serve as the faults expect: anyone who never reads is cut off soon.
pub(crate) const FLAGS: [&str; 4] = ["--listen", "127.0.0.1:0", "--write-timeout", "2"];

/// How much more memory a server may have than before, once all clients of a fault are gone: what
/// the allocator keeps, and the stacks of threads that it keeps for the next ones.
pub(crate) const KEPT_BYTES: usize = 48 << 20;

/// How much more memory a server may have at any time while faults are inflicted on it: a line of
/// 64 KiB and a stack for each of those who are there at once, and the same again.
pub(crate) const PEAK_BYTES: usize = 80 << 20;

/// How long it may take until connections that their clients have closed are closed by the server.
const GONE: Duration = Duration::from_secs(20);

/// A server with its crowd.
pub(crate) struct Stage {
    serving: Serving,
    crowd: Crowd,
    pub(crate) target: Target,
    /// The threads that the server has for nobody.
    threads: usize,
}

/// What was seen of a server under a fault.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    what: String,
    clients: usize,
    time: Duration,
    seen: Seen,
    resident_before: usize,
    resident_at_most: usize,
    resident_after: usize,
}

impl Stage {
    /// Starts a server by `program`, which listens on one address, and the crowd.
    pub(crate) fn set(program: &mut Command, pace: Duration) -> Result<Self, Wrong> {
        let serving = Serving::spawn(program, 1);
        let process = Process(serving.pid());
        let target = Target { address: serving.addresses[0], process, pace };
        let threads = process.threads();
        let crowd = Crowd::start(target.address, &SIXTEEN)?;
        Ok(Self { serving, crowd, target, threads })
    }

    /// How many clients the server has, the crowd left out: each has a thread.
    pub(crate) fn strangers(&self) -> usize {
        self.target.process.threads().saturating_sub(self.threads + SIXTEEN.len())
    }

    /// What the crowd has seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.crowd.seen()
    }

    /// Inflicts all these faults at once, waits until their clients are gone, and has a newcomer
    /// served. Says how long that took.
    pub(crate) fn inflict(&self, faults: &[Fault]) -> Result<Duration, Wrong> {
        let start = Instant::now();
        thread::scope(|scope| {
            let inflicted: Vec<_> =
                faults.iter().map(|fault| scope.spawn(|| fault.inflict(&self.target))).collect();
            inflicted.into_iter().try_for_each(|fault| fault.join().expect("no fault panics"))
        })?;
        let left = Instant::now();
        while self.strangers() > 0 {
            if left.elapsed() > GONE {
                return Err(format!("{} clients are not let go", self.strangers()).into());
            }
            thread::yield_now();
        }
        let mut newcomer = connect(self.target.address)?;
        newcomer.write_all(b"QUERY|newcomer|\n")?;
        expect(&newcomer, "FAIL\n")?;
        Ok(start.elapsed())
    }

    /// Inflicts faults once, ends the server in order and reports.
    pub(crate) fn withstand(self, faults: &[Fault]) -> Result<(Report, String), Wrong> {
        let process = self.target.process;
        let resident_before = process.resident_bytes();
        let time = self.inflict(faults)?;
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        let (resident_at_most, resident_after) = (process.peak_bytes(), process.resident_bytes());
        let (seen, log) = self.end()?;
        let report = Report {
            what: names.join(" + "),
            clients: faults.iter().map(|fault| fault.clients).sum(),
            time,
            seen,
            resident_before,
            resident_at_most,
            resident_after,
        };
        report.is_well()?;
        Ok((report, log))
    }

    /// Lets the crowd go, ends the server by a signal, and returns what was seen and logged.
    pub(crate) fn end(self) -> Result<(Seen, String), Wrong> {
        let seen = self.crowd.stop();
        self.serving.signal("TERM");
        let (status, log) = self.serving.wait();
        let of_error = |line: &str| line.split_whitespace().nth(1) == Some("ERROR");
        if !status.success() || log.contains("panicked") || log.lines().any(of_error) {
            return Err(format!("the server ended with {status} and logged\n{log}").into());
        }
        Ok((seen, log))
    }
}

impl Seen {
    /// No reply was wrong, and none too late.
    pub(crate) fn is_well(&self) -> Result<(), Wrong> {
        if let Some(wrong) = self.wrong.first() {
            return Err(format!("{} clients saw wrong replies: {wrong}", self.wrong.len()).into());
        }
        if self.latest > LATEST {
            return Err(format!("a reply came after {:?}", self.latest).into());
        }
        Ok(())
    }
}

impl Report {
    fn is_well(&self) -> Result<(), Wrong> {
        self.seen.is_well().map_err(|wrong| format!("{self}: {wrong}"))?;
        let most = self.resident_at_most.saturating_sub(self.resident_before);
        let kept = self.resident_after.saturating_sub(self.resident_before);
        if most > PEAK_BYTES || kept > KEPT_BYTES {
            return Err(format!("{self}: that is too much memory").into());
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, clients, time, seen, .. } = self;
        write!(
            f,
            "{what}: {clients} clients in {:.1} s; beside them {} replies, {} wrong, the latest \
             after {} ms; resident MiB: {} before, {} at most, {} after",
            time.as_secs_f64(),
            seen.replies,
            seen.wrong.len(),
            seen.latest.as_millis(),
            self.resident_before >> 20,
            self.resident_at_most >> 20,
            self.resident_after >> 20,
        )
    }
}
