//! Every tool on every machine, a process for each run.

use std::io;
use std::time::Duration;

use clap::ValueEnum;

use crate::child::{Outcome, Run};
use crate::with::{self, Machine, Tool};

/// How long a tool may look for a bug.
pub const LIMIT_MILLIS: u64 = 10_000;
/// How many commands a trace may have while the speed is measured, for all tools.
pub const MOST: usize = 200;
/// How often the speed of each tool is measured, and for how long. The tools take turns.
pub const ROUNDS: u64 = 5;
const ROUND_MILLIS: u64 = 2_000;

/// What is measured.
pub struct Plan {
    tools: Vec<Tool>,
    machines: Vec<Machine>,
    seeds: u64,
}

/// What was.
pub struct Measured {
    pub seeds: u64,
    pub tools: Vec<Tool>,
    pub bugs: Vec<Bug>,
    pub speeds: Vec<Speed>,
}

/// A bug, with what each tool found of it.
pub struct Bug {
    pub machine: Machine,
    pub number: u8,
    /// The length of the least trace that shows it.
    pub least: usize,
    /// For each tool what is reported from each seed that finds it.
    pub reports: Vec<Vec<Report>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub length: usize,
    pub time: Duration,
}

/// How many commands a second each tool tells a machine that is right.
pub struct Speed {
    pub machine: Machine,
    pub of_tools: Vec<u64>,
}

impl Plan {
    pub fn of(tool: Option<Tool>, machine: Option<Machine>, seeds: u64) -> Self {
        let tools = tool.map_or_else(|| Tool::value_variants().to_vec(), |tool| vec![tool]);
        let all = || Machine::value_variants().to_vec();
        Self { tools, machines: machine.map_or_else(all, |machine| vec![machine]), seeds }
    }

    /// What each tool reports of a bug.
    fn reports(&self, machine: Machine, bug: u8) -> io::Result<Vec<Vec<Report>>> {
        let of_tool = |tool: &Tool| {
            let mut reports = Vec::new();
            for seed in 0..self.seeds {
                let millis = LIMIT_MILLIS;
                let run = Run { tool: *tool, machine, bug, seed, millis, most: None };
                if let Outcome::Found { length, time } = run.apart()? {
                    reports.push(Report { length, time });
                }
            }
            eprintln!("{machine:?}, bug {bug}, {tool:?}: {} of {}", reports.len(), self.seeds);
            Ok(reports)
        };
        self.tools.iter().map(of_tool).collect()
    }

    fn speed(&self, machine: Machine) -> io::Result<Speed> {
        let mut rounds = vec![Vec::new(); self.tools.len()];
        for seed in 0..ROUNDS {
            for (tool, rounds) in self.tools.iter().zip(&mut rounds) {
                let millis = ROUND_MILLIS;
                let run = Run { tool: *tool, machine, bug: 0, seed, millis, most: Some(MOST) };
                match run.apart()? {
                    Outcome::Nothing { commands } => {
                        rounds.push(commands * 1_000 / ROUND_MILLIS);
                    }
                    Outcome::Found { .. } => {
                        return Err(io::Error::other(format!("{tool:?} finds a bug: {run:?}")));
                    }
                }
            }
        }
        eprintln!("{machine:?}, speed: {rounds:?}");
        let middle = |mut rounds: Vec<u64>| {
            rounds.sort_unstable();
            rounds[rounds.len() / 2]
        };
        Ok(Speed { machine, of_tools: rounds.into_iter().map(middle).collect() })
    }
}

/// Measures, and says on standard error how far it is.
pub fn measure(plan: &Plan) -> io::Result<Measured> {
    let (mut bugs, mut speeds) = (Vec::new(), Vec::new());
    for machine in plan.machines.iter().copied() {
        for bug in 1..=3 {
            let no_bug = || io::Error::other(format!("{machine:?} has no bug {bug}"));
            let least = with::least(machine, bug).ok_or_else(no_bug)?;
            eprintln!("{machine:?}, bug {bug}: {least} commands at least");
            let reports = plan.reports(machine, bug)?;
            bugs.push(Bug { machine, number: bug, least, reports });
        }
        speeds.push(plan.speed(machine)?);
    }
    Ok(Measured { seeds: plan.seeds, tools: plan.tools.clone(), bugs, speeds })
}
