//! Commands: alone, with names of all kinds, and in traces, with so few names that they meet.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::command::Command;
use crate::name::{MAX_NAME_BYTES, Name};
use crate::testing::input::{Input, mark_element, without_runs};
use crate::testing::reference;
use crate::testing::trace::{MAX_COMMANDS, TraceCommand};
use crate::wire::DEFAULT_MAX_LINE_BYTES;

/// The names that traces use, from the first on.
pub(crate) const ALPHABET: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

impl Arbitrary<'_> for Name {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        any_name(u)
    }
}

/// The bytes of names, the most readable first.
const NAME_BYTES: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._@/";

/// Any name, of every byte that a name may have: mostly short, and sometimes the longest.
pub(super) fn any_name(u: &mut Unstructured<'_>) -> Result<Name> {
    let length = match u8::arbitrary(u)? {
        short @ 0..=239 => 1 + usize::from(short % 12),
        long => MAX_NAME_BYTES - usize::from(255 - long),
    };
    let mut text = String::new();
    for _ in 0..length {
        let byte = usize::from(u8::arbitrary(u)?);
        text.push(char::from(NAME_BYTES[byte % NAME_BYTES.len()]));
    }
    // The text is a name. A library that refuses it violates every property.
    Ok(Name::new(text).unwrap_or_else(|error| panic!("{error}")))
}

/// Any command, with names of all kinds.
impl Arbitrary<'_> for Command {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        command(u, Mix::EVEN, any_name)
    }
}

/// How many of 16 commands are INDEX and how many REMOVE; the others are QUERY.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    index: u8,
    remove: u8,
}

impl Mix {
    /// So many INDEX that packages, and what depends on them, outlast the REMOVEs in between.
    pub(super) const LASTING: Self = Self { index: 9, remove: 4 };
    /// About equally many of all three.
    pub(crate) const EVEN: Self = Self { index: 5, remove: 6 };
}

/// The numbers of dependencies that an INDEX can have.
const LIST_LENGTHS: [usize; 16] = [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 6];

/// A command, from one byte that chooses the verb and the length of the list, and from names.
pub(crate) fn command(
    u: &mut Unstructured<'_>,
    mix: Mix,
    mut name: impl FnMut(&mut Unstructured<'_>) -> Result<Name>,
) -> Result<Command> {
    let kind = u8::arbitrary(u)?;
    let package = name(u)?;
    Ok(match kind % 16 {
        share if share < mix.index => {
            let length = LIST_LENGTHS[usize::from(kind / 16)];
            let dependencies = (0..length).map(|_| name(u)).collect::<Result<_>>()?;
            Command::Index { package, dependencies }
        }
        share if share < mix.index + mix.remove => Command::Remove { package },
        _ => Command::Query { package },
    })
}

/// One of the first `size` names of the alphabet, from one byte. Early names are more likely, so that some
/// packages are needed by many.
pub(super) fn few_names(size: usize) -> impl Fn(&mut Unstructured<'_>) -> Result<Name> + Copy {
    let size = size.clamp(1, ALPHABET.len());
    move |u| {
        let text = ALPHABET[pick(u8::arbitrary(u)?, size)];
        Ok(Name::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}")))
    }
}

/// The letter, among the first `size`, for a byte.
pub(crate) fn pick(byte: u8, size: usize) -> usize {
    let byte = usize::from(byte);
    (byte % size).min(byte / 16 % size)
}

/// How many names the commands of an input share: 2 to 8, from one byte.
pub(super) fn alphabet_size(u: &mut Unstructured<'_>) -> Result<usize> {
    Ok(2 + usize::from(u8::arbitrary(u)? % 7))
}

impl TraceCommand for Command {
    fn arbitrary_trace(u: &mut Unstructured<'_>) -> Result<Vec<Self>> {
        let size = alphabet_size(u)?;
        let mut trace = Vec::new();
        while !u.is_empty() && trace.len() < MAX_COMMANDS {
            mark_element(u);
            trace.push(command(u, Mix::LASTING, few_names(size))?);
        }
        Ok(trace)
    }

    /// INDEX with a shorter list.
    fn simpler_alone(&self) -> Vec<Self> {
        match self {
            Self::Index { package, dependencies } => without_runs(dependencies)
                .map(|dependencies| Self::Index { package: package.clone(), dependencies })
                .collect(),
            Self::Remove { .. } | Self::Query { .. } => Vec::new(),
        }
    }

    /// Renames the packages by letters in the order in which they come up. Or gives one name an earlier
    /// letter, which merges it with the package of that letter. After either, the list of all names in the
    /// trace comes earlier in the alphabet.
    fn simpler_together(trace: &[Self]) -> Vec<Vec<Self>> {
        let mut used: Vec<&Name> = Vec::new();
        for name in trace.iter().flat_map(names) {
            if !used.contains(&name) {
                used.push(name);
            }
        }
        let letters: Vec<Name> = ALPHABET.iter().filter_map(|text| Name::new(*text).ok()).collect();
        let in_order: BTreeMap<&Name, &Name> = used.iter().copied().zip(&letters).collect();
        let all = (in_order.iter().any(|(from, to)| from != to) && used.len() <= letters.len())
            .then_some(in_order);
        let each = used.iter().flat_map(|from| {
            let earlier = letters.iter().filter(move |letter| letter < from);
            earlier.map(move |to| BTreeMap::from([(*from, to)]))
        });
        let renamings = all.into_iter().chain(each);
        renamings
            .map(|renaming| trace.iter().map(|command| renamed(command, &renaming)).collect())
            .collect()
    }

    fn trace_seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // The first byte chooses all eight letters.
        vec![std::iter::once(vec![6]).chain(seeds(stream, 8)).flatten().collect()]
    }

    fn show_trace(trace: &[Self]) -> String {
        let stream: String = trace.iter().map(|command| format!("{command}\n")).collect();
        super::transcript(stream.as_bytes(), DEFAULT_MAX_LINE_BYTES)
    }

    /// From the messages, because a name is not written in Rust as its `Debug` form is.
    fn trace_to_rust(trace: &[Self]) -> Option<String> {
        let parsed = trace
            .iter()
            .map(|command| format!("    {:?}.parse().unwrap(),\n", command.to_string()));
        let parsed: String = parsed.collect();
        Some(format!(
            "use package_indexer::testing::trace::Trace;\n\nlet input = Trace(vec![\n{parsed}]);\n"
        ))
    }
}

