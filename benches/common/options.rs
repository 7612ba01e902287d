//! What can be asked of the server's bench.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// How long a round of one server takes.
    pub(crate) round: Duration,
    /// How many pairs of rounds a row has.
    pub(crate) rounds: usize,
    /// What the messages are drawn with.
    pub(crate) seed: u64,
    /// How many threads share the clients; unless chosen, as many as the machine has cores.
    pub(crate) drivers: usize,
    /// Which rows; all if empty.
    pub(crate) rows: Vec<Row>,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) connections: usize,
    /// How many messages each connection has in flight: no more than the sockets' buffers hold,
    /// some thousands, because the clients send all of them before they read a reply.
    pub(crate) pipeline: usize,
}

impl Options {
    /// Reads the arguments of the command line, the program's name left out.
    ///
    /// `cargo bench` says `--bench`. Whoever does not, as `cargo test --benches`, wants to see the
    /// bench run and not to wait for it: one short round.
    pub(crate) fn from_args(
        args: impl IntoIterator<Item = String>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut args: Vec<String> = args.into_iter().collect();
        let measuring = args.iter().any(|arg| arg == "--bench");
        args.retain(|arg| arg != "--bench");
        let mut options = Self {
            round: Duration::from_millis(if measuring { 200 } else { 20 }),
            rounds: if measuring { 30 } else { 1 },
            seed: 64,
            drivers: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            rows: Vec::new(),
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--seconds" => options.round = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--rounds" => options.rounds = value()?.parse::<NonZeroUsize>()?.get(),
                "--seed" => options.seed = value()?.parse()?,
                "--drivers" => options.drivers = value()?.parse::<NonZeroUsize>()?.get(),
                row => options.rows.push(row.parse()?),
            }
        }
        Ok(options)
    }
}

/// Connections, `x`, messages in flight: `16x64`.
impl FromStr for Row {
    type Err = Box<dyn Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok().map(NonZeroUsize::get);
        text.split_once('x')
            .and_then(|(connections, pipeline)| Some((number(connections)?, number(pipeline)?)))
            .map(|(connections, pipeline)| Self { connections, pipeline })
            .ok_or_else(|| {
                format!(
                    "expected --seconds, --rounds, --seed, --drivers or a row as 16x64, got {text:?}"
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
