//! petgraph, whose `DiGraphMap` is to be a graph with one edge at most from one node to another.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graphmap::DiGraphMap;

use crate::prelude::*;

const NODES: [u8; 4] = [0, 1, 2, 3];
const WEIGHTS: [u8; 2] = [0, 1];

#[derive(Debug, Clone, PartialEq)]
enum Command {
    AddNode(u8),
    AddEdge(u8, u8, u8),
    RemoveNode(u8),
    RemoveEdge(u8, u8),
    Clear,
}

/// A weight, or a yes.
type Reply = Option<u8>;

#[derive(Default)]
struct Machine(DiGraphMap<u8, u8>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        Ok(match *command {
            Command::AddNode(node) => Some(self.0.add_node(node)),
            Command::AddEdge(from, to, weight) => self.0.add_edge(from, to, weight),
            Command::RemoveNode(node) => self.0.remove_node(node).then_some(0),
            Command::RemoveEdge(from, to) => self.0.remove_edge(from, to),
            Command::Clear => {
                self.0.clear();
                None
            }
        })
    }
}

/// The nodes, and the weights of the edges.
#[derive(Clone, Default)]
struct Graph(BTreeSet<u8>, BTreeMap<(u8, u8), u8>);

impl StateMachine for Graph {
    type Command = Command;
    type Reply = Reply;
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<Reply, Infallible> {
        let Self(nodes, edges) = self;
        Ok(match *command {
            Command::AddNode(node) => {
                nodes.insert(node);
                Some(node)
            }
            Command::AddEdge(from, to, weight) => {
                nodes.extend([from, to]);
                edges.insert((from, to), weight)
            }
            Command::RemoveNode(node) => {
                edges.retain(|(from, to), _| *from != node && *to != node);
                nodes.remove(&node).then_some(0)
            }
            Command::RemoveEdge(from, to) => edges.remove(&(from, to)),
            Command::Clear => {
                *self = Self::default();
                None
            }
        })
    }
}

impl Model for Graph {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let edges = NODES.into_iter().flat_map(|from| NODES.map(|to| (from, to)));
        let weighted = edges.clone().flat_map(|edge| WEIGHTS.map(|weight| (edge, weight)));
        menu.list(1, NODES.map(Command::AddNode));
        menu.list(1, weighted.map(|((from, to), weight)| Command::AddEdge(from, to, weight)));
        menu.list(1, NODES.map(Command::RemoveNode));
        menu.list(1, edges.map(|(from, to)| Command::RemoveEdge(from, to)));
        menu.list(1, [Command::Clear]);
    }
}

/// Nodes, edges, and for each node where edges lead to and come from.
type State = (Vec<u8>, Vec<((u8, u8), u8)>, Vec<(Vec<u8>, Vec<u8>)>);

pub(crate) fn property(run: Run) -> Property {
    run.refines("petgraph", Machine::default, (state, state_of_model))
}

fn state(Machine(graph): &Machine) -> State {
    let sorted = |nodes: &mut dyn Iterator<Item = u8>| -> Vec<u8> {
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_unstable();
        nodes
    };
    let mut edges: Vec<_> =
        graph.all_edges().map(|(from, to, weight)| ((from, to), *weight)).collect();
    edges.sort_unstable();
    let around = NODES.map(|node| {
        let out = sorted(&mut graph.neighbors_directed(node, Outgoing));
        (out, sorted(&mut graph.neighbors_directed(node, Incoming)))
    });
    (sorted(&mut graph.nodes()), edges, around.to_vec())
}

fn state_of_model(Graph(nodes, edges): &Graph) -> State {
    let around = NODES.map(|node| {
        let out = edges.keys().filter(|edge| edge.0 == node).map(|edge| edge.1);
        let back = edges.keys().filter(|edge| edge.1 == node).map(|edge| edge.0);
        (out.collect(), back.collect())
    });
    (nodes.iter().copied().collect(), edges.clone().into_iter().collect(), around.to_vec())
}
