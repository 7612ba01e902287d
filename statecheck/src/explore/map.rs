//! The states that an exploration has found, and how it came to each.

use std::collections::HashMap;

use crate::model::{Model, offered};

/// What a state costs at most: a fingerprint and its number in a table that is half full, and the way to it in a
/// list that is.
pub(super) const BYTES_A_STATE: usize = 2 * size_of::<(u128, u32)>() + 2 * size_of::<Way>();

/// How a state was reached first: from which, by which of the commands that were offered there, and how many
/// lead to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) from: u32,
    pub(super) offered: u32,
    pub(super) depth: u32,
}

/// The states that were found, numbered in the order in which they were, which is breadth first.
pub(super) struct Map {
    pub(super) numbers: HashMap<u128, u32>,
    pub(super) ways: Vec<Way>,
}

impl Map {
    /// With the state that all begins with.
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
            // What a model offers in a state, it offers whenever it is there.
            trace.extend(offered(&model).into_iter().nth(place as usize));
            let _known = trace.last().map(|command| model.apply(command));
        }
        trace
    }
}

/// A number of a state or of a command: there are never more than a scope has room for, which is less.
pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
