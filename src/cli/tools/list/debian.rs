//! A Debian `Packages` index, as `apt-get update` stores it, or dpkg's own `status`.
//!
//! A package needs what its fields `Depends` and `Pre-Depends` list (Debian Policy, chapter 7): needs have
//! commas between, alternatives have bars. Versions and architectures are ignored. A package stands in for
//! the names that it provides, if no package has such a name. If a package has several stanzas, the highest
//! version counts, and of equal versions the first, as in apt.

use std::cmp::Ordering;
use std::io::BufRead;

use super::error::Problem;
use super::stanza::{Field, Stanza, each_stanza};
use super::{ListError, PackageList};

/// Which stanza of a package counts.
const COUNTS: &str = "highest version";

/// The report's name for packages that were removed and left their configuration.
const REMOVED: &str = "packages that are no longer installed";

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::new();
    // By name.
    let mut versions: Vec<Box<[u8]>> = Vec::new();
    each_stanza(reader, |stanza| {
        let package = stanza.value(Field::Package);
        if package.is_empty() {
            return Err(stanza.error(Problem::NoPackage));
        }
        let package = list.name_in(stanza.line_of(Field::Package, package), package)?;
        if is_removed(stanza.value(Field::Status)) {
            list.leave_out(REMOVED);
            return Ok(());
        }
        // What is needed to unpack the package is needed.
        for field in [Field::PreDepends, Field::Depends] {
            needs(&mut list, stanza, field)?;
        }
        if versions.len() <= package as usize {
            versions.resize_with(package as usize + 1, Box::default);
        }
        let version = stanza.value(Field::Version);
        let is_listed = list.has(package);
        let earlier = &mut versions[package as usize];
        if is_listed && by_version(version, earlier) != Ordering::Greater {
            list.add(package, COUNTS)?;
            return Ok(());
        }
        *earlier = version.into();
        list.replace(package, COUNTS)?;
        for provided in items(stanza.value(Field::Provides), b',') {
            let provided = name(&mut list, stanza, Field::Provides, provided)?;
            list.provide(provided, package);
        }
        Ok(())
    })?;
    Ok(list)
}

/// Whether a package's files are gone, as in `deinstall ok config-files`.
fn is_removed(status: &[u8]) -> bool {
    let state = status.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(2);
    state.is_some_and(|state| [b"config-files".as_slice(), b"not-installed"].contains(&state))
}

