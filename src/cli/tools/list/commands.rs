//! INDEX messages of the protocol, in any order.
//!
//! `import --dry-run` prints such a list. A member of a cycle comes twice there, first without the rest of
//! the cycle. So the last message of a package counts, as on a server (rule I4 of the protocol).

use std::io::BufRead;

use super::error::Problem;
use super::{ListError, PackageList, each_line};
use crate::command::CommandRef;
use crate::wire;

pub(super) fn read(reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::new();
    let mut message = Vec::new();
    each_line(reader, |line| {
        if line.bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        message.clear();
        message.extend_from_slice(line.bytes);
        message.push(b'\n');
        let command = wire::parse(&message)
            .map_err(|error| line.error(error.offset, Problem::Message { error }))?;
        let CommandRef::Index { package, dependencies } = command else {
            return Err(line.error(0, Problem::NotIndex));
        };
        for dependency in dependencies.iter() {
            let dependency = list.number(dependency)?;
            list.need(dependency);
        }
        let package = list.number(package)?;
        list.replace(package, "last")?;
        Ok(())
    })?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::packages::tests::printed;
    use super::*;

    #[test]
    fn index_messages_are_read_in_any_order() {
        let list = read(b"INDEX|vim|lua,ncurses\r\n\n \r\nINDEX|lua|".as_slice()).unwrap();
        assert_eq!(printed(&list), "lua:\nvim: lua ncurses\n");
        assert_eq!(list.repeated, None);
    }

    #[test]
    fn the_last_message_of_a_package_counts() {
        let list = read(b"INDEX|a|\nINDEX|b|a\nINDEX|a|b\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "a: b\nb: a\n");
        assert_eq!(list.repeated, Some(Repeated { entries: 1, counts: "last" }));
    }

    #[test]
    fn other_messages_are_refused_with_line_and_column() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("INDEX|a|\n\nREMOVE|a|"), "line 3, column 1: expected an INDEX message");
        assert!(
            error("INDEX|a")
                .starts_with("line 1, column 8: message: expected `|` after the package")
        );
    }
}
