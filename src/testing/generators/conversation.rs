//! What one client sends, in pieces; what two clients send in turns; and a trace with limits.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::command::{ALPHABET, Mix, alphabet_size, command, few_names, seeds};
use super::line::{VERBATIM, near_miss, simpler_bytes};
use crate::command::Command;
use crate::index::Limits;
use crate::testing::input::{Input, mark_element, without_runs};
use crate::testing::trace::{Trace, TraceCommand};
use crate::wire::MIN_LINE_BYTES;

/// The line limit of conversations, in bytes. It is so small that some lines pass it.
pub const LINE_LIMIT: usize = MIN_LINE_BYTES;

/// The most messages of a conversation, without repetitions.
const MAX_MESSAGES: usize = 100;

/// How many times a message is repeated, so that a session has more than one batch takes.
const BURST: usize = 300;

/// What one client sends, and the pieces in which it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The bytes of each message, its LF included. The last may lack its LF.
    pub messages: Vec<Vec<u8>>,
    /// The lengths of the pieces, in bytes, used again and again. Without any, everything arrives at once.
    pub pieces: Vec<u8>,
}

impl Conversation {
    /// All bytes, in order.
    #[must_use]
    pub fn stream(&self) -> Vec<u8> {
        self.messages.concat()
    }

    /// The bytes, in the pieces in which they arrive.
    pub fn arriving<'a>(&self, stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = stream;
        let lengths = self.pieces.clone().into_iter().cycle().map(|length| 1 + usize::from(length));
        let mut lengths = lengths.chain(std::iter::repeat(usize::MAX));
        std::iter::from_fn(move || {
            let length = lengths.next()?.min(rest.len());
            let (piece, behind) = rest.split_at(length);
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

impl Arbitrary<'_> for Conversation {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let size = alphabet_size(u)?;
        let cuts = u8::arbitrary(u)? % 6;
        let pieces = (0..cuts).map(|_| u8::arbitrary(u)).collect::<Result<_>>()?;
        // It takes many messages until one package needs another, so some have been sent before.
        let ahead = usize::from(u8::arbitrary(u)?) % (size + 1);
        let mut messages: Vec<Vec<u8>> = (0..ahead)
            .map(|at| {
                let needed = at.checked_sub(1).map_or("", |last| ALPHABET[last]);
                format!("INDEX|{}|{needed}\n", ALPHABET[at]).into_bytes()
            })
            .collect();
        while !u.is_empty() && messages.len() < MAX_MESSAGES {
            mark_element(u);
            messages.push(message(u, size)?);
        }
        Ok(Self { messages, pieces })
    }
}

/// What a client may send as one message, LF included, or as part of one.
fn message(u: &mut Unstructured<'_>, size: usize) -> Result<Vec<u8>> {
    let kind = u8::arbitrary(u)?;
    if kind == VERBATIM {
        let length = usize::from(u8::arbitrary(u)?).min(u.len());
        return Ok(u.bytes(length)?.to_vec());
    }
    let mix = if let 9..=90 = kind { Mix::EVEN } else { Mix::LASTING };
    let command = command(u, mix, few_names(size))?;
    let message = format!("{command}\n").into_bytes();
    let with_noise = |length, message| [vec![b'x'; length], message].concat();
    Ok(match usize::from(kind) {
        0 => message.repeat(BURST),
        // About as long as the limit, or far longer.
        kind @ 1..=4 => with_noise(LINE_LIMIT - 12 + kind, message),
        kind @ 5..=8 => with_noise(100 * kind, message),
        kind @ 9..=90 => near_miss(u, 1 + kind % 2, &command)?,
        _ => message,
    })
}

impl Input for Conversation {
    const BYTES: usize = 1_200;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        let chunks = super::beginning(stream).flat_map(|line| line.chunks(usize::from(u8::MAX)));
        let verbatim = chunks.flat_map(|chunk| {
            let length = u8::try_from(chunk.len()).unwrap_or(u8::MAX);
            [&[VERBATIM, length], chunk].concat()
        });
        // Two letters, which no verbatim message uses; one piece; and nothing sent ahead.
        vec![[0; 3].into_iter().chain(verbatim).collect()]
    }

    /// The same with fewer messages, fewer pieces, shorter messages, or shorter pieces.
    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let messages = || self.messages.clone();
        let pieces = || self.pieces.clone();
        let fewer_pieces =
            without_runs(&self.pieces).map(move |pieces| Self { messages: messages(), pieces });
        let shorter_pieces = self.pieces.iter().enumerate().flat_map(move |(position, length)| {
            [0, length / 2].into_iter().filter(move |shorter| shorter < length).map(
                move |shorter| {
                    let mut pieces = self.pieces.clone();
                    pieces[position] = shorter;
                    Self { messages: messages(), pieces }
                },
            )
        });
        let fewer_messages =
            without_runs(&self.messages).map(move |messages| Self { messages, pieces: pieces() });
        let shorter = self.messages.iter().enumerate().flat_map(move |(position, message)| {
            simpler_message(message).map(move |simpler| {
                let mut messages = messages();
                messages[position] = simpler;
                Self { messages, pieces: pieces() }
            })
        });
        Box::new(fewer_messages.chain(fewer_pieces).chain(shorter).chain(shorter_pieces))
    }

    fn show(&self) -> String {
        let pieces = match self.pieces[..] {
            [] => String::new(),
            _ => format!(
                "# in pieces of so many bytes, over and over: {:?}\n",
                self.pieces.iter().map(|length| 1 + usize::from(*length)).collect::<Vec<_>>()
            ),
        };
        pieces + &super::transcript(&self.stream(), LINE_LIMIT)
    }
}

