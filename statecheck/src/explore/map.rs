//! The states that an exploration has found, and the way to each.

use std::collections::HashMap;

use crate::model::{Model, offered};

/// The most bytes that a state costs: a fingerprint and its number in a table, and the way to it in a list.
/// Both may be half full.
pub(super) const BYTES_A_STATE: usize = 2 * size_of::<(u128, u32)>() + 2 * size_of::<Way>();

/// How a state was first reached: the state before it, the place of the command among those offered there,
/// and how many commands lead to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) from: u32,
    pub(super) offered: u32,
    pub(super) depth: u32,
}

/// The states that were found, numbered in that order, which is breadth first.
pub(super) struct Map {
    pub(super) numbers: HashMap<u128, u32>,
    pub(super) ways: Vec<Way>,
}

impl Map {
    /// A map with the first state.
    pub(super) fn new(fingerprint: u128) -> Self {
        let first = Way { from: 0, offered: 0, depth: 0 };
        Self { numbers: HashMap::from([(fingerprint, 0)]), ways: vec![first] }
    }

    pub(super) fn depth(&self, number: usize) -> usize {
        self.ways[number].depth as usize
    }

    /// The commands that lead to a state.
    pub(super) fn trace_to<M: Model>(&self, number: usize) -> Vec<M::Command> {
        let back = std::iter::successors(Some(self.ways[number]), |way| {
            Some(self.ways[way.from as usize])
        });
        let mut places: Vec<_> = back.take(self.depth(number)).map(|way| way.offered).collect();
        places.reverse();
        let mut model = M::default();
        let mut trace = Vec::with_capacity(places.len());
        for place in places {
            // A model always offers the same in the same state.
            trace.extend(offered(&model).into_iter().nth(place as usize));
            let _known = trace.last().map(|command| model.apply(command));
        }
        trace
    }
}

/// The number of a state or of a command. It always fits, because a scope has room for fewer.
pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
