//! What a line says, for a server that may be careless or speak a dialect.

use std::str;

use package_indexer::command::Verb;

use super::{Dialect, Fault, Manner};

/// The longest name, in bytes (rule N1).
const MAX_NAME_BYTES: usize = 255;

/// Whether a line, or the beginning of one that is too long, is an HTTP request line (rule C7).
pub(super) fn is_http(line: Result<&[u8], &[u8]>) -> bool {
    let is_whole = line.is_ok();
    let (Ok(text) | Err(text)) = line;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut words = text.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_method =
        method.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_uppercase));
    let is_target = target.is_some_and(|it| {
        it.iter().all(|byte| *byte > b' ' && *byte != 0x7f) && (!it.is_empty() || !is_whole)
    });
    let is_version = match version.map(|version| version.strip_prefix(b"HTTP/")) {
        Some(Some(number)) => {
            let mut numbers = number.split(|byte| *byte == b'.');
            let is_number = |it: &[u8]| !it.is_empty() && it.iter().all(u8::is_ascii_digit);
            numbers.next().is_some_and(is_number)
                && numbers.next().is_none_or(is_number)
                && numbers.next().is_none()
        }
        Some(None) => false,
        None => !is_whole,
    };
    is_method && is_target && is_version && words.next().is_none()
}

/// A message that is well formed.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) verb: Verb,
    pub(super) package: String,
    pub(super) dependencies: Vec<String>,
}

impl Manner {
    /// Reads a line; none if it is malformed.
    pub(super) fn parse(self, line: &[u8]) -> Option<Message> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = str::from_utf8(line).ok()?;
        let line = match line.strip_suffix('\r') {
            Some(rest) if !self.speaks(Dialect::KeepsCr) => rest,
            _ => line,
        };
        let mut parts = line.split('|');
        if self.has(Fault::AcceptsMalformed) {
            let command = parts.next()?.to_ascii_uppercase();
            let package = parts.next()?;
            let names = parts.next().unwrap_or_default().split(',').filter(|name| !name.is_empty());
            return self.message(&command, package, names);
        }
        let (command, package, list) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() && !self.has(Fault::ThirdBar) {
            return None;
        }
        let upper = command.to_ascii_uppercase();
        let command = if self.has(Fault::LowerCase) { &upper } else { command };
        let [command, package, list] = [command, package, list]
            .map(|part| if self.has(Fault::Trims) { part.trim_matches(' ') } else { part });
        if list.is_empty() {
            return self.message(command, package, []);
        }
        if self.speaks(Dialect::NoListOfOthers) && command != Verb::Index.as_str() {
            return None;
        }
        let list = match list.strip_suffix(',') {
            Some(rest) if !self.speaks(Dialect::NoTrailingComma) => rest,
            _ => list,
        };
        self.message(command, package, list.split(','))
    }

    fn message<'a>(
        self,
        command: &str,
        package: &str,
        dependencies: impl IntoIterator<Item = &'a str>,
    ) -> Option<Message> {
        let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == command)?;
        let folds = self.has(Fault::FoldsCase);
        let folded = |name: &str| if folds { name.to_lowercase() } else { name.to_owned() };
        let name = |name: &str| self.is_name(name).then(|| folded(name));
        let dependencies = dependencies.into_iter().map(name).collect::<Option<_>>()?;
        Some(Message { verb, package: name(package)?, dependencies })
    }

    fn is_name(self, name: &str) -> bool {
        if self.has(Fault::AnyText) {
            return name.len() <= MAX_NAME_BYTES;
        }
        let may_stand = |c: char| match c {
            '@' | '/' => !self.speaks(Dialect::PlainNames),
            '+' | '-' | '.' | '_' => true,
            _ if self.speaks(Dialect::AnyNames) => c != ',' && !c.is_control(),
            _ => c.is_ascii_alphanumeric(),
        };
        (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(may_stand)
    }
}
