//! INDEX messages of the protocol, in any order.
//!
//! What `import --dry-run` prints is such a list: the members of a cycle come twice there, first
//! without each other, so that the last message of a package has to count, as it does on a server
//! (protocol rule I4).

use std::io::BufRead;

use super::{ListError, Need, PackageList};
use crate::command::Command;
use crate::wire;

pub(super) fn read(mut reader: impl BufRead) -> Result<PackageList, ListError> {
    let mut list = PackageList::default();
    let mut message = Vec::new();
    for line in 1.. {
        message.clear();
        if reader.read_until(b'\n', &mut message)? == 0 {
            break;
        }
        if message.trim_ascii().is_empty() {
            continue;
        }
        if message.last() != Some(&b'\n') {
            message.push(b'\n');
        }
        let command = wire::parse(&message).map_err(|error| ListError::Message { line, error })?;
        let Command::Index { package, dependencies } = command.to_command() else {
            return Err(ListError::NotIndex { line });
        };
        list.replace(package, dependencies.into_iter().map(Need::just).collect());
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::super::tests::printed;
    use super::*;

    #[test]
    fn index_messages_are_read_in_any_order() {
        let list = read(b"INDEX|vim|lua,ncurses\r\n\n \r\nINDEX|lua|".as_slice()).unwrap();
        assert_eq!(printed(&list), "lua:\nvim: [\"lua\"] [\"ncurses\"]\n");
        assert_eq!(list.repeated, None);
    }

    #[test]
    fn the_last_message_of_a_package_counts() {
        let list = read(b"INDEX|a|\nINDEX|b|a\nINDEX|a|b\n".as_slice()).unwrap();
        assert_eq!(printed(&list), "a: [\"b\"]\nb: [\"a\"]\n");
        assert_eq!(list.repeated, Some(Repeated { entries: 1, counts: "last" }));
    }

    #[test]
    fn other_messages_are_refused_with_their_line() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("INDEX|a|\n\nREMOVE|a|"), "line 3: a list holds INDEX messages alone");
        assert!(error("INDEX|a").starts_with("line 1: message: expected `|` after the package"));
    }
}
