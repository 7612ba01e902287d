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
    /// What removed packages depended on.
    remembered: Sets,
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
        let names = match message.verb {
            Verb::Query if manner.has(Fault::QueryIndexes) => vec![message.package.clone()],
            Verb::Index if manner.has(Fault::IndexesMissing) => message.dependencies.clone(),
            _ => Vec::new(),
        };
        for name in names {
            self.lists.entry(name).or_default();
        }
        Reply::Fail
    }

    /// Whether OK is the reply.
    pub(super) fn allows(&self, message: &Message, manner: Manner) -> bool {
        let Message { verb, package, dependencies } = message;
        match verb {
            Verb::Index => self.allows_list(package, dependencies, manner),
            Verb::Remove if !self.is_indexed(package) => !manner.has(Fault::CannotRemoveAbsent),
            Verb::Remove => !self.is_needed(package, manner),
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

    fn allows_list(&self, package: &str, list: &[String], manner: Manner) -> bool {
        let is_there = |name: &String| {
            self.is_indexed(name) || name == package && manner.has(Fault::CountsItself)
        };
        let different: BTreeSet<_> = list.iter().collect();
        let closes = |name: &String| name != package && self.needs(name, package);
        let is_refused = manner.has(Fault::RefusesDuplicates) && different.len() < list.len()
            || manner.has(Fault::RefusesTwo) && different.len() > 1
            || manner.has(Fault::RefusesCycles) && list.iter().any(closes);
        !is_refused && (manner.has(Fault::IgnoresMissing) || list.iter().all(is_there))
    }

    /// Whether one package needs another, through any number of others.
    fn needs(&self, from: &str, to: &str) -> bool {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(name) = left.pop() {
            for needed in self.lists.get(&name).into_iter().flatten() {
                if needed == to {
                    return true;
                }
                if seen.insert(needed.clone()) {
                    left.push(needed.clone());
                }
            }
        }
        false
    }

    fn is_needed(&self, package: &str, manner: Manner) -> bool {
        let counts = |dependent: &String| {
            (dependent != package || manner.has(Fault::HeldByItself))
                && !manner.has(Fault::RemovesNeeded)
                && !(manner.has(Fault::CycleHoldsNothing) && self.needs(package, dependent))
        };
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
        list.extend(self.remembered.remove(package).into_iter().flatten());
        for name in &list {
            self.dependents.entry(name.clone()).or_default().insert(package.to_owned());
        }
        self.lists.insert(package.to_owned(), list);
    }

    fn remove(&mut self, package: &str, manner: Manner) {
        if !manner.has(Fault::KeepsReverseEdges) {
            self.release(package);
        }
        let list = self.lists.remove(package);
        if manner.has(Fault::RemembersList) {
            self.remembered.extend(list.map(|list| (package.to_owned(), list)));
        }
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
