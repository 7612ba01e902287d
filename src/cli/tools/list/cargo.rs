//! The output of `cargo metadata --format-version 1`: packages, and the dependencies that each was resolved
//! to.
//!
//! A package is named `name@version`, because one build may have several versions of a crate. Dependencies
//! for tests only are left out: a build does not need them, and they may include the package itself.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::json::{Word, lacking, object, parse};
use super::{ListError, PackageList, whole};
use crate::name::{NameError, NameRef};

object! {
    /// The whole output.
    struct Metadata {
        "packages" => packages: Vec<Package>,
        "resolve" => resolve: Resolve,
    }
}

object! {
    struct Package {
        "id" => id: String,
        "name" => name: Word,
        "version" => version: Word,
    }
}

object! {
    struct Resolve {
        "nodes" => nodes: Vec<Node>,
    }
}

object! {
    struct Node {
        "id" => id: String,
        "deps" => deps: Vec<Dependency>,
    }
}

object! {
    struct Dependency {
        "pkg" => id: String,
        "dep_kinds" => kinds: Vec<Kind>,
    }
}

object! {
    /// The kind of a dependency: none, `build` or `dev`.
    struct Kind {
        "kind" => kind: String,
    }
}

impl Dependency {
    /// Whether it is for tests only.
    fn is_for_tests(&self) -> bool {
        !self.kinds.is_empty() && self.kinds.iter().all(|kind| kind.kind == "dev")
    }
}

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let metadata: Metadata = parse(&whole(reader)?)?;
    if metadata.resolve.nodes.is_empty() {
        return Err(lacking(
            "it does not say which versions were resolved",
            "write it without --no-deps: cargo metadata --format-version 1",
        ));
    }
    let mut list = PackageList::new();
    let mut numbers = BTreeMap::new();
    for Package { id, name, version } in &metadata.packages {
        numbers.insert(id.as_str(), number(&mut list, &name.0, &version.0)?);
    }
    let find = |id: &str| {
        let unknown = "it lists a dependency that is not among its packages";
        numbers
            .get(id)
            .copied()
            .ok_or_else(|| lacking(unknown, "write it again: cargo metadata --format-version 1"))
    };
    for Node { id, deps } in &metadata.resolve.nodes {
        for dependency in deps.iter().filter(|dependency| !dependency.is_for_tests()) {
            list.need(find(&dependency.id)?);
        }
        list.add(find(id)?, "first")?;
    }
    Ok(list)
}

/// The number of the name `name@version`.
pub(super) fn number(list: &mut PackageList, name: &str, version: &str) -> Result<u32, ListError> {
    let at = if version.is_empty() { "" } else { "@" };
    let text = format!("{name}{at}{version}");
    match NameRef::new(&text) {
        Ok(name) => Ok(list.number(name)?),
        Err(NameError::Empty) => Err(lacking("a package has no name", "write the list again")),
        // JSON words have no other error.
        Err(_too_long) => Err(lacking(
            "a name and its version have more than 255 bytes, which is too long for a package name",
            "leave that package out",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::printed;
    use super::*;

    const METADATA: &str = r#"{"packages":[
        {"name":"app","version":"0.1.0","id":"path+file:///app#0.1.0","authors":null,"targets":[{"kind":["bin"]}]},
        {"name":"serde","version":"1.0.2+x","id":"registry+x#serde@1.0.2"},
        {"name":"cc","version":"1.0.0","id":"registry+x#cc@1.0.0"}],
        "workspace_members":["path+file:///app#0.1.0"],
        "resolve":{"root":null,"nodes":[
        {"id":"path+file:///app#0.1.0","dependencies":[],"deps":[
          {"name":"serde","pkg":"registry+x#serde@1.0.2","dep_kinds":[{"kind":"dev","target":null},{"kind":null,"target":null}]},
          {"name":"cc","pkg":"registry+x#cc@1.0.0","dep_kinds":[{"kind":"build","target":null}]},
          {"name":"app","pkg":"path+file:///app#0.1.0","dep_kinds":[{"kind":"dev","target":null}]}]},
        {"id":"registry+x#serde@1.0.2","deps":[]},
        {"id":"registry+x#cc@1.0.0","deps":[]}]},"version":1}"#;

    #[test]
    fn packages_need_what_was_resolved_but_for_tests() {
        let list = read(METADATA.as_bytes()).unwrap();
        assert_eq!(
            printed(&list),
            "app@0.1.0: serde@1.0.2+x cc@1.0.0\ncc@1.0.0:\nserde@1.0.2+x:\n"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        let bad = METADATA.replace("\"cc\",\"version\":\"1.0.0\"", "\"cc\",\"version\":\"1 0\"");
        assert_eq!(
            error(&bad),
            "line 4, column 36: byte 0x20 of \\\"1 0\\\" cannot stand in a package name (A-Z a-z 0-9 + - . _ @ /)"
                .replace("\\\"", "\"")
        );
        assert!(
            error("{\"packages\":\n 7}").starts_with("line 2, column 2: invalid type: integer `7`")
        );
        assert!(error("{\"packages\":[").starts_with("line 1, column 13: EOF while parsing"));
        assert!(
            error("{\"packages\":[],\"resolve\":null}").contains("which versions were resolved")
        );
        let unknown = METADATA.replace("\"id\":\"registry+x#cc@1.0.0\"}]", "\"id\":\"other\"}]");
        assert!(error(&unknown).contains("not among its packages"));
    }
}
