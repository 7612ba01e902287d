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

/// The most messages in flight on a connection: what a server and the system hold of so many, the
/// client need not read before it has sent them.
const MAX_PIPELINE: i64 = 4_096;

/// The greatest weight of a command in a mix.
const MAX_WEIGHT: u32 = 10_000;

/// Keep a server busy, and measure how long it takes to answer
///
/// Opens connections that each keep so many messages in flight, and prints how many were answered
/// in a second, the latencies by percentile, and how much processor time the load itself took: if
/// that is most of what there is, it is the load that was measured. With --rate the messages are
/// sent at that rate whether or not the server keeps up, and a latency begins when its message was
/// meant to be sent; what wakes the sender makes it some 0.1 ms late itself. The messages, 262,144,
/// are made beforehand, and repeated by each connection from another one on. Leaves its packages,
/// called load-0 and so on, on the server. Exits with 1 if any reply was ERROR, and with 2 if the server
/// sent fewer replies than it was sent messages, or more.
///
/// Interrupted, as by Ctrl-C, it prints what it has measured until then, and exits with 2; interrupted once
/// more, it ends at once.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// How many messages each connection has in flight at most
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=MAX_PIPELINE))]
    pipeline: u32,
    /// How long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    time: Duration,
    /// How often each command comes, by weight
    #[arg(long, value_name = "MIX", default_value = "index=2,remove=1,query=7")]
    mix: Mix,
    /// How many packages the messages are about, of which they reach some 300,000 at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    names: u32,
    /// The most dependencies of an INDEX; there are 0 to this many, each number as often
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=100))]
    dependencies: u32,
    /// How much more often some packages come than others: the k-th in proportion to 1/k^S
    #[arg(long, value_name = "S", default_value = "0", value_parser = exponent)]
    zipf: f64,
    /// Send the lines of this file instead, as they are: all, over and over, each connection from
    /// another line on
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mix", "names", "dependencies", "zipf", "seed"])]
    from: Option<PathBuf>,
    /// Send so many messages a second, on all connections together, instead of as many as can be
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    rate: Option<u32>,
    /// The same messages for the same number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw the latencies, by percentile, as a picture
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table to read
    Text,
    /// One object, latencies in microseconds
    Json,
}

/// How often each command comes: its weight.
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
                other => return Err(format!("{:?} is none of index, remove, query", shown(other))),
            };
            if *place > 0 {
                return Err(format!("{command} has two weights"));
            }
            *place = match weight.parse() {
                Ok(number @ 0..=MAX_WEIGHT) => number,
                _ => {
                    return Err(format!("{:?} is no weight from 0 to {MAX_WEIGHT}", shown(weight)));
                }
            };
        }
        if mix.total() == 0 {
            return Err("no command has a weight".into());
        }
        Ok(mix)
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if !(0.0..=10.0).contains(&exponent) {
        return Err("choose from 0, all as often, to 10".into());
    }
    Ok(exponent)
}

pub(super) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    let traffic = match &arguments.from {
        Some(path) => Traffic::read(path)?,
        None => Traffic::generate(arguments),
    };
    // Now rather than after the load: a picture that cannot be drawn is not worth the wait.
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
            ("index=2,add=1", "\"add\" is none of index, remove, query"),
            ("index=-1", "\"-1\" is no weight from 0 to 10000"),
            ("index=10001", "\"10001\" is no weight from 0 to 10000"),
            ("index=1,index=9", "index has two weights"),
            ("index=0", "no command has a weight"),
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
