//! ego-tree, which is to hold a tree whose nodes can be moved about.

use ego_tree::{NodeId, NodeMut, Tree};

use crate::prelude::*;

/// No more nodes than this are made.
const NODES: usize = 6;

/// What is added or moved comes last.
#[derive(Debug, Clone, PartialEq)]
enum Command {
    Append(Ref),
    Prepend(Ref),
    AppendId(Ref, Ref),
    PrependId(Ref, Ref),
    InsertIdBefore(Ref, Ref),
    InsertIdAfter(Ref, Ref),
    Detach(Ref),
}

struct Machine(Tree<usize>, Vec<NodeId>);

impl Machine {
    fn new() -> Self {
        let tree = Tree::new(0);
        let root = tree.root().id();
        Self(tree, vec![root])
    }

    fn node(&mut self, node: Ref) -> NodeMut<'_, usize> {
        self.0.get_mut(self.1[node.0]).expect("nodes are not removed")
    }
}

impl StateMachine for Machine {
    type Command = Command;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<(), Infallible> {
        let new = self.1.len();
        let id = |node: Ref| self.1[node.0];
        match *command {
            Command::Append(parent) => {
                let id = self.node(parent).append(new).id();
                self.1.push(id);
            }
            Command::Prepend(parent) => {
                let id = self.node(parent).prepend(new).id();
                self.1.push(id);
            }
            Command::AppendId(parent, node) => {
                let id = id(node);
                self.node(parent).append_id(id);
            }
            Command::PrependId(parent, node) => {
                let id = id(node);
                self.node(parent).prepend_id(id);
            }
            Command::InsertIdBefore(sibling, node) => {
                let id = id(node);
                self.node(sibling).insert_id_before(id);
            }
            Command::InsertIdAfter(sibling, node) => {
                let id = id(node);
                self.node(sibling).insert_id_after(id);
            }
            Command::Detach(node) => self.node(node).detach(),
        }
        Ok(())
    }
}

/// The parent and the children of each node.
type Nodes = Vec<(Option<usize>, Vec<usize>)>;

#[derive(Clone)]
struct Forest(Nodes);

impl Default for Forest {
    /// With the root.
    fn default() -> Self {
        Self(vec![(None, vec![])])
    }
}

impl Forest {
    /// Puts a node among the children of another, at a place that is told once it is out of its old one.
    fn put(&mut self, node: usize, parent: Option<usize>, place: impl Fn(&[usize]) -> usize) {
        if let Some(old) = self.0[node].0.take() {
            self.0[old].1.retain(|child| *child != node);
        }
        if let Some(new) = parent {
            self.0[node].0 = parent;
            let siblings = &mut self.0[new].1;
            siblings.insert(place(siblings), node);
        }
    }

    fn new_node(&mut self) -> usize {
        self.0.push((None, vec![]));
        self.0.len() - 1
    }

    fn is_within(&self, node: usize, tree: usize) -> bool {
        node == tree || self.0[node].0.is_some_and(|parent| self.is_within(parent, tree))
    }
}

impl StateMachine for Forest {
    type Command = Command;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<(), Infallible> {
        let place_of =
            |siblings: &[usize], one| siblings.iter().position(|it| *it == one).unwrap_or(0);
        match *command {
            Command::Append(parent) => {
                let node = self.new_node();
                self.put(node, Some(parent.0), <[_]>::len);
            }
            Command::Prepend(parent) => {
                let node = self.new_node();
                self.put(node, Some(parent.0), |_| 0);
            }
            Command::AppendId(parent, node) => self.put(node.0, Some(parent.0), <[_]>::len),
            Command::PrependId(parent, node) => self.put(node.0, Some(parent.0), |_| 0),
            Command::InsertIdBefore(Ref(one), node) => {
                self.put(node.0, self.0[one].0, |siblings| place_of(siblings, one));
            }
            Command::InsertIdAfter(Ref(one), node) => {
                self.put(node.0, self.0[one].0, |siblings| place_of(siblings, one) + 1);
            }
            Command::Detach(node) => self.put(node.0, None, |_| 0),
        }
        Ok(())
    }
}

impl Model for Forest {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let all = || Ref::all(self.0.len());
        let new = || all().filter(|_| self.0.len() < NODES);
        // The root stays where it is, and nothing is put below itself.
        let pairs = || {
            let pairs = all().flat_map(|parent| all().skip(1).map(move |node| (parent, node)));
            pairs.filter(|(parent, node)| !self.is_within(parent.0, node.0))
        };
        let siblings = || pairs().filter(|(sibling, _)| self.0[sibling.0].0.is_some());
        menu.list(1, new().map(Command::Append));
        menu.list(1, new().map(Command::Prepend));
        menu.list(1, pairs().map(|(parent, node)| Command::AppendId(parent, node)));
        menu.list(1, pairs().map(|(parent, node)| Command::PrependId(parent, node)));
        menu.list(1, siblings().map(|(one, node)| Command::InsertIdBefore(one, node)));
        menu.list(1, siblings().map(|(one, node)| Command::InsertIdAfter(one, node)));
        menu.list(1, all().skip(1).map(Command::Detach));
    }

    /// The first is the root, which no command makes.
    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::Append(node) | Command::Prepend(node) | Command::Detach(node) => vec![node],
            Command::AppendId(one, other)
            | Command::PrependId(one, other)
            | Command::InsertIdBefore(one, other)
            | Command::InsertIdAfter(one, other) => vec![one, other],
        }
    }
}

pub(crate) fn property(run: Run) -> Property {
    let nodes = |Machine(tree, nodes): &Machine| -> Nodes {
        let nodes = nodes.iter().filter_map(|id| tree.get(*id)).map(|node| {
            // A list that is out of order may run in a circle.
            let children = node.children().take(2 * NODES).map(|child| *child.value());
            (node.parent().map(|parent| *parent.value()), children.collect())
        });
        nodes.collect()
    };
    run.refines("ego-tree", Machine::new, (nodes, |forest: &Forest| forest.0.clone()))
}