/// The names in a command.
fn names(command: &Command) -> Vec<&Name> {
    match command {
        Command::Index { package, dependencies } => {
            std::iter::once(package).chain(dependencies).collect()
        }
        Command::Remove { package } | Command::Query { package } => vec![package],
    }
}

/// A command with some names replaced everywhere.
fn renamed(command: &Command, renaming: &BTreeMap<&Name, &Name>) -> Command {
    let rename = |name: &Name| renaming.get(name).map_or(name, |to| *to).clone();
    match command {
        Command::Index { package, dependencies } => Command::Index {
            package: rename(package),
            dependencies: dependencies.iter().map(rename).collect(),
        },
        Command::Remove { package } => Command::Remove { package: rename(package) },
        Command::Query { package } => Command::Query { package: rename(package) },
    }
}

/// The commands at the beginning of a stream, as bytes from which [`command`] makes them. Their names are
/// replaced by the first `size` letters in the order in which they come up.
pub(super) fn seeds(stream: &[u8], size: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut letters: BTreeMap<Name, usize> = BTreeMap::new();
    let mut letter = move |name: &Name| {
        let next = letters.len() % size;
        let letter = *letters.entry(name.clone()).or_insert(next);
        let is_it = |byte: &u8| pick(*byte, size) == letter;
        (0..=u8::MAX).find(is_it).into_iter().collect()
    };
    super::beginning(stream)
        .filter_map(reference::parse)
        .map(move |command| seed(&command, &mut letter))
}

/// Bytes from which [`command`] makes a command like this. `name` returns the bytes for a name.
fn seed(command: &Command, name: impl FnMut(&Name) -> Vec<u8>) -> Vec<u8> {
    let mut names: Vec<&Name> = names(command);
    let list = names.split_off(1);
    let verb = match command {
        Command::Index { .. } => 0,
        Command::Remove { .. } => Mix::LASTING.index,
        Command::Query { .. } => 15,
    };
    // The first length that is enough. If it is longer, names are repeated.
    let class = LIST_LENGTHS.iter().position(|length| *length >= list.len());
    let class = class.unwrap_or(LIST_LENGTHS.len() - 1);
    names.extend(list.iter().cycle().take(if list.is_empty() { 0 } else { LIST_LENGTHS[class] }));
    let kind = u8::try_from(16 * class).unwrap_or_default() + verb;
    std::iter::once(kind).chain(names.into_iter().flat_map(name)).collect()
}

