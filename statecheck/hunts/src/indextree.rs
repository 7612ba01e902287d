//! indextree, which is to hold trees whose nodes can be moved about.

use indextree::{Arena, NodeId};

use crate::prelude::*;

/// No more nodes than this are there at a time.
const NODES: usize = 8;

#[derive(Debug, Clone, PartialEq)]
enum Command {
    New,
    /// A new last child.
    NewUnder(Ref),
    Append(Ref, Ref),
    Prepend(Ref, Ref),
    InsertAfter(Ref, Ref),
    InsertBefore(Ref, Ref),
    Detach(Ref),
    /// Its children take its place.
    Remove(Ref),
    RemoveSubtree(Ref),
}

#[derive(Default)]
struct Machine(Arena<usize>, Vec<NodeId>);

impl StateMachine for Machine {
    type Command = Command;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<(), Infallible> {
        let Self(arena, nodes) = self;
        let id = |node: Ref| nodes[node.0];
        match *command {
            Command::New => {
                let node = arena.new_node(nodes.len());
                nodes.push(node);
            }
            Command::NewUnder(parent) => {
                let node = arena.new_node(nodes.len());
                id(parent).append(node, arena);
                nodes.push(node);
            }
            Command::Append(parent, node) => id(parent).append(id(node), arena),
            Command::Prepend(parent, node) => id(parent).prepend(id(node), arena),
            Command::InsertAfter(sibling, node) => id(sibling).insert_after(id(node), arena),
            Command::InsertBefore(sibling, node) => id(sibling).insert_before(id(node), arena),
            Command::Detach(node) => id(node).detach(arena),
            Command::Remove(node) => id(node).remove(arena),
            Command::RemoveSubtree(node) => id(node).remove_subtree(arena),
        }
        Ok(())
    }
}

/// A node that was not removed: its parent and its children.
#[derive(Debug, Clone, Default, PartialEq)]
struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
}

/// Nodes as they were made. Those that have a parent may be left out of what is prepended: older
/// versions panic, which is a hunt of its own.
#[derive(Clone, Default)]
struct Forest<const ALL: bool>(Vec<Option<Node>>);

impl<const ALL: bool> Forest<ALL> {
    fn node(&mut self, node: usize) -> &mut Node {
        self.0[node].as_mut().expect("offered only if it is there")
    }

    /// Puts a node among the children of another, at a place that is told once it is out of its old one.
    fn put(&mut self, node: usize, parent: Option<usize>, place: impl Fn(&[usize]) -> usize) {
        if let Some(old) = self.node(node).parent.take() {
            self.node(old).children.retain(|child| *child != node);
        }
        if let Some(new) = parent {
            self.node(node).parent = parent;
            let siblings = &mut self.node(new).children;
            siblings.insert(place(siblings), node);
        }
    }

    fn remove_subtree(&mut self, node: usize) {
        self.put(node, None, |_| 0);
        for child in self.node(node).children.clone() {
            self.remove_subtree(child);
        }
        self.0[node] = None;
    }

    fn is_within(&self, node: usize, tree: usize) -> bool {
        let parent = self.0[node].as_ref().and_then(|node| node.parent);
        node == tree || parent.is_some_and(|parent| self.is_within(parent, tree))
    }
}

impl<const ALL: bool> StateMachine for Forest<ALL> {
    type Command = Command;
    type Reply = ();
    type Error = Infallible;

    fn apply(&mut self, command: &Command) -> Result<(), Infallible> {
        let place_of =
            |siblings: &[usize], one| siblings.iter().position(|it| *it == one).unwrap_or(0);
        match *command {
            Command::New => self.0.push(Some(Node::default())),
            Command::NewUnder(parent) => {
                self.0.push(Some(Node::default()));
                self.put(self.0.len() - 1, Some(parent.0), <[_]>::len);
            }
            Command::Append(parent, node) => self.put(node.0, Some(parent.0), <[_]>::len),
            Command::Prepend(parent, node) => self.put(node.0, Some(parent.0), |_| 0),
            Command::InsertAfter(Ref(one), node) => {
                let parent = self.node(one).parent;
                self.put(node.0, parent, |siblings| place_of(siblings, one) + 1);
            }
            Command::InsertBefore(Ref(one), node) => {
                let parent = self.node(one).parent;
                self.put(node.0, parent, |siblings| place_of(siblings, one));
            }
            Command::Detach(node) => self.put(node.0, None, |_| 0),
            Command::Remove(Ref(node)) => {
                let Node { parent, children } = self.node(node).clone();
                for child in children {
                    self.put(child, parent, |siblings| place_of(siblings, node));
                }
                self.remove_subtree(node);
            }
            Command::RemoveSubtree(node) => self.remove_subtree(node.0),
        }
        Ok(())
    }
}

impl<const ALL: bool> Model for Forest<ALL> {
    fn offer(&self, menu: &mut Menu<'_, Command>) {
        let here = || Ref::all(self.0.len()).filter(|node| self.0[node.0].is_some());
        let has_parent = |node: Ref| self.0[node.0].as_ref().is_some_and(|it| it.parent.is_some());
        // A node is not put below itself.
        let pairs = || {
            let pairs = here().flat_map(|parent| here().map(move |node| (parent, node)));
            pairs.filter(|(parent, node)| !self.is_within(parent.0, node.0))
        };
        let siblings = || pairs().filter(|(sibling, _)| has_parent(*sibling));
        let has_room = here().count() < NODES;
        menu.list(1, has_room.then_some(Command::New));
        menu.list(1, here().filter(|_| has_room).map(Command::NewUnder));
        menu.list(1, pairs().map(|(parent, node)| Command::Append(parent, node)));
        let prepend = pairs().filter(|(_, node)| ALL || !has_parent(*node));
        menu.list(1, prepend.map(|(parent, node)| Command::Prepend(parent, node)));
        menu.list(1, siblings().map(|(one, node)| Command::InsertAfter(one, node)));
        menu.list(1, siblings().map(|(one, node)| Command::InsertBefore(one, node)));
        menu.list(1, here().map(Command::Detach));
        menu.list(1, here().map(Command::Remove));
        menu.list(1, here().map(Command::RemoveSubtree));
    }

    fn granted(&self) -> usize {
        self.0.len()
    }

    fn references(command: &mut Command) -> Vec<&mut Ref> {
        match command {
            Command::New => vec![],
            Command::NewUnder(node)
            | Command::Detach(node)
            | Command::Remove(node)
            | Command::RemoveSubtree(node) => vec![node],
            Command::Append(one, other)
            | Command::Prepend(one, other)
            | Command::InsertAfter(one, other)
            | Command::InsertBefore(one, other) => vec![one, other],
        }
    }
}

pub(crate) fn property(run: Run) -> Property {
    hunt::<false>(run)
}

pub(crate) fn property_of_all(run: Run) -> Property {
    hunt::<true>(run)
}

fn hunt<const ALL: bool>(run: Run) -> Property {
    let nodes = |Machine(arena, nodes): &Machine| -> Vec<Option<Node>> {
        let node = |id: &NodeId| {
            let parent = arena.get(*id)?.parent().map(|parent| *arena[parent].get());
            // A list that is out of order may run in a circle.
            let children = id.children(arena).take(2 * NODES).map(|child| *arena[child].get());
            Some(Node { parent, children: children.collect() })
        };
        nodes.iter().map(|id| if id.is_removed(arena) { None } else { node(id) }).collect()
    };
    run.refines("indextree", Machine::default, (nodes, |forest: &Forest<ALL>| forest.0.clone()))
}