/// Orders versions by Debian Policy, 5.6.12. Text that is not a version comes first.
fn by_version(one: &[u8], other: &[u8]) -> Ordering {
    // The crate compares only versions correctly.
    let version =
        |text| str::from_utf8(text).ok().filter(|text| text.is_ascii() && !text.is_empty());
    match (version(one), version(other)) {
        (Some(one), Some(other)) => deb_version::compare_versions(one, other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Reads the needs in a field.
fn needs(list: &mut PackageList, stanza: &Stanza, field: Field) -> Result<(), ListError> {
    let mut names = Vec::new();
    for need in items(stanza.value(field), b',') {
        names.clear();
        for alternative in items(need, b'|') {
            names.push(name(list, stanza, field, alternative)?);
        }
        // Bars without names between them ask for nothing.
        list.need_any(&names);
    }
    Ok(())
}

/// The items between separators, trimmed, without empty ones. Indices that are written by hand end lists with
/// a comma.
fn items(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    list.split(move |byte| *byte == separator)
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

/// The name in `name:any (>= 1.0) [amd64] <!nocheck>`.
///
/// The rest is not read, but it must start like one of these. Two names with only a blank between are a
/// forgotten comma, and one of them would be lost.
fn name(
    list: &mut PackageList,
    stanza: &Stanza,
    field: Field,
    item: &[u8],
) -> Result<u32, ListError> {
    let opens = |byte: &u8| b"([<".contains(byte);
    let ends = |byte: &u8| byte.is_ascii_whitespace() || opens(byte);
    let (qualified, rest) = item.split_at(item.iter().position(ends).unwrap_or(item.len()));
    let rest = rest.trim_ascii_start();
    if !rest.is_empty() && !rest.first().is_some_and(opens) {
        return Err(stanza.error_at(field, rest, Problem::Item { text: item.to_owned() }));
    }
    let name = qualified.split(|byte| *byte == b':').next().unwrap_or_default();
    list.name_in(stanza.line_of(field, name), name)
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::packages::tests::{printed, provided};
    use super::*;

    fn list(text: &str) -> PackageList {
        read(text.as_bytes()).unwrap()
    }

    fn error(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn needs_lose_versions_and_architectures_and_keep_alternatives() {
        let list = list(
            "\
Package: exim4-daemon-light
Architecture: amd64
Depends: debconf (>= 0.5) | debconf-2.0, python3:any,
 libc6 (>= 2.36) [linux-any], adduser<!nocheck>
Pre-Depends: init-system-helpers (>= 1.54~)
Provides: mail-transport-agent, exim4-localscanapi-4.1 (= 4.1)
Description: lightweight
 More: text, that | is, no (need).

Package: adduser
",
        );
        assert_eq!(
            printed(&list),
            "adduser:\nexim4-daemon-light: init-system-helpers debconf|debconf-2.0 python3 libc6 adduser\n"
        );
        assert_eq!(
            provided(&list),
            "mail-transport-agent by exim4-daemon-light\nexim4-localscanapi-4.1 by exim4-daemon-light\n"
        );
    }

    #[test]
    fn a_stanza_without_a_package_is_refused_with_its_line() {
        assert_eq!(
            error("Package: a\n\nVersion: 1\nDepends: b\n"),
            "line 3, column 1: the stanza that begins here has no field `Package`"
        );
    }

    #[test]
    fn the_stanza_with_the_highest_version_counts() {
        let stanza = |version, need| {
            format!("Package: a\nVersion: {version}\nDepends: {need}\nProvides: v-{need}\n\n")
        };
        let text = ["1.9-1", "1.10-1", "1.10~rc1-1", "1:0.1", "1:0.1", "9"]
            .iter()
            .zip('b'..)
            .map(|(version, need)| stanza(version, need))
            .collect::<String>();
        let list = list(&text);
        assert_eq!((printed(&list), provided(&list)), ("a: e\n".into(), "v-e by a\n".into()));
        assert_eq!(list.repeated, Some(Repeated { entries: 5, counts: COUNTS }));
    }

    /// Each pair in the order of `dpkg --compare-versions`.
    #[test]
    fn versions_are_ordered_as_debian_orders_them() {
        let ascending = [
            "",
            "0~~",
            "0~",
            "0",
            "1.0~beta1-1",
            "1.0",
            "1.0-0.1",
            "1.0a",
            "1.0+b1",
            "1.0.1",
            "1.9",
            "1.10-1",
            "1.10-1+deb12u1",
            "10",
            "1:0.9",
            "2:0",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                let order = by_version(one.as_bytes(), other.as_bytes());
                assert_eq!(order, at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(by_version(b"1.00", b"1.0-0"), Ordering::Equal);
        assert_eq!(by_version(b"1\xe9", b""), Ordering::Equal);
    }

    #[test]
    fn what_is_removed_but_for_its_configuration_is_not_there() {
        let list = list(
            "Package: a\nStatus: deinstall ok config-files\nDepends: (\n\n\
             Package: b\nStatus: hold ok installed\nDepends: a\n\n\
             Package: c\nStatus: unknown ok not-installed\n\n\
             Package: d\nStatus: install ok unpacked\n",
        );
        assert_eq!(printed(&list), "b: a\nd:\n");
        assert_eq!(list.left_out, Some((REMOVED, 2)));
    }

    #[test]
    fn empty_needs_and_alternatives_ask_for_nothing() {
        assert_eq!(printed(&list("Package: a\nDepends: | , b |, ,|c,\n")), "a: b c\n");
    }

    #[test]
    fn bytes_of_another_encoding_matter_in_names_alone() {
        let text = b"Package: a\nMaintainer: M\xfcller\nDepends: b\nDescription: caf\xe9\n \xff\n";
        assert_eq!(printed(&read(text.as_slice()).unwrap()), "a: b\n");
        let error = read(b"Package: a\nDepends: b,\n \xe9a, c\xfc\n".as_slice()).unwrap_err();
        assert!(
            error.to_string().starts_with(r#"line 3, column 2: "\xe9a" is not a package name"#),
            "{error}"
        );
    }

    #[test]
    fn a_forgotten_comma_is_refused_with_line_and_column() {
        for (depends, place) in [
            ("b c", "line 2, column 12"),
            ("b:any c (>= 1)", "line 2, column 16"),
            ("b\n  c", "line 3, column 3"),
        ] {
            let shown = depends.replace('\n', "\\n");
            assert_eq!(
                error(&format!("Package: a\nDepends: {depends}\n")),
                format!(
                    "{place}: expected a comma, or `(`, `[` or `<`, after the name in \"{shown}\""
                )
            );
        }
        assert!(
            error("Package: a\nDepends: b, (>= 1)\n")
                .starts_with(r#"line 2, column 13: "" is not a package name"#)
        );
    }
}
