//! Floor 2: the reference model: what the index should answer, written to be checked by eye.
//!
//! Each rule can be compared with the reply table in `spec/protocol.md`. Nothing here is fast, and nothing
//! here may become clever: `index` is for that.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::command::{Command, Outcome};
use crate::name::Name;

/// The indexed packages, each with the set of packages that it depends on. REMOVE looks at all packages.
///
/// ```
/// # use package_indexer::{Command, Model, Outcome};
/// assert_eq!(Model::default().apply(&Command::query("a").unwrap()), Ok(Outcome::Fail));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model {
    packages: BTreeMap<Name, BTreeSet<Name>>,
}

impl Model {
    /// All indexed packages, each with its dependencies.
    pub fn packages(&self) -> &BTreeMap<Name, BTreeSet<Name>> {
        &self.packages
    }

    fn are_indexed(&self, packages: &[Name]) -> bool {
        packages.iter().all(|package| self.packages.contains_key(package))
    }

    fn has_other_dependent(&self, package: &Name) -> bool {
        self.packages.iter().any(|(other, list)| other != package && list.contains(package))
    }

    /// Applies one command, and returns its outcome.
    pub fn apply(&mut self, command: &Command) -> Result<Outcome, Infallible> {
        match command {
            Command::Index { dependencies, .. } if !self.are_indexed(dependencies) => return FAIL,
            Command::Index { package, dependencies } => {
                self.packages.insert(package.clone(), dependencies.iter().cloned().collect());
            }
            Command::Remove { package } if self.has_other_dependent(package) => return FAIL,
            Command::Remove { package } => drop(self.packages.remove(package)),
            Command::Query { package } if !self.packages.contains_key(package) => return FAIL,
            Command::Query { .. } => {}
        }
        Ok(Outcome::Ok)
    }
}

const FAIL: Result<Outcome, Infallible> = Ok(Outcome::Fail);
