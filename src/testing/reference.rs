//! The wire once more, by splitting strings. The grammar and the framing are compared with it.
//!
//! It was written from `spec/protocol.md` and from nothing in `wire`, with none of its helpers. Nothing here
//! is fast, streams, or says why a line is refused. What a command does is the business of `model`.

use crate::command::{Command, Outcome, Reply};
use crate::model::Model;
use crate::name::Name;

/// The characters that a name may have (rule N1).
const NAME_CHARACTERS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._@/";

/// The command that a line, LF included, stands for, or `None` if the line is malformed (rules M, N, D).
#[must_use]
pub fn parse(line: &[u8]) -> Option<Command> {
    let text = String::from_utf8(line.to_vec()).ok()?;
    let text = text.strip_suffix('\n')?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    let fields: Vec<&str> = text.split('|').collect();
    let [verb, package, list] = fields[..] else { return None };
    let package = name(package)?;
    let dependencies = match list {
        "" => Vec::new(),
        list => {
            let names = list.strip_suffix(',').unwrap_or(list).split(',');
            names.map(name).collect::<Option<_>>()?
        }
    };
    match verb {
        "INDEX" => Some(Command::Index { package, dependencies }),
        "REMOVE" => Some(Command::Remove { package }),
        "QUERY" => Some(Command::Query { package }),
        _ => None,
    }
}

/// The reply that a line, LF included, stands for, or `None` if it is no reply.
#[must_use]
pub fn parse_reply(line: &[u8]) -> Option<Reply> {
    match line {
        b"OK\n" => Some(Reply::Ok),
        b"FAIL\n" => Some(Reply::Fail),
        b"ERROR\n" => Some(Reply::Error),
        _ => None,
    }
}

fn name(text: &str) -> Option<Name> {
    let is_name = (1..=255).contains(&text.len())
        && text.chars().all(|character| NAME_CHARACTERS.contains(character));
    // The library must not refuse what this file takes for a name.
    is_name.then(|| text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}")))
}

/// The lines of a stream, LF included, or `None` for a line that passes the limit, complete or not. Each
/// comes with the number of bytes after which it is known (rules L1 to L10).
#[must_use]
pub fn lines(stream: &[u8], max_line_bytes: usize) -> Vec<(usize, Option<&[u8]>)> {
    let mut lines = Vec::new();
    let mut begin = 0;
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        let complete = line.ends_with(b"\n");
        // An incomplete line has at least one more byte to come.
        let length = if complete { line.len() } else { line.len() + 1 };
        match (length <= max_line_bytes, complete) {
            (true, true) => lines.push((begin + length, Some(line))),
            (true, false) => {}
            (false, _) => lines.push((begin + max_line_bytes, None)),
        }
        begin += line.len();
    }
    lines
}

/// The lines of a stream that a server reads: all of them, or only the first if that is an HTTP request (rule
/// C7).
#[must_use]
pub fn messages(stream: &[u8], max_line_bytes: usize) -> Vec<(usize, Option<&[u8]>)> {
    let mut lines = lines(stream, max_line_bytes);
    if begins_with_http(stream, max_line_bytes) {
        lines.truncate(1);
    }
    lines
}

/// Whether the first line of a stream is an HTTP request. If the line passes the limit, it is whether the
/// part within the limit can be completed to one (rule C7).
#[must_use]
pub fn begins_with_http(stream: &[u8], max_line_bytes: usize) -> bool {
    /// A request line that has its method needs at most some end of this text to be complete.
    const END: &[u8] = b"a HTTP/1.1\n";
    match lines(stream, max_line_bytes).first() {
        None => false,
        Some((_, Some(line))) => is_http(line),
        Some((limit, None)) => {
            let cut_off = &stream[..*limit];
            (0..END.len()).any(|at| is_http(&[cut_off, &END[at..]].concat()))
        }
    }
}

