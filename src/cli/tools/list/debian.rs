//! A Debian `Packages` index: stanzas of fields (deb822), as `apt-get update` leaves them.
//!
//! What a package needs is what it says under `Depends` and `Pre-Depends` (Debian Policy, chapter
//! 7): commas between needs, bars between alternatives; versions and architectures do not matter
//! here. What it provides stands for it where no package has that name.

use std::io::BufRead;

use deb822_fast::{Deb822, Paragraph};

use super::{ListError, Need, PackageList, name};
use crate::name::Name;

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::default();
    for (stanza, paragraph) in (1..).zip(Deb822::iter_paragraphs_from_reader(reader)) {
        let wrong = |package: &str, problem: String| {
            Err(ListError::Stanza { stanza, package: package.to_owned(), problem })
        };
        let paragraph = match paragraph {
            Ok(paragraph) => paragraph,
            Err(deb822_fast::Error::Io(error)) => return Err(error.into()),
            Err(error) => return wrong("?", error.to_string()),
        };
        let Some(package) = paragraph.get("Package") else {
            return wrong("?", "it has no field `Package`".to_owned());
        };
        add(&mut list, package, &paragraph)?;
    }
    Ok(list)
}

fn add(list: &mut PackageList, package: &str, fields: &Paragraph) -> Result<(), ListError> {
    let of = format!("package {package}");
    let mut needs = Vec::new();
    // What has to be there before the package is unpacked has to be there.
    for field in ["Pre-Depends", "Depends"] {
        for need in fields.get(field).into_iter().flat_map(|list| items(list, ',')) {
            let names =
                items(need, '|').map(|one| bare(one, &of)).collect::<Result<Vec<_>, _>>()?;
            // Bars without names between them ask for nothing.
            if !names.is_empty() {
                needs.push(Need(names));
            }
        }
    }
    let package = name(package.trim(), &of)?;
    if !list.add(package.clone(), needs) {
        // The stanza does not count, so that what it provides is not there either.
        return Ok(());
    }
    for provided in fields.get("Provides").into_iter().flat_map(|list| items(list, ',')) {
        let providers = list.provided.entry(bare(provided, &of)?).or_default();
        // One package may provide several versions of one thing.
        if !providers.contains(&package) {
            providers.push(package.clone());
        }
    }
    Ok(())
}

/// What stands between the separators, blanks trimmed, empty items left out: indices that are
/// written by hand end lists with a comma.
fn items(list: &str, separator: char) -> impl Iterator<Item = &str> {
    list.split(separator).map(str::trim).filter(|item| !item.is_empty())
}

/// The name in `name:any (>= 1.0) [amd64] <!nocheck>`.
///
/// What follows is not read, but it has to begin as one of these does: two names with a blank
/// between them are a comma forgotten, and one of them would be lost.
fn bare(item: &str, of: &str) -> Result<Name, ListError> {
    let opening = ['(', '[', '<'];
    let blank = [' ', '\t', '\n', '\r'];
    let end = item.find(|c| blank.contains(&c) || opening.contains(&c)).unwrap_or(item.len());
    let (qualified, rest) = item.split_at(end);
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with(opening) {
        return Err(ListError::Item { item: item.to_owned(), of: of.to_owned() });
    }
    name(qualified.split(':').next().unwrap_or_default(), of)
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::tests::printed;
    use super::*;

    #[test]
    fn needs_lose_versions_and_architectures_and_keep_alternatives() {
        let text = "\
Package: exim4-daemon-light
Architecture: amd64
Depends: debconf (>= 0.5) | debconf-2.0, python3:any,
 libc6 (>= 2.36) [linux-any], adduser<!nocheck>
Pre-Depends: init-system-helpers (>= 1.54~)
Provides: mail-transport-agent, exim4-localscanapi-4.1 (= 4.1)
Description: lightweight
 More: text, that | is, no (need).

Package: adduser
";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(
            printed(&list),
            "adduser:\nexim4-daemon-light: [\"init-system-helpers\"] \
             [\"debconf\", \"debconf-2.0\"] [\"python3\"] [\"libc6\"] [\"adduser\"]\n"
        );
        let provided: Vec<_> = list.provided.keys().map(Name::as_str).collect();
        assert_eq!(provided, ["exim4-localscanapi-4.1", "mail-transport-agent"]);
    }

    #[test]
    fn a_stanza_without_a_package_is_refused_with_its_number() {
        let error = read(b"Package: a\n\nVersion: 1\n".as_slice()).unwrap_err();
        assert_eq!(error.to_string(), "stanza 2 (of \"?\"): it has no field `Package`");
    }

    #[test]
    fn what_a_repeated_stanza_provides_does_not_count() {
        let text = "Package: a\nProvides: x\n\nPackage: a\nProvides: y\n";
        let list = read(text.as_bytes()).unwrap();
        let provided: Vec<_> = list.provided.keys().map(Name::as_str).collect();
        assert_eq!(provided, ["x"]);
        assert_eq!(list.repeated, Some(Repeated { entries: 1, counts: "first" }));
    }

    #[test]
    fn empty_needs_and_alternatives_ask_for_nothing() {
        let list = read(b"Package: a\nDepends: | , b |, ,|c,\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "a: [\"b\"] [\"c\"]\n");
    }

    #[test]
    fn comments_are_skipped_wherever_they_stand() {
        let text = "# of the file\nPackage: a\n# of the field\nDepends: b,\n# between\n c\n\n# of b\nPackage: b\n";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(printed(&list), "a: [\"b\"] [\"c\"]\nb:\n");
    }

    #[test]
    fn a_forgotten_comma_is_an_error_of_the_package() {
        let error = |depends: &str| {
            let text = format!("Package: a\nDepends: {depends}\n");
            read(text.as_bytes()).unwrap_err().to_string()
        };
        for depends in ["b c", "b:any c (>= 1)", "b\n c"] {
            // The parser unfolds a field by dropping the blank that folded it.
            let item = depends.replace("\n ", "\n");
            assert_eq!(
                error(depends),
                format!("the {item:?} of package a: expected `(`, `[` or `<` after the name")
            );
        }
        assert!(error("(>= 1)").starts_with("the \"\" of package a: "), "{}", error("(>= 1)"));
    }
}
