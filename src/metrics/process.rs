//! The usual metrics of a process, with their usual names, from `/proc`. Without `/proc` they are left out,
//! because a zero would be wrong.
//!
//! The crate that counts has them too, but needs five more crates to read them.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{Counter, Gauge, IntGauge, Opts};

use super::{MetricsError, New};

/// The metrics of this process.
#[derive(Debug)]
pub(super) struct Process {
    cpu: Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    open_files: IntGauge,
    threads: IntGauge,
}

/// Their values now.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    cpu: Duration,
    /// Since the system started.
    started: Duration,
    threads: u64,
    resident_bytes: u64,
    virtual_bytes: u64,
}

impl Process {
    /// Registers the metrics. `None` if the system does not report them.
    pub(super) fn register(new: &New) -> Result<Option<Self>, MetricsError> {
        let Some(reading) = Reading::now() else { return Ok(None) };
        if let Some(start) = booted().map(|booted| booted + reading.started) {
            let name = "process_start_time_seconds";
            let help = "When the process started, in seconds since 1970.";
            new.registered(Gauge::with_opts(Opts::new(name, help))?)?.set(start.as_secs_f64());
        }
        if let Some(most) = most_files() {
            let help = "The most file descriptors that the process may open.";
            new.gauge("process_max_fds", help)?.set(as_count(most));
        }
        let (name, help) =
            ("process_cpu_seconds_total", "Processor time that the process has used.");
        Ok(Some(Self {
            cpu: new.registered(Counter::with_opts(Opts::new(name, help))?)?,
            resident: new.gauge("process_resident_memory_bytes", "Resident memory.")?,
            virtual_memory: new.gauge("process_virtual_memory_bytes", "Virtual memory.")?,
            open_files: new.gauge("process_open_fds", "Open file descriptors.")?,
            threads: new.gauge("process_threads", "Threads of the process.")?,
        }))
    }

    /// Reads all values again. A value that cannot be read, for lack of file descriptors, stays as it was.
    pub(super) fn update(&self) {
        if let Some(reading) = Reading::now() {
            // It only grows. If two readers add the same at once, later looks add less.
            self.cpu.inc_by((reading.cpu.as_secs_f64() - self.cpu.get()).max(0.0));
            self.resident.set(as_count(reading.resident_bytes));
            self.virtual_memory.set(as_count(reading.virtual_bytes));
            self.threads.set(as_count(reading.threads));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is open for this look only.
            self.open_files.set(as_count(files.count().saturating_sub(1) as u64));
        }
    }
}

fn as_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Reading {
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        Self::of(&stat, rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64)
    }

    /// Reads `/proc/self/stat`, as `proc(5)` describes it.
    fn of(stat: &str, ticks_a_second: u64, page_bytes: u64) -> Option<Self> {
        // The name of the program, in parentheses, may contain anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // Fields are numbered from 1, and the first one after the name is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let time = |ticks: u64| {
            let milliseconds = ticks.checked_mul(1_000)?.checked_div(ticks_a_second)?;
            Some(Duration::from_millis(milliseconds))
        };
        Some(Self {
            cpu: time(field(14)? + field(15)?)?,
            threads: field(20)?,
            started: time(field(22)?)?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)?.checked_mul(page_bytes)?,
        })
    }
}

/// The time since 1970 at which the system started: now, less its uptime.
fn booted() -> Option<Duration> {
    let up = fs::read_to_string("/proc/uptime").ok()?;
    let up = Duration::try_from_secs_f64(up.split_whitespace().next()?.parse().ok()?).ok()?;
    SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(up)
}

/// How many files this process may open. `None` if there is no limit.
fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_process_is_read_with_any_name() {
        let stat = |name: &str| {
            format!(
                "42 ({name}) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 7 7 20 0 9 0 6000 4096000 30 184 1 1"
            )
        };
        let expected = Reading {
            cpu: Duration::from_secs(2),
            started: Duration::from_secs(60),
            threads: 9,
            resident_bytes: 122_880,
            virtual_bytes: 4_096_000,
        };
        for name in ["indexer", "a) S 1 (b", ""] {
            assert_eq!(Reading::of(&stat(name), 100, 4096), Some(expected), "{name}");
        }
        for stat in ["", "42 (indexer) S 1", "42 (indexer"] {
            assert_eq!(Reading::of(stat, 100, 4096), None, "{stat}");
        }
    }
}
