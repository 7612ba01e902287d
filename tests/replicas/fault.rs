//! What befalls replicas, the nodes of etcd, and the network between all of them, and how it ends.

use fastrand::Rng;

use crate::common::etcd::{Cluster, NODES};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;

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
    /// The one that leads when it begins, or the first one while none does.
    Leader,
    Numbered(usize),
}

impl Fault {
    /// One fault, or, a third of the time, two at once, which leave a majority of the nodes that have each
    /// other.
    pub(crate) fn some(rng: &mut Rng) -> Vec<Self> {
        let one = Self::any(rng);
        if rng.u8(..3) > 0 || matches!(one, Self::KillMajority(_) | Self::Scatter(_)) {
            return vec![one];
        }
        loop {
            let other = Self::any(rng);
            if other.replica().is_some() && other.replica() != one.replica() {
                return vec![one, other];
            }
        }
    }

    fn any(rng: &mut Rng) -> Self {
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

    /// The replica that it befalls, if it befalls only that.
    fn replica(self) -> Option<usize> {
        match self {
            Self::KillReplica(replica)
            | Self::StopReplica(replica)
            | Self::CutOffReplica(replica, _)
            | Self::CutReplica(replica, ..) => Some(replica),
            _ => None,
        }
    }
}

impl Fault {
    /// Faults begin; returns what ends them.
    pub(crate) fn begin(faults: &[Self], stage: &mut Stage) -> Ongoing {
        // Before any begins: a node that stands still would not say who leads.
        let leader = stage.cluster.leader().unwrap_or(0);
        let mut ongoing = Ongoing::default();
        for fault in faults {
            fault.begin_one(stage, leader, &mut ongoing);
        }
        ongoing
    }

    fn begin_one(self, stage: &mut Stage, leader: usize, end: &mut Ongoing) {
        let number = |node| match node {
            Node::Leader => leader,
            Node::Numbered(number) => number,
        };
        let mut kill = |stage: &mut Stage, node| {
            stage.cluster.kill(node);
            end.killed_nodes.push(node);
        };
        match self {
            Self::KillReplica(replica) => {
                stage.replicas.kill(replica);
                end.killed_replicas.push(replica);
            }
            Self::KillNode(node) => kill(stage, number(node)),
            Self::KillMajority(node) => {
                let left = number(node);
                (0..NODES).filter(|node| *node != left).for_each(|node| kill(stage, node));
            }
            Self::StopReplica(replica) => {
                stage.replicas.stop(replica);
                end.stopped_replicas.push(replica);
            }
            Self::StopNode(node) => {
                stage.cluster.stop(number(node));
                end.stopped_nodes.push(number(node));
            }
            Self::CutOffReplica(replica, cut) => stage.replicas.cut_off(replica, cut),
            Self::CutReplica(replica, node, cut) => stage.replicas.cut(replica, number(node), cut),
            Self::CutClients(node, cut) => {
                let replicas = 0..stage.replicas.count();
                replicas.for_each(|replica| stage.replicas.cut(replica, number(node), cut));
            }
            Self::Isolate(node, cut) => stage.cluster.isolate(number(node), cut),
            Self::Part(node, cut) => {
                let between = number(node);
                stage.cluster.part((between + 1) % NODES, (between + 2) % NODES, cut);
            }
            Self::Scatter(cut) => stage.cluster.scatter(cut),
        }
    }
}

/// What it takes to end faults.
#[derive(Debug, Default)]
pub(crate) struct Ongoing {
    killed_replicas: Vec<usize>,
    killed_nodes: Vec<usize>,
    stopped_replicas: Vec<usize>,
    stopped_nodes: Vec<usize>,
}

impl Ongoing {
    /// Ends them: all run and reach each other then. Replicas that were killed start while the rest
    /// lasts, because they need no more of the nodes than a majority.
    pub(crate) fn end(self, stage: &mut Stage) {
        self.killed_replicas.iter().for_each(|replica| stage.replicas.start_again(*replica));
        stage.cluster.mend();
        (0..stage.replicas.count()).for_each(|replica| stage.replicas.mend(replica));
        self.stopped_nodes.iter().for_each(|node| stage.cluster.resume(*node));
        stage.cluster.start_again(&self.killed_nodes);
        self.stopped_replicas.iter().for_each(|replica| stage.replicas.resume(*replica));
    }
}
