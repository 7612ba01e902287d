//! Work that may hang or crash, in a process of its own.

use std::fmt::{self, Display};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;

use fork::Fork;
use rustix::process::{Resource, Rlimit, setrlimit};

/// How much memory a process may take: a list that runs in a circle fills all there is.
const MEMORY: u64 = 1 << 30;

/// The signal that ends a process whose time is over.
const TIME_IS_OVER: i32 = 24;

/// How a process ended before it had said anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death(pub(crate) i32);

impl Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TIME_IS_OVER => f.write_str("hangs"),
            0 => f.write_str("ends in silence"),
            signal => write!(f, "is ended by signal {signal}"),
        }
    }
}

/// Lets this process have so many seconds of a processor, and little memory.
pub(crate) fn limit(seconds: u64) -> io::Result<()> {
    let most = |most| Rlimit { current: Some(most), maximum: None };
    setrlimit(Resource::Cpu, most(seconds))?;
    setrlimit(Resource::As, most(MEMORY))?;
    // Crashes are what is looked for, not news.
    Ok(setrlimit(Resource::Core, most(0))?)
}

/// Does something in a copy of this process, which must have one thread only, and tells what that said.
pub(crate) fn apart(
    seconds: u64,
    work: impl FnOnce() -> String,
) -> io::Result<Result<String, Death>> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    match fork::fork()? {
        Fork::Child => {
            let said = catch_unwind(AssertUnwindSafe(|| limit(seconds).map(|()| work())));
            let sent = said.map(|said| said.and_then(|said| theirs.write_all(said.as_bytes())));
            process::exit(i32::from(!matches!(sent, Ok(Ok(())))))
        }
        Fork::Parent(child) => {
            drop(theirs);
            let mut said = String::new();
            ours.read_to_string(&mut said)?;
            let status = fork::waitpid(child)?;
            Ok(if status == 0 { Ok(said) } else { Err(Death(status & 0x7f)) })
        }
    }
}
