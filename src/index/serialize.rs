//! serde for the index (feature `serde`): a map from each package to its list, in order of names.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::PackageIndex;
use crate::command::{CommandRef, Dependencies};
use crate::name::Name;

/// A map from package to list of dependencies, both by name. O(n log n).
///
/// ```
/// # use package_indexer::{Command, PackageIndex};
/// let index = PackageIndex::from_iter([Command::index("a", [])?, Command::index("b", ["a"])?]);
/// assert_eq!(serde_json::to_string(&index)?, r#"{"a":[],"b":["a"]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for PackageIndex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (package, dependencies) in self.entries() {
            map.serialize_entry(&package, &dependencies.collect::<Vec<_>>())?;
        }
        map.end()
    }
}

/// Refuses a map in which a dependency is not itself a package: such an index cannot exist. The limits of an
/// index are not written. It is read back with those of [`PackageIndex::new`]. O(n log n).
///
/// ```
/// # use package_indexer::PackageIndex;
/// assert!(serde_json::from_str::<PackageIndex>(r#"{"a":["a"]}"#).is_ok());
/// assert!(serde_json::from_str::<PackageIndex>(r#"{"b":["a"]}"#).is_err());
/// ```
impl<'de> Deserialize<'de> for PackageIndex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lists = BTreeMap::<Name, Vec<Name>>::deserialize(deserializer)?;
        let mut index = Self::new();
        // First every package without a list, so that the lists can come in any order.
        let alone = |package| CommandRef::Index { package, dependencies: Dependencies::NONE };
        index.extend(lists.keys().map(|package| alone(package.borrowed())));
        for (package, dependencies) in &lists {
            if let Some(missing) = dependencies.iter().find(|name| !lists.contains_key(*name)) {
                return Err(D::Error::custom(format_args!(
                    "{package} depends on {missing}, which is not in the index"
                )));
            }
            let package = package.borrowed();
            let in_full = CommandRef::Index { package, dependencies: dependencies.into() };
            index.apply(in_full).map_err(D::Error::custom)?;
        }
        Ok(index)
    }
}
