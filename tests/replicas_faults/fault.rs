//! What befalls replicas, the nodes of etcd, and the network between all of them, and how it ends.

use fastrand::Rng;

use crate::etcd::{Cluster, NODES};
use crate::proxy::Cut;
use crate::replicas::Replicas;

/// How many replicas there are.
pub(crate) const REPLICAS: usize = 3;

/// Everything that can fail.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) replicas: Replicas,
}

/// Something that befalls them, and whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// A replica is killed, and started again in the end.
    KillReplica(usize),
    /// A node is killed, and started again in the end.
    KillNode(Node),
    /// All nodes but this one are killed, and started again in the end.
    KillMajority(Node),
    /// A replica stands still.
    StopReplica(usize),
    /// A node stands still.
    StopNode(Node),
    /// A replica reaches no node.
    CutOffReplica(usize, Cut),
    /// A replica does not reach a node.
    CutReplica(usize, Node, Cut),
    /// No replica reaches a node, which the other nodes still have.
    CutClients(Node, Cut),
    /// A node reaches no other one, though replicas reach it.
    Isolate(Node, Cut),
    /// Two nodes have each other only by the third, which is this one.
    Part(Node, Cut),
    /// No node reaches any other.
    Scatter(Cut),
}

/// A node of etcd.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    /// Whichever leads when it begins, or the first one while nobody does.
    Leader,
    Numbered(usize),
}

impl Fault {
    pub(crate) fn any(rng: &mut Rng) -> Self {
        let replica = rng.usize(..REPLICAS);
        // Half of the time the one that is missed the most.
        let node = if rng.bool() { Node::Leader } else { Node::Numbered(rng.usize(..NODES)) };
        let cut = if rng.bool() { Cut::Silent } else { Cut::Reset };
        match rng.u8(..11) {
            0 => Self::KillReplica(replica),
            1 => Self::KillNode(node),
            2 => Self::KillMajority(node),
            3 => Self::StopReplica(replica),
            4 => Self::StopNode(node),
            5 => Self::CutOffReplica(replica, cut),
            6 => Self::CutReplica(replica, node, cut),
            7 => Self::CutClients(node, cut),
            8 => Self::Isolate(node, cut),
            9 => Self::Part(node, cut),
            _ => Self::Scatter(cut),
        }
    }

    /// Begins; returns what ends it.
    pub(crate) fn begin(self, stage: &mut Stage) -> Ongoing {
        let number = |stage: &Stage, node| match node {
            Node::Leader => stage.cluster.leader().unwrap_or(0),
            Node::Numbered(number) => number,
        };
        let mut end = Ongoing::default();
        match self {
            Self::KillReplica(replica) => {
                stage.replicas.kill(replica);
                end.killed_replica = Some(replica);
            }
            Self::KillNode(node) => end.killed_nodes.push(number(stage, node)),
            Self::KillMajority(node) => {
                let left = number(stage, node);
                end.killed_nodes.extend((0..NODES).filter(|node| *node != left));
            }
            Self::StopReplica(replica) => {
                stage.replicas.stop(replica);
                end.stopped_replica = Some(replica);
            }
            Self::StopNode(node) => {
                let node = number(stage, node);
                stage.cluster.stop(node);
                end.stopped_node = Some(node);
            }
            Self::CutOffReplica(replica, cut) => stage.replicas.cut_off(replica, cut),
            Self::CutReplica(replica, node, cut) => {
                stage.replicas.cut(replica, number(stage, node), cut);
            }
            Self::CutClients(node, cut) => {
                let node = number(stage, node);
                (0..REPLICAS).for_each(|replica| stage.replicas.cut(replica, node, cut));
            }
            Self::Isolate(node, cut) => stage.cluster.isolate(number(stage, node), cut),
            Self::Part(node, cut) => {
                let between = number(stage, node);
                stage.cluster.part((between + 1) % NODES, (between + 2) % NODES, cut);
            }
            Self::Scatter(cut) => stage.cluster.scatter(cut),
        }
        for node in &end.killed_nodes {
            stage.cluster.kill(*node);
        }
        end
    }
}

/// What it takes to end a fault.
#[derive(Debug, Default)]
pub(crate) struct Ongoing {
    killed_replica: Option<usize>,
    killed_nodes: Vec<usize>,
    stopped_replica: Option<usize>,
    stopped_node: Option<usize>,
}

impl Ongoing {
    /// Ends it: all run and reach each other then. The nodes come first, because replicas need them.
    pub(crate) fn end(self, stage: &mut Stage) {
        stage.cluster.mend();
        (0..REPLICAS).for_each(|replica| stage.replicas.mend(replica));
        if let Some(node) = self.stopped_node {
            stage.cluster.resume(node);
        }
        stage.cluster.start_again(&self.killed_nodes);
        if let Some(replica) = self.stopped_replica {
            stage.replicas.resume(replica);
        }
        if let Some(replica) = self.killed_replica {
            stage.replicas.start_again(replica);
        }
    }
}
