//! What the system says of a process (its memory, threads and files), and how many files it may
//! have open.

use std::fs;
use std::str::FromStr;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// A process, by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Its resident memory, in bytes.
    pub(crate) fn resident_bytes(self) -> usize {
        self.status::<usize>("VmRSS:") * 1024
    }

    /// The most that its resident memory has been, in bytes.
    pub(crate) fn peak_bytes(self) -> usize {
        self.status::<usize>("VmHWM:") * 1024
    }

    pub(crate) fn threads(self) -> usize {
        self.status("Threads:")
    }

    /// The number that stands after `field` in `/proc/PID/status`.
    fn status<T: FromStr<Err: std::fmt::Debug>>(self, field: &str) -> T {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn open_files(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().count()
    }

    /// Lets it open files up to this many in all; returns how many it could until now. The hard
    /// limit stays the one of this process, which a child has from it.
    pub(crate) fn limit_open_files(self, files: u64) -> u64 {
        let pid = Pid::from_raw(self.0.try_into().unwrap());
        let limit = Rlimit { current: Some(files), ..getrlimit(Resource::Nofile) };
        prlimit(pid, Resource::Nofile, limit).unwrap().current.unwrap_or(u64::MAX)
    }
}

/// Lets this process, and those that it starts from now on, open as many files as it may allow
/// itself; returns how many those are.
pub(crate) fn raise_open_files() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    maximum.unwrap_or(u64::MAX)
}
