//! Turns a package list into a graph that can be indexed: chooses alternatives, and leaves out missing
//! packages.

use std::collections::{BTreeMap, HashMap};

use super::ToolFailure;
use super::list::{Alternative, Names, PackageList, Repeated, Source};
use crate::cli::Failure;
use crate::cli::progress::Progress;
use crate::index::{LimitError, Limits, Rows, Steps};
use crate::name::{Name, NameRef};

/// Packages, numbered by name, and the dependencies of each.
#[derive(Debug)]
pub(super) struct Plan {
    /// In ascending order. The number of a package is the place of its name.
    pub(super) names: Names,
    pub(super) rows: Rows,
    /// Needs that no package of the list meets: their alternatives, and the packages that have them.
    pub(super) missing: BTreeMap<Vec<Name>, Vec<u32>>,
    pub(super) repeated: Option<Repeated>,
    pub(super) left_out: Option<(&'static str, usize)>,
}

/// How many packages are read between two updates of the progress.
const TOLD_OF: usize = 4_096;

/// Marks a name that is not a package.
const NONE: u32 = u32::MAX;

impl Plan {
    /// Reads a list and makes its plan.
    pub(super) fn read(source: &Source) -> Result<Self, Failure> {
        Self::for_list(source.read()?).map_err(|error| source.too_large(error))
    }

    /// O((packages + needs) log packages).
    pub(super) fn for_list(list: PackageList) -> Result<Self, LimitError> {
        let by_name = list.by_name();
        let graph = Resolver::new(&list, &by_name);
        let mut rows = Rows::with_capacity(by_name.len(), list.need_count());
        let mut missing: BTreeMap<Vec<Name>, Vec<u32>> = BTreeMap::new();
        let progress = Progress::of_steps("resolving", by_name.len());
        for (number, &package) in (0..).zip(&by_name) {
            rows.push(list.needs(package).filter_map(|need| match graph.meet(need, package) {
                Met::By(dependency) => Some(dependency),
                Met::ByItself => None,
                Met::NotAtAll => {
                    let names = need.iter().map(|it| list.name(it.name()).to_name()).collect();
                    missing.entry(names).or_default().push(number);
                    None
                }
            }));
            if (number as usize).is_multiple_of(TOLD_OF) {
                progress.advance(TOLD_OF);
            }
        }
        progress.finish();
        drop(graph);
        let limit = Limits::CEILING;
        if rows.number_count() > limit {
            let wanted = rows.number_count();
            return Err(LimitError::Dependencies { limit, wanted });
        }
        missing.values_mut().for_each(Vec::dedup);
        let (repeated, left_out) = (list.repeated, list.left_out);
        Ok(Self { names: list.into_names(&by_name), rows, missing, repeated, left_out })
    }

    /// The order in which the packages can be indexed, see [`Rows::steps`].
    pub(super) fn steps(&self) -> Steps {
        let progress = Progress::of_steps("ordering", self.len());
        let mut looked_at = 0;
        let steps = self.rows.steps_telling(|| {
            looked_at += 1;
            if usize::is_multiple_of(looked_at, TOLD_OF) {
                progress.advance(TOLD_OF);
            }
        });
        progress.finish();
        steps
    }

    /// The name of a package. O(1).
    pub(super) fn name(&self, package: u32) -> NameRef<'_> {
        self.names.get(package)
    }

    /// The number of packages. O(1).
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The package that a user names: with its version, or without if the list has only one version. O(log
    /// n).
    ///
    /// # Errors
    /// [`ToolFailure::NoPackage`] with similar names, or with all versions.
    pub(super) fn find(&self, text: &str) -> Result<u32, ToolFailure> {
        let at = match self.names.search(text.as_bytes()) {
            Ok(package) => return Ok(package),
            Err(at) => at,
        };
        let versions = self.starting_with(&format!("{text}@"));
        if let [package] = versions[..] {
            return Ok(package);
        }
        let similar = [
            versions,
            self.starting_with(text),
            self.rows.numbers().skip(at.saturating_sub(1) as usize).take(2).collect(),
        ];
        let similar = similar.into_iter().find(|some| !some.is_empty()).unwrap_or_default();
        let similar = similar.into_iter().map(|package| self.name(package).to_name()).collect();
        Err(ToolFailure::NoPackage { package: text.to_owned(), similar })
    }

    /// The first few packages whose names begin with this.
    fn starting_with(&self, text: &str) -> Vec<u32> {
        let (Ok(first) | Err(first)) = self.names.search(text.as_bytes());
        let starts = |&package: &u32| self.name(package).as_bytes().starts_with(text.as_bytes());
        self.rows.numbers().skip(first as usize).take_while(starts).take(5).collect()
    }
}

/// Finds the package that meets a need.
struct Resolver {
    /// By name: the number of the package, or [`NONE`].
    places: Vec<u32>,
    /// By name: the packages that provide it, in the order read.
    providers: HashMap<u32, Vec<u32>>,
}

/// How a need is met.
enum Met {
    /// By the package with this number.
    By(u32),
    /// By something that the package itself provides.
    ByItself,
    NotAtAll,
}

impl Resolver {
    fn new(list: &PackageList, by_name: &[u32]) -> Self {
        let mut places = vec![NONE; list.name_count()];
        for (place, &package) in (0..).zip(by_name) {
            places[package as usize] = place;
        }
        let mut providers: HashMap<u32, Vec<u32>> = HashMap::new();
        for (name, package) in list.provided() {
            providers.entry(name).or_default().push(package);
        }
        Self { places, providers }
    }

    /// The first alternative that exists: a package of that name or, if there is none, the first package that
    /// provides it.
    fn meet(&self, need: &[Alternative], package: u32) -> Met {
        for name in need.iter().map(|alternative| alternative.name()) {
            let place = self.places[name as usize];
            if place != NONE {
                return Met::By(place);
            }
            let providers = self.providers.get(&name).map_or([].as_slice(), Vec::as_slice);
            if providers.contains(&package) {
                return Met::ByItself;
            }
            if let Some(&provider) = providers.first() {
                return Met::By(self.places[provider as usize]);
            }
        }
        Met::NotAtAll
    }
}

#[cfg(test)]
mod tests;
