//! What the table claims about the wire.

use crate::command::{Command, CommandRef, Reply};
use crate::testing::generators::{Conversation, LINE_LIMIT, Line, Noise};
use crate::testing::reference;
use crate::wire::{Frame, LineBuffer, ParseError, parse, parse_reply};

pub(super) fn parser_is_total(Noise(bytes): &Noise) -> Result<(), String> {
    Wire::OURS.is_total(bytes)
}

pub(super) fn parser_agrees_with_reference_on_noise(Noise(bytes): &Noise) -> Result<(), String> {
    Wire::OURS.agrees_on_all(bytes)
}

pub(super) fn parser_agrees_with_reference_on_lines(Line(line): &Line) -> Result<(), String> {
    Wire::OURS.agrees(line)
}

pub(super) fn commands_print_and_parse_back(command: &Command) -> Result<(), String> {
    let printed = command.to_string();
    let owned = printed.parse::<Command>();
    if owned.as_ref() != Ok(command) {
        return Err(format!("{printed:?} is read as {owned:?}"));
    }
    Wire::OURS.reads_back(command)
}

pub(super) fn lines_parse_and_print_back(Line(line): &Line) -> Result<(), String> {
    Wire::OURS.prints_back(line)
}

/// Functions that read and print messages, so that the properties can be tried on wrong ones.
#[derive(Clone, Copy)]
pub(super) struct Wire {
    pub(super) parse: for<'a> fn(&'a [u8]) -> Result<CommandRef<'a>, ParseError>,
    pub(super) parse_reply: fn(&[u8]) -> Result<Reply, ParseError>,
    pub(super) print: fn(CommandRef<'_>) -> String,
}

impl Wire {
    pub(super) const OURS: Self = Self { parse, parse_reply, print: |command| command.to_string() };

    pub(super) fn is_total(&self, bytes: &[u8]) -> Result<(), String> {
        let errors = [(self.parse)(bytes).err(), (self.parse_reply)(bytes).err()];
        for error in errors.into_iter().flatten() {
            if error.offset > bytes.len() || error.found != bytes.get(error.offset).copied() {
                return Err(format!("the error points elsewhere: {error}"));
            }
        }
        Ok(())
    }

    pub(super) fn agrees_on_all(&self, bytes: &[u8]) -> Result<(), String> {
        self.agrees(bytes)?;
        // Each line of the noise by itself, too: the whole is mostly just malformed.
        bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| self.agrees(line))
    }

    pub(super) fn agrees(&self, line: &[u8]) -> Result<(), String> {
        let parsed = (self.parse)(line).map(CommandRef::to_command);
        if parsed.as_ref().ok() != reference::parse(line).as_ref() {
            let expected = reference::parse(line);
            return Err(format!("the parser gives {parsed:?}, the reference {expected:?}"));
        }
        let reply = (self.parse_reply)(line);
        if reply.ok() != reference::parse_reply(line) {
            return Err(format!("as a reply, the parser gives {reply:?}"));
        }
        Ok(())
    }

    pub(super) fn reads_back(&self, command: &Command) -> Result<(), String> {
        let line = format!("{}\n", (self.print)(command.into()));
        let read = (self.parse)(line.as_bytes());
        if read != Ok(CommandRef::from(command)) {
            return Err(format!("{line:?} is read as {read:?}"));
        }
        Ok(())
    }

    pub(super) fn prints_back(&self, line: &[u8]) -> Result<(), String> {
        let Ok(read) = (self.parse)(line) else { return Ok(()) };
        let printed = format!("{}\n", (self.print)(read));
        let again = (self.parse)(printed.as_bytes());
        if again != Ok(read) {
            return Err(format!("it prints as {printed:?}, which is read as {again:?}"));
        }
        Ok(())
    }
}

pub(super) fn framing_ignores_segmentation(conversation: &Conversation) -> Result<(), String> {
    ignores_segmentation(|_buffer| (), conversation)
}

/// `between` is what happens to the buffer between two pieces.
pub(super) fn ignores_segmentation(
    between: fn(&mut LineBuffer),
    conversation: &Conversation,
) -> Result<(), String> {
    let stream = conversation.stream();
    let expected = reference::lines(&stream, LINE_LIMIT);
    let mut buffer = LineBuffer::new(LINE_LIMIT);
    let mut found = 0;
    let mut arrived = 0;
    for piece in conversation.arriving(&stream) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = buffer.fill(rest);
            rest = &rest[taken..];
            arrived += taken;
            for frame in buffer.lines() {
                let line = match frame {
                    Frame::Line(line) => Some(line),
                    Frame::TooLong(_) => None,
                };
                if expected.get(found).map(|(_, line)| *line) != Some(line) {
                    return Err(format!(
                        "line {found} is {:?}",
                        line.map(|line| line.escape_ascii().to_string())
                    ));
                }
                found += 1;
            }
        }
        between(&mut buffer);
        // As early as possible: what has arrived has been framed.
        let due = reference::due(&expected, arrived);
        if found != due {
            return Err(format!("after {arrived} bytes there are {found} lines, {due} are due"));
        }
    }
    Ok(())
}
