//! Lines `name: dependency dependency`, as in the list of Homebrew's formulae. Lines that begin with `#` are
//! comments.

use std::io::BufRead;

use super::{ListError, Need, PackageList, name};

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::default();
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line?;
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some((package, needs)) = line.split_once(':') else {
            let problem = "expected `name: dependency dependency`".to_owned();
            return Err(ListError::Line { line: number, problem });
        };
        // As `brew deps --annotate` has them.
        if let Some(item) = needs.split_whitespace().find(|need| need.starts_with('[')) {
            return Err(ListError::Annotation { line: number, item: item.to_owned() });
        }
        let of = format!("line {number}");
        let needs = needs
            .split_whitespace()
            .map(|need| name(need, &of).map(Need::just))
            .collect::<Result<_, _>>()?;
        list.add(name(package.trim(), &of)?, needs);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::tests::printed;
    use super::*;

    #[test]
    fn names_and_dependencies_are_read() {
        let list = read(b"vim: lua  ncurses \nlua:\n\nvim: x\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "lua:\nvim: [\"lua\"] [\"ncurses\"]\n");
        assert_eq!(list.repeated, Some(Repeated { entries: 1, counts: "first" }));
    }

    #[test]
    fn comments_are_left_out() {
        let list = read(b"# of the file\nvim: lua\n  # of lua\nlua:\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "lua:\nvim: [\"lua\"]\n");
    }

    #[test]
    fn an_annotation_is_refused_with_its_line() {
        let error = read(b"a:\ngit: pcre2 curl [build]\n".as_slice()).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"line 2: "[build]" is no name, but what a tool says of one"#
        );
    }

    #[test]
    fn what_is_not_a_list_is_refused_with_its_line() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("a:\nb\n"), "line 2: expected `name: dependency dependency`");
        assert!(error("a: b|c").starts_with(r#"the "b|c" of line 1: byte 0x7c at offset 1"#));
    }
}
