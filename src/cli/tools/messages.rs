//! The commands that index a plan. They are written on demand, so that the first ones are sent before the
//! order of millions of packages is complete.

use std::mem;

use super::plan::Plan;
use crate::index::{Steps, commands_of};

/// Writes the INDEX messages of a plan, in an order in which each succeeds on an empty index.
pub(super) struct Messages<'a> {
    plan: &'a Plan,
    steps: Steps,
}

impl<'a> Messages<'a> {
    pub(super) fn new(plan: &'a Plan, steps: Steps) -> Self {
        Self { plan, steps }
    }

    /// How many messages there are in all: one for each package, and a second one for each that is on a cycle
    /// or needs itself.
    pub(super) fn count(&self) -> usize {
        let on_cycles: usize = self.steps.cycles().map(<[u32]>::len).sum();
        self.plan.len() + on_cycles + self.steps.alone(&self.plan.rows)
    }

    /// Adds the messages of whole steps to `text`, until it has this many bytes. Adds none at the end.
    /// Returns the package of each.
    pub(super) fn write(&mut self, text: &mut Vec<u8>, bytes: usize) -> Vec<u32> {
        let mut packages = Vec::new();
        let plan = self.plan;
        while text.len() < bytes {
            let Some(step) = self.steps.take_step() else { break };
            commands_of(&plan.rows, step, |package, list| {
                packages.push(package);
                text.extend_from_slice(b"INDEX|");
                text.extend_from_slice(plan.name(package).as_bytes());
                let mut separator = b'|';
                for dependency in list {
                    text.push(mem::replace(&mut separator, b','));
                    text.extend_from_slice(plan.name(dependency).as_bytes());
                }
                text.extend_from_slice(if separator == b'|' { b"|\n" } else { b"\n" });
            });
        }
        packages
    }
}
