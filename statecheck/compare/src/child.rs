//! One run in a process of its own: a tool may hang, and it counts and prints for itself alone.

use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::measure;
use crate::with::{Job, Machine, Tool};

#[derive(Debug, Clone, Args)]
pub struct Run {
    pub tool: Tool,
    pub machine: Machine,
    pub bug: u8,
    pub seed: u64,
    /// The time it has.
    #[arg(long)]
    pub millis: u64,
    /// The most commands of a trace.
    #[arg(long)]
    pub most: Option<usize>,
}

/// What came of a run.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    /// A trace of so many commands was reported, shrunk, after so long.
    Found { length: usize, time: Duration },
    /// Nothing was reported in the time, in which the machine was told so many commands.
    Nothing { commands: u64 },
}

impl Run {
    /// Does it in this process, and prints what came of it.
    pub fn here(&self) {
        // Each tool tries failing traces by the hundred while it shrinks.
        std::panic::set_hook(Box::new(|_| ()));
        let time = Duration::from_millis(self.millis);
        thread::spawn(move || {
            thread::sleep(time);
            println!("nothing {}", measure::commands());
            std::process::exit(0);
        });
        let start = Instant::now();
        let Self { machine, bug, seed, most, .. } = *self;
        match self.tool.run(Job { machine, bug, seed, most }) {
            Some(length) => println!("found {length} {}", start.elapsed().as_micros()),
            None => println!("nothing {}", measure::commands()),
        }
    }

    /// Does it in a process of its own.
    pub fn apart(&self) -> io::Result<Outcome> {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["run", &name(self.tool.to_possible_value())]);
        child.arg(name(self.machine.to_possible_value()));
        child.args([self.bug.to_string(), self.seed.to_string()]);
        child.args(["--millis", &self.millis.to_string()]);
        child.args(self.most.map(|most| format!("--most={most}")));
        let output = child.stderr(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let words: Vec<&str> = text.lines().last().unwrap_or_default().split(' ').collect();
        let number = |word: &str| word.parse::<u64>().map_err(io::Error::other);
        match words[..] {
            ["found", length, micros] => Ok(Outcome::Found {
                length: length.parse().map_err(io::Error::other)?,
                time: Duration::from_micros(number(micros)?),
            }),
            ["nothing", commands] => Ok(Outcome::Nothing { commands: number(commands)? }),
            _ => Err(io::Error::other(format!("{self:?} ended with {}", output.status))),
        }
    }
}
