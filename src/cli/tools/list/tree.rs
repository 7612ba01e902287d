//! The output of `brew deps --tree`: a formula, and on branches below it what it needs, and so on.
//!
//! A formula may be drawn several times, in full or without its branches. Everything that is said about it
//! counts.

use std::io::BufRead;

use super::brew::check_annotation;
use super::error::{Line, Problem};
use super::{ListError, PackageList, each_line};

/// The horizontal stroke of a branch, `─`, in UTF-8. No name contains it.
const STROKE: &[u8] = "─".as_bytes();

/// The end of a branch, before the name.
const BRANCHES: [&str; 2] = ["├── ", "└── "];

/// How many characters each level of the tree is wide.
const LEVEL: usize = 4;

/// Whether a list begins as a tree does.
pub(super) fn is_tree(start: &[u8]) -> bool {
    memchr::memmem::find(start, STROKE).is_some()
}

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::new();
    // The needs of each name, in the order in which names occurred, and the names on the path to this line.
    let mut said: Vec<Vec<u32>> = Vec::new();
    let mut path: Vec<u32> = Vec::new();
    each_line(reader, |line| {
        if line.bytes.trim_ascii().is_empty() || line.bytes.starts_with(b"#") {
            return Ok(());
        }
        let (depth, text) = split(line)?;
        if depth > path.len() {
            let expected = "a branch below the line above";
            return Err(line.error_at(text, Problem::Expected { expected }));
        }
        let Some(name) = name_of(line, text)? else { return Ok(()) };
        let name = list.name_in(line, name)?;
        path.truncate(depth);
        if said.len() <= name as usize {
            said.resize_with(name as usize + 1, Vec::new);
        }
        if let Some(&parent) = path.last() {
            let needs = &mut said[parent as usize];
            if !needs.contains(&name) {
                needs.push(name);
            }
        }
        path.push(name);
        Ok(())
    })?;
    for (package, needs) in (0..).zip(said) {
        for need in needs {
            list.need(need);
        }
        list.add(package, "first")?;
    }
    Ok(list)
}

/// The depth of a line, and the text after its branch.
fn split(line: Line<'_>) -> Result<(usize, &[u8]), ListError> {
    let Some(stroke) = memchr::memmem::find(line.bytes, STROKE) else { return Ok((0, line.bytes)) };
    let expected = || line.error(stroke, Problem::Expected { expected: "├── name or └── name" });
    let text = str::from_utf8(line.bytes).map_err(|_not_text| expected())?;
    let ends = BRANCHES.iter().find_map(|branch| Some(text.find(branch)? + branch.len()));
    let end = ends.ok_or_else(expected)?;
    Ok((text[..end].chars().count() / LEVEL, &line.bytes[end..]))
}

/// The name in `name [build] (CIRCULAR DEPENDENCY)`. `None` for `:requirement`.
fn name_of<'a>(line: Line<'_>, text: &'a [u8]) -> Result<Option<&'a [u8]>, ListError> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    if name.starts_with(b":") {
        return Ok(None);
    }
    for word in words {
        if word.starts_with(b"(") {
            break;
        }
        check_annotation(line, word)?;
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::printed;
    use super::*;

    #[test]
    fn a_tree_says_what_a_list_says() {
        let tree = "\
git
├── gettext [build]
│   ├── json-c
│   └── libunistring
├── :macOS >= 12
└── pcre2
    └── bzip2 (PRUNED)

wget
└── gettext
    └── libxml2
";
        assert!(is_tree(tree.as_bytes()) && !is_tree(b"git: pcre2\n"));
        assert_eq!(
            printed(&read(tree.as_bytes()).unwrap()),
            "bzip2:\ngettext: json-c libunistring libxml2\ngit: gettext pcre2\njson-c:\n\
             libunistring:\nlibxml2:\npcre2: bzip2\nwget: gettext\n"
        );
    }

    #[test]
    fn what_is_no_tree_is_refused_with_line_and_column() {
        let error = |tree: &str| read(tree.as_bytes()).unwrap_err().to_string();
        assert!(error("a\n│   └── b\n").starts_with("line 2, column 9: expected `a branch below"));
        assert!(error("a\n─── b\n").starts_with("line 2, column 1: expected `├── name"));
        assert!(error("a\n└── b v1.0\n").contains(r#"line 2, column 7: "v1.0" is neither"#));
        assert!(
            error("a:b\n└── b\n").starts_with(r#"line 1, column 2: "a:b" is not a package name"#)
        );
    }
}