impl Input for Command {
    const BYTES: usize = 64;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // Cut off at the greatest length of a short name.
        let bytes_of = |name: &Name| {
            let text = &name.as_str().as_bytes()[..name.as_str().len().min(12)];
            let place =
                |byte| NAME_BYTES.iter().position(|other| other == byte).unwrap_or_default();
            let length = std::iter::once(text.len() - 1);
            length.chain(text.iter().map(place)).flat_map(u8::try_from).collect()
        };
        let commands = super::beginning(stream).filter_map(reference::parse);
        commands.map(|command| seed(&command, bytes_of)).collect()
    }

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let shorter_names = names(self).into_iter().flat_map(|from| {
            let shorter = without_runs(from.as_str().as_bytes());
            let shorter = shorter.filter_map(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
            // A name of the same length, for faults that depend on the length alone.
            let plain = "a".repeat(from.as_str().len());
            let plain = (from.as_str() != plain).then(|| plain.parse().ok()).flatten();
            let shorter = shorter.chain(plain);
            let rename = |to| renamed(self, &BTreeMap::from([(from, &to)]));
            shorter.map(rename).collect::<Vec<_>>()
        });
        Box::new(self.simpler_alone().into_iter().chain(shorter_names))
    }

    fn show(&self) -> String {
        Self::show_trace(std::slice::from_ref(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::input::{from_bytes, shrink};
    use crate::testing::trace::Trace;

    #[test]
    fn a_command_is_made_of_one_byte_for_each_choice() {
        // An alphabet of eight; INDEX with one name, INDEX with two, REMOVE, QUERY.
        let bytes = [6, 3 << 4, 0x77, 0, 11 << 4, 0, 0x11, 0x22, 9, 0, 13, 0x22];
        let trace: Trace<Command> = from_bytes(&bytes).unwrap();
        assert_eq!(
            trace.show(),
            "> INDEX|h|a\n< FAIL\n> INDEX|a|b,c\n< FAIL\n> REMOVE|a|\n< OK\n> QUERY|c|\n< FAIL\n"
        );
    }

    #[test]
    fn a_long_trace_shrinks_to_the_shortest_with_the_first_names() {
        let bytes: Vec<u8> =
            (0..2_000_u32).map(|i| (i * 7 + i / 13 * 31) % 251).flat_map(u8::try_from).collect();
        let trace: Trace<Command> = from_bytes(&bytes).unwrap();
        assert_eq!(trace.0.len(), MAX_COMMANDS);
        // Fails when a list holds the package that the next command removes.
        let check = |trace: &Trace<Command>| {
            let removed_next = |pair: &[Command]| match pair {
                [Command::Index { package: from, dependencies }, Command::Remove { package }] => {
                    from != package && dependencies.contains(package)
                }
                _ => false,
            };
            if trace.0.windows(2).any(removed_next) { Err(()) } else { Ok(()) }
        };
        assert_eq!(check(&trace), Err(()));
        let shrunk = shrink(trace, (), check).input;
        let printed: Vec<_> = shrunk.0.iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["INDEX|a|b", "REMOVE|b|"]);
    }

    #[test]
    fn names_of_every_length_class_are_made() {
        let name = |first| any_name(&mut Unstructured::new(&[first; 300])).unwrap();
        assert_eq!((name(0).as_str().len(), name(239).as_str().len()), (1, 12));
        assert_eq!((name(240).as_str().len(), name(255).as_str().len()), (240, 255));
    }

    #[test]
    fn a_single_command_shrinks_to_short_names() {
        let long = Command::index("python@3.12", ["ncurses", "lua"]).unwrap();
        let check = |command: &Command| match command {
            Command::Index { dependencies, .. } if !dependencies.is_empty() => Err(()),
            _ => Ok(()),
        };
        let shrunk = shrink(long, (), check).input.to_string();
        assert_eq!(shrunk.len(), "INDEX|a|b".len(), "{shrunk}");
    }
}
