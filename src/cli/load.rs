//! `indexer load`: many clients that keep a server busy, and how long it takes to answer.

mod connection;
mod drive;
mod failure;
mod measured;
mod plot;
mod rate;
mod report;
mod span;
mod traffic;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::arguments::{Server, seconds};
use super::signals::asked_to_end;
use super::{Failure, Fulfilled};
use crate::shown::shown;
pub(super) use failure::LoadFailure;
use report::Report;
use traffic::Traffic;

/// The most messages in flight on a connection. The server and the system can hold this many, so the client
/// need not read a reply before it has sent them.
const MAX_PIPELINE: i64 = 4_096;

/// The greatest weight of a command in a mix.
const MAX_WEIGHT: u32 = 10_000;

/// Keep a server busy, and measure how long it takes to answer
///
/// Opens connections that each keep several messages in flight. Prints how many messages were answered per
/// second, the latencies by percentile, and how much processor time the load itself took. If the load took
/// most of the processor, you measured the load and not the server.
///
/// With --rate the messages are sent at that rate even if the server cannot keep up. A latency then starts
/// when its message was due. The sender itself wakes up about 0.1 ms late.
///
/// 262,144 messages are made before the start. Each connection repeats them, from a different one on. The
/// packages, load-0 and so on, stay on the server.
///
/// Exits with 1 if any reply was ERROR, and with 2 if the number of replies was not that of the messages.
///
/// Ctrl-C prints what was measured so far, and exits with 2. A second Ctrl-C ends the program at once.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The number of connections
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// The most messages in flight on each connection
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MAX_PIPELINE))]
    pipeline: u32,
    /// How long to send messages
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    time: Duration,
    /// How often to send each command, by weight
    #[arg(long, value_name = "MIX", default_value = "index=2,remove=1,query=7")]
    mix: Mix,
    /// The number of packages that the messages are about
    ///
    /// The messages reach about 300,000 of them at most.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    names: u32,
    /// The most dependencies of an INDEX; each number from 0 to this occurs as often
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=100))]
    dependencies: u32,
    /// How much more often some packages occur than others
    ///
    /// The k-th package occurs in proportion to 1/k^S. With 0 all occur as often.
    #[arg(long, value_name = "S", default_value = "0", value_parser = exponent)]
    zipf: f64,
    /// Send the lines of this file, unchanged, instead of generated messages
    ///
    /// Each connection repeats all lines, from a different one on.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mix", "names", "dependencies", "zipf", "seed"])]
    from: Option<PathBuf>,
    /// Send this many messages a second on all connections together [default: as many as possible]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    rate: Option<u32>,
    /// The same number makes the same messages
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw the latencies by percentile to this SVG file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// One JSON object, with latencies in microseconds
    Json,
}

/// The weight of each command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mix {
    index: u32,
    remove: u32,
    query: u32,
}

impl Mix {
    fn total(self) -> u32 {
        self.index + self.remove + self.query
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, remove, query } = self;
        write!(f, "index={index},remove={remove},query={query}")
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self { index: 0, remove: 0, query: 0 };
        for part in text.split(',') {
            let (command, weight) = part
                .split_once('=')
                .ok_or_else(|| format!("{:?} is not COMMAND=WEIGHT", shown(part)))?;
            let place = match command {
                "index" => &mut mix.index,
                "remove" => &mut mix.remove,
                "query" => &mut mix.query,
                other => {
                    return Err(format!(
                        "{:?} is not a command: write index, remove or query",
                        shown(other)
                    ));
                }
            };
            if *place > 0 {
                return Err(format!("{command} has two weights: give one"));
            }
            *place = match weight.parse() {
                Ok(number @ 0..=MAX_WEIGHT) => number,
                _ => {
                    return Err(format!(
                        "{:?} is not a weight: give from 0 to {MAX_WEIGHT}",
                        shown(weight)
                    ));
                }
            };
        }
        if mix.total() == 0 {
            return Err("no command has a weight above 0: give one, as in index=1".into());
        }
        Ok(mix)
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if !(0.0..=10.0).contains(&exponent) {
        return Err("give from 0 (all as often) to 10".into());
    }
    Ok(exponent)
}

pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let traffic = match &arguments.from {
        Some(path) => Traffic::read(path)?,
        None => Traffic::generate(arguments),
    };
    // Before the load: if the picture cannot be written, the load is not worth the wait.
    let picture = arguments.plot.as_deref().map(plot::Picture::create).transpose()?;
    let asked_to_end = asked_to_end().map_err(Failure::Signals)?;
    let report = Report::new(arguments, drive::run(arguments, &traffic, &asked_to_end)?);
    if let Some(picture) = picture {
        picture.draw(&report)?;
    }
    report.print(arguments.format).map_err(Failure::Output)?;
    if report.measured.is_interrupted {
        let planned = arguments.time.as_secs_f64();
        return Err(LoadFailure::Interrupted { seconds: report.time(), planned }.into());
    }
    Ok(Fulfilled::yes_if(report.errors() == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_names_weights_of_commands() {
        let mix = Mix { index: 2, remove: 0, query: 7 };
        assert_eq!("index=2,query=7".parse(), Ok(mix));
        assert_eq!(mix.to_string(), "index=2,remove=0,query=7");
        for (text, error) in [
            ("index", "\"index\" is not COMMAND=WEIGHT"),
            ("index=2,add=1", "\"add\" is not a command: write index, remove or query"),
            ("index=-1", "\"-1\" is not a weight: give from 0 to 10000"),
            ("index=10001", "\"10001\" is not a weight: give from 0 to 10000"),
            ("index=1,index=9", "index has two weights: give one"),
            ("index=0", "no command has a weight above 0: give one, as in index=1"),
        ] {
            assert_eq!(text.parse::<Mix>(), Err(error.to_owned()));
        }
    }

    #[test]
    fn times_and_exponents_have_bounds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(["0", "-1", "nan", "86401", "soon"].iter().all(|text| seconds(text).is_err()));
        assert!(["-0.1", "11", "nan", "x"].iter().all(|text| exponent(text).is_err()));
        assert_eq!(exponent("1.1"), Ok(1.1));
    }
}