/// Shorter forms of a message. A burst loses whole messages before any message loses bytes.
fn simpler_message(message: &[u8]) -> Box<dyn Iterator<Item = Vec<u8>> + '_> {
    let lines: Vec<_> = message.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        let fewer = without_runs(&lines).map(|lines| lines.concat());
        let same = lines.iter().all(|line| *line == lines[0]).then_some(lines[0]).into_iter();
        let simpler = same.flat_map(simpler_bytes).map(|line| line.repeat(lines.len()));
        return Box::new(fewer.chain(simpler).collect::<Vec<_>>().into_iter());
    }
    Box::new(simpler_bytes(message))
}

/// Two clients that send commands, and the turns in which they send how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duo {
    /// What each client sends.
    pub clients: [Vec<Command>; 2],
    /// Turns, used again and again: the lowest bit is the client, and the others say how many bytes it sends.
    pub turns: Vec<u8>,
}

impl Duo {
    /// The most commands of one client.
    pub const MAX_COMMANDS: usize = 8;
}

impl Arbitrary<'_> for Duo {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let size = 2 + usize::from(u8::arbitrary(u)? % 2);
        let turns = (0..=u8::arbitrary(u)? % 8).map(|_| u8::arbitrary(u));
        let turns = turns.collect::<Result<_>>()?;
        let mut clients = [Vec::new(), Vec::new()];
        for turn in 0..2 * Self::MAX_COMMANDS {
            if u.is_empty() {
                break;
            }
            mark_element(u);
            clients[turn % 2].push(command(u, Mix::LASTING, few_names(size))?);
        }
        Ok(Self { clients, turns })
    }
}

impl Input for Duo {
    const BYTES: usize = 64;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // Three names and two turns: each client sends a few bytes at a time.
        let head = std::iter::once(vec![1, 1, 2 * 20, 2 * 30 + 1]);
        let commands = seeds(stream, 3).take(2 * Self::MAX_COMMANDS);
        vec![head.chain(commands).flatten().collect()]
    }

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        let fewer = (0..2).flat_map(move |client| {
            let simpler = Trace(self.clients[client].clone());
            let simpler: Vec<_> = simpler.simpler().collect();
            simpler.into_iter().map(move |trace| {
                let mut duo = self.clone();
                duo.clients[client] = trace.0;
                duo
            })
        });
        let turns = without_runs(&self.turns)
            .map(move |turns| Self { clients: self.clients.clone(), turns });
        Box::new(fewer.chain(turns))
    }

    /// Each client's commands under its name. Replies depend on the turns, and are left out.
    fn show(&self) -> String {
        let mut text = format!("# turns: {:?}\n", self.turns);
        for (name, commands) in ["one", "two"].iter().zip(&self.clients) {
            text += &format!("@ {name}\n");
            text.extend(commands.iter().map(|command| format!("> {command}\n")));
        }
        text
    }
}

/// A trace for an index with limits so small that the trace reaches them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded {
    /// What the index may hold.
    pub limits: Limits,
    /// The commands for the index.
    pub trace: Trace<Command>,
}

impl Arbitrary<'_> for Bounded {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let limits = Limits {
            max_packages: usize::from(u8::arbitrary(u)? % 6),
            max_dependencies: usize::from(u8::arbitrary(u)? % 8),
            max_dependencies_per_package: usize::from(u8::arbitrary(u)? % 4),
            // Up to 765. Five packages of one letter take 325.
            max_state_bytes: 3 * usize::from(u8::arbitrary(u)?),
        };
        Ok(Self { limits, trace: Trace::arbitrary(u)? })
    }
}

impl Input for Bounded {
    const BYTES: usize = 200;

    fn seeds(stream: &[u8]) -> Vec<Vec<u8>> {
        // At most three packages, three dependencies, two of one package, and 255 bytes.
        Trace::<Command>::seeds(stream)
            .into_iter()
            .map(|seed| [vec![3, 3, 2, 85], seed].concat())
            .collect()
    }

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        Box::new(self.trace.simpler().map(|trace| Self { trace, ..*self }))
    }

    fn show(&self) -> String {
        let limits = format!(
            "# at most {} packages, {} dependencies, {} of one package, {} bytes of state\n",
            self.limits.max_packages,
            self.limits.max_dependencies,
            self.limits.max_dependencies_per_package,
            self.limits.max_state_bytes
        );
        limits + &Command::show_trace(&self.trace.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::input::from_bytes;

    #[test]
    fn a_conversation_arrives_in_its_pieces() {
        let conversation = Conversation { messages: vec![b"abcdefg".to_vec()], pieces: vec![0, 2] };
        let stream = conversation.stream();
        let arriving: Vec<_> = conversation.arriving(&stream).collect();
        assert_eq!(arriving, [b"a".as_slice(), b"bcd", b"e", b"fg"]);
        let at_once = Conversation { pieces: vec![], ..conversation };
        assert_eq!(at_once.arriving(&stream).count(), 1);
    }

    #[test]
    fn a_conversation_is_shown_with_the_replies_of_the_model() {
        let messages = vec![b"INDEX|a|\n".to_vec(), vec![b'x'; LINE_LIMIT], b"y\nQUE".to_vec()];
        let shown = Conversation { messages, pieces: vec![1] }.show();
        assert_eq!(
            shown,
            format!(
                "# in pieces of so many bytes, over and over: [2]\n\
                 > INDEX|a|\n< OK\n> \\{{{LINE_LIMIT}:x}}y\n< ERROR\n>~ QUE\n"
            )
        );
    }

    #[test]
    fn two_clients_share_two_or_three_names() {
        let duo: Duo = from_bytes(&[1, 0, 7, 9, 32, 13, 16]).unwrap();
        assert_eq!(duo.show(), "# turns: [7]\n@ one\n> REMOVE|c|\n@ two\n> QUERY|b|\n");
    }
}