/// Whether a line, LF included, is an HTTP request line.
fn is_http(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\n") else { return false };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { return false };
    let Some(version) = version.strip_prefix(b"HTTP/") else { return false };
    let numbers: Vec<&[u8]> = version.split(|byte| *byte == b'.').collect();
    let all = |word: &[u8], test: fn(&u8) -> bool| !word.is_empty() && word.iter().all(test);
    all(method, u8::is_ascii_uppercase)
        && all(target, |byte| *byte > 0x20 && *byte != 0x7f)
        && numbers.len() <= 2
        && numbers.iter().all(|number| all(number, u8::is_ascii_digit))
}

/// How many of the lines are known after the arrival of so many bytes.
#[must_use]
pub fn due(lines: &[(usize, Option<&[u8]>)], arrived: usize) -> usize {
    lines.partition_point(|(at, _)| *at <= arrived)
}

/// The replies to a stream of a server that holds what `model` holds.
pub fn replies(stream: &[u8], max_line_bytes: usize, model: &mut Model) -> Vec<Reply> {
    let lines = messages(stream, max_line_bytes).into_iter();
    lines.map(|(_, line)| reply(line.and_then(parse).as_ref(), model)).collect()
}

/// The reply to a message. `None` stands for a message that is malformed or too long.
pub fn reply(command: Option<&Command>, model: &mut Model) -> Reply {
    match command.map(|command| model.apply(command)) {
        None => Reply::Error,
        Some(Ok(Outcome::Ok)) => Reply::Ok,
        Some(Ok(Outcome::Fail)) => Reply::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_bars_and_commas() {
        let read = |line: &[u8]| parse(line).map(|command| command.to_string());
        assert_eq!(read(b"INDEX|a|b,c,\r\n").as_deref(), Some("INDEX|a|b,c"));
        assert_eq!(read(b"REMOVE|a|b\n").as_deref(), Some("REMOVE|a|"));
        for line in [
            b"INDEX|a\n".as_slice(),
            b"INDEX|a||\n",
            b"INDEX|a|,\n",
            b"INDEX|a|b,,c\n",
            b"INDEX||\n",
            b"index|a|\n",
            b"INDEX|a|",
            b"INDEX|a|\r\r\n",
            b"INDEX|\xff|\n",
        ] {
            assert_eq!(read(line), None, "{}", line.escape_ascii());
        }
        assert!(parse(format!("QUERY|{}|\n", "n".repeat(255)).as_bytes()).is_some());
        assert!(parse(format!("QUERY|{}|\n", "n".repeat(256)).as_bytes()).is_none());
    }

    #[test]
    fn an_http_request_ends_what_is_read_if_it_comes_first() {
        let read = |stream: &[u8], limit| messages(stream, limit).len();
        assert_eq!(read(b"GET / HTTP/1.1\r\na\nb\n", 99), 1);
        assert_eq!(read(b"GET / HTTP/2\na\nb\n", 99), 1);
        assert_eq!(read(b"\nGET / HTTP/1.1\na\n", 99), 3);
        assert_eq!(read(b"GET /  HTTP/1.1\na\n", 99), 2);
        // The limit cuts the line off before its target, in it, after it, and in its version.
        for limit in [4, 5, 7, 8, 10, 12, 13, 14, 15, 16, 17] {
            assert_eq!(read(b"GET /ab HTTP/1.1\r\na\n", limit), 1, "{limit}");
        }
        for (stream, limit) in [(&b"GET /ab HTTQ/1.1\na\n"[..], 13), (b"GET / HTTP/1.1\na\n", 3)] {
            assert_eq!(read(stream, limit), 2);
        }
    }

    #[test]
    fn a_stream_is_split_after_each_lf_and_long_lines_are_none() {
        let stream = b"1234\n12345\n\n1234";
        let known = |limit| lines(stream, limit);
        assert_eq!(known(5), [(5, Some(b"1234\n".as_slice())), (10, None), (12, Some(b"\n"))]);
        // The fourth byte without LF is one too many for a limit of 4.
        assert_eq!(known(4), [(4, None), (9, None), (12, Some(b"\n".as_slice())), (16, None)]);
        assert_eq!([0, 4, 5, 11, 12].map(|arrived| due(&known(5), arrived)), [0, 0, 1, 2, 3]);
    }
}
