//! npm's `package-lock.json` in versions 2 and 3: every folder that npm would make, and the package in it.
//!
//! A package is named `name@version`, because each folder may have a version of its own. Dependencies are
//! found as Node finds them: in the package's own `node_modules`, or in that of a parent folder. Dependencies
//! for development only are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::cargo::number;
use super::json::{Keys, Word, lacking, object, parse};
use super::{ListError, PackageList, whole};

object! {
    /// The whole file.
    struct Lock {
        "packages" => folders: BTreeMap<String, Folder>,
    }
}

object! {
    /// The package in a folder, or a link to another folder.
    struct Folder {
        "name" => name: Option<Word>,
        "version" => version: Word,
        "link" => is_link: bool,
        "resolved" => resolved: Option<String>,
        "dependencies" => dependencies: Keys,
        "peerDependencies" => peers: Keys,
        "peerDependenciesMeta" => peers_meta: BTreeMap<String, Peer>,
        "optionalDependencies" => optional: Keys,
    }
}

object! {
    struct Peer {
        "optional" => is_optional: bool,
    }
}

impl Folder {
    /// The packages that it needs, and whether each is optional.
    fn needs(&self) -> BTreeMap<&str, bool> {
        let peers = self.peers.0.iter().map(|Word(name)| {
            (name.as_str(), self.peers_meta.get(name).is_some_and(|peer| peer.is_optional))
        });
        let all = self.dependencies.0.iter().map(|Word(name)| (name.as_str(), false));
        // Optional dependencies are listed among all dependencies too.
        let optional = self.optional.0.iter().map(|Word(name)| (name.as_str(), true));
        peers.chain(all).chain(optional).collect()
    }
}

const INSIDE: &str = "node_modules/";

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let lock: Lock = parse(&whole(reader)?)?;
    if lock.folders.is_empty() {
        return Err(lacking(
            "it has no `packages`; npm 6 and earlier write such a package-lock.json",
            "write it again: npm install --package-lock-only --lockfile-version 3",
        ));
    }
    let mut list = PackageList::new();
    // The package of each folder.
    let mut numbers = BTreeMap::new();
    for (path, folder) in lock.folders.iter().filter(|(_, folder)| !folder.is_link) {
        // A name that equals the folder's is not in the file.
        let of_folder = || path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
        let of_path = path.rsplit_once(INSIDE).map_or_else(of_folder, |(_, name)| name);
        let name = folder.name.as_ref().map_or(of_path, |Word(name)| name);
        // The project itself may have no name.
        let name = if name.is_empty() { "." } else { name };
        numbers.insert(path.as_str(), number(&mut list, name, &folder.version.0)?);
    }
    let lies_in = |path: &str| {
        let folder = lock.folders.get(path)?;
        let target = folder.resolved.as_deref().filter(|_| folder.is_link);
        numbers.get(target.unwrap_or(path)).copied()
    };
    // A package may be in several folders, and find other versions from each.
    let mut needs: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (path, &package) in &numbers {
        let needed = needs.entry(package).or_default();
        for (name, is_optional) in lock.folders.get(*path).map(Folder::needs).unwrap_or_default() {
            match find(path, name, lies_in) {
                Some(found) => {
                    needed.insert(found);
                }
                None if is_optional => {}
                // The report lists it as missing.
                None => {
                    needed.insert(number(&mut list, name, "")?);
                }
            }
        }
    }
    for (package, needed) in needs {
        for needed in needed {
            list.need(needed);
        }
        list.add(package, "first")?;
    }
    Ok(list)
}

/// What a package in a folder finds under a name.
fn find(path: &str, name: &str, lies_in: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    let mut folder = Some(path);
    while let Some(here) = folder {
        let slash = if here.is_empty() { "" } else { "/" };
        if let Some(found) = lies_in(&format!("{here}{slash}{INSIDE}{name}")) {
            return Some(found);
        }
        // Goes up to the parent folder: from `a/node_modules/b` to `a`, from `packages/a` to `packages`.
        folder = match here.rfind(INSIDE) {
            Some(at) => Some(here[..at].trim_end_matches('/')),
            None if here.is_empty() => None,
            None => Some(here.rsplit_once('/').map_or("", |(above, _)| above)),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::printed;
    use super::*;

    const LOCK: &str = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
        "":{"name":"app","version":"1.0.0","workspaces":["packages/*"],"dependencies":{"a":"^1","own":"*"},"devDependencies":{"t":"1"}},
        "node_modules/a":{"version":"1.0.0","resolved":"https://r/a.tgz","dependencies":{"@s/b":"^2","c":"^1","gone":"1"},
          "optionalDependencies":{"fsevents":"*"},"peerDependencies":{"p":"*","q":"*"},"peerDependenciesMeta":{"q":{"optional":true}}},
        "node_modules/a/node_modules/@s/b":{"version":"2.0.0","dependencies":{"c":"^1"}},
        "node_modules/@s/b":{"version":"1.0.0","license":"MIT"},
        "node_modules/c":{"version":"1.5.0","dependencies":{"@s/b":"^1"}},
        "node_modules/p":{"version":"3.0.0"},
        "node_modules/t":{"version":"1.0.0","dev":true},
        "node_modules/own":{"resolved":"packages/own","link":true},
        "packages/own":{"version":"0.1.0","dependencies":{"c":"*"}}}}"#;

    #[test]
    fn packages_need_what_node_would_find() {
        assert_eq!(
            printed(&read(LOCK.as_bytes()).unwrap()),
            "@s/b@1.0.0:\n@s/b@2.0.0: c@1.5.0\na@1.0.0: @s/b@2.0.0 c@1.5.0 p@3.0.0 gone\n\
             app@1.0.0: a@1.0.0 own@0.1.0\nc@1.5.0: @s/b@1.0.0\nown@0.1.0: c@1.5.0\n\
             p@3.0.0:\nt@1.0.0:\n"
        );
    }

    #[test]
    fn one_package_in_two_folders_needs_what_it_finds_in_both() {
        let lock = r#"{"lockfileVersion":3,"packages":{"":{},
            "node_modules/b":{"version":"1"},"node_modules/a":{"version":"1","dependencies":{"b":"*"}},
            "node_modules/x":{"version":"1"},"node_modules/x/node_modules/b":{"version":"2"},
            "node_modules/x/node_modules/a":{"version":"1","dependencies":{"b":"*"}}}}"#;
        assert_eq!(
            printed(&read(lock.as_bytes()).unwrap()),
            ".:\na@1: b@1 b@2\nb@1:\nb@2:\nx@1:\n"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        let old = "{\"lockfileVersion\":1,\"dependencies\":{}}";
        assert!(error(old).starts_with("line 1, column 1: it has no `packages`"), "{}", error(old));
        let bad = LOCK.replace("\"version\":\"3.0.0\"", "\"version\":\"3 0\"");
        assert!(
            error(&bad).starts_with("line 8, column 41: byte 0x20 of \"3 0\""),
            "{}",
            error(&bad)
        );
    }
}
