//! The packages of a server, each with what it needs and what needs it.

use std::collections::{BTreeMap, BTreeSet};

use package_indexer::Reply;
use package_indexer::command::Verb;

use super::grammar::Message;
use super::{Fault, Manner};

/// Sets of names by name.
type Sets = BTreeMap<String, BTreeSet<String>>;

/// What is indexed, forwards and backwards.
#[derive(Debug, Clone, Default)]
pub(super) struct Packages {
    /// What each package depends on.
    lists: Sets,
    /// Which packages depend on each.
    dependents: Sets,
}

impl Packages {
    /// Does what a message asks for, if it may be done.
    pub(super) fn apply(&mut self, message: &Message, manner: Manner) -> Reply {
        if self.allows(message, manner) {
            self.act(message, manner);
            return Reply::Ok;
        }
        if message.verb == Verb::Index && manner.has(Fault::AppliesHalf) {
            let present = message.dependencies.iter().take_while(|name| self.is_indexed(name));
            let present = present.cloned().collect();
            self.index(&message.package, present, manner);
        }
        Reply::Fail
    }

    /// Whether OK is the reply.
    pub(super) fn allows(&self, message: &Message, manner: Manner) -> bool {
        let Message { verb, package, dependencies } = message;
        match verb {
            Verb::Index => dependencies.iter().all(|name| self.is_indexed(name)),
            Verb::Remove => !self.is_indexed(package) || !self.is_needed(package, manner),
            Verb::Query => self.is_indexed(package),
        }
    }

    /// Does what a message asks for.
    pub(super) fn act(&mut self, message: &Message, manner: Manner) {
        let Message { verb, package, dependencies } = message;
        match verb {
            Verb::Index => self.index(package, dependencies.iter().cloned().collect(), manner),
            Verb::Remove => self.remove(package, manner),
            Verb::Query => {}
        }
    }

    fn is_indexed(&self, package: &str) -> bool {
        self.lists.contains_key(package)
    }

    fn is_needed(&self, package: &str, manner: Manner) -> bool {
        let counts = |dependent: &String| dependent != package || manner.has(Fault::HeldByItself);
        self.dependents.get(package).is_some_and(|names| names.iter().any(counts))
    }

    fn index(&mut self, package: &str, mut list: BTreeSet<String>, manner: Manner) {
        if let Some(old) = self.lists.get(package) {
            if manner.has(Fault::KeepsOldList) {
                return;
            }
            if manner.has(Fault::AddsToOldList) {
                list.extend(old.iter().cloned());
            }
            self.release(package);
        }
        for name in &list {
            self.dependents.entry(name.clone()).or_default().insert(package.to_owned());
        }
        self.lists.insert(package.to_owned(), list);
    }

    fn remove(&mut self, package: &str, manner: Manner) {
        if !manner.has(Fault::KeepsReverseEdges) {
            self.release(package);
        }
        self.lists.remove(package);
    }

    /// Takes a package from the dependents of all that it needs.
    fn release(&mut self, package: &str) {
        for name in self.lists.get(package).into_iter().flatten() {
            if let Some(dependents) = self.dependents.get_mut(name) {
                dependents.remove(package);
                if dependents.is_empty() {
                    self.dependents.remove(name);
                }
            }
        }
    }
}
