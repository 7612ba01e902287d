//! The command lines of the benches.

use std::env;
use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread;
use std::time::Duration;
use std::vec;

use super::load::Mix;

/// An option that cannot be read.
pub(crate) type Unread = Box<dyn Error + Send + Sync>;

/// The command line of a bench, without the program's name.
pub(crate) struct Arguments {
    /// Whether somebody waits for figures: `cargo bench` passes `--bench`. Without it, as in `cargo test
    /// --benches`, the bench only has to run, and quickly.
    pub(crate) measuring: bool,
    rest: vec::IntoIter<String>,
}

impl Arguments {
    pub(crate) fn of_this_process() -> Self {
        let mut rest: Vec<String> = env::args().skip(1).collect();
        let measuring = rest.iter().any(|argument| argument == "--bench");
        rest.retain(|argument| argument != "--bench");
        Self { measuring, rest: rest.into_iter() }
    }

    /// The arguments that are left when others have been read elsewhere.
    pub(crate) fn again(rest: Vec<String>, measuring: bool) -> Self {
        Self { measuring, rest: rest.into_iter() }
    }

    pub(crate) fn next(&mut self) -> Option<String> {
        self.rest.next()
    }

    /// The value after `flag`.
    pub(crate) fn value<T: FromStr<Err: Into<Unread>>>(&mut self, flag: &str) -> Result<T, Unread> {
        let value = self.next().ok_or_else(|| format!("{flag} needs a value"))?;
        value.parse().map_err(Into::into)
    }
}

/// The load under which every bench measures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// How long a measurement takes.
    pub(crate) time: Duration,
    /// The seed of the messages.
    pub(crate) seed: u64,
    /// How many threads share the clients: as many as the machine has cores, unless chosen.
    pub(crate) drivers: usize,
}

impl Load {
    pub(crate) fn new(time: Duration) -> Self {
        let drivers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { time, seed: 64, drivers }
    }

    /// Reads the value of an argument that every bench has. Returns whether `flag` is one.
    pub(crate) fn read(&mut self, flag: &str, rest: &mut Arguments) -> Result<bool, Unread> {
        match flag {
            "--seconds" => self.time = Duration::try_from_secs_f64(rest.value(flag)?)?,
            "--seed" => self.seed = rest.value(flag)?,
            "--drivers" => self.drivers = rest.value::<NonZeroUsize>(flag)?.get(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// How to measure the server in comparison with the bare one.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The load of one round.
    pub(crate) load: Load,
    /// How many pairs of rounds a row has.
    pub(crate) rounds: usize,
    /// The kinds of messages.
    pub(crate) mix: Mix,
    /// Whether to measure Redis too.
    pub(crate) redis: bool,
    /// Which rows to measure. If it is empty, all of them.
    pub(crate) rows: Vec<Row>,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) connections: usize,
    /// How many messages each connection has in flight. The sockets' buffers must hold them, so some
    /// thousands at most: the clients send all of them before they read a reply.
    pub(crate) pipeline: usize,
}

impl Options {
    pub(crate) fn read(mut arguments: Arguments) -> Result<Self, Unread> {
        let (time, rounds) = if arguments.measuring { (200, 30) } else { (20, 1) };
        let load = Load::new(Duration::from_millis(time));
        let mut options = Self { load, rounds, mix: Mix::USUAL, redis: false, rows: Vec::new() };
        while let Some(argument) = arguments.next() {
            if options.load.read(&argument, &mut arguments)? {
                continue;
            }
            match argument.as_str() {
                "--rounds" => {
                    options.rounds = arguments.value::<NonZeroUsize>(&argument)?.get();
                }
                "--names" => {
                    options.mix.names = arguments.value::<NonZeroUsize>(&argument)?.get();
                }
                "--reading" => options.mix = Mix { names: options.mix.names, ..Mix::READING },
                "--redis" => options.redis = true,
                row => options.rows.push(row.parse()?),
            }
        }
        Ok(options)
    }
}

/// Connections, `x`, and messages in flight: `16x64`.
impl FromStr for Row {
    type Err = Unread;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok().map(NonZeroUsize::get);
        text.split_once('x')
            .and_then(|(connections, pipeline)| Some((number(connections)?, number(pipeline)?)))
            .map(|(connections, pipeline)| Self { connections, pipeline })
            .ok_or_else(|| {
                format!(
                    "expected --seconds, --rounds, --seed, --drivers, --names, --reading, --redis or a row as 16x64, got {text:?}"
                )
                .into()
            })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.connections, self.pipeline)
    }
}

/// The options of a bench that measures several sizes.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    pub(crate) seed: u64,
    /// The value of the bench's own flag.
    pub(crate) number: usize,
    /// How many packages each row has.
    pub(crate) packages: Vec<usize>,
}

impl Sizes {
    /// Reads the options. `flag` has a number of the bench's own. The sizes are defaults.
    pub(crate) fn read(
        mut arguments: Arguments,
        flag: &str,
        number: usize,
        packages: &[usize],
    ) -> Result<Self, Unread> {
        let (mut sizes, mut chosen) = (Self { seed: 64, number, packages: Vec::new() }, Vec::new());
        while let Some(argument) = arguments.next() {
            if argument == "--seed" {
                sizes.seed = arguments.value(&argument)?;
            } else if argument == flag {
                sizes.number = arguments.value::<NonZeroUsize>(flag)?.get();
            } else {
                let size: NonZeroUsize = argument.parse().map_err(|_| {
                    format!("expected --seed, {flag} or how many packages, got {argument:?}")
                })?;
                chosen.push(size.get());
            }
        }
        sizes.packages = if chosen.is_empty() { packages.to_vec() } else { chosen };
        Ok(sizes)
    }
}
