//! The machines under each tool. A file for each tool and machine holds what a person has to write; the file
//! above it is the runner's.

use clap::ValueEnum;

mod bolero;
mod proptest;
mod quickcheck;
mod statecheck;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    Statecheck,
    Proptest,
    Bolero,
    Quickcheck,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Machine {
    Leases,
    Ledger,
    Cache,
}

/// One run of a tool, which ends when it finds something.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub machine: Machine,
    pub bug: u8,
    pub seed: u64,
    /// The most commands of a trace, where a tool can be told; otherwise as its documentation has it.
    pub most: Option<usize>,
}

impl Tool {
    /// Runs a job; returns how many commands the trace has that is reported.
    pub fn run(self, job: Job) -> Option<usize> {
        match self {
            Self::Statecheck => statecheck::run(job),
            Self::Proptest => proptest::run(job),
            Self::Bolero => bolero::run(job),
            Self::Quickcheck => quickcheck::run(job),
        }
    }
}

/// Evaluates an expression with the bug as a constant.
macro_rules! with_bug {
    ($bug:expr, $name:ident => $result:expr) => {
        match $bug {
            0 => {
                const $name: u8 = 0;
                $result
            }
            1 => {
                const $name: u8 = 1;
                $result
            }
            2 => {
                const $name: u8 = 2;
                $result
            }
            _ => {
                const $name: u8 = 3;
                $result
            }
        }
    };
}

pub use statecheck::least;
use with_bug;
