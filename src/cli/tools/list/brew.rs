//! Lines `name: dependency dependency`, as Homebrew's list of formulae and `brew deps --installed` have them.
//! Lines that begin with `#` are comments.
//!
//! With `--annotate` a dependency is followed by its purpose, such as `[build]`. With
//! `--include-requirements` a line also names things that are not packages, such as `:macOS >= 12`. Neither
//! changes which packages are needed.

use std::io::BufRead;

use super::error::{Line, Problem};
use super::{ListError, PackageList, each_line};

/// The report's name for requirements.
const REQUIREMENTS: &str = "requirements, which are not packages";

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::new();
    each_line(reader, |line| {
        let text = line.bytes.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(());
        }
        let Some(colon) = memchr::memchr(b':', text) else {
            let expected = "name: dependency dependency";
            return Err(line.error_at(text, Problem::Expected { expected }));
        };
        let (package, needs) = (text[..colon].trim_ascii_end(), &text[colon + 1..]);
        let package = list.name_in(line, package)?;
        read_needs(&mut list, line, needs)?;
        list.add(package, "first")?;
        Ok(())
    })?;
    Ok(list)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Reads the dependencies in a part of a line.
fn read_needs(list: &mut PackageList, line: Line<'_>, needs: &[u8]) -> Result<(), ListError> {
    let mut words = words(needs).peekable();
    while let Some(word) = words.next() {
        match word[0] {
            b'[' => check_annotation(line, word)?,
            b':' => {
                list.leave_out(REQUIREMENTS);
                let mut last = word;
                while let Some(more) = words.next_if(|word| goes_on(last, word)) {
                    last = more;
                }
            }
            _ => {
                let need = list.name_in(line, word)?;
                list.need(need);
            }
        }
    }
    Ok(())
}

/// Whether a word continues a requirement: `:macOS >= 12 (or Linux)`, `:x86_64 architecture`.
fn goes_on(last: &[u8], word: &[u8]) -> bool {
    let is_comparison =
        |word: &[u8]| [b"<".as_slice(), b"<=", b"=", b"==", b">=", b">"].contains(&word);
    let is_open = last.starts_with(b"(") && !last.ends_with(b")");
    is_comparison(word)
        || is_comparison(last)
        || is_open
        || word.starts_with(b"(")
        || word.ends_with(b")")
        || word == b"architecture"
}

/// Checks that a word looks like `[build]`.
pub(super) fn check_annotation(line: Line<'_>, word: &[u8]) -> Result<(), ListError> {
    let inside = word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]"));
    match inside {
        Some(inside) if !inside.is_empty() && inside.iter().all(u8::is_ascii_lowercase) => Ok(()),
        _ => Err(line.error_at(word, Problem::Annotation { text: word.to_owned() })),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::packages::tests::printed;
    use super::*;

    fn said(text: &str) -> String {
        printed(&read(text.as_bytes()).unwrap())
    }

    #[test]
    fn names_and_dependencies_are_read() {
        let list = read(b"vim: lua  ncurses \r\nlua:\n\n vim : x\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "lua:\nvim: lua ncurses\n");
        assert_eq!(list.repeated, Some(Repeated { entries: 1, counts: "first" }));
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(said("# of the file\nvim: lua\n  # of lua\nlua:\n"), "lua:\nvim: lua\n");
    }

    #[test]
    fn annotations_and_requirements_change_no_need() {
        let text = "git: gettext [build] [test] curl [recommended]\n\
                    a: :macOS >= 12 (or Linux) b\nb: :x86_64 architecture :Xcode (on macOS) c :linux\n";
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(printed(&list), "a: b\nb: c\ngit: gettext curl\n");
        assert_eq!(list.left_out, Some((REQUIREMENTS, 4)));
    }

    #[test]
    fn what_is_not_a_list_is_refused_with_line_and_column() {
        let error = |text: &[u8]| read(text).unwrap_err().to_string();
        assert_eq!(error(b"a:\n b\n"), "line 2, column 2: expected `name: dependency dependency`");
        assert!(
            error("a: é".as_bytes())
                .starts_with(r#"line 1, column 4: "é" is not a package name: byte"#)
        );
        assert!(
            error(b"x: y\na: bb|c")
                .starts_with(r#"line 2, column 6: "bb|c" is not a package name: byte 0x7c"#)
        );
        assert!(error(b": a").starts_with(r#"line 1, column 1: "" is not a package name"#));
        assert_eq!(
            error(b"a: b [2 more"),
            r#"line 1, column 6: "[2" is neither a name nor an annotation such as [build]"#
        );
    }
}
