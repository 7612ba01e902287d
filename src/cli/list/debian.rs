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
    for field in ["Pre-Depends", "Depends"] {
        for need in fields.get(field).into_iter().flat_map(|list| items(list, ',')) {
            needs.push(Need(items(need, '|').map(|one| bare(one, &of)).collect::<Result<_, _>>()?));
        }
    }
    let package = name(package.trim(), &of)?;
    for provided in fields.get("Provides").into_iter().flat_map(|list| items(list, ',')) {
        let providers = list.provided.entry(bare(provided, &of)?).or_default();
        if !providers.contains(&package) {
            providers.push(package.clone());
        }
    }
    list.add(package, needs);
    Ok(())
}

/// What stands between the separators, blanks trimmed, empty items left out.
fn items(list: &str, separator: char) -> impl Iterator<Item = &str> {
    list.split(separator).map(str::trim).filter(|item| !item.is_empty())
}

/// The name in `name:any (>= 1.0) [amd64] <!nocheck>`.
fn bare(item: &str, of: &str) -> Result<Name, ListError> {
    let end = item.find([' ', '\t', '\n', ':', '(', '[', '<']).unwrap_or(item.len());
    name(&item[..end], of)
}

#[cfg(test)]
mod tests {
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
}
